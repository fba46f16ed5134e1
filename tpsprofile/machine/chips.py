"""Memory bandwidth as makers state it, for chips whose name alone says which memory they have.

Processors with memory modules are not among them (any modules may be plugged in), nor are graphics cards (their
memory is not the machine's), nor Jetson Orin modules: all of them, from 68 to 200 GB/s, call their chip the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from tpsprofile.chips import catalogue

_CALLED: Mapping[str, str] = {
    "NVIDIA GB10": "NVIDIA GB10",
    "AMD Ryzen AI Max+ 395": "AMD Ryzen AI Max+ 395",
    "AMD Ryzen AI Max+ PRO 395": "AMD Ryzen AI Max+ 395",
    "Broadcom BCM2712": "Raspberry Pi 5",
}
"""``Machine.chip`` -> family in the catalogue, for chips with soldered memory of one width; Apple's are all."""


def specified_bandwidth(chip: str, gpu_cores: int | None = None) -> float | None:
    """Bytes/s that the maker states for the memory of ``chip``, a name as ``Machine.chip`` holds it.

    Max chips since the M3 are sold with two widths of memory, told apart by their GPU cores. None for a chip that
    is not in the catalogue, and for one of those without ``gpu_cores``.
    """
    family = _CALLED.get(chip, chip)
    bins = [one for one in catalogue() if one.family == family and (one.vendor == "Apple" or chip in _CALLED)]
    if len({one.bandwidth_bytes_s for one in bins}) > 1:
        bins = [one for one in bins if one.gpu_cores == gpu_cores]
    return bins[0].bandwidth_bytes_s if bins else None
