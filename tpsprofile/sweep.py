"""Plan x engine: decide for each model whether to run it, measure it, store every trial before the next begins."""

from __future__ import annotations

import re
import secrets
import statistics
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path, PurePath
from typing import Any, Protocol

import msgspec

from tpsprofile import __version__, measure, sources, units
from tpsprofile.engines.base import Engine, Weights
from tpsprofile.errors import ProfileError, ResultsError
from tpsprofile.measure import Case, Deadline
from tpsprofile.models import memory
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, EngineInfo, Machine, ModelFacts, Outcome, Record, RunHeader, Trial
from tpsprofile.schema import FORMAT
from tpsprofile.sources import Candidate
from tpsprofile.store import SUFFIX, ResultsFile


class Host(Record, frozen=True, kw_only=True):
    """What a sweep asks of the machine while it runs; handed in, so that tests can answer."""

    look: Callable[[], Conditions]
    usable_bytes: Callable[[], int | None]


class Listener(measure.Listener, Protocol):
    """Who shows a sweep to the user."""

    def model_started(self, candidate: Candidate) -> None:
        """A model is next."""
        ...

    def preparing(self, what: str, done: int, total: int | None) -> None:
        """A file is being written or downloaded: ``done`` of ``total`` bytes."""
        ...

    def recorded(self, trial: Trial) -> None:
        """A row is on the disk."""
        ...

    def model_finished(self, candidate: Candidate) -> None:
        """No more rows of this model will come."""
        ...


def begin(
    plan: SweepPlan, engine: Engine, info: EngineInfo, machine: Machine, conditions: Conditions, *, out: Path
) -> tuple[ResultsFile, RunHeader]:
    """A new results file with its header, ``out/<machine>/<time>-<plan>-<engine>.jsonl``.

    ``info`` is what the engine says of itself. Raises ResultsError where nothing can be written.
    """
    started_at = engine.clock.now()
    run = secrets.token_hex(6)
    header = RunHeader(
        format=FORMAT,
        run=run,
        started_at=started_at,
        machine=machine,
        engine=info,
        plan=plan.name,
        settings=_settings(plan),
        line_tok_s=plan.line,
        options=engine.options(),
        conditions=conditions,
        tpsprofile=__version__,
    )
    stamp = started_at.strftime("%Y-%m-%dT%H-%M-%S")
    name = f"{stamp}-{_slug(plan.name)}-{_slug(info.name)}{SUFFIX}"
    return ResultsFile.create(out / _slug(machine.label) / name, header), header


def check_resumable(header: RunHeader, engine: Engine, info: EngineInfo, machine: Machine) -> None:
    """Raise ResultsError where going on would put two machines, engines or settings into one file."""
    mixed = None
    if header.machine.id != machine.id:
        mixed = f"another machine, {header.machine.label}"
    elif (header.engine.name, header.engine.version) != (info.name, info.version):
        mixed = f"{header.engine.name} {header.engine.version}; here is {info.name} {info.version}"
    elif header.options != engine.options():
        mixed = f"an engine with other options: {header.options}, not {engine.options()}"
    if mixed:
        raise ResultsError(f"The file is of {mixed}.", "Begin a new one, without --resume.")


class Sweep:
    """One plan on one engine. ``run`` measures; everything it finds out goes into the results file.

    ``keep`` leaves synthetic files in the cache.
    """

    def __init__(
        self, plan: SweepPlan, engine: Engine, *, host: Host, cache: Path, keep: bool, listen: Listener
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._host = host
        self._cache = cache
        self._keep = keep
        self._listen = listen
        self._climb = Climb(plan, Deadline(engine.clock, plan.budget))

    @property
    def deadline(self) -> Deadline:
        """When the budget is used up."""
        return self._climb.deadline

    def run(self, candidates: Sequence[Candidate], file: ResultsFile, prior: Sequence[Trial] = ()) -> None:
        """Measure the candidates from small to large; each row is on the disk before the next trial begins.

        Nothing in ``prior``, the rows of an earlier run, is measured again. Raises ResultsError when a row
        cannot be stored.
        """
        for candidate in sorted(candidates, key=_size):
            self._listen.model_started(candidate)
            known = [row for row in prior if _settles(row, candidate)]
            self._climb.learn(known)
            if not _is_finished(known, self._plan):
                with closing(self._rows(candidate, known)) as rows:
                    for row in map(without_private_names, rows):
                        file.append(row)
                        self._climb.learn([row])
                        self._listen.recorded(row)
            self._listen.model_finished(candidate)

    def _rows(self, candidate: Candidate, known: Sequence[Trial]) -> Generator[Trial, None, None]:
        """The rows still missing for one model: its trials, or one that says why there are none."""
        available = self._host.usable_bytes()
        obstacle = _misfit(candidate, available) or self._climb.obstacle(candidate)
        if obstacle is None:
            try:
                with self._climb.timing(candidate), self._ready(candidate) as weights:
                    case = self._case(candidate, weights, known, available)
                    yield from measure.measure(
                        case,
                        self._engine,
                        look=self._host.look,
                        listen=self._listen,
                        deadline=self._climb.deadline,
                    )
            except ProfileError as error:
                obstacle = measure.outcome_of(error), str(error)
        if obstacle is not None:
            outcome, reason = obstacle
            yield Trial(
                model=candidate.facts,
                workload=measure.workload(self._plan),
                outcome=outcome,
                reason=reason,
                needed_bytes=candidate.need.total if candidate.need else None,
                available_bytes=available,
            )

    def _ready(self, candidate: Candidate) -> AbstractContextManager[Weights]:
        return sources.ready(candidate, self._engine, cache=self._cache, keep=self._keep, progress=self._preparing)

    def _preparing(self, what: str, done: int, total: int | None) -> None:
        if not self.deadline.allows(0):
            raise measure.OutOfTimeError(f"The budget was used up while {what}.")
        self._listen.preparing(what, done, total)

    def _case(self, candidate: Candidate, weights: Weights, known: Sequence[Trial], available: int | None) -> Case:
        return Case(
            weights=weights,
            plan=self._plan,
            first_trial=max((row.number for row in known), default=0) + 1,
            load_first_s=next((row.load_first_s for row in known if row.load_first_s), None),
            needed_bytes=candidate.need.total if candidate.need else None,
            available_bytes=available,
        )


class Climb:
    """What the smaller models say about the next: too slow already, or no time left for it."""

    def __init__(self, plan: SweepPlan, deadline: Deadline) -> None:
        self.deadline = deadline
        self._floor = plan.line * plan.stop_below
        self._rates: dict[tuple[str | None, ...], list[float]] = {}
        self._too_slow: tuple[ModelFacts, float] | None = None
        self._seconds_per_byte: float | None = None

    def learn(self, rows: Sequence[Trial]) -> None:
        """Take note of finished trials."""
        for row in rows:
            if row.decode_tok_s is not None:
                rates = self._rates.setdefault(row.model.key, [])
                rates.append(row.decode_tok_s)
                middle = statistics.median(rates)
                slow = middle < self._floor
                if slow:
                    self._too_slow = row.model, middle
                elif self._too_slow is not None and self._too_slow[0].key == row.model.key:
                    self._too_slow = None

    @contextmanager
    def timing(self, candidate: Candidate) -> Iterator[None]:
        """Measure how long a model takes from its file to its last trial, to foresee the next one's time."""
        left_before = self.deadline.left()
        yield
        left = self.deadline.left()
        whole = candidate.facts.key in self._rates  # one that failed at once says nothing of the next
        if whole and left_before is not None and left is not None and candidate.disk_bytes:
            self._seconds_per_byte = (left_before - left) / candidate.disk_bytes

    def obstacle(self, candidate: Candidate) -> tuple[Outcome, str] | None:
        """Why a larger model is not begun; None where nothing speaks against it."""
        if self._too_slow is not None and self._too_slow[0].key != candidate.facts.key:
            slow, rate = self._too_slow
            return Outcome.BELOW_LINE, f"{slow.name} ran at {units.rate(rate)} tok/s already."
        expected = (candidate.disk_bytes or 0) * (self._seconds_per_byte or 0.0)
        if not self.deadline.allows(expected / 2):  # one trial of three is better than none
            left = max(0.0, self.deadline.left() or 0.0)
            return (
                Outcome.NO_TIME,
                f"It would take about {units.seconds(expected)}; {units.seconds(left)} are left of the budget.",
            )
        return None


def _misfit(candidate: Candidate, available: int | None) -> tuple[Outcome, str] | None:
    """Why the model cannot run here at all; None where it can."""
    if candidate.problem is not None:
        return candidate.problem
    need = candidate.need
    if need is None or available is None or memory.fits(need, available):
        return None
    reason = f"It needs {units.memory(need.total)} of memory; there is {units.memory(available)}."
    return Outcome.DOES_NOT_FIT, reason


def _settles(row: Trial, candidate: Candidate) -> bool:
    """Whether a row of an earlier run need not be measured again.

    What lacked time, disk or network may now have it.
    """
    return row.model.key == candidate.facts.key and row.outcome not in {Outcome.NO_TIME, Outcome.NOT_PREPARED}


def _is_finished(rows: Sequence[Trial], plan: SweepPlan) -> bool:
    """All trials are there, or the last one says that there can be no more."""
    if not rows:
        return False
    last = max(rows, key=lambda row: row.number)
    goes_on = last.outcome in {Outcome.OK, Outcome.ENDED_EARLY, Outcome.REPEATED, Outcome.CONTEXT_CHANGED}
    return last.number >= plan.trials or not goes_on


def _size(candidate: Candidate) -> tuple[float, str]:
    size = candidate.facts.parameters or candidate.disk_bytes or float("inf")
    return (size, candidate.facts.name)


def _settings(plan: SweepPlan) -> dict[str, Any]:
    """The plan for the record, with the names of files but not the folders they lie in, which are private."""
    models = tuple(PurePath(name).name if is_file(name) else name for name in plan.models)
    settings: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(plan, models=models))
    return settings


def is_file(name: str) -> bool:
    """A model of a plan is a file rather than a name."""
    return name.lower().endswith(".gguf") or Path(name).expanduser().is_file()


def without_private_names(row: Trial) -> Trial:
    """The row with the folders and servers of its reason left out: results are made to be shared."""
    if row.reason is None:
        return row
    reason = row.reason.replace(str(Path.home()), "~")
    reason = re.sub(r"https?://\S+?(?=[.,:;]?(?:\s|$))", "the server", reason)
    reason = re.sub(r"(?<![\w.])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:'\"]+)*[/\\]([^\s/\\:'\"]+)", r"\1", reason)
    return msgspec.structs.replace(row, reason=reason)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "machine"
