"""The fixed prompts, and the text before each that no cache can know.

Prompts go in raw, without a chat template. So that a model goes on rather than ends its answer at once, the
request is followed by the first lines of the answer. (An engine that can be told to ignore the end of text is.)
"""

from __future__ import annotations

from collections.abc import Mapping

PROMPTS: Mapping[str, str] = {
    "csvs-to-sqlite": (
        "Write Python code and nothing else: no explanation, no markdown. "
        "Implement the function with this definition: "
        "def csvs_to_sqlite_tables(csv_paths, sqlite_path)\n\n"
        "import csv\nimport sqlite3\n\n\n"
        'def csvs_to_sqlite_tables(csv_paths, sqlite_path):\n    """'
    ),
}


def nonce(number: int) -> str:
    """Four digits and a line break, another one for each trial, the same sequence on every machine.

    Consecutive ones differ in the first digit (7919 is prime to 10,000), so that not even the first token of
    the prompt before it can be reused.
    """
    return f"{number * 7919 % 10_000:04d}\n"


def text(name: str, number: int) -> str:
    """The whole prompt of trial ``number`` (0 is the warm-up)."""
    return nonce(number) + PROMPTS[name]
