"""What Windows adds to psutil and py-cpuinfo: its version, its power plan and NVIDIA's GPUs.

The command here has never been run on a Windows machine by its authors; its parser was written from real
outputs.
"""

from __future__ import annotations

import platform
import re

from tpsprofile.machine import gpu
from tpsprofile.machine.facts import Facts
from tpsprofile.machine.shell import run

# powercfg's words are in the language of the system, these numbers are not.
_PLANS = {"381b4222": "automatic", "8c5e7fda": "high", "a1841308": "low"}


def facts(known: Facts) -> Facts:
    """Ask this host."""
    cards, unified = gpu.found()
    return Facts(os=f"Windows {platform.release()} ({platform.version()})", gpus=cards, unified_memory=unified)


def power() -> tuple[str | None, str | None]:
    """Power source (psutil knows it) and power plan of this host."""
    return None, parse_power_plan(run("powercfg", "/getactivescheme"))


def parse_power_plan(text: str) -> str | None:
    """``low``, ``automatic`` or ``high`` for the three plans of every Windows; None for a plan of one's own.

    The power mode slider of laptops is another setting, and not in this answer.
    """
    found = re.search(r"\b([0-9a-f]{8})-[0-9a-f]{4}-", text, re.IGNORECASE)
    return _PLANS.get(found[1].lower()) if found else None
