"""Dots on paper: figures under each other along one axis, in groups with a name above each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tpsprofile.render import style
from tpsprofile.render.across import axes_across
from tpsprofile.render.geometry import Box, Frame
from tpsprofile.render.page import caption, page, watermark
from tpsprofile.render.picture import DotRow, Dots
from tpsprofile.render.sheet import Sheet

_ROW_PT = 17.0
_GROUP_PT = 19.0
"""For the name of a group."""
_GAP_PT = 10.0
"""Under a group."""
_INDENT_PT = 10.0
_NAME_PT = 200.0
"""Width of a name, at most."""
_AWAY_PT = 9.0
"""From a dot to its text."""
_LEAST = 0.5
"""Decades that the axis spans at least."""


def paint_dots(picture: Dots) -> Figure:
    """Dots as a matplotlib figure, as high as its rows need."""
    height = sum(_GROUP_PT + len(rows) * _ROW_PT + _GAP_PT for _, rows in _groups(picture))
    sheet, room = page(picture.title, picture.answer, picture.foot, lambda sheet: height)
    frame = _frame(picture, sheet, room)
    axes = axes_across(sheet, frame, picture.x)
    axes.grid(axis="x", color=style.FAINT, linewidth=0.8, zorder=0.5)
    axes.set_axisbelow(True)
    top = room.y1
    for name, rows in _groups(picture):
        top -= _GROUP_PT
        where = Box(room.x0, top + 3, room.x1, top + _GROUP_PT)
        sheet.write(name, where, style.LABEL_PT, style.INK, weight="bold", gid="group")
        for row in rows:
            top -= _ROW_PT
            _row(sheet, axes, frame, row, top + _ROW_PT / 2)
        top -= _GAP_PT
    caption(sheet, picture.x.caption, frame.box)
    if picture.simulated:
        watermark(sheet, frame.box)
    return sheet.figure


def _groups(picture: Dots) -> Iterator[tuple[str, list[DotRow]]]:
    for name, rows in itertools.groupby(picture.rows, key=lambda row: row.group):
        yield name, list(rows)


def _frame(picture: Dots, sheet: Sheet, room: Box) -> Frame:
    """Axes right of the names, with room for the texts right of the dots."""
    names = max(sheet.measure(_cut(sheet, row.name), style.SMALL_PT).width for row in picture.rows)
    texts = max(sheet.measure(row.text, style.SMALL_PT).width for row in picture.rows)
    box = room._replace(x0=room.x0 + _INDENT_PT + names + 2 * _AWAY_PT)
    ends = [end for row in picture.rows for end in (row.low, row.x, row.high)]
    low, high = math.log10(min(ends)), math.log10(max(ends))
    lack = max(0.0, _LEAST - (high - low)) / 2
    low, high = low - lack, high + lack
    scale = (high - low) / (box.x1 - box.x0 - 2 * _AWAY_PT - texts)
    return Frame(box, (low - _AWAY_PT * scale, high + (_AWAY_PT + texts) * scale), (0.0, 1.0))


def _cut(sheet: Sheet, name: str) -> str:
    return sheet.cut(name, style.SMALL_PT, _NAME_PT)


def _row(sheet: Sheet, axes: Axes, frame: Frame, row: DotRow, middle: float) -> None:
    tone = style.tone(row.tone)
    name = _cut(sheet, row.name)
    size = sheet.measure(name, style.SMALL_PT)
    left = style.MARGIN_PT + _INDENT_PT
    at = Box(left, middle - size.height / 2, left + size.width, middle + size.height / 2)
    sheet.write(name, at, style.SMALL_PT, tone.text, gid="name")
    axes.plot([row.low, row.high], [middle, middle], color=tone.colour, linewidth=1.8, zorder=2, gid="bar")
    axes.plot(
        row.x,
        middle,
        tone.marker,
        markersize=7.5,
        color=tone.colour,
        markerfacecolor=style.PAPER if row.hollow else tone.colour,
        markeredgecolor=tone.colour if row.hollow else style.PAPER,
        markeredgewidth=1.7 if row.hollow else 0.8,
        zorder=3,
        gid="hollow" if row.hollow else "filled",
    )
    size = sheet.measure(row.text, style.SMALL_PT)
    right = max(frame.across(row.high), frame.across(row.x)) + _AWAY_PT
    at = Box(right, middle - size.height / 2, right + size.width, middle + size.height / 2)
    sheet.write(row.text, at, style.SMALL_PT, style.SOFT, gid="text")
