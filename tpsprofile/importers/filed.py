"""Imported runs as results files: one a run, under a name that the same content always gets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from tpsprofile import store
from tpsprofile.errors import ResultsError
from tpsprofile.records import Run, Trial
from tpsprofile.store import SUFFIX, ResultsFile

UNDATED = "undated-"


def file_name(run: Run, content: bytes, number: int) -> str:
    """``<machine>/<date>-<tool>-<digest>``: date and tool of the run, digest of the file that it comes from."""
    began, method = run.header.started_at, run.header.provenance.method or "import"
    date = UNDATED[:-1] if began is None else began.strftime("%Y-%m-%d")
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
        before = sorted(out.glob(name.replace(UNDATED, f"{UNDATED}*", 1)))
        if before:
            there.append(before[0])
            continue
        path = out / _placed(name, out)
        run_id = hashlib.sha256(name.encode()).hexdigest()[:12]
        header = msgspec.structs.replace(run.header, run=run_id)
        _put(ResultsFile.create(path, header), run.trials)
        written.append(path)
    return written, there


def _placed(name: str, out: Path) -> str:
    """An undated name with its place among the undated ones: of the same test the run that is read last counts."""
    folder = out / Path(name).parent
    place = 1 + max((int(one.name.split("-")[1]) for one in folder.glob(f"{UNDATED}[0-9]*-*")), default=0)
    return name.replace(UNDATED, f"{UNDATED}{place:03d}-", 1)


def superseding(path: Path) -> Iterator[str]:
    """For each other results file beside a new one with some of its tests: which of the two counts, and why."""
    new = store.read(path)
    for other in sorted(path.parent.glob(f"*{SUFFIX}")):
        old = None if other == path else _readable(other)
        if old is not None and _tests(old) & _tests(new):
            yield f"Tests of it are in {other.name} too: {_counts(new.header.started_at, old.header.started_at)}."


def _readable(path: Path) -> Run | None:
    try:
        return store.read(path)
    except ResultsError:
        return None


def _counts(new: datetime | None, old: datetime | None) -> str:
    if new is None and old is None:
        return "without dates the one imported last counts, this one"
    if new is None or old is None:
        return f"the one with a date counts, {'that' if new is None else 'this'} one"
    return f"the newer one counts, {'that' if new < old else 'this'} one"


def _tests(run: Run) -> set[bytes]:
    """What makes a case of analysis: the newest run of a case counts, alone."""
    header = run.header
    common = (header.machine.id, header.engine.name, header.options, header.provenance)
    cases = ((*common, one.model.name, one.model.quantisation, one.workload) for one in run.trials)
    return {msgspec.json.encode(case, order="sorted") for case in cases}


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
