"""One point of the analysis as a mark on a chart."""

from __future__ import annotations

from tpsprofile.analysis.summary import Point, Spread
from tpsprofile.render.metrics import DECODE
from tpsprofile.render.picture import Mark
from tpsprofile.trust import Grade

DOUBTFUL = (Grade.C, Grade.D)
"""Grades that a reader must know of."""
_LEAST = 1e-3
"""Share of a mark at which its bar ends at the latest: a logarithmic axis has no 0."""


def mark(x: float, point: Point, field: str, *, joined: bool) -> Mark:
    """A figure of a point at ``x``.

    The bar of a decode rate is the 95% interval of its median, that of any other figure the range of its trials.
    """
    figure: Spread = getattr(point, field)
    ends = (figure.low, figure.high)
    decode = field == DECODE
    if decode and point.interval is not None:
        ends = (max(point.interval.low, figure.median * _LEAST), point.interval.high)
    return Mark(
        x=x,
        y=figure.median,
        low=ends[0],
        high=ends[1],
        hollow=point.synthetic,
        joined=joined,
        letter=point.grade if decode and point.grade in DOUBTFUL else "",
    )
