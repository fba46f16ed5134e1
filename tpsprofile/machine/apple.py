"""What macOS says of a Mac: ``sysctl``, ``system_profiler`` and ``pmset``, none of which needs root.

Parsers here are pure functions of text. They were written from outputs of real machines (M1 to M6, virtual
machines, Rosetta, Intel); the shell around them (``facts``, ``power``, ``speed_limit``, ``wired_limit_mb``)
has never run on a Mac by the hands of its authors.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tpsprofile.machine import names
from tpsprofile.machine.facts import Facts
from tpsprofile.machine.shell import number, run
from tpsprofile.records import CoreGroup, Gpu

SYSCTL = ("hw", "machdep.cpu", "kern.osproductversion", "kern.hv_vmm_present", "sysctl.proc_translated", "iogpu")

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


def facts(known: Facts) -> Facts:
    """Ask this Mac. ``-detailLevel mini`` leaves serial numbers out of the answer."""
    profile = run(
        *("system_profiler", "-json", "-detailLevel", "mini", "SPHardwareDataType", "SPDisplaysDataType"),
        timeout_s=30,
    )
    return from_answers(parse_sysctl(run("sysctl", *SYSCTL)), parse_profile(profile))


def from_answers(sysctl: Mapping[str, str], profile: Mapping[str, Any]) -> Facts:
    """Facts from the two answers, either of which may be empty."""
    overview = next(iter(_entries(profile, "SPHardwareDataType")), {})
    cards = gpus(profile, number(sysctl.get("iogpu.wired_limit_mb")))
    translated = _flag(sysctl.get("sysctl.proc_translated"))
    brands = [str(overview.get("chip_type") or ""), sysctl.get("machdep.cpu.brand_string", "")]
    chip = next(filter(None, map(names.chip, brands)), None) or _chip_of_gpu(cards, translated)
    total, parts = parse_processors(overview.get("number_processors"))
    apple_silicon = (chip or "").startswith("Apple") or _flag(sysctl.get("hw.optional.arm64"))
    return Facts(
        chip=chip,
        model=sysctl.get("hw.model") or overview.get("machine_model"),
        arch="arm64" if apple_silicon else None,
        cores_physical=number(sysctl.get("hw.physicalcpu")) or total,
        cores_logical=number(sysctl.get("hw.logicalcpu")) or number(sysctl.get("hw.ncpu")),
        core_groups=core_groups(sysctl, chip) or _two_tiers(parts),
        gpus=cards,
        ram_bytes=number(sysctl.get("hw.memsize")),
        unified_memory=True if apple_silicon else None,
        os=f"macOS {version}" if (version := sysctl.get("kern.osproductversion")) else None,
        virtual=is_virtual(sysctl, brands, cards),
        translated=translated,
        cpu_features=features(sysctl),
    )


# ------------------------------------------------------------------------------------------------ sysctl


def parse_sysctl(text: str) -> dict[str, str]:
    """``name: value`` lines as a map. Names that a system does not have are missing or complained of.

    Answers of ``sysctl -n`` carry no names, so that a missing one shifts the rest: they are not asked for.
    """
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("sysctl:"))
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def core_groups(sysctl: Mapping[str, str], chip: str | None = None) -> tuple[CoreGroup, ...]:
    """Kinds of cores, fastest first, under the system's own names, however many there are.

    Empty where all cores are alike (one level, ``Standard``, on Intel and in virtual machines) and where the
    system counts none: macOS 11. The first systems that count levels do not name them; those ran on chips
    whose two levels are Performance and Efficiency.
    """
    counts: list[tuple[str | None, int]] = []
    while (count := number(sysctl.get(f"hw.perflevel{len(counts)}.physicalcpu"))) is not None:
        counts.append((sysctl.get(f"hw.perflevel{len(counts)}.name"), count))
    if len(counts) < 2:
        return ()
    older = re.match(r"Apple M[1-4]\b", chip or "") and len(counts) == 2
    stand_in = ("Performance", "Efficiency") if older else tuple(f"Level {n}" for n in range(len(counts)))
    return tuple(
        CoreGroup(name=name or stand_in[n], count=count) for n, (name, count) in enumerate(counts) if count
    )


def features(sysctl: Mapping[str, str]) -> tuple[str, ...]:
    """Vector instruction sets from ``hw.optional`` (1 means present) and Intel's feature words."""
    present = [
        name.rpartition(".")[2]
        for name, value in sysctl.items()
        if name.startswith("hw.optional") and value == "1"
    ]
    words = " ".join(sysctl.get(f"machdep.cpu.{key}", "") for key in ("features", "leaf7_features"))
    return names.vector_features([*present, *words.split()])


def wired_limit_mb() -> int | None:
    """``iogpu.wired_limit_mb``: MiB that the GPU may use; None for 0, which means the system's own choice."""
    return number(parse_sysctl(run("sysctl", "iogpu.wired_limit_mb")).get("iogpu.wired_limit_mb")) or None


# --------------------------------------------------------------------------------------- system_profiler


def parse_profile(text: str) -> dict[str, Any]:
    """The JSON of ``system_profiler -json``; ``{}`` for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_processors(value: object) -> tuple[int | None, tuple[int, ...]]:
    """``number_processors``: all cores, and how many of each kind where that can be read.

    A string ``proc 8:4:4`` (total and two kinds), with four numbers since macOS 26 (``proc 18:6:0:12``), or a
    plain number in virtual machines, under Rosetta and on Intel. The order of the kinds is nowhere written
    down, so kinds that do not add up to the total are dropped.
    """
    if isinstance(value, int):
        return value or None, ()
    found = [int(n) for n in re.findall(r"\d+", value)] if isinstance(value, str) else []
    if not found:
        return None, ()
    total, *parts = found
    return total, tuple(parts) if sum(parts) == total else ()


def gpus(profile: Mapping[str, Any], wired_limit: int | None = None) -> tuple[Gpu, ...]:
    """Graphics processors. Apple's have cores and no memory of their own; others have memory as text.

    ``wired_limit`` is ``iogpu.wired_limit_mb``: where it is set, it is how much memory the GPU may use.
    """
    return tuple(_gpu(entry, wired_limit) for entry in _entries(profile, "SPDisplaysDataType"))


def parse_size(text: object) -> int | None:
    """Bytes of ``1536 MB`` or ``4 GB``, in powers of two as system_profiler means them."""
    found = re.match(r"([\d.,]+)\s*([MG])B", text) if isinstance(text, str) else None
    if not found:
        return None
    return round(float(found[1].replace(",", ".")) * _UNITS[found[2]])


def is_virtual(sysctl: Mapping[str, str], brands: Iterable[str], cards: Iterable[Gpu]) -> bool | None:
    """A virtual machine by any sign of one: some hosts lend their guest a real model's name."""
    signs = (
        any(map(names.is_virtual, brands)),
        sysctl.get("hw.model", "").startswith("VirtualMac"),
        "VMM" in sysctl.get("machdep.cpu.features", "").split(),
        any("paravirtual" in card.name.lower() for card in cards),
    )
    return True if any(signs) else _flag(sysctl.get("kern.hv_vmm_present"))


# ------------------------------------------------------------------------------------------------- pmset


def power() -> tuple[str | None, str | None]:
    """Power source and power mode of this Mac: two commands, tens of milliseconds."""
    source = parse_power_source(run("pmset", "-g", "batt"))
    return source, parse_power_mode(run("pmset", "-g", "custom"), source)


def parse_power_source(batt: str) -> str | None:
    """``mains`` or ``battery`` from the first line of ``pmset -g batt``: drawing from 'AC Power'.

    The battery's own state is no guide: it may say ``AC attached; not charging``.
    """
    found = re.search(r"drawing from '(\w+) Power'", batt)
    return {"AC": "mains", "UPS": "battery", "Battery": "battery"}.get(found[1]) if found else None


def parse_power_mode(custom: str, source: str | None) -> str | None:
    """``low``, ``automatic`` or ``high`` from ``pmset -g custom``, in the block of the active source.

    ``powermode`` is 0, 1, 2 on machines with a high power mode, ``lowpowermode`` 0, 1 on the others. Many
    desktops have neither: None, which is not the same as automatic.
    """
    blocks: dict[str, dict[str, str]] = {"": {}}
    heading = ""
    for line in custom.splitlines():
        if line.endswith(" Power:"):
            heading = line.split()[0]
            blocks[heading] = {}
        elif found := re.match(r"\s*(.+?)\s+(\S+)(?:\s+\(.*\))?\s*$", line):  # keys may contain blanks
            blocks[heading][found[1]] = found[2]
    active = blocks.get("AC" if source == "mains" else "Battery") if source else None
    settings = active if active is not None else blocks[""]
    modes = {"0": "automatic", "1": "low", "2": "high"}
    return modes.get(settings.get("powermode", settings.get("lowpowermode", "")))


def speed_limit() -> float | None:
    """Share of its full speed that this Mac's processor is allowed; Apple silicon never tells, so is not asked."""
    return None if platform.machine() == "arm64" else parse_speed_limit(run("pmset", "-g", "therm"))


def parse_speed_limit(therm: str) -> float | None:
    """``CPU_Speed_Limit`` of ``pmset -g therm``, in per cent there; the last one where there are several.

    Apple silicon prints three notes that nothing was recorded, which does not mean that nothing happened: None.
    """
    limits = [int(limit) for limit in re.findall(r"CPU_Speed_Limit\s*=\s*(\d+)", therm)]
    return min(limits[-1], 100) / 100 if limits else None


# ----------------------------------------------------------------------------------------------- vm_stat


def parse_swapped(vm_stat: str) -> int | None:
    """Bytes moved to and from swap by ``vm_stat``, which counts pages of the size in its headline.

    ``Pageins`` are something else: pages read from files as well.
    """
    page = re.search(r"page size of (\d+) bytes", vm_stat)
    moved = re.findall(r"^Swap(?:ins|outs):\s+(\d+)\.?\s*$", vm_stat, re.MULTILINE)
    return sum(map(int, moved)) * int(page[1]) if page and len(moved) == 2 else None


# ------------------------------------------------------------------------------------------------ details


def _entries(profile: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    found = profile.get(section)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _gpu(entry: Mapping[str, Any], wired_limit: int | None) -> Gpu:
    sizes = ("spdisplays_vram", "_spdisplays_vram", "spdisplays_vram_shared")
    cores = number(entry.get("sppci_cores"))
    return Gpu(
        name=str(entry.get("sppci_model") or entry.get("_name") or "unknown"),
        cores=cores,
        vram_bytes=next((size for key in sizes if (size := parse_size(entry.get(key)))), None),
        shared_bytes=wired_limit * 1024**2 if wired_limit and cores else None,
    )


def _chip_of_gpu(cards: Iterable[Gpu], translated: bool | None) -> str | None:
    """Under Rosetta the chip may go unnamed, but its GPU bears the same name."""
    named = next((card.name for card in cards if re.match(r"Apple M\d", card.name)), None)
    return named or ("Apple silicon" if translated else None)


def _two_tiers(parts: tuple[int, ...]) -> tuple[CoreGroup, ...]:
    """``proc 8:4:4`` of the systems that count no levels: performance cores, then efficiency cores."""
    tiers = ("Performance", "Efficiency")
    return tuple(CoreGroup(name=n, count=c) for n, c in zip(tiers, parts, strict=True)) if len(parts) == 2 else ()


def _flag(value: str | None) -> bool | None:
    return {"1": True, "0": False}.get(value or "")
