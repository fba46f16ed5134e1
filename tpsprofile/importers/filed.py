"""Imported runs as results files: one a run, under a name that the same content always gets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tpsprofile.records import Run, Trial
from tpsprofile.store import SUFFIX, ResultsFile


def file_name(run: Run, content: bytes, number: int) -> str:
    """``<machine>/<date>-<tool>-<digest>``: date and tool of the run, digest of the file that it comes from."""
    began, method = run.header.started_at, run.header.provenance.method or "import"
    date = "undated" if began is None else began.strftime("%Y-%m-%d")
    tool = re.split(r"[^\w\s-]", method)[0]
    digest = hashlib.sha256(content).hexdigest()[:10]
    part = f"-{number}" if number > 1 else ""
    return f"{_slug(run.header.machine.label)}/{date}-{_slug(tool)}-{digest}{part}{SUFFIX}"


def write(runs: Sequence[Run], content: bytes, out: Path) -> tuple[list[Path], list[Path]]:
    """Results files of runs that come from ``content``: those written, and those that were there before.

    A run's id follows from the file's name, so that a copy of it counts once. Raises ResultsError where a file
    cannot be written; no part of one is left then.
    """
    written: list[Path] = []
    there: list[Path] = []
    for number, run in enumerate(runs, start=1):
        name = file_name(run, content, number)
        path = out / name
        if path.exists():
            there.append(path)
            continue
        run_id = hashlib.sha256(name.encode()).hexdigest()[:12]
        header = msgspec.structs.replace(run.header, run=run_id)
        _put(ResultsFile.create(path, header), run.trials)
        written.append(path)
    return written, there


def _put(file: ResultsFile, trials: Sequence[Trial]) -> None:
    """All trials or no file."""
    try:
        with file:
            for trial in trials:
                file.append(trial)
    except BaseException:
        file.path.unlink(missing_ok=True)
        raise


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "machine"
