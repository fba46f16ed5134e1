"""Conditions of a host: what psutil says and what it does when it fails."""

import platform
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tpsprofile.clock import SystemClock
from tpsprofile.machine import activity, apple, cgroup, conditions, fit, gpu, portable
from tpsprofile.units import GIB

Times = namedtuple("Times", ["user", "system", "idle", "iowait", "guest"])


class StillClock(SystemClock):
    """A clock that a test sets, and whose sleep is a step forward."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_busy_share_leaves_out_waiting_and_counts_guests_once() -> None:
    before = Times(user=10.0, system=5.0, idle=100.0, iowait=1.0, guest=3.0)
    after = Times(user=11.0, system=5.5, idle=102.0, iowait=1.5, guest=4.0)
    assert conditions.busy_share(before, after) == pytest.approx(1.5 / 4.0)


def test_busy_share_is_unknown_for_no_time_and_no_answer() -> None:
    now = Times(user=1.0, system=1.0, idle=1.0, iowait=1.0, guest=0.0)
    assert conditions.busy_share(now, now) is None
    assert conditions.busy_share(None, now) is None


def test_the_first_look_without_a_sample_does_not_know_how_busy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Times(1, 0, 1, 0, 0), Times(1, 0, 2, 0, 0)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(answers))
    watcher = conditions.Watcher(StillClock())
    assert watcher.look(0).cpu_busy is None
    assert watcher.look(0).cpu_busy == 0.0


def test_a_sample_is_taken_while_the_call_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StillClock()
    monkeypatch.setattr(psutil, "cpu_times", lambda: Times(clock.at, 0, clock.at * 3, 0, 0))
    watcher = conditions.Watcher(clock)
    watcher.look(0)
    clock.at = 100.0
    assert watcher.look(0.5).cpu_busy == pytest.approx(0.25)
    assert clock.at == 100.5


def test_power_is_asked_again_only_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    clock = StillClock()

    def ask() -> tuple[str | None, str | None]:
        asked.append(clock.at)
        return "mains", "low"

    monkeypatch.setattr(conditions, "_ask_power", ask)
    monkeypatch.setattr(portable, "battery", lambda: None)
    watcher = conditions.Watcher(clock)
    for clock.at in (0.0, 3.0, 9.0, 11.0):
        assert watcher.look(0).power_mode == "low"
        assert watcher.look(0).power_source == "mains"
    assert asked == [0.0, 11.0]


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (None, None),
        (SimpleNamespace(percent=88.6, secsleft=12338, power_plugged=False), "battery"),
        (SimpleNamespace(percent=97, secsleft=-2, power_plugged=True), "mains"),
        (SimpleNamespace(percent=0.0, secsleft=-1, power_plugged=None), None),
    ],
)
def test_psutils_battery(battery: Any, expected: str | None) -> None:
    assert portable.power_source(battery) == expected


def test_psutils_battery_comes_before_the_systems_own_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "_ask_power", lambda: ("mains", None))
    monkeypatch.setattr(portable, "battery", lambda: SimpleNamespace(power_plugged=False))
    assert conditions.Watcher(StillClock()).look(0).power_source == "battery"


@pytest.mark.parametrize("error", [FileNotFoundError, AttributeError, SystemError, NotImplementedError, OSError])
def test_a_library_that_fails_leaves_a_gap(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(*args: object, **kwargs: object) -> Any:
        raise error

    for name in ("virtual_memory", "swap_memory", "getloadavg", "cpu_times", "cpu_count", "sensors_battery"):
        monkeypatch.setattr(psutil, name, fail, raising=False)
    found = conditions.Watcher(StillClock()).look(0)
    assert found.available_bytes is None
    assert found.swap_used_bytes is None
    assert found.load_1m is None
    assert found.cpu_busy is None
    facts = portable.facts()
    assert facts.ram_bytes is None
    assert facts.cores_physical is None
    assert fit.usable_bytes() is None


def test_a_system_without_batteries_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert portable.battery() is None


def test_swap_with_a_negative_rest_is_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(total=5, used=11, free=-6))
    assert portable.swap_used_bytes() == 11


def test_load_is_unknown_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert portable.load_1m() is None


def test_clock_and_heat_are_those_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "Linux", "x86_64")
    answers = iter([(3000.0, 60.0), (1200.0, None)])
    for _ in range(2):
        mhz, heat = next(answers)
        monkeypatch.setattr(activity, "cpu_mhz", lambda mhz=mhz: mhz)
        monkeypatch.setattr(activity, "temperature_c", lambda heat=heat: heat)
        found = conditions.look(sample_s=0)
        assert (found.cpu_mhz, found.temperature_c, found.speed_limit) == (mhz, heat, None)


def test_a_mac_is_asked_for_its_speed_limit_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "Darwin", "x86_64")
    limits = iter([1.0, 0.4])
    monkeypatch.setattr(apple, "power", lambda: (None, None))
    monkeypatch.setattr(apple, "speed_limit", lambda: next(limits))
    watcher = conditions.Watcher(StillClock())
    assert [watcher.look(0).speed_limit, watcher.look(0).speed_limit] == [1.0, 0.4]


def test_a_look_at_this_host() -> None:
    found = conditions.look(sample_s=0.05)
    assert found.available_bytes is not None
    assert found.available_bytes > 0
    assert found.cpu_busy is None or 0 <= found.cpu_busy <= 1


# ------------------------------------------------------------------------------------------------------ fit


def memory(monkeypatch: pytest.MonkeyPatch, *, total: int, available: int, left: int | None = None) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=total, available=available))
    monkeypatch.setattr(cgroup, "memory_left_bytes", lambda: left)
    monkeypatch.setattr(gpu, "free_vram_bytes", lambda: 0)


def on(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)


def test_a_container_may_use_what_is_left_of_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "Linux", "x86_64")
    memory(monkeypatch, total=64 * GIB, available=60 * GIB, left=8 * GIB)
    assert fit.usable_bytes() == 8 * GIB
    memory(monkeypatch, total=64 * GIB, available=60 * GIB)
    assert fit.usable_bytes() == 60 * GIB


def test_a_discrete_gpus_free_memory_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "Linux", "x86_64")
    memory(monkeypatch, total=64 * GIB, available=60 * GIB)
    monkeypatch.setattr(gpu, "free_vram_bytes", lambda: 24 * GIB)
    assert fit.usable_bytes() == 84 * GIB


@pytest.mark.parametrize(
    ("ram", "limit_mb", "expected"),
    [
        (16 * GIB, None, 16 * GIB * 2 // 3),
        (16 * GIB, 0, 16 * GIB * 2 // 3),
        (128 * GIB, None, 96 * GIB),
        (128 * GIB, 118000, 118000 * 1024**2),
        (16 * GIB, 999999, 16 * GIB),
    ],
)
def test_the_wired_limit_of_apples_gpu(ram: int, limit_mb: int | None, expected: int) -> None:
    assert fit.wired_limit_bytes(ram, limit_mb) == expected


def test_on_apple_silicon_the_gpu_bounds_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "Darwin", "arm64")
    memory(monkeypatch, total=128 * GIB, available=120 * GIB)
    monkeypatch.setattr(apple, "wired_limit_mb", lambda: None)
    assert fit.usable_bytes() == 96 * GIB
    memory(monkeypatch, total=128 * GIB, available=50 * GIB)
    assert fit.usable_bytes() == 50 * GIB
    on(monkeypatch, "Darwin", "x86_64")
    memory(monkeypatch, total=128 * GIB, available=120 * GIB)
    assert fit.usable_bytes() == 120 * GIB
