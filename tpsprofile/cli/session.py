"""A sweep from the command line: put the parts together, show them, say what comes next."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Self

import click
import msgspec
from rich.console import Console

from tpsprofile import machine, sources, store
from tpsprofile import plan as plans
from tpsprofile.cli import screen
from tpsprofile.engines import registry
from tpsprofile.engines.base import Engine
from tpsprofile.errors import EngineError, ModelUnreadableError, ProfileError, UsageError
from tpsprofile.machine import activity, conditions, fit
from tpsprofile.machine.named import named
from tpsprofile.models import cache, memory
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, EngineInfo, Machine, Outcome, RunHeader, Trial
from tpsprofile.sources import Candidate
from tpsprofile.store import ResultsFile
from tpsprofile.sweep import Host, Sweep, begin, check_resumable

_FAILURES = {
    Outcome.NOT_PREPARED,
    Outcome.UNREADABLE,
    Outcome.ENGINE_DIED,
    Outcome.ENGINE_ERROR,
    Outcome.TIMED_OUT,
}


class Session:
    """One sweep with its screen."""

    def __init__(
        self,
        plan: SweepPlan,
        engine: Engine,
        *,
        candidates: list[Candidate],
        file: ResultsFile,
        header: RunHeader,
        prior: Sequence[Trial],
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._candidates = candidates
        self._file = file
        self._header = header
        self._prior = prior
        self._console = Console()

    @classmethod
    def begin(cls, plan: SweepPlan, *, out: Path, tag: str | None, pull: bool) -> Self:
        """A new sweep with a file of its own. Raises ProfileError before anything is written."""
        engine = registry.of_plan(plan)
        candidates = _candidates(plan, engine, pull=pull)
        info = engine.info()
        with Console(stderr=True).status("Looking at this machine…"):
            host = _named(tag) if info.remote else machine.identify(tag=tag)
        now = Conditions() if info.remote else conditions.look()
        file, header = begin(plan, engine, info, host, now, out=out)
        return cls(plan, engine, candidates=candidates, file=file, header=header, prior=())

    @classmethod
    def resume(cls, path: Path, *, models: Sequence[str], budget: float | None, pull: bool) -> Self:
        """Go on with the file at ``path``; the plan is the one it was begun with.

        Raises ResultsError for a file that is not ours, is of another machine, or of another engine.
        """
        header = store.read(path).header
        plan = _plan_of(header, models, budget)
        engine = registry.of_plan(plan)
        same = header.machine if header.engine.remote else machine.identify(bandwidth=False)
        check_resumable(header, engine, engine.info(), same)
        candidates = _candidates(plan, engine, pull=pull)
        run, file = ResultsFile.resume(path)
        return cls(plan, engine, candidates=candidates, file=file, header=run.header, prior=run.trials)

    def run(self, *, keep: bool) -> bool:
        """Measure, and show it. True where a model failed that ought to have run.

        Ctrl-C ends the program with status 130 after saying how to go on.
        """
        say = self._say
        say(screen.heading(self._header, self._plan))
        display = screen.screen(self._console, self._plan, self._candidates, self._prior)
        host = _host(self._header.machine, self._header.engine)
        folder = cache.folder()
        # An orderly end is as good as Ctrl-C: the engine ends, its file goes, what is measured stays.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with self._file, display.drawing():
                with suppress(ProfileError):  # the model's row will say why
                    sources.fetch(self._candidates, cache=folder, progress=display.preparing)
                sweep = Sweep(self._plan, self._engine, host=host, cache=folder, keep=keep, listen=display)
                display.watch_budget(sweep.deadline)
                sweep.run(self._candidates, self._file, self._prior)
        except KeyboardInterrupt:
            self._interrupted(display)
        except ProfileError:
            self._show(display)
            raise
        self._show(display)
        say(f"results  {_shown(self._file.path)}")
        rows = [row for rows in display.rows.values() for row in rows]
        if not any(row.outcome is Outcome.OK for row in rows):
            say("No model could be measured; the reasons are above.")
            return True
        return any(row.outcome in _FAILURES for row in rows)

    def draw(self, out: Path) -> None:
        """The chart of everything in ``out``, this run included, beside this run's file."""
        from tpsprofile.render import charts

        files = store.find([*filter(Path.exists, [out]), self._file.path])
        chart = charts.draw_files(files, self._file.path.with_suffix(".png"), line_tok_s=self._plan.line)
        self._say(f"chart    {_shown(chart)}")

    def _show(self, display: screen.Screen) -> None:
        self._console.print()
        self._console.print(display.table())
        for remark in screen.remarks(display.lines):
            self._console.print(remark, style="dim", highlight=False, markup=False)
        self._say("")

    def _interrupted(self, display: screen.Screen) -> None:
        self._show(display)
        kept = sum(len(rows) for rows in display.rows.values())
        files = [one.path for one in self._candidates if one.origin == sources.FILE and one.path]
        command = ["tpsprofile", "sweep", "--resume", _shown(self._file.path)]
        command += [word for path in files for word in ("--model", path)]
        self._say(f"Stopped. {kept} row{'s' * (kept != 1)} are kept. Go on with:\n  {shlex.join(command)}")
        raise SystemExit(130)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _candidates(plan: SweepPlan, engine: Engine, *, pull: bool) -> list[Candidate]:
    """The plan's models. Raises the reason where not one of them can run."""
    found = sources.candidates(plan.models, engine, context_tokens=plan.context_tokens, cache=cache.folder())
    if pull and engine.can.pulls_models:
        usable = _usable_bytes(engine.info())
        found = [_pulled(candidate, plan, engine, usable) for candidate in found]
    problems = [candidate.problem for candidate in found if candidate.problem is not None]
    if len(problems) == len(found):
        outcome, reason = problems[0]
        raise ModelUnreadableError(reason) if outcome is Outcome.UNREADABLE else EngineError(reason)
    return found


def _host(machine: Machine, engine: EngineInfo) -> Host:
    """What can be asked of the machine while the engine works; nothing, where that is another computer."""
    host = Host(machine=machine, engine=engine, usable_bytes=lambda: _usable_bytes(engine))
    if engine.remote or engine.simulated:
        return host
    return msgspec.structs.replace(host, look=conditions.look, read=activity.read)


def _usable_bytes(engine: EngineInfo) -> int | None:
    """Memory that a model may take; unknown on another computer."""
    return None if engine.remote else fit.usable_bytes(gpu_used=engine.may_use_gpu)


def _pulled(candidate: Candidate, plan: SweepPlan, engine: Engine, usable: int | None) -> Candidate:
    """The candidate after the engine downloaded what was missing of it, unless it could not run here anyway."""
    if candidate.problem is None or candidate.problem[0] is not Outcome.NOT_INSTALLED:
        return candidate
    if candidate.need is not None and not memory.fits(candidate.need, usable):
        return candidate
    name = candidate.facts.name
    with click.progressbar(length=1, label=f"pulling {name}", show_pos=False) as bar:

        def progress(done: int, total: int | None) -> None:
            if total:
                bar.length = total
                bar.update(done - bar.pos)

        try:
            engine.pull(name, progress)
        except ProfileError as error:
            problem = (Outcome.NOT_PREPARED, str(error))
            return msgspec.structs.replace(candidate, problem=problem)
    return sources.candidates([name], engine, context_tokens=plan.context_tokens, cache=cache.folder())[0]


def _named(tag: str | None) -> Machine:
    """Another computer, of which nothing is known but what the user calls it."""
    if tag is None:
        raise UsageError(
            "The engine runs on another computer, whose chip and memory cannot be seen from here.",
            'Name that computer: --tag "Mac Studio 64GB".',
        )
    return named(tag)


def _plan_of(header: RunHeader, models: Sequence[str], budget: float | None) -> SweepPlan:
    try:
        plan = msgspec.convert(header.settings, SweepPlan)
    except msgspec.ValidationError:
        raise UsageError("The file does not hold the plan it was made with.", "It cannot be resumed.") from None
    given = {PurePath(path).name: path for path in models}
    strangers = given.keys() - set(plan.models)
    if strangers:
        raise UsageError(f"{', '.join(sorted(strangers))} is not in the file's plan.", "Begin a new sweep for it.")
    found = tuple(given.get(name, name) for name in plan.models)
    lost = [name for name in found if name.lower().endswith(".gguf") and not Path(name).exists()]
    if lost:
        raise UsageError(f"{', '.join(lost)}: not in this folder.", "Say where: --model FOLDER/FILE.gguf.")
    return plans.override(
        plan,
        models=found,
        budget=budget,
    )


def _shown(path: Path) -> str:
    """The path as the user would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
