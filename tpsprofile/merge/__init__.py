"""Runs become one tidy table: a row a trial, in the columns of ``columns.COLUMNS``.

A run counts once, however many copies of its file there are. Damaged files are named, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tpsprofile import store
from tpsprofile.errors import ResultsError
from tpsprofile.merge.cells import Batch, Block, Rows, first_line, frame, given_back
from tpsprofile.merge.saved import SUFFIXES, as_json, load, read, save
from tpsprofile.records import Run

__all__ = ["FOLDER", "SUFFIXES", "Gathered", "as_json", "gather", "load", "save", "table"]

FOLDER = Path("results")
"""Where results are, unless one says otherwise."""
_BATCH = 16_384
"""Trials whose cells are held as Python values at the same time."""


@dataclass(frozen=True)
class Gathered:
    """The table of everything that could be read, and one error for each file that could not."""

    table: pd.DataFrame
    files: int
    """Files that were read."""
    errors: tuple[ResultsError, ...]


def gather(paths: Sequence[Path], tell: Callable[[int, int], None] | None = None) -> Gathered:
    """The table of results files, folders of them, and tables saved earlier; without paths, of ``FOLDER``.

    ``tell`` is told how many files were looked at, and of how many, every now and then.
    Raises ResultsError for a path that does not exist, and where there is no results file at all.
    """
    paths = paths or [FOLDER]
    if paths == [FOLDER] and not FOLDER.exists():
        raise _no_results(paths)
    saved = [path for path in paths if path.suffix in SUFFIXES and path.is_file()]
    found = store.find(path for path in paths if path not in saved)
    if not found and not saved:
        raise ResultsError(
            f"There are no results in {', '.join(map(str, paths))}.",
            "Measure this machine first: tpsprofile sweep.",
        )
    with given_back():
        return _gathered(found, saved, tell or (lambda looked_at, of: None))


def table(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a trial; a run that is given twice counts once, with the copy that holds more trials.

    Raises ValueError naming a column and a number that is too large for it.
    """
    pile = _Pile()
    pile.add(_batch_of(runs))
    return pile.table()


class _Pile:
    """What was read so far: blocks of rows, and of which run each stretch of them is."""

    def __init__(self) -> None:
        self.errors: list[ResultsError] = []
        self._blocks: list[Block] = []
        self._stretches: list[tuple[str, int]] = []
        self._longest: dict[str, int] = {}

    def is_news(self, run: str, rows: int) -> bool:
        """Whether so many rows of a run are more than there are already."""
        return rows > self._longest.get(run, 0)

    def add(self, batch: Batch) -> None:
        """Raises ValueError where a value has no place in a table; then nothing was added."""
        self._add(batch.block(), batch.stretches)

    def add_saved(self, block: Block) -> None:
        """Add a saved table, without the runs of which as much is there already."""
        names, places, counts = _runs_in(block)
        new = np.array([self.is_news(*run) for run in zip(names, counts, strict=True)], dtype=bool)
        order = np.argsort(places, kind="stable")
        order = order[new[places[order]]]
        if not np.array_equal(order, np.arange(len(places))):
            block = {name: cells.take(pa.array(order)) for name, cells in block.items()}
        self._add(block, [(names[place], int(counts[place])) for place in np.flatnonzero(new)])

    def table(self) -> pd.DataFrame:
        """All of it under each other; of copies of a run the longest stays, in the place of the first."""
        return frame(self._blocks, _once(self._stretches))

    def _add(self, block: Block, stretches: list[tuple[str, int]]) -> None:
        self._blocks.append(block)
        self._stretches += stretches
        self._longest.update(stretches)


def _gathered(found: Sequence[Path], saved: Sequence[Path], tell: Callable[[int, int], None]) -> Gathered:
    pile = _Pile()
    total = len(found) + len(saved)
    for looked_at in chain(_add_files(pile, found), _add_saved(pile, saved, len(found))):
        tell(looked_at, total)
    return Gathered(table=pile.table(), files=total - len(pile.errors), errors=tuple(pile.errors))


def _batch_of(runs: Iterable[Run]) -> Batch:
    batch = Batch()
    for run in runs:
        batch.add(run)
    return batch


def _add_files(pile: _Pile, paths: Sequence[Path]) -> Iterator[int]:
    """Read results files in batches; after each, how many were looked at."""
    batch, held = Batch(), list[Path]()
    for number, path in enumerate(paths, start=1):
        try:
            run = store.read(path)
        except ResultsError as error:
            pile.errors.append(error)
        else:
            if pile.is_news(run.header.run, len(run.trials)):
                batch.add(run)
                held.append(path)
        if number == len(paths) or batch.rows >= _BATCH:
            _add_batch(pile, batch, held)
            batch, held = Batch(), []
            yield number


def _add_batch(pile: _Pile, batch: Batch, paths: Sequence[Path]) -> None:
    """Add the runs of some files at once, or one by one where one of them does not fit into a table."""
    try:
        pile.add(batch)
    except ValueError as error:
        if len(paths) == 1:
            pile.errors.append(ResultsError(f"{paths[0]} cannot be put into a table: {first_line(error)}."))
            return
        for path in paths:
            _add_batch(pile, _batch_of([store.read(path)]), [path])


def _add_saved(pile: _Pile, paths: Sequence[Path], before: int) -> Iterator[int]:
    for number, path in enumerate(paths, start=before + 1):
        try:
            pile.add_saved(read(path))
        except ResultsError as error:
            pile.errors.append(error)
        yield number


def _runs_in(block: Block) -> tuple[list[str], Rows, Rows]:
    """Runs of a saved table as they come; for each row which of them it is of, and how many rows each has."""
    places, names = pd.factorize(block["run"].cast(pa.string()).to_pandas())
    return [str(name) for name in names], places, np.bincount(places, minlength=len(names))


def _once(stretches: Sequence[tuple[str, int]]) -> Rows | None:
    """Rows that stay, in their order: of each run its longest stretch, in the place of its first. None for all."""
    best: dict[str, int] = {}
    for place, (run, rows) in enumerate(stretches):
        if run not in best or rows > stretches[best[run]][1]:
            best[run] = place
    if list(best.values()) == list(range(len(stretches))):
        return None
    starts = np.cumsum([0, *(rows for _, rows in stretches)])
    return np.concatenate([np.arange(starts[place], starts[place + 1]) for place in best.values()])


def _no_results(paths: Sequence[Path]) -> ResultsError:
    where = ", ".join(f"{path}{'/' * path.is_dir()}" for path in paths) if paths != [FOLDER] else f"./{FOLDER}/"
    return ResultsError(f"There are no results in {where}.", "Measure this machine first: tpsprofile sweep.")
