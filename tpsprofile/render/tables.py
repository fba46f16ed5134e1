"""The summary of a merge as text: one block a series, one row a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpsprofile import units
from tpsprofile.analysis.summary import Absent, Point, Series, Spread, Summary
from tpsprofile.records import Record
from tpsprofile.render import lines
from tpsprofile.render.advice import advice
from tpsprofile.render.lines import SYNTHETIC_MARK, share
from tpsprofile.render.names import names, plain, source

HEADINGS: Mapping[str, str] = {
    "model": "model",
    "size": "size",
    "weights": "weights",
    "prefill": "prefill",
} | dict(lines.HEADINGS)
"""Field of a row -> what stands above it."""


class Row(Record, frozen=True, kw_only=True):
    """One measured model, as text."""

    model: str
    size: str
    weights: str
    """Quantisation, with a mark for synthetic weights."""
    prefill: str
    """Median prefill rate, tok/s, of a test of that alone; empty where there is a decode rate."""
    rate: str
    """Median decode rate, tok/s."""
    width: str
    """Half of the 95% interval of it, as a share; empty with a single trial."""
    trials: str
    """How many gave it."""
    grade: str
    """Grade from A to D."""
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
    advice: tuple[str, ...]
    """One line for each warning, with what to do."""


def blocks(summary: Summary, line_tok_s: float = 10.0) -> tuple[Block, ...]:
    """The whole summary, series by series in the order of the table, controls last."""
    controls = tuple(dict.fromkeys(point.series for point in summary.controls))
    called = dict(names((*summary.series, *controls)))
    called |= {series: f"{called[series]} (control)" for series in controls}
    return tuple(_block(summary, series, called[series], line_tok_s) for series in (*summary.series, *controls))


def fitting(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    """The columns of ``HEADINGS`` to show in ``width`` characters, as ``lines.fitting`` chooses them."""
    return lines.fitting(HEADINGS, rows, width)


def _block(summary: Summary, series: Series, heading: str, line_tok_s: float) -> Block:
    every = (*summary.points, *summary.controls)
    points = sorted((point for point in every if point.series == series), key=_size)
    return Block(
        heading=heading,
        origin=_origin(series, points),
        rows=tuple(_row(point, line_tok_s) for point in points),
        without=tuple(_without(entry) for entry in summary.absent if entry.series == series),
        advice=advice([(plain(point.model), point.warnings) for point in points]),
    )


def _origin(series: Series, points: Sequence[Point]) -> str:
    if series.provenance != "measured":
        who = source(series) if series.source or not series.method else plain(series.method, longest=200)
        return f"{plain(series.engine)}, {plain(series.provenance)}: {who}"
    versions = dict.fromkeys(plain(point.engine_version) for point in points if point.engine_version)
    return " ".join([plain(series.engine), ", ".join(versions)]).strip()


def _row(point: Point, line_tok_s: float) -> Row:
    weights = plain(point.quantisation or units.UNKNOWN)
    return Row(
        model=plain(point.model),
        size=units.parameters(point.parameters),
        weights=f"{weights} {SYNTHETIC_MARK}" if point.synthetic else weights,
        rate=units.rate(_median(point.decode)),
        width=share(point.half_width),
        trials=str(counted.n) if (counted := point.decode or point.prefill) else "",
        grade=point.grade or units.UNKNOWN,
        ttft=units.seconds(_median(point.ttft)),
        load=units.seconds(_median(point.load_first or point.load_later)),
        memory=units.memory(_median(point.rss or point.engine_size)),
        prefill="" if point.decode else units.rate(_median(point.prefill)),
        slow=point.decode is not None and point.decode.median < line_tok_s,
    )


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
