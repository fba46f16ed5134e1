"""What is seen while an engine works: every process counted, the peak kept, nothing made up."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psutil
import pytest

from tpsprofile.clock import SystemClock
from tpsprofile.machine import processes
from tpsprofile.machine.activity import Activity
from tpsprofile.machine.processes import Tree, tree_rss
from tpsprofile.records import During, Memory
from tpsprofile.watch import MemoryWatch, Moment, during

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
    monkeypatch.setattr(Tree, "rss", lambda self: next(rss))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=next(available)))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=next(swap)))
    with MemoryWatch(interval_s=3600) as watch:
        watch.attach((1,))
        watch._look()
        assert watch.peak() == Memory(rss_bytes=300, available_fall_bytes=600, swap_rise_bytes=60)


def test_it_looks_by_itself_while_the_engine_works(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[tuple[int, ...]] = []

    def rss(tree: Tree) -> int:
        looks.append(tree.pids)
        return 1

    monkeypatch.setattr(Tree, "rss", rss)
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
    monkeypatch.setattr(Tree, "rss", lambda self: 1)
    with MemoryWatch() as watch:
        watch.attach((1,))
        assert watch.peak().swap_rise_bytes is None


# ---------------------------------------------------------------------------------- processes that vanish


class Shy:
    """A process as psutil shows it, each question of which ends as a test wants."""

    def __init__(self, pid: int, error: Exception | None = None, children: tuple[Shy, ...] = ()) -> None:
        self.pid, self.error, self.family = pid, error, children

    def _answer(self, value: object) -> object:
        if self.error is not None:
            raise self.error
        return value

    def is_running(self) -> object:
        return self._answer(True)

    def children(self, *, recursive: bool) -> object:
        return self._answer(list(self.family))

    def memory_info(self) -> object:
        return self._answer(SimpleNamespace(rss=100))

    def cpu_times(self) -> object:
        return self._answer(SimpleNamespace(user=2.0, system=1.0))


@pytest.fixture(
    params=[
        psutil.NoSuchProcess(1),
        psutil.AccessDenied(1),
        psutil.ZombieProcess(1),
        ProcessLookupError(),
        OSError(),
    ],
    ids=lambda error: type(error).__name__,
)
def gone(request: pytest.FixtureRequest) -> Exception:
    """What psutil may raise for a process that vanishes while it is looked at."""
    error = request.param
    assert isinstance(error, Exception)
    return error


def tree_of(monkeypatch: pytest.MonkeyPatch, *roots: Shy) -> Tree:
    known = {root.pid: root for root in roots}
    monkeypatch.setattr(psutil, "Process", lambda pid: known[pid])
    monkeypatch.setattr(processes, "LISTED_S", -1.0)
    return Tree(known)


def test_a_process_that_vanishes_while_it_is_looked_at_is_left_out(
    monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    tree = tree_of(monkeypatch, Shy(1, children=(Shy(2, gone), Shy(3))))
    assert tree.rss() == 200
    assert tree.cpu_s() == 6.0


def test_a_tree_whose_root_vanishes_while_it_is_looked_at_keeps_its_children(
    monkeypatch: pytest.MonkeyPatch, gone: Exception
) -> None:
    root = Shy(1, children=(Shy(2),))
    tree = tree_of(monkeypatch, root)
    assert (tree.rss(), tree.cpu_s()) == (200, 6.0)
    root.error = gone
    assert tree.rss() == 100
    assert tree.cpu_s() == 6.0, "what the root had spent is not forgotten"


def test_a_tree_that_was_never_readable_is_unknown(monkeypatch: pytest.MonkeyPatch, gone: Exception) -> None:
    tree = tree_of(monkeypatch, Shy(1, gone))
    assert tree.rss() is None
    assert tree.cpu_s() is None


def test_the_thread_goes_on_when_the_engine_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LISTED_S", -1.0)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with MemoryWatch(interval_s=0.001) as watch:
        watch.attach((process.pid,))
        watch.begin(SystemClock())
        time.sleep(0.05)
        process.communicate(b"\n")
        time.sleep(0.05)
        assert watch._thread.is_alive()
        watch.end()
        assert watch.peak().rss_bytes is not None


def test_this_program_is_not_counted_twice() -> None:
    assert Tree((os.getpid(),)).cpu_s() is None


# ------------------------------------------------------------------------------------------------ trials


class Sundial(SystemClock):
    """A clock whose three hands a test sets."""

    def __init__(self) -> None:
        self.date, self.up, self.steady = datetime(2026, 1, 1, tzinfo=UTC), 1000.0, 5.0
        self.counts_sleep = True

    def now(self) -> datetime:
        return self.date

    def uptime(self) -> float | None:
        return self.up if self.counts_sleep else None

    def monotonic(self) -> float:
        return self.steady

    def run(self, date: float, up: float, steady: float) -> None:
        """Let so many seconds pass on each."""
        self.date, self.up, self.steady = self.date + timedelta(seconds=date), self.up + up, self.steady + steady


def at(activity: Activity, *, seconds: float = 0.0, own_s: float = 0.0) -> Moment:
    return Moment(activity, own_s, date_s=7e8 + seconds, uptime_s=100 + seconds, steady_s=5 + seconds)


def test_what_is_left_of_the_busy_time_is_that_of_others() -> None:
    before, after = (
        at(Activity(cpu_busy_s=100.0), own_s=1.0),
        at(Activity(cpu_busy_s=160.0), seconds=20, own_s=3.0),
    )
    assert during(before, after, [], 38.0).others_cpu == pytest.approx((60 - 38 - 2) / 20)
    assert during(before, after, [], 59.0).others_cpu == 0.0
    assert during(before, after, [], None).others_cpu is None


def test_a_trial_of_a_blink_says_nothing_of_others() -> None:
    before, after = at(Activity(cpu_busy_s=1.0)), at(Activity(cpu_busy_s=1.02), seconds=0.05)
    assert during(before, after, [], 0.0).others_cpu is None


def test_counters_are_compared_from_begin_to_end() -> None:
    before = Activity(cpu_stolen_s=4.0, cpu_total_s=100.0, swapped_bytes=1000, throttled=7)
    after = Activity(cpu_stolen_s=5.0, cpu_total_s=140.0, swapped_bytes=1500, throttled=9)
    found = during(at(before), at(after, seconds=20), [], None)
    assert (found.stolen_cpu, found.swapped_bytes, found.throttled) == (1 / 40, 500, 2)


def test_no_processor_time_has_no_share() -> None:
    still = Activity(cpu_stolen_s=4.0, cpu_total_s=100.0)
    assert during(at(still), at(still, seconds=1), [], None).stolen_cpu is None
    nobody = [Activity(cpu_total_s=100.0), Activity(cpu_total_s=140.0)]
    assert during(at(nobody[0]), at(nobody[1], seconds=1), [], None).stolen_cpu is None


def test_extremes_and_means_are_of_all_samples() -> None:
    rest = Activity(cpu_mhz=800.0, temperature_c=40.0, available_bytes=900)
    work = [Activity(cpu_mhz=3000.0, temperature_c=91.0, available_bytes=300), Activity()]
    end = Activity(cpu_mhz=2000.0, temperature_c=70.0, available_bytes=500)
    found = during(at(rest), at(end, seconds=5), work, None)
    assert (found.available_least_bytes, found.temperature_most_c) == (300, 91.0)
    assert found.cpu_mhz == 2500.0, "the clock before the trial is that of a processor at rest"
    assert during(at(end), at(Activity(), seconds=5), [], None).temperature_most_c == 70.0


@pytest.mark.parametrize(
    ("passed", "asleep", "step"),
    [
        ((60.0, 60.0, 60.0), 0.0, 0.0),
        ((60.4, 60.3, 60.0), 0.0, 0.0),
        ((360.0, 360.0, 60.0), 300.0, 0.0),
        ((3660.0, 60.0, 60.0), 0.0, 3600.0),
        ((0.0, 60.0, 60.0), 0.0, -60.0),
        ((360.0 - 7200, 360.0, 60.0), 300.0, -7200.0),
        ((60.6, 60.6, 60.0), 0.6, 0.0),
        ((60.6, 60.0, 60.0), 0.0, 0.6),
    ],
)
def test_sleep_and_a_date_that_is_set_are_told_apart(
    passed: tuple[float, float, float], asleep: float, step: float
) -> None:
    clock, watch = Sundial(), MemoryWatch(read=Activity)
    watch.begin(clock)
    clock.run(*passed)
    found = watch.end()
    assert found == During(asleep_s=found.asleep_s, clock_step_s=found.clock_step_s), "the rest is unknown"
    assert found.asleep_s == pytest.approx(asleep)
    assert found.clock_step_s == pytest.approx(step)


def test_where_nobody_counts_sleep_it_is_unknown() -> None:
    clock, watch = Sundial(), MemoryWatch(read=Activity)
    clock.counts_sleep = False
    watch.begin(clock)
    clock.run(10.0, 0.0, 4.0)
    assert watch.end() == During(clock_step_s=6.0)


def test_a_machine_that_nobody_reads_tells_only_of_clocks(family: int) -> None:
    with MemoryWatch(interval_s=0.01, read=Activity) as watch:
        watch.attach((family,))
        watch.begin(SystemClock())
        time.sleep(0.25)
        found = watch.end()
    assert found == During(asleep_s=found.asleep_s, clock_step_s=0.0)


def test_an_end_without_a_begin_knows_nothing() -> None:
    assert MemoryWatch(read=Activity).end() == During()


def test_engines_that_are_exchanged_in_the_middle_leave_the_others_unknown(family: int) -> None:
    watch = MemoryWatch()
    watch.attach((family,))
    watch.begin(SystemClock())
    watch.attach((family,))
    time.sleep(0.25)
    found = watch.end()
    assert found.others_cpu is None
    assert found.available_least_bytes is not None


def test_the_machine_is_read_by_the_thread_while_a_trial_runs() -> None:
    reads: list[float] = []

    def read() -> Activity:
        reads.append(time.monotonic())
        return Activity(temperature_c=float(len(reads)))

    with MemoryWatch(interval_s=0.005, read=read) as watch:
        time.sleep(0.05)
        assert not reads, "nobody asked before a trial"
        watch.begin(SystemClock())
        deadline = time.monotonic() + 30
        while len(reads) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        found = watch.end()
    assert len(reads) >= 5
    assert found.temperature_most_c == float(len(reads))


SPIN = """
import sys, time
print("up", flush=True)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until: pass
sys.stdin.read()
"""


@contextlib.contextmanager
def child(spins_s: float) -> Iterator[int]:
    """A process that keeps one processor busy for a while, then waits for its end."""
    command = [sys.executable, "-c", SPIN, str(spins_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid
        process.kill()


def test_a_stranger_that_spins_is_seen_and_the_engine_itself_is_not() -> None:
    """Both watches look at the same second, so that whatever else the machine does is in both figures."""
    with child(0.0) as idler, child(10.0) as spinner, MemoryWatch() as its_own, MemoryWatch() as another:
        its_own.attach((spinner,))
        another.attach((idler,))
        its_own.begin(SystemClock())
        another.begin(SystemClock())
        time.sleep(1.2)
        engine, stranger = its_own.end().others_cpu, another.end().others_cpu
    assert stranger is not None
    assert engine is not None
    assert stranger > 0.5
    assert engine < stranger - 0.2
