"""A summary and a metric become a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tpsprofile import units
from tpsprofile.analysis.courses import plainest
from tpsprofile.analysis.speed import Limit
from tpsprofile.analysis.summary import Point, Series, Spread, Summary
from tpsprofile.analysis.usable import curve, wall
from tpsprofile.errors import ResultsError, UsageError, did_you_mean
from tpsprofile.render import fitted, words
from tpsprofile.render.along import along
from tpsprofile.render.fitted import Fitted
from tpsprofile.render.marks import mark
from tpsprofile.render.metrics import DECODE, METRICS, PARAMETERS, SIZES, Metric
from tpsprofile.render.names import marks, names, plain, signed
from tpsprofile.render.picture import Axis, Cross, Level, Mark, Picture, Trace, Wall

_CONTROLS = "Stars: models of services, as controls; at the right edge where nobody says how large they are."


def compose(summary: Summary, metric: str = "tokens", line_tok_s: float = 10.0) -> Picture:
    """The chart of one metric.

    Raises UsageError for an unknown metric, ResultsError where no point has a figure for it.
    """
    if metric not in METRICS:
        raise UsageError(f"There is no metric {metric!r}.", did_you_mean(metric, METRICS))
    chosen = METRICS[metric]
    if chosen.against != PARAMETERS:
        return along(summary, chosen, line_tok_s)
    plain_cases = plainest(summary)
    others = words.other_cases(summary, plain_cases)
    return _against_size(plain_cases, metric, line_tok_s, others)


def _against_size(summary: Summary, metric: str, line_tok_s: float, others: str) -> Picture:
    """Models against each other by their size; ``others`` says of which cases there is more."""
    chosen = METRICS[metric]
    called = signed(names(summary.series))
    machines = {one: place for place, one in enumerate(dict.fromkeys(s.machine_id for s in summary.series))}
    tokens = metric == "tokens"
    fits = fitted.fitted(summary, Limit.line(line_tok_s)) if tokens else {}
    traces = _traces(summary, chosen, called, machines, fits)
    if not traces:
        raise ResultsError(f"There is nothing to draw: {words.why_nothing(summary, chosen.caption)}", words.NEXT)
    drawn = [point for point in summary.points if _has(point, chosen)]
    shown = list(dict.fromkeys(point.series for point in drawn))
    answer = (
        fitted.answer(fits, called)
        if tokens
        else words.extremes(summary, chosen.figures, called, units.memory if metric == "memory" else units.seconds)
    )
    simulated = any(series.simulated for series in shown)
    usable_means = (f"Usable: at least {words.line(line_tok_s)}.", *fitted.foot(fits, called)) if tokens else ()
    levels = (Level(y=line_tok_s, text=words.line(line_tok_s), tone=None),) if tokens else ()
    stars = _controls(summary, chosen)
    signs = words.signs(drawn, interval=tokens)
    said = [words.letters(drawn) if tokens else "", words.missing(summary, called), others]
    return Picture(
        title=chosen.title + (" (simulated)" if simulated else ""),
        answer=answer,
        x=Axis(caption="parameters", ticks=SIZES),
        y=Axis(caption=chosen.caption, ticks=chosen.ticks),
        traces=traces,
        walls=_walls(summary, called, machines, named={trace.tone for trace in traces}) if tokens else (),
        levels=_memories(shown, machines) if metric == "memory" else (*levels, *stars),
        zone="too slow to use" if tokens else None,
        foot=(
            *chosen.foot,
            *usable_means,
            *words.sources(drawn, called, marks(shown)),
            signs,
            *filter(None, said),
            *([_CONTROLS] if stars else []),
        ),
        simulated=simulated,
        crossings=_crossings(fits, machines, line_tok_s),
    )


def _crossings(fits: Mapping[Series, Fitted], machines: Mapping[str, int], line_tok_s: float) -> tuple[Cross, ...]:
    found = (fitted.cross(one.crossing, machines[series.machine_id], line_tok_s) for series, one in fits.items())
    return tuple(one for one in found if one is not None)


def _has(point: Point, metric: Metric) -> bool:
    return bool(point.parameters) and any(getattr(point, field) is not None for field, _ in metric.figures)


def _traces(
    summary: Summary,
    metric: Metric,
    called: Mapping[Series, str],
    machines: Mapping[str, int],
    fits: Mapping[Series, Fitted],
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
                pattern = order if several else sum(trace.tone == machine for trace in found)
                line, band = fitted.line(fits[series]) if series in fits else ((), ())
                found.append(
                    Trace(
                        name=name if lone or not named else "",
                        tone=machine,
                        pattern=pattern,
                        marks=drawn,
                        line=line,
                        band=band,
                    )
                )
                named = True
    return tuple(found)


def _marks(summary: Summary, series: Series, field: str) -> tuple[Mark, ...]:
    on_curve = set(curve(summary, series, field))
    found = []
    for point in summary.points:
        figure: Spread | None = getattr(point, field)
        if point.series == series and point.parameters and figure is not None:
            found.append(mark(float(point.parameters), point, field, joined=point in on_curve))
    return tuple(sorted(found, key=lambda mark: (mark.x, -mark.y)))


def _controls(summary: Summary, metric: Metric) -> tuple[Level, ...]:
    """One line for each model of a service, on charts of what it is asked for: speed and the first token."""
    field = metric.figures[0][0]
    shows = {DECODE: lambda rate: f"{units.rate(rate)} tok/s", "ttft": units.seconds}.get(field)
    if shows is None:
        return ()
    found = []
    for point in summary.controls:
        figure: Spread | None = getattr(point, field)
        if figure is not None:
            text = f"{plain(point.model)}, {plain(point.series.machine)}: {shows(figure.median)}"
            size = float(point.parameters) if point.parameters else None
            found.append(Level(y=figure.median, text=text, tone=None, control=True, x=size))
    return tuple(sorted(found, key=lambda level: level.y))


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
        walls.append(Wall(x=size, text=text, tone=machines[machine]))
    return tuple(sorted(walls, key=lambda one: (one.x, one.text)))


def _memories(series: list[Series], machines: Mapping[str, int]) -> tuple[Level, ...]:
    """The memory of each machine; machines with equal memory share a line."""
    sizes: dict[str, dict[int, int]] = {}
    for one in series:
        if one.ram_bytes:
            sizes.setdefault(units.nominal_ram(one.ram_bytes), {})[machines[one.machine_id]] = one.ram_bytes
    levels = (
        Level(y=float(max(who.values())), text=f"{ram} of RAM", tone=next(iter(who)) if len(who) == 1 else None)
        for ram, who in sizes.items()
    )
    return tuple(sorted(levels, key=lambda level: level.y))
