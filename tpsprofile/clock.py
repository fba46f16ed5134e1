"""The one source of time, handed to whoever needs it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as a profiler needs it: a date for records, a steady count for durations."""

    def now(self) -> datetime:
        """The date and time, with its time zone."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never steps back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of this clock."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        """The date and time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of ``time.perf_counter``, the finest steady clock of the system."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        time.sleep(seconds)
