"""Comparisons made by hand, for the tests of what is drawn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from msgspec import structs

from tpsprofile import trust
from tpsprofile.analysis.comparison import Cause, Change, Comparison, Row
from tpsprofile.analysis.like import Difference, Pair, Who
from tpsprofile.analysis.speed import Crossing, End, Estimate, Limit
from tpsprofile.analysis.summary import Absent, Point, Sample, Series, Spread, Summary
from tpsprofile.records import Outcome
from tpsprofile.stats import median_interval

B = 10**9
LINE = Limit.line(10)
Rates = Mapping[float, float | Sequence[float]]
"""Size in 1e9 parameters -> decode rates, tok/s."""


def estimate(value: float, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(value=value, low=low, high=high)


def point(size: float, rates: float | Sequence[float], machine: str = "old", **changes: Any) -> Point:
    """A model of a size in 1e9 parameters; a single rate in tok/s stands for three trials, 1% apart."""
    each = [rates * (1 + 0.01 * n) for n in (-1, 0, 1)] if isinstance(rates, int | float) else list(rates)
    spread = Spread(median=median(each), low=min(each), high=max(each), n=len(each))
    figures = ("prefill", "ttft", "load_first", "load_later", "rss", "available_fall", "engine_size")
    fields: dict[str, Any] = {
        **dict.fromkeys(figures),
        **_model(size, machine),
        "parameters_active": None,
        "engine_version": None,
        "bytes_read": size * B * 0.6,
        "trials": len(each),
        "decode": spread,
        "interval": median_interval(each),
        "samples": tuple(Sample(after_s=None, tok_s=rate, far=False) for rate in each),
        "warnings": (),
        "grade": trust.Grade.A,
    }
    return Point(**fields | changes)


def absent(size: float, machine: str = "old") -> Absent:
    """A model that does not fit."""
    reason = "needs 46.1 GiB, 21.9 GiB free"
    return Absent(**_model(size, machine), outcome=Outcome.DOES_NOT_FIT, reason=reason)


def series(machine: str, provenance: str = "measured") -> Series:
    unknown = dict.fromkeys(
        ("chip", "ram_bytes", "options", "source", "method", "prompt", "tokens_asked", "context_asked")
    )
    deep = dict.fromkeys(("depth_tokens", "prompt_tokens"))
    known = {"machine_id": machine, "machine": machine, "engine": "e", "provenance": provenance}
    fields: dict[str, Any] = {**unknown, **deep, **known, "simulated": False, "speculative": False}
    return Series(**fields)


def _model(size: float, machine: str) -> dict[str, Any]:
    return {
        "series": series(machine),
        "model": f"m{size:g}",
        "parameters": int(size * B),
        "quantisation": "Q4_K_M",
        "synthetic": False,
    }


def compared(
    old: Rates,
    new: Rates,
    *,
    cross: tuple[float | Estimate | None, float | Estimate | None] = (None, None),
    ends: tuple[End, End] = (End.CROSSES, End.CROSSES),
    wall: tuple[float | None, float | None] = (None, None),
    overall: Estimate | None = None,
    significant: bool | None = True,
    kinds: tuple[str, str] = ("measured", "measured"),
    grade: trust.Grade = trust.Grade.A,
    differences: tuple[Difference, ...] = (),
    **changes: Any,
) -> Comparison:
    """Two machines whose sizes and rates are given; ratio and changes by the same arithmetic, without intervals.

    ``cross`` is the largest usable size in 1e9 parameters, ``wall`` a size that does not fit.
    """
    here, there = (
        [point(size, rate, name, grade=grade, series=series(name, kind)) for size, rate in rates.items()]
        for rates, name, kind in zip((old, new), ("old", "new"), kinds, strict=True)
    )
    sides = [
        Summary(points=tuple(points), absent=(absent(hole, name),) if hole else ())
        for points, hole, name in zip((here, there), wall, ("old", "new"), strict=True)
    ]
    rows = tuple(_row(a, b, differences, significant) for a in here for b in there if a.model == b.model)
    ratios = [row.ratio.value for row in rows if row.ratio]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None
    gained, lost = _changes(rows, sides)
    fields: dict[str, Any] = {
        "a": Who(machine_id="old", machine="old", chip="Chip", ram_bytes=None),
        "b": Who(machine_id="new", machine="new", chip="Chip", ram_bytes=None),
        "limit": LINE,
        "rows": rows,
        "overall": overall or (estimate(mean) if mean else None),
        "significant": significant,
        "load": None,
        "ttft": None,
        "fit_a": None,
        "fit_b": None,
        "crossing_a": _crossing(sides[0], ends[0], cross[0]),
        "crossing_b": _crossing(sides[1], ends[1], cross[1]),
        "gained": gained,
        "lost": lost,
        "mixed": (),
    }
    return Comparison(**fields | changes)


def with_intervals(comparison: Comparison, *ends: tuple[float, float] | None) -> Comparison:
    """The same, as models of few trials have it: an interval of each ratio (or none), and none of the mean."""
    rows = tuple(
        structs.replace(row, ratio=estimate(row.ratio.value, *(of or ())), significant=_leaves_out_1(of))
        for row, of in zip(comparison.rows, ends, strict=True)
        if row.ratio is not None
    )
    return structs.replace(comparison, rows=rows, significant=None)


def _leaves_out_1(ends: tuple[float, float] | None) -> bool | None:
    return None if ends is None else ends[0] > 1 or ends[1] < 1


def reported(limit: Limit = LINE) -> Comparison:
    """Two laptops as somebody reported them: whole numbers, one trial or two."""
    return compared(
        {1.24: [160.0], 10.3: [42.0, 41.0], 32.8: [14.0], 72.7: [7.0]},
        {1.24: [200.0], 10.3: [55.0], 32.8: [20.0], 72.7: [9.0]},
        cross=(48.8, 65.4),
        kinds=("as reported", "as reported"),
        overall=estimate(1.32, 1.21, 1.44),
        limit=limit,
    )


def _row(a: Point, b: Point, differences: tuple[Difference, ...], significant: bool | None) -> Row:
    before, after = _rate(a), _rate(b)
    return Row(
        pair=Pair(model=a.model, a=a, b=b, differences=differences),
        compared=True,
        ratio=estimate(after / before),
        significant=significant,
        usable_a=before >= LINE.tok_s,
        usable_b=after >= LINE.tok_s,
    )


def _changes(rows: Sequence[Row], sides: Sequence[Summary]) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    gained = [_change(r.pair.b, r.pair.a) for r in rows if r.usable_b and not r.usable_a]
    lost = [_change(r.pair.a, r.pair.b) for r in rows if r.usable_a and not r.usable_b]
    old, new = sides
    gained += [_change(p, e) for e in old.absent for p in new.points if p.model == e.model and _rate(p) >= 10]
    lost += [_change(p, e) for e in new.absent for p in old.points if p.model == e.model and _rate(p) >= 10]
    return tuple(gained), tuple(lost)


def _change(on: Point, off: Point | Absent) -> Change:
    cause = Cause.TOO_SLOW if isinstance(off, Point) else Cause.DID_NOT_FIT
    return Change(model=on.model, parameters=on.parameters, cause=cause, on=on, off=off)


def _crossing(side: Summary, end: End, size: float | Estimate | None) -> Crossing | None:
    if size is None and end is not End.BELOW:
        return None
    if isinstance(size, Estimate):
        size = estimate(size.value * B, size.low and size.low * B, size.high and size.high * B)
    elif size is not None:
        size = estimate(size * B)
    wall = next(iter(side.absent), None)
    return Crossing(series=side.points[0].series, end=end, parameters=size, extrapolated=False, wall=wall)


def _rate(point: Point) -> float:
    assert point.decode is not None
    return point.decode.median
