"""How this host is doing at this moment: what may disturb a measurement."""

from __future__ import annotations

import platform
from typing import Any

import psutil

from tpsprofile.clock import Clock, SystemClock
from tpsprofile.machine import activity, apple, fit, portable
from tpsprofile.machine.portable import tolerant
from tpsprofile.records import Conditions

_POWER_HOLDS_S = 10.0
_SHORTEST_S = 0.02  # processor seconds; the system counts in hundredths


class Watcher:
    """Looks, and remembers what the next look compares with. The program has one; see ``look``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: Any = None
        self._power: tuple[str | None, str | None] = (None, None)
        self._power_until = float("-inf")

    def look(self, sample_s: float) -> Conditions:
        """What holds now; see the function ``look``."""
        if sample_s > 0:
            self._times = tolerant(psutil.cpu_times)
            self._clock.sleep(sample_s)
        before, self._times = self._times, tolerant(psutil.cpu_times)
        source, mode = self._power_now()
        return Conditions(
            power_source=portable.power_source(portable.battery()) or source,
            power_mode=mode,
            load_1m=portable.load_1m(),
            cpu_busy=busy_share(before, self._times),
            available_bytes=fit.available_bytes(),
            swap_used_bytes=portable.swap_used_bytes(),
            cpu_mhz=activity.cpu_mhz(),
            temperature_c=activity.temperature_c(),
            speed_limit=apple.speed_limit() if platform.system() == "Darwin" else None,
        )

    def _power_now(self) -> tuple[str | None, str | None]:
        """What the system's own tools say of power, asked again only after some seconds: they are processes."""
        now = self._clock.monotonic()
        if now >= self._power_until:
            self._power, self._power_until = _ask_power(), now + _POWER_HOLDS_S
        return self._power


def look(*, sample_s: float = 0.1) -> Conditions:
    """The conditions of this host, in ``sample_s`` seconds and a few milliseconds.

    ``cpu_busy`` is measured while the call waits. Without waiting (``sample_s=0``) it is the share since the look
    before, None the first time; between two trials that would be the trial's own work, which disturbs nobody.
    """
    return _WATCHER.look(sample_s)


_WATCHER = Watcher(SystemClock())


def busy_share(before: Any, after: Any) -> float | None:
    """Share of processor time not idle between two ``psutil.cpu_times``, 0 to 1; None if too little passed.

    Waiting for a disk counts as idle; time of guests is within the user's time already.
    """
    if before is None or after is None:
        return None
    start, end = activity.processor_parts(before), activity.processor_parts(after)
    passed = {name: max(0.0, end[name] - start[name]) for name in end}
    total = sum(passed.values())
    idle = passed.get("idle", 0.0) + passed.get("iowait", 0.0)
    return (total - idle) / total if total >= _SHORTEST_S else None


def _ask_power() -> tuple[str | None, str | None]:
    from tpsprofile.machine import linux, windows

    ask = {"Darwin": apple.power, "Linux": linux.power, "Windows": windows.power}.get(platform.system())
    return ask() if ask else (None, None)
