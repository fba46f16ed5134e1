"""What Linux says of a machine beyond psutil and py-cpuinfo: ARM chips, kinds of cores, limits, power.

Parsers are pure functions of text; ``facts`` reads ``/proc`` and ``/sys`` and runs nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tpsprofile.machine import arm, cgroup, gpu, names
from tpsprofile.machine.facts import Facts
from tpsprofile.machine.shell import number, read
from tpsprofile.records import CoreGroup, Gpu

PROC, SYS = Path("/proc"), Path("/sys")
_CPUS = SYS / "devices/system/cpu"


def facts(known: Facts) -> Facts:
    """Ask this host; ``known`` is what the portable libraries said."""
    blocks = parse_cpuinfo(read(PROC / "cpuinfo"))
    groups = core_groups(blocks, _speeds(len(blocks))) or hybrid_groups(
        _hybrid_sets(), _siblings(known.cores_logical)
    )
    cards, unified = gpu.found(brand(blocks) or "")
    board = {name: read(SYS / "class/dmi/id" / name) for name in ("sys_vendor", "product_name")}
    tree = {name: read(PROC / "device-tree" / name) for name in ("model", "compatible")}
    version = read(PROC / "version")
    limit, memory_limit = cgroup.cpu_limit(), cgroup.memory_limit_bytes()
    container = limited(known, limit, memory_limit)
    return Facts(
        chip=chip_name(blocks, tree["compatible"], cards),
        model=model_name(tree["model"], board),
        cores_physical=container.cores_physical,
        cores_logical=container.cores_logical,
        ram_bytes=container.ram_bytes,
        core_groups=groups if limit is None or sum(g.count for g in groups) <= limit else (),
        gpus=cards,
        unified_memory=unified,
        os=f"{known.os} (WSL2)" if is_wsl2(version) and known.os else None,
        virtual=is_container() or is_wsl2(version) or is_virtual(blocks, board, bool(tree["model"])),
        cpu_features=known.cpu_features or features(blocks),
    )


# ----------------------------------------------------------------------------------------- /proc/cpuinfo


def parse_cpuinfo(text: str) -> list[dict[str, str]]:
    """One map a processor, keys in lower case; what stands in no processor's block is in all of them.

    s390x has a line a processor instead of a block, and some boards put their own lines after the last one.
    """
    blocks: list[dict[str, str]] = []
    common: dict[str, str] = {}
    for part in re.split(r"\n\s*\n", text):
        lines = (line.partition(":") for line in part.splitlines())
        block = {key.strip().lower(): value.strip() for key, colon, value in lines if colon}
        if re.search(r"^processor\s*:\s*\d+\s*$", part, re.MULTILINE):
            blocks.append(block)
        else:
            common |= block
    rows = [key for key in common if re.fullmatch(r"processor \d+", key)]
    return [common | block for block in blocks] or [common] * (len(rows) or 1)


def brand(blocks: Iterable[Mapping[str, str]]) -> str | None:
    """The chip's own words in the first block that has any; other architectures use other keys."""
    keys = ("model name", "cpu", "uarch")
    said = (
        block[key].split(",")[0] if key == "cpu" else block[key]
        for block in blocks
        for key in keys
        if key in block
    )
    return next((text for text in said if names.chip(text)), None)


def core_groups(
    blocks: Iterable[Mapping[str, str]], speeds: Mapping[int, int] | None = None
) -> tuple[CoreGroup, ...]:
    """Kinds of ARM cores; empty where all are alike.

    ``speeds`` gives the kernel's capacity of each processor by number; without it they stand in the order of
    ``/proc/cpuinfo``, which is not that of speed.
    """
    counts: Counter[str] = Counter()
    fastest: Counter[str] = Counter()
    for block in blocks:
        implementer, part = number(block.get("cpu implementer")), number(block.get("cpu part"))
        if implementer is not None and part is not None:
            name = arm.core(implementer, part)
            counts[name] += 1
            fastest[name] = max(fastest[name], (speeds or {}).get(number(block.get("processor")) or 0, 0))
    ordered = sorted(counts, key=lambda name: -fastest[name])
    return tuple(CoreGroup(name=name, count=counts[name]) for name in ordered) if len(counts) > 1 else ()


def hybrid_groups(sets: Mapping[str, Iterable[int]], siblings: Mapping[int, str]) -> tuple[CoreGroup, ...]:
    """Intel's two kinds: processors of each kind, and which of them are threads of one core."""
    groups = {name: {siblings.get(cpu, str(cpu)) for cpu in cpus} for name, cpus in sets.items()}
    found = tuple(CoreGroup(name=name, count=len(cores)) for name, cores in groups.items() if cores)
    return found if len(found) > 1 else ()


def features(blocks: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Vector instruction sets that every processor has (kinds of cores may differ)."""
    each = [set(" ".join(b.get(key, "") for key in ("flags", "features")).split()) for b in blocks]
    return names.vector_features(set.intersection(*each)) if each else ()


def chip_name(blocks: list[dict[str, str]], compatible: str, cards: Iterable[Gpu]) -> str | None:
    """The system chip: ARM machines keep its name in the device tree, in the GPU's name, or nowhere.

    Then its cores must do: ``Cortex-X1C + Cortex-A78C``. None where /proc/cpuinfo names no ARM core: then
    py-cpuinfo knows better, or the architecture has keys of its own.
    """
    if number(blocks[0].get("cpu implementer")) is None:
        return names.chip(brand(blocks))
    superchip = next((found[0] for card in cards if (found := re.match(r"NVIDIA G[BH]\d+", card.name))), None)
    parts = (arm.core(number(b.get("cpu implementer")) or 0, number(b.get("cpu part")) or 0) for b in blocks)
    return arm.chip(compatible) or superchip or names.chip(brand(blocks)) or " + ".join(dict.fromkeys(parts))


# --------------------------------------------------------------------------------------- board and system


def model_name(device_tree_model: str, board: Mapping[str, str]) -> str | None:
    """The maker's name for the machine: the device tree's, else DMI's; None for a maker's placeholder."""
    if device_tree_model:
        return " ".join(device_tree_model.split())
    vendor, product = (" ".join(board.get(key, "").split()) for key in ("sys_vendor", "product_name"))
    if not product or re.search(
        r"to be filled|default string|system product|o\.?e\.?m\.?$", product, re.IGNORECASE
    ):
        return None
    short = re.sub(r",? (?:Inc|Corporation|Corp|Ltd|Co)\b\.?", "", vendor)
    return product if product.lower().startswith(short.lower()) else f"{short} {product}"


def is_wsl2(proc_version: str) -> bool:
    """Windows Subsystem for Linux 2. (Microsoft as hypervisor vendor would also be Azure.)"""
    return "microsoft-standard-wsl2" in proc_version.lower()


def is_virtual(blocks: list[dict[str, str]], board: Mapping[str, str], device_tree: bool) -> bool | None:
    """A virtual machine by the processor's ``hypervisor`` flag, or by who says that he made the board.

    None where nothing tells: an ARM machine with neither a board name nor a device tree.
    """
    flags = blocks[0].get("flags", "").split()
    maker = " ".join(board.values()).lower()
    guests = ("qemu", "kvm", "vmware", "virtualbox", "virtual machine", "bochs", "xen", "parallels", "openstack")
    clouds = ("amazon ec2", "google compute engine", "apple virtualization", "alibaba cloud")
    if "hypervisor" in flags or any(word in maker for word in guests + clouds):
        return "metal" not in maker or "hypervisor" in flags
    return False if flags or maker.strip() or device_tree else None


def is_container() -> bool:
    """Inside Docker, Podman, LXC or Kubernetes."""
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    groups = read(PROC / "1/cgroup")
    return any(mark.exists() for mark in marks) or bool(re.search(r"/(docker|lxc|kubepods|containerd)\b", groups))


def limited(known: Facts, cpus: int | None, memory_bytes: int | None) -> Facts:
    """Cores and memory as far as control groups allow them: in a container /proc counts the whole host."""

    def at_most(value: int | None, limit: int | None) -> int | None:
        return min(value, limit) if value is not None and limit is not None else value

    return Facts(
        cores_physical=at_most(known.cores_physical, cpus),
        cores_logical=at_most(known.cores_logical, cpus),
        ram_bytes=at_most(known.ram_bytes, memory_bytes),
    )


# ------------------------------------------------------------------------------------------------- power


def power_source(supplies: Iterable[Mapping[str, str]]) -> str | None:
    """``mains`` or ``battery`` from the folders of ``/sys/class/power_supply``: type, online, status.

    Without any supply, as on desktops and in virtual machines, it is None: see ``conditions``.
    """
    rows = list(supplies)
    mains = [row for row in rows if row.get("type", "").lower() in {"mains", "usb"} and row.get("online")]
    batteries = [row for row in rows if row.get("type", "").lower() == "battery" and row.get("scope") != "Device"]
    if any(row["online"] == "1" for row in mains):
        return "mains"
    if any(row.get("status", "").lower() == "discharging" for row in batteries):
        return "battery"
    return "battery" if mains and batteries else None


def power() -> tuple[str | None, str | None]:
    """Power source and power mode of this host, see ``power_mode``.

    A bare machine without any battery runs on mains; a virtual one cannot see its host's.
    """
    folders = sorted((SYS / "class/power_supply").glob("*"))
    supply = ("type", "online", "status", "scope")
    source = power_source([{key: read(folder / key) for key in supply} for folder in folders])
    if source is None and not folders and "hypervisor" not in read(PROC / "cpuinfo"):
        source = "mains" if (SYS / "class/power_supply").is_dir() else None
    keys = ("scaling_governor", "scaling_driver", "energy_performance_preference")
    profile = read(SYS / "firmware/acpi/platform_profile")
    return source, power_mode(profile, *(read(_CPUS / "cpu0/cpufreq" / key) for key in keys))


def power_mode(profile: str, governor: str, driver: str, preference: str) -> str | None:
    """The firmware's power profile, else the clock governor, by its own name; ``low`` for one that saves energy.

    The governor ``powersave`` is the usual one of drivers that leave the clock to the processor (``intel_pstate``,
    ``amd-pstate-epp``): there the processor's preference says whether to save. With any other driver it means the
    lowest clock. See the kernel's ``admin-guide/pm/intel_pstate.rst`` and ``cpufreq.rst``.
    """
    own_clock = driver in {"intel_pstate", "amd-pstate-epp", "amd_pstate_epp"}
    if governor == "powersave" and (preference == "power" if own_clock else bool(driver)):
        return "low"
    return profile or governor or None


# ------------------------------------------------------------------------------------------------ details


def _speeds(count: int) -> dict[int, int]:
    files = ("cpu_capacity", "cpufreq/cpuinfo_max_freq")
    found = {n: next(filter(None, (number(read(_CPUS / f"cpu{n}" / f)) for f in files)), 0) for n in range(count)}
    return {n: speed for n, speed in found.items() if speed}


def _hybrid_sets() -> dict[str, tuple[int, ...]]:
    kinds = {"Performance": "cpu_core", "Efficiency": "cpu_atom", "Low power": "cpu_lowpower"}
    return {name: cgroup.cpu_numbers(read(SYS / "devices" / folder / "cpus")) for name, folder in kinds.items()}


def _siblings(count: int | None) -> dict[int, str]:
    return {n: read(_CPUS / f"cpu{n}/topology/core_cpus_list") for n in range(count or 0)}
