"""Which sizes a machine gains: two strips along parameters, usable, too slow, or not fitting."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from tpsprofile import units
from tpsprofile.analysis import comparison as compared
from tpsprofile.analysis.comparison import Change, Comparison
from tpsprofile.analysis.speed import Crossing, End
from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.records import Outcome
from tpsprofile.render import fitted
from tpsprofile.render.beside import NEW, OLD, Sides, nothing, origins, sides_of, usable_means
from tpsprofile.render.metrics import SIZES
from tpsprofile.render.names import plain
from tpsprofile.render.picture import Axis, Dot, Kind, Stretch, Strip, Strips

_BEYOND = 1.3
"""Factor by which strips reach beyond the outermost sizes."""
_KINDS = {
    Kind.USABLE: "Filled points: measured and usable.",
    Kind.SLOW: "Hollow: measured, too slow.",
    Kind.NO_FIT: "Crosses: do not fit.",
}
_MOST_MODELS = 4
"""Models that a sentence lists."""


def gains(comparison: Comparison, summary: Summary) -> Strips:
    """The strips of both machines, and the sizes between their ends. Raises ResultsError without a known size."""
    sides = sides_of(comparison)
    ends = (comparison.crossing_a, comparison.crossing_b)
    dots = [_dots(summary, series, comparison) for series in sides.series]
    if not any(dots):
        raise nothing()
    low, high = _reach(dots, ends)
    drawn = [point for point in summary.points if point.series in sides.series and point.parameters]
    return Strips(
        title=sides.title(f"Which sizes does {sides.asked} gain?"),
        answer=_answer(comparison, sides),
        x=Axis(caption="parameters", ticks=SIZES),
        strips=tuple(
            Strip(
                name=sides.called[series],
                tone=tone,
                end=fitted.phrase(end) if end and end.end is not End.BELOW else "no measured size",
                stretches=_stretches(end, low, high),
                dots=mine,
                interval=_interval(end),
            )
            for tone, series, end, mine in zip((OLD, NEW), sides.series, ends, dots, strict=True)
        ),
        models=_models(summary, sides.series),
        change=_change(ends, low),
        foot=(
            f"{usable_means(comparison.limit)} Between measured models the fitted curve decides; "
            "the line under a strip is the 95% interval of its end.",
            _legend({dot.kind for mine in dots for dot in mine}),
            *origins(sides, drawn),
        ),
        simulated=sides.simulated,
    )


def _legend(kinds: AbstractSet[Kind]) -> str:
    """The kinds of points that are drawn."""
    return " ".join(text for kind, text in _KINDS.items() if kind in kinds)


def _dots(summary: Summary, series: Series, comparison: Comparison) -> tuple[Dot, ...]:
    found: dict[int, Kind] = {}
    for entry in summary.absent:
        if entry.series == series and entry.parameters and entry.outcome is Outcome.DOES_NOT_FIT:
            found[entry.parameters] = Kind.NO_FIT
    for point in summary.points:
        usable = compared.usable(point, comparison.limit)
        if point.series == series and point.parameters and usable is not None:
            found[point.parameters] = Kind.USABLE if usable else Kind.SLOW
    return tuple(Dot(x=float(size), kind=found[size]) for size in sorted(found))


def _reach(dots: Sequence[Sequence[Dot]], ends: Sequence[Crossing | None]) -> tuple[float, float]:
    sizes = [dot.x for mine in dots for dot in mine]
    sizes += [end.parameters.value for end in ends if end and end.parameters]
    return min(sizes) / _BEYOND, max(sizes) * _BEYOND


def _stretches(end: Crossing | None, low: float, high: float) -> tuple[Stretch, ...]:
    """What a machine is to each size, from the left to the right edge."""
    if end is None:
        return (Stretch(low=low, high=high, kind=Kind.UNKNOWN),)
    wall = min(float(end.wall.parameters), high) if end.wall and end.wall.parameters else high
    until = min(_until(end), wall)
    after = Kind.SLOW if end.end in {End.CROSSES, End.BELOW} else Kind.UNKNOWN
    cuts = ((low, until, Kind.USABLE), (max(low, until), wall, after), (wall, high, Kind.NO_FIT))
    return tuple(Stretch(low=left, high=right, kind=kind) for left, right, kind in cuts if left < right)


def _until(end: Crossing) -> float:
    """The largest usable size; 0 where none is."""
    return end.parameters.value if end.parameters and end.end is not End.BELOW else 0.0


def _interval(end: Crossing | None) -> tuple[float, float] | None:
    at = end.parameters if end and end.end is End.CROSSES else None
    return None if at is None or at.low is None or at.high is None else (at.low, at.high)


def _change(ends: Sequence[Crossing | None], low: float) -> Stretch | None:
    """The sizes between the two ends, gained or lost."""
    if ends[0] is None or ends[1] is None:
        return None
    before, after = (max(_until(end), low) for end in ends if end)
    if before == after:
        return None
    kind = Kind.USABLE if after > before else Kind.SLOW
    return Stretch(low=min(before, after), high=max(before, after), kind=kind)


def _models(summary: Summary, series: Sequence[Series]) -> tuple[tuple[float, str], ...]:
    """One name a size, of whatever was tried on either machine."""
    found: dict[float, str] = {}
    entries: tuple[Point | Absent, ...] = (*summary.points, *summary.absent)
    for entry in entries:
        if entry.series in series and entry.parameters:
            found.setdefault(float(entry.parameters), plain(entry.model, 24))
    return tuple(sorted(found.items()))


def _answer(comparison: Comparison, sides: Sides) -> tuple[str, ...]:
    """The models that are gained and lost, or that none is."""
    told = [
        _listed(what, changes)
        for what, changes in (("gains", comparison.gained), ("loses", comparison.lost))
        if changes
    ]
    if told:
        return (f"{sides.after} {' and '.join(told)}.",)
    ends = (comparison.crossing_a, comparison.crossing_b)
    sizes = [fitted.interval(end.parameters) for end in ends if end and end.parameters and end.end is End.CROSSES]
    grown = f" Usable sizes end at {sizes[1]} instead of {sizes[0]}." if len(sizes) == len(ends) else ""
    return (f"None of the models that were measured.{grown}",)


def _listed(what: str, changes: Sequence[Change]) -> str:
    """``gains llama3.3 (70.6B, was too slow)``."""
    told = [
        f"{plain(one.model, 30)} ({units.parameters(one.parameters)}, {one.cause.value})"
        for one in changes[:_MOST_MODELS]
    ]
    more = len(changes) - _MOST_MODELS
    return f"{what} {', '.join(told)}" + (f" and {more} more" if more > 0 else "")
