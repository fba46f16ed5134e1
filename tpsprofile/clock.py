"""The one source of time, handed to whoever needs it."""

from __future__ import annotations

import sys
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

    def uptime(self) -> float | None:
        """Seconds from an arbitrary start, sleep of the machine included; None where nobody counts them."""
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

    def uptime(self) -> float | None:
        """Linux's ``CLOCK_BOOTTIME``; macOS's ``CLOCK_MONOTONIC``, which goes on in sleep there; else unknown.

        On Windows ``monotonic`` itself goes on while the machine sleeps, so there is nothing to compare it with.
        """
        name = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform)
        return None if name is None else time.clock_gettime(getattr(time, name))

    def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        time.sleep(seconds)
