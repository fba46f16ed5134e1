"""The same models through several engines, as a picture: a line a figure, a group a model."""

from __future__ import annotations

from tpsprofile import units
from tpsprofile.analysis.engines import Against, Beside, Through, against, beside
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.errors import ResultsError
from tpsprofile.render import words
from tpsprofile.render.compared import times
from tpsprofile.render.marks import mark
from tpsprofile.render.metrics import DECODE, METRICS
from tpsprofile.render.names import listed, marks, names, plain
from tpsprofile.render.picture import Axis, DotRow, Dots

_NEXT = "Measure a model through two: tpsprofile sweep --engine ollama --engine llama-server --model FILE.gguf."


def dots(summary: Summary) -> Dots:
    """The picture. Raises ResultsError where no machine ran a model through two engines."""
    rows = beside(summary)
    if not rows:
        raise ResultsError("There is nothing to draw: no machine ran a model through two engines.", _NEXT)
    engines = list(dict.fromkeys(one.engine for row in rows for one in row.through))
    machines = list(dict.fromkeys(row.machine for row in rows))
    points = [one.point for row in rows for one in row.through]
    simulated = any(point.series.simulated for point in points)
    return Dots(
        title="Which engine is fastest here?" + (" (simulated)" if simulated else ""),
        answer=_answer(against(rows), several=len(machines) > 1),
        x=Axis(caption=METRICS["tokens"].caption, ticks=METRICS["tokens"].ticks),
        rows=tuple(
            _row(row, one, engines.index(one.engine), several=len(machines) > 1)
            for row in rows
            for one in row.through
        ),
        foot=_foot(rows, points),
        simulated=simulated,
    )


def _answer(found: tuple[Against, ...], *, several: bool) -> tuple[str, ...]:
    """``ollama runs at 0.93× the speed of llama.cpp [0.91 0.95] over 5 models``."""
    told = []
    for one in found:
        over = f"over {one.models} models" if one.models > 1 else "with one model"
        where = f" on {plain(one.machine)}" if several else ""
        speed = f"{plain(one.engine)} runs at {times(one.ratio)} the speed of {plain(one.reference)}{where}"
        told.append(f"{speed}, {over}")
    return ("; ".join(told) + ".",) if told else ("No two figures differ in the engine alone.",)


def _row(row: Beside, one: Through, tone: int, *, several: bool) -> DotRow:
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
        name=" ".join(filter(None, [plain(one.engine), plain(point.engine_version or "", 24)])),
        tone=tone,
        x=at.y,
        low=at.low,
        high=at.high,
        hollow=at.hollow,
        text="   ".join(text + ([at.letter] if at.letter else [])),
    )


def _foot(rows: tuple[Beside, ...], points: list[Point]) -> tuple[str, ...]:
    shown = list(dict.fromkeys(point.series for point in points))
    references = list(dict.fromkeys(plain(row.through[0].engine) for row in rows))
    said = [f"Ratios: against {listed(references)}, with their 95% intervals."]
    if any(one.unlike for row in rows for one in row.through):
        said.append("Unlike: more than the engine differs, so the ratio is not that of the engines.")
    return (
        " ".join(said),
        *words.sources(points, names(shown), marks(shown)),
        words.signs(points, interval=True),
        *filter(None, [words.letters(points)]),
    )
