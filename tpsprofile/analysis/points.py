"""The merged table becomes points: one for each model on each machine, with its spread over the trials.

What counts:

- Only trials that ended OK enter a figure, and only figures above 0.
- Where several runs of one machine hold the same case, the newest run with an OK trial of it counts, alone.
- A case without any OK trial is absent, with the outcome and the reason of the newest run.
- What a cloud service gave is a control, apart from the points of machines.
- A case is one model (name, quantisation, real or synthetic) under one workload; runs that differ in engine,
  options, provenance or workload are series of their own.

A table may have a million rows: columns are looked at as a whole, and only cases one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tpsprofile import stats, trust
from tpsprofile.analysis.grouped import (
    Real,
    Whole,
    bounds,
    cells,
    is_figure,
    largest,
    micros,
    reals,
    spreads,
    whole,
)
from tpsprofile.analysis.judged import judged
from tpsprofile.analysis.series import Cases, ages, cases_of, series_of, speculative
from tpsprofile.analysis.summary import Absent, Point, Sample, Series, Spread, Summary
from tpsprofile.records import Outcome

FIGURES = {
    "decode": "decode_tok_s",
    "prefill": "prefill_tok_s",
    "ttft": "ttft_s",
    "load_first": "load_first_s",
    "load_later": "load_later_s",
    "rss": "rss_bytes",
    "available_fall": "available_fall_bytes",
    "engine_size": "engine_bytes",
}
"""Field of a point -> the column that it summarises."""

_LAST = (
    "model", "quantisation", "synthetic", "outcome", "reason",
    "engine_version", "digest", "file_bytes", "parameters", "parameters_active", "context_tokens",
)  # fmt: skip
"""What a case has from the last trial that counts."""


class _Good(NamedTuple):
    """Columns of the OK trials that count, case by case, in the order of measurement. NaN is unknown."""

    ends: Whole
    """Where each case begins, and where the last ends."""
    rates: Real
    """tok/s"""
    ttft: Real
    """s"""
    started: Real
    """µs since 1970"""
    words: list[list[str] | None]
    """Warnings of each trial; None where nobody looked."""
    precision: Real
    """Half-width that was aimed at, as a share."""


def summarise(table: pd.DataFrame) -> Summary:
    """Points and absent models of a merged table."""
    if table.empty:
        return Summary(points=(), absent=())
    age, drafted = ages(table), speculative(table)
    cases = cases_of(table, age, drafted)
    series = series_of(table, cases.first, age, drafted)
    good, figures = _good(table, cases), _figures(table, cases)
    points: list[Point] = []
    absent: list[Absent] = []
    for place, (number, said) in enumerate(zip(cases.series.tolist(), _said(table, cases), strict=True)):
        if good.ends[place] == good.ends[place + 1]:
            absent.append(_absent(series[number], said))
            continue
        decoding = _decoding(good, place, measured=series[number].provenance == "measured")
        points.append(_point(series[number], said, {name: of[place] for name, of in figures.items()} | decoding))
    measured = {(entry.series, entry.model) for entry in points}
    left = (one for one in absent if one.quantisation is not None or (one.series, one.model) not in measured)
    return Summary(
        points=tuple(one for one in points if not one.series.cloud),
        absent=tuple(one for one in left if not one.series.cloud),
        controls=tuple(one for one in points if one.series.cloud),
    )


def spread(values: Iterable[float | None]) -> Spread | None:
    """Median, lowest and highest of the finite figures above 0; None where there is none."""
    known = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return spreads(known, np.zeros(len(known), dtype=np.int64), 1)[0]


def _figures(table: pd.DataFrame, cases: Cases) -> dict[str, list[Spread | None]]:
    """Field of a point -> its spread in each case."""
    of = cases.of[cases.good]
    return {
        field: spreads(reals(table[column], cases.good), of, len(cases.series))
        for field, column in FIGURES.items()
    }


def _good(table: pd.DataFrame, cases: Cases) -> _Good:
    return _Good(
        ends=bounds(cases.of[cases.good], len(cases.series)),
        rates=reals(table["decode_tok_s"], cases.good),
        ttft=reals(table["ttft_s"], cases.good),
        started=micros(table["started_at"], cases.good),
        words=_words(table["warnings"], cases.good),
        precision=reals(table["precision"], cases.good),
    )


def _words(column: pd.Series[Any], rows: Whole) -> list[list[str] | None]:
    """Warnings of some trials. Few of them differ, so each text is taken apart once."""
    told = {text: [word.strip() for word in text.split(",")] for text in column.dropna().unique()}
    return [None if text is None else told[text] for text in cells(column, rows)]


def _said(table: pd.DataFrame, cases: Cases) -> list[dict[str, Any]]:
    """For each case what its last trial says, how many trials count, and the largest size that any of them has."""
    last = cases.counted[cases.ends[1:] - 1]
    columns = {name: cells(table[name], last) for name in _LAST}
    sizes = whole(table["parameters"], cases.counted, unknown=-1)
    largest_of = largest(sizes, cases.of[cases.counted], len(cases.series)).tolist()
    columns["size"] = [None if size < 0 else size for size in largest_of]
    columns["trials"] = np.diff(cases.ends).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _point(series: Series, said: dict[str, Any], figures: dict[str, Any]) -> Point:
    return Point(
        series=series,
        model=str(said["model"]),
        parameters=said["size"],
        parameters_active=said["parameters_active"],
        quantisation=said["quantisation"],
        synthetic=bool(said["synthetic"]),
        engine_version=said["engine_version"],
        digest=said["digest"],
        context_tokens=said["context_tokens"],
        file_bytes=said["file_bytes"],
        bytes_read=trust.bytes_read(said["file_bytes"], said["parameters"], said["parameters_active"]),
        trials=said["trials"],
        **figures,
    )


def _absent(series: Series, said: dict[str, Any]) -> Absent:
    return Absent(
        series=series,
        model=str(said["model"]),
        parameters=said["size"],
        quantisation=said["quantisation"],
        synthetic=bool(said["synthetic"]),
        outcome=Outcome(said["outcome"]),
        reason=said["reason"],
    )


def _decoding(good: _Good, place: int, *, measured: bool) -> dict[str, Any]:
    """What the point of a case says of its decode rate beside its spread."""
    start, end = good.ends[place : place + 2].tolist()
    rated = start + np.flatnonzero(is_figure(good.rates[start:end]))
    rates: list[float] = good.rates[rated].tolist()
    interval = stats.median_interval(rates)
    aim = float(good.precision[start])
    warnings, grade = judged(good.words[start:end] if measured else [], rates, None if np.isnan(aim) else aim)
    return {
        "interval": interval and interval._replace(low=max(0.0, interval.low)),
        "samples": _samples(good, rated, rates),
        "warnings": warnings,
        "grade": grade,
    }


def _samples(good: _Good, rated: Whole, rates: list[float]) -> tuple[Sample, ...]:
    """One a trial. Where the date was set back in between, the time since the first is not known."""
    since = ((good.started[rated] - good.started[rated[:1]]) / 1e6).tolist()
    ttft = good.ttft[rated]
    return tuple(
        Sample(
            after_s=after if after >= 0 else None,
            tok_s=rate,
            far=far,
            ttft_s=first if is_known else None,
        )
        for after, rate, far, first, is_known in zip(
            since, rates, stats.outliers(rates), ttft.tolist(), is_figure(ttft).tolist(), strict=True
        )
    )
