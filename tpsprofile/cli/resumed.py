"""The plan of a results file that a sweep goes on with, and what the file does not tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tpsprofile import plan as plans
from tpsprofile import sources
from tpsprofile.errors import UsageError
from tpsprofile.plan import SweepPlan
from tpsprofile.records import RunHeader
from tpsprofile.sweep import WITHHELD, shared_name


def plan_of(
    header: RunHeader,
    *,
    models: Sequence[str] = (),
    budget: float | None = None,
    server: str | None = None,
    key_env: str | None = None,
) -> SweepPlan:
    """The plan that the file was begun with, with the folders of its files and its server put back in.

    ``models`` are paths of files in the plan. Raises UsageError for what is still missing.
    """
    try:
        plan = msgspec.convert(header.settings, SweepPlan)
    except msgspec.ValidationError:
        raise UsageError("The file does not hold the plan it was made with.", "It cannot be resumed.") from None
    if plan.server == WITHHELD and server is None:
        raise UsageError(
            "Results do not tell where the server was, and this sweep had one.",
            "Say it again: --resume FILE --server WHERE.",
        )
    found = _found(plan, {shared_name(path): path for path in models})
    return plans.override(plan, models=found, budget=budget, server=server, key_env=key_env)


def _found(plan: SweepPlan, given: dict[str, str]) -> tuple[str, ...]:
    """The plan's models, files as the paths that were given."""
    strangers = given.keys() - set(plan.models)
    if strangers:
        raise UsageError(f"{', '.join(sorted(strangers))} is not in the file's plan.", "Begin a new sweep for it.")
    found = tuple(given.get(name, name) for name in plan.models)
    lost = [name for name in found if sources.is_path(name) and not Path(name).expanduser().exists()]
    if lost:
        where = "FOLDER" if lost[0].endswith("/") else "FOLDER/FILE.gguf"
        raise UsageError(f"{', '.join(lost)}: not in this folder.", f"Say where: --model {where}.")
    return found
