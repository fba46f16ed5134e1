"""Results files: the only code that opens them.

One file a run, JSON Lines. A record is on the disk (fsync) before ``append`` returns, so whatever ends the
program, every trial that was reported as finished is there. The last line may be torn; readers leave it out and
``resume`` cuts it off.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tpsprofile import schema
from tpsprofile.errors import ResultsError
from tpsprofile.records import Run, RunHeader, Trial

SUFFIX = ".jsonl"
_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)


def find(paths: Iterable[Path]) -> list[Path]:
    """Results files among ``paths``; folders are searched to any depth. Sorted, each once.

    Raises ResultsError for a path that does not exist.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(entry for entry in path.rglob(f"*{SUFFIX}") if entry.is_file())
        elif path.exists():
            found.add(path)
        else:
            raise ResultsError(f"{path} does not exist.", "Name results files, or folders that hold some.")
    return sorted(found)


def read(path: Path) -> Run:
    """The run in one file, without a torn last line.

    Raises ResultsError naming the file, the line and the reason.
    """
    return _parse(path, _bytes_of(path))[0]


class ResultsFile:
    """A results file open for appending. A context manager."""

    def __init__(self, path: Path, descriptor: int, length: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._length = length

    @classmethod
    def create(cls, path: Path, header: RunHeader) -> Self:
        """A new file with its header on the disk.

        Raises ResultsError where the file exists already or its folder cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            raise _cannot_write(path, error) from error
        file = cls(path, descriptor, 0)
        try:
            file._write(schema.encode(header))
        except ResultsError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        return file

    @classmethod
    def resume(cls, path: Path) -> tuple[Run, Self]:
        """What an earlier run left in the file, and the file ready for more; a torn last line is cut off.

        Raises ResultsError where it is not a results file, or cannot be written.
        """
        run, whole = _parse(path, _bytes_of(path))
        try:
            descriptor = os.open(path, _FLAGS)
            os.ftruncate(descriptor, whole)
        except OSError as error:
            raise _cannot_write(path, error) from error
        return run, cls(path, descriptor, whole)

    def append(self, trial: Trial) -> None:
        """Put one trial on the disk before returning.

        Raises ResultsError (disk full, folder gone); the file then still ends with its last whole record.
        """
        self._write(schema.encode(trial))

    def _write(self, line: bytes) -> None:
        try:
            rest = line
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
            raise _cannot_write(self.path, error) from error
        self._length += len(line)

    def close(self) -> None:
        """Close the file. Nothing is lost without it."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from error


def _parse(path: Path, content: bytes) -> tuple[Run, int]:
    """The run, and how many bytes of the file are whole records."""
    whole = content.rfind(b"\n") + 1
    if not whole:
        raise ResultsError(f"{path} is not a results file: it has no whole line.")
    try:
        number = schema.format_of(content[: content.index(b"\n")])
    except ValueError as error:
        raise ResultsError(f"{path} is not a results file: {error}.") from None
    if number > schema.FORMAT:
        raise ResultsError(
            f"{path} has results format {number}; this tpsprofile reads up to {schema.FORMAT}.",
            "Update it: pip install -U tpsprofile.",
        )
    header, *trials = _records(path, content[:whole], number)
    if not isinstance(header, RunHeader):
        raise ResultsError(f"{path}, line 1: not a run record.")
    rows = tuple(trial for trial in trials if isinstance(trial, Trial))
    if len(rows) != len(trials):
        raise ResultsError(f"{path} holds two run records.", "One file is one run: split it before the second.")
    return Run(header=header, trials=rows, path=str(path)), whole


def _records(path: Path, content: bytes, number: int) -> list[RunHeader | Trial]:
    """Every line as a record: all at once where nothing is wrong, else one by one, to name the line."""
    if number == schema.FORMAT:
        with contextlib.suppress(ValueError):
            found = schema.decode_lines(content)
            if len(found) == content.count(b"\n"):  # blank lines are damage, and are passed over here
                return found
    records = []
    for position, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            records.append(schema.decode(line, number))
        except (ValueError, KeyError) as error:
            raise ResultsError(f"{path}, line {position}: {error}.") from None
    return records


def _cannot_write(path: Path, error: OSError) -> ResultsError:
    if isinstance(error, FileExistsError):
        return ResultsError(f"{path} exists already.", "Continue it with --resume, or choose another --out.")
    return ResultsError(
        f"{path} cannot be written: {error.strerror}.",
        "What was measured before is kept. Free some space or choose another --out, then continue with --resume.",
    )


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
