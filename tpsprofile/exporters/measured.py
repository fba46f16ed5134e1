"""The cases of runs with the trials that count: what every format is written from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from statistics import fmean, stdev

from tpsprofile.records import ModelFacts, Outcome, Record, Run, RunHeader, Trial, Workload


class Exported(Record, frozen=True, kw_only=True):
    """A text in somebody's format."""

    text: str
    """Ends with a line break where it is not empty."""
    figures: int
    """How many ``what`` are in it."""
    what: str
    """``test``, ``document`` or ``sample``."""
    remarks: tuple[str, ...] = ()
    """What was left out, and why, for people."""


class Case(Record, frozen=True, kw_only=True):
    """One model under one workload in one run, with its trials that ended OK; at least one."""

    header: RunHeader
    model: ModelFacts
    workload: Workload
    trials: tuple[Trial, ...]


def cases(runs: Iterable[Run]) -> Iterator[Case]:
    """Every case with a trial that ended OK, run by run, in the order of measurement.

    None of a run whose figures are invented, or that are a service's: ``passed_over`` tells of those.
    """
    for run in runs:
        if run.header.engine.simulated or run.header.engine.cloud:
            continue
        found: dict[tuple[ModelFacts, Workload], list[Trial]] = {}
        for trial in run.trials:
            if trial.outcome is Outcome.OK:
                found.setdefault((trial.model, trial.workload), []).append(trial)
        for (model, workload), trials in found.items():
            yield Case(header=run.header, model=model, workload=workload, trials=tuple(trials))


def passed_over(runs: Iterable[Run]) -> tuple[str, ...]:
    """A remark on each kind of run that ``cases`` leaves out, where there are any."""
    known = list(runs)
    invented = sum(run.header.engine.simulated for run in known)
    services = sum(run.header.engine.cloud for run in known)
    found = ((invented, "simulated", "the figures are invented"), (services, "cloud", "a control is no machine"))
    return tuple(f"{count} {kind} run{'s' * (count != 1)} left out: {why}." for count, kind, why in found if count)


def decode_times(case: Case) -> list[tuple[int, float]]:
    """Steps and seconds of each trial's decode: n - 1 steps from the first token to the last.

    A rate that somebody else reported without a time is that rate over the tokens asked for, or counted.
    """
    found = []
    for trial in case.trials:
        steps, seconds = (trial.tokens_out or 0) - 1, trial.decode_engine_s or trial.decode_client_s
        rate = trial.reported_decode_tok_s
        if steps > 0 and seconds:
            found.append((steps, seconds))
        elif rate and (tokens := trial.workload.tokens_out or trial.tokens_out):
            found.append((tokens, tokens / rate))
    return found


def prefill_times(case: Case) -> list[tuple[int, float]]:
    """Prompt tokens that were really processed, and the seconds for them, of each trial that is certain."""
    found = []
    for trial in case.trials:
        rate = trial.prefill_tok_s
        if rate and trial.prefill_s and trial.prefill_verified:
            found.append((round(rate * trial.prefill_s), trial.prefill_s))
    return found


def warnings_of(case: Case) -> list[str] | None:
    """What speaks against its figures, each once; None where nobody looked."""
    known = [trial.warnings for trial in case.trials if trial.warnings is not None]
    return sorted({word for words in known for word in words}) if known else None


def mean(values: Iterable[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    known = list(values)
    return fmean(known) if known else None


def deviation(values: Iterable[float]) -> float:
    """Sample standard deviation, as benchmark tools print it: 0 for a single value."""
    known = list(values)
    found = stdev(known) if len(known) > 1 else 0.0
    return found if math.isfinite(found) else 0.0
