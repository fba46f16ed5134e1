"""``tpsprofile models``: what a sweep would run here."""

from __future__ import annotations

from typing import Any

import click

from tpsprofile.cli.choose import plan_options


@click.command(
    short_help="Show what a sweep would run here, and what fits in memory.",
    epilog="""\b
Examples:
  tpsprofile models                  the plan "quick"
  tpsprofile models laptop           what Ollama has, and what is missing
  tpsprofile models synthetic --json for a program
  tpsprofile models --engine openai --server http://127.0.0.1:1234
                                     what that server has loaded
""",
)
@plan_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(*, plan: str | None, as_json: bool, **chosen: Any) -> None:
    """Show the models of a plan: size on disk, memory needed, whether they fit, and where they come from.

    Memory is weights, KV cache at the plan's context length, and overhead. Nothing is downloaded, and
    no model is written.
    """
    from tpsprofile.cli import listing
    from tpsprofile.cli.targets import plans_of

    listing.show(plans_of(plan, **chosen), as_json=as_json)
