"""New sweeps: on one engine, or the same models on several, one after the other, a results file each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from tpsprofile.cli.prepared import Prepared, is_elsewhere, machine_of, prepare
from tpsprofile.cli.session import Session
from tpsprofile.plan import SweepPlan, override
from tpsprofile.records import Machine


def alone(plan: SweepPlan, *, out: Path, tag: str | None, pull: bool) -> Session:
    """A new sweep on one engine, ready to run. Raises ProfileError before anything is written."""
    one = prepare(plan, pull=pull)
    if one.obstacle is not None:
        raise one.obstacle
    return Session.begin(one, machine=machine_of(one, tag), out=out)


def run(plans: Sequence[SweepPlan], *, out: Path, tag: str | None, pull: bool, keep: bool) -> tuple[bool, Session]:
    """Measure the plans, each on its engine. True where a model failed, and the last session.

    All engines are looked at before the first is measured, and asked to leave memory before each. A budget is for
    all of them: each gets an equal share of what is left, so that what one does not use the next ones have.
    Raises PlanError where a share would be too short, EngineMissingError for an engine that is not here, and the
    reason where no engine can run any model.
    """
    budget = plans[0].budget
    for plan in plans:
        override(plan, budget=None if budget is None else budget / len(plans))  # sustained work may not fit in it
    prepared = [prepare(plan, pull=pull, forgiving=True) for plan in plans]
    obstacles = [one.obstacle for one in prepared]
    if obstacles[0] is not None and all(obstacles):
        raise obstacles[0]
    say = Console().print
    names = [plan.engine for plan in plans]
    say(f"{len(names)} engines, one after the other: {', '.join(names)}", highlight=False)
    left, failed, here = budget, False, None
    for number, one in enumerate(prepared):
        share = None if left is None else left / (len(prepared) - number)
        for other in prepared:
            other.engine.make_room()
        machine = _machine(one, tag, here)
        here = here if is_elsewhere(one.info) else machine
        say("")
        session = Session.begin(_with_budget(one, share), machine=machine, out=out)
        try:
            failed = (session.run(keep=keep) and not session.has_none) or failed
        except SystemExit:
            if rest := names[number + 1 :]:
                say(f"Not begun: {', '.join(rest)}.", highlight=False)
            raise
        left = None if left is None else max(0.0, left - session.spent_s)
    return failed, session


def _machine(one: Prepared, tag: str | None, here: Machine | None) -> Machine:
    return here if here is not None and not is_elsewhere(one.info) else machine_of(one, tag)


def _with_budget(one: Prepared, budget: float | None) -> Prepared:
    return msgspec.structs.replace(one, plan=msgspec.structs.replace(one.plan, budget=budget))
