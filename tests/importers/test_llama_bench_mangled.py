"""A thousand damaged copies of each of llama-bench's formats: right, or refused with the line and the reason.

Right means:

- JSON, JSON Lines, CSV and SQL tell a rate and its time: whatever was damaged, a rate that is imported is that of
  the same test in the original. (Means of CSV and SQL within what the spread of the repetitions leaves open.)
- What a format tells but once (depths, sizes; in tables all of it) cannot be known to be wrong. It is the
  original's, or stands there in the damaged copy, in the row that it was read from, under its name.
- Where nothing was taken out of a copy, no test of it is missing without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.importers.mangler import Copy, copies
from tpsprofile import importers
from tpsprofile.importers import Part, Refused, texts
from tpsprofile.records import Trial

FIXTURES = Path(__file__).parent / "fixtures" / "llama_bench"
NAME = "copy"
COPIES = 1000
TAKES_AWAY = ("deleted", "removed", "cut off", "nothing left", "swapped")
"""Damage after which a row may be missing that nobody can miss."""


class Told(NamedTuple):
    """What was imported of one repetition."""

    n_prompt: int | None
    n_gen: int | None
    rate: float
    depth: int | None
    size: int | None
    parameters: int | None


def told(trial: Trial) -> Told:
    work, model = trial.workload, trial.model
    rate = trial.decode_tok_s or trial.prefill_tok_s
    assert rate is not None
    return Told(work.prompt_tokens, work.tokens_out, rate, work.depth_tokens, model.file_bytes, model.parameters)


def of(parts: Iterable[Part]) -> list[Told]:
    return [told(trial) for part in parts for trial in part.trials]


def is_told(one: Told, known: list[Told], within: float) -> bool:
    """A test of the original with that rate."""
    return any(
        (one.n_prompt, one.n_gen) == (other.n_prompt, other.n_gen) and abs(one.rate / other.rate - 1) <= within
        for other in known
    )


def stands(key: str, value: int | None, text: str) -> bool:
    """Whether a number stands in the text under its name; None where the name is missing."""
    if value is None:
        return not re.search(rf'"{key}"\s*:', text)
    return bool(re.search(rf'"{key}"\s*:\s*"?\s*0*{value}\b(?![.eE])', text))


def in_json(one: Told, known: list[Told], text: str) -> str | None:
    if not is_told(one, known, 2e-5):
        return "a rate that is none of this test's"
    for key, value in (("n_depth", one.depth), ("model_size", one.size), ("model_n_params", one.parameters)):
        unknown = value in {0, None}
        if not stands(key, value or 0, text) and not (unknown and f'"{key}"' not in text):
            return f"{key} is {value}, which stands nowhere"
    return None


def in_values(one: Told, known: list[Told], text: str) -> str | None:
    """CSV and SQL: the same, where names and values are apart."""
    if not is_told(one, known, 0.012):
        return "a rate that is none of this test's"
    for value in (one.depth, one.size, one.parameters):
        if value and not re.search(rf"""["'] *0*{value} *["']""", text):
            return f"{value}, which stands nowhere"
    return None


def in_a_table(one: Told, known: list[Told], text: str) -> str | None:
    """Every figure stands in one and the same line, with its unit."""
    prompt = rf"pp ?0*{one.n_prompt}" if one.n_prompt else rf"tg ?0*{one.n_gen}"
    depth = rf" ?@ ?d0*{one.depth}" if one.depth else r"(?: ?@ ?d0+)?"
    for line in text.split("\n"):
        found = re.search(rf"\|[ *`]*{prompt}{depth}[ *`]*\|", line)
        if found and _has(line, one.rate, {"": 1}) and _has_sizes(line, one):
            return None
    return "figures that stand in no line together"


def _has_sizes(line: str, one: Told) -> bool:
    assert one.size is not None
    assert one.parameters is not None
    sizes = {" KiB": 2**10, " MiB": 2**20, " GiB": 2**30, " TiB": 2**40}
    return _has(line, one.size, sizes) and _has(
        line, one.parameters, {" K": 1e3, " M": 1e6, " B": 1e9, " T": 1e12}
    )


def _has(line: str, value: float, scales: Mapping[str, float]) -> bool:
    return any(
        abs(float(number) * scale - value) <= 1e-9 * value + 0.5 * (scale > 1)
        for unit, scale in scales.items()
        for number in re.findall(rf"(\d+\.\d+){unit}\b", line)
    )


Judge = Callable[[Told, list[Told], str], str | None]
FORMS: list[tuple[str, Judge]] = [
    ("smollm2-r3-p64n16-d0-256.json", in_json),
    ("smollm2-r3-p64n16-d0-256.jsonl", in_json),
    ("smollm2-fa-sweep.csv", in_values),
    ("smollm2-means.sql", in_values),
    ("smollm2-threads1-2-pg32-8.md", in_a_table),
    ("smollm2-fa-ctkv-q8_0-loadmode.md", in_a_table),
]


def fault(copy: Copy, known: list[Told], judge: Judge) -> str | None:
    """What is wrong with what a damaged copy becomes; anything but Refused ends the test with its traceback."""
    try:
        parts = importers.read(copy.content, NAME)
    except Refused as refused:
        return badly(refused, copy.content)
    found, text = of(parts), texts.decoded(copy.content)
    for one in found:
        if one not in known and (wrong := judge(one, known, text)):
            return f"{one}: {wrong}"
    silent = not any("Left out" in remark or "cut off" in remark for part in parts for remark in part.remarks)
    if len(found) < len(known) and silent and not any(word in copy.damage for word in TAKES_AWAY):
        return f"{len(found)} of {len(known)} trials, and no word of the others"
    return None


def badly(refused: Refused, content: bytes) -> str | None:
    said, lines = str(refused), content.count(b"\n") + content.count(b"\r") + 1
    if not said.startswith(NAME) or not said.isprintable() or not 10 < len(said) < 400:
        return f"a poor message: {said[:400]!r}"
    return None if refused.line is None or 1 <= refused.line <= lines else f"line {refused.line} of {lines}"


@pytest.mark.parametrize(("file", "judge"), FORMS, ids=[file for file, _ in FORMS])
def test_a_damaged_copy_is_right_or_refused(file: str, judge: Judge) -> None:
    original = (FIXTURES / file).read_bytes()
    known = of(importers.read(original, NAME))
    faults = [
        f"copy {number} ({copy.damage}): {wrong}"
        for number, copy in enumerate(copies(original, COPIES))
        if (wrong := fault(copy, known, judge))
    ]
    assert not faults, "\n".join(faults[:20])


@pytest.mark.parametrize("file", [file for file, judge in FORMS if judge is not in_a_table])
def test_a_changed_digit_of_a_rate_is_found(file: str) -> None:
    """Every digit of every rate whose change is more than its printing and its spread leave open."""
    text = (FIXTURES / file).read_text()
    for rate in re.findall(r"(?<=avg_ts\": )[\d.]+", text) or re.findall(r"(?<=['\"])\d+\.\d{6}(?=['\"],)", text):
        whole = rate.index(".") if file.endswith(("csv", "sql")) else rate.index(".") + 4
        for place in range(min(2, whole) if file.endswith(("csv", "sql")) else whole):
            if rate[place] != ".":
                other = "1" if rate[place] != "1" else "2"
                changed = text.replace(rate, f"{rate[:place]}{other}{rate[place + 1 :]}")
                with pytest.raises(Refused, match="avg_ts is"):
                    importers.read(changed, NAME)
