"""A plan on its engine, looked at before anything is written: the models, and the machine they run on."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console

from tpsprofile import machine, sources
from tpsprofile.engines import registry
from tpsprofile.engines.base import Engine
from tpsprofile.errors import EngineError, ModelUnreadableError, ProfileError, UsageError
from tpsprofile.machine import fit, identity
from tpsprofile.machine.named import named
from tpsprofile.models import cache, memory
from tpsprofile.plan import SweepPlan
from tpsprofile.records import EngineInfo, Machine, Outcome, Record
from tpsprofile.sources import Candidate


class Prepared(Record, frozen=True, kw_only=True):
    """A plan, its engine, and what the engine can be asked to run."""

    plan: SweepPlan
    engine: Engine
    info: EngineInfo
    candidates: list[Candidate]

    @property
    def obstacle(self) -> ProfileError | None:
        """Why not one of the models can run; None where one can."""
        problems = [one.problem for one in self.candidates if one.problem is not None]
        if len(problems) < len(self.candidates):
            return None
        outcome, reason = problems[0]
        return ModelUnreadableError(reason) if outcome is Outcome.UNREADABLE else EngineError(reason)


def prepare(plan: SweepPlan, *, pull: bool, forgiving: bool = False) -> Prepared:
    """Look at the engine and the plan's models; with ``pull``, download what the engine can get.

    ``forgiving``: a name that this engine does not know is a row, because another one may. Raises
    EngineMissingError and UsageError.
    """
    engine = registry.of_plan(plan)
    if forgiving:
        engine.info()  # before its models: what is missing is told first
    found = _candidates(plan, engine, plan.models, forgiving=forgiving)
    info = engine.info()
    if pull and engine.can.pulls_models:
        found = [_pulled(candidate, plan, engine, usable_bytes(info)) for candidate in found]
    return Prepared(plan=plan, engine=engine, info=info, candidates=found)


def usable_bytes(engine: EngineInfo) -> int | None:
    """Memory that a model may take; unknown on another computer."""
    return None if is_elsewhere(engine) else fit.usable_bytes(gpu_used=engine.may_use_gpu)


def is_elsewhere(engine: EngineInfo) -> bool:
    """The engine does not run on this computer."""
    return engine.remote or engine.cloud


def server_hash(plan: SweepPlan, engine: Engine, info: EngineInfo) -> str | None:
    """What tells a server on another computer from any other, and nobody its address."""
    place = registry.place_of(engine, plan.server) if is_elsewhere(info) else None
    return None if place is None else identity.private_hash(place)


def machine_of(one: Prepared, tag: str | None) -> Machine:
    """What the engine runs on: this computer, one that the user names, or somebody's service.

    Raises UsageError for another computer without a name.
    """
    if one.info.cloud:
        where = identity.keyed_hash(one.plan.server or one.info.name)
        return Machine(id=f"cloud-{where}", chip="cloud service", tag=tag)
    if one.info.remote:
        return _named(tag)
    with Console(stderr=True).status("Looking at this machine…"):
        return machine.identify(tag=tag)


def _named(tag: str | None) -> Machine:
    """Another computer, of which nothing is known but what the user calls it."""
    if tag is None:
        raise UsageError(
            "The engine runs on another computer, whose chip and memory cannot be seen from here.",
            'Name that computer: --tag "Mac Studio 64GB".',
        )
    return named(tag)


def _candidates(
    plan: SweepPlan, engine: Engine, names: tuple[str, ...], *, forgiving: bool = False
) -> list[Candidate]:
    folder = cache.folder()
    return sources.candidates(names, engine, context_tokens=plan.context_tokens, cache=folder, forgiving=forgiving)


def _pulled(candidate: Candidate, plan: SweepPlan, engine: Engine, usable: int | None) -> Candidate:
    """The candidate after the engine downloaded what was missing of it, unless it could not run here anyway."""
    if candidate.problem is None or candidate.problem[0] is not Outcome.NOT_INSTALLED:
        return candidate
    if candidate.need is not None and not memory.fits(candidate.need, usable):
        return candidate
    name = candidate.facts.name
    with click.progressbar(length=1, label=f"pulling {name}", show_pos=False) as bar:

        def progress(done: int, total: int | None) -> None:
            if total:
                bar.length = total
                bar.update(done - bar.pos)

        try:
            engine.pull(name, progress)
        except ProfileError as error:
            problem = (Outcome.NOT_PREPARED, str(error))
            return msgspec.structs.replace(candidate, problem=problem)
    return _candidates(plan, engine, (name,))[0]
