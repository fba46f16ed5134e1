"""The models of a plan as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tpsprofile import sources, units
from tpsprofile.cli.prepared import usable_bytes
from tpsprofile.engines import registry
from tpsprofile.engines.base import Engine
from tpsprofile.errors import EngineMissingError
from tpsprofile.machine import fit
from tpsprofile.models import cache, memory
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Record
from tpsprofile.render.lines import SYNTHETIC_MARK, weights
from tpsprofile.sources import Candidate

_ORIGINS = {
    "file": "a file of yours",
    "package": "PyPI package",
    "synthetic": "written here",
    "engine": "the engine's",
}


def show(plans: Sequence[SweepPlan], *, as_json: bool) -> None:
    """Print the models of each plan; as JSON one document, or a list of them. Raises as ``candidates`` does."""
    found = [_listed(plan, forgiving=len(plans) > 1) for plan in plans]
    if as_json:
        documents = [_document(one) for one in found]
        text = msgspec.json.encode(documents if len(documents) > 1 else documents[0])
        print(msgspec.json.format(text, indent=2).decode())  # noqa: T201
        return
    console = Console()
    for number, one in enumerate(found):
        if number:
            console.print()
        _show(one, console)


class _Listed(Record, frozen=True, kw_only=True):
    """A plan, what its models are here, and the memory they may take, in bytes."""

    plan: SweepPlan
    candidates: list[Candidate]
    usable: int | None


def _listed(plan: SweepPlan, *, forgiving: bool) -> _Listed:
    engine = registry.of_plan(plan)
    found = sources.candidates(
        plan.models, engine, context_tokens=plan.context_tokens, cache=cache.folder(), forgiving=forgiving
    )
    return _Listed(plan=plan, candidates=found, usable=_usable(engine))


def _document(one: _Listed) -> dict[str, Any]:
    rows = [{**msgspec.to_builtins(each), "fits": _fits(each, one.usable)} for each in one.candidates]
    return {"plan": one.plan.name, "engine": one.plan.engine, "usable_bytes": one.usable, "models": rows}


def _show(one: _Listed, console: Console) -> None:
    plan, found = one.plan, one.candidates
    console.print(f"plan {plan.name} · {plan.about}" if plan.about else f"plan {plan.name}", highlight=False)
    memory_text = f"{units.memory(one.usable)} of memory can be had"
    console.print(
        f"engine {plan.engine} · context {plan.context_tokens} · {memory_text}\n",
        highlight=False,
    )
    console.print(_table(found, one.usable, console.width))
    for each in found:
        if each.problem is not None:
            console.print(f"{each.facts.name}: {each.problem[1]}", style="dim", highlight=False, markup=False)
    if any(each.facts.synthetic for each in found):
        console.print(f"\n{SYNTHETIC_MARK} synthetic weights, written when needed", style="dim", highlight=False)


def _usable(engine: Engine) -> int | None:
    try:
        return usable_bytes(engine.info())
    except EngineMissingError:
        return fit.usable_bytes(gpu_used=True)


def _fits(one: Candidate, usable: int | None) -> bool | None:
    if one.need is None or usable is None:
        return None
    return memory.fits(one.need, usable)


def _table(found: list[Candidate], usable: int | None, width: int) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, padding=(0, 2), header_style="dim")
    names = ["model", "params", "weights", "disk", "memory", "fits"]
    for name in names + (["here", "source"] if width >= 76 else []):
        numbers = name in {"params", "disk", "memory"}
        # What servers call a model may be long: then its name takes two lines, and the others keep their width.
        table.add_column(name, justify="right" if numbers else "left", no_wrap=name != "model", overflow="fold")
    for one in found:
        fits = _fits(one, usable)
        cells = [
            one.facts.name,
            units.parameters(one.facts.parameters),
            weights(one.facts),
            units.memory(one.disk_bytes),
            units.memory(one.need.total if one.need else None),
            {True: "yes", False: "no", None: units.UNKNOWN}[fits],
            "yes" if one.installed else "no",
            _ORIGINS.get(one.origin, one.origin),
        ]
        table.add_row(*cells[: len(table.columns)], style="dim" if fits is False or one.problem else "")
    return table
