"""Runs become one tidy table: a row a trial, in the columns of ``columns.COLUMNS``.

A run counts once, however many copies of its file there are. Damaged files are named, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
from pandas.api.types import pandas_dtype

from tpsprofile import store
from tpsprofile.columns import COLUMNS, MOMENT, REQUIRED, TEXT
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.files import replacing
from tpsprofile.records import Outcome, Run

FOLDER = Path("results")
"""Where results are, unless one says otherwise."""
SUFFIXES = (".csv", ".parquet", ".json")
"""What a table can be saved as, and read back from."""


@dataclass(frozen=True)
class Gathered:
    """The table of everything that could be read, and one error for each file that could not."""

    table: pd.DataFrame
    files: int
    """Files that were read."""
    errors: tuple[ResultsError, ...]


def gather(paths: Sequence[Path]) -> Gathered:
    """The table of results files, folders of them, and tables saved earlier; without paths, of ``FOLDER``.

    Raises ResultsError for a path that does not exist, and where there is no results file at all.
    """
    paths = paths or [FOLDER]
    if paths == [FOLDER] and not FOLDER.exists():
        raise _no_results(paths)
    saved = [path for path in paths if path.suffix in SUFFIXES and path.is_file()]
    found = [*store.find(path for path in paths if path not in saved), *saved]
    tables, errors = [], []
    for path in found:
        try:
            tables.append(load(path) if path in saved else _table_of(path))
        except ResultsError as error:
            errors.append(error)
    if not found:
        raise ResultsError(
            f"There are no results in {', '.join(map(str, paths))}.",
            "Measure this machine first: tpsprofile sweep.",
        )
    return Gathered(table=_once(tables), files=len(tables), errors=tuple(errors))


def table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a trial; a run that is given twice counts once, with the copy that holds more trials."""
    return _once([_rows(run) for run in runs])


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
            table.to_parquet(part, index=False)
        else:
            part.write_bytes(as_json(table))
    return path


def as_json(table: pd.DataFrame) -> bytes:
    """A table as a JSON list, one object a trial; unknown is null."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return msgspec.json.format(msgspec.json.encode(rows, enc_hook=_plain), indent=1) + b"\n"


def load(path: Path) -> pd.DataFrame:
    """Read back a saved table.

    Raises ResultsError where it cannot be read or is no table of this program, UsageError for another suffix.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no merged table.", _choice())
    try:
        found = _read(path)
        missing = [name for name in REQUIRED if name not in found.columns]
        if missing:
            raise ResultsError(f"{path} is not a merged table: it has no column {missing[0]!r}.")
        return _checked(_typed({name: found.get(name) for name in COLUMNS}, len(found)))
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, TypeError) as error:
        raise ResultsError(f"{path} is not a merged table: {_first_line(error)}.") from error


def _table_of(path: Path) -> pd.DataFrame:
    """The table of one results file. Raises ResultsError naming it."""
    run = store.read(path)
    try:
        return _rows(run)
    except ValueError as error:
        raise ResultsError(f"{path} cannot be put into a table: {_first_line(error)}.") from error


def _rows(run: Run) -> pd.DataFrame:
    return _typed(
        {name: [column.value(run.header, trial) for trial in run.trials] for name, column in COLUMNS.items()},
        len(run.trials),
    )


def _typed(values: dict[str, Any], rows: int) -> pd.DataFrame:
    """Columns in their order and types; one without values is unknown throughout.

    Raises ValueError naming a column with a value of another type or out of range.
    """
    columns: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        cells = pd.Series([None] * rows if values.get(name) is None else values[name], dtype=object)
        try:
            if column.dtype == MOMENT:
                cells = pd.to_datetime(cells, utc=True, format="ISO8601")
            columns[name] = cells.astype(pandas_dtype(column.dtype))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"column {name}: {_first_line(error)}") from error
    return pd.DataFrame(columns)


def _once(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All tables under each other; of copies of a run the longest stays, in the place of the first."""
    runs: dict[str, pd.DataFrame] = {}
    for one in tables:
        for run, rows in one.groupby("run", sort=False, dropna=False):
            if str(run) not in runs or len(rows) > len(runs[str(run)]):
                runs[str(run)] = rows
    return pd.concat(runs.values(), ignore_index=True) if runs else _typed({}, 0)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        types = {name: TEXT if column.dtype == MOMENT else column.dtype for name, column in COLUMNS.items()}
        return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    rows = msgspec.json.decode(path.read_bytes())
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ResultsError(f"{path} is not a merged table: it is not a list of rows.")
    return pd.DataFrame(rows, columns=None if rows else list(COLUMNS), dtype=object)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    blank = [name for name in REQUIRED if table[name].isna().any()]
    if blank:
        raise ValueError(f"a row has no {blank[0]}")
    unknown = set(table["outcome"].dropna()) - set(Outcome)
    if unknown:
        raise ValueError(f"a row has the outcome {min(unknown)!r}")
    return table


def _plain(value: Any) -> object:
    """What a JSON encoder does not know: numbers and dates of pandas."""
    return value.isoformat() if hasattr(value, "isoformat") else value.item()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _no_results(paths: Sequence[Path]) -> ResultsError:
    where = ", ".join(f"{path}{'/' * path.is_dir()}" for path in paths) if paths != [FOLDER] else f"./{FOLDER}/"
    return ResultsError(f"There are no results in {where}.", "Measure this machine first: tpsprofile sweep.")


def _choice() -> str:
    return f"There is {', '.join(SUFFIXES[:-1])} and {SUFFIXES[-1]}."
