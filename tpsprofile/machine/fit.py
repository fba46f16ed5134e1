"""How much memory a model may take on this host right now."""

from __future__ import annotations

import platform

import psutil

from tpsprofile.machine import apple, cgroup, gpu, portable
from tpsprofile.machine.portable import tolerant
from tpsprofile.units import GIB


def available_bytes() -> int | None:
    """Memory that programs could get without swapping, as far as this process's control group allows."""
    free = portable.available_bytes()
    left = cgroup.memory_left_bytes() if platform.system() == "Linux" else None
    return min(free, left) if free is not None and left is not None else free


def usable_bytes(*, gpu_used: bool = True) -> int | None:
    """Bytes that weights, KV cache and buffers of one model may take together; None if unknown.

    That is available memory. On Apple silicon the GPU may use no more of it than its wired limit; on other
    machines a model may lie partly in a GPU's own memory, so what is free there is added, unless the engine
    makes no use of one (``gpu_used``).
    """
    free = available_bytes()
    if free is None:
        return None
    if platform.system() == "Darwin":
        memory = tolerant(psutil.virtual_memory)
        unified = platform.machine() == "arm64" and memory is not None
        return min(free, wired_limit_bytes(memory.total, apple.wired_limit_mb())) if unified and memory else free
    return free + (gpu.free_vram_bytes() if gpu_used else 0)


def wired_limit_bytes(ram_bytes: int, wired_limit_mb: int | None) -> int:
    """How much of unified memory macOS lets the GPU use.

    ``wired_limit_mb`` is ``iogpu.wired_limit_mb`` where somebody set it. Otherwise it is the system's choice,
    which Apple does not document: Metal's ``recommendedMaxWorkingSetSize`` has been reported as two thirds of
    the memory below 36 GB and three quarters from there (10.7 of 16 GB, 96 of 128 GB), and somewhat more on
    recent systems (11.8 of 16 GB, 107.5 of 128 GB). The smaller figures are taken: what fits in them fits.
    """
    if wired_limit_mb:
        return min(ram_bytes, wired_limit_mb * 1024**2)
    return ram_bytes * 3 // 4 if ram_bytes >= 36 * GIB else ram_bytes * 2 // 3
