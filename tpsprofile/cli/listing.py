"""The models of a plan as a table or as JSON."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from tpsprofile import sources, units
from tpsprofile.engines import registry
from tpsprofile.engines.base import Engine
from tpsprofile.errors import EngineMissingError
from tpsprofile.machine import fit
from tpsprofile.models import cache, memory
from tpsprofile.plan import SweepPlan
from tpsprofile.render.lines import SYNTHETIC_MARK, weights
from tpsprofile.sources import Candidate

_ORIGINS = {
    "file": "a file of yours",
    "package": "PyPI package",
    "synthetic": "written here",
    "engine": "the engine's",
}


def show(plan: SweepPlan, *, as_json: bool) -> None:
    """Print the plan's models. Raises what ``sources.candidates`` raises."""
    engine = registry.of_plan(plan)
    found = sources.candidates(plan.models, engine, context_tokens=plan.context_tokens, cache=cache.folder())
    usable = fit.usable_bytes(gpu_used=_uses_gpu(engine))
    console = Console()
    if as_json:
        rows = [{**msgspec.to_builtins(one), "fits": _fits(one, usable)} for one in found]
        document = {"plan": plan.name, "engine": plan.engine, "usable_bytes": usable, "models": rows}
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())  # noqa: T201
        return
    console.print(f"plan {plan.name} · {plan.about}" if plan.about else f"plan {plan.name}", highlight=False)
    console.print(
        f"engine {plan.engine} · context {plan.context_tokens} · {units.memory(usable)} of memory can be had\n",
        highlight=False,
    )
    console.print(_table(found, usable, console.width))
    for one in found:
        if one.problem is not None:
            console.print(f"{one.facts.name}: {one.problem[1]}", style="dim", highlight=False, markup=False)
    if any(one.facts.synthetic for one in found):
        console.print(f"\n{SYNTHETIC_MARK} synthetic weights, written when needed", style="dim", highlight=False)


def _uses_gpu(engine: Engine) -> bool:
    try:
        return engine.info().may_use_gpu
    except EngineMissingError:
        return True


def _fits(one: Candidate, usable: int | None) -> bool | None:
    if one.need is None or usable is None:
        return None
    return memory.fits(one.need, usable)


def _table(found: list[Candidate], usable: int | None, width: int) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, padding=(0, 2), header_style="dim")
    names = ["model", "params", "weights", "disk", "memory", "fits"]
    for name in names + (["here", "source"] if width >= 76 else []):
        table.add_column(name, justify="right" if name in {"params", "disk", "memory"} else "left", no_wrap=True)
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
