"""The same models through several engines, as a picture: a line a figure, a group a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpsprofile import units
from tpsprofile.analysis.engines import Against, Beside, Engine, Through, against, beside
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.errors import ResultsError
from tpsprofile.render import words
from tpsprofile.render.compared import times
from tpsprofile.render.marks import mark
from tpsprofile.render.metrics import DECODE, METRICS
from tpsprofile.render.names import listed, marks, names, options_apart, plain
from tpsprofile.render.picture import Axis, DotRow, Dots

_NEXT = "Measure a model through two: tpsprofile sweep --engine ollama --engine llama-server --model FILE.gguf."


def dots(summary: Summary) -> Dots:
    """The picture. Raises ResultsError where no machine ran a model through two engines."""
    rows = beside(summary)
    if not rows:
        raise ResultsError("There is nothing to draw: no machine ran a model through two engines.", _NEXT)
    called = _called(rows)
    engines = list(called)
    machines = list(dict.fromkeys(row.machine for row in rows))
    points = [one.point for row in rows for one in row.through]
    simulated = any(point.series.simulated for point in points)
    return Dots(
        title="Which engine is fastest here?" + (" (simulated)" if simulated else ""),
        answer=_answer(against(rows), called, several=len(machines) > 1),
        x=Axis(caption=METRICS["tokens"].caption, ticks=METRICS["tokens"].ticks),
        rows=tuple(
            _row(row, one, engines.index(one.engine), called[one.engine], several=len(machines) > 1)
            for row in rows
            for one in row.through
        ),
        foot=_foot(rows, points, called),
        simulated=simulated,
    )


def _called(rows: Sequence[Beside]) -> Mapping[Engine, str]:
    """Engine -> its name, with its version and options where there is another of that name."""
    every = list(dict.fromkeys(one.engine for row in rows for one in row.through))
    found = {}
    for engine in every:
        twins = [other for other in every if other.name == engine.name]
        parts = [engine.name]
        if len({other.version for other in twins}) > 1:
            parts.append(engine.version or "of unknown version")
        apart = options_apart(engine.options, [other.options for other in twins])
        found[engine] = plain(", ".join([" ".join(parts), *apart]))
    return found


def _answer(found: tuple[Against, ...], called: Mapping[Engine, str], *, several: bool) -> tuple[str, ...]:
    """``ollama runs at 0.93× [0.91 0.95] the speed of llama.cpp, over 5 models``."""
    told = []
    for one in found:
        over = f"over {one.models} models" if one.models > 1 else "with one model"
        where = f" on {plain(one.machine)}" if several else ""
        mine, other = called[one.engine], called[one.reference]
        if one.is_known:
            told.append(f"{mine} runs at {times(one.ratio)} the speed of {other}{where}, {over}")
        else:
            told.append(f"{mine} and {other} cannot be told apart{where}: {times(one.ratio)}, {over}")
    return ("; ".join(told) + ".",) if told else ("No two figures to be trusted differ in the engine alone.",)


def _row(row: Beside, one: Through, tone: int, name: str, *, several: bool) -> DotRow:
    point = one.point
    at = mark(float(point.parameters or 1), point, DECODE, joined=True)
    group = [plain(row.model), units.parameters(row.parameters) if row.parameters else ""]
    text = [units.rate(at.y)]
    if one.ratio is not None:
        text.append(times(one.ratio))
    if one.unlike:
        text.append(f"unlike: {', '.join(one.unlike)}")
    return DotRow(
        group=" · ".join(filter(None, [*group, plain(row.machine) if several else ""])),
        name=name,
        tone=tone,
        x=at.y,
        low=at.low,
        high=at.high,
        hollow=at.hollow,
        text="   ".join(text + ([at.letter] if at.letter else [])),
    )


def _foot(rows: Sequence[Beside], points: Sequence[Point], called: Mapping[Engine, str]) -> tuple[str, ...]:
    shown = list(dict.fromkeys(point.series for point in points))
    references = list(dict.fromkeys(called[row.through[0].engine] for row in rows))
    said = [f"Ratios: against {listed(references)}, with their 95% intervals."]
    if any(one.unlike for row in rows for one in row.through):
        said.append("Unlike: more than the engine differs, so the ratio is not that of the engines.")
    return (
        " ".join(said),
        *words.sources(points, names(shown), marks(shown)),
        words.signs(points, interval=True),
        *filter(None, [words.letters(points)]),
    )
