"""The fixed prompts, the text before each that no cache can know, and text of any length.

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
SENTENCE = "The first row of each file names the columns, and every further row becomes one record of its table.\n"
"""What longer contexts and prompts are made of: its length in tokens is that of any copy of it."""
SENTENCE_TOKENS = 20.0
"""Its usual length, for engines that do not count."""


def nonce(number: int) -> str:
    """Six digits and a line break, another one for each trial, the same sequence on every machine.

    Consecutive ones differ in the first digit (791,917 is prime to 1,000,000), so that not even the first token of
    the prompt before it can be reused.
    """
    return f"{number * 791_917 % 1_000_000:06d}\n"


def text(name: str, number: int, *, before: int = 0, longer: int = 0) -> str:
    """The whole prompt of trial ``number`` (0 is the warm-up).

    ``before`` sentences stand before the nonce: they are the context that may come from a cache. ``longer``
    sentences stand behind it, and belong to the prompt.
    """
    return context(before) + nonce(number) + SENTENCE * longer + PROMPTS[name]


def context(sentences: int) -> str:
    """What is in the context before the prompt."""
    return SENTENCE * sentences
