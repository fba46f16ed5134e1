"""The fit of a series as what a chart shows of it: a smooth line, its band, where it crosses, and the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tpsprofile import units
from tpsprofile.analysis import speed
from tpsprofile.analysis.speed import Crossing, End, Estimate, Fit, Limit, What
from tpsprofile.analysis.summary import Series, Summary
from tpsprofile.records import Record
from tpsprofile.render.names import listed
from tpsprofile.render.picture import Cross

_STEPS = 48
"""Places along a line, besides the fitted sizes."""
_BEYOND = 1.25
"""Factor by which a line reaches beyond the outermost sizes that it was fitted to, and beyond a crossing."""

_WIDEST = 4.0
"""Upper over lower end of the widest band that is drawn."""
_NO_END = 1e3
"""Factor from a line at which its band ends at the latest: a logarithmic axis has no 0."""

Spots = tuple[tuple[float, float], ...]
Bands = tuple[tuple[float, float, float], ...]


class Fitted(Record, frozen=True, kw_only=True):
    """What the trials of one series say about sizes between the measured ones."""

    fit: Fit | None
    """None for fewer than two sizes."""
    crossing: Crossing


def fitted(summary: Summary, limit: Limit) -> Mapping[Series, Fitted]:
    """For each series that has a model with a figure, in the order of the table.

    Series whose figures no float can be fitted to (1e-300 tok/s) are left out.
    """
    found = {}
    for series in summary.series:
        with suppress(ArithmeticError):
            crossing = speed.crossing(summary, series, limit)
            if crossing is not None:
                found[series] = Fitted(fit=speed.fit(summary, series, limit), crossing=crossing)
    return found


def line(one: Fitted) -> tuple[Spots, Bands]:
    """Places (parameters, figure) along the fit from left to right, and its band (parameters, lowest, highest).

    The figure is tok/s for a limit on the decode rate, and seconds for others.
    """
    if one.fit is None:
        return (), ()
    sizes = [float(point.parameters) for point in one.fit.points if point.parameters]
    end = one.crossing.parameters
    last = max(sizes[-1], end.value if end is not None and one.crossing.end is End.CROSSES else 0.0)
    low, high = sizes[0] / _BEYOND, last * _BEYOND
    steps = [low * (high / low) ** (n / _STEPS) for n in range(_STEPS + 1)]
    rated = one.fit.limit.what is What.DECODE
    times = [(x, one.fit.seconds_at(x)) for x in sorted({*steps, *sizes})]
    good = [(x, time) for x, time in times if _drawable(time.value)]
    spots = tuple((x, 1 / time.value if rated else time.value) for x, time in good)
    return spots, _band(good, rated=rated) if has_band(one.fit) else ()


def _band(times: Sequence[tuple[float, Estimate]], *, rated: bool) -> Bands:
    """The ends of a band, as rates or as times; one that reaches 0 s goes on beyond the axes."""
    found = []
    for x, time in times:
        if time.low is not None and time.high is not None:
            least = max(time.low, time.value / _NO_END)
            found.append((x, 1 / time.high, 1 / least) if rated else (x, least, time.high))
    return tuple(found)


def has_band(fit: Fit) -> bool:
    """Whether the interval of a line is narrow enough to show: at most a factor of 4 amid its sizes."""
    sizes = [float(point.parameters) for point in fit.points if point.parameters]
    middle = fit.seconds_at(math.sqrt(sizes[0] * sizes[-1]))
    return bool(middle.low and middle.high and middle.high <= _WIDEST * middle.low)


def _drawable(rate: float) -> bool:
    return math.isfinite(rate) and rate > 0


def cross(one: Crossing, tone: int, level: float) -> Cross | None:
    """The mark where a curve crosses the level, in the unit of the chart; None where it does not."""
    if one.end is not End.CROSSES or one.parameters is None:
        return None
    at = one.parameters
    low, high = (at.value if end is None else end for end in (at.low, at.high))
    return Cross(x=at.value, y=level, low=low, high=high, tone=tone, text=interval(at))


def interval(at: Estimate) -> str:
    """A parameter count with its interval: ``49B [45B 54B]``, ``49B [45B …]`` without an upper end."""
    if at.high is None:
        return size(at.value) if at.low is None else f"{size(at.value)} [{size(at.low)} …]"
    if at.low is None:
        return size(at.value)
    show = size if size(at.low) != size(at.high) else units.parameters
    return f"{show(at.value)} [{show(at.low)} {show(at.high)}]"


def size(parameters: float) -> str:
    """A parameter count that was not measured, without more digits than it has: ``3.6B``, ``49B``."""
    return f"{parameters / 1e9:,.0f}B" if 9.95e9 <= parameters < math.inf else units.parameters(parameters)


def answer(found: Mapping[Series, Fitted], called: Mapping[Series, str]) -> tuple[str, ...]:
    """Up to which size each series is usable, the largest first, as one sentence; then those that are not."""
    ends = sorted(found.items(), key=lambda item: -_until(item[1].crossing))
    usable = [f"{called[series]} {phrase(one.crossing)}" for series, one in ends if _until(one.crossing)]
    never = [called[series] for series, one in ends if not _until(one.crossing)]
    told = [_sentence(usable)] if usable else []
    return (*told, *([f"No measured size on {listed(never)}."] if never else []))


def _sentence(parts: Sequence[str]) -> str:
    return ("; " if any("," in part for part in parts) else ", ").join(parts) + "."


def _until(one: Crossing) -> float:
    return 0.0 if one.end is End.BELOW or one.parameters is None else one.parameters.value


def phrase(one: Crossing) -> str:
    """What follows the name of a series: ``up to 49B [45B 54B]``."""
    assert one.parameters is not None
    if one.end is End.CROSSES:
        return f"up to {interval(one.parameters)}{' (extrapolated)' if one.extrapolated else ''}"
    largest = units.parameters(one.parameters.value)
    if one.end is End.MEMORY and one.wall is not None:
        return f"up to {largest} ({units.parameters(one.wall.parameters)} does not fit)"
    return f"beyond {largest} (the largest measured)"


def foot(found: Mapping[Series, Fitted], called: Mapping[Series, str]) -> tuple[str, ...]:
    """What curves are, and what the crossings."""
    fits = {series: one.fit for series, one in found.items() if one.fit is not None}
    if not fits:
        return ()
    by_size = [called[series] for series, fit in fits.items() if not fit.in_bytes]
    unknown = f" (parameters where sizes of files are not known: {listed(by_size)})" if by_size else ""
    if len(by_size) == len(fits):
        law = "fixed + parameters × time a parameter"
    else:
        law = f"fixed + bytes read × time a byte{unknown}"
    crosses = any(one.crossing.end is End.CROSSES for one in found.values())
    triangles = " ▼ and the bar at it: where a curve crosses the line, and its 95% interval." if crosses else ""
    bends = " They bend where sizes differ in quantisation." if any(map(_bends, fits.values())) else ""
    what = subject(next(iter(fits.values())).limit)
    wide = [called[series] for series, fit in fits.items() if fit.draws and not has_band(fit)]
    none = f" Without a band: {listed(wide)}, whose sizes are too few for one so scattered." if wide else ""
    return (f"Curves: {what} = {law}, fitted; bands: 95% interval.{none}{bends}{triangles}",)


def subject(limit: Limit) -> str:
    """What a limit is on: ``time a token``."""
    return {
        What.DECODE: "time a token",
        What.TTFT: "time until the first token",
        What.TASK: "time for an answer",
    }[limit.what]


def _bends(fit: Fit) -> bool:
    return fit.in_bytes and len({point.quantisation for point in fit.points}) > 1
