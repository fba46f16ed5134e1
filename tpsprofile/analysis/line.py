"""A straight line through a few points whose errors are shares of their value, and draws of where it may lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

DRAWS = 2000
_ROUNDS = 50
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


class Line(NamedTuple):
    """y = fixed + slope * x, with fixed >= 0 and slope > 0."""

    fixed: float
    slope: float
    scatter: float | None
    """Standard deviation of the points about the line, as a share of y; None for two points, which have none."""
    root: tuple[float, float, float]
    """Lower triangle of a square root of the covariance of (fixed, slope): (0, 0), (1, 0), (1, 1)."""
    freedom: int
    """Degrees of freedom of the scatter."""


def through(xs: Sequence[float], ys: Sequence[float]) -> Line | None:
    """The line through points with x > 0 and y > 0; None for fewer than two, or where y does not grow with x.

    None too where the points are so far apart that floats cannot hold the line. Weighted least squares with
    weights 1 / line², repeated until the weights stand still: errors are taken for equal shares of the value
    (P. McCullagh and J. Nelder, Generalized Linear Models, 2nd ed., chapter 8). Where that puts ``fixed`` below 0
    it is 0, and the slope is the mean of y / x, the same estimate with one unknown.
    """
    if len(set(xs)) < 2:
        return None
    try:
        fixed, slope, (a, b, c) = _weighted(xs, ys)
        if slope <= 0 or not math.isfinite(fixed + slope):
            return None
        if fixed < 0:
            return _from_origin(xs, ys)
        first = math.sqrt(a)
        root = (first, b / first, math.sqrt(max(0.0, c - b * b / a)))
        return _line(xs, ys, fixed, slope, root=root, freedom=len(xs) - 2)
    except ArithmeticError:
        return None


def draws(line: Line) -> tuple[tuple[float, float], ...]:
    """(fixed, slope) of lines that may be the true one, spread evenly by probability; empty without scatter.

    At any x the 95% of them in the middle are Student's interval of the line there, and where a level is crossed
    they are Fieller's interval of the crossing (E. C. Fieller, Some Problems in Interval Estimation, JRSS B 16,
    1954): the x at which the band holds the level. Some may begin below 0: cut off there the band would not hold.
    """
    if line.scatter is None:
        return ()
    first, mixed, second = line.root
    return tuple((line.fixed + first * u, line.slope + mixed * u + second * v) for u, v in even(line.freedom))


@cache
def even(freedom: int) -> tuple[tuple[float, float], ...]:
    """Pairs that fill Student's two-dimensional t evenly: no chance enters, and equal data give equal draws.

    Squared radii are quantiles of 2 * F(2, n), which has n * (u^(-2/n) - 1) where a share u lies beyond; angles go
    on by the golden angle (H. Vogel, A Better Way to Construct the Sunflower Head, Math. Biosciences 44, 1979).
    Each pair has its opposite.
    """
    half = DRAWS // 2
    pairs = []
    for k in range(half):
        radius = math.sqrt(freedom * (((k + 0.5) / half) ** (-2 / freedom) - 1))
        u, v = radius * math.cos(k * _GOLDEN_ANGLE), radius * math.sin(k * _GOLDEN_ANGLE)
        pairs += [(u, v), (-u, -v)]
    return tuple(pairs)


def _weighted(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, tuple[float, float, float]]:
    """Intercept, slope and their covariance (00, 01, 11) for a scatter of 1; at once where it leaves y > 0."""
    heights = list(ys)
    fixed = slope = 0.0
    cells = (0.0, 0.0, 0.0)
    for _ in range(_ROUNDS):
        weights = [1 / height**2 for height in heights]
        total = math.fsum(weights)
        middle = math.fsum(w * x for w, x in zip(weights, xs, strict=True)) / total
        level = math.fsum(w * y for w, y in zip(weights, ys, strict=True)) / total
        spread = math.fsum(w * (x - middle) ** 2 for w, x in zip(weights, xs, strict=True))
        slope = math.fsum(w * (x - middle) * y for w, x, y in zip(weights, xs, ys, strict=True)) / spread
        fixed = level - slope * middle
        cells = (1 / total + middle**2 / spread, -middle / spread, 1 / spread)
        fitted = [fixed + slope * x for x in xs]
        if min(fitted) <= 0 or max(abs(new / old - 1) for new, old in zip(fitted, heights, strict=True)) < 1e-12:
            break
        heights = fitted
    return fixed, slope, cells


def _from_origin(xs: Sequence[float], ys: Sequence[float]) -> Line:
    n = len(xs)
    slope = math.fsum(y / x for x, y in zip(xs, ys, strict=True)) / n
    root = (0.0, slope / math.sqrt(n), 0.0)
    return _line(xs, ys, 0.0, slope, root=root, freedom=n - 1 if n > 2 else 0)


def _line(
    xs: Sequence[float],
    ys: Sequence[float],
    fixed: float,
    slope: float,
    *,
    root: tuple[float, float, float],
    freedom: int,
) -> Line:
    """With ``root`` for a scatter of 1."""
    if freedom < 1:
        return Line(fixed, slope, None, (0.0, 0.0, 0.0), freedom)
    off = math.fsum((y / (fixed + slope * x) - 1) ** 2 for x, y in zip(xs, ys, strict=True))
    scatter = math.sqrt(off / freedom)
    first, mixed, second = root
    return Line(fixed, slope, scatter, (scatter * first, scatter * mixed, scatter * second), freedom)
