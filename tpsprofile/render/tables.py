"""The summary of a merge as text: one block a series, one row a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpsprofile import units
from tpsprofile.analysis.summary import Absent, Point, Series, Spread, Summary
from tpsprofile.records import Record
from tpsprofile.render.lines import SYNTHETIC_MARK
from tpsprofile.render.names import names, plain, source

HEADINGS: Mapping[str, str] = {
    "model": "model",
    "size": "size",
    "weights": "weights",
    "rate": "tok/s",
    "reach": "from–to",
    "ttft": "TTFT",
    "load": "load",
    "memory": "memory",
}
"""Field of a row -> what stands above it."""
_DROPPED_FIRST = ("memory", "load", "reach", "weights", "size")
_GAP = 2


class Row(Record, frozen=True, kw_only=True):
    """One measured model, as text."""

    model: str
    size: str
    weights: str
    """Quantisation, with a mark for synthetic weights."""
    rate: str
    """Median decode rate, tok/s."""
    reach: str
    """Lowest and highest of it; empty with a single trial."""
    ttft: str
    load: str
    """First load, else a later one."""
    memory: str
    """Resident set, else what the engine reports."""
    slow: bool
    """Below the line."""


class Block(Record, frozen=True, kw_only=True):
    """One series: a heading, its models, and those without a figure."""

    heading: str
    origin: str
    """Engine and its version, or who reported the figures."""
    rows: tuple[Row, ...]
    without: tuple[str, ...]
    """One line for each model without a figure."""


def blocks(summary: Summary, line_tok_s: float = 10.0) -> tuple[Block, ...]:
    """The whole summary, series by series in the order of the table."""
    called = names(summary.series)
    return tuple(_block(summary, series, called[series], line_tok_s) for series in summary.series)


def fitting(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    """The columns of ``HEADINGS`` that fit beside each other in ``width`` characters, least important dropped.

    A column in which every cell is unknown is dropped in any case.
    """
    shown = [name for name in HEADINGS if any(getattr(row, name) not in {"", units.UNKNOWN} for row in rows)]
    for name in _DROPPED_FIRST:
        if sum(_width(rows, column) + _GAP for column in shown) - _GAP <= width:
            break
        if name in shown:
            shown.remove(name)
    return tuple(shown)


def _width(rows: Sequence[Row], column: str) -> int:
    return max([len(HEADINGS[column]), *(len(getattr(row, column)) for row in rows)])


def _block(summary: Summary, series: Series, heading: str, line_tok_s: float) -> Block:
    points = [point for point in summary.points if point.series == series]
    return Block(
        heading=heading,
        origin=_origin(series, points),
        rows=tuple(_row(point, line_tok_s) for point in sorted(points, key=_size)),
        without=tuple(_without(entry) for entry in summary.absent if entry.series == series),
    )


def _origin(series: Series, points: Sequence[Point]) -> str:
    if series.provenance != "measured":
        return f"{plain(series.engine)}, {plain(series.provenance)}: {source(series)}"
    versions = dict.fromkeys(plain(point.engine_version) for point in points if point.engine_version)
    return " ".join([plain(series.engine), ", ".join(versions)]).strip()


def _row(point: Point, line_tok_s: float) -> Row:
    weights = plain(point.quantisation or units.UNKNOWN)
    return Row(
        model=plain(point.model),
        size=units.parameters(point.parameters),
        weights=f"{weights} {SYNTHETIC_MARK}" if point.synthetic else weights,
        rate=units.rate(_median(point.decode)),
        reach=_reach(point.decode),
        ttft=units.seconds(_median(point.ttft)),
        load=units.seconds(_median(point.load_first or point.load_later)),
        memory=units.memory(_median(point.rss or point.engine_size)),
        slow=point.decode is not None and point.decode.median < line_tok_s,
    )


def _reach(spread: Spread | None) -> str:
    if spread is None or spread.n < 2:
        return ""
    return f"{units.rate(spread.low)}–{units.rate(spread.high)}"


def _without(entry: Absent) -> str:
    reason = plain(entry.reason or "", 200)
    outcome = entry.outcome.value
    told = reason if reason.startswith(outcome) else ": ".join(filter(None, [outcome, reason]))
    size = f" ({units.parameters(entry.parameters)})" if entry.parameters else ""
    return f"{plain(entry.model)}{size}: {told}"


def _median(spread: Spread | None) -> float | None:
    return None if spread is None else spread.median


def _size(point: Point) -> tuple[int, str]:
    return point.parameters or 0, point.model
