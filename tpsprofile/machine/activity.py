"""What this host has done since it was started, and its state now: two looks tell what went on between.

Cheap enough to be read every other second while a model runs: no process is started, but for one on a Mac.
"""

from __future__ import annotations

import functools
import mmap
import platform
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from tpsprofile.machine import apple, fit
from tpsprofile.machine.portable import tolerant
from tpsprofile.machine.shell import number, run
from tpsprofile.machine.shell import read as read_file
from tpsprofile.records import Record

PROC, CPUS = Path("/proc"), Path("/sys/devices/system/cpu")
COLDEST_C, HOTTEST_C = 0.0, 130.0
"""What a sensor of a running processor can say; beyond it, it is broken or none is fitted."""

# Waiting is no work; guests are within the user's time; Windows counts interrupts within the system's already.
_NOT_COUNTED = frozenset({"guest", "guest_nice", "interrupt", "dpc"})
_NOT_BUSY = frozenset({"idle", "iowait", "steal"})
_PROCESSOR_SENSOR = re.compile(
    r"coretemp|k8temp|k10temp|zenpower\d*|via_cputemp|x86_pkg_temp|bcm2835_thermal|soc_dts\d"
    r"|(?:cpu|soc|bigcore|littlecore|cluster)\w*_therm(?:al)?"
)


class Activity(Record, frozen=True, kw_only=True):
    """Counters that only rise, from the system's start or some other fixed moment, and the state of an instant."""

    cpu_busy_s: float | None = None
    """Processor seconds at work, summed over processors; waiting for a disk and stolen time are not work."""
    cpu_stolen_s: float | None = None
    """Processor seconds that a virtual machine's host took for others; None where nobody counts them."""
    cpu_total_s: float | None = None
    """Processor seconds that passed, at work or not."""
    swapped_bytes: int | None = None
    """Memory moved to and from swap."""
    throttled: int | None = None
    """How often a core was slowed down because of heat, summed over cores."""
    available_bytes: int | None = None
    """Memory that programs could get without swapping."""
    cpu_mhz: float | None = None
    """Clock of the processor at this instant, mean over its cores."""
    temperature_c: float | None = None
    """The hottest sensor of the processor, degrees Celsius."""


def read() -> Activity:
    """The activity of this host, in a millisecond or a few; raises nothing, what cannot be read is None."""
    busy, stolen, total = processor_seconds(tolerant(psutil.cpu_times))
    return Activity(
        cpu_busy_s=busy,
        cpu_stolen_s=stolen,
        cpu_total_s=total,
        swapped_bytes=swapped_bytes(),
        throttled=throttled(),
        available_bytes=fit.available_bytes(),
        cpu_mhz=cpu_mhz(),
        temperature_c=temperature_c(),
    )


def processor_seconds(times: Any) -> tuple[float | None, float | None, float | None]:
    """(busy, stolen, total) seconds in a ``psutil.cpu_times``; None where it does not count them."""
    if times is None:
        return None, None, None
    parts = processor_parts(times)
    busy = sum(seconds for name, seconds in parts.items() if name not in _NOT_BUSY)
    return busy, parts.get("steal"), sum(parts.values())


def processor_parts(times: Any) -> dict[str, float]:
    """Seconds in a ``psutil.cpu_times`` by kind, without kinds that lie within another."""
    return {name: float(getattr(times, name)) for name in times._fields if name not in _NOT_COUNTED}


# -------------------------------------------------------------------------------------------------- swap


def swapped_bytes() -> int | None:
    """Bytes moved to and from swap since the system's start; None on Windows, which does not count them.

    Not ``psutil.swap_memory``: on a Mac that counts pages read from files too, a model's among them, on Linux
    it takes every page for one of 4 KiB, and it says 0 for unknown.
    """
    system = platform.system()
    if system == "Linux":
        return parse_vmstat(read_file(PROC / "vmstat"), mmap.PAGESIZE)
    return apple.parse_swapped(run("vm_stat")) if system == "Darwin" else None


def parse_vmstat(text: str, page_bytes: int) -> int | None:
    """Bytes in ``pswpin`` and ``pswpout`` of ``/proc/vmstat``, which are counted in pages."""
    pages = dict(line.split(" ", 1) for line in text.splitlines() if line.startswith("pswp"))
    moved = [number(pages.get(key)) for key in ("pswpin", "pswpout")]
    return None if None in moved else sum(filter(None, moved)) * page_bytes


# --------------------------------------------------------------------------------------------------- heat


def throttled(cpus: Path = CPUS) -> int | None:
    """Sum of the ``core_throttle_count`` of every core, which x86 Linux keeps; None elsewhere."""
    counts = [number(read_file(file)) for file in _throttle_files(cpus)]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@functools.cache
def _throttle_files(cpus: Path) -> tuple[Path, ...]:
    """One file a core: its threads count the same events."""
    files: dict[str, Path] = {}
    for folder in sorted(cpus.glob("cpu[0-9]*")):
        file = folder / "thermal_throttle/core_throttle_count"
        threads = (read_file(folder / "topology" / name) for name in ("core_cpus_list", "thread_siblings_list"))
        if file.exists():
            files.setdefault(next(filter(None, threads), folder.name), file)
    return tuple(files.values())


def temperature_c() -> float | None:
    """The hottest sensor of the processor; None where psutil reads none (macOS, Windows, virtual machines)."""
    return (
        hottest(tolerant(psutil.sensors_temperatures) or {}) if hasattr(psutil, "sensors_temperatures") else None
    )


def hottest(sensors: Mapping[str, Iterable[Any]]) -> float | None:
    """The highest believable reading of the processor's own sensors in ``psutil.sensors_temperatures``.

    Sensors of boards (``acpitz``), disks, batteries and graphics are left out. Where AMD gives the die's
    temperature (``Tdie``), the control value ``Tctl`` is left out: on some chips it is 10 or 27 degrees above.
    """
    found: list[float] = []
    for name, readings in sensors.items():
        if _PROCESSOR_SENSOR.fullmatch(name.lower().replace("-", "_")):
            rows = list(readings)
            no_control = any(row.label == "Tdie" for row in rows)
            found += [row.current for row in rows if not (no_control and row.label == "Tctl")]
    return max((value for value in found if COLDEST_C < value <= HOTTEST_C), default=None)


# -------------------------------------------------------------------------------------------------- clock


def cpu_mhz(cpus: Path = CPUS) -> float | None:
    """Clock of the processor now, mean over its cores; only Linux with a frequency driver tells it.

    A virtual machine, macOS and Windows give psutil a nominal value, which would hide that a processor is slowed.
    """
    if platform.system() != "Linux" or not any(
        (cpus / folder).is_dir() for folder in ("cpufreq/policy0", "cpu0/cpufreq")
    ):
        return None
    clock = tolerant(psutil.cpu_freq)
    return clock.current if clock is not None and clock.current > 0 else None
