"""llama-bench's markdown tables, as they stand in logs and posts.

Columns are found by their names: they differ by build, an option has one only where it is not at its default, and
long names of models push the others aside. Whatever stands before, between and after the rows is passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from tpsprofile.importers import figures, names
from tpsprofile.importers.llama_bench_checked import Measured, active, plausible_size
from tpsprofile.importers.llama_bench_options import backend_names, engine_of, is_idle, option
from tpsprofile.importers.reported import Option, Refused
from tpsprofile.records import EngineInfo, ModelFacts

COLUMNS = frozenset({"model", "size", "params", "backend", "test", "t/s"})
"""What every table has."""
_OPTIONS = {
    "ngl": "n_gpu_layers", "ncmoe": "n_cpu_moe", "fa": "flash_attn", "sm": "split_mode", "mg": "main_gpu",
    "mmap": "use_mmap", "dio": "use_direct_io", "lm": "load_mode", "dev": "devices", "ts": "tensor_split",
    "ot": "tensor_buft_overrides", "nkvo": "no_kv_offload", "nopo": "no_op_offload", "embd": "embeddings",
    "fitt": "fit_target", "fitc": "fit_min_ctx",
}  # fmt: skip
"""Abbreviation in a heading -> name of the option in JSON."""
_BUILD = re.compile(r"[\s>]*build: (\S+) \((\d+)\)\s*$", re.ASCII)
_RULE = re.compile(r"\|[\s|:-]+\|?")
_TEST = re.compile(r"(?:pp ?(?P<pp>\d+))?\+?(?:tg ?(?P<tg>\d+))?(?: ?@ ?d(?P<depth>\d+))?", re.ASCII)
_KINDS = ("pp", "tg")
_RATE = re.compile(r"(\d+\.\d+) ?(?:±|┬▒|Â±|\+/-|\+-) ?(\d+\.\d+)", re.ASCII)
"""A rate and its deviation; consoles of another encoding print the sign between them as two."""
_LIKE_A_TEST = re.compile(r"\|\s*(?:pp|tg) ?\d", re.ASCII)
_LIKE_A_RATE = re.compile(r"\d ?(?:±|┬▒|Â±|\+/-|\+-) ?\d", re.ASCII)
_SIZE = re.compile(r"(\d+\.\d+) ([KMGT])iB", re.ASCII)
_PARAMETERS = re.compile(r"(\d+\.\d+) ([KMBT])", re.ASCII)
_UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_BYTES = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class Row(NamedTuple):
    """One row of a table."""

    line: int
    cells: dict[str, str]


class Table(NamedTuple):
    """What is in a text."""

    tests: tuple[Measured, ...]
    headings: int
    """Tables that were begun."""
    unbuilt: int
    """Rows without a line that names the build after them: what a whole run ends with."""
    cut: bool
    """The last row is torn."""


def is_table(text: str) -> bool:
    """Whether the text has the heading of such a table, or the line that stands after one."""
    return bool(
        re.search(r"\|\s*size\s*\|\s*params\s*\|", text)
        or re.search(r"^[ \t>]*build: \w+ \(\d+\)[ \t]*$", text, re.MULTILINE | re.ASCII)
    )


def table(text: str) -> Table:
    """Every row of every table in a text. Raises Refused for a damaged row, with its line."""
    columns: list[str] = []
    tests: list[Measured] = []
    waiting: list[Row] = []
    headings, cut = 0, False
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        cells = _cells(line)
        if built := _BUILD.match(line):
            tests += _tests(waiting, built[1], figures.whole(built[2], "build", number, most=10**7))
            columns, waiting = [], []
        elif cells is not None and set(cells) >= COLUMNS:
            columns, headings = _heading(cells, number), headings + 1
            tests += _tests(waiting)
            waiting = []
        elif cells is None or not columns:
            cut = cut or _check_passed_over(line, number, number == len(lines), bool(columns))
        elif not _RULE.fullmatch(line.strip(" >\t")):
            if len(cells) < len(columns) and number == len(lines):
                cut = True
                break
            if len(cells) != len(columns):
                raise Refused(f"{len(cells)} cells under {len(columns)} names.", number)
            waiting.append(Row(number, dict(zip(columns, cells, strict=True))))
    return Table((*tests, *_tests(waiting)), headings, len(waiting), cut)


def _cells(line: str) -> list[str] | None:
    """The cells of a line of a table, without the stars of emphasis; None for any other line."""
    stripped = line.strip(" >\t")
    if len(stripped) < 2 or stripped[0] != "|" or stripped[-1] != "|":
        return None
    return [cell.strip(" *`\t") for cell in stripped[1:-1].split("|")]


def _heading(cells: list[str], line: int) -> list[str]:
    twice = next((name for name, count in Counter(cells).items() if count > 1), None)
    if twice is not None:
        raise Refused(f"The column {figures.shown(twice)} stands there twice.", line)
    return cells


def _check_passed_over(line: str, number: int, is_last: bool, in_table: bool) -> bool:
    """Whether a line that is passed over is a torn row at the end. Raises Refused where it is a row elsewhere."""
    begun = in_table and line.strip(" >\t").startswith("|")
    if is_last and begun:
        return True
    if begun or (_LIKE_A_TEST.search(line) and _LIKE_A_RATE.search(line)):
        raise Refused("A damaged row." if in_table else "A row without its heading above it.", number)
    return False


def _tests(rows: list[Row], commit: str = "", number: int = 0) -> list[Measured]:
    return [_measured(row, commit, number) for row in rows]


def _measured(row: Row, commit: str, number: int) -> Measured:
    cells, line = row.cells, row.line
    test = _TEST.fullmatch(cells["test"])
    if not test or not (test["pp"] or test["tg"]):
        raise Refused(f"The test is {figures.shown(cells['test'])}, none of llama-bench's.", line)
    n_prompt, n_gen = (figures.tokens(test[name], "test", line, least=1) if test[name] else 0 for name in _KINDS)
    depth = figures.tokens(test["depth"] or 0, "test", line)
    rates = _RATE.fullmatch(cells["t/s"])
    if not rates:
        raise Refused(f"t/s is {figures.shown(cells['t/s'])}, not a rate and its deviation.", line)
    rate = figures.rate(rates[1], "t/s", line)
    return Measured(
        line=line,
        model=_model(cells, line),
        engine=_engine(cells, commit, number, line),
        options=_options(cells, line),
        n_prompt=n_prompt,
        n_gen=n_gen,
        depth=depth,
        rates=(rate,),
        seconds=((n_prompt + n_gen) / rate,),
        is_mean=True,
        deviation=figures.real(rates[2], "t/s", line, zero=True, most=figures.RATE_MOST),
    )


def _model(cells: dict[str, str], line: int) -> ModelFacts:
    """The model; its size and parameters are as rounded as they are printed."""
    description = figures.word(cells["model"], "model", line)
    name, quantisation = names.described(description)
    if not name:
        raise Refused("A row that does not name its model.", line)
    size = _amount(cells["size"], "size", _SIZE, _BYTES, line)
    parameters = _amount(cells["params"], "params", _PARAMETERS, _UNITS, line)
    plausible_size(size, parameters, line)
    return ModelFacts(
        name=name,
        parameters=parameters,
        parameters_active=active(description, parameters),
        quantisation=quantisation,
        file_bytes=size,
        architecture=name.split(" ")[0].lower(),
        format="gguf",
    )


def _amount(cell: str, what: str, form: re.Pattern[str], units: dict[str, int], line: int) -> int:
    found = form.fullmatch(cell)
    if not found:
        raise Refused(f"{what} is {figures.shown(cell)}, not an amount with its unit.", line)
    return round(figures.real(found[1], what, line, most=10**6) * units[found[2]])


def _engine(cells: dict[str, str], commit: str, number: int, line: int) -> EngineInfo:
    return engine_of(commit, number, backend_names(figures.word(cells["backend"], "backend", line)))


def _options(cells: dict[str, str], line: int) -> dict[str, Option]:
    told = {_OPTIONS.get(name, name): cell for name, cell in cells.items() if name not in COLUMNS}
    found = {key: option(key, cell, line) for key, cell in told.items()}
    return {key: value for key, value in found.items() if not is_idle(key, value)}
