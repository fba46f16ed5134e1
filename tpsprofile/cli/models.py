"""``tpsprofile models``: what a sweep would run here."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tpsprofile.cli.choose import chosen_plan, plan_options


@click.command(
    short_help="Show what a sweep would run here, and what fits in memory.",
    epilog="""\b
Examples:
  tpsprofile models                  the plan "quick"
  tpsprofile models laptop           what Ollama has, and what is missing
  tpsprofile models synthetic --json for a program
""",
)
@plan_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(*, plan: str | None, engine: str | None, models: Sequence[str], as_json: bool) -> None:
    """Show the models of a plan: size on disk, memory needed, whether they fit, and where they come from.

    Memory is weights, KV cache at the plan's context length, and overhead. Nothing is downloaded, and
    no model is written.
    """
    from tpsprofile.cli import listing

    listing.show(chosen_plan(plan, engine=engine, models=tuple(models) or None), as_json=as_json)
