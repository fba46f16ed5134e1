"""A comparison of two machines as text: a table, where usable sizes end, a verdict, and how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median

from tpsprofile import units
from tpsprofile.analysis.comparison import Comparison, Row, counted, left_out
from tpsprofile.analysis.like import Who
from tpsprofile.analysis.limits import Estimate, Limit, What, seconds
from tpsprofile.analysis.speed import Crossing, End
from tpsprofile.analysis.summary import Point
from tpsprofile.records import Record
from tpsprofile.render.names import listed, plain

LONGEST_HEADING = 16
_CAUSES = {
    (True, False): "was too slow",
    (True, True): "did not fit",
    (False, False): "is too slow",
    (False, True): "does not fit",
}
"""By whether sizes are gained, and whether memory is the wall."""


class Line(Record, frozen=True, kw_only=True):
    """One model on both machines, as text."""

    model: str
    size: str
    a: str
    b: str
    ratio: str
    usable: str
    neither: bool
    """Usable on none of them."""


class Table(Record, frozen=True, kw_only=True):
    """Models by size, then all together."""

    headings: Mapping[str, str]
    """Field of a line -> what stands above it."""
    lines: tuple[Line, ...]


def heading(comparison: Comparison) -> str:
    """``Apple M2 Max → Apple M4 Max 128 GB``"""
    return f"{plain(comparison.a.machine)} → {plain(comparison.b.machine)}"


def subject(comparison: Comparison) -> str:
    """What was compared: figure, engine, quantisation."""
    points = compared_points(comparison)
    engines = dict.fromkeys(
        " ".join(filter(None, [plain(point.series.engine), plain(point.engine_version or "")])) for point in points
    )
    quantisations = dict.fromkeys(plain(point.quantisation or "") for point in points)
    known = [name for name in quantisations if name]
    told = [*known, *(["others not reported"] if known and "" in quantisations else [])]
    figure = {
        What.DECODE: "decode, tok/s",
        What.TTFT: "time to first token",
        What.TASK: f"time for an answer of {comparison.limit.tokens_out} tokens",
    }[comparison.limit.what]
    return f"{figure} · {listed(list(engines))} · {listed(told) if told else 'quantisation not reported'}"


def table(comparison: Comparison, names: tuple[str, str] | None = None) -> Table:
    """The models that both have, and below them all that were compared; ``names`` of machines as headings."""
    a, b = names or _columns(*short_names(comparison.a, comparison.b))
    bad = left_out(comparison.rows)
    lines = [_line(row, comparison.limit, (a, b), left_out=row in bad) for row in comparison.rows]
    if comparison.overall and len(compared_points(comparison)) > 2:
        blank = dict.fromkeys(("size", "a", "b", "usable"), "")
        lines.append(Line(model="all", ratio=times(comparison.overall), neither=False, **blank))
    headings = {
        "model": "model",
        "size": "size",
        "a": a,
        "b": b,
        "ratio": "faster by",
        "usable": limit_name(comparison.limit),
    }
    return Table(headings=headings, lines=tuple(lines))


def ends(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Label and text of each line below the table: where usable sizes end, what is gained, loads."""
    a, b = short_names(comparison.a, comparison.b)
    first, second = comparison.crossing_a, comparison.crossing_b
    found = []
    if first and second:
        found += [
            ("usable up to", f"{end(first, fitted=comparison.fit_a is not None)} on {a}"),
            ("", f"{end(second, fitted=comparison.fit_b is not None)} on {b}"),
        ]
        found += _range_line(first, second)
    if comparison.load:
        found.append(("loads", f"{times(comparison.load)} as fast"))
    if comparison.ttft and comparison.limit.what is not What.TTFT:
        found.append(("first token", f"{times(comparison.ttft)} as fast"))
    return tuple(found)


def between(first: Crossing | None, second: Crossing | None) -> tuple[float, float] | None:
    """Sizes (parameters) that are usable on one machine alone, by where usable sizes end; None where unknown."""
    told = {End.CROSSES, End.MEMORY}
    if not (first and second and first.parameters and second.parameters and {first.end, second.end} <= told):
        return None
    low, high = sorted((first.parameters.value, second.parameters.value))
    return (low, high) if low < high else None


def end(crossing: Crossing, *, fitted: bool = False) -> str:
    """``48.6B [44.2B 54.0B]``: where usable sizes end on one machine, by a line where it is ``fitted``."""
    last = crossing.parameters
    if crossing.end is End.BELOW or last is None:
        return "no measured size"
    told = units.parameters(last.value)
    if crossing.end is End.BEYOND:
        return f"{'far ' if fitted else ''}beyond {told} (the largest measured)"
    if crossing.end is End.MEMORY:
        ahead = crossing.wall
        wall = f"{units.parameters(ahead.parameters)} does not fit" if ahead else "beyond it memory is short"
        return f"{told} ({wall})"
    if last.low is not None:
        told += f" [{units.parameters(last.low)} {'∞' if last.high is None else units.parameters(last.high)}]"
    return f"{told} (beyond the measured sizes)" if crossing.extrapolated else told


def times(estimate: Estimate) -> str:
    """``1.33× [1.28 1.39]``; without brackets where there is no interval."""
    told = f"{_ratio(estimate.value)}×"
    if estimate.low is None or estimate.high is None:
        return told
    return f"{told} [{_ratio(estimate.low)} {_ratio(estimate.high)}]"


def limit_name(limit: Limit) -> str:
    """``10 tok/s``, ``2.0 s``: what a model must keep."""
    return f"{round(limit.tok_s, 2):,g} tok/s" if limit.what is What.DECODE else units.seconds(limit.seconds)


def figure(point: Point, limit: Limit) -> str:
    """What a point has of what the limit is on: a rate, or a time with its unit."""
    if limit.what is What.DECODE:
        return units.rate(point.decode.median if point.decode else None)
    found = seconds(point, limit)
    return units.seconds(median(found) if found else None)


def short_names(a: Who, b: Who) -> tuple[str, str]:
    """As short as tells them apart: ``M2 Max`` and ``M4 Max`` for Apple M2 Max and Apple M4 Max 128 GB."""
    full = plain(a.machine), plain(b.machine)
    chips = _chip(a), _chip(b)
    one, two = chips if chips[0] != chips[1] else full
    (first, _, rest), (second, _, other) = one.partition(" "), two.partition(" ")
    return (rest, other) if first == second and rest and other and not first.endswith(",") else (one, two)


def size(point: Point) -> str:
    """``at 1.2B``; nothing for an unknown size."""
    return f"at {units.parameters(point.parameters)}" if point.parameters else ""


def compared_points(comparison: Comparison) -> tuple[Point, ...]:
    """The points that were compared, pair by pair."""
    return tuple(point for row in compared_rows(comparison) for point in (row.pair.a, row.pair.b))


def compared_rows(comparison: Comparison) -> tuple[Row, ...]:
    """The rows that were compared and count (``comparison.counted``)."""
    return counted(comparison.rows)


def _chip(who: Who) -> str:
    """The label without memory and cores."""
    label, chip = plain(who.machine), plain(who.chip or "")
    return chip if chip and label.startswith(chip) else label.partition(",")[0]


def _columns(a: str, b: str) -> tuple[str, str]:
    """Names as headings, not too long."""
    one, two = plain(a, LONGEST_HEADING), plain(b, LONGEST_HEADING)
    return (one, two) if one != two else ("first", "second")


def _line(row: Row, limit: Limit, called: tuple[str, str], *, left_out: bool) -> Line:
    return Line(
        model=plain(row.pair.model),
        size=units.parameters(row.pair.a.parameters or row.pair.b.parameters),
        a=figure(row.pair.a, limit),
        b=figure(row.pair.b, limit),
        ratio="grade D" if left_out else _faster_by(row),
        usable=_usable(row, called),
        neither=row.usable_a is False and row.usable_b is False,
    )


def _faster_by(row: Row) -> str:
    if row.ratio is not None:
        return times(row.ratio)
    return units.UNKNOWN if row.compared else "not alike"


def _usable(row: Row, called: tuple[str, str]) -> str:
    if row.usable_a is None or row.usable_b is None:
        return units.UNKNOWN
    return {
        (True, True): "both",
        (False, False): "neither",
        (True, False): called[0],
        (False, True): called[1],
    }[row.usable_a, row.usable_b]


def _range_line(first: Crossing, second: Crossing) -> list[tuple[str, str]]:
    found = between(first, second)
    if found is None or not first.parameters or not second.parameters:
        return []
    gained = second.parameters.value > first.parameters.value
    memory = (first if gained else second).end is End.MEMORY
    cause = _CAUSES[gained, memory]
    overlap = "; the intervals overlap" if _overlap(first.parameters, second.parameters) else ""
    low, high = (units.parameters(value) for value in found)
    return [("gained" if gained else "lost", f"{low} to {high}, {cause}{overlap}")]


def _overlap(a: Estimate, b: Estimate) -> bool:
    """Whether the intervals do; one without an upper end goes on for ever."""
    if a.low is None or b.low is None:
        return False
    return a.low <= (b.high or math.inf) and b.low <= (a.high or math.inf)


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 99.5 else f"{value:,.0f}"
