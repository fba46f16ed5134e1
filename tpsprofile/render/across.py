"""Axes of pictures that count in one direction alone: things under each other, along a logarithmic scale."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from tpsprofile.render.geometry import Frame
from tpsprofile.render.layout import ticks_x
from tpsprofile.render.picture import Axis
from tpsprofile.render.sheet import Sheet


def axes_across(sheet: Sheet, frame: Frame, axis: Axis) -> Axes:
    """Axes that span the frame's box: the axis from left to right, points of the sheet upwards."""
    box, width, height = frame.box, sheet.width, sheet.height
    axes = sheet.figure.add_axes(
        (box.x0 / width, box.y0 / height, (box.x1 - box.x0) / width, (box.y1 - box.y0) / height)
    )
    axes.patch.set_visible(False)
    axes.set(xscale="log")
    axes.set_xlim(*(10**edge for edge in frame.x))
    axes.set_ylim(box.y0, box.y1)
    ticks = ticks_x(frame, axis, sheet)
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(ticks.values())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(NullLocator())
    axes.tick_params(length=3, pad=4)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return axes
