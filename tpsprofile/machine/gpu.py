"""Graphics processors on Linux and Windows: NVIDIA by its own library, AMD and Intel by ``/sys``.

Never run on a machine that has one: the parsers were written from outputs of real machines.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tpsprofile.machine.portable import tolerant
from tpsprofile.machine.shell import number, read, run
from tpsprofile.records import Gpu

T = TypeVar("T")

DRM = Path("/sys/class/drm")
_AMD, _INTEL, _NVIDIA = 0x1002, 0x8086, 0x10DE
_VENDORS = {_AMD: "AMD", _INTEL: "Intel", _NVIDIA: "NVIDIA"}
# AMD processors with graphics inside: all memory is the system's, and "VRAM" is a part of it that the firmware
# set aside (512 MiB on many a Strix Halo with 128 GB). Numbers from the PCI ID database.
INTEGRATED = {
    0x1114: "Radeon 840M/860M",
    0x150E: "Radeon 880M/890M",
    0x1586: "Radeon 8050S/8060S",
    0x15BF: "Radeon 760M/780M",
    0x1636: "Radeon Graphics (Renoir)",
    0x1638: "Radeon Graphics (Cezanne)",
    0x164E: "Radeon Graphics (Raphael)",
    0x1681: "Radeon 660M/680M",
    0x1900: "Radeon 760M/780M",
}


def found(brand: str = "") -> tuple[tuple[Gpu, ...], bool | None]:
    """All GPUs, and whether they share the processor's memory; None for that where it is unknown.

    ``brand`` is the processor's own name, which on AMD ends with the name of its graphics.
    """
    cards = [card for folder in _drm_folders() if (card := from_sysfs(_texts(folder), brand))]
    nvidia = nvidia_gpus()
    if nvidia:
        cards = [(card, shared) for card, shared in cards if not card.name.startswith("NVIDIA")]
    cards += [(card, card.vram_bytes is None) for card in nvidia]
    shared = [is_shared for _, is_shared in cards]
    return tuple(card for card, _ in cards), False if False in shared else (True if True in shared else None)


def free_vram_bytes() -> int:
    """Memory of discrete and carved-out GPUs that nobody uses yet, in bytes."""
    with _nvml() as ask:
        nvidia = sum(ask(_free_bytes))
    return nvidia + sum(filter(None, (_amd_free(_texts(folder)) for folder in _drm_folders())))


# ------------------------------------------------------------------------------------------------ NVIDIA


def nvidia_gpus() -> list[Gpu]:
    """NVIDIA GPUs by NVML, else by ``nvidia-smi``; none where the driver is missing."""
    with _nvml() as ask:
        cards = ask(nvidia_card)
    query = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
    return cards or parse_smi(run("nvidia-smi", *query))


def nvidia_card(lib: Any, card: Any) -> Gpu:
    """One GPU of NVML. GB10 and Jetson share the system's memory and have no figure for it: None."""
    name = lib.nvmlDeviceGetName(card)
    return Gpu(
        name=_nvidia_name(name.decode() if isinstance(name, bytes) else str(name)),
        vram_bytes=tolerant(lambda: int(lib.nvmlDeviceGetMemoryInfo(card).total)) or None,
    )


def _free_bytes(lib: Any, card: Any) -> int:
    return int(lib.nvmlDeviceGetMemoryInfo(card).free)


def parse_smi(csv: str) -> list[Gpu]:
    """GPUs from ``name, memory.total in MiB`` lines; N/A and Not Supported come in several spellings."""
    cards = []
    for line in csv.splitlines():
        name, comma, rest = line.partition(",")
        mib = number(rest.split(",")[0])
        if comma and name.strip():
            cards.append(Gpu(name=_nvidia_name(name), vram_bytes=mib * 1024**2 if mib else None))
    return cards


def _nvidia_name(name: str) -> str:
    text = " ".join(name.replace("(nvgpu)", " ").split())
    return text if text.startswith("NVIDIA") else f"NVIDIA {text}"


@contextmanager
def _nvml() -> Iterator[Callable[[Callable[[Any, Any], T]], list[T]]]:
    """Yield a function that asks one question of every card, and gives the answers there are."""

    def load() -> Any:
        import pynvml

        pynvml.nvmlInit()
        return pynvml

    lib: Any = tolerant(load)

    def of_card(question: Callable[[Any, Any], T], index: int) -> T:
        return question(lib, lib.nvmlDeviceGetHandleByIndex(index))

    def ask(question: Callable[[Any, Any], T]) -> list[T]:
        count = tolerant(lambda: int(lib.nvmlDeviceGetCount())) or 0
        answers = (tolerant(functools.partial(of_card, question, index)) for index in range(count))
        return [answer for answer in answers if answer is not None]

    try:
        yield ask
    finally:
        if lib is not None:
            tolerant(lib.nvmlShutdown)


# ----------------------------------------------------------------------------------------- /sys/class/drm


def from_sysfs(texts: Mapping[str, str], brand: str = "") -> tuple[Gpu, bool | None] | None:
    """A card from the texts of its ``device`` folder, and whether it shares the processor's memory.

    None for the screens of virtual machines and management chips. An integrated AMD GPU keeps both figures:
    what the firmware set aside as VRAM, and what it may use besides (GTT), which on Strix Halo is nearly all.
    """
    vendor, device = number(texts.get("vendor")), number(texts.get("device"))
    if vendor not in _VENDORS or device is None:
        return None
    integrated = vendor == _AMD and device in INTEGRATED
    named = re.search(r"Radeon \w+(?<!Graphics)$", " ".join(brand.split())) if integrated else None
    name = (named and named[0]) or texts.get("product_name") or (integrated and INTEGRATED[device])
    card = Gpu(
        name=f"{_VENDORS[vendor]} {name or f'GPU {vendor:04x}:{device:04x}'}".replace("AMD AMD", "AMD"),
        vram_bytes=number(texts.get("mem_info_vram_total")) or None,
        shared_bytes=number(texts.get("mem_info_gtt_total")) or None,
    )
    return card, True if integrated else (False if vendor == _AMD and card.vram_bytes else None)


def _drm_folders() -> list[Path]:
    """``card0/device``, ``card1/device``: the first card need not be number 0, and connectors are no cards."""
    return [path / "device" for path in sorted(DRM.glob("card*")) if re.fullmatch(r"card\d+", path.name)]


def _texts(folder: Path) -> dict[str, str]:
    wanted = (
        "vendor",
        "device",
        "product_name",
        "mem_info_vram_total",
        "mem_info_vram_used",
        "mem_info_gtt_total",
    )
    return {name: read(folder / name) for name in wanted}


def _amd_free(texts: Mapping[str, str]) -> int | None:
    total, used = number(texts.get("mem_info_vram_total")), number(texts.get("mem_info_vram_used"))
    return max(0, total - used) if total is not None and used is not None else None
