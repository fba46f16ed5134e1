"""What happens while an engine works: a thread that looks twice a second at its processes and at the machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from tpsprofile.clock import Clock
from tpsprofile.machine import activity, portable
from tpsprofile.machine.activity import Activity
from tpsprofile.machine.processes import Tree
from tpsprofile.records import During, Memory

INTERVAL_S = 0.5
LOOKS_AN_ACTIVITY = 4
"""Looks at processes for each look at the machine, whose sensors are slower to answer."""
SHORTEST_S = 0.2
"""A trial shorter than this says nothing of others: systems count processor time in hundredths of a second."""
CLOCK_NOISE_S = 0.5
"""Differences between clocks up to this are drift and the time that it takes to read them."""


class MemoryWatch:
    """Peaks of memory since ``start``, and what happened on the machine between ``begin`` and ``end`` of a trial.

    Enter it before the engine loads, so that there is something to compare with; ``attach`` it to the engine's
    processes once they are known. Without a process on this host its memory and the others' work stay unknown.
    ``read`` is asked for the machine's state; one that answers ``Activity()``, for a remote engine, knows nothing.
    """

    def __init__(self, interval_s: float = INTERVAL_S, read: Callable[[], Activity] = activity.read) -> None:
        self._interval_s = interval_s
        self._read = read
        self._tree = Tree(())
        self._trial: _Trial | None = None
        self._rss: int | None = None
        self._available_before = portable.available_bytes()
        self._available_least = self._available_before
        self._swap_before = portable.swap_used_bytes()
        self._swap_most = self._swap_before
        self._stop = threading.Event()
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)

    def attach(self, pids: tuple[int, ...]) -> None:
        """Watch these processes and all of their descendants from now on; best between trials."""
        with self._lock:
            self._tree = Tree(pids)
            self._look()
            if self._trial:
                self._trial = self._trial._replace(engine_s=None)

    def peak(self, *, engine_bytes: int | None = None, engine_vram_bytes: int | None = None) -> Memory:
        """The peaks so far, beside what the engine itself reports."""
        with self._lock:
            if not self._tree.pids:
                return Memory(engine_bytes=engine_bytes, engine_vram_bytes=engine_vram_bytes)
            self._look()
            return Memory(
                rss_bytes=self._rss,
                available_fall_bytes=_risen(self._available_least, self._available_before),
                engine_bytes=engine_bytes,
                engine_vram_bytes=engine_vram_bytes,
                swap_rise_bytes=_risen(self._swap_before, self._swap_most),
            )

    def begin(self, clock: Clock) -> None:
        """A trial begins. ``clock`` is the one that its durations are taken from."""
        with self._lock:
            engine_s = self._tree.cpu_s()
            self._trial = _Trial(clock, engine_s, moment(clock, self._read), [])

    def end(self) -> During:
        """What happened since ``begin``; everything unknown where no trial has begun."""
        with self._lock:
            trial, self._trial = self._trial, None
            if trial is None:
                return During()
            engine_s = self._tree.cpu_s()
            after = moment(trial.clock, self._read)
        spent = None if trial.engine_s is None or engine_s is None else engine_s - trial.engine_s
        return during(trial.before, after, [one for one in trial.samples if one], spent)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            with self._lock:
                if self._tree.pids:
                    self._look()
                if self._trial:
                    due = len(self._trial.samples) % LOOKS_AN_ACTIVITY == 0
                    self._trial.samples.append(self._read() if due else None)

    def _look(self) -> None:
        rss, available, swap = self._tree.rss(), portable.available_bytes(), portable.swap_used_bytes()
        with self._lock:
            self._rss = _most(self._rss, rss)
            self._available_least = _least([self._available_least, available])
            self._swap_most = _most(self._swap_most, swap)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


# ------------------------------------------------------------------------------------------------- trials


class Moment(NamedTuple):
    """All counters and clocks at one moment."""

    activity: Activity
    own_s: float
    """Processor seconds of this program."""
    date_s: float
    """The date, in seconds since 1970."""
    uptime_s: float | None
    steady_s: float
    """What durations are taken from."""


class _Trial(NamedTuple):
    """What is kept from the begin of a trial to its end."""

    clock: Clock
    engine_s: float | None
    before: Moment
    samples: list[Activity | None]
    """One a look; None where the machine was not looked at."""


def moment(clock: Clock, read: Callable[[], Activity]) -> Moment:
    """This moment. Two of them are as far apart in each of their fields, whatever reading them takes."""
    own = os.times()
    return Moment(read(), own.user + own.system, clock.now().timestamp(), clock.uptime(), clock.monotonic())


def during(before: Moment, after: Moment, samples: Sequence[Activity], engine_s: float | None) -> During:
    """What happened from ``before`` to ``after``, where the engine spent ``engine_s`` processor seconds.

    ``samples`` were taken between the two. The clock's frequency at the first moment is left out of the mean: it
    is that of a processor at rest.
    """
    seen = [*samples, after.activity]
    clocks = [one.cpu_mhz for one in seen if one.cpu_mhz is not None]
    return During(
        others_cpu=others_cpu(before, after, engine_s),
        stolen_cpu=stolen_cpu(before.activity, after.activity),
        swapped_bytes=_risen(before.activity.swapped_bytes, after.activity.swapped_bytes),
        available_least_bytes=_least(one.available_bytes for one in [before.activity, *seen]),
        cpu_mhz=sum(clocks) / len(clocks) if clocks else None,
        temperature_most_c=max(
            (one.temperature_c for one in [before.activity, *seen] if one.temperature_c is not None), default=None
        ),
        throttled=_risen(before.activity.throttled, after.activity.throttled),
        asleep_s=asleep_s(before, after),
        clock_step_s=clock_step_s(before, after),
    )


def others_cpu(before: Moment, after: Moment, engine_s: float | None) -> float | None:
    """Processors kept busy by neither the engine nor this program; None for a trial too short to tell."""
    elapsed = after.steady_s - before.steady_s
    start, busy = before.activity.cpu_busy_s, after.activity.cpu_busy_s
    if start is None or busy is None or engine_s is None or elapsed < SHORTEST_S:
        return None
    return max(0.0, busy - start - engine_s - (after.own_s - before.own_s)) / elapsed


def stolen_cpu(before: Activity, after: Activity) -> float | None:
    """Share of processor time that a virtual machine's host took for others, 0 to 1."""
    if before.cpu_total_s is None or after.cpu_total_s is None or after.cpu_total_s <= before.cpu_total_s:
        return None
    if before.cpu_stolen_s is None or after.cpu_stolen_s is None:
        return None
    return max(0.0, after.cpu_stolen_s - before.cpu_stolen_s) / (after.cpu_total_s - before.cpu_total_s)


def asleep_s(before: Moment, after: Moment) -> float | None:
    """Seconds that the machine slept: ``uptime`` counts them, ``monotonic`` does not. None without the former."""
    if before.uptime_s is None or after.uptime_s is None:
        return None
    slept = (after.uptime_s - before.uptime_s) - (after.steady_s - before.steady_s)
    return slept if slept >= CLOCK_NOISE_S else 0.0


def clock_step_s(before: Moment, after: Moment) -> float:
    """By how many seconds the date went further than the time that passed."""
    passed = after.steady_s - before.steady_s
    if before.uptime_s is not None and after.uptime_s is not None:
        passed = after.uptime_s - before.uptime_s
    step = after.date_s - before.date_s - passed
    return step if abs(step) > CLOCK_NOISE_S else 0.0


def _risen(before: int | None, after: int | None) -> int | None:
    """By how much a count rose, at least 0."""
    return None if before is None or after is None else max(0, after - before)


def _most(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)
