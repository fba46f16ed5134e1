"""The cases of a plan, and how many trials each needs: decided from its rows alone, so resuming alters none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from tpsprofile import stats, trust
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Outcome, Trial, Workload

_GOES_ON = frozenset(
    {Outcome.OK, Outcome.ENDED_EARLY, Outcome.REPEATED, Outcome.CONTEXT_CHANGED, Outcome.SLEPT},
)
"""Ways for a trial to end after which the next can still go well."""

_OF_THE_MODEL = frozenset(
    {
        *(Outcome.DOES_NOT_FIT, Outcome.NOT_INSTALLED, Outcome.NOT_PREPARED, Outcome.UNREADABLE),
        *(Outcome.REFUSED, Outcome.BELOW_LINE, Outcome.NO_TIME),
    }
)
"""Reasons that hold for a model at whatever work, given before a trial has begun."""


def workloads(plan: SweepPlan) -> tuple[Workload, ...]:
    """What the plan asks of each model: one workload for each depth and prompt length, the plainest first."""
    prompts: Sequence[int | None] = sorted(set(plan.prompt_tokens)) or [None]
    return tuple(
        Workload(
            prompt=plan.prompt,
            tokens_out=plan.tokens_out,
            context_tokens=plan.context_tokens,
            prompt_tokens=prompt_tokens,
            depth_tokens=depth,
            temperature=plan.temperature,
            seed=plan.seed,
            prompt_mode="chat" if plan.chat else "raw",
        )
        for prompt_tokens, depth in itertools.product(prompts, sorted(set(plan.depth)))
    )


def tokens(workload: Workload) -> int:
    """The context that a workload takes, about: depth, prompt and what is generated."""
    return (workload.depth_tokens or 0) + (workload.prompt_tokens or 0) + (workload.tokens_out or 0)


def of(rows: Iterable[Trial], workload: Workload) -> list[Trial]:
    """The rows of one case among those of a model."""
    return [row for row in rows if row.workload == workload]


def next_number(rows: Sequence[Trial]) -> int:
    """The number of a case's next trial."""
    return max((row.number for row in rows), default=0) + 1


def enough(rows: Sequence[Trial], plan: SweepPlan) -> bool:
    """Whether a case needs no further trial; ``rows`` are its trials so far, in order.

    It has ``trials`` rates at least; then it ends as soon as the median is known to ``precision``, or its time is
    used up, and at ``most_trials`` in any case. One that is to be sustained ends with its time, and no sooner. One
    whose first ``trials`` give no rate at all ends with them.
    """
    if rows and rows[-1].outcome not in _GOES_ON:
        return True
    if len(rows) < plan.trials:
        return False
    rates = _rates(rows)
    spent = sum(row.seconds for row in rows)
    if not rates:
        return True
    if plan.sustain is not None:
        return spent >= plan.sustain
    out_of_time = plan.case_budget is not None and spent >= plan.case_budget
    known = (stats.relative_half_width(rates) or 0.0) <= plan.precision
    most = max(plan.most_trials, plan.trials)
    return len(rows) >= most or (len(rates) >= plan.trials and (known or out_of_time))


def missing(rows: Sequence[Trial], plan: SweepPlan) -> tuple[Workload, ...]:
    """The workloads of which a model has not enough; ``rows`` are all of the model's.

    None of them where the model itself was found to be impossible, which one row says for all of its workloads.
    """
    if any(row.outcome in _OF_THE_MODEL and row.started_at is None for row in rows):
        return ()
    return tuple(workload for workload in workloads(plan) if not enough(of(rows, workload), plan))


def width(rows: Iterable[Trial]) -> float | None:
    """Half of the 95% interval of the median decode rate as a share of it; None for fewer than two rates."""
    return stats.relative_half_width(_rates(rows))


def slowed(rows: Iterable[Trial], plan: SweepPlan) -> bool:
    """Whether a model became slower from trial to trial in any of its cases; ``rows`` are all of the model's."""
    mine = list(rows)
    return any(trust.is_slowing(_rates(of(mine, workload))) for workload in workloads(plan))


def _rates(rows: Iterable[Trial]) -> list[float]:
    return [row.decode_tok_s for row in rows if row.decode_tok_s is not None]
