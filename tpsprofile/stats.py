"""Statistics of repeated measurements: plain functions of plain numbers, each with the source of its formula."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cache
from statistics import fmean, median, stdev
from typing import NamedTuple

_FAR = 3.5
_NORMAL_QUARTILE = 0.6745
"""The third quartile of the standard normal distribution: the MAD of normal data in standard deviations."""
_MEAN_TO_DEVIATION = 1.253314
"""sqrt(pi / 2): standard deviation over mean absolute deviation, and that of a median over that of a mean."""
_STUDENT = (12.706, 4.303, 3.182, 2.776)
"""97.5% points of Student's t with 1, 2, 3 and 4 degrees of freedom."""
_TAIL = 0.025


class Interval(NamedTuple):
    """A 95% interval, in the unit of the figures it was made from."""

    low: float
    high: float


def student(freedom: float) -> float:
    """The 97.5% point of Student's t, for any number of degrees of freedom from 1 on (beyond 500 as for 500).

    With t = sqrt(n) * tan(angle) the density becomes cos(angle)^(n - 1), which is summed up until 95% of it lies
    below (M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4 for whole n). Raises
    ValueError below 1.
    """
    if freedom < 1:
        raise ValueError(f"Student's t has at least 1 degree of freedom here, not {freedom:g}")
    return _student(round(min(freedom, 500.0), 2))


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The 95% interval of the mean of normal data: mean ± t * s / sqrt(n); None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    half = student(n - 1) * stdev(values) / math.sqrt(n)
    return Interval(fmean(values) - half, fmean(values) + half)


def difference_interval(a: Sequence[float], b: Sequence[float]) -> Interval | None:
    """The 95% interval of median(b) - median(a); None where either has fewer than two values.

    Student's t with the variances of both medians, not taken for equal. The degrees of freedom lie midway between
    the two formulas of B. L. Welch (Biometrika 29, 1938, with n - 1 and 0; 34, 1947, with n + 1 and -2), of which
    for few values the first is too wide and the second too narrow, and are at most those of equal variances. Two
    values tell so little of their spread that the fewest degrees possible are taken: then it is too wide,
    not too narrow. Outliers widen it.
    """
    fewest = min(len(a), len(b))
    if fewest < 2:
        return None
    middle = median(b) - median(a)
    first, second = (median_variance(one) for one in (a, b))
    both = first + second
    if both == 0:
        return Interval(middle, middle)
    welch = both**2 / (first**2 / len(a) + second**2 / len(b)) - 1
    freedom = min(welch, len(a) + len(b) - 2) if fewest > 2 else 1
    half = student(max(freedom, fewest - 1)) * math.sqrt(both)
    return Interval(middle - half, middle + half)


def median_interval(values: Sequence[float]) -> Interval | None:
    """The 95% interval of the median; None for fewer than two values.

    From six values on it is that of the sign test, which takes no distribution for granted and which a few
    outliers do not widen: the k-th lowest and k-th highest value, with the largest k at which the binomial tails
    hold at most 5% (W. J. Conover, Practical Nonparametric Statistics, 3rd ed., 3.2). Fewer values hold no such
    interval, so for them normal data are assumed: median ± t * sqrt(pi / 2) * s / sqrt(n), Student's t with
    n - 1 degrees of freedom. Where the two meet, at six values, they are equally wide for normal data.
    """
    n = len(values)
    if n < 2:
        return None
    if n > len(_STUDENT) + 1:
        ordered = sorted(values)
        k = _outer(n)
        return Interval(ordered[k - 1], ordered[-k])
    middle = median(values)
    half = _STUDENT[n - 2] * _MEAN_TO_DEVIATION * stdev(values) / math.sqrt(n)
    return Interval(middle - half, middle + half)


def relative_half_width(values: Sequence[float]) -> float | None:
    """Half of the 95% interval of the median as a share of the median; None where there is no interval."""
    interval = median_interval(values)
    middle = median(values) if values else 0.0
    return None if interval is None or middle <= 0 else (interval.high - interval.low) / 2 / middle


def outliers(values: Sequence[float]) -> tuple[bool, ...]:
    """Which values lie far from the rest: a modified z-score above 3.5.

    The score is 0.6745 * |x - median| / MAD, with MAD the median absolute deviation. Where more than half of the
    values are equal, and MAD is 0, it is |x - median| / (1.2533 * mean absolute deviation). Source: B. Iglewicz
    and D. Hoaglin, How to Detect and Handle Outliers, ASQC 1993. Below four values nothing is far.
    """
    if len(values) < 4:
        return (False,) * len(values)
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    scale = median(distances) / _NORMAL_QUARTILE or sum(distances) / len(distances) * _MEAN_TO_DEVIATION
    return tuple(scale > 0 and distance / scale > _FAR for distance in distances)


def slope(values: Sequence[float]) -> float:
    """Theil and Sen's slope: the median of the slopes between all pairs, in units of ``values`` a step.

    Source: P. K. Sen, Estimates of the Regression Coefficient Based on Kendall's Tau, JASA 63 (1968). 0 for fewer
    than two values.
    """
    pairs = itertools.combinations(enumerate(values), 2)
    slopes = [(later - earlier) / (j - i) for (i, earlier), (j, later) in pairs]
    return median(slopes) if slopes else 0.0


def falling(values: Sequence[float]) -> float:
    """How probable so steady a fall would be by chance, 0 to 1: Mann and Kendall's test, one-sided.

    Exact for up to ten values, which fewer than four cannot make improbable (1/6 for three); the normal
    approximation beyond. Source: H. B. Mann, Nonparametric Tests Against Trend, Econometrica 13 (1945).
    """
    n = len(values)
    score = sum((a < b) - (a > b) for a, b in itertools.combinations(values, 2))
    if n < 2:
        return 1.0
    if n > 10:
        deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        return _normal_tail((-score - 1) / deviation)
    most = n * (n - 1) // 2
    counts = _inversions(n)
    inversions = math.ceil((most - score) / 2)
    return sum(counts[inversions:]) / sum(counts)


_MEDIAN_VARIANCE = (1.0, 1.0, 1.346, 1.193, 1.434, 1.288, 1.473, 1.345, 1.495)
"""Variance of the median of 1 to 9 normal values over that of their mean; pi / 2 for many.

Source: table of the variances of order statistics in H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed.
"""


def median_variance(values: Sequence[float]) -> float:
    """The variance of the median of two or more values, by their own spread, as for normal data."""
    n = len(values)
    factor = _MEDIAN_VARIANCE[n - 1] if n <= len(_MEDIAN_VARIANCE) else math.pi / 2
    return factor * stdev(values) ** 2 / n


@cache
def _student(freedom: float) -> float:
    steps = 4000
    width = math.pi / 2 / steps
    density = [math.cos((k + 0.5) * width) ** (freedom - 1) for k in range(steps)]
    wanted, below = 0.95 * math.fsum(density), 0.0
    for k, part in enumerate(density):
        if below + part >= wanted:
            return math.sqrt(freedom) * math.tan((k + (wanted - below) / part) * width)
        below += part
    raise AssertionError("95% of a whole lie below all of it")


@cache
def _inversions(n: int) -> tuple[int, ...]:
    """How many orders of ``n`` values have 0, 1, 2, ... pairs in falling order."""
    counts: tuple[int, ...] = (1,)
    for size in range(2, n + 1):
        counts = tuple(
            sum(counts[k - j] for j in range(size) if 0 <= k - j < len(counts))
            for k in range(len(counts) + size - 1)
        )
    return counts


@cache
def _outer(n: int) -> int:
    """The largest k for which fewer than k of n fair coins come up heads in at most 2.5% of all cases."""
    tail, k = 0.0, 0
    while (tail := tail + math.comb(n, k) / 2**n) <= _TAIL:
        k += 1
    return k


def _normal_tail(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
