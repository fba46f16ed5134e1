"""How many times faster one machine is than another: of one model, and over several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from statistics import fmean, median, variance
from typing import NamedTuple

from tpsprofile import stats
from tpsprofile.analysis.limits import Estimate, Limit, What, seconds
from tpsprofile.analysis.summary import Point

FEWEST_MODELS = 3
"""What an interval over models takes."""


def ratio(a: Point, b: Point, limit: Limit) -> Estimate | None:
    """How many times faster ``b`` is than ``a`` (time of a / time of b), by the raw trials; None without figures.

    The ratio of the medians, with Welch's interval on the log scale. Without an interval where either has a single
    trial.
    """
    first, second = seconds(a, limit), seconds(b, limit)
    if not first or not second:
        return None
    found = stats.difference_interval([math.log(time) for time in second], [math.log(time) for time in first])
    return _estimate(median(first) / median(second), found)


def mean_ratio(pairs: tuple[tuple[Point, Point], ...], limit: Limit) -> Estimate | None:
    """Geometric mean of the ratios of several models; None without any.

    The interval is Student's on the log ratios, one a model: it holds for models like these, not for these alone.
    Their variance is at least what the figures themselves leave open: by their trials, or by the places they were
    reported to. Models that agree by chance, or by rounding, promise no more than that. Fewer than three models
    have none.
    """
    found = [(one, _own_variance(a, b, limit)) for a, b in pairs if (one := ratio(a, b, limit))]
    logs = [math.log(one.value) for one, _ in found]
    if not logs:
        return None
    own = [each for _, each in found if each]
    return _estimate(math.exp(fmean(logs)), _mean_interval(logs, own) if len(logs) >= FEWEST_MODELS else None)


class Variance(NamedTuple):
    """Of the logarithm of a figure, or of its median."""

    value: float
    freedom: float
    """Degrees of freedom; infinite where it is known."""


def _mean_interval(logs: list[float], own: list[Variance]) -> stats.Interval:
    """By the variance between models or within them, whichever is larger, and the freedom of that one."""
    between = Variance(variance(logs), len(logs) - 1)
    within = Variance(fmean(each.value for each in own), _sum(own).freedom) if own else between
    larger = max(between, within, key=lambda one: one.value)
    half = half_width([Variance(larger.value / len(logs), larger.freedom)])
    return stats.Interval(fmean(logs) - half, fmean(logs) + half)


def half_width(parts: Sequence[Variance]) -> float:
    """Half of the 95% interval of a logarithm that is a sum of independent parts; 0 without any.

    The variances add up, and Student's t has the degrees of freedom that F. E. Satterthwaite gives their sum
    (Biometrics Bulletin 2, 1946); the same as JCGM 100:2008 (GUM), 5.1.2 and G.4.1.
    """
    total = _sum(parts)
    return stats.student(max(1.0, total.freedom)) * math.sqrt(total.value)


def _own_variance(a: Point, b: Point, limit: Limit) -> Variance | None:
    """What the figures of two points leave open of their log ratio; None where a measured one has one trial."""
    first, second = log_variance(a, limit), log_variance(b, limit)
    return _sum([first, second]) if first and second else None


def log_variance(point: Point, limit: Limit) -> Variance | None:
    """Of a point's figure by its trials, or by the places it was reported to; None for one measured trial."""
    times = seconds(point, limit)
    if len(times) > 1:
        logs = [math.log(time) for time in times]
        return Variance(stats.median_variance(logs), len(logs) - 1)
    return None if point.series.provenance == "measured" else Variance(_rounding(point, limit), math.inf)


def _rounding(point: Point, limit: Limit) -> float:
    """Variance of a rounded figure as a share of it: a twelfth of its last place squared."""
    sample = point.samples[0]
    figure = sample.ttft_s if limit.what is What.TTFT else sample.tok_s
    if not figure:
        return 0.0
    exponent = Decimal(str(figure)).normalize().as_tuple().exponent
    place = 10.0 ** min(0, int(exponent))
    return (place / figure) ** 2 / 12


def _sum(parts: Sequence[Variance]) -> Variance:
    """Of independent parts; freedom by F. E. Satterthwaite, Biometrics Bulletin 2 (1946)."""
    total = sum(part.value for part in parts)
    spread = sum(part.value**2 / part.freedom for part in parts)
    return Variance(total, total**2 / spread if spread else math.inf)


def _estimate(value: float, logs: stats.Interval | None) -> Estimate:
    if logs is None:
        return Estimate(value=value, low=None, high=None)
    return Estimate(value=value, low=math.exp(logs.low), high=math.exp(logs.high))
