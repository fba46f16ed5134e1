"""How large a model stays usable, by the sizes that were measured. Nothing is fitted between them."""

from __future__ import annotations

from collections import Counter

from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.records import Outcome, Record


class Usable(Record, frozen=True, kw_only=True):
    """The answer for one series. Models without a known size or rate do not count."""

    series: Series
    largest: Point | None
    """The largest measured model at or above the line; None where none is."""
    beyond: Point | None
    """The next larger measured model, which is below the line."""
    wall: Absent | None
    """The smallest model that does not fit and is larger than any that was measured."""


def usable(summary: Summary, line_tok_s: float) -> tuple[Usable, ...]:
    """One answer a series that has a measured model, in the order of the table.

    Mixtures of experts are left out where a series has dense models: their speed follows their active weights.
    """
    answers = []
    for series in summary.series:
        points = curve(summary, series)
        if not points:
            continue
        fast = [place for place, point in enumerate(points) if _rate(point) >= line_tok_s]
        answers.append(
            Usable(
                series=series,
                largest=points[fast[-1]] if fast else None,
                beyond=next(iter(points[fast[-1] + 1 :] if fast else points), None),
                wall=wall(summary, series),
            )
        )
    return tuple(answers)


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


def _rate(point: Point) -> float:
    return point.decode.median if point.decode else 0.0
