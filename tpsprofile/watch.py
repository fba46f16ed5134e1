"""Memory of a process tree while an engine works: a thread that looks twice a second and keeps the peaks."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Self

import psutil

from tpsprofile.records import Memory

INTERVAL_S = 0.5


class MemoryWatch:
    """Peaks since ``start``, by the measures of ``records.Memory`` that the system knows.

    Enter it before the engine loads, so that there is something to compare with; ``attach`` it to the engine's
    processes once they are known. Without a process on this host everything stays unknown.
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._pids: tuple[int, ...] = ()
        self._rss: int | None = None
        self._available_before = psutil.virtual_memory().available
        self._available_least = self._available_before
        self._swap_before = _swap_used()
        self._swap_most = self._swap_before
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)

    def attach(self, pids: tuple[int, ...]) -> None:
        """Watch these processes and all of their descendants from now on."""
        self._pids = pids
        self._look()

    def peak(self, *, engine_bytes: int | None = None, engine_vram_bytes: int | None = None) -> Memory:
        """The peaks so far, beside what the engine itself reports."""
        if not self._pids:
            return Memory(engine_bytes=engine_bytes, engine_vram_bytes=engine_vram_bytes)
        self._look()
        with self._lock:
            swap = (
                None
                if self._swap_before is None or self._swap_most is None
                else self._swap_most - self._swap_before
            )
            return Memory(
                rss_bytes=self._rss,
                available_fall_bytes=max(0, self._available_before - self._available_least),
                engine_bytes=engine_bytes,
                engine_vram_bytes=engine_vram_bytes,
                swap_rise_bytes=swap,
            )

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            if self._pids:
                self._look()

    def _look(self) -> None:
        rss = tree_rss(self._pids)
        available = psutil.virtual_memory().available
        swap = _swap_used()
        with self._lock:
            if rss is not None:
                self._rss = max(rss, self._rss or 0)
            self._available_least = min(self._available_least, available)
            if swap is not None:
                self._swap_most = max(swap, self._swap_most or 0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def tree_rss(pids: tuple[int, ...]) -> int | None:
    """Resident bytes of the processes and their descendants, each counted once; None if none can be read."""
    processes: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            processes[pid] = root
            processes.update({child.pid: child for child in root.children(recursive=True)})
    sizes = []
    for process in processes.values():
        with contextlib.suppress(psutil.Error):
            sizes.append(process.memory_info().rss)
    return sum(sizes) if sizes else None


def _swap_used() -> int | None:
    try:
        return psutil.swap_memory().used
    except (OSError, RuntimeError):
        return None
