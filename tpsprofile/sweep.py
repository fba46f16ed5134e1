"""Plan x engine: decide for each model whether to run it, measure it, store every trial before the next begins."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path, PurePath
from typing import Any, Protocol

import msgspec

from tpsprofile import __version__, bench, cases, measure, sources, trust, units
from tpsprofile.bench import Case, Senses, outcome_of
from tpsprofile.climb import Climb
from tpsprofile.cool import Cooler
from tpsprofile.deadline import Deadline, OutOfTimeError
from tpsprofile.engines.base import Engine, Weights
from tpsprofile.errors import ProfileError, ResultsError
from tpsprofile.machine.activity import Activity
from tpsprofile.models import memory
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, EngineInfo, Machine, Outcome, Record, RunHeader, Trial
from tpsprofile.schema import FORMAT
from tpsprofile.sources import Candidate
from tpsprofile.store import SUFFIX, ResultsFile

WITHHELD = "as given"
"""What results have in place of a server, which is private."""
SERVER = "server_hash"
"""Setting with a hash of the address of a server on another computer, so that no other one goes on with a file."""


class Host(Record, frozen=True, kw_only=True):
    """The machine and its engine, and what is asked of them while a sweep runs; handed in, so tests can answer."""

    machine: Machine
    engine: EngineInfo
    look: Callable[[], Conditions] = Conditions
    read: Callable[[], Activity] = Activity
    usable_bytes: Callable[[], int | None] = lambda: None


class Listener(bench.Listener, Protocol):
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

    def waiting(self, why: str) -> None:
        """Nothing is done for a moment, on purpose."""
        ...

    def model_finished(self, candidate: Candidate) -> None:
        """No more rows of this model will come."""
        ...


def begin(
    plan: SweepPlan,
    engine: Engine,
    info: EngineInfo,
    machine: Machine,
    conditions: Conditions,
    *,
    out: Path,
    server: str | None = None,
) -> tuple[ResultsFile, RunHeader]:
    """A new results file with its header, ``out/<machine>/<time>-<plan>-<engine>.jsonl``.

    ``info`` is what the engine says of itself, ``server`` a hash of where it is, if that is another computer.
    Raises ResultsError where nothing can be written.
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
        settings=_settings(plan) | ({} if server is None else {SERVER: server}),
        line_tok_s=plan.line,
        options=engine.options(),
        conditions=conditions,
        tpsprofile=__version__,
    )
    stamp = started_at.strftime("%Y-%m-%dT%H-%M-%S")
    name = f"{stamp}-{_slug(plan.name)}-{_slug(info.name)}{SUFFIX}"
    return ResultsFile.create(out / _slug(machine.label) / name, header), header


def check_resumable(
    header: RunHeader, engine: Engine, info: EngineInfo, machine: Machine, server: str | None = None
) -> None:
    """Raise ResultsError where going on would put two machines, engines or settings into one file.

    ``server`` is what ``begin`` takes. A file without one is older, or of an engine on the user's own computer.
    """
    mixed = None
    if header.machine.id != machine.id:
        mixed = f"another machine, {header.machine.label}"
    elif (header.engine.name, header.engine.version) != (info.name, info.version):
        mixed = f"{header.engine.name} {header.engine.version}; here is {info.name} {info.version}"
    elif (header.engine.remote, header.engine.cloud) != (info.remote, info.cloud):
        mixed = f"an engine {_where(header.engine)}; this one is {_where(info)}"
    elif header.settings.get(SERVER, server) != server:
        mixed = "another server, or was begun on another computer"
    elif header.options != engine.options():
        mixed = f"an engine with other options: {header.options}, not {engine.options()}"
    if mixed:
        raise ResultsError(f"The file is of {mixed}.", "Begin a new one, without --resume.")


def _where(engine: EngineInfo) -> str:
    if engine.cloud:
        return "in a cloud"
    return "on another computer" if engine.remote else "on this computer"


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
        self._cooler = Cooler(host.look, engine.clock, plan.cooldown)
        self._before: Sequence[Trial] = ()
        self._began_s = engine.clock.monotonic()
        self._held: dict[tuple[str, str | None, str | None], Weights] = {}

    @property
    def deadline(self) -> Deadline:
        """When the budget is used up."""
        return self._climb.deadline

    def run(self, candidates: Sequence[Candidate], file: ResultsFile, prior: Sequence[Trial] = ()) -> None:
        """Measure the candidates from small to large; each row is on the disk before the next trial begins.

        In the order ``rounds`` every model is visited for one trial of each workload, again and again, until all
        have enough. Nothing in ``prior``, the rows of an earlier run, is measured again. Raises ResultsError when
        a row cannot be stored.
        """
        rows = {one.facts.key: [row for row in prior if _settles(row, one)] for one in candidates}
        for known in rows.values():
            self._climb.learn(known)
        with ExitStack() as files:
            left = sorted(candidates, key=_size)
            while left:
                left = [one for one in left if not self._visit(one, rows[one.facts.key], file, files)]

    def _visit(self, candidate: Candidate, rows: list[Trial], file: ResultsFile, files: ExitStack) -> bool:
        """Measure what is still missing of one model, in rounds only the next trials. True where that was all."""
        self._listen.model_started(candidate)
        seen, clock = len(rows), self._engine.clock
        if seen and not self.deadline.allows(0) and _has_least(rows, self._plan):
            self._listen.model_finished(candidate)
            return True
        if cases.missing(rows, self._plan):
            with closing(self._rows(candidate, rows, files)) as found:
                for row in found:
                    kept = without_private_names(self._judged(row))
                    file.append(kept)
                    rows.append(kept)
                    self._climb.learn([kept])
                    self._listen.recorded(kept)
            if not seen:
                self._climb.took(candidate, clock.monotonic() - self._began_s, rows)
            self._before = rows
        done = self._plan.order != "rounds" or len(rows) == seen or not cases.missing(rows, self._plan)
        if done:
            self._listen.model_finished(candidate)
        return done

    def _rows(
        self, candidate: Candidate, known: Sequence[Trial], files: ExitStack
    ) -> Generator[Trial, None, None]:
        """The rows still missing for one model: its trials, or one that says why there are none."""
        self._engine.make_room()
        available = self._host.usable_bytes()
        obstacle = _misfit(candidate, available) or self._climb.obstacle(
            candidate, begun=any(row.started_at for row in known)
        )
        if obstacle is None:
            try:
                self._cool_down()
                with self._ready(candidate, files) as weights:
                    case = self._case(candidate, weights, known, available)
                    yield from measure.measure(
                        case,
                        self._engine,
                        senses=Senses(look=self._host.look, read=self._host.read),
                        listen=self._listen,
                        deadline=self.deadline,
                    )
            except ProfileError as error:
                obstacle = outcome_of(error), str(error)
        if obstacle is not None:
            outcome, reason = obstacle
            workload = cases.missing(known, self._plan)[0]
            yield Trial(
                model=candidate.facts,
                workload=workload,
                outcome=outcome,
                reason=reason,
                number=cases.next_number(cases.of(known, workload)),
                needed_bytes=candidate.need.total if candidate.need else None,
                available_bytes=available,
            )

    def _cool_down(self) -> None:
        """Let the processor cool between two models. In rounds heat hits all alike, so there is no wait."""
        if self._plan.order != "rounds":
            slowed = cases.slowed(self._before, self._plan)
            self._cooler.wait(self._listen.waiting, slowed=slowed, left_s=self.deadline.left())
        self._began_s = self._engine.clock.monotonic()

    def _ready(self, candidate: Candidate, files: ExitStack) -> AbstractContextManager[Weights]:
        """The model as the engine takes it. In rounds its file stays until ``files`` is closed."""
        ready = sources.ready(
            candidate, self._engine, cache=self._cache, keep=self._keep, progress=self._preparing
        )
        if self._plan.order != "rounds":
            return ready
        key = candidate.facts.key
        if key not in self._held:
            self._held[key] = files.enter_context(ready)
        return nullcontext(self._held[key])

    def _preparing(self, what: str, done: int, total: int | None) -> None:
        if not self.deadline.allows(0):
            raise OutOfTimeError(f"The budget was used up while {what}.")
        self._listen.preparing(what, done, total)

    def _case(self, candidate: Candidate, weights: Weights, known: Sequence[Trial], available: int | None) -> Case:
        return Case(
            weights=weights,
            plan=self._plan,
            known=tuple(known),
            most=1 if self._plan.order == "rounds" else None,
            needed_bytes=candidate.need.total if candidate.need else None,
            available_bytes=available,
            engine_version=self._host.engine.version,
            sets_context=self._engine.can.sets_context,
        )

    def _judged(self, row: Trial) -> Trial:
        """The row with what speaks against its figures; a trial without any is not judged."""
        if row.outcome is not Outcome.OK:
            return row
        warnings = trust.of_trial(row, self._host.machine, self._host.engine)
        return msgspec.structs.replace(row, warnings=tuple(map(str, warnings)))


def _has_least(rows: Sequence[Trial], plan: SweepPlan) -> bool:
    """Every case has as many trials as it is owed."""
    return all(len(cases.of(rows, workload)) >= plan.trials for workload in cases.workloads(plan))


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


def _size(candidate: Candidate) -> tuple[float, str]:
    size = candidate.facts.parameters or candidate.disk_bytes or float("inf")
    return (size, candidate.facts.name)


def _settings(plan: SweepPlan) -> dict[str, Any]:
    """The plan for the record, with the names of files but no folders and no servers, which are private."""
    models = tuple(map(shared_name, plan.models))
    server = None if plan.server is None else WITHHELD
    settings: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(plan, models=models, server=server))
    return settings


def shared_name(name: str) -> str:
    """A model of a plan as results have it: of a path only the last part, with a slash where it is a folder."""
    if not sources.is_path(name):
        return name
    return PurePath(name).name + ("/" if Path(name).expanduser().is_dir() else "")


def without_private_names(row: Trial) -> Trial:
    """The row with people, folders and servers of its reason left out: results are made to be shared."""
    if row.reason is None:
        return row
    reason = re.sub(re.escape(str(Path.home())) + r"(?![\w.-])", "~", row.reason)
    for private, instead in _PRIVATE:
        reason = private.sub(instead, reason)
    return msgspec.structs.replace(row, reason=reason)


_NAMED = r"[^\s/\\:'\".]+(?: [^\s/\\:'\".]+){1,3}(?=[/\\])|[^\s/\\:'\"]+"
"""A folder: a word, or up to four of them where a separator follows."""
_PRIVATE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"https?://\S+?(?=[.,:;]?(?:\s|$))"), "the server"),
    (
        re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]*\w)|\[[0-9a-fA-F:.]*:[^\s\]]*\](?::\d+)?"),
        "the server",
    ),
    (
        re.compile(r"(?<![\w./:-])[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z][A-Za-z0-9-]*)*:\d{4,5}(?![\w.:]*\w)"),
        "the server",
    ),
    (re.compile(r"\b(?:org|proj|user|acct)-(?=\w*[A-Z\d])\w{6,}"), "(left out)"),
    (re.compile(rf"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:home|Users)[/\\](?:{_NAMED})"), "~"),
    (re.compile(rf"(?<![\w.])(?:~|[A-Za-z]:)?(?:[/\\]{{1,2}}(?:{_NAMED}))*[/\\]([^\s/\\:'\"]+)"), r"\1"),
)
"""What may name a person or a computer -> what stands there instead, in this order."""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "machine"
