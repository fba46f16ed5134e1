"""Boxes, segments and the frame of a chart, in points (1/72 inch) from the lower left corner of the picture."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

Spot = tuple[float, float]
Segment = tuple[Spot, Spot]


class Size(NamedTuple):
    """Width and height of something yet without a place."""

    width: float
    height: float


class Box(NamedTuple):
    """A rectangle along the axes."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def at(cls, spot: Spot, size: Size, side: Spot, gap: float = 0.0) -> Self:
        """A box of ``size`` beside ``spot``: ``side`` is (-1, 0 or 1; the same upwards), (0, 0) is centred."""
        x = spot[0] + side[0] * (gap + size.width / 2)
        y = spot[1] + side[1] * (gap + size.height / 2)
        return cls(x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2)

    def grown(self, by: float) -> Box:
        """The box with a rim of ``by``."""
        return Box(self.x0 - by, self.y0 - by, self.x1 + by, self.y1 + by)

    def overlaps(self, other: Box) -> bool:
        """The two share an area."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1

    def inside(self, other: Box) -> bool:
        """No part of it sticks out of ``other``."""
        return self.x0 >= other.x0 and self.y0 >= other.y0 and self.x1 <= other.x1 and self.y1 <= other.y1

    def crossed_by(self, segment: Segment) -> bool:
        """A part of the segment lies in the box (Liang and Barsky's clipping)."""
        (ax, ay), (bx, by) = segment
        if (ax < self.x0 and bx < self.x0) or (ax > self.x1 and bx > self.x1):  # most lie far away
            return False
        if (ay < self.y0 and by < self.y0) or (ay > self.y1 and by > self.y1):
            return False
        dx, dy = bx - ax, by - ay
        enter, leave = 0.0, 1.0
        for step, room in ((-dx, ax - self.x0), (dx, self.x1 - ax), (-dy, ay - self.y0), (dy, self.y1 - ay)):
            if step == 0:
                if room < 0:
                    return False
            elif step < 0:
                enter = max(enter, room / step)
            else:
                leave = min(leave, room / step)
        return enter <= leave


class Frame(NamedTuple):
    """The axes: where they are, and what their edges stand for."""

    box: Box
    x: Spot
    """log10 of the values at the left and right edge."""
    y: Spot
    """log10 of the values at the lower and upper edge."""
    linear: bool = False
    """The horizontal axis is linear: ``x`` holds the values themselves."""

    def spot(self, x: float, y: float) -> Spot:
        """Where a pair of values lies."""
        return self.across(x), self.up(y)

    def across(self, x: float) -> float:
        """Where a value on the horizontal axis lies."""
        share = ((x if self.linear else math.log10(x)) - self.x[0]) / (self.x[1] - self.x[0])
        return self.box.x0 + share * (self.box.x1 - self.box.x0)

    def holds(self, x: float) -> bool:
        """A value lies between the left and the right edge."""
        return self.x[0] <= (x if self.linear else math.log10(x)) <= self.x[1]

    def up(self, y: float) -> float:
        """Where a value on the vertical axis lies."""
        share = (math.log10(y) - self.y[0]) / (self.y[1] - self.y[0])
        return self.box.y0 + share * (self.box.y1 - self.box.y0)


def meet(one: Segment, other: Segment) -> bool:
    """Two segments cross, the ends of each on two sides of the other."""
    return _sides(one, other) < 0 and _sides(other, one) < 0


def _sides(line: Segment, other: Segment) -> float:
    """Below 0 where the ends of ``other`` lie on two sides of ``line``."""
    (ax, ay), (bx, by) = line
    one, two = ((bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in other)
    return one * two


def stacked(centres: list[float], heights: list[float], low: float, high: float, gap: float) -> list[float]:
    """Centres moved as little as needed so that things of those heights lie above each other without touching.

    Given and returned from the lowest to the highest. Neighbours that would touch move apart about their middle.
    What does not fit between ``low`` and ``high`` sticks out at the lower end.
    """
    groups: list[tuple[float, list[float]]] = []
    for centre, height in zip(centres, heights, strict=True):
        middle, members = centre, [height]
        while (
            groups and groups[-1][0] + _extent(groups[-1][1], gap) / 2 + gap > middle - _extent(members, gap) / 2
        ):
            other, before = groups.pop()
            middle = (other * len(before) + middle * len(members)) / (len(before) + len(members))
            members = [*before, *members]
        half = _extent(members, gap) / 2
        groups.append((min(max(middle, low + half), high - half), members))
    placed = []
    for middle, members in groups:
        floor = middle - _extent(members, gap) / 2
        for height in members:
            placed.append(floor + height / 2)
            floor += height + gap
    return _pushed_down(placed, heights, high, gap)


def _extent(heights: list[float], gap: float) -> float:
    return sum(heights) + gap * (len(heights) - 1)


def _pushed_down(centres: list[float], heights: list[float], high: float, gap: float) -> list[float]:
    """Centres lowered where they would touch the next or stick out at the top."""
    placed = list(centres)
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], high - heights[place] / 2)
        high = placed[place] - heights[place] / 2 - gap
    return placed
