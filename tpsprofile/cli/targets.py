"""Which engines a command is for, where each is, and the plan that each of them gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from tpsprofile import plan as plans
from tpsprofile import sources
from tpsprofile.engines import registry
from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.plan import SweepPlan

_URL = re.compile(r"https?://.*|\[[0-9a-f:.]+\](:\d+)?/?|[\w.-]+:\d+(/.*)?", re.IGNORECASE)
_NAMED = re.compile(r"([A-Za-z][\w.-]*)=(.+)", re.DOTALL)


def plans_of(
    name: str | None,
    *,
    engines: Sequence[str] = (),
    servers: Sequence[str] = (),
    models: Sequence[str] = (),
    key_env: str | None = None,
    chat: bool = False,
    cloud: bool = False,
    **changes: Any,
) -> list[SweepPlan]:
    """The plan of that name or file once for each engine, its own where none is named.

    ``changes`` are other fields of a plan; None leaves one as it is. With several engines a name of the catalogue
    means the synthetic twin on all of them, in the same quantisation: each measures the same file, or the
    nearest in its own format. Raises PlanError or UsageError, and EngineError where a server whose models
    somebody else loads is to say which it has.
    """
    base = plans.load(name or plans.DEFAULT)
    names = tuple(dict.fromkeys(engines)) or (base.engine,)
    where = _servers(servers, names)
    afar = _at_addresses(names) if key_env or cloud else names
    found = []
    for engine in names:
        plan = base if engine == base.engine else _without_setup(base)
        plan = plans.override(
            plan,
            engine=engine,
            server=where.get(engine),
            key_env=key_env if engine in afar else None,
            chat=chat or None,
            cloud=(cloud and engine in afar) or None,
            models=tuple(models) or None,
            **changes,
        )
        own = bool(models) or (engine == base.engine and len(names) == 1)
        found.append(_with_models(plan, named=own, several=len(names) > 1))
    return found


def is_url(where: str) -> bool:
    """A server's address, rather than a program's path."""
    return bool(_URL.fullmatch(where))


def _without_setup(plan: SweepPlan) -> SweepPlan:
    """Where a plan's own engine is, and how it is spoken to, says nothing of another."""
    return msgspec.structs.replace(plan, server=None, key_env=None, chat=False, cloud=False)


def _with_models(plan: SweepPlan, *, named: bool, several: bool) -> SweepPlan:
    """The plan with the models that its engine can be asked for.

    ``named``: the names were meant for this engine. ``several``: others measure the same models.
    """
    engine = registry.of_plan(plan)
    if not engine.can.loads and not named:
        cloud = plan.cloud or engine.info().cloud
        return msgspec.structs.replace(plan, models=sources.served(engine, cloud=cloud))
    if several and engine.can.takes:
        twins = tuple(sources.twin_name(name, engine.can.takes[0]) for name in plan.models)
        return msgspec.structs.replace(plan, models=twins)
    return plan


def _at_addresses(names: Sequence[str]) -> Sequence[str]:
    """The engines that a key or a service may be meant for: servers with an address, where there are any."""
    return [name for name in names if registry.create(name).can.server == "url"] or names


def _servers(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Where each engine is. ``ENGINE=WHERE`` is for that one, another for those that such a place is of use to.

    A server may be of several engines, which speak to it in different ways; a program is of one. What is wrong
    is not repeated in errors: there may be a password in it.
    """
    found: dict[str, str] = {}
    for text in given:
        engine, where = _taken_apart(text, names)
        if engine is not None:
            fitting = [engine]
        elif len(names) == 1:
            fitting = [names[0]]  # which may have its own words for what is wrong with it
        else:
            fitting = _fitting(where, names)
        if twice := [name for name in fitting if name in found]:
            raise UsageError(f"--server says twice where {twice[0]} is.", "Write it as --server ENGINE=WHERE.")
        found |= dict.fromkeys(fitting, where)
    return found


def _fitting(where: str, names: Sequence[str]) -> list[str]:
    kind = "url" if is_url(where) else "program"
    fitting = [name for name in names if registry.create(name).can.server == kind]
    if not fitting:
        raise UsageError(f"None of the engines {' and '.join(names)} could be where --server says.")
    if kind == "program" and len(fitting) > 1:
        raise UsageError(
            f"--server may be the program of {' or '.join(fitting)}.", f"Write it as --server {fitting[0]}=PATH."
        )
    return fitting


def _taken_apart(text: str, names: Sequence[str]) -> tuple[str | None, str]:
    named = _NAMED.fullmatch(text)
    if named is None:
        return None, text
    engine, where = named.groups()
    if engine not in names:
        raise UsageError(f"--server {engine}=… is for no engine of this sweep.", did_you_mean(engine, names))
    return engine, where
