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
from statistics import fmean, median

from tpsprofile import stats, trust
from tpsprofile.analysis import line, weights
from tpsprofile.analysis.summary import Absent, Point, Sample, Series, Summary
from tpsprofile.analysis.usable import curve, wall
from tpsprofile.records import Record

OFF_THE_LINE = frozenset({trust.Warning.TOO_FAST, trust.Warning.SWAPPING, trust.Warning.ERRATIC})
"""What keeps a point out: grade D for a cause of its own, not one that holds for the whole series."""
FEWEST_MODELS = 3
"""What an interval over models takes."""


class Estimate(Record, frozen=True, kw_only=True):
    """A figure with its 95% interval, in the unit of the figure."""

    value: float
    low: float | None
    """None where the data allow no interval."""
    high: float | None


class What(StrEnum):
    """What a limit is on."""

    DECODE = "decode"
    TTFT = "ttft"
    TASK = "task"


class Limit(Record, frozen=True, kw_only=True):
    """What a model must keep to be usable: a time that may not be exceeded."""

    what: What = What.DECODE
    seconds: float
    """DECODE: for one generated token. TTFT: until the first token. TASK: until the last token of an answer."""
    tokens_out: int | None = None
    """TASK: tokens of the answer."""

    @property
    def tok_s(self) -> float:
        """The decode rate at the limit, tok/s; only for DECODE."""
        return 1 / self.seconds

    @classmethod
    def line(cls, tok_s: float) -> Limit:
        """A decode rate that a model must reach, tok/s."""
        return cls(seconds=1 / tok_s)


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
    """Time that does not depend on size."""
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

    def tok_s_at(self, parameters: float) -> Estimate:
        """Decode rate at a size, tok/s; only for DECODE. No interval where times of 0 are not excluded."""
        return _inverse(self.seconds_at(parameters))


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
    """CROSSES: at the crossing, without an interval where it has no upper end. MEMORY and BEYOND: the largest that
    was measured, without interval. BELOW: None."""
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
    fixed = _middle([first for first, _ in draws])
    each = _middle([slope for _, slope in draws])
    return Fit(
        series=series,
        limit=limit,
        points=points,
        in_bytes=in_bytes,
        fixed_s=Estimate(
            value=found.fixed, low=fixed and max(0.0, fixed.low), high=fixed and max(0.0, fixed.high)
        ),
        rate=_inverse(_estimate(found.slope, each)),
        draws=draws,
    )


def crossing(summary: Summary, series: Series, limit: Limit) -> Crossing | None:
    """Where usable sizes end; None where the series has no model with a figure for the limit.

    The line decides, also where a single model beside the crossing lies on the other side of the limit; but where
    every measured model is too slow the answer is BELOW. Without a line it is the largest model within the limit.
    """
    points = _points(summary, series, limit)
    if not points:
        return None
    within = [point for point in points if median(seconds(point, limit)) <= limit.seconds]
    ahead = wall(summary, series)
    largest = float(points[-1].parameters or 0)
    found = fit(summary, series, limit)
    reached = _reached(found) if found else _without_line(points, within)

    def ends(end: End, parameters: Estimate | None) -> Crossing:
        beyond = end is End.CROSSES and reached.value > largest
        return Crossing(series=series, end=end, parameters=parameters, extrapolated=beyond, wall=ahead)

    if not within:
        return ends(End.BELOW, None)
    if reached.value <= largest and (found or len(within) < len(points)):
        return ends(End.CROSSES, reached)
    if _memory_ends(summary, series, ahead) <= reached.value:
        return ends(End.MEMORY, _plain(largest))
    if found and reached.value <= weights.REACH * largest:
        return ends(End.CROSSES, reached)
    return ends(End.BEYOND, _plain(largest))


def seconds(point: Point, limit: Limit) -> tuple[float, ...]:
    """What each trial took of what a limit is on, in s; without trials that lack a part of it.

    Raises ValueError for TASK without ``tokens_out``.
    """
    return tuple(time for time in (_of_trial(sample, limit) for sample in point.samples) if time is not None)


def ratio(a: Point, b: Point, limit: Limit) -> Estimate | None:
    """How many times faster ``b`` is than ``a`` (time of a / time of b), by the raw trials; None without figures.

    The ratio of the medians, with Welch's interval on the log scale. Without an interval where either has a single
    trial.
    """
    first, second = seconds(a, limit), seconds(b, limit)
    if not first or not second:
        return None
    found = stats.difference_interval([math.log(time) for time in second], [math.log(time) for time in first])
    return _estimate(median(first) / median(second), found and _exponential(found))


def mean_ratio(pairs: tuple[tuple[Point, Point], ...], limit: Limit) -> Estimate | None:
    """Geometric mean of the ratios of several models; None without any.

    The interval is Student's on the log ratios, one a model: it holds for models like these, not for these alone.
    Fewer than three models have none.
    """
    ratios = (ratio(a, b, limit) for a, b in pairs)
    logs = [math.log(one.value) for one in ratios if one]
    if not logs:
        return None
    found = stats.mean_interval(logs) if len(logs) >= FEWEST_MODELS else None
    return _estimate(math.exp(fmean(logs)), found and _exponential(found))


def _points(summary: Summary, series: Series, limit: Limit) -> tuple[Point, ...]:
    """One a size, by size: those of the series with a time, and nothing that speaks against it alone."""
    timed = (point for point in summary.points if point.series == series and seconds(point, limit))
    return curve(Summary(points=tuple(p for p in timed if not OFF_THE_LINE & {*p.warnings}), absent=()), series)


def _of_trial(sample: Sample, limit: Limit) -> float | None:
    if limit.what is What.DECODE:
        return 1 / sample.tok_s
    if limit.what is What.TTFT or sample.ttft_s is None:
        return sample.ttft_s
    if limit.tokens_out is None:
        raise ValueError("a limit on a task needs the tokens of its answer")
    return sample.ttft_s + limit.tokens_out / sample.tok_s


def _reached(found: Fit) -> Estimate:
    """The size at which the line reaches its limit, however far; without interval where it has no upper end."""
    limit, read = found.limit.seconds, found.reading
    value = read.largest((limit - found.fixed_s.value) * found.rate.value)
    works = [(limit - fixed) / each if each > 0 else math.inf for fixed, each in found.draws]
    band = _middle(works)
    if band is None or math.isinf(band.high):
        return _plain(value)
    return Estimate(value=value, low=read.largest(band.low), high=read.largest(band.high))


def _without_line(points: Sequence[Point], within: Sequence[Point]) -> Estimate:
    """The largest model within the limit; beyond all where it is the largest of all."""
    size = float(within[-1].parameters or 0) if within else 0.0
    return _plain(math.inf if within and within[-1] is points[-1] else size)


def _memory_ends(summary: Summary, series: Series, ahead: Absent | None) -> float:
    """The smallest size that does not fit, or that ran only by swapping; infinite where none is known."""
    swapped = (
        float(point.parameters or math.inf)
        for point in summary.points
        if point.series == series and trust.Warning.SWAPPING in point.warnings
    )
    return min(*swapped, float(ahead.parameters or math.inf) if ahead else math.inf, math.inf)


def _middle(values: Sequence[float]) -> stats.Interval | None:
    """Where the 95% of ``values`` in the middle lie; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    tail = round(len(ordered) * 0.025)
    return stats.Interval(ordered[tail], ordered[-tail - 1])


def _estimate(value: float, interval: stats.Interval | None) -> Estimate:
    return Estimate(value=value, low=interval and interval.low, high=interval and interval.high)


def _plain(value: float) -> Estimate:
    return Estimate(value=value, low=None, high=None)


def _inverse(estimate: Estimate) -> Estimate:
    """1 / estimate; without interval where that reaches 0."""
    if estimate.low is None or estimate.high is None or estimate.low <= 0:
        return _plain(1 / estimate.value)
    return Estimate(value=1 / estimate.value, low=1 / estimate.high, high=1 / estimate.low)


def _exponential(interval: stats.Interval) -> stats.Interval:
    return stats.Interval(math.exp(interval.low), math.exp(interval.high))
