"""The budget of a sweep: how much time is left, and what still fits in."""

from __future__ import annotations

from tpsprofile.clock import Clock
from tpsprofile.errors import ProfileError


class OutOfTimeError(ProfileError):
    """The budget of the sweep was used up in the middle of a trial."""


class Deadline:
    """The moment at which the budget is used up; never, where there is none."""

    def __init__(self, clock: Clock, budget_s: float | None) -> None:
        self._clock = clock
        self._at = None if budget_s is None else clock.monotonic() + budget_s

    def left(self) -> float | None:
        """Seconds left, below 0 when it has passed; None without a budget."""
        return None if self._at is None else self._at - self._clock.monotonic()

    def allows(self, seconds: float) -> bool:
        """Whether something of that length would still be finished in time."""
        left = self.left()
        return left is None or left >= seconds

    def cap(self, seconds: float) -> float:
        """``seconds``, or what is left if that is less; at least one."""
        left = self.left()
        return seconds if left is None else max(1.0, min(seconds, left))
