"""Memory bandwidth as makers state it, for chips whose name alone says which memory they have.

Processors with memory modules are not here (any modules may be plugged in), nor are graphics cards (their memory
is not the machine's), nor Jetson Orin modules: all of them, from 68 to 200 GB/s, call their chip the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from tpsprofile.units import GB

# Chip, GPU cores (None: all variants have the same memory) -> GB/s of 10^9 bytes.
# - M1 to M5: the specifications of Apple's models, as compiled in MuMax3's apple_project.py (which cites
#   arXiv:2502.05317), llama.cpp's discussion 4167, and the reviews of Ars Technica (M4) and Macworld (Mac Studio
#   2025); M5: llmfit's hardware.rs and inference-atlas' request 194.
# - GB10: whichllm's gpu.py and inference-atlas, after NVIDIA's data sheet of DGX Spark.
# - Ryzen AI Max+ 395: lhl/strix-halo-testing and AMD's announcement: 256 bits of LPDDR5X-8000, PRO or not.
# - BCM2712 (Raspberry Pi 5, 500, Compute Module 5): computed from 32 bits of LPDDR4X-4267.
_GB_S: Mapping[tuple[str, int | None], float] = {
    ("Apple M1", None): 68.25,
    ("Apple M1 Pro", None): 200,
    ("Apple M1 Max", None): 400,
    ("Apple M1 Ultra", None): 800,
    ("Apple M2", None): 100,
    ("Apple M2 Pro", None): 200,
    ("Apple M2 Max", None): 400,
    ("Apple M2 Ultra", None): 800,
    ("Apple M3", None): 100,
    ("Apple M3 Pro", None): 150,
    ("Apple M3 Max", 30): 300,
    ("Apple M3 Max", 40): 400,
    ("Apple M3 Ultra", None): 819,
    ("Apple M4", None): 120,
    ("Apple M4 Pro", None): 273,
    ("Apple M4 Max", 32): 410,
    ("Apple M4 Max", 40): 546,
    ("Apple M5", None): 153.6,
    ("Apple M5 Pro", None): 307,
    ("Apple M5 Max", 32): 460,
    ("Apple M5 Max", 40): 614,
    ("NVIDIA GB10", None): 273,
    ("AMD Ryzen AI Max+ 395", None): 256,
    ("AMD Ryzen AI Max+ PRO 395", None): 256,
    ("Broadcom BCM2712", None): 17.1,
}


def specified_bandwidth(chip: str, gpu_cores: int | None = None) -> float | None:
    """Bytes/s that the maker states for the memory of ``chip``, a name as ``Machine.chip`` holds it.

    Max chips since the M3 are sold with two widths of memory, told apart by their GPU cores. None for a chip that
    is not in the table, and for one of those without ``gpu_cores``.
    """
    found = _GB_S.get((chip, None), _GB_S.get((chip, gpu_cores)))
    return None if found is None else found * GB
