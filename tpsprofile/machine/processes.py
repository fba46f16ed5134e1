"""A process and all of its descendants: the memory that they hold, and the processor time that they spent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

import psutil

from tpsprofile.clock import SystemClock

LISTED_S = 5.0
"""Seconds between two searches for descendants: each goes through all processes of the system."""
_GONE = (psutil.Error, OSError)
_STEADY = SystemClock()


class Tree:
    """Processes and all of their descendants, each counted once, whichever of them vanish at whatever moment.

    Looking is cheap: who belongs to it is found out every few seconds only, and whenever ``cpu_s`` is asked.
    """

    def __init__(self, pids: Iterable[int]) -> None:
        self.pids = tuple(pids)
        self._roots = [root for pid in self.pids if (root := _process(pid))]
        self._members: set[psutil.Process] = set()
        self._listed_at = float("-inf")
        self._cpu_s: dict[psutil.Process, float] = {}

    def rss(self) -> int | None:
        """Resident bytes of them all now; None if none can be read."""
        if _STEADY.monotonic() - self._listed_at > LISTED_S:
            self._list()
        sizes = [size for process in self._members if (size := _rss(process)) is not None]
        return sum(sizes) if sizes else None

    def cpu_s(self) -> float | None:
        """Processor seconds of all members ever seen, this program not among them; None if none was readable.

        Those that ended keep what they had when they were last looked at, so that the sum never falls.
        """
        self._list()
        return sum(self._cpu_s.values()) if self._cpu_s else None

    def _list(self) -> None:
        """Find the members: the roots, their descendants, and those whose parents ended meanwhile."""
        self._listed_at = _STEADY.monotonic()
        found = {process for process in [*self._roots, *self._members] if _is_alive(process)}
        for root in self._roots:
            with contextlib.suppress(*_GONE):
                found.update(root.children(recursive=True))
        self._members = found
        for process in found:
            spent = None if process.pid == os.getpid() else _cpu_s(process)
            if spent is not None:
                self._cpu_s[process] = spent


def tree_rss(pids: tuple[int, ...]) -> int | None:
    """Resident bytes of the processes and their descendants, each counted once; None if none can be read."""
    return Tree(pids).rss()


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except _GONE:
        return None


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running()
    except _GONE:
        return False


def _rss(process: psutil.Process) -> int | None:
    try:
        return process.memory_info().rss
    except _GONE:
        return None


def _cpu_s(process: psutil.Process) -> float | None:
    try:
        times = process.cpu_times()
    except _GONE:
        return None
    return times.user + times.system
