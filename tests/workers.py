"""Which tests share a worker where several run at once."""

from __future__ import annotations

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

REAL = {
    "test_burner.py",
    "test_cli_sweep.py",
    "test_embedded.py",
    "test_engine_contract.py",
    "test_kill.py",
    "test_live.py",
    "test_llamacpp.py",
    "test_observer.py",
}
"""Files whose tests load models for real."""


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Each test for itself, but one worker for all real engines, so that no two press for the same processors."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        if PurePosixPath(file).name in REAL:
            return "real engines"
        return "six machines" if "six_machines" in name else nodeid  # they share pictures that are slow to draw
