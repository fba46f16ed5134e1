"""Imported figures as rows of a table."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from tpsprofile import units
from tpsprofile.records import ModelFacts, Record, Run, Trial, Workload

HEADINGS: Mapping[str, str] = {
    "model": "model",
    "size": "size",
    "weights": "weights",
    "work": "test",
    "apart": "with",
    "prefill": "prefill",
    "rate": "tok/s",
    "trials": "trials",
}
"""Field of a row -> what stands above it."""
_WIDEST = 36
"""Characters that tell runs apart; beyond them they are numbered."""


class Row(Record, frozen=True, kw_only=True):
    """One model under one workload in one run, as text."""

    model: str
    size: str
    weights: str
    work: str
    """``pp512+tg128 @ d4096``: prompt, answer and depth in tokens; empty where nothing is told."""
    apart: str
    """What its run has otherwise than another of the same test: version, options, date."""
    prefill: str
    """Median, tok/s."""
    rate: str
    """Median decode rate, tok/s."""
    trials: str


def rows(runs: Sequence[Run]) -> tuple[Row, ...]:
    """A row for each model and workload of each run, in the order of the runs: no figure is of two of them."""
    cases: dict[tuple[ModelFacts, Workload], dict[int, list[Trial]]] = {}
    for place, run in enumerate(runs):
        for trial in run.trials:
            cases.setdefault((trial.model, trial.workload), {}).setdefault(place, []).append(trial)
    return tuple(
        _row(model, workload, trials, apart)
        for (model, workload), by_run in cases.items()
        for trials, apart in zip(by_run.values(), _apart([runs[place] for place in by_run]), strict=True)
    )


def _apart(runs: Sequence[Run]) -> Sequence[str]:
    """For each run what tells it from the others; its number among them where nothing does in few words."""
    if len(runs) < 2:
        return [""] * len(runs)
    told = [_told(run) for run in runs]
    names = dict.fromkeys(name for one in told for name in one)
    differing = [name for name in names if len({str(one.get(name)) for one in told}) > 1]
    texts = [", ".join(_words(name, one.get(name)) for name in differing) for one in told]
    is_clear = len(set(texts)) == len(texts) and max(map(len, texts)) <= _WIDEST
    return texts if is_clear else [f"run {number}" for number in range(1, len(texts) + 1)]


def _told(run: Run) -> Mapping[str, object]:
    engine, began = run.header.engine, run.header.started_at
    return {
        "engine": engine.name,
        "version": engine.version,
        "build": engine.build,
        **run.header.options,
        "of": None if began is None else began.strftime("%Y-%m-%d"),
    }


def _words(name: str, value: object) -> str:
    return " ".join(filter(None, [name, units.UNKNOWN if value is None else str(value)]))


def _row(model: ModelFacts, workload: Workload, trials: Sequence[Trial], apart: str) -> Row:
    return Row(
        model=model.name,
        size=units.parameters(model.parameters),
        weights=model.quantisation or units.UNKNOWN,
        work=_work(workload),
        apart=apart,
        prefill=_middle(trial.prefill_tok_s for trial in trials),
        rate=_middle(trial.decode_tok_s for trial in trials),
        trials=str(len(trials)),
    )


def _work(workload: Workload) -> str:
    test = "+".join(f"{what}{n}" for what, n in (("pp", workload.prompt_tokens), ("tg", workload.tokens_out)) if n)
    depth = f"d{workload.depth_tokens}" if workload.depth_tokens else ""
    return " @ ".join(filter(None, [test, depth])) or units.UNKNOWN


def _middle(rates: Iterable[float | None]) -> str:
    known = [rate for rate in rates if rate is not None]
    return units.rate(statistics.median(known) if known else None)
