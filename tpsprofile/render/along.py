"""Pictures of models against themselves: along depth, prompt length or time, a curve a model and machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tpsprofile import units
from tpsprofile.analysis.courses import DEPTH, FEWEST_SAMPLES, PROMPT, courses, lasting
from tpsprofile.analysis.summary import Point, Series, Summary
from tpsprofile.errors import ResultsError
from tpsprofile.render import changes, words
from tpsprofile.render.changes import Change
from tpsprofile.render.marks import mark
from tpsprofile.render.metrics import DECODE, TIME, Metric
from tpsprofile.render.names import additions, marks, names, plain, sign, signed
from tpsprofile.render.picture import Axis, Level, Mark, Picture, Trace

_CAPTIONS = {
    DEPTH: "tokens in the context before the prompt",
    PROMPT: "tokens in the prompt",
    TIME: "minutes since the first trial",
}
_WHAT_FOR = {
    DEPTH: ("no model was measured at two depths.", "Measure with: tpsprofile sweep --depth 0,4096."),
    PROMPT: (
        "no model was measured with prompts of two lengths.",
        "Measure with: tpsprofile sweep --prompt-tokens 128,512,2048.",
    ),
    TIME: (
        f"no model was kept at work for a minute and {FEWEST_SAMPLES} trials.",
        "Measure with: tpsprofile sweep --sustain 10m.",
    ),
}
_STEPS_MIN = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1440.0)
_MOST_STEPS = 8
_FACTOR = 0.30
"""Decades that the vertical axis spans at least: a factor of 2, so that a few per cent can be seen."""
_NEAR = 1.5
"""The line is drawn where it is no farther than this factor from the curves."""


class Strand(NamedTuple):
    """One curve before it has a look: a model in a series, and its points."""

    series: Series
    model: str
    kind: tuple[str | None, bool]
    """Quantisation, and whether weights are synthetic."""
    points: tuple[Point, ...]
    marks: tuple[Mark, ...]
    change: Change


def along(summary: Summary, metric: Metric, line_tok_s: float) -> Picture:
    """The picture of a metric that is not drawn against parameters.

    Raises ResultsError where there is no curve, and says how to measure one.
    """
    found = _in_time(summary) if metric.against == TIME else _courses(summary, metric)
    if not found:
        why, what = _WHAT_FOR[metric.against]
        reason = why if summary.points else words.why_nothing(summary, metric.caption)
        raise ResultsError(f"There is nothing to draw: {reason}", what)
    families = list(dict.fromkeys(strand.series for strand in found))
    labels = _labels(found)
    rate = metric.figures[0][0] == DECODE
    near = rate and _is_near(line_tok_s, found)
    simulated = any(series.simulated for series in families)
    return Picture(
        title=metric.title + (" (simulated)" if simulated else ""),
        answer=_answer(found, labels, families, rate=rate),
        x=_axis(metric, found),
        y=Axis(caption=metric.caption, ticks=metric.ticks, least=_FACTOR),
        traces=_traces(found, labels, families, dense=metric.against == TIME),
        walls=(),
        levels=(Level(y=line_tok_s, text=words.line(line_tok_s), tone=None),) if near else (),
        zone="too slow to use" if near else None,
        foot=_foot([point for strand in found for point in strand.points], metric),
        simulated=simulated,
    )


def _is_near(line_tok_s: float, found: Sequence[Strand]) -> bool:
    values = [one.y for strand in found for one in strand.marks]
    return min(values) / _NEAR <= line_tok_s <= max(values) * _NEAR


def _answer(
    found: Sequence[Strand], labels: Sequence[str], families: Sequence[Series], *, rate: bool
) -> tuple[str, ...]:
    called = signed(names(families))
    entries = [
        (f"{label} on {called[strand.series]}", strand.change) for strand, label in zip(found, labels, strict=True)
    ]
    return changes.told(entries, units.rate if rate else units.seconds, " tok/s" if rate else "")


def _foot(drawn: Sequence[Point], metric: Metric) -> tuple[str, ...]:
    """As for other charts; in time each trial is a point."""
    called = signed(names(list(dict.fromkeys(point.series for point in drawn))))
    sources = words.sources(drawn, called, marks(list(called)))
    if metric.against == TIME:
        said = [" ".join(filter(None, ["Points: single trials.", words.hollow(drawn)]))]
    else:
        rate = metric.figures[0][0] == DECODE
        read = "" if rate or metric.against != DEPTH else words.read_anew(drawn)
        said = [words.signs(drawn, interval=rate), words.letters(drawn) if rate else "", read]
    return (*sources, *filter(None, said))


def _courses(summary: Summary, metric: Metric) -> list[Strand]:
    field = metric.figures[0][0]
    first, last = ("at depth {:,}", "at {:,}") if metric.against == DEPTH else ("for {:,} tokens", "for {:,}")
    return [
        Strand(
            series=one.series,
            model=one.model,
            kind=(one.quantisation, one.synthetic),
            points=one.points,
            marks=tuple(mark(float(one.place(point)), point, field, joined=True) for point in one.points),
            change=Change(
                getattr(one.points[0], field).median,
                first.format(one.place(one.points[0])),
                getattr(one.points[-1], field).median,
                last.format(one.place(one.points[-1])),
            ),
        )
        for one in courses(summary, field, metric.against)
    ]


def _in_time(summary: Summary) -> list[Strand]:
    """A mark a trial, at its minute."""
    return [
        Strand(
            series=point.series,
            model=point.model,
            kind=(point.quantisation, point.synthetic),
            points=(point,),
            marks=tuple(
                Mark(
                    x=sample.after_s / 60,
                    y=sample.tok_s,
                    low=sample.tok_s,
                    high=sample.tok_s,
                    hollow=point.synthetic,
                    joined=True,
                )
                for sample in sorted(point.samples, key=lambda sample: sample.after_s or 0.0)
                if sample.after_s is not None
            ),
            change=changes.in_time(point),
        )
        for point in lasting(summary)
    ]


def _labels(found: Sequence[Strand]) -> list[str]:
    """What each strand's model is called: with its weights where the name alone does not tell."""
    labels = []
    for strand in found:
        kinds = {other.kind for other in found if other.model == strand.model}
        quantisation = strand.kind[0] if len({one for one, _ in kinds}) > 1 else None
        origin = "synthetic" if strand.kind[1] else "real"
        parts = [strand.model, quantisation, origin if len({one for _, one in kinds}) > 1 else None]
        labels.append(plain(" ".join(filter(None, parts))))
    return labels


def _traces(
    found: Sequence[Strand], labels: Sequence[str], families: Sequence[Series], *, dense: bool
) -> tuple[Trace, ...]:
    """A machine has a colour and each of its curves a pattern; a machine alone has a colour a model."""
    machines = list(dict.fromkeys(series.machine_id for series in families))
    models = list(dict.fromkeys(labels))
    signs = marks(families)
    traces: list[Trace] = []
    for strand, label in zip(found, labels, strict=True):
        alone = len(machines) == 1
        tone = models.index(label) if alone else machines.index(strand.series.machine_id)
        parts = [label] if alone or len(models) > 1 else []
        parts += [] if alone else [plain(strand.series.machine)]
        name = " · ".join([*parts, *additions(strand.series, families)]) + sign(strand.series, signs)
        pattern = sum(trace.tone == tone for trace in traces)
        traces.append(Trace(name=name, tone=tone, pattern=pattern, marks=strand.marks, dense=dense))
    return tuple(traces)


def _axis(metric: Metric, found: Sequence[Strand]) -> Axis:
    """Depth and time begin at 0; prompts have no such beginning."""
    places = sorted({one.x for strand in found for one in strand.marks})
    ticks = _minutes(places[-1]) if metric.against == TIME else tuple((x, f"{x:,.0f}") for x in places)
    return Axis(caption=_CAPTIONS[metric.against], ticks=(ticks,), linear=metric.against != PROMPT, least=_FACTOR)


def _minutes(last: float) -> tuple[tuple[float, str], ...]:
    step = next((step for step in _STEPS_MIN if last / step <= _MOST_STEPS), _STEPS_MIN[-1])
    return tuple((n * step, f"{n * step:g}") for n in range(int(last / step) + 1))
