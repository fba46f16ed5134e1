"""One line of a table a model and workload, while a sweep runs: trials in, strings out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from tpsprofile import stats, trust, units
from tpsprofile.analysis.judged import judged
from tpsprofile.records import ModelFacts, Outcome, Record, Trial, Workload

SYNTHETIC_MARK = "◦"
GAP = 2
"""Blanks between two columns."""


class ModelLine(Record, frozen=True, kw_only=True):
    """What there is to say of one model under one workload, as text. Empty cells are left empty."""

    model: str
    """Its name, with the workload where the run has several."""
    weights: str
    """Quantisation, with a mark for synthetic weights."""
    rate: str = ""
    """Median decode rate, tok/s."""
    width: str = ""
    """Half of the 95% interval of the median, as a share of it."""
    trials: str = ""
    """How many trials gave the rate."""
    grade: str = ""
    """Grade from A to D."""
    ttft: str = ""
    load: str = ""
    memory: str = ""
    remark: str = ""
    """Why there is no figure, or not every trial of one."""
    below_line: bool = False
    warnings: tuple[trust.Warning, ...] = ()


HEADINGS: Mapping[str, str] = {
    "model": "model",
    "weights": "weights",
    "rate": "tok/s",
    "width": "±",
    "trials": "n",
    "grade": "trust",
    "ttft": "TTFT",
    "load": "load",
    "memory": "memory",
}
"""Field of a line -> what stands above it."""
DROPPED_FIRST = ("memory", "load", "trials", "size", "weights", "ttft", "width", "grade")
"""Columns by importance, the least important first; those that are not here always stay."""


def weights(facts: ModelFacts) -> str:
    """``Q4_K_M ◦``: the quantisation, marked where the weights are synthetic."""
    return " ".join(filter(None, [facts.quantisation or units.UNKNOWN, SYNTHETIC_MARK if facts.synthetic else ""]))


def share(half_width: float | None) -> str:
    """Half of an interval as a share of its middle: ``0.8%``, ``12%``, ``>100%``."""
    if half_width is None:
        return units.UNKNOWN
    if half_width > 1:
        return ">100%"
    return f"{half_width:.1%}" if half_width < 0.0995 else f"{half_width:.0%}"


def case_name(facts: ModelFacts, workload: Workload, *, several: bool) -> str:
    """``llama3.2:1b · depth 4096``: the model, and where the run has ``several`` workloads how this differs."""
    depth, prompt = workload.depth_tokens, workload.prompt_tokens
    work = [f"{word} {tokens}" for word, tokens in (("depth", depth), ("prompt", prompt)) if tokens and several]
    return " · ".join([facts.name, *work])


def case_lines(
    trials: Sequence[Trial], line_tok_s: float, precision: float | None = None, *, several: bool | None = None
) -> tuple[ModelLine, ...]:
    """A line for each workload in the rows of one model, in the order in which they appear.

    ``precision`` is the half-width that the plan aims at, as a share. ``several`` says whether the run has more
    than one workload, which the lines then name; None means to go by the rows.
    """
    cases: dict[Workload, list[Trial]] = {}
    for trial in trials:
        cases.setdefault(trial.workload, []).append(trial)
    named = len(cases) > 1 if several is None else several
    return tuple(_line(rows, line_tok_s, precision, named=named) for rows in cases.values())


def fitting(headings: Mapping[str, str], rows: Sequence[Record], width: int) -> tuple[str, ...]:
    """The columns of ``headings`` that fit beside each other in ``width`` characters, least important dropped.

    A column in which every cell is unknown is dropped in any case.
    """
    shown = [name for name in headings if any(getattr(row, name) not in {"", units.UNKNOWN} for row in rows)]
    wide = {name: max([len(headings[name]), *(len(getattr(row, name)) for row in rows)]) for name in shown}
    for name in DROPPED_FIRST:
        if sum(wide[column] + GAP for column in shown) - GAP <= width:
            break
        if name in shown:
            shown.remove(name)
    return tuple(shown)


def _line(trials: Sequence[Trial], line_tok_s: float, precision: float | None, *, named: bool) -> ModelLine:
    facts = trials[0].model
    name = case_name(facts, trials[0].workload, several=named)
    good = [trial for trial in trials if trial.outcome is Outcome.OK]
    others = [trial for trial in trials if trial.outcome is not Outcome.OK and not _made_up_for(trial, trials)]
    remark = f"{others[-1].outcome}: {others[-1].reason}" if others else ""
    rates = [trial.decode_tok_s for trial in good if trial.decode_tok_s is not None]
    if not rates:
        return ModelLine(model=name, weights=weights(facts), remark=remark)
    middle = statistics.median(rates)
    warnings, grade = judged((trial.warnings for trial in good), rates, precision)
    return ModelLine(
        model=name,
        weights=weights(facts),
        rate=units.rate(middle),
        width=share(stats.relative_half_width(rates)),
        trials=str(len(rates)),
        grade=grade or units.UNKNOWN,
        ttft=units.seconds(_median(trial.ttft_s for trial in good)),
        load=units.seconds(next((trial.load_first_s for trial in good if trial.load_first_s), None)),
        memory=units.memory(
            max((trial.memory.rss_bytes or 0 for trial in good), default=0) or _engine_bytes(good)
        ),
        remark=remark,
        below_line=middle < line_tok_s,
        warnings=warnings,
    )


def _made_up_for(trial: Trial, trials: Sequence[Trial]) -> bool:
    """What lacked time, disk or network was measured later, after a resume."""
    later = trials[list(trials).index(trial) + 1 :]
    lacked = trial.outcome in {Outcome.NO_TIME, Outcome.NOT_PREPARED}
    return lacked and any(row.outcome is Outcome.OK for row in later)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _engine_bytes(trials: Sequence[Trial]) -> int | None:
    sizes = [trial.memory.engine_bytes for trial in trials if trial.memory.engine_bytes is not None]
    return max(sizes, default=None)
