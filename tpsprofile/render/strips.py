"""Strips on paper: machines under each other along one axis of sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tpsprofile.render import style
from tpsprofile.render.across import axes_across
from tpsprofile.render.geometry import Box, Frame, Size
from tpsprofile.render.page import caption, page, watermark
from tpsprofile.render.picture import Dot, Kind, Stretch, Strip, Strips
from tpsprofile.render.place import NOTHING
from tpsprofile.render.sheet import Sheet

_BAR_PT = 26.0
_NAME_PT = 20.0
"""For the name above a bar."""
_GAP_PT = 26.0
"""Under a bar."""
_ROW_PT = 12.0
"""One row of models' names."""
_ROWS = 3
_UNDER_PT = 12.0
"""From a bar to the names of models, where an interval may be."""
_FILLS = {Kind.SLOW: "#D9D9D9", Kind.NO_FIT: "#F4F4F4", Kind.UNKNOWN: style.PAPER}
_HATCHES = {Kind.NO_FIT: "////"}
_PAD_PT = 6.0
"""Around a text in a bar."""


def paint_strips(picture: Strips) -> Figure:
    """Strips as a matplotlib figure, as high as its texts need."""
    ends = [end for strip in picture.strips for one in strip.stretches for end in (one.low, one.high)]
    frame = Frame(
        Box(style.MARGIN_PT, 0, style.WIDTH_PT - style.MARGIN_PT, 1),
        (math.log10(min(ends)), math.log10(max(ends))),
        (0.0, 1.0),
    )
    strips = len(picture.strips) * (_NAME_PT + _BAR_PT + _GAP_PT)
    sheet, room = page(
        picture.title,
        picture.answer,
        picture.foot,
        lambda sheet: strips - min([0.0, *(box.y0 for _, _, box in _models(sheet, frame, picture))]),
    )
    frame = frame._replace(box=room)
    axes = axes_across(sheet, frame, picture.x)
    tops = [room.y1 - place * (_NAME_PT + _BAR_PT + _GAP_PT) - _NAME_PT for place in range(len(picture.strips))]
    for strip, top in zip(picture.strips, tops, strict=True):
        _strip(sheet, axes, frame, strip, Box(room.x0, top - _BAR_PT, room.x1, top))
    if picture.change is not None:
        _change(sheet, axes, frame, picture, tops)
    floor = tops[-1] - _BAR_PT - _UNDER_PT
    for x, name, box in _models(sheet, frame, picture):
        sheet.rule(((x, floor + 9), (x, floor + box.y1)), style.SOFT, 0.5, zorder=-1)
        at = Box(box.x0, floor + box.y0, box.x1, floor + box.y1)
        sheet.write(name, at, style.FOOT_PT, style.SOFT, gid="model")
    caption(sheet, picture.x.caption, room)
    if picture.simulated:
        watermark(sheet, room)
    return sheet.figure


def _strip(sheet: Sheet, axes: Axes, frame: Frame, strip: Strip, bar: Box) -> None:
    tone = style.tone(strip.tone)
    name = sheet.cut(strip.name, style.LABEL_PT, (bar.x1 - bar.x0) * 0.55, weight="bold")
    size = sheet.measure(name, style.LABEL_PT, weight="bold")
    at = Box(bar.x0, bar.y1 + 5, bar.x0 + size.width, bar.y1 + 5 + size.height)
    sheet.write(name, at, style.LABEL_PT, tone.text, weight="bold", gid="name")
    end = sheet.cut(strip.end, style.SMALL_PT, bar.x1 - at.x1 - 12)
    sheet.write(end, Box(at.x1 + 8, bar.y1 + 5, bar.x1, bar.y1), style.SMALL_PT, style.SOFT, gid="end")
    dots = [frame.across(dot.x) for dot in strip.dots]
    for stretch in strip.stretches:
        _stretch(axes, stretch, tone, bar)
        _kind(sheet, stretch, Box(frame.across(stretch.low), bar.y0, frame.across(stretch.high), bar.y1), dots)
    for dot in strip.dots:
        _dot(axes, dot, tone, (bar.y0 + bar.y1) / 2)
    if strip.interval is not None:
        low, high = (min(max(frame.across(x), bar.x0), bar.x1) for x in strip.interval)
        for segment in (
            ((low, bar.y0 - 4), (high, bar.y0 - 4)),
            *(((x, bar.y0 - 7), (x, bar.y0 - 1)) for x in (low, high)),
        ):
            sheet.rule(segment, tone.colour, 1.6, solid_capstyle="butt", zorder=1, gid="interval")


def _stretch(axes: Axes, stretch: Stretch, tone: style.Tone, bar: Box) -> None:
    usable = stretch.kind is Kind.USABLE
    axes.add_patch(
        Rectangle(
            (stretch.low, bar.y0),
            stretch.high - stretch.low,
            bar.y1 - bar.y0,
            facecolor=tone.colour if usable else _FILLS[stretch.kind],
            edgecolor=tone.colour if usable else "#BDBDBD",
            hatch=_HATCHES.get(stretch.kind),
            linewidth=0.8,
            gid=stretch.kind.value,
        )
    )


def _kind(sheet: Sheet, stretch: Stretch, box: Box, dots: list[float]) -> None:
    """What a piece of a bar is, where that has room between the dots."""
    size = sheet.measure(stretch.kind.value, style.WALL_PT)
    free = _free(box.x0, box.x1, dots, size.width + 2 * _PAD_PT)
    if free is not None:
        at = Box.at((free, (box.y0 + box.y1) / 2), size, (0, 0))
        colour = style.PAPER if stretch.kind is Kind.USABLE else style.SOFT
        behind = {"facecolor": _FILLS.get(stretch.kind, "none"), "edgecolor": "none", "pad": 1.0}
        sheet.write(stretch.kind.value, at, style.WALL_PT, colour, bbox=behind, gid="kind")


def _free(left: float, right: float, dots: list[float], width: float) -> float | None:
    """The middle of the widest piece between dots, None where none is as wide."""
    stops = [left, *sorted(x for x in dots if left < x < right), right]
    low, high = max(itertools.pairwise(stops), key=lambda pair: pair[1] - pair[0])
    return (low + high) / 2 if high - low >= width + _PAD_PT else None


def _dot(axes: Axes, dot: Dot, tone: style.Tone, y: float) -> None:
    look = {
        Kind.USABLE: ("o", style.PAPER, style.PAPER),
        Kind.SLOW: ("o", "none", tone.text),
        Kind.NO_FIT: ("x", tone.text, tone.text),
    }
    shape, face, edge = look[dot.kind]
    axes.plot(
        dot.x,
        y,
        shape,
        markersize=6,
        markerfacecolor=face,
        markeredgecolor=edge,
        markeredgewidth=1.5,
        zorder=3,
        gid="dot",
    )


def _change(sheet: Sheet, axes: Axes, frame: Frame, picture: Strips, tops: list[float]) -> None:
    """What is gained or lost, between the first and the last strip."""
    change = picture.change
    assert change is not None
    gained = change.kind is Kind.USABLE
    tone = style.tone(picture.strips[-1 if gained else 0].tone)
    low, high = tops[-1], tops[0] - _BAR_PT
    left, right = frame.across(change.low), frame.across(change.high)
    for x in (left, right):
        sheet.rule(((x, low), (x, high)), tone.colour, 1.0, dashes=(2, 2), zorder=0.5, gid="change")
    span = Rectangle(
        (change.low, low), change.high - change.low, high - low, facecolor=tone.colour, alpha=0.13, lw=0
    )
    span.set_gid("change")
    axes.add_patch(span)
    text = "gained" if gained else "lost"
    size = sheet.measure(text, style.SMALL_PT, weight="bold")
    if size.width + 4 <= right - left:
        box = Box.at(((left + right) / 2, (low + high) / 2), size, (0, 0))
    else:
        box = Box.at((left, (low + high) / 2), size, (-1, 0), 4)
    sheet.write(text, box, style.SMALL_PT, tone.text, weight="bold", gid="change")


def _models(sheet: Sheet, frame: Frame, picture: Strips) -> list[tuple[float, str, Box]]:
    """Names of models with where their sizes are, in rows below 0; those without a place are left out."""
    found = []
    taken = NOTHING
    places = [frame.across(size) for size, _ in picture.models]
    for x, (_, name) in zip(places, picture.models, strict=True):
        for box in _under(frame, x, sheet.measure(name, style.FOOT_PT), places):
            leader = Box(x - 0.5, box.y1, x + 0.5, 0)
            if taken.clear(box, 1.5) and taken.clear(leader, 0):
                found.append((x, name, box))
                taken = taken.and_boxes([box, leader])
                break
    return found


def _under(frame: Frame, x: float, size: Size, places: Sequence[float]) -> Iterator[Box]:
    """Places of a name under its size and in the axes, row by row; first those that no other size is above."""
    lefts = (x - size.width / 2, x + 2 - size.width, x - 2)
    inside = [min(max(left, frame.box.x0), frame.box.x1 - size.width) for left in lefts]
    free = [left for left in inside if not any(left < other < left + size.width for other in places if other != x)]
    for row in range(_ROWS):
        for left in (*free, *(left for left in inside if left not in free)):
            yield Box(left, -row * _ROW_PT - size.height, left + size.width, -row * _ROW_PT)
