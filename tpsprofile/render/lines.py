"""One line of a table a model, while a sweep runs: trials in, strings out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from tpsprofile import units
from tpsprofile.records import ModelFacts, Outcome, Record, Trial

SYNTHETIC_MARK = "◦"


class ModelLine(Record, frozen=True, kw_only=True):
    """What there is to say of one model, as text. Empty cells are left empty."""

    model: str
    weights: str
    """Quantisation, with a mark for synthetic weights."""
    rate: str = ""
    spread: str = ""
    """Half of the range of the trials, as a share of their median."""
    ttft: str = ""
    load: str = ""
    memory: str = ""
    remark: str = ""
    """Why there is no figure, or not every trial of one."""
    below_line: bool = False


HEADINGS = ("model", "weights", "tok/s", "±", "TTFT", "load", "memory")


def weights(facts: ModelFacts) -> str:
    """``Q4_K_M ◦``: the quantisation, marked where the weights are synthetic."""
    return " ".join(filter(None, [facts.quantisation or units.UNKNOWN, SYNTHETIC_MARK if facts.synthetic else ""]))


def model_line(trials: Sequence[Trial], line_tok_s: float) -> ModelLine:
    """The line of one model from all of its rows; ``trials`` must not be empty."""
    facts = trials[0].model
    good = [trial for trial in trials if trial.outcome is Outcome.OK]
    others = [trial for trial in trials if trial.outcome is not Outcome.OK and not _made_up_for(trial, trials)]
    remark = f"{others[-1].outcome}: {others[-1].reason}" if others else ""
    rates = [trial.decode_tok_s for trial in good if trial.decode_tok_s is not None]
    if not rates:
        return ModelLine(model=facts.name, weights=weights(facts), remark=remark)
    middle = statistics.median(rates)
    return ModelLine(
        model=facts.name,
        weights=weights(facts),
        rate=units.rate(middle),
        spread=f"{(max(rates) - min(rates)) / 2 / middle:.1%}" if len(rates) > 1 else units.UNKNOWN,
        ttft=units.seconds(_median(trial.ttft_s for trial in good)),
        load=units.seconds(next((trial.load_first_s for trial in good if trial.load_first_s), None)),
        memory=units.memory(
            max((trial.memory.rss_bytes or 0 for trial in good), default=0) or _engine_bytes(good)
        ),
        remark=remark,
        below_line=middle < line_tok_s,
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
