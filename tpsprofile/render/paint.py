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
from tpsprofile.render.page import caption, page, watermark
from tpsprofile.render.picture import Level, Mark, Picture, Trace
from tpsprofile.render.sheet import Sheet

_MOST_DOTS = 100
"""More marks than these on one curve are drawn smaller, so that they do not become a band."""


def paint(picture: Picture) -> Figure:
    """A picture as a matplotlib figure, as high as its texts need."""
    sheet, room = page(
        picture.title,
        picture.answer,
        picture.foot,
        lambda sheet: max(style.AXES_HEIGHT_PT, height_of_names(picture, sheet)),
    )
    layout = arrange(picture, sheet, room)
    box = layout.frame.box
    sheet.write(picture.y.caption, Box(style.MARGIN_PT, box.y1 + 9, box.x1, box.y1), style.SMALL_PT, style.SOFT)
    caption(sheet, picture.x.caption, box)
    axes = _axes(sheet, layout)
    _levels(axes, picture, layout)
    for trace in picture.traces:
        _curve(axes, trace)
    _crossings(sheet, axes, picture, layout)
    _texts(sheet, picture, layout)
    return sheet.figure


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
    """Levels with their bands, the zone beside the first, and walls."""
    if picture.zone:
        edge = 10 ** layout.frame.y[1 if picture.zone_above else 0]
        axes.axhspan(edge, picture.levels[0].y, color=style.INK, alpha=0.055, lw=0, zorder=0.2)
    for level in picture.levels:
        colour = style.SOFT if level.tone is None else style.tone(level.tone).colour
        if level.low is not None and level.high is not None:
            axes.axhspan(level.low, level.high, color=colour, alpha=0.13, lw=0, zorder=1, gid="band")
        if level.control:
            _control(axes, level)
        else:
            axes.axhline(level.y, color=colour, linewidth=1.1, dashes=(5, 3), zorder=1.1, gid="level")
    for wall, band in zip(picture.walls, layout.bands, strict=True):
        tone = style.tone(wall.tone)
        _band(axes, layout.frame.box, band, facecolor=style.tint(tone.colour), gid="wall")
        _band(axes, layout.frame.box, band._replace(x1=band.x0 + 2), facecolor=tone.colour)


def _control(axes: Axes, level: Level) -> None:
    """A dotted line with a star: at the model's size, or at the right edge where that is not known."""
    axes.axhline(level.y, color=style.SOFT, linewidth=0.9, dashes=(1, 2.5), zorder=1.1, gid="control")
    x, where = (1.0, axes.get_yaxis_transform()) if level.x is None else (level.x, axes.transData)
    look: dict[str, Any] = {"color": style.INK, "markeredgecolor": style.PAPER, "markeredgewidth": 0.6}
    axes.plot(x, level.y, "*", markersize=12, transform=where, clip_on=False, zorder=3, gid="control", **look)


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
        watermark(sheet, layout.frame.box)
