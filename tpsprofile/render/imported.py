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
    "prefill": "prefill",
    "rate": "tok/s",
    "trials": "trials",
}
"""Field of a row -> what stands above it."""


class Row(Record, frozen=True, kw_only=True):
    """One model under one workload, as text."""

    model: str
    size: str
    weights: str
    work: str
    """``pp512+tg128 @ d4096``: prompt, answer and depth in tokens; empty where nothing is told."""
    prefill: str
    """Median, tok/s."""
    rate: str
    """Median decode rate, tok/s."""
    trials: str


def rows(runs: Iterable[Run]) -> tuple[Row, ...]:
    """A row for each model and workload, in the order of the runs."""
    cases: dict[tuple[ModelFacts, Workload], list[Trial]] = {}
    for run in runs:
        for trial in run.trials:
            cases.setdefault((trial.model, trial.workload), []).append(trial)
    return tuple(_row(model, workload, trials) for (model, workload), trials in cases.items())


def _row(model: ModelFacts, workload: Workload, trials: Sequence[Trial]) -> Row:
    return Row(
        model=model.name,
        size=units.parameters(model.parameters),
        weights=model.quantisation or units.UNKNOWN,
        work=_work(workload),
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
