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

from tpsprofile.records import Outcome, Record


class Spread(Record, frozen=True, kw_only=True):
    """A figure over the trials of one point, in the unit of the column it comes from."""

    median: float
    low: float
    high: float
    n: int
    """Trials that gave the figure."""


class Series(Record, frozen=True, kw_only=True):
    """What the points of one curve have in common: a machine, an engine, and the work."""

    machine_id: str
    machine: str
    """Label of the machine, unlike that of any other machine in the table."""
    chip: str | None
    ram_bytes: int | None
    engine: str
    simulated: bool
    """Figures are invented."""
    options: str | None
    """Engine options as JSON."""
    provenance: str
    source: str | None
    method: str | None
    prompt: str | None
    tokens_asked: int | None
    context_asked: int | None
    depth_tokens: int | None


class Point(Record, frozen=True, kw_only=True):
    """One model in one series. A figure that no trial gave is None."""

    series: Series
    model: str
    parameters: int | None
    parameters_active: int | None
    quantisation: str | None
    synthetic: bool
    engine_version: str | None
    trials: int
    """Trials of the run that counts, those that are not OK included."""
    decode: Spread | None
    """tok/s"""
    prefill: Spread | None
    """tok/s"""
    ttft: Spread | None
    """s"""
    load_first: Spread | None
    """s"""
    load_later: Spread | None
    """s"""
    rss: Spread | None
    """bytes"""
    available_fall: Spread | None
    """bytes"""
    engine_size: Spread | None
    """bytes"""

    @property
    def dense(self) -> bool:
        """Every weight is used for every token, as far as is known."""
        return self.parameters_active is None or self.parameters_active == self.parameters


class Absent(Record, frozen=True, kw_only=True):
    """One model in one series that gave no figure, and why."""

    series: Series
    model: str
    parameters: int | None
    quantisation: str | None
    synthetic: bool
    outcome: Outcome
    reason: str | None


class Summary(Record, frozen=True, kw_only=True):
    """What a table says: points, and models without one. In the order of the table, series by series."""

    points: tuple[Point, ...]
    absent: tuple[Absent, ...]

    @property
    def series(self) -> tuple[Series, ...]:
        """Every series, in the order of the table."""
        entries: tuple[Point | Absent, ...] = (*self.points, *self.absent)
        return tuple(dict.fromkeys(entry.series for entry in entries))


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
]
_MODEL = ["model", "quantisation", "synthetic"]


def summarise(table: pd.DataFrame) -> Summary:
    """Points and absent models of a merged table."""
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
    known = pd.Series([v for v in values if v is not None and math.isfinite(v) and v > 0], dtype=float)
    if known.empty:
        return None
    return Spread(median=float(known.median()), low=float(known.min()), high=float(known.max()), n=len(known))


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
    good = counted[counted["outcome"] == Outcome.OK.value]
    figures: dict[str, Any] = {field: spread(map(_known, good[column])) for field, column in FIGURES.items()}
    return Point(
        **model,
        parameters_active=_known(last["parameters_active"]),
        engine_version=_known(last["engine_version"]),
        trials=len(counted),
        **figures,
    )


def _series(key: Hashable, machines: dict[Hashable, dict[str, Any]]) -> Series:
    values = {name: _known(value) for name, value in zip(_SERIES, _tuple(key), strict=True)}
    values["simulated"] = bool(values["simulated"])
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
