"""What every picture has: a title, an answer under it and notes at the foot, with room between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tpsprofile.render import style
from tpsprofile.render.geometry import Box
from tpsprofile.render.sheet import Sheet

CAPTION_PT = 30.0
"""From the answer to the axes; the caption of the vertical axis is in it."""
TICKS_PT = 46.0
"""From the axes to the foot; tick labels and the caption of the horizontal axis are in it."""


def page(
    title: str, answer: Sequence[str], foot: Sequence[str], height: Callable[[Sheet], float]
) -> tuple[Sheet, Box]:
    """A sheet with its texts, as high as they need, and the room for axes of that height (in points)."""
    width = style.WIDTH_PT - 2 * style.MARGIN_PT
    sheet = Sheet(style.WIDTH_PT, 2 * style.AXES_HEIGHT_PT)
    titles = sheet.wrap(title, style.TITLE_PT * 1.1, width)
    answers = [line for entry in answer for line in sheet.wrap(entry, style.ANSWER_PT, width)]
    notes = [line for entry in foot for line in sheet.wrap(entry, style.FOOT_PT, width)]
    above = style.MARGIN_TOP_PT + _height(titles, style.TITLE_PT) + _height(answers, style.ANSWER_PT) + CAPTION_PT
    below = style.MARGIN_PT + _height(notes, style.FOOT_PT) + TICKS_PT
    between = height(sheet)
    sheet.grow(above + between + below)

    top = _lines(sheet, titles, sheet.height - style.MARGIN_TOP_PT, style.TITLE_PT, style.INK, weight="bold")
    _lines(sheet, answers, top, style.ANSWER_PT, style.SOFT)
    _lines(sheet, notes, below - TICKS_PT, style.FOOT_PT, style.SOFT)
    return sheet, Box(style.MARGIN_PT, below, style.WIDTH_PT - style.MARGIN_PT, below + between)


def caption(sheet: Sheet, text: str, axes: Box) -> None:
    """What the horizontal axis counts, at its right end."""
    size = sheet.measure(text, style.SMALL_PT)
    under = Box(axes.x1 - size.width, axes.y0 - 34, axes.x1, axes.y0)
    sheet.write(text, under, style.SMALL_PT, style.SOFT)


def watermark(sheet: Sheet, box: Box) -> None:
    """SIMULATED, across the axes."""
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


def _height(lines: Sequence[str], size: float) -> float:
    return len(lines) * size * style.LEADING


def _lines(sheet: Sheet, lines: Sequence[str], top: float, size: float, colour: str, **look: Any) -> float:
    """Write lines under each other from ``top`` down; returns where they end."""
    for line in lines:
        top -= size * style.LEADING
        box = Box(style.MARGIN_PT, top, style.WIDTH_PT, top + size)
        sheet.write(line, box, size, colour, **look)
    return top
