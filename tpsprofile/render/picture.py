"""What a chart shows, as plain data: everything but where it goes on the paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from tpsprofile import units
from tpsprofile.analysis.summary import Point, Series, Spread, Summary
from tpsprofile.analysis.usable import curve, usable, wall
from tpsprofile.errors import ResultsError, UsageError, did_you_mean
from tpsprofile.records import Record
from tpsprofile.render import words
from tpsprofile.render.names import marks, names, plain, source


class Metric(NamedTuple):
    """One kind of chart."""

    title: str
    caption: str
    """What the vertical axis counts, with its unit."""
    figures: tuple[tuple[str, str], ...]
    """Fields of a point, each with what it adds to the name of a curve."""
    ticks: Mapping[float, str]
    """Values that the vertical axis may name."""
    foot: tuple[str, ...] = ()
    """What the foot says of it first."""


_DECADES = range(-3, 5)
_RATES = {step * 10.0**decade: f"{step * 10.0**decade:,g}" for decade in _DECADES for step in (1, 2, 5)}
_SECONDS = {
    step * 10.0**decade: words.short_seconds(step * 10.0**decade) for decade in _DECADES for step in (1, 2, 5)
}
_GIBS = {2.0**power * units.GIB: words.short_memory(2.0**power) for power in range(-6, 13)}

METRICS: Mapping[str, Metric] = {
    "tokens": Metric(
        "How large a model stays usable?", "tokens per second while generating", (("decode", ""),), _RATES
    ),
    "load": Metric(
        "How long does a model take to load?",
        "until the model can answer",
        (("load_first", "first load"), ("load_later", "later loads")),
        _SECONDS,
        ("Solid: the first load of a run. Dashed: later loads, which the system's file cache helps.",),
    ),
    "ttft": Metric("How long until the first word?", "until the first token", (("ttft", ""),), _SECONDS),
    "memory": Metric(
        "How much memory does a model take?",
        "peak memory, GiB",
        (("rss", "resident"), ("available_fall", "fall in available")),
        _GIBS,
        (
            "Solid: resident set of the engine's processes; of a mapped file it counts what was touched. "
            "Dashed: how far the system's available memory fell.",
        ),
    ),
}
"""Name of a metric -> its chart."""


class Mark(Record, frozen=True, kw_only=True):
    """One point of a curve."""

    x: float
    """Parameters."""
    y: float
    """Median over the trials, in the unit of the chart."""
    low: float
    high: float
    hollow: bool
    """Synthetic weights."""
    joined: bool
    """Lies on the line of its curve."""


class Trace(Record, frozen=True, kw_only=True):
    """One curve."""

    name: str
    """Empty where another curve of the same series bears it."""
    machine: int
    """Counts machines from 0; gives colour and marker."""
    pattern: int
    """Line pattern: counts the figures of a chart with several, else the curves of one machine, from 0."""
    marks: tuple[Mark, ...]
    """By size."""


class Wall(Record, frozen=True, kw_only=True):
    """From here on models do not fit in a machine's memory."""

    x: float
    """Parameters of the smallest model that does not fit."""
    text: str
    machine: int


class Level(Record, frozen=True, kw_only=True):
    """A horizontal line with a name."""

    y: float
    text: str
    machine: int | None
    """None where it belongs to no machine."""


class Picture(Record, frozen=True, kw_only=True):
    """A whole chart."""

    title: str
    answer: tuple[str, ...]
    caption: str
    ticks: tuple[tuple[float, str], ...]
    traces: tuple[Trace, ...]
    walls: tuple[Wall, ...]
    levels: tuple[Level, ...]
    zone: str | None
    """Name of what lies under the first level, None without such a zone."""
    foot: tuple[str, ...]
    simulated: bool
    """Some figures are invented."""


def compose(summary: Summary, metric: str = "tokens", line_tok_s: float = 10.0) -> Picture:
    """The chart of one metric.

    Raises UsageError for an unknown metric, ResultsError where no point has a figure for it.
    """
    if metric not in METRICS:
        raise UsageError(f"There is no metric {metric!r}.", did_you_mean(metric, METRICS))
    chosen = METRICS[metric]
    called = _names(summary)
    machines = {one: place for place, one in enumerate(dict.fromkeys(s.machine_id for s in summary.series))}
    traces = _traces(summary, chosen, called, machines)
    if not traces:
        raise ResultsError(f"There is nothing to draw: {words.why_nothing(summary, chosen.caption)}", words.NEXT)
    drawn = [point for point in summary.points if _has(point, chosen)]
    shown = list(dict.fromkeys(point.series for point in drawn))
    tokens = metric == "tokens"
    answer = (
        words.usable_sizes(usable(summary, line_tok_s), called)
        if tokens
        else words.extremes(summary, chosen.figures, called, units.memory if metric == "memory" else units.seconds)
    )
    simulated = any(series.simulated for series in shown)
    usable_means = (
        (f"Usable: at least {words.line(line_tok_s)}, by the sizes that were measured.",) if tokens else ()
    )
    levels = (Level(y=line_tok_s, text=words.line(line_tok_s), machine=None),) if tokens else ()
    return Picture(
        title=chosen.title + (" (simulated)" if simulated else ""),
        answer=answer,
        caption=chosen.caption,
        ticks=tuple(chosen.ticks.items()),
        traces=traces,
        walls=_walls(summary, called, machines, named={trace.machine for trace in traces}) if tokens else (),
        levels=_memories(shown, machines) if metric == "memory" else levels,
        zone="too slow to use" if tokens else None,
        foot=(*chosen.foot, *usable_means, *words.foot(summary, drawn, called, marks(shown))),
        simulated=simulated,
    )


def _names(summary: Summary) -> Mapping[Series, str]:
    signs = marks(summary.series)
    called = names(summary.series)
    return {one: name + _sign(one, signs) for one, name in called.items()}


def _sign(series: Series, signs: Mapping[str, str]) -> str:
    return "" if series.provenance == "measured" else f" {signs[source(series)]}"


def _has(point: Point, metric: Metric) -> bool:
    return bool(point.parameters) and any(getattr(point, field) is not None for field, _ in metric.figures)


def _traces(
    summary: Summary, metric: Metric, called: Mapping[Series, str], machines: Mapping[str, int]
) -> tuple[Trace, ...]:
    found: list[Trace] = []
    lone = len({point.series for point in summary.points if _has(point, metric)}) == 1
    several = len(metric.figures) > 1
    for series in summary.series:
        machine = machines[series.machine_id]
        named = False
        for order, (field, addition) in enumerate(metric.figures):
            drawn = _marks(summary, series, field)
            if drawn:
                name = ", ".join(filter(None, [called[series], addition])) if lone else called[series]
                pattern = order if several else sum(trace.machine == machine for trace in found)
                found.append(
                    Trace(name=name if lone or not named else "", machine=machine, pattern=pattern, marks=drawn)
                )
                named = True
    return tuple(found)


def _marks(summary: Summary, series: Series, field: str) -> tuple[Mark, ...]:
    on_curve = set(curve(summary, series, field))
    found = []
    for point in summary.points:
        figure: Spread | None = getattr(point, field)
        if point.series == series and point.parameters and figure is not None:
            found.append(
                Mark(
                    x=float(point.parameters),
                    y=figure.median,
                    low=figure.low,
                    high=figure.high,
                    hollow=point.synthetic,
                    joined=point in on_curve,
                )
            )
    return tuple(sorted(found, key=lambda mark: (mark.x, -mark.y)))


def _walls(
    summary: Summary, called: Mapping[Series, str], machines: Mapping[str, int], named: set[int]
) -> tuple[Wall, ...]:
    """One wall a machine, at its smallest model that does not fit.

    It is named by its memory, and by its machine too where no curve says which machine has that memory.
    """
    first: dict[str, tuple[float, Series]] = {}
    for series in summary.series:
        entry = wall(summary, series)
        if entry is not None and entry.parameters:
            known = first.get(series.machine_id)
            if known is None or entry.parameters < known[0]:
                first[series.machine_id] = (float(entry.parameters), series)
    rams = Counter(units.nominal_ram(series.ram_bytes) for _, series in first.values())
    chips = Counter(series.chip for _, series in first.values())
    walls = []
    for machine, (size, series) in first.items():
        ram = units.nominal_ram(series.ram_bytes)
        text = "does not fit" if series.ram_bytes is None else f"does not fit in {ram}"
        if rams[ram] > 1 or ram not in called[series] or machines[machine] not in named:
            who = series.chip if series.chip and chips[series.chip] == 1 else called[series]
            text += f" ({plain(who)})"
        walls.append(Wall(x=size, text=text, machine=machines[machine]))
    return tuple(sorted(walls, key=lambda one: (one.x, one.text)))


def _memories(series: list[Series], machines: Mapping[str, int]) -> tuple[Level, ...]:
    """The memory of each machine; machines with equal memory share a line."""
    sizes: dict[str, dict[int, int]] = {}
    for one in series:
        if one.ram_bytes:
            sizes.setdefault(units.nominal_ram(one.ram_bytes), {})[machines[one.machine_id]] = one.ram_bytes
    levels = (
        Level(y=float(max(who.values())), text=f"{ram} of RAM", machine=next(iter(who)) if len(who) == 1 else None)
        for ram, who in sizes.items()
    )
    return tuple(sorted(levels, key=lambda level: level.y))
