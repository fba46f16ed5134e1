"""Two machines beside each other: how much faster, which sizes are gained and lost, and whether it is real."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from tpsprofile.analysis.like import Difference, Pair, Who
from tpsprofile.analysis.speed import Crossing, Estimate, Fit, Limit
from tpsprofile.analysis.summary import Absent, Point, Summary
from tpsprofile.records import Record


class Row(Record, frozen=True, kw_only=True):
    """One model on both machines."""

    pair: Pair
    compared: bool
    """Alike, or allowed in spite of its differences."""
    ratio: Estimate | None
    """How many times faster the second is; None where not compared."""
    significant: bool | None
    """The interval leaves out 1; None without an interval."""
    usable_a: bool
    usable_b: bool
    """Within the limit."""


class Cause(StrEnum):
    """Why a model was not usable before (or is not afterwards)."""

    TOO_SLOW = "was too slow"
    DID_NOT_FIT = "did not fit"


class Change(Record, frozen=True, kw_only=True):
    """A model that is usable on one machine alone."""

    model: str
    parameters: int | None
    cause: Cause
    on: Point
    """Where it is usable."""
    off: Point | Absent
    """Where it is not."""


class Comparison(Record, frozen=True, kw_only=True):
    """What two machines have in common and what not. Ratios above 1: the second machine is faster."""

    a: Who
    b: Who
    limit: Limit
    rows: tuple[Row, ...]
    """By size."""
    overall: Estimate | None
    """Geometric mean over the compared models."""
    significant: bool | None
    load: Estimate | None
    """How many times faster the second loads (first loads; geometric mean)."""
    ttft: Estimate | None
    fit_a: Fit | None
    fit_b: Fit | None
    crossing_a: Crossing | None
    crossing_b: Crossing | None
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    mixed: tuple[str, ...]
    """Quantisations along the curves, where sizes differ in it."""


def compare(summary: Summary, a: Who, b: Who, limit: Limit, allow: Collection[Difference] = ()) -> Comparison:
    """Raises ResultsError where the machines have no model in common that may be compared, and says what would help."""
    raise NotImplementedError
