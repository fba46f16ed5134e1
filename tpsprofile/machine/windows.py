"""What Windows adds to psutil and py-cpuinfo: its version, its power plan and NVIDIA's GPUs.

Neither the command nor the call here has ever been run on a Windows machine by its authors; the parser was written
from real outputs.
"""

from __future__ import annotations

import platform
import re
import sys

from tpsprofile.machine import gpu
from tpsprofile.machine.facts import Facts
from tpsprofile.machine.shell import run

# powercfg's words are in the language of the system, these numbers are not.
_PLANS = {"381b4222": "automatic", "8c5e7fda": "high", "a1841308": "low"}
_SAVER = 3


def facts(known: Facts) -> Facts:
    """Ask this host."""
    cards, unified = gpu.found()
    return Facts(os=f"Windows {platform.release()} ({platform.version()})", gpus=cards, unified_memory=unified)


def power() -> tuple[str | None, str | None]:
    """Power source (psutil knows it) and power plan of this host; ``low`` under any plan while energy is saved."""
    plan = parse_power_plan(run("powercfg", "/getactivescheme"))
    return None, "low" if is_saving(_power_status()) else plan


def parse_power_plan(text: str) -> str | None:
    """``low``, ``automatic`` or ``high`` for the three plans of every Windows; None for a plan of one's own.

    The power mode slider of laptops is another setting, and not in this answer.
    """
    found = re.search(r"\b([0-9a-f]{8})-[0-9a-f]{4}-", text, re.IGNORECASE)
    return _PLANS.get(found[1].lower()) if found else None


def is_saving(status: bytes) -> bool:
    """Battery saver (Energy saver in newer systems) is on, by the fourth byte of ``SYSTEM_POWER_STATUS``.

    Microsoft's description of the structure: ``SystemStatusFlag`` is 1 while it is on.
    """
    return len(status) > _SAVER and status[_SAVER] == 1


def _power_status() -> bytes:
    """The twelve bytes that ``GetSystemPowerStatus`` fills in; none where the call fails."""
    if sys.platform == "win32":
        import ctypes

        status = (ctypes.c_ubyte * 12)()
        if ctypes.windll.kernel32.GetSystemPowerStatus(status):
            return bytes(status)
    return b""
