"""The layout of a chart: how high its parts are, which values the axes span, and where each text goes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tpsprofile.render import crossed, style
from tpsprofile.render.crossed import Crossed
from tpsprofile.render.geometry import Box, Frame, Segment, Size, Spot
from tpsprofile.render.picture import Axis, Picture, Trace, Wall
from tpsprofile.render.place import (
    CLEAR,
    Curve,
    Obstacles,
    along_line,
    beside,
    in_margin,
    in_wall,
    near,
    obstacles_of,
)
from tpsprofile.render.sheet import Sheet

BAND_PT = 13.0
"""Width of a wall."""
_PAD_PT = 24.0
"""Between the outermost markers and the edge of the axes."""
_WIDE_PAD_PT = 130.0
"""The same on the left, where names stand there."""
_RIGHT_PAD_PT = 96.0
"""On the right, where texts of crossings stand there."""
_NAME_PT = 360.0
"""Width of a name beside its curve, at most."""
_MARGIN_NAME_PT = 140.0
"""Width of a name in the right margin, where it may take several lines."""
_DECADES = 300.0
"""How far the axes reach at most, as a power of ten: what a float can hold."""
_FARTHEST = 4.0
"""Multiple of a mark beyond which the axes need not hold its bar."""
_FEW_TICKS = 4
"""Fewer marks than these on the vertical axis call for finer ones."""
_TICK_GAP_PT = 14.0
_LEADER_PT = 16.0
"""From the axes to the names in the margin."""


@dataclass(frozen=True)
class Written:
    """A text in its box."""

    text: str
    box: Box


@dataclass(frozen=True)
class Layout:
    """Every place in the axes."""

    frame: Frame
    ticks_x: dict[float, str]
    ticks_y: dict[float, str]
    names: dict[int, Written]
    """By the place of the trace."""
    leaders: Mapping[int, Segment]
    """The same, for names in the margin."""
    levels: tuple[Written, ...]
    """One a level, in their order."""
    zone: Written | None
    bands: tuple[Box, ...]
    """One a wall, in their order."""
    walls: tuple[Written, ...]
    letters: tuple[tuple[int, Written], ...]
    """Beside marks; each with the place of its trace."""
    crossings: tuple[Crossed, ...]
    """One a crossing, in their order."""


def arrange(picture: Picture, sheet: Sheet, room: Box) -> Layout:
    """Lay out a picture in ``room``, which holds the axes and, where needed, names to the right of them.

    Names go beside the first marker of their curve if all can, at worst with more room to the left of it; else
    anywhere beside their curve; else into the margin. The texts of crossings may call for more room to the right,
    and without a free place are left out.
    """
    wide = () if picture.x.linear else (_Try(pad=_WIDE_PAD_PT),)
    tries = (_Try(), *wide, _Try(at_start=False))
    if picture.crossings:
        every = tuple(replace(one, every_crossing=True) for one in tries)
        roomy = tuple(replace(one, right=_RIGHT_PAD_PT) for one in tries)
        tries = (*every, *(replace(one, every_crossing=True) for one in roomy), *roomy, *tries)
    for how in tries:
        layout = _arranged(picture, sheet, room, how)
        if layout is not None:
            return layout
    last = _arranged(picture, sheet, room, _Try(in_margin=True))
    assert last is not None  # the margin has room for every name
    return last


@dataclass(frozen=True)
class _Try:
    """One way to lay out a chart."""

    pad: float = _PAD_PT
    """Left of the first marker."""
    right: float = _PAD_PT
    """Right of the last."""
    every_crossing: bool = False
    """No text of a crossing may be left out, or have another curve between, which else only colour tells apart."""
    at_start: bool = True
    in_margin: bool = False


def _arranged(picture: Picture, sheet: Sheet, room: Box, how: _Try) -> Layout | None:
    """The layout of that kind, None where a name finds no place."""
    texts = {place: _name(trace.name, sheet, how.in_margin) for place, trace in _named(picture)}
    sizes = {place: sheet.measure(text, style.LABEL_PT, weight="bold") for place, text in texts.items()}
    margin = max(size.width for size in sizes.values()) + _LEADER_PT if how.in_margin else 0.0
    ticks_y = _ticks_y(_frame(picture, room, how), picture)
    left = max(sheet.measure(text, style.SMALL_PT).width for text in ["", *ticks_y.values()]) + 8
    frame = _frame(picture, room._replace(x0=room.x0 + left, x1=room.x1 - margin), how)

    curves = [_curve(trace, sizes.get(place), frame) for place, trace in enumerate(picture.traces)]
    bands = _bands(picture.walls, frame)
    heights = [frame.up(level.y) for level in picture.levels]
    drawn = obstacles_of(curves)
    walls = _wall_texts(picture, sheet, bands, drawn)  # walls hide lines behind them, but not curves
    taken = Obstacles(bands, tuple(((frame.box.x0, y), (frame.box.x1, y)) for y in heights))
    names = in_margin(curves, frame, frame.box.x1 + _LEADER_PT) if how.in_margin else None
    if names is not None:
        taken = taken.and_segments(names.leaders.values())
    levels, zone = _level_texts(picture, sheet, frame, taken.and_all(drawn))
    taken = taken.and_boxes(one.box for one in (*levels, *([zone] if zone else [])))
    strict = how.every_crossing or len({trace.tone for trace in picture.traces}) < len(picture.traces)
    crossings = _crossings(picture, sheet, frame, taken.and_all(drawn), curves if strict else ())
    if how.every_crossing and any(one.label is None for one in crossings):
        return None
    taken = taken.and_all(crossed.obstacles(crossings))
    names = names or beside(curves, frame, taken, at_start=how.at_start)
    if names is None:
        return None
    taken = taken.and_all(drawn).and_boxes(names.boxes.values())
    return Layout(
        frame=frame,
        ticks_x=ticks_x(frame, picture.x, sheet),
        ticks_y=ticks_y,
        names={place: Written(text, names.boxes[place]) for place, text in texts.items()},
        leaders=names.leaders,
        levels=levels,
        zone=zone,
        bands=bands,
        walls=walls,
        letters=_letters(picture, sheet, frame, taken),
        crossings=crossings,
    )


def height_of_names(picture: Picture, sheet: Sheet) -> float:
    """How high the axes must be for all names to stand in the margin."""
    texts = [_name(trace.name, sheet, in_margin=True) for _, trace in _named(picture)]
    return sum(sheet.measure(text, style.LABEL_PT, weight="bold").height + CLEAR for text in texts)


def _named(picture: Picture) -> list[tuple[int, Trace]]:
    return [(place, trace) for place, trace in enumerate(picture.traces) if trace.name]


def _name(name: str, sheet: Sheet, in_margin: bool) -> str:
    if in_margin:
        return "\n".join(sheet.wrap(name, style.LABEL_PT, _MARGIN_NAME_PT, weight="bold"))
    return sheet.cut(name, style.LABEL_PT, _NAME_PT, weight="bold")


def _frame(picture: Picture, box: Box, how: _Try) -> Frame:
    """Axes that hold every marker, line, crossing, level and wall, with room at the edges."""
    marks = [mark for trace in picture.traces for mark in trace.marks]
    lines = [spot for trace in picture.traces for spot in trace.line]
    places = [x for x, _ in lines] + [mark.x for mark in marks]
    places += [wall.x for wall in picture.walls] + [one.x for one in picture.crossings]
    places += [level.x for level in picture.levels if level.x is not None]
    low, high = _span(picture, places)
    pad, beyond = how.pad, how.right
    for _ in range(len(picture.walls) + 1):
        # The walls need a fixed width in points, so how far the axis reaches depends on where they end.
        scale = (high - low) / (box.x1 - box.x0 - pad - beyond)
        x = (low - pad * scale, high + beyond * scale)
        frame = Frame(box, x, (0, 1), picture.x.linear)
        end = max((band.x1 for band in _bands(picture.walls, frame)), default=0.0)
        if end <= box.x1 - 6:
            break
        beyond += end - (box.x1 - 6)
    ends = [(max(mark.low, mark.y / _FARTHEST), min(mark.high, mark.y * _FARTHEST)) for mark in marks]
    values = (
        [value for pair in ends for value in pair] + [y for _, y in lines] + [level.y for level in picture.levels]
    )
    bottom, top = _stretched(math.log10(min(values)), math.log10(max(values)), picture.y.least)
    rim = 0.09 * (top - bottom)
    if picture.zone:
        strip = max(rim, 0.1 * (top - bottom + 0.2))
        edge = math.log10(picture.levels[0].y)
        bottom, top = (bottom, max(top, edge + strip)) if picture.zone_above else (min(bottom, edge - strip), top)
    return Frame(box, x, (max(bottom - rim, -_DECADES), min(top + rim, _DECADES)), picture.x.linear)


def _span(picture: Picture, values: list[float]) -> Spot:
    """What the horizontal axis reaches over, as ``Frame.x`` has it."""
    if picture.x.linear:
        return 0.0, max(values) or 1.0
    return _stretched(math.log10(min(values)), math.log10(max(values)), picture.x.least)


def _stretched(low: float, high: float, least: float) -> Spot:
    """At least so many decades."""
    lack = max(0.0, least - (high - low)) / 2
    return low - lack, high + lack


def _curve(trace: Trace, size: Size | None, frame: Frame) -> Curve:
    return Curve(
        size=size,
        spots=tuple(frame.spot(mark.x, mark.y) for mark in trace.marks),
        joined=tuple(frame.spot(mark.x, mark.y) for mark in trace.marks if mark.joined),
        bars=tuple((frame.spot(mark.x, mark.low), frame.spot(mark.x, mark.high)) for mark in trace.marks),
        dense=trace.dense,
        line=tuple(frame.spot(x, y) for x, y in trace.line),
        edges=_edges(trace, frame),
    )


def _edges(trace: Trace, frame: Frame) -> tuple[Segment, ...]:
    """The ends of a band, as far as they are in the axes."""
    inside = [(x, low, high) for x, low, high in trace.band if frame.holds(x)]
    floor, top = (10**edge for edge in frame.y)
    lower = [frame.spot(x, max(low, floor)) for x, low, _ in inside]
    upper = [frame.spot(x, min(high, top)) for x, _, high in inside]
    return (*itertools.pairwise(lower), *itertools.pairwise(upper))


def _bands(walls: tuple[Wall, ...], frame: Frame) -> tuple[Box, ...]:
    """Each wall right of its size, clear of markers there, and right of the wall before it."""
    bands: list[Box] = []
    for wall in walls:
        after = bands[-1].x1 + 2 if bands else 0.0
        left = max(frame.across(wall.x) + 7, after)
        bands.append(Box(left, frame.box.y0, left + BAND_PT, frame.box.y1))
    return tuple(bands)


def _wall_texts(picture: Picture, sheet: Sheet, bands: tuple[Box, ...], taken: Obstacles) -> tuple[Written, ...]:
    written = []
    for wall, band in zip(picture.walls, bands, strict=True):
        text = sheet.cut(wall.text, style.WALL_PT, band.y1 - band.y0 - 16)
        flat = sheet.measure(text, style.WALL_PT)
        written.append(Written(text, in_wall(Size(flat.height, flat.width), band, taken)))
    return tuple(written)


def _level_texts(
    picture: Picture, sheet: Sheet, frame: Frame, taken: Obstacles
) -> tuple[tuple[Written, ...], Written | None]:
    """The names of levels, and of the zone beside the first."""
    written: list[Written] = []
    from_left = picture.zone is not None
    under = picture.zone_above
    for level in picture.levels:
        text = sheet.cut(level.text, style.SMALL_PT, (frame.box.x1 - frame.box.x0) * 0.7)
        size = sheet.measure(text, style.SMALL_PT)
        left = from_left and not level.control
        box = along_line(size, frame.up(level.y), frame, taken, above=not under, from_left=left)
        taken = taken.and_boxes([box])
        written.append(Written(text, box))
    if picture.zone is None:
        return tuple(written), None
    size = sheet.measure(picture.zone, style.SMALL_PT, style="italic")
    box = along_line(size, frame.up(picture.levels[0].y), frame, taken, above=under, from_left=True)
    return tuple(written), Written(picture.zone, box)


def _crossings(
    picture: Picture, sheet: Sheet, frame: Frame, taken: Obstacles, between: Sequence[Curve]
) -> tuple[Crossed, ...]:
    """Where the texts of crossings go: with none of the curves ``between`` a text and its crossing."""
    sizes = [sheet.measure(one.text, style.SMALL_PT, weight="bold") for one in picture.crossings]
    lines = [step for curve in between for step in curve.steps]
    return crossed.crossed(picture.crossings, sizes, frame, taken, lines, rising=picture.zone_above)


def _letters(picture: Picture, sheet: Sheet, frame: Frame, taken: Obstacles) -> tuple[tuple[int, Written], ...]:
    """Letters and notes beside their marks, clear of all else and of each other; notes only where that can be."""
    found = []
    for place, trace in enumerate(picture.traces):
        for mark in trace.marks:
            text = mark.letter or mark.note
            size = sheet.measure(text, style.LETTER_PT, weight="bold")
            box = near(size, frame.spot(mark.x, mark.y), frame, taken) if text else None
            if box and (mark.letter or taken.clear(box, 0.5)):
                taken = taken.and_boxes([box])
                found.append((place, Written(text, box)))
    return tuple(found)


def ticks_x(frame: Frame, axis: Axis, sheet: Sheet) -> dict[float, str]:
    """Values of the axis in the frame, as many as do not touch."""
    chosen: dict[float, str] = {}
    free_from = -math.inf
    for value, text in itertools.chain(*axis.ticks):
        if frame.holds(value):
            half = sheet.measure(text, style.SMALL_PT).width / 2
            if frame.across(value) - half >= free_from:
                chosen[value] = text
                free_from = frame.across(value) + half + 8
    return chosen


def _ticks_y(frame: Frame, picture: Picture) -> dict[float, str]:
    """Values of the axis in the frame, as many as do not crowd; fine ones where there are few others."""
    chosen: dict[float, str] = {}
    for values in picture.y.ticks:
        if len(chosen) >= _FEW_TICKS:
            break
        for value, text in values:
            inside = frame.y[0] <= math.log10(value) <= frame.y[1]
            if inside and all(abs(frame.up(value) - frame.up(other)) >= _TICK_GAP_PT for other in chosen):
                chosen[value] = text
    return chosen
