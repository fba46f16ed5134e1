"""How many threads llama.cpp is given."""

from __future__ import annotations

import os

import psutil

from tpsprofile.machine import cgroup


def threads() -> int:
    """One thread a physical core that this process may use; hyper-threads do not help decoding."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed, cgroup.cpu_limit() or physical))
