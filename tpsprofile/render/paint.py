"""A picture on paper: first the texts above and below, then the axes in the height that is kept for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from tpsprofile.render import style
from tpsprofile.render.geometry import Box, Segment
from tpsprofile.render.layout import Layout, arrange, height_of_names
from tpsprofile.render.picture import Mark, Picture, Trace
from tpsprofile.render.sheet import Sheet

_CAPTION_PT = 30.0
"""From the answer to the axes; the caption of the vertical axis is in it."""
_TICKS_PT = 46.0
"""From the axes to the foot; tick labels and the caption of the horizontal axis are in it."""
_MOST_DOTS = 100
"""More marks than these on one curve are drawn smaller, so that they do not become a band."""


def paint(picture: Picture) -> Figure:
    """A picture as a matplotlib figure, as high as its texts need."""
    width = style.WIDTH_PT - 2 * style.MARGIN_PT
    sheet = Sheet(style.WIDTH_PT, 2 * style.AXES_HEIGHT_PT)
    title = sheet.wrap(picture.title, style.TITLE_PT * 1.1, width)
    answer = [line for entry in picture.answer for line in sheet.wrap(entry, style.ANSWER_PT, width)]
    foot = [line for entry in picture.foot for line in sheet.wrap(entry, style.FOOT_PT, width)]
    above = style.MARGIN_TOP_PT + _height(title, style.TITLE_PT) + _height(answer, style.ANSWER_PT) + _CAPTION_PT
    below = style.MARGIN_PT + _height(foot, style.FOOT_PT) + _TICKS_PT
    height = max(style.AXES_HEIGHT_PT, height_of_names(picture, sheet))
    sheet.grow(above + height + below)

    top = _lines(sheet, title, sheet.height - style.MARGIN_TOP_PT, style.TITLE_PT, style.INK, weight="bold")
    _lines(sheet, answer, top, style.ANSWER_PT, style.SOFT)
    _lines(sheet, foot, below - _TICKS_PT, style.FOOT_PT, style.SOFT)
    room = Box(style.MARGIN_PT, below, style.WIDTH_PT - style.MARGIN_PT, below + height)
    layout = arrange(picture, sheet, room)
    _captions(sheet, picture, layout)
    axes = _axes(sheet, layout)
    _levels(axes, picture, layout)
    for trace in picture.traces:
        _curve(axes, trace)
    _crossings(sheet, axes, picture, layout)
    _texts(sheet, picture, layout)
    return sheet.figure


def _height(lines: Sequence[str], size: float) -> float:
    return len(lines) * size * style.LEADING


def _lines(sheet: Sheet, lines: Sequence[str], top: float, size: float, colour: str, **look: Any) -> float:
    """Write lines under each other from ``top`` down; returns where they end."""
    for line in lines:
        top -= size * style.LEADING
        box = Box(style.MARGIN_PT, top, style.WIDTH_PT, top + size)
        sheet.write(line, box, size, colour, **look)
    return top


def _captions(sheet: Sheet, picture: Picture, layout: Layout) -> None:
    box = layout.frame.box
    sheet.write(picture.y.caption, Box(style.MARGIN_PT, box.y1 + 9, box.x1, box.y1), style.SMALL_PT, style.SOFT)
    size = sheet.measure(picture.x.caption, style.SMALL_PT)
    under = Box(box.x1 - size.width, box.y0 - 34, box.x1, box.y0)
    sheet.write(picture.x.caption, under, style.SMALL_PT, style.SOFT)


def _axes(sheet: Sheet, layout: Layout) -> Axes:
    box = layout.frame.box
    width, height = sheet.width, sheet.height
    axes = sheet.figure.add_axes(
        (box.x0 / width, box.y0 / height, (box.x1 - box.x0) / width, (box.y1 - box.y0) / height)
    )
    axes.patch.set_visible(False)
    linear = layout.frame.linear
    axes.set(xscale="linear" if linear else "log", yscale="log")
    axes.set_xlim(*(edge if linear else 10**edge for edge in layout.frame.x))
    axes.set_ylim(10 ** layout.frame.y[0], 10 ** layout.frame.y[1])
    for axis, ticks in ((axes.xaxis, layout.ticks_x), (axes.yaxis, layout.ticks_y)):
        axis.set_major_locator(FixedLocator(list(ticks)))
        axis.set_major_formatter(FixedFormatter(list(ticks.values())))
        axis.set_minor_locator(NullLocator())
    axes.tick_params(length=3, pad=4)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(color=style.FAINT, linewidth=0.8, zorder=0.5)
    axes.set_axisbelow(True)
    return axes


def _levels(axes: Axes, picture: Picture, layout: Layout) -> None:
    """Levels, the zone under the first, and walls."""
    if picture.zone:
        axes.axhspan(10 ** layout.frame.y[0], picture.levels[0].y, color=style.INK, alpha=0.055, lw=0, zorder=0.2)
    for level in picture.levels:
        colour = style.SOFT if level.tone is None else style.tone(level.tone).colour
        axes.axhline(level.y, color=colour, linewidth=1.1, dashes=(5, 3), zorder=1.1, gid="level")
    for wall, band in zip(picture.walls, layout.bands, strict=True):
        tone = style.tone(wall.tone)
        _band(axes, layout.frame.box, band, facecolor=style.tint(tone.colour), gid="wall")
        _band(axes, layout.frame.box, band._replace(x1=band.x0 + 2), facecolor=tone.colour)


def _band(axes: Axes, frame: Box, band: Box, **look: Any) -> None:
    """An upright rectangle over the whole height of the axes."""
    width = frame.x1 - frame.x0
    left, share = (band.x0 - frame.x0) / width, (band.x1 - band.x0) / width
    axes.add_patch(Rectangle((left, 0), share, 1, transform=axes.transAxes, lw=0, zorder=1.2, **look))


def _curve(axes: Axes, trace: Trace) -> None:
    tone = style.tone(trace.tone)
    path = trace.line or [(mark.x, mark.y) for mark in trace.marks if mark.joined]
    pattern = style.PREDICTED if trace.predicted else style.DASHES[trace.pattern % len(style.DASHES)]
    if trace.band:
        xs, lows, highs = (np.array(values) for values in zip(*trace.band, strict=True))
        axes.fill_between(xs, lows, highs, color=tone.colour, alpha=0.13, lw=0, zorder=1.5, gid="band")
    axes.plot(
        [x for x, _ in path],
        [y for _, y in path],
        color=tone.colour,
        linewidth=1.1 if trace.dense else 1.7,
        alpha=0.6 if trace.dense else 0.85,
        dashes=pattern or (None, None),
        zorder=2,
        gid="curve",
    )
    if trace.predicted:
        return
    if trace.dense:
        size = 3.6 if len(trace.marks) <= _MOST_DOTS else 1.8
        for hollow in (False, True):
            _markers(axes, [mark for mark in trace.marks if mark.hollow is hollow], tone, size)
        return
    for mark in trace.marks:
        _bar(axes, mark, tone)
        _markers(axes, [mark], tone, 5.5 if trace.pattern else 7.5)


def _bar(axes: Axes, mark: Mark, tone: style.Tone) -> None:
    """An upright line with a short one across each end."""
    axes.plot([mark.x, mark.x], [mark.low, mark.high], color=tone.colour, lw=1.4, zorder=2.2, gid="bar")
    for end in {mark.low, mark.high} if mark.low < mark.high else ():
        axes.plot(mark.x, end, "_", color=tone.colour, markersize=6, markeredgewidth=1.4, zorder=2.2)


def _markers(axes: Axes, marks: Sequence[Mark], tone: style.Tone, size: float) -> None:
    """Markers of one kind: filled for real weights, hollow for synthetic ones."""
    if not marks:
        return
    hollow = marks[0].hollow
    axes.plot(
        [mark.x for mark in marks],
        [mark.y for mark in marks],
        tone.marker,
        color=tone.colour,
        markersize=size,
        markerfacecolor=style.PAPER if hollow else tone.colour,
        markeredgecolor=tone.colour if hollow else style.PAPER,
        markeredgewidth=(1.7 if hollow else 0.8) * min(1.0, size / 5.5),
        zorder=3,
        gid="hollow" if hollow else "filled",
    )


def _crossings(sheet: Sheet, axes: Axes, picture: Picture, layout: Layout) -> None:
    """Triangles that stand on the level, their intervals along it, and their texts."""
    for cross, place in zip(picture.crossings, layout.crossings, strict=True):
        tone = style.tone(cross.tone)
        if place.bar is not None:
            _interval(sheet, place.bar, tone)
        look: dict[str, Any] = {
            "markerfacecolor": tone.colour,
            "markeredgecolor": style.PAPER,
            "markeredgewidth": 0.6,
        }
        axes.plot(cross.x, cross.y, marker=CARETDOWN, markersize=8, zorder=3.5, gid="crossing", **look)
        if place.label is not None:
            sheet.write(cross.text, place.label, style.SMALL_PT, tone.text, weight="bold", gid="crossing")


def _interval(sheet: Sheet, bar: Segment, tone: style.Tone) -> None:
    """A line along the level with a short one across each end."""
    sheet.rule(bar, tone.colour, 2.2, solid_capstyle="butt", zorder=1, gid="interval")
    for x, y in bar:
        sheet.rule(((x, y - 2.6), (x, y + 2.6)), tone.colour, 1.3, solid_capstyle="butt", zorder=1)


def _texts(sheet: Sheet, picture: Picture, layout: Layout) -> None:
    for place, name in layout.names.items():
        tone = style.tone(picture.traces[place].tone)
        sheet.write(name.text, name.box, style.LABEL_PT, tone.text, weight="bold", gid="name")
    for place, leader in layout.leaders.items():
        colour = style.tone(picture.traces[place].tone).colour
        sheet.rule(leader, colour, 0.7, alpha=0.6, zorder=-1, gid="leader")
    for level, name in zip(picture.levels, layout.levels, strict=True):
        colour = style.INK if level.tone is None else style.tone(level.tone).text
        sheet.write(name.text, name.box, style.SMALL_PT, colour, gid="level")
    if layout.zone is not None:
        sheet.write(layout.zone.text, layout.zone.box, style.SMALL_PT, style.SOFT, style="italic", gid="zone")
    for wall, name in zip(picture.walls, layout.walls, strict=True):
        sheet.write(name.text, name.box, style.WALL_PT, style.tone(wall.tone).text, rotation=90, gid="wall")
    for place, letter in layout.letters:
        tone = style.tone(picture.traces[place].tone)
        sheet.write(letter.text, letter.box, style.LETTER_PT, tone.text, weight="bold", gid="letter")
    if picture.simulated:
        _watermark(sheet, layout.frame.box)


def _watermark(sheet: Sheet, box: Box) -> None:
    sheet.figure.text(
        (box.x0 + box.x1) / 2 / sheet.width,
        (box.y0 + box.y1) / 2 / sheet.height,
        "SIMULATED",
        fontsize=72,
        weight="bold",
        color=style.INK,
        alpha=0.08,
        ha="center",
        va="center",
        rotation=18,
        zorder=-2,
        gid="watermark",
    )
