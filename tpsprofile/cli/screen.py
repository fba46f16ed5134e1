"""A sweep as the user sees it: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from tpsprofile import sweep, units
from tpsprofile.cli.figures import figures
from tpsprofile.deadline import Deadline
from tpsprofile.plan import SweepPlan
from tpsprofile.records import RunHeader, Trial
from tpsprofile.render.advice import advice
from tpsprofile.render.lines import (
    HEADINGS,
    SYNTHETIC_MARK,
    ModelLine,
    case_lines,
    case_name,
    share,
    weights,
)
from tpsprofile.sources import Candidate

REDRAWS_S = 2
"""Pictures a second: each takes a millisecond from an engine that may need every processor."""
Key = tuple[str, str | None, str | None]
"""``ModelFacts.key``."""


class Screen(sweep.Listener, Protocol):
    """A listener that draws."""

    console: Console

    rows: dict[Key, list[Trial]]
    """Every row so far, by model."""

    @property
    def lines(self) -> list[ModelLine]:
        """A line for each model and workload of which there are rows."""
        ...

    def drawing(self) -> AbstractContextManager[object]:
        """Draw for as long as this is entered."""
        ...

    def watch_budget(self, deadline: Deadline) -> None:
        """Show what is left of the budget from now on."""
        ...

    def table(self) -> Table:
        """What is measured so far."""
        ...


def screen(console: Console, plan: SweepPlan, candidates: Sequence[Candidate], prior: Sequence[Trial]) -> Screen:
    """The screen that suits the console."""
    kind = LiveScreen if console.is_terminal else PlainScreen
    return kind(console, plan, candidates, prior)


def heading(header: RunHeader, plan: SweepPlan) -> str:
    """Two lines above the table: the machine and its engine; the plan and its work."""
    machine, engine = header.machine, header.engine
    facts = [
        machine.label,
        machine.os,
        "SIMULATED, not a measurement" if engine.simulated else f"{engine.name} {engine.version or ''}".strip(),
        "a control, not a machine" if engine.cloud else "",
        {"mains": "mains power", "battery": "on battery"}.get(header.conditions.power_source or ""),
    ]
    budget = "no time limit" if plan.budget is None else f"at most {units.seconds(plan.budget)}"
    work = [
        f"plan {plan.name}: {len(plan.models)} model{'s' * (len(plan.models) != 1)}",
        f"prompt {_numbers(plan.prompt_tokens)}" if plan.prompt_tokens else "fixed prompt",
        f"depth {_numbers(plan.depth)}" if plan.depth != (0,) else "",
        f"{plan.tokens_out} tokens out",
        f"context {plan.context_tokens}",
        f"until ±{100 * plan.precision:g}%" if plan.sustain is None else f"for {units.seconds(plan.sustain)} each",
        budget,
    ]
    return " · ".join(filter(None, facts)) + "\n" + " · ".join(filter(None, work))


def _numbers(tokens: Sequence[int]) -> str:
    return ", ".join(map(str, tokens))


class _Board:
    """What both screens know: the rows so far, and the model in work."""

    def __init__(
        self, console: Console, plan: SweepPlan, candidates: Sequence[Candidate], prior: Sequence[Trial]
    ) -> None:
        self.console = console
        self.plan = plan
        self.rows: dict[Key, list[Trial]] = {}
        for trial in prior:
            self.rows.setdefault(trial.model.key, []).append(trial)
        self.model: Candidate | None = None
        self._several = len(plan.depth) * max(1, len(plan.prompt_tokens)) > 1
        self._lines: dict[Key, tuple[ModelLine, ...]] = {}
        self._unseen = {candidate.facts.key for candidate in candidates}
        self.deadline: Deadline | None = None

    def watch_budget(self, deadline: Deadline) -> None:
        """Show what is left of the budget from now on."""
        self.deadline = deadline

    @property
    def lines(self) -> list[ModelLine]:
        """A line for each model and workload of which there are rows, in the order of measurement."""
        return [line for lines in self._lines.values() for line in lines]

    def model_started(self, candidate: Candidate) -> None:
        """A model is next, or next again."""
        self.model = candidate
        self._unseen.discard(candidate.facts.key)
        self._tell(candidate.facts.key)

    def recorded(self, trial: Trial) -> None:
        """A row is on the disk: it enters the table at once, so that Ctrl-C finds it there."""
        self.rows.setdefault(trial.model.key, []).append(trial)
        self._tell(trial.model.key)

    def model_finished(self, candidate: Candidate) -> None:
        """No more rows of this model will come."""
        self.model = None
        self._tell(candidate.facts.key)

    def table(self) -> Table:
        """What is measured so far."""
        return lines_table(self.lines, self.console.width)

    def _tell(self, key: Key) -> None:
        rows = self.rows.get(key)
        if rows:
            mine = case_lines(rows, self.plan.line, self.plan.precision, several=self._several)
            self._lines = {**self._lines, key: mine}  # a new one, because another thread may be drawing the old

    def left(self) -> str:
        """``3:05 min left``; empty without a budget."""
        left = self.deadline.left() if self.deadline else None
        return "" if left is None else f"{units.seconds(max(0.0, left))} left"


class PlainScreen(_Board):
    """A line a trial, and the table at the end."""

    _waited = False

    def drawing(self) -> AbstractContextManager[object]:
        """Nothing to draw in between."""
        return nullcontext()

    def preparing(self, what: str, done: int, total: int | None) -> None:
        """Say once what is being prepared."""
        if done == 0:
            self._say(what)

    def loading(self) -> None:
        """Said by the first trial's line."""

    def waiting(self, why: str) -> None:
        """Say once, and not at every look, why nothing is done."""
        if not self._waited:
            self._say(why)
        self._waited = True

    def trial_started(self, number: int, at_least: int, width: float | None) -> None:
        """Said by the trial's line."""
        self._waited = False

    def token(self, count: int, seconds: float) -> None:
        """Not shown."""

    def recorded(self, trial: Trial) -> None:
        """One line a row."""
        super().recorded(trial)
        rate = trial.decode_tok_s
        name = case_name(trial.model, trial.workload, several=self._several)
        if rate is None:
            self._say(f"{name}: {trial.outcome}: {trial.reason}")
        else:
            ttft = units.seconds(trial.ttft_s)
            self._say(f"{name}: trial {trial.number}: {units.rate(rate)} tok/s, TTFT {ttft}")

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


class LiveScreen(_Board):
    """The table, and below it the model in work with a bar and a live rate, redrawn twice a second.

    Drawing takes time from the engine, so the table is laid out only when a row has come or the width has changed.
    """

    def __init__(
        self, console: Console, plan: SweepPlan, candidates: Sequence[Candidate], prior: Sequence[Trial]
    ) -> None:
        super().__init__(console, plan, candidates, prior)
        self._doing = ""
        self._done = 0.0
        self._tokens = 0
        self._tokens_s = 0.0
        self._laid_out: tuple[object, Segments, Sequence[ModelLine]] | None = None

    def drawing(self) -> AbstractContextManager[object]:
        """Redraw until it is left; the table stays out, the caller prints the final one."""
        return Live(
            console=self.console, get_renderable=self._picture, refresh_per_second=REDRAWS_S, transient=True
        )

    def model_started(self, candidate: Candidate) -> None:
        """Begin the live line anew."""
        super().model_started(candidate)
        self._doing, self._done, self._tokens = "", 0.0, 0

    def preparing(self, what: str, done: int, total: int | None) -> None:
        """Show how far the file is."""
        self._doing, self._done = what, done / total if total else 0.0

    def loading(self) -> None:
        """Show that nothing is being measured yet."""
        self._doing, self._done, self._tokens = "loading", 0.0, 0

    def waiting(self, why: str) -> None:
        """Show why nothing is being done."""
        self._doing, self._done, self._tokens = why, 0.0, 0

    def trial_started(self, number: int, at_least: int, width: float | None) -> None:
        """Show which trial this is, and how narrow the interval is by now."""
        so_far = f" of {at_least}" if number <= at_least else "" if width is None else f" · ±{share(width)}"
        self._doing, self._done, self._tokens = f"trial {number}{so_far}", 0.0, 0

    def token(self, count: int, seconds: float) -> None:
        """Keep the numbers; the next redraw shows them."""
        self._tokens, self._tokens_s = count, seconds
        self._done = count / self.plan.tokens_out

    def _picture(self) -> RenderableType:
        done = [self._table()] if any(line.rate for line in self.lines) else []
        return Group("", *done, self._live_line(), "", self._foot())

    def _table(self) -> Segments:
        lines, laid_out = self.lines, self._laid_out
        key = (self.console.width, tuple(map(id, lines)))
        if laid_out is None or laid_out[0] != key:
            table = lines_table(lines, self.console.width)
            self._laid_out = laid_out = key, Segments(list(self.console.render(table))), lines
        return laid_out[1]

    def _live_line(self) -> RenderableType:
        model = self.model  # the sweep may finish it while this draws
        spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(time.monotonic() * REDRAWS_S) % 10]
        if model is None:
            return Text(f"{spinner} {self._doing}" if self._doing else "")
        facts = model.facts
        rate = (self._tokens - 1) / self._tokens_s if self._tokens > 1 and self._tokens_s > 0 else None
        grid = Table.grid(padding=(0, 2))
        speed = Text(f"{units.rate(rate)} tok/s" if rate else "", style="bold")
        bar = ProgressBar(
            total=1.0, completed=min(1.0, self._done), width=max(8, min(24, self.console.width - 60))
        )
        grid.add_row(Text(f"{spinner} {facts.name}"), weights(facts), speed, self._doing, bar)
        return grid

    def _foot(self) -> Text:
        waiting = f"{len(self._unseen)} more" if self._unseen else ""
        return Text(
            "  " + " · ".join(filter(None, [waiting, self.left(), "Ctrl-C keeps what is measured"])), "dim"
        )


def lines_table(lines: Sequence[ModelLine], width: int) -> Table:
    """The measured models as a table that fits ``width`` columns; yellow is below the line."""
    measured = [line for line in lines if line.rate]
    return figures(HEADINGS, measured, width, slow=lambda line: line.below_line)


def remarks(lines: Sequence[ModelLine]) -> list[str]:
    """What stands below the table: why figures are missing or doubtful, and what the mark means."""
    notes = [f"{line.model}: {line.remark}" for line in lines if line.remark]
    notes += advice([(line.model, line.warnings) for line in lines if line.rate])
    if any(SYNTHETIC_MARK in line.weights for line in lines):
        notes.append(f"{SYNTHETIC_MARK} synthetic weights: the speed of the real model, text without meaning")
    return notes
