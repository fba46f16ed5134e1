"""llama-bench: JSON, JSON Lines, CSV, SQL and markdown (``-o``), whole, cut off, or in the middle of a log.

JSON and JSON Lines have every repetition, each a trial; the others have means alone. Where a text has several of
them, as with ``-oe``, the one that tells most counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tpsprofile.importers.llama_bench_checked import Measured, check_alike, checked
from tpsprofile.importers.llama_bench_parts import parts, sifted
from tpsprofile.importers.llama_bench_rows import Rows, csv_rows, is_csv, is_json, is_sql, json_rows, sql_rows
from tpsprofile.importers.llama_bench_table import is_table, table
from tpsprofile.importers.reported import Part, Refused

_FORMS: tuple[tuple[str, Callable[[str], bool], Callable[[str], Rows]], ...] = (
    ("JSON", is_json, json_rows),
    ("CSV", is_csv, csv_rows),
    ("SQL", is_sql, sql_rows),
)
MOST_ROWS = 10_000
NO_BUILD = " (no line names the build after them)"
_OF_A_RUN = re.compile(r"\bllama[-_]bench\b")
_LOG = re.compile(r"\s*(?:ggml|llama|load_backend|main)\w*:")
_CAUSES = {
    r"out of memory|OutOfDeviceMemory|cudaMalloc failed|allocation of size \d+ failed": "memory ran out",
    r"[Ff]ailed to (?:load|open) (?:the )?(?:model|GGUF)|unable to load model": "the model could not be loaded",
    r"[Ff]ailed to connect": "a worker of it could not be reached",
    r"GPU [Hh]ang|DeviceLost|[Mm]emory access fault|APERTURE_VIOLATION|aborting": "the graphics processor gave up",
}


def claims(text: str) -> bool:
    """Whether the text looks like an output of llama-bench, or like what it writes before its first result."""
    return (
        any(is_one(text) for _, is_one, _ in _FORMS)
        or is_table(text)
        or bool(_OF_A_RUN.search(text))
        or bool(_LOG.match(text))
    )


def read(text: str) -> tuple[Part, ...]:
    """A part for each build and set of options. Raises Refused."""
    tests, remarks = _tests(text)
    counted = sifted(tests)
    if not counted.tests:
        raise Refused(f"It has no row that counts.{_cause(text)}", advice=" ".join(counted.remarks) or None)
    return parts(counted.tests, (*remarks, *counted.remarks))


def _tests(text: str) -> tuple[tuple[Measured, ...], list[str]]:
    """The tests of a text in the form that tells most, and what there is to tell of them."""
    for name, is_one, rows_of in _FORMS:
        if is_one(text):
            found = rows_of(text)
            if len(found.rows) > MOST_ROWS:
                raise Refused(f"It has more than {MOST_ROWS:,} rows: no output of one run.")
            check_alike(found.rows)
            tests = tuple(checked(raw) for raw in found.rows)
            again = table(text).tests if is_table(text) else ()
            remarks = [f"Left out: the table beside the {name}, rows: {len(again)}."] if again else []
            return tests, [*_cut(len(tests), found.cut), *remarks]
    found_table = table(text)
    if found_table.headings and not found_table.tests:
        raise Refused(f"Its table has no rows: llama-bench ended before its first result.{_cause(text)}")
    ended = found_table.cut or found_table.unbuilt > 0
    rounded = ["Sizes of models are as rounded as tables print them."] if found_table.tests else []
    return found_table.tests, [*_cut(len(found_table.tests), ended, NO_BUILD), *rounded]


def _cut(rows: int, cut: bool, sign: str = "") -> list[str]:
    """What is said of a file that was cut off."""
    return [f"It was cut off: {rows} whole row{'s' * (rows != 1)}{sign}."] if cut and rows else []


def _cause(text: str) -> str:
    """Why there may be no result, in the words of the log around it."""
    cause = next((told for pattern, told in _CAUSES.items() if re.search(pattern, text)), None)
    return f" It looks as if {cause}." if cause else ""
