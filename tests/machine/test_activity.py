"""What this host has done: counters and sensors, each unknown rather than wrong."""

import os
import platform
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tpsprofile.machine import activity, fit
from tpsprofile.machine.activity import Activity

LinuxTimes = namedtuple(
    "LinuxTimes", ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest"]
)
MacTimes = namedtuple("MacTimes", ["user", "nice", "system", "idle"])
WindowsTimes = namedtuple("WindowsTimes", ["user", "system", "idle", "interrupt", "dpc"])


def test_busy_is_neither_waiting_nor_stolen_and_guests_count_once() -> None:
    times = LinuxTimes(user=100, nice=10, system=20, idle=500, iowait=50, irq=1, softirq=2, steal=30, guest=90)
    assert activity.processor_seconds(times) == (133, 30, 713)


def test_nobody_counts_stolen_time_on_a_mac() -> None:
    assert activity.processor_seconds(MacTimes(user=5, nice=1, system=2, idle=10)) == (8, None, 18)


def test_windows_counts_interrupts_within_the_systems_time() -> None:
    assert activity.processor_seconds(WindowsTimes(5, 3, 10, interrupt=1, dpc=1)) == (8, None, 18)


def test_no_times_are_unknown() -> None:
    assert activity.processor_seconds(None) == (None, None, None)


# -------------------------------------------------------------------------------------------------- swap


def test_swap_is_counted_in_pages_of_this_system() -> None:
    text = "nr_free_pages 5\npswpin 3\npswpout 10\npgfault 77"
    assert activity.parse_vmstat(text, 4096) == 13 * 4096
    assert activity.parse_vmstat(text, 65536) == 13 * 65536
    assert activity.parse_vmstat("pswpin 0\npswpout 0", 4096) == 0


@pytest.mark.parametrize("text", ["", "nr_free_pages 5", "pswpin 3", "pswpin x\npswpout 1"])
def test_a_kernel_without_swap_leaves_it_unknown(text: str) -> None:
    assert activity.parse_vmstat(text, 4096) is None


def test_on_windows_nobody_counts_swapping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(sin=0, sout=0))
    assert activity.swapped_bytes() is None


def test_a_mac_is_asked_for_swap_and_not_for_pages_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPageins: 900.\nSwapins: 2.\nSwapouts: 3.\n"
    )
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(activity, "run", lambda *command: answer if command == ("vm_stat",) else "")
    assert activity.swapped_bytes() == 5 * 16384


# --------------------------------------------------------------------------------------------------- heat


def core(cpus: Path, number: int, threads: str, count: str | None) -> None:
    folder = cpus / f"cpu{number}"
    (folder / "topology").mkdir(parents=True)
    (folder / "topology/core_cpus_list").write_text(threads + "\n")
    if count is not None:
        (folder / "thermal_throttle").mkdir()
        (folder / "thermal_throttle/core_throttle_count").write_text(count + "\n")


def test_throttling_is_counted_once_a_core(tmp_path: Path) -> None:
    for number, threads, count in [(0, "0,2", "4"), (1, "1,3", "5"), (2, "0,2", "4"), (3, "1,3", "5")]:
        core(tmp_path, number, threads, count)
    (tmp_path / "cpufreq").mkdir()
    assert activity.throttled(tmp_path) == 9
    (tmp_path / "cpu0/thermal_throttle/core_throttle_count").write_text("6\n")
    assert activity.throttled(tmp_path) == 11, "the count is read anew each time"


def test_a_processor_that_counts_no_throttling_is_unknown(tmp_path: Path) -> None:
    core(tmp_path, 0, "0", None)
    assert activity.throttled(tmp_path) is None
    assert activity.throttled(tmp_path / "nowhere") is None


def test_a_core_that_is_switched_off_meanwhile_is_left_out(tmp_path: Path) -> None:
    core(tmp_path, 0, "0", "2")
    core(tmp_path, 1, "1", "3")
    assert activity.throttled(tmp_path) == 5
    (tmp_path / "cpu1/thermal_throttle/core_throttle_count").unlink()
    assert activity.throttled(tmp_path) == 2


def sensor(*readings: float | tuple[str, float]) -> list[SimpleNamespace]:
    named = [one if isinstance(one, tuple) else ("", one) for one in readings]
    return [SimpleNamespace(label=label, current=current, high=None, critical=None) for label, current in named]


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [
        ({"coretemp": sensor(("Package id 0", 71.0), ("Core 0", 73.0)), "nvme": sensor(85.0)}, 73.0),
        ({"k10temp": sensor(("Tctl", 88.5), ("Tccd1", 80.0)), "amdgpu": sensor(99.0)}, 88.5),
        ({"k10temp": sensor(("Tctl", 95.0), ("Tdie", 68.0))}, 68.0),
        ({"zenpower": sensor(("Tdie", 66.0))}, 66.0),
        ({"cpu_thermal": sensor(55.5), "rp1_adc": sensor(60.0)}, 55.5),
        ({"cpu-thermal": sensor(55.5), "gpu-thermal": sensor(70.0)}, 55.5),
        ({"soc_thermal": sensor(41.0), "bigcore0_thermal": sensor(44.0), "npu_thermal": sensor(50.0)}, 44.0),
        ({"CPU-therm": sensor(48.0), "Tboard_tegra": sensor(90.0)}, 48.0),
        ({"acpitz": sensor(6.8, 27.8), "BAT0": sensor(30.0), "iwlwifi_1": sensor(50.0)}, None),
        ({"coretemp": sensor(0.0, -5.0)}, None),
        ({"coretemp": sensor(65261.85, 60.0)}, 60.0),
        ({"coretemp": sensor(130.5)}, None),
        ({"coretemp": []}, None),
        ({}, None),
    ],
)
def test_the_hottest_sensor_of_the_processor(sensors: dict[str, Any], expected: float | None) -> None:
    assert activity.hottest(sensors) == expected


def test_a_system_without_sensors_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    assert activity.temperature_c() is None


# -------------------------------------------------------------------------------------------------- clock


def clock(monkeypatch: pytest.MonkeyPatch, system: str, mhz: float | None) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None if mhz is None else SimpleNamespace(current=mhz))


@pytest.mark.parametrize("folder", ["cpufreq/policy0", "cpu0/cpufreq"])
def test_a_frequency_driver_tells_the_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    clock(monkeypatch, "Linux", 3100.5)
    assert activity.cpu_mhz(tmp_path) == 3100.5


@pytest.mark.parametrize("mhz", [None, 0.0])
def test_a_driver_that_tells_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mhz: float | None) -> None:
    (tmp_path / "cpu0/cpufreq").mkdir(parents=True)
    clock(monkeypatch, "Linux", mhz)
    assert activity.cpu_mhz(tmp_path) is None


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_a_nominal_clock_is_not_taken_for_a_measured_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str
) -> None:
    clock(monkeypatch, "Linux", 2250.0)
    assert activity.cpu_mhz(tmp_path) is None, "/proc/cpuinfo of a virtual machine"
    (tmp_path / "cpu0/cpufreq").mkdir(parents=True)
    clock(monkeypatch, system, 3200.0)
    assert activity.cpu_mhz(tmp_path) is None


# ------------------------------------------------------------------------------------------------- all of it


@pytest.mark.parametrize("error", [OSError, AttributeError, RuntimeError, psutil.AccessDenied])
def test_reading_raises_nothing(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(*args: object, **kwargs: object) -> Any:
        raise error

    for name in ("cpu_times", "virtual_memory", "swap_memory", "cpu_freq", "sensors_temperatures"):
        monkeypatch.setattr(psutil, name, fail, raising=False)
    monkeypatch.setattr(activity, "PROC", Path("/nowhere"))
    monkeypatch.setattr(activity, "throttled", lambda: None)
    assert activity.read() == Activity()


def test_a_reading_of_this_host() -> None:
    before = activity.read()
    until = time.process_time() + 0.1
    while time.process_time() < until:
        os.getpid()
    after = activity.read()
    assert before.cpu_busy_s is not None
    assert after.cpu_busy_s is not None
    assert after.cpu_total_s is not None
    assert before.cpu_busy_s < after.cpu_busy_s <= after.cpu_total_s
    assert after.available_bytes == pytest.approx(fit.available_bytes(), rel=0.5)
