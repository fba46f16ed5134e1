"""Options that several commands share, and what they choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from tpsprofile import plan as plans
from tpsprofile.plan import SweepPlan
from tpsprofile.units import parse_seconds

F = TypeVar("F", bound=Callable[..., Any])


def complete_plan(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Shell completion: plans that come with tpsprofile."""
    return [name for name in plans.names() if name.startswith(incomplete)]


def complete_engine(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Shell completion: every registered engine."""
    from tpsprofile.engines import registry

    return [name for name in registry.names() if name.startswith(incomplete)]


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Shell completion: models of the catalogue."""
    from tpsprofile.models import catalogue

    return [shape.name for shape in catalogue.SHAPES if shape.name.startswith(incomplete)]


def plan_options(command: F) -> F:
    """The argument PLAN and the options that override it."""
    for decorate in reversed(
        (
            click.argument("plan", required=False, shell_complete=complete_plan),
            click.option("--engine", metavar="NAME", shell_complete=complete_engine, help="Run on this engine."),
            click.option(
                "--model",
                "models",
                metavar="NAME|FILE.gguf",
                multiple=True,
                shell_complete=complete_model,
                help="Run this model instead of the plan's; may be repeated.",
            ),
        )
    ):
        command = decorate(command)
    return command


def chosen_plan(
    name: str | None,
    *,
    engine: str | None,
    models: Sequence[str],
    line: float | None = None,
    budget: str | None = None,
) -> SweepPlan:
    """The plan of that name or file with the options put over it.

    Raises PlanError or UsageError.
    """
    return plans.override(
        plans.load(name or plans.DEFAULT),
        engine=engine,
        models=tuple(models) or None,
        line=line,
        budget=None if budget is None else parse_seconds(budget),
    )
