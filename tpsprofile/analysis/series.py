"""Which rows of the merged table belong together, and which of them count: series, and the cases in them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tpsprofile.analysis.grouped import Flags, Whole, bounds, cells, codes, groups, largest, micros, whole
from tpsprofile.analysis.summary import Series
from tpsprofile.records import Outcome

_SERIES = (
    "machine_id", "engine", "simulated", "options", "provenance", "source", "method", "prompt", "tokens_asked",
    "context_asked", "depth_tokens", "prompt_tokens", "prompt_mode",
)  # fmt: skip
"""Columns that tell series apart, each a field of ``Series``; whether a draft was at work does too."""
_MODEL = ("model", "quantisation", "synthetic")


class Cases(NamedTuple):
    """The cases of a table, numbered from 0, series by series, each in the order of the table."""

    series: Whole
    """For each case the number of its series."""
    first: Whole
    """For each series its first row."""
    of: Whole
    """For each row of the table the number of its case."""
    counted: Whole
    """Rows of the runs that count, case by case, in the order of the table."""
    ends: Whole
    """Where each case begins in ``counted``, and where the last ends."""
    good: Whole
    """Those of them that ended OK, case by case, in the order of measurement."""


def cases_of(table: pd.DataFrame, age: Whole, drafted: Flags) -> Cases:
    """The cases of a table; ``age`` and ``drafted`` as from ``ages`` and ``speculative``."""
    cloud = table["cloud"].to_numpy(dtype=bool, na_value=False)
    flags = (each.astype(np.int64) for each in (drafted, cloud))
    by_series = groups([*(codes(table[name]) for name in _SERIES), *flags])
    of, first = _by_series(groups([by_series, *(codes(table[name]) for name in _MODEL)]), by_series)
    ok, count = _is_ok(table), len(first)
    matters = ok | (np.bincount(of[ok], minlength=count) == 0)[of]
    newest = largest(age[matters], of[matters], count)
    counted = np.flatnonzero(age == newest[of])
    counted = counted[np.argsort(of[counted], kind="stable")]
    good = counted[ok[counted]]
    numbers = whole(table["number"], good, unknown=np.iinfo(np.int64).max)
    return Cases(
        series=by_series[first],
        first=np.unique(by_series, return_index=True)[1],
        of=of,
        counted=counted,
        ends=bounds(of[counted], count),
        good=good[np.lexsort((numbers, of[good]))],
    )


def series_of(table: pd.DataFrame, first: Whole, age: Whole, drafted: Flags) -> list[Series]:
    """Series by the ``first`` row of each."""
    machines = _machines(table, age)
    columns = {name: cells(table[name], first) for name in _SERIES}
    columns |= {"speculative": drafted[first].tolist(), "cloud": cells(table["cloud"], first)}
    found = []
    for row in zip(*columns.values(), strict=True):
        values = dict(zip(columns, row, strict=True))
        values["simulated"], values["cloud"] = bool(values["simulated"]), bool(values["cloud"])
        values["provenance"] = values["provenance"] or "measured"
        found.append(Series(**values, **machines[values["machine_id"]]))
    return found


def ages(table: pd.DataFrame) -> Whole:
    """For each row the rank of its run by the time it began.

    The newest run has the highest, one without a date the lowest; ties are as in the table.
    """
    runs = groups([codes(table["run"])])
    began = micros(table["run_started_at"], np.unique(runs, return_index=True)[1])
    order = np.argsort(np.nan_to_num(began, nan=-np.inf), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[runs]


def speculative(table: pd.DataFrame) -> Flags:
    """Which rows were decoded with a draft; rows that did not end well go with the others of their run."""
    drafted = (table["tokens_drafted"] > 0).to_numpy(dtype=bool, na_value=False)
    ok, runs = _is_ok(table), groups([codes(table["run"])])
    good = np.bincount(runs[ok], minlength=runs.max() + 1)
    with_draft = np.bincount(runs[ok & drafted], minlength=len(good))
    return np.where(ok, drafted, ((good > 0) & (with_draft == good))[runs])


def _by_series(case: Whole, series: Whole) -> tuple[Whole, Whole]:
    """Cases numbered anew, series by series; and the first row of each."""
    _, first = np.unique(case, return_index=True)
    order = np.argsort(series[first], kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return number[case], first[order]


def _is_ok(table: pd.DataFrame) -> Flags:
    return (table["outcome"] == Outcome.OK.value).to_numpy(dtype=bool, na_value=False)


def _machines(table: pd.DataFrame, age: Whole) -> dict[str, dict[str, Any]]:
    """Id -> what its newest run says it is; machines of equal label get the end of their id."""
    machine = groups([codes(table["machine_id"])])
    by_age = np.lexsort((age, machine))
    last = by_age[bounds(machine, int(machine.max()) + 1)[1:] - 1]
    names = ("machine_id", "machine", "chip", "ram_bytes")
    ids, labels, chips, sizes = (cells(table[name], last) for name in names)
    often = Counter(labels)
    length = _length(ids)
    return {
        one: {
            "machine": f"{label} [{one[-length:]}]" if often[label] > 1 else str(label),
            "chip": chip,
            "ram_bytes": size,
        }
        for one, label, chip, size in zip(ids, labels, chips, sizes, strict=True)
    }


def _length(ids: list[str]) -> int:
    """How many characters from the end tell ids apart, at least four."""
    longest = max(map(len, ids), default=4)
    return next((n for n in range(4, longest) if len({one[-n:] for one in ids}) == len(ids)), max(longest, 4))
