"""The sentences of charts: the answer under the title, and what the foot must say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tpsprofile import trust, units
from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.analysis.usable import curve, wall
from tpsprofile.records import Outcome
from tpsprofile.render.names import listed, plain, source

NEXT = "Measure this machine with: tpsprofile sweep."
_DOUBTS = {
    trust.Grade.C: "may be off by tens of per cent",
    trust.Grade.D: "not to be used for a decision",
}


def line(tok_s: float) -> str:
    """The line's name: ``10 tok/s``."""
    return f"{tok_s:,g} tok/s"


def short_seconds(value: float) -> str:
    """A duration on an axis: ``20 ms``, ``5 s``, ``2,000 s``."""
    return f"{value * 1000:g} ms" if value < 1 else f"{value:,g} s"


def short_memory(gib: float) -> str:
    """Memory on an axis in GiB: ``1/4``, ``16``."""
    return f"{gib:,g}" if gib >= 1 else f"1/{1 / gib:g}"


def _size(entry: Point | Absent | None) -> float:
    return float(entry.parameters or 0) if entry is not None else 0.0


def extremes(
    summary: Summary,
    figures: Sequence[tuple[str, str]],
    called: Mapping[Series, str],
    show: Callable[[float | None], str],
) -> tuple[str, ...]:
    """For each series the figure of its smallest and of its largest model, by the first kind that it has."""
    lines = []
    for series in summary.series:
        found = next(((field, what) for field, what in figures if curve(summary, series, field)), None)
        if found is None:
            continue
        points = curve(summary, series, found[0])
        ends = [points[0], *points[1:][-1:]]
        told = [f"{_figure(point, found[0], show)} at {units.parameters(point.parameters)}" for point in ends]
        kind = f" ({found[1]})" if found[1] else ""
        lines.append(f"{called[series]}: {' to '.join(told)}{kind}.")
    return tuple(lines)


def _figure(point: Point, field: str, show: Callable[[float | None], str]) -> str:
    return show(getattr(point, field).median)


def sources(drawn: Sequence[Point], called: Mapping[Series, str], signs: Mapping[str, str]) -> tuple[str, ...]:
    """Who reported, what measured, and in which quantisations."""
    lines = [_reported(sign, name, drawn, called) for name, sign in signs.items()]
    return tuple(filter(None, [*lines, _measured(drawn), _quantisations(drawn, called)]))


def _reported(sign: str, name: str, drawn: Sequence[Point], called: Mapping[Series, str]) -> str:
    methods: dict[str, list[str]] = {}
    for series in dict.fromkeys(point.series for point in drawn):
        if series.provenance != "measured" and source(series) == name:
            methods.setdefault(plain(series.method or "method not given", 240), []).append(called[series])
    told = [method if len(methods) == 1 else f"{listed(who)}: {method}" for method, who in methods.items()]
    return f"{sign} As reported: {name} ({'; '.join(told).replace(f' {sign}:', ':')})."


def _measured(drawn: Sequence[Point]) -> str:
    """Engines and versions, and the work where it is the same for all."""
    mine = [point for point in drawn if point.series.provenance == "measured"]
    if not mine:
        return ""
    engines = dict.fromkeys(
        " ".join(filter(None, [point.series.engine, point.engine_version and plain(point.engine_version)]))
        + (" (figures are invented)" if point.series.simulated else "")
        for point in mine
    )
    work = [
        _only("{:,} tokens out", (point.series.tokens_asked for point in mine)),
        _only("context {:,}", (point.series.context_asked for point in mine)),
        _only("prompt {}", (point.series.prompt for point in mine)),
        _only("of {:,} tokens", (point.series.prompt_tokens for point in mine)),
        _only("at depth {:,}", (point.series.depth_tokens or None for point in mine)),
    ]
    return f"Measured by tpsprofile: {', '.join(filter(None, [listed(list(engines)), *work]))}."


def _only(form: str, values: Iterable[object]) -> str:
    found = set(values)
    return form.format(*found) if len(found) == 1 and None not in found else ""


def _quantisations(drawn: Sequence[Point], called: Mapping[Series, str]) -> str:
    sizes: dict[str, list[float]] = {}
    for point in drawn:
        sizes.setdefault(plain(point.quantisation or ""), []).append(float(point.parameters or 0))
    known = {name: found for name, found in sizes.items() if name}
    if not known:
        return "Quantisation not reported."
    if len(sizes) == 1:
        return f"All sizes {next(iter(known))}."
    told = [f"{name} ({_range(found)})" for name, found in known.items()]
    silent = dict.fromkeys(called[point.series] for point in drawn if not point.quantisation)
    told += [f"not reported ({listed(list(silent))})"] if silent else []
    return f"Sizes differ in quantisation: {', '.join(told)}."


def _range(sizes: Sequence[float]) -> str:
    low, high = units.parameters(min(sizes)), units.parameters(max(sizes))
    return low if low == high else f"{low} to {high}"


def signs(drawn: Sequence[Point], *, interval: bool) -> str:
    """What points and bars are; ``interval`` where bars are that of the median."""
    bars = "95% interval of the median" if interval else "lowest to highest trial"
    told = [f"Points: median of the trials. Bars: {bars}, where wider than the point.", hollow(drawn)]
    if not all(point.dense for point in drawn):
        told.append("Not joined by a line: mixtures of experts.")
    return " ".join(filter(None, told))


def hollow(drawn: Sequence[Point]) -> str:
    """What hollow points are, where there are any."""
    return "Hollow: synthetic weights." if any(point.synthetic for point in drawn) else ""


def letters(drawn: Sequence[Point]) -> str:
    """What the letters beside marks mean, and which warnings are behind them."""
    told = []
    for grade, meaning in _DOUBTS.items():
        found = {warning for point in drawn if point.grade is grade for warning in point.warnings}
        behind = [one.value for one in trust.Warning if one in found and trust.RULES[one].grade is grade]
        if behind:
            told.append(f"{grade}, {meaning}: {', '.join(behind)}.")
    return f"Letters say how far to trust a rate. {' '.join(told)} Advice: tpsprofile merge." if told else ""


def read_anew(drawn: Sequence[Point]) -> str:
    """Where the time to the first token holds that for reading the context, which a cache spares others."""
    who = dict.fromkeys(plain(one.series.machine) for one in drawn if trust.Warning.DEPTH_READ in one.warnings)
    return f"On {listed(list(who))} the time to read the context is included." if who else ""


def other_cases(summary: Summary, shown: Summary) -> str:
    """Which depths and prompt lengths were measured besides, and what shows them."""
    left = {point.series for point in summary.points} - {point.series for point in shown.points}
    depths = sorted({one.depth_tokens for one in left if one.depth_tokens})
    prompts = sorted({one.prompt_tokens for one in left if one.prompt_tokens})
    told = []
    if depths:
        told.append(f"at depth {_numbers(depths)} (--metric depth)")
    if prompts:
        told.append(f"with prompts of {_numbers(prompts)} tokens (--metric prompt-ttft)")
    return f"Measured besides: {' and '.join(told)}." if told else ""


def _numbers(tokens: Sequence[int]) -> str:
    return " and ".join(filter(None, ["; ".join(f"{one:,}" for one in tokens[:-1]), f"{tokens[-1]:,}"]))


def missing(summary: Summary, called: Mapping[Series, str]) -> str:
    """Models that were tried, gave no figure, and are no wall."""
    other = [entry for entry in summary.absent if not _behind_wall(summary, entry)]
    other_points = [point for point in summary.points if not point.parameters]
    told = [f"{plain(entry.model)} on {called[entry.series]} ({entry.outcome.value})" for entry in other]
    told += [f"{plain(point.model)} on {called[point.series]} (size unknown)" for point in other_points]
    if not told:
        return ""
    more = len(told) - 3
    rest = f" and {more} more (tpsprofile merge lists them)" if more > 0 else ""
    return f"Without a point: {', '.join(told[:3])}{rest}."


def _behind_wall(summary: Summary, entry: Absent) -> bool:
    first = wall(summary, entry.series)
    return entry.outcome is Outcome.DOES_NOT_FIT and first is not None and _size(entry) >= _size(first)


def why_nothing(summary: Summary, caption: str) -> str:
    """Why there is no point at all."""
    if summary.points:
        return f"no trial of a model of known size says how much it is ({caption})."
    if not summary.absent:
        return "the results hold no trials."
    first = summary.absent[0]
    reason = plain(first.reason or first.outcome.value, 120).rstrip(".")
    return f"no trial ended well. The first, {plain(first.model)}: {reason}."
