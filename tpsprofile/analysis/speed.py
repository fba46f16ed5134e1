"""Speed against size: time = fixed + work / rate, fitted to the trials of one series, and where it ends.

Work is what a token reads of the model: bytes where all files have a known size, else parameters; for the time to
the first token always parameters, since reading a prompt is bound by arithmetic. A size counts with the median of
its trials, all sizes alike, and errors are shares of the time. How far the sizes lie from the line says how well
it is known: trials of one model repeat each other more closely than models do, so their noise alone would promise
too much. With two sizes there is nothing to tell it from, so no interval. docs/analysis.md tells more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from tpsprofile import stats, trust
from tpsprofile.analysis import line, weights
from tpsprofile.analysis.limits import Estimate, Limit, What, seconds
from tpsprofile.analysis.ratios import mean_ratio, ratio
from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.analysis.usable import curve, wall
from tpsprofile.records import Record

__all__ = [
    "Crossing",
    "End",
    "Estimate",
    "Fit",
    "Limit",
    "What",
    "crossing",
    "fit",
    "mean_ratio",
    "ratio",
    "seconds",
]

OFF_THE_LINE = frozenset({trust.Warning.TOO_FAST, trust.Warning.SWAPPING, trust.Warning.ERRATIC})
"""What keeps a point out: grade D for a cause of its own, not one that holds for the whole series."""


class Fit(Record, frozen=True, kw_only=True):
    """The line through the models of one series, with lines beside it that may be the true one."""

    series: Series
    limit: Limit
    """What the times are of."""
    points: tuple[Point, ...]
    """One a size, by size: what the line was fitted to."""
    in_bytes: bool
    """Against bytes read a token; against parameters where sizes of files are not known, and for TTFT."""
    fixed_s: Estimate
    """Time that does not depend on size. 0 without interval where the line would begin below 0."""
    rate: Estimate
    """Bytes a second (e × bandwidth), or parameters a second where not ``in_bytes``."""
    draws: tuple[tuple[float, float], ...]
    """(fixed s, s a byte) of each; empty where there is no interval. See ``line.draws``."""

    @property
    def reading(self) -> weights.Reading:
        """What a token reads at any size."""
        return weights.reading(self.points, in_bytes=self.in_bytes)

    def seconds_at(self, parameters: float) -> Estimate:
        """Time at a size between or beyond the measured ones (bytes a weight as at the sizes around it)."""
        work = self.reading.at(parameters)
        band = _middle([fixed + each * work for fixed, each in self.draws])
        value = self.fixed_s.value + work / self.rate.value
        return Estimate(value=value, low=band and max(0.0, band.low), high=band and band.high)


class End(StrEnum):
    """Where usable sizes end."""

    CROSSES = "crosses"
    """At a size where the line is crossed, between measured sizes or a little beyond them."""
    BELOW = "below"
    """Already the smallest measured model is too slow."""
    BEYOND = "beyond measured"
    """Every measured model is fast enough, and the crossing is too far beyond the largest to be told."""
    MEMORY = "memory"
    """Every model that fits is fast enough: memory is the wall."""


class Crossing(Record, frozen=True, kw_only=True):
    """The largest parameter count that stays within the limit on one machine."""

    series: Series
    end: End
    parameters: Estimate | None
    """CROSSES: at the crossing. MEMORY and BEYOND: the largest that was measured, without interval.
    BELOW: None."""
    extrapolated: bool
    """The crossing lies beyond the measured sizes."""
    wall: Absent | None
    """The smallest model that does not fit."""


def fit(summary: Summary, series: Series, limit: Limit) -> Fit | None:
    """The line of one series; None for fewer than two sizes, or where time does not grow with size."""
    points = _points(summary, series, limit)
    in_bytes = limit.what is not What.TTFT and all(point.bytes_read for point in points)
    if len(points) < 2:
        return None
    read = weights.reading(points, in_bytes=in_bytes)
    found = line.through(
        [read.at(size) for size in read.sizes], [median(seconds(point, limit)) for point in points]
    )
    if found is None:
        return None
    draws = line.draws(found)
    fixed = _middle([first for first, _ in draws]) if found.fixed else None
    each = _middle([slope for _, slope in draws])
    return Fit(
        series=series,
        limit=limit,
        points=points,
        in_bytes=in_bytes,
        fixed_s=Estimate(value=found.fixed, low=fixed and max(0.0, fixed.low), high=fixed and fixed.high),
        rate=_inverse(Estimate(value=found.slope, low=each and each.low, high=each and each.high)),
        draws=draws,
    )


def crossing(summary: Summary, series: Series, limit: Limit) -> Crossing | None:
    """Where usable sizes end; None where the series has no model with a figure for the limit.

    The line decides, also where the model next to the crossing lies on the other side of the limit: models
    scatter. But where every measured model is too slow the answer is BELOW, and where there is no line, or one far
    from what was measured (memory that spills bends it), it is the largest measured model within the limit.
    """
    points = _points(summary, series, limit)
    if not points:
        return None
    fast = [point for point in points if median(seconds(point, limit)) <= limit.seconds]
    slow = [point for point in points if point not in fast]
    ahead = wall(summary, series)

    def ends(end: End, parameters: Estimate | None, *, extrapolated: bool = False) -> Crossing:
        return Crossing(series=series, end=end, parameters=parameters, extrapolated=extrapolated, wall=ahead)

    if not fast:
        return ends(End.BELOW, None)
    found = fit(summary, series, limit)
    line_ends = _reached(found) if found else None
    if line_ends is None or not _near(line_ends.value, fast[-1], slow):
        line_ends = None
    largest = _size(points[-1])
    reached = line_ends.value if line_ends else math.inf if fast[-1] is points[-1] else _size(fast[-1])
    if reached > largest and _memory_ends(summary, series, ahead, reached):
        return ends(End.MEMORY, _plain(largest))
    if reached > weights.REACH * largest:
        return ends(End.BEYOND, _plain(largest))
    return ends(End.CROSSES, line_ends or _plain(reached), extrapolated=reached > largest)


def _points(summary: Summary, series: Series, limit: Limit) -> tuple[Point, ...]:
    """One a size, by size: those of the series with a time, and nothing that speaks against it alone."""
    timed = (point for point in summary.points if point.series == series and seconds(point, limit))
    return curve(Summary(points=tuple(p for p in timed if not OFF_THE_LINE & {*p.warnings}), absent=()), series)


def _reached(found: Fit) -> Estimate:
    """The size at which the line reaches its limit, however far. No upper end where time need not grow."""
    limit, read = found.limit.seconds, found.reading
    value = read.largest((limit - found.fixed_s.value) * found.rate.value)
    works = [(limit - fixed) / each if each > 0 else math.inf for fixed, each in found.draws]
    band = _middle(works)
    high = None if band is None or math.isinf(band.high) else read.largest(band.high)
    return Estimate(value=value, low=band and read.largest(band.low), high=high)


def _near(reached: float, largest_fast: Point, slow: Sequence[Point]) -> bool:
    """A crossing that what was measured on both sides of the limit bears out, to a factor of ``weights.REACH``."""
    sides = [_size(point) for point in (largest_fast, *slow[:1])]
    return min(sides) / weights.REACH <= reached and (not slow or reached <= max(sides) * weights.REACH)


def _size(point: Point) -> float:
    return float(point.parameters or 0)


def _memory_ends(summary: Summary, series: Series, ahead: Absent | None, reached: float) -> bool:
    """A model up to a size does not fit, or ran only by swapping."""
    swapped = [
        point.parameters
        for point in summary.points
        if point.series == series and trust.Warning.SWAPPING in point.warnings
    ]
    walls = [*swapped, ahead.parameters if ahead else None]
    return any(size is not None and size <= reached for size in walls)


def _middle(values: Sequence[float]) -> stats.Interval | None:
    """Where the 95% of ``values`` in the middle lie; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    tail = round(len(ordered) * 0.025)
    return stats.Interval(ordered[tail], ordered[-tail - 1])


def _plain(value: float) -> Estimate:
    return Estimate(value=value, low=None, high=None)


def _inverse(estimate: Estimate) -> Estimate:
    """1 / estimate; without upper end where that may be 0."""
    high = 1 / estimate.low if estimate.low and estimate.low > 0 else None
    return Estimate(value=1 / estimate.value, low=estimate.high and 1 / estimate.high, high=high)
