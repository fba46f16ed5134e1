"""Limits of a Linux control group: inside a container ``/proc`` shows the host, and only these tell the truth.

Version 2 keeps everything in one tree (``memory.max``, ``cpu.max``), version 1 a tree for each controller.
A limit anywhere between the group and the root of the tree holds, so all of them are looked at.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath

from tpsprofile.machine.shell import number, read

ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60  # version 1 writes "no limit" as a number near 2**63


def limit_bytes(text: str) -> int | None:
    """``memory.max`` or ``memory.limit_in_bytes``: bytes, or None for no limit."""
    value = number(text)
    return value if value is not None and 0 < value < _UNLIMITED else None


def quota_cpus(cpu_max: str) -> int | None:
    """Processors in ``cpu.max``: quota and period in microseconds, or ``max`` for no limit. Rounded up."""
    quota, _, period = cpu_max.partition(" ")
    micros, every = number(quota), number(period)
    return max(1, math.ceil(micros / every)) if micros and every else None


def count_cpus(cpuset: str) -> int | None:
    """How many processors a list such as ``0-3,8`` names; None for an empty one."""
    return len(cpu_numbers(cpuset)) or None


def cpu_numbers(cpuset: str) -> tuple[int, ...]:
    """The processors in a list such as ``0-3,8``."""
    found: list[int] = []
    for part in filter(None, cpuset.strip().split(",")):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def folders(proc_self_cgroup: str, controller: str, root: Path = ROOT) -> list[Path]:
    """Folders that may hold a limit of this process, its own group first, the root of the tree last.

    ``proc_self_cgroup`` has lines of ``number:controllers:path``; version 2 is the one without controllers.
    """
    paths = {}
    for line in proc_self_cgroup.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for name in controllers.split(","):
            paths[name] = PurePosixPath(path or "/")
    first, own = (root / controller, paths[controller]) if controller in paths else (root, paths.get(""))
    steps = [own, *own.parents] if own is not None else [PurePosixPath("/")]
    return [first / step.relative_to("/") for step in steps if step.is_absolute()]


def memory_limit_bytes(root: Path = ROOT, proc: Path = Path("/proc")) -> int | None:
    """The tightest memory limit over this process, in bytes; None if there is none."""
    limits = [limit for limit, _ in _memory(root, proc)]
    return min(limits, default=None)


def memory_left_bytes(root: Path = ROOT, proc: Path = Path("/proc")) -> int | None:
    """Bytes until the tightest limit, file cache that can be dropped not counted as used."""
    return min((max(0, limit - used) for limit, used in _memory(root, proc)), default=None)


def cpu_limit(root: Path = ROOT, proc: Path = Path("/proc")) -> int | None:
    """Processors that this process may use by quota and by set; None if there is no limit."""
    groups = read(proc / "self/cgroup")
    limits = [quota_cpus(read(folder / "cpu.max")) for folder in folders(groups, "cpu", root)]
    limits += [count_cpus(read(folder / "cpuset.cpus.effective")) for folder in folders(groups, "cpuset", root)]
    return min((limit for limit in limits if limit is not None), default=None)


def _memory(root: Path, proc: Path) -> list[tuple[int, int]]:
    """(limit, bytes in use) of every limited group over this process."""
    found = []
    for folder in folders(read(proc / "self/cgroup"), "memory", root):
        limit = limit_bytes(read(folder / "memory.max") or read(folder / "memory.limit_in_bytes"))
        if limit is not None:
            used = number(read(folder / "memory.current") or read(folder / "memory.usage_in_bytes")) or 0
            found.append((limit, max(0, used - _droppable(read(folder / "memory.stat")))))
    return found


def _droppable(memory_stat: str) -> int:
    fields = dict(line.split(" ", 1) for line in memory_stat.splitlines() if " " in line)
    return number(fields.get("total_inactive_file") or fields.get("inactive_file")) or 0
