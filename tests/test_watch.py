"""Memory of a process tree: every process counted, the peak kept, nothing made up."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest

from tpsprofile.records import Memory
from tpsprofile.watch import MemoryWatch, tree_rss

MIB = 1024**2
GRANDPARENT = """
import subprocess, sys
child = "block = bytearray(60 * 2**20); print('up', flush=True); import sys; sys.stdin.read()"
parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
subprocess.run([sys.executable, "-c", parent])
"""


@pytest.fixture
def family() -> Iterator[int]:
    """Three generations; the youngest holds 60 MiB."""
    process = subprocess.Popen([sys.executable, "-c", GRANDPARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    yield process.pid
    process.communicate()


def test_the_whole_tree_is_counted(family: int) -> None:
    youngest = psutil.Process(family).children(recursive=True)[-1]
    total = tree_rss((family,))
    assert total is not None
    assert total > psutil.Process(family).memory_info().rss + 60 * MIB
    assert total >= youngest.memory_info().rss


def test_a_process_that_is_named_twice_counts_once(family: int) -> None:
    child = psutil.Process(family).children()[0].pid
    both, one = tree_rss((family, child)), tree_rss((family,))
    assert both is not None
    assert one is not None
    assert both < one + 5 * MIB


def test_a_process_that_is_gone_is_unknown_not_zero() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert tree_rss((process.pid,)) is None
    assert tree_rss(()) is None


def test_without_a_process_here_only_the_engine_can_tell() -> None:
    with MemoryWatch() as watch:
        watch.attach(())
        assert watch.peak(engine_bytes=5) == Memory(engine_bytes=5)


def test_peaks_are_kept_after_they_have_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    rss = iter([100, 300, 200])
    available = iter([1000, 900, 400, 800])
    swap = iter([10, 10, 70, 20])
    monkeypatch.setattr("tpsprofile.watch.tree_rss", lambda pids: next(rss))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=next(available)))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=next(swap)))
    with MemoryWatch(interval_s=3600) as watch:
        watch.attach((1,))
        watch._look()
        assert watch.peak() == Memory(rss_bytes=300, available_fall_bytes=600, swap_rise_bytes=60)


def test_it_looks_by_itself_while_the_engine_works(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[tuple[int, ...]] = []

    def rss(pids: tuple[int, ...]) -> int:
        looks.append(pids)
        return 1

    monkeypatch.setattr("tpsprofile.watch.tree_rss", rss)
    with MemoryWatch(interval_s=0.01) as watch:
        watch.attach((1,))
        deadline = time.monotonic() + 30
        while len(looks) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(looks) >= 4


def test_unknown_swap_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no swap here")

    monkeypatch.setattr(psutil, "swap_memory", broken)
    monkeypatch.setattr("tpsprofile.watch.tree_rss", lambda pids: 1)
    with MemoryWatch() as watch:
        watch.attach((1,))
        assert watch.peak().swap_rise_bytes is None
