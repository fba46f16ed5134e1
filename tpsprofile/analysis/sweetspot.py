"""The largest model that keeps the limit on a machine, and what the next larger one would need."""

from __future__ import annotations

from statistics import median

from tpsprofile.analysis.comparison import Comparison, left_out
from tpsprofile.analysis.like import Who
from tpsprofile.analysis.rules import SAME_SIZE
from tpsprofile.analysis.speed import Crossing, Fit, Limit, What, seconds
from tpsprofile.analysis.summary import Absent, Point
from tpsprofile.models.catalogue import SHAPES
from tpsprofile.records import Record


class Next(Record, frozen=True, kw_only=True):
    """The next larger model, which is too slow, does not fit or was not measured."""

    model: str
    parameters: int
    needs: float | None
    """Times the speed that the machine has; 1 and less keeps the limit. None where it does not fit, or unknown."""
    predicted: bool
    """Not measured: by the line through the other sizes."""
    reads_bytes_s: float | None
    """Weights that it would read a second at a limit on decode; None for other limits, and without a size."""
    wall: Absent | None
    """Why it does not fit; None where it does."""


class Spot(Record, frozen=True, kw_only=True):
    """Where one machine is at its best."""

    who: Who
    largest: Point | None
    """The largest measured model that keeps the limit, of those whose size is known."""
    unsized: int
    """Models that keep the limit and whose size is not known."""
    next: Next | None


def spots(comparison: Comparison) -> tuple[Spot, Spot]:
    """Of the old and the new machine."""
    limit, bad = comparison.limit, left_out(comparison.rows)
    compared = [row for row in comparison.rows if row.compared and row not in bad]
    return (
        spot(comparison.a, tuple(r.pair.a for r in compared), comparison.fit_a, comparison.crossing_a, limit),
        spot(comparison.b, tuple(r.pair.b for r in compared), comparison.fit_b, comparison.crossing_b, limit),
    )


def spot(who: Who, rows: tuple[Point, ...], fit: Fit | None, crossing: Crossing | None, limit: Limit) -> Spot:
    """By the points of the fitted curve and the compared ``rows``, which hold what no curve is drawn through."""
    every = {point.model: point for point in (*(fit.points if fit is not None else ()), *rows)}.values()
    timed = [(point, taken) for point in every if (taken := usual_seconds(point, limit)) is not None]
    known = [(point, taken) for point, taken in timed if point.parameters]
    fast = [point for point, taken in known if taken <= limit.seconds]
    largest = max(fast, key=_size, default=None)
    slow = [(p, taken) for p, taken in known if taken > limit.seconds and _size(p) > _size(largest)]
    wall = crossing.wall if crossing is not None else None
    if slow:
        following: Next | None = _measured(*min(slow, key=lambda one: _size(one[0])), limit)
    elif wall is not None:
        following = _walled(wall)
    else:
        following = _unmeasured(fit, max((_size(point) for point, _ in known), default=0), limit)
    unsized = sum(1 for point, taken in timed if not point.parameters and taken <= limit.seconds)
    return Spot(who=who, largest=largest, unsized=unsized, next=following)


def usual_seconds(point: Point, limit: Limit) -> float | None:
    """The time that the limit is on, s, median of the trials; None without a figure for it."""
    times = seconds(point, limit)
    return median(times) if times else None


def _measured(point: Point, taken: float, limit: Limit) -> Next:
    reads = point.bytes_read if limit.what is What.DECODE else None
    return Next(
        model=point.model,
        parameters=_size(point),
        needs=taken / limit.seconds,
        predicted=False,
        reads_bytes_s=None if reads is None else reads / limit.seconds,
        wall=None,
    )


def _walled(wall: Absent) -> Next | None:
    if not wall.parameters:
        return None
    return Next(
        model=wall.model,
        parameters=wall.parameters,
        needs=None,
        predicted=False,
        reads_bytes_s=None,
        wall=wall,
    )


def _unmeasured(fit: Fit | None, largest: int, limit: Limit) -> Next | None:
    """The next common size beyond the measured ones."""
    shape = next((one for one in SHAPES if one.parameters > largest * SAME_SIZE), None)
    if fit is None or shape is None:
        return None
    return Next(
        model=shape.name,
        parameters=shape.parameters,
        needs=fit.seconds_at(shape.parameters).value / limit.seconds,
        predicted=True,
        reads_bytes_s=None,
        wall=None,
    )


def _size(point: Point | None) -> int:
    return (point.parameters or 0) if point is not None else 0
