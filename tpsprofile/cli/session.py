"""A sweep from the command line: put the parts together, show them, say what comes next."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
from rich.console import Console

from tpsprofile import machine, sources, store
from tpsprofile.cli import screen
from tpsprofile.cli.prepared import Prepared, is_elsewhere, prepare, server_hash, usable_bytes
from tpsprofile.cli.resumed import plan_of
from tpsprofile.deadline import Deadline
from tpsprofile.engines import registry
from tpsprofile.errors import ProfileError
from tpsprofile.machine import activity, conditions
from tpsprofile.models import cache
from tpsprofile.records import Conditions, EngineInfo, Machine, Outcome, RunHeader, Trial
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

    def __init__(self, one: Prepared, *, file: ResultsFile, header: RunHeader, prior: Sequence[Trial]) -> None:
        self._plan = one.plan
        self._engine = one.engine
        self._candidates = one.candidates
        self._file = file
        self._header = header
        self._prior = prior
        self._console = Console()
        self._deadline: Deadline | None = None
        self._outcomes: set[Outcome] = set()

    @classmethod
    def begin(cls, one: Prepared, *, machine: Machine, out: Path) -> Self:
        """A new sweep with a file of its own. Raises ResultsError where it cannot be written."""
        now = Conditions() if is_elsewhere(one.info) else conditions.look()
        server = server_hash(one.plan, one.engine, one.info)
        file, header = begin(one.plan, one.engine, one.info, machine, now, out=out, server=server)
        return cls(one, file=file, header=header, prior=())

    @classmethod
    def resume(
        cls,
        path: Path,
        *,
        models: Sequence[str] = (),
        budget: float | None = None,
        server: str | None = None,
        key_env: str | None = None,
        pull: bool = False,
    ) -> Self:
        """Go on with the file at ``path``; the plan is the one it was begun with.

        What results do not tell has to be said again: the ``server``, and folders of ``models`` that are files.
        Raises ResultsError for a file that is not ours, is of another machine, or of another engine.
        """
        header = store.read(path).header
        plan = plan_of(header, models=models, budget=budget, server=server, key_env=key_env)
        engine = registry.of_plan(plan)
        info = engine.info()
        same = header.machine if is_elsewhere(header.engine) else machine.identify(bandwidth=False)
        check_resumable(header, engine, info, same, server_hash(plan, engine, info))
        one = prepare(plan, pull=pull)
        if one.obstacle is not None:
            raise one.obstacle
        run, file = ResultsFile.resume(path)
        return cls(one, file=file, header=run.header, prior=run.trials)

    @property
    def spent_s(self) -> float:
        """Seconds of its budget that are used up; 0.0 without one."""
        left = self._deadline.left() if self._deadline else None
        return 0.0 if left is None or self._plan.budget is None else self._plan.budget - left

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
                self._deadline = sweep.deadline
                display.watch_budget(sweep.deadline)
                sweep.run(self._candidates, self._file, self._prior)
        except KeyboardInterrupt:
            self._interrupted(display)
        except ProfileError:
            self._show(display)
            raise
        self._show(display)
        say(f"results  {_shown(self._file.path)}")
        self._outcomes = {row.outcome for rows in display.rows.values() for row in rows}
        if Outcome.OK not in self._outcomes:
            say("No model could be measured; the reasons are above.")
            return True
        return bool(self._outcomes & _FAILURES)

    @property
    def has_none(self) -> bool:
        """The engine had not one of the models, or none that it could run."""
        return self._outcomes <= {Outcome.NOT_INSTALLED, Outcome.REFUSED}

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
        command += [] if self._plan.server is None else ["--server", self._plan.server]
        self._say(f"Stopped. {kept} row{'s' * (kept != 1)} are kept. Go on with:\n  {shlex.join(command)}")
        raise SystemExit(130)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _host(machine: Machine, engine: EngineInfo) -> Host:
    """What can be asked of the machine while the engine works; nothing, where that is another computer."""
    host = Host(machine=machine, engine=engine, usable_bytes=lambda: usable_bytes(engine))
    if is_elsewhere(engine) or engine.simulated:
        return host
    return msgspec.structs.replace(host, look=conditions.look, read=activity.read)


def _shown(path: Path) -> str:
    """The path as the user would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
