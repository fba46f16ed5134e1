"""From records to Arrow columns, a batch at a time, and from many batches to one pandas table.

Arrow takes a list of cells at a time, knows unknown from 0, and refuses a cell of another type. What many rows
share is held once, and a batch is let go column by column while the table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.types import pandas_dtype

from tpsprofile.columns import COLUMNS, FLAG, LABEL, MOMENT, REAL, RECORDS, TEXT, WHOLE
from tpsprofile.merge.rates import DERIVED
from tpsprofile.records import Run, RunHeader

Block = dict[str, Any]
"""Name of a column -> its cells, for every column of the table; all of one length.

An Arrow array (or chunks of it) of the type in ``ARROW``, of places among such values (Arrow's dictionary), or of
nothing but null.
"""
Rows = npt.NDArray[np.int64]

_EVERY = 8
"""After so many columns, memory that was let go is given back to the system."""

ARROW: dict[str, Any] = {
    TEXT: pa.string(),
    LABEL: pa.string(),
    WHOLE: pa.int64(),
    REAL: pa.float64(),
    FLAG: pa.bool_(),
    MOMENT: pa.timestamp("us", "UTC"),
}
"""Type of a column -> what its cells are in a block."""


def _readable(record: str) -> dict[str, Callable[[Any], object]]:
    """The columns that are read from a kind of record, and how."""
    return {name: column.value for name, column in RECORDS[record].items() if column.value is not None}


_READ = _readable("trial")


class Batch:
    """The rows of some runs. What a run, a model or a workload says is held once, with its place for each row."""

    def __init__(self) -> None:
        self.rows = 0
        self.stretches: list[tuple[str, int]] = []
        """Each run with the number of its rows."""
        self._headers: list[RunHeader] = []
        self._seen: dict[str, dict[Any, int]] = {"model": {}, "workload": {}}
        self._places: dict[str, list[int]] = {"run": [], "model": [], "workload": []}
        self._cells: dict[str, list[object]] = {name: [] for name in _READ}

    def add(self, run: Run) -> None:
        """Take the rows of a run, after those that are there."""
        trials = run.trials
        self.rows += len(trials)
        self.stretches.append((run.header.run, len(trials)))
        self._places["run"] += [len(self._headers)] * len(trials)
        self._headers.append(run.header)
        for record, seen in self._seen.items():
            self._places[record] += [seen.setdefault(one, len(seen)) for one in map(attrgetter(record), trials)]
        for name, value in _READ.items():
            self._cells[name].extend(map(value, trials))

    def block(self) -> Block:
        """The cells. Raises ValueError naming a column and what does not fit into it."""
        found: Block = {}
        records = {"run": self._headers} | {record: list(seen) for record, seen in self._seen.items()}
        for record, values in records.items():
            places = pa.array(self._places[record], type=pa.int32())
            for name, value in _readable(record).items():
                found[name] = _small(name, array_of(name, map(value, values)), places)
        arrays = {name: array_of(name, cells) for name, cells in self._cells.items()}
        arrays["depth_tokens"] = _plain("depth_tokens", found["depth_tokens"])
        arrays |= {name: rate(arrays.__getitem__) for name, rate in DERIVED.items()}
        return {name: _small(name, cells) for name, cells in arrays.items()} | found


def array_of(name: str, cells: Iterable[object]) -> Any:
    """Cells of one column, None where unknown. Raises ValueError naming the column, and a cell that is no such."""
    try:
        return pa.array(list(cells), type=ARROW[COLUMNS[name].dtype])
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"column {name}: {first_line(error)}") from error


def frame(blocks: list[Block], rows: Rows | None = None) -> pd.DataFrame:
    """All blocks under each other, or only some of their ``rows``, in that order. Uses the blocks up."""
    columns = {}
    for name, column in COLUMNS.items():
        parts = [_plain(name, part) for block in blocks for part in _chunks(block.pop(name))]
        columns[name] = (_labels if column.dtype == LABEL else _typed)(name, parts, rows)
        del parts
        if len(columns) % _EVERY == 0:
            pa.default_memory_pool().release_unused()
    pa.default_memory_pool().release_unused()
    return pd.DataFrame(columns, copy=False)


@contextmanager
def given_back() -> Iterator[None]:
    """Meanwhile Arrow takes memory from the system's own allocator, which gives it back at once."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def first_line(error: Exception) -> str:
    """What an error says, in one line without its full stop."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _chunks(cells: Any) -> list[Any]:
    return list(cells.chunks) if isinstance(cells, pa.ChunkedArray) else [cells]


def _small(name: str, cells: Any, places: Any = None) -> Any:
    """Cells so that they take little room; ``places`` says which of them each row has, if not each its own."""
    if cells.null_count == len(cells):
        return pa.nulls(len(cells if places is None else places))
    if places is not None:
        return pa.DictionaryArray.from_arrays(places, cells)
    return cells.dictionary_encode() if COLUMNS[name].dtype == LABEL else cells


def _plain(name: str, cells: Any) -> Any:
    """The opposite of ``_small``, but for labels, which stay places among the labels that differ."""
    is_label = COLUMNS[name].dtype == LABEL
    if pa.types.is_dictionary(cells.type):
        values = cells.dictionary
        return (values.dictionary_encode() if is_label else values).take(cells.indices)
    cells = cells.cast(ARROW[COLUMNS[name].dtype])
    return cells.dictionary_encode() if is_label else cells


def _typed(name: str, parts: list[Any], rows: Rows | None) -> Any:
    dtype: Any = pandas_dtype(COLUMNS[name].dtype)
    cells = dtype.__from_arrow__(pa.chunked_array(parts, type=ARROW[COLUMNS[name].dtype]))
    return cells if rows is None else cells.take(rows)


def _labels(name: str, parts: list[Any], rows: Rows | None) -> pd.Categorical:
    """Labels in the order in which they come: equal columns are then equal in every way."""
    seen: dict[str, int] = {}
    places = [np.empty(0, dtype=np.int32)]
    for part in parts:
        mine = np.array([seen.setdefault(one, len(seen)) for one in part.dictionary.to_pylist()] + [-1])
        places.append(mine[part.indices.fill_null(-1).to_numpy()].astype(np.int32))
    whole, names = np.concatenate(places), pd.Index(list(seen), dtype="str")
    if rows is not None:
        whole = whole[rows]
        known = whole >= 0
        whole[known], used = pd.factorize(whole[known])
        names = names[used]
    return pd.Categorical.from_codes(whole, categories=names)
