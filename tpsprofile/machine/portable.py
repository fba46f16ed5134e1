"""What psutil, py-cpuinfo and the standard library know of any computer.

They are asked first; the module of a system adds what they cannot know. Each of them fails on some machine (a
new chip, a container without a file), so every question goes through ``tolerant``.
"""

from __future__ import annotations

import contextlib
import functools
import platform
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import TypeVar

import psutil

from tpsprofile.machine import names
from tpsprofile.machine.facts import Facts

T = TypeVar("T")


def tolerant(question: Callable[[], T]) -> T | None:
    """The answer, or None where the library cannot give one, whatever it raises and warns.

    Warnings are silenced in the main thread only: the switch is the whole program's, and two threads that turn
    it at once may leave it off.
    """
    main = threading.current_thread() is threading.main_thread()
    try:
        with warnings.catch_warnings(action="ignore") if main else contextlib.nullcontext():
            return question()
    except Exception:  # noqa: BLE001 - a missing fact must never end the program
        return None


def facts() -> Facts:
    """Everything that needs no knowledge of the system."""
    memory = tolerant(psutil.virtual_memory)
    return Facts(
        chip=brand(cpu_info()),
        arch=names.architecture(platform.machine()),
        cores_physical=tolerant(lambda: psutil.cpu_count(logical=False)) or None,
        cores_logical=tolerant(psutil.cpu_count) or None,
        ram_bytes=None if memory is None else memory.total,
        os=os_name(platform.system(), platform.release()),
        cpu_features=features(cpu_info()),
    )


@functools.cache
def cpu_info() -> Mapping[str, object]:
    """py-cpuinfo's dictionary; it takes a second (a process of its own), so it is asked once."""

    def ask() -> Mapping[str, object]:
        import cpuinfo

        found: Mapping[str, object] = cpuinfo.get_cpu_info()
        return found

    return tolerant(ask) or {}


def brand(info: Mapping[str, object]) -> str | None:
    """The chip's name in py-cpuinfo's dictionary; the key is missing on many ARM machines."""
    raw = info.get("brand_raw")
    return names.chip(raw) if isinstance(raw, str) else None


def features(info: Mapping[str, object]) -> tuple[str, ...]:
    """Vector instruction sets in py-cpuinfo's dictionary; on Apple silicon it has no flags."""
    flags = info.get("flags")
    return names.vector_features(map(str, flags)) if isinstance(flags, list | tuple) else ()


def os_name(system: str, release: str) -> str | None:
    """``Linux 6.1.0`` from the kernel's release, which may go on with a vendor's own words."""
    number = re.match(r"[\d.]*\d", release)
    return f"{system} {number[0]}" if system and number else system or None


def available_bytes() -> int | None:
    """Memory that programs could get without swapping, as psutil counts it."""
    memory = tolerant(psutil.virtual_memory)
    return None if memory is None else memory.available


def swap_used_bytes() -> int | None:
    """Swap in use. (psutil's ``free`` can be negative; ``used`` is what is asked for here.)"""
    swap = tolerant(psutil.swap_memory)
    return None if swap is None or swap.used < 0 else swap.used


def load_1m() -> float | None:
    """Load average of the last minute; None on Windows, where psutil imitates it and starts with zeros."""
    if platform.system() == "Windows":
        return None
    load = tolerant(psutil.getloadavg)
    return None if load is None else load[0]


def power_source(battery: object) -> str | None:
    """``mains`` or ``battery`` from ``psutil.sensors_battery()``.

    None where there is no battery, or one of which psutil does not know whether it is charged
    (``power_plugged=None``).
    """
    plugged = getattr(battery, "power_plugged", None)
    return None if plugged is None else ("mains" if plugged else "battery")


def battery() -> object | None:
    """psutil's battery; None on a desktop, and where the system has no such call."""
    return tolerant(psutil.sensors_battery) if hasattr(psutil, "sensors_battery") else None
