"""The merged table becomes points: one for each model on each machine, with its spread over the trials.

What counts:

- Only trials that ended OK enter a figure, and only figures above 0.
- Where several runs of one machine hold the same case, the newest run with an OK trial of it counts, alone.
- A case without any OK trial is absent, with the outcome and the reason of the newest run.
- A case is one model (name, quantisation, real or synthetic) under one workload; runs that differ in engine,
  options, provenance or workload are series of their own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any

import pandas as pd

from tpsprofile import stats, trust
from tpsprofile.analysis.judged import judged
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

_SERIES = [
    "machine_id",
    "engine",
    "simulated",
    "options",
    "provenance",
    "source",
    "method",
    "prompt",
    "tokens_asked",
    "context_asked",
    "depth_tokens",
    "prompt_tokens",
    "speculative",
    "prompt_mode",
]
_MODEL = ["model", "quantisation", "synthetic"]
_READ = ["file_bytes", "parameters", "parameters_active"]


def summarise(table: pd.DataFrame) -> Summary:
    """Points and absent models of a merged table."""
    table = table.assign(speculative=_speculative(table))
    machines = _machines(table)
    age = _ages(table)
    points: list[Point] = []
    absent: list[Absent] = []
    for key, rows in table.groupby(_SERIES, dropna=False, sort=False):
        series = _series(key, machines)
        for _, case in rows.groupby(_MODEL, dropna=False, sort=False):
            entry = _entry(series, case, age)
            if isinstance(entry, Point):
                points.append(entry)
            else:
                absent.append(entry)
    measured = {_name(entry) for entry in points}
    left = (entry for entry in absent if entry.quantisation is not None or _name(entry) not in measured)
    return Summary(points=tuple(points), absent=tuple(left))


def spread(values: Iterable[float | None]) -> Spread | None:
    """Median, lowest and highest of the finite figures above 0; None where there is none."""
    known = pd.Series([value for value in values if _is_figure(value)], dtype=float)
    if known.empty:
        return None
    return Spread(median=float(known.median()), low=float(known.min()), high=float(known.max()), n=len(known))


def _is_figure(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0


def _entry(series: Series, case: pd.DataFrame, age: dict[Hashable, int]) -> Point | Absent:
    """One case: a point where any run has an OK trial of it."""
    ages = case["run"].map(age)
    ok = case["outcome"] == Outcome.OK.value
    counted = case[ages == ages[ok if ok.any() else ages.notna()].max()]
    last = counted.iloc[-1]
    model: dict[str, Any] = {
        "series": series,
        "model": str(last["model"]),
        "parameters": _known(counted["parameters"].dropna().max()),
        "quantisation": _known(last["quantisation"]),
        "synthetic": bool(_known(last["synthetic"])),
    }
    if not ok.any():
        return Absent(**model, outcome=Outcome(str(last["outcome"])), reason=_known(last["reason"]))
    good = counted[counted["outcome"] == Outcome.OK.value].sort_values("number", kind="stable")
    figures: dict[str, Any] = {field: spread(map(_known, good[column])) for field, column in FIGURES.items()}
    return Point(
        **model,
        **_decoding(good, measured=series.provenance == "measured"),
        parameters_active=_known(last["parameters_active"]),
        engine_version=_known(last["engine_version"]),
        digest=_known(last["digest"]),
        file_bytes=_known(last["file_bytes"]),
        bytes_read=trust.bytes_read(*(_known(last[name]) for name in _READ)),
        trials=len(counted),
        **figures,
    )


def _decoding(good: pd.DataFrame, *, measured: bool) -> dict[str, Any]:
    """What a point says of its decode rate beside its spread, from the OK trials in the order of measurement."""
    rated = good[[_is_figure(_known(rate)) for rate in good["decode_tok_s"]]]
    rates = [float(rate) for rate in rated["decode_tok_s"]]
    interval = stats.median_interval(rates)
    words = [_words(_known(cell)) for cell in good["warnings"]] if measured else []
    warnings, grade = judged(words, rates, _known(good["precision"].iloc[-1]))
    return {
        "interval": interval and interval._replace(low=max(0.0, interval.low)),
        "samples": _samples(rated, rates),
        "warnings": warnings,
        "grade": grade,
    }


def _samples(rated: pd.DataFrame, rates: list[float]) -> tuple[Sample, ...]:
    """One a trial. Where the date was set back in between, the time since the first is not known."""
    starts = [_known(start) for start in rated["started_at"]]
    since = [None if None in {start, starts[0]} else (start - starts[0]).total_seconds() for start in starts]
    return tuple(
        Sample(
            after_s=None if after is None or after < 0 else after,
            tok_s=rate,
            far=far,
            ttft_s=ttft if _is_figure(ttft) else None,
        )
        for after, rate, far, ttft in zip(
            since, rates, stats.outliers(rates), map(_known, rated["ttft_s"]), strict=True
        )
    )


def _words(cell: str | None) -> list[str] | None:
    """Warnings of a trial; None where nobody looked."""
    return None if cell is None else [word.strip() for word in cell.split(",")]


def _speculative(table: pd.DataFrame) -> pd.Series[bool]:
    """Which rows were decoded with a draft; rows that did not end well go with the others of their run."""
    drafted = (table["tokens_drafted"] > 0).fillna(False).astype(bool)
    ok = table["outcome"] == Outcome.OK.value
    share = drafted[ok].groupby(table.loc[ok, "run"]).all()
    return drafted.where(ok, table["run"].map(share).fillna(False).astype(bool))


def _series(key: Hashable, machines: dict[Hashable, dict[str, Any]]) -> Series:
    values = {name: _known(value) for name, value in zip(_SERIES, _tuple(key), strict=True)}
    values["simulated"] = bool(values["simulated"])
    values["speculative"] = bool(values["speculative"])
    values["provenance"] = values["provenance"] or "measured"
    return Series(**values, **machines[values["machine_id"]])


def _machines(table: pd.DataFrame) -> dict[Hashable, dict[str, Any]]:
    """Id -> what its newest run says it is; machines of equal label get the end of their id."""
    age = _ages(table)
    newest = table.loc[table["run"].map(age).sort_values(kind="stable").index]
    last = (
        newest.drop_duplicates("machine_id", keep="last").set_index("machine_id").loc[table["machine_id"].unique()]
    )
    labels = Counter(last["machine"])
    ids = [str(one) for one in last.index]
    length = _length(ids)
    return {
        one: {
            "machine": f"{row['machine']} [{one[-length:]}]"
            if labels[row["machine"]] > 1
            else str(row["machine"]),
            "chip": _known(row["chip"]),
            "ram_bytes": _known(row["ram_bytes"]),
        }
        for one, (_, row) in zip(ids, last.iterrows(), strict=True)
    }


def _length(ids: list[str]) -> int:
    """How many characters from the end tell ids apart, at least four."""
    longest = max(map(len, ids), default=4)
    return next((n for n in range(4, longest) if len({one[-n:] for one in ids}) == len(ids)), max(longest, 4))


def _ages(table: pd.DataFrame) -> dict[Hashable, int]:
    """Run -> its rank by the time it began; the newest is highest, without a date lowest, ties as in the table."""
    runs = table.drop_duplicates("run").sort_values("run_started_at", kind="stable", na_position="first")
    return {run: rank for rank, run in enumerate(runs["run"])}


def _name(entry: Point | Absent) -> tuple[Series, str]:
    return entry.series, entry.model


def _tuple(key: Hashable) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _known(value: Any) -> Any:
    """A cell as a plain Python value, None for NA."""
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
