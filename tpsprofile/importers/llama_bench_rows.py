"""llama-bench's JSON, JSON Lines, CSV and SQL as raw rows: cells by key, with the line of each.

Rows are found wherever they stand, between the lines of a log as well. What is part of a row and no whole one is
refused, unless it is where the file ends: a killed run leaves its last row torn, or none at all.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import pairwise
from typing import Any, NamedTuple

from tpsprofile.importers.figures import shown
from tpsprofile.importers.reported import Refused
from tpsprofile.importers.texts import json_at, line_at

KEYS = ("n_prompt", "n_gen", "avg_ns", "avg_ts", "model_n_params")
"""What every row has, in every build and format."""


class Raw(NamedTuple):
    """One row as the file has it."""

    line: int
    cells: dict[str, Any]


class Rows(NamedTuple):
    """The rows of a text."""

    rows: tuple[Raw, ...]
    cut: bool
    """The file ends in the middle of a row, or before its end is marked."""


# --------------------------------------------------------------------------------------- JSON, JSON Lines

_OPENING = re.compile(r"(?:^|(?<=[\[,}]))[ \t]*\{", re.MULTILINE)
_PART_OF_A_ROW = re.compile(rf'"?(?:{"|".join((*KEYS, "samples_ns", "samples_ts", "build_commit"))})"?\s*:')


def is_json(text: str) -> bool:
    """Whether the text has rows as JSON objects, or begins as an array of them does."""
    return bool(re.search(r'"(?:build_commit|samples_ns)"\s*:', text)) or text.strip() == "["


def json_rows(text: str) -> Rows:
    """Rows of JSON or JSON Lines. Raises Refused for damage, with its line."""
    rows: list[Raw] = []
    position, line, cut = 0, 1, False
    while opening := _OPENING.search(text, position):
        _check_between(text, position, opening.start())
        line += text.count("\n", position, opening.end())
        found = json_at(text, opening.end() - 1, line)
        if found is None:
            cut, position = True, len(text)
            break
        if _is_row(found.value, found.line):
            rows.append(Raw(found.line, found.value))
        line += text.count("\n", opening.end(), found.end)
        position = found.end
    _check_between(text, position, len(text))
    return Rows(tuple(rows), cut or _is_left_open(text, position))


def _is_row(value: Any, line: int) -> bool:
    """A row; False for the object of another program. Raises Refused for a row that lacks something."""
    missing = [key for key in KEYS if key not in value]
    if len(missing) == len(KEYS):
        return False
    if "tpsprofile" in value:
        raise Refused("It is an export of this program's own.", line, "Take the results file that it comes from.")
    if missing:
        raise Refused(f"A row without {missing[0]}.", line)
    return True


def _check_between(text: str, start: int, end: int) -> None:
    """Between rows anything may stand, except what was part of one."""
    if torn := _PART_OF_A_ROW.search(text, start, end):
        raise Refused("Part of a row, without its beginning.", line_at(text, torn.start()))


def _is_left_open(text: str, end: int) -> bool:
    """An array that was begun and not closed after its last row."""
    return text.lstrip().startswith("[") and "]" not in text[end:]


# ----------------------------------------------------------------------------------------------------- CSV

_HEADING = re.compile(r"^[ \t]*(?:\w+,)*build_commit,(?:\w+,)+\w+[ \t]*$", re.MULTILINE | re.ASCII)
_LIKE_A_ROW = re.compile(r'",\s*"')


def is_csv(text: str) -> bool:
    """Whether the text has llama-bench's heading of a CSV file, or rows as it quotes them."""
    return bool(_HEADING.search(text)) or bool(
        re.search(r"^[^\w\n]{0,9}\w*build_com\w*,|,n_prompt,", text, re.MULTILINE)
    )


def csv_rows(text: str) -> Rows:
    """Rows of CSV. Raises Refused for damage, with its line."""
    names: list[str] = []
    rows: list[Raw] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if _HEADING.match(line) and number < len(lines):
            names = _names(line.strip().split(","), number)
        elif _LIKE_A_ROW.search(line) or ",n_prompt," in line:
            values = _values(line.strip())
            if values is None or not names or len(values) != len(names):
                if number == len(lines) and (values is None or len(values) < len(names)):
                    return Rows(tuple(rows), cut=True)
                raise _uneven(values, names, number)
            rows.append(Raw(number, dict(zip(names, values, strict=True))))
    return Rows(tuple(rows), cut=False)


def _names(names: list[str], line: int) -> list[str]:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice:
        raise Refused(f"The column {shown(twice)} stands there twice.", line)
    missing = [key for key in KEYS if key not in names]
    if missing:
        raise Refused(f"There is no column {missing[0]}.", line)
    return names


def _values(line: str) -> list[str] | None:
    """The values of one line; None where it is no row of quoted values."""
    if not re.fullmatch(r'"[^"]*(?:""[^"]*)*"(?:,"[^"]*(?:""[^"]*)*")*', line):
        return None
    return next(csv.reader([line], strict=True))


def _uneven(values: list[str] | None, names: list[str], line: int) -> Refused:
    if values is None:
        return Refused("A row whose quotes and commas do not fit together.", line)
    if not names:
        return Refused("A row without a heading above it.", line)
    return Refused(f"{len(values)} values under {len(names)} names: which is which cannot be told.", line)


# ----------------------------------------------------------------------------------------------------- SQL

_INSERT = re.compile(r"\bINSERT INTO\b")
_BEGINS = re.compile(r"^[ \t]*(?:INSERT INTO|CREATE TABLE IF NOT EXISTS) (?:llama_bench|test)\b", re.MULTILINE)
_VALUE = r"'[^'\n]*(?:''[^'\n]*)*'"
_STATEMENT = re.compile(
    r"INSERT INTO (?:llama_bench|test) \((?P<names>\w+(?:, ?\w+)*)\) VALUES "  # noqa: S608  (read, not run)
    rf"\((?P<values>{_VALUE}(?:, ?{_VALUE})*)\);(?P<rest>[\s\S]*)",
    re.ASCII,
)
_LOST = re.compile(r"VALUES\s*\(|', ?'|'\);")


def is_sql(text: str) -> bool:
    """Whether the text has statements as llama-bench writes them, or makes the table for them."""
    return bool(_BEGINS.search(text))


def sql_rows(text: str) -> Rows:
    """Rows of SQL. Raises Refused for damage, with its line."""
    rows: list[Raw] = []
    begins = [found.start() for found in _INSERT.finditer(text)]
    for start, end in pairwise([*begins, len(text)]):
        line, chunk = line_at(text, start), text[start:end]
        found = _STATEMENT.fullmatch(chunk)
        if not found or _LOST.search(found["rest"]):
            if not found and end == len(text) and ");" not in chunk and "\n" not in chunk.strip():
                return Rows(tuple(rows), cut=True)
            raise Refused("A statement that is not as llama-bench writes them.", line)
        names = _names(re.split(", ?", found["names"]), line)
        values = [value[1:-1].replace("''", "'") for value in re.findall(_VALUE, found["values"])]
        if len(values) != len(names):
            raise _uneven(values, names, line)
        rows.append(Raw(line, dict(zip(names, values, strict=True))))
    if lost := _LOST.search(text, 0, begins[0] if begins else len(text)):
        raise Refused("Part of a statement, without its beginning.", line_at(text, lost.start()))
    return Rows(tuple(rows), cut=False)
