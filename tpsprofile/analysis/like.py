"""Which points may be compared: like with like, model by model, and if not, why not."""

from __future__ import annotations

from enum import StrEnum

from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.records import Record


class Difference(StrEnum):
    """In what two points of one model are not alike: a closed set, the words of ``--allow``."""

    QUANTISATION = "quantisation"
    DIGEST = "digest"
    ENGINE = "engine"
    VERSION = "version"
    CONTEXT = "context"
    DEPTH = "depth"
    PROMPT = "prompt"
    TOKENS = "tokens"
    THINKING = "thinking"
    SPECULATIVE = "speculative"
    BUILD = "build"
    OPTIONS = "options"
    SOURCE = "source"
    SYNTHETIC = "synthetic"


class Pair(Record, frozen=True, kw_only=True):
    """One model on two machines."""

    model: str
    a: Point
    b: Point
    differences: tuple[Difference, ...]
    """Empty where they may be compared."""


class Who(Record, frozen=True, kw_only=True):
    """One machine of a summary."""

    machine_id: str
    machine: str
    """Its label, unlike that of any other machine."""
    chip: str | None
    ram_bytes: int | None


def machines(summary: Summary) -> tuple[Who, ...]:
    """Every machine, in the order of the table."""
    raise NotImplementedError


def find(summary: Summary, text: str) -> Who:
    """The machine whose label holds ``text``, in any case. Raises UsageError listing what there is."""
    raise NotImplementedError


def pairs(summary: Summary, a: str, b: str) -> tuple[Pair, ...]:
    """Every model that both machines (ids) have a figure of, by size; of several points the pair most alike."""
    raise NotImplementedError
