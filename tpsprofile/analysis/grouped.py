"""Columns as a whole: which rows belong together, and what a figure is in each group of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tpsprofile.analysis.summary import Spread

Whole: TypeAlias = npt.NDArray[np.int64]
Real: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def codes(column: pd.Series[Any]) -> Whole:
    """For each row a number that stands for its cell, in the order in which cells come; -1 for NA."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.int64)
    return pd.factorize(column)[0].astype(np.int64, copy=False)


def groups(columns: Iterable[Whole]) -> Whole:
    """For each row the number of its group: rows alike in all columns, numbered as they come."""
    found: Whole | None = None
    for column in columns:
        joined = column if found is None else found * (column.max(initial=-1) + 2) + column + 1
        found = pd.factorize(joined)[0].astype(np.int64, copy=False)
    assert found is not None, "at least one column"
    return found


def reals(column: pd.Series[Any], rows: Whole) -> Real:
    """Some cells of a column of numbers; NaN for NA."""
    found: Real = column.iloc[rows].to_numpy(dtype=np.float64, na_value=np.nan)
    return found


def whole(column: pd.Series[Any], rows: Whole, *, unknown: int) -> Whole:
    """Some cells of a column of whole numbers; ``unknown`` for NA."""
    found: Whole = column.iloc[rows].to_numpy(dtype=np.int64, na_value=unknown)
    return found


def micros(column: pd.Series[Any], rows: Whole) -> Real:
    """Some cells of a column of dates, in µs since 1970; NaN for NA."""
    picked = column.iloc[rows].dt.as_unit("us")
    return np.where(picked.isna(), np.nan, picked.array.asi8.astype(np.float64))


def cells(column: pd.Series[Any], rows: Whole) -> list[Any]:
    """Some cells of a column as plain Python values, None for NA."""
    picked = column.iloc[rows]
    return [None if unknown else cell for cell, unknown in zip(picked.tolist(), picked.isna(), strict=True)]


def largest(values: Whole, group: Whole, count: int, least: int = -1) -> Whole:
    """The largest value in each of ``count`` groups; ``least`` where there is none."""
    found = np.full(count, least, dtype=np.int64)
    np.maximum.at(found, group, values)
    return found


def bounds(group: Whole, count: int) -> Whole:
    """Where each of ``count`` groups begins in rows that are sorted by group; at the end, where the last ends."""
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=count))]).astype(np.int64)


def is_figure(values: Real) -> Flags:
    """Which are figures: finite and above 0."""
    return np.isfinite(values) & (values > 0)


def spreads(values: Real, group: Whole, count: int) -> list[Spread | None]:
    """Median, lowest and highest of the figures in each of ``count`` groups; None for a group without one."""
    kept = is_figure(values)
    values, group = values[kept], group[kept]
    ordered = values[np.lexsort((values, group))]
    ends = bounds(group, count)
    first, last = ends[:-1], ends[1:] - 1
    some = first <= last
    first, last = first[some], last[some]
    middle = (ordered[(first + last) // 2] + ordered[(first + last + 1) // 2]) / 2
    found: list[Spread | None] = [None] * count
    told = zip(
        middle.tolist(), ordered[first].tolist(), ordered[last].tolist(), (last - first + 1).tolist(), strict=True
    )
    for place, (median, low, high, n) in zip(np.flatnonzero(some).tolist(), told, strict=True):
        found[place] = Spread(median=median, low=low, high=high, n=n)
    return found
