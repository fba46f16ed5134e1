"""Merged tables as files: written as .csv, .parquet or .json, and read back with the same care as results.

A table is written in slices, so writing takes little memory beside the table itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from tpsprofile.columns import COLUMNS, LABEL, MOMENT, REAL, REQUIRED
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.files import replacing
from tpsprofile.merge.cells import ARROW, Block, first_line, frame
from tpsprofile.records import Outcome

SUFFIXES = (".csv", ".parquet", ".json")
"""What a table can be saved as, and read back from."""
_SLICE = 50_000
"""Rows that are written at a time."""
_WRONG = (ValueError, TypeError, OverflowError, pa.ArrowException)
"""What Arrow and pandas raise for content that is not what it should be."""


def save(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as the suffix of ``path`` says: .csv, .parquet or .json. The file appears whole or not at all.

    Raises UsageError for another suffix, ResultsError where it cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} cannot be written as {path.suffix or 'a file without suffix'}.", _choice())
    with replacing(path) as part:
        if path.suffix == ".csv":
            table.to_csv(part, index=False)
        elif path.suffix == ".parquet":
            _write_parquet(table, part)
        else:
            with part.open("wb") as file:
                file.writelines(_json_parts(table))
    return path


def as_json(table: pd.DataFrame) -> bytes:
    """A table as a JSON list, one object a trial; unknown is null."""
    return b"".join(_json_parts(table))


def load(path: Path) -> pd.DataFrame:
    """Read back a saved table.

    Raises ResultsError where it cannot be read or is no table of this program, UsageError for another suffix.
    """
    return frame([read(path)])


def read(path: Path) -> Block:
    """The cells of a saved table. Raises as ``load`` does."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no merged table.", _choice())
    try:
        block, rows = _READERS[path.suffix](path)
        missing = [name for name in REQUIRED if name not in block]
        if missing:
            raise ResultsError(f"{path} is not a merged table: it has no column {missing[0]!r}.")
        return _checked({name: _fitted(name, block.get(name, pa.nulls(rows))) for name in COLUMNS})
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or first_line(error)}.") from error
    except _WRONG as error:
        raise ResultsError(f"{path} is not a merged table: {first_line(error)}.") from error


def _read_csv(path: Path) -> tuple[Block, int]:
    found = csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={name: _csv_type(column.dtype) for name, column in COLUMNS.items()},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return _columns_of(found), found.num_rows


def _csv_type(dtype: str) -> Any:
    return pa.dictionary(pa.int32(), ARROW[dtype]) if dtype == LABEL else ARROW[dtype]


def _read_parquet(path: Path) -> tuple[Block, int]:
    names = [name for name in parquet.read_schema(path).names if name in COLUMNS]
    found = parquet.read_table(path, columns=names)
    return _columns_of(found), found.num_rows


def _read_json(path: Path) -> tuple[Block, int]:
    rows = msgspec.json.decode(path.read_bytes())
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is not a list of rows")
    names = [name for name in COLUMNS if not rows or any(name in row for row in rows)]
    return {name: _guessed(name, [row.get(name) for row in rows]) for name in names}, len(rows)


_READERS: Mapping[str, Callable[[Path], tuple[Block, int]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".json": _read_json,
}


def _columns_of(found: Any) -> Block:
    return {name: found.column(name) for name in found.column_names if name in COLUMNS}


def _guessed(name: str, cells: list[object]) -> Any:
    """Cells of one kind, whichever it is."""
    try:
        return pa.array(cells)
    except _WRONG as error:
        raise ValueError(f"column {name}: {first_line(error)}") from error


def _fitted(name: str, found: Any) -> Any:
    """A column in its type. Raises ValueError naming it where its cells are of another kind."""
    dtype = COLUMNS[name].dtype
    wanted = ARROW[dtype]
    try:
        if pa.types.is_dictionary(found.type) and (dtype != LABEL or found.type.value_type != wanted):
            found = found.cast(found.type.value_type)
        if dtype == MOMENT and _is_text(found.type):
            moments = pd.to_datetime(pd.Series(found.to_pylist(), dtype=object), utc=True, format="ISO8601")
            return pa.array(moments, type=wanted)
        if found.type in {wanted, pa.null()} or pa.types.is_dictionary(found.type):
            return found
        if not _is_kind(found.type, wanted):
            raise ValueError(f"{found.type} where {wanted} belongs")
        return found.cast(wanted)
    except _WRONG as error:
        raise ValueError(f"column {name}: {first_line(error)}") from error


def _is_kind(found: Any, wanted: Any) -> bool:
    """Whether a cast from one Arrow type to another only changes how a cell is held, not what it is."""
    if pa.types.is_string(wanted):
        return _is_text(found)
    if pa.types.is_integer(wanted) or pa.types.is_floating(wanted):
        return bool(pa.types.is_integer(found) or pa.types.is_floating(found))
    return bool(pa.types.is_timestamp(wanted) and pa.types.is_timestamp(found))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _checked(block: Block) -> Block:
    blank = [name for name in REQUIRED if block[name].null_count]
    if blank:
        raise ValueError(f"a row has no {blank[0]}")
    unknown = set(pc.unique(block["outcome"]).to_pylist()) - set(Outcome)
    if unknown:
        raise ValueError(f"a row has the outcome {min(unknown)!r}")
    for name, column in COLUMNS.items():
        if column.dtype == REAL and not pc.all(pc.is_finite(block[name]), min_count=0).as_py():
            raise ValueError(f"column {name}: a number that is not finite")
    return block


def _slices(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The table in slices, at least one."""
    for start in range(0, max(len(table), 1), _SLICE):
        yield table.iloc[start : start + _SLICE]


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    parts = (pa.Table.from_pandas(part, preserve_index=False) for part in _slices(table))
    first = next(parts)
    with parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)


def _json_parts(table: pd.DataFrame) -> Iterator[bytes]:
    """A JSON list, slice by slice."""
    yield b"["
    for number, part in enumerate(_slices(table)):
        rows = part.astype(object).where(part.notna(), None).to_dict("records")
        listed = msgspec.json.format(msgspec.json.encode(rows, enc_hook=_plain), indent=1)
        yield b"," * (number > 0) + listed[1:-1].rstrip(b"\n")
    yield b"\n" * (not table.empty) + b"]\n"


def _plain(value: Any) -> object:
    """What a JSON encoder does not know: numbers and dates of pandas."""
    return value.isoformat() if hasattr(value, "isoformat") else value.item()


def _choice() -> str:
    return f"There is {', '.join(SUFFIXES[:-1])} and {SUFFIXES[-1]}."
