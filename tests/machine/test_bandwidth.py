"""Memory bandwidth: what is moved and counted. How fast it is depends on the machine and is not tested."""

from collections import deque

import numpy as np
import psutil
import pytest

from tpsprofile.clock import SystemClock
from tpsprofile.machine import bandwidth

MIB = 1024**2


@pytest.mark.parametrize(
    ("available", "expected"),
    [(None, None), (0, None), (700 * MIB, None), (4096 * MIB, 512 * MIB), (64 * 1024 * MIB, 1024 * MIB)],
)
def test_an_eighth_of_memory_at_most_and_never_more_than_a_gib(
    available: int | None, expected: int | None
) -> None:
    assert bandwidth.array_bytes(available) == expected


class Stopwatch(SystemClock):
    """A clock that goes on by 10 ms whenever somebody looks."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        self.at += 0.01
        return self.at


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays small enough for a test."""
    monkeypatch.setattr(bandwidth, "MOST_BYTES", 24 * 1_000_000)
    monkeypatch.setattr(bandwidth, "LEAST_BYTES", 0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("threads", [1, 3])
def test_bytes_are_counted_as_stream_does(threads: int) -> None:
    # A pass takes 10 ms by this clock; three rounds of 24 bytes an element make one that is long enough.
    assert bandwidth.measure(threads=threads, seconds=0.1, clock=Stopwatch()) == pytest.approx(24e6 * 3 / 0.01)


def test_every_element_is_added_once_a_round_by_any_number_of_threads() -> None:
    arrays = tuple(np.zeros(1000) for _ in range(3))
    shares = [[slice(0, 300), slice(300, 500)], [slice(500, 1000)]]
    for share in shares:
        bandwidth._touch(arrays, share)
    queues = [deque(share) for share in shares]
    bandwidth._add(arrays, queues, 1)  # alone: it takes its own share, then the other's
    assert not any(queues)
    assert (arrays[0] == 3.0).all()


def test_too_little_memory_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "available_bytes", lambda: 100 * MIB)
    assert bandwidth.measure() is None


def test_chunks_cover_a_share_without_gap() -> None:
    chunks = bandwidth._chunks(10, 10 + 2 * bandwidth._CHUNK + 5)
    assert [chunk.start for chunk in chunks][1:] == [chunk.stop for chunk in chunks][:-1]
    assert (chunks[0].start, chunks[-1].stop) == (10, 15 + 2 * bandwidth._CHUNK)


@pytest.mark.usefixtures("small")
def test_without_a_count_of_cores_one_thread_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: None)
    assert bandwidth.measure(seconds=0.1, clock=Stopwatch())
