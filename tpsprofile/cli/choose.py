"""Options that several commands share, and what they choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tpsprofile import plan as plans
from tpsprofile.errors import UsageError
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
    """The argument PLAN and the options that override it: what ``targets.plans_of`` takes."""
    for decorate in reversed(
        (
            click.argument("plan", required=False, shell_complete=complete_plan),
            click.option(
                "--engine",
                "engines",
                metavar="NAME",
                multiple=True,
                shell_complete=complete_engine,
                help="Run on this engine; may be repeated to put several beside each other.",
            ),
            click.option(
                "--model",
                "models",
                metavar="NAME|PATH",
                multiple=True,
                shell_complete=complete_model,
                help="Run this model instead of the plan's; may be repeated.",
            ),
            click.option(
                "--server",
                "servers",
                metavar="[ENGINE=]WHERE",
                multiple=True,
                help="Where the engine is: the path of a program, or the address of a server.",
            ),
            click.option("--key-env", metavar="NAME", help="Environment variable with the server's key."),
            click.option("--chat", is_flag=True, help="Send prompts through the model's chat template."),
            click.option("--cloud", is_flag=True, help="The server is somebody's service: a control."),
        )
    ):
        command = decorate(command)
    return command


class Duration(click.ParamType[float]):
    """``90s``, ``5m``, ``1h`` as seconds; ``0`` where that means none."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if value in ("0", 0):
            return 0.0
        try:
            return parse_seconds(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Share(click.ParamType[float]):
    """``2%`` or ``0.02`` as a share."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A share, 0 to 1."""
        text = str(value).strip()
        try:
            return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{value!r} is not a share. Write it as 2% or 0.02.", param, ctx)


class Counts(click.ParamType[tuple[int, ...]]):
    """``0,4096,16384`` as whole numbers."""

    name = "counts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers, in their order."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers. Write it as 0,4096.", param, ctx)
