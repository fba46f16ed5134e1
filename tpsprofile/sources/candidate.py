"""A model of a plan, and what is known of it before it is loaded."""

from __future__ import annotations

from tpsprofile.models.memory import Dimensions, Need, at_least, needed
from tpsprofile.records import ModelFacts, Outcome, Record

FILE, PACKAGE, SYNTHETIC, ENGINE = "file", "package", "synthetic", "engine"


class Candidate(Record, frozen=True, kw_only=True):
    """A model of the plan, and what is known before it is loaded."""

    name: str
    """As the plan has it."""
    facts: ModelFacts
    need: Need | None = None
    """Memory at the plan's context length; None where it is unknown, or somebody else loaded the model."""
    origin: str
    """``file``, ``package``, ``synthetic`` or ``engine``."""
    installed: bool
    """Nothing has to be fetched or written first."""
    path: str | None = None
    """The file or folder, where there is one or will be one."""
    disk_bytes: int | None = None
    """What it takes on disk, or will take."""
    problem: tuple[Outcome, str] | None = None
    """Why it cannot be loaded, for its row in the results."""


def need_of(dimensions: Dimensions | None, file_bytes: int | None, context_tokens: int) -> Need | None:
    """By formula; where the dimensions are unknown, at least what the weights take."""
    if file_bytes is None:
        return None
    return at_least(file_bytes) if dimensions is None else needed(dimensions, file_bytes, context_tokens)
