"""What the smaller models of a sweep say about the next: too slow already, or no time left for it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tpsprofile import cases, units
from tpsprofile.deadline import Deadline
from tpsprofile.plan import SweepPlan
from tpsprofile.records import ModelFacts, Outcome, Trial
from tpsprofile.sources import Candidate


class Climb:
    """What the smaller models say about the next: too slow already, or no time left for it."""

    def __init__(self, plan: SweepPlan, deadline: Deadline) -> None:
        self.deadline = deadline
        self._plan = plan
        self._floor = plan.line * plan.stop_below
        self._workload = cases.workloads(plan)[0]
        self._rates: dict[tuple[str | None, ...], list[float]] = {}
        self._too_slow: tuple[ModelFacts, float] | None = None
        self._seconds_per_byte: float | None = None

    def learn(self, rows: Sequence[Trial]) -> None:
        """Take note of finished trials of the plainest workload."""
        for row in rows:
            if row.decode_tok_s is not None and row.workload == self._workload:
                rates = self._rates.setdefault(row.model.key, [])
                rates.append(row.decode_tok_s)
                middle = statistics.median(rates)
                slow = middle < self._floor and len(rates) >= self._plan.trials
                if slow:
                    self._too_slow = row.model, middle
                elif self._too_slow is not None and self._too_slow[0].key == row.model.key:
                    self._too_slow = None

    def took(self, candidate: Candidate, seconds: float, rows: Sequence[Trial]) -> None:
        """Take note of how long a model took from its file to its last trial, to foresee the next one's time.

        Trials beyond the least number do not count: a larger model is not owed them.
        """
        if candidate.disk_bytes and any(row.decode_tok_s is not None for row in rows):
            beyond = sum(row.seconds for row in rows if row.number > self._plan.trials)
            self._seconds_per_byte = (seconds - beyond) / candidate.disk_bytes

    def obstacle(self, candidate: Candidate, *, begun: bool) -> tuple[Outcome, str] | None:
        """Why a larger model is not begun; None where nothing speaks against it, or it was ``begun`` before."""
        if begun:
            return None
        if self._too_slow is not None and _is_larger(candidate, self._too_slow[0]):
            slow, rate = self._too_slow
            return Outcome.BELOW_LINE, f"{slow.name} ran at {units.rate(rate)} tok/s already."
        expected = (candidate.disk_bytes or 0) * (self._seconds_per_byte or 0.0)
        if not self.deadline.allows(expected / 2):  # one trial of three is better than none
            left = max(0.0, self.deadline.left() or 0.0)
            return (
                Outcome.NO_TIME,
                f"It would take about {units.seconds(expected)}; {units.seconds(left)} are left of the budget.",
            )
        return None


def _is_larger(candidate: Candidate, slow: ModelFacts) -> bool:
    """Another model, and known to be as large at least: of two sizes that nobody told neither says anything."""
    sizes = ((candidate.facts.parameters, slow.parameters), (candidate.disk_bytes, slow.file_bytes))
    known = [(one, other) for one, other in sizes if one is not None and other is not None]
    return candidate.facts.key != slow.key and bool(known) and known[0][0] >= known[0][1]
