"""Tests of llama-bench become parts: what is left out and why, and which trials the others are.

A test of prefill and one of decode are cases of their own. They could be put together into one trial, but the
decode rate was not taken after that prompt, and decode rates would no more be alike where only the prompts differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tpsprofile import chips, units
from tpsprofile.importers.llama_bench_checked import Measured
from tpsprofile.importers.reported import Part
from tpsprofile.records import Outcome, Trial, Workload

METHOD = "llama-bench (empty cache, no sampling, no server)"
PROMPT = "llama-bench"
"""Name of its prompt: random tokens."""
RAW = "raw"
TOO_FAST = 4.0
"""Times the rate of shorter tests of its kind from which on a longer test is not believed."""
LEAST_PREFILL = 512
"""Tokens below which prefill is slow because the batch is small."""
WIDE = 0.1
"""Relative standard deviation from which on it is told."""
_LISTED = 4


class Sifted(NamedTuple):
    """Tests that count, and what was left out."""

    tests: tuple[Measured, ...]
    remarks: tuple[str, ...]


def sifted(tests: Iterable[Measured]) -> Sifted:
    """Without rows that stand there twice, combined tests, and tests that are too fast to be true."""
    every = tuple(tests)
    once = _once(every)
    single = tuple(test for test in once if not (test.n_prompt and test.n_gen))
    doubtful = _doubtful(single)
    remarks = [
        _counted(len(every) - len(once), "that stand there twice"),
        _combined([test for test in once if test not in single]),
        *(_too_fast(test, faster) for test, faster in doubtful),
    ]
    refused = {id(test) for test, _ in doubtful}
    return Sifted(tuple(test for test in single if id(test) not in refused), tuple(filter(None, remarks)))


def parts(tests: Sequence[Measured], remarks: Sequence[str]) -> tuple[Part, ...]:
    """One part for each build and set of options; the first of them tells what there is to tell of the file."""
    groups: dict[Any, list[Measured]] = {}
    for test in tests:
        groups.setdefault(msgspec.json.encode((test.engine, test.options), order="sorted"), []).append(test)
    told = (*remarks, *_told(tests))
    return tuple(_part(group, told if place == 0 else ()) for place, group in enumerate(groups.values()))


def _part(tests: Sequence[Measured], remarks: tuple[str, ...]) -> Part:
    began = [test.began for test in tests if test.began is not None]
    return Part(
        method=METHOD,
        engine=tests[0].engine,
        options=tests[0].options,
        started_at=min(began, default=None),
        trials=tuple(_trials(tests)),
        ran_on=tests[0].ran_on,
        remarks=remarks,
    )


def _trials(tests: Sequence[Measured]) -> Iterable[Trial]:
    """A trial for each repetition, numbered within its case."""
    numbers: Counter[Any] = Counter()
    for test in tests:
        case = (test.model.key, test.n_prompt, test.n_gen, test.depth)
        for place, (rate, seconds) in enumerate(zip(test.rates, test.seconds, strict=True)):
            numbers[case] += 1
            yield _trial(test, numbers[case], rate, seconds, is_first=place == 0)


def _trial(test: Measured, number: int, rate: float, seconds: float, *, is_first: bool) -> Trial:
    """llama-bench times all n steps of n tokens: its decode rate is n / time, and goes in as it was reported."""
    reads = test.n_prompt > 0
    return Trial(
        model=test.model,
        workload=Workload(
            prompt=PROMPT,
            tokens_out=test.n_gen,
            prompt_tokens=test.n_prompt,
            depth_tokens=test.depth,
            prompt_mode=RAW,
        ),
        outcome=Outcome.OK,
        number=number,
        started_at=test.began if is_first else None,
        tokens_in=test.n_prompt if reads else None,
        tokens_cached=0 if reads else None,
        prefill_s=seconds if reads else None,
        tokens_out=None if reads else test.n_gen,
        reported_decode_tok_s=None if reads else rate,
    )


# ------------------------------------------------------------------------------------------- what is left out


def _once(tests: Sequence[Measured]) -> tuple[Measured, ...]:
    first: dict[bytes, Measured] = {}
    for test in tests:
        first.setdefault(msgspec.json.encode(msgspec.structs.replace(test, line=0)), test)
    return tuple(first.values())


def _mean(test: Measured) -> float:
    return sum(test.rates) / len(test.rates)


def _doubtful(tests: Sequence[Measured]) -> list[tuple[Measured, float]]:
    """Tests that are too fast to be true, each with how many times too fast."""
    groups: dict[bytes, list[Measured]] = {}
    for test in tests:
        groups.setdefault(msgspec.json.encode((test.model, test.engine, test.options)), []).append(test)
    found = [(test, _times_faster(test, rates)) for rates in map(_rates, groups.values()) for test in rates.tests]
    return [(test, faster) for test, faster in found if faster > TOO_FAST]


class _Rates(NamedTuple):
    """Tests of one model under one set of options."""

    tests: list[Measured]
    fastest: dict[tuple[int, int, int], float]
    """Tokens of the prompt, generated, in the context before -> the highest rate, tok/s."""


def _rates(tests: list[Measured]) -> _Rates:
    fastest: dict[tuple[int, int, int], float] = {}
    for test in tests:
        fastest[_work(test)] = max(_mean(test), fastest.get(_work(test), 0.0))
    return _Rates(tests, fastest)


def _times_faster(test: Measured, rates: _Rates) -> float:
    """How many times the rate of the fastest test that should be faster: one as long or shorter, no deeper.

    1.0 where there is none. Prefill of few tokens is slower than that of many, and is no measure for others.
    """
    lesser = [rate for work, rate in rates.fastest.items() if _should_be_faster(work, _work(test))]
    return _mean(test) / max(lesser) if lesser else 1.0


def _work(test: Measured) -> tuple[int, int, int]:
    return test.n_prompt, test.n_gen, test.depth


def _should_be_faster(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    no_more = all(mine <= others for mine, others in zip(one, other, strict=True))
    same_kind = (one[0] >= LEAST_PREFILL and other[1] == 0) or (one[1] > 0 and other[0] == 0)
    return no_more and same_kind and one != other


def _too_fast(test: Measured, faster: float) -> str:
    return (
        f"Left out: {test.name} (line {test.line}) at {units.rate(_mean(test))} tok/s, {faster:.0f} times the "
        "rate of shorter tests. So fast are calls that fail at once, as when memory ran out."
    )


def _combined(tests: Sequence[Measured]) -> str:
    names = list(dict.fromkeys(test.name for test in tests))
    return f"Left out: {_listed(names)}, prompt and generation in one rate." if names else ""


def _counted(count: int, what: str) -> str:
    return f"Left out: {count} row{'s' * (count > 1)} {what}." if count else ""


# ---------------------------------------------------------------------------------------------- what is told


def _told(tests: Sequence[Measured]) -> Iterable[str]:
    """What somebody should know of the tests that count."""
    if any(test.is_mean for test in tests):
        yield "Means alone, without their repetitions: one trial a test, and no interval."
    wide = [f"{test.name} ±{share:.0%}" for test in tests if (share := (test.deviation or 0) / _mean(test)) > WIDE]
    if wide:
        yield f"Far apart, by the standard deviation of the repetitions: {_listed(wide)}."
    most = max((chip.bandwidth_bytes_s or 0 for chip in chips.catalogue()), default=0)
    for test in tests:
        read = _mean(test) * (test.model.file_bytes or 0) if test.n_gen else 0.0
        if test.model.parameters_active == test.model.parameters and read > most * max(
            1, len(test.engine.devices or ())
        ):
            yield f"{test.name} reads {units.bandwidth(read)} of weights, more than any chip known here can."
    for name in dict.fromkeys(test.model.name for test in tests if test.model.parameters_active is None):
        yield f"{name} is a mixture of experts that does not tell how much of it works on a token."
    for machine in dict.fromkeys(test.ran_on for test in tests if test.ran_on):
        yield f"By its own word it ran on: {machine}."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
