"""Which points stand for a machine, one a size, and where its memory ends."""

from __future__ import annotations

from collections import Counter

from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.records import Outcome


def curve(summary: Summary, series: Series, figure: str = "decode") -> tuple[Point, ...]:
    """The points with a ``figure`` (a field of a point) that stand for a series: one a size, by size.

    Dense models where there are any. Of several of one size the one in the quantisation that the series has most
    of, then real weights before synthetic ones.
    """
    mine = (point for point in summary.points if point.series == series and point.parameters)
    known = [point for point in mine if getattr(point, figure) is not None]
    dense = [point for point in known if point.dense] or known
    common = Counter(point.quantisation for point in dense)
    best: dict[int, Point] = {}
    for point in sorted(dense, key=lambda p: (-common[p.quantisation], p.synthetic)):
        best.setdefault(point.parameters or 0, point)
    return tuple(best[size] for size in sorted(best))


def wall(summary: Summary, series: Series) -> Absent | None:
    """The smallest model that does not fit and is larger than every measured one of the series."""
    measured = max((p.parameters or 0 for p in summary.points if p.series == series), default=0)
    beyond = [
        entry
        for entry in summary.absent
        if entry.series == series and entry.outcome is Outcome.DOES_NOT_FIT and (entry.parameters or 0) > measured
    ]
    return min(beyond, key=lambda entry: entry.parameters or 0, default=None)
