"""llama-bench: JSON, JSON Lines, CSV, SQL and markdown, whole or cut off."""

from __future__ import annotations

from tpsprofile.importers.reported import Part, Refused


def claims(text: str) -> bool:
    """Whether the text looks like an output of llama-bench."""
    return "build_commit" in text


def read(text: str) -> tuple[Part, ...]:
    """Its parts. Raises Refused."""
    raise Refused("It has no row of results.")
