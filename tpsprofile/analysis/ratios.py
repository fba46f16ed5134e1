"""How many times faster one machine is than another: of one model, and over several."""

from __future__ import annotations

import math
from statistics import fmean, median

from tpsprofile import stats
from tpsprofile.analysis.limits import Estimate, Limit, seconds
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
    Fewer than three models have none.
    """
    ratios = (ratio(a, b, limit) for a, b in pairs)
    logs = [math.log(one.value) for one in ratios if one]
    if not logs:
        return None
    found = stats.mean_interval(logs) if len(logs) >= FEWEST_MODELS else None
    return _estimate(math.exp(fmean(logs)), found)


def _estimate(value: float, logs: stats.Interval | None) -> Estimate:
    if logs is None:
        return Estimate(value=value, low=None, high=None)
    return Estimate(value=value, low=math.exp(logs.low), high=math.exp(logs.high))
