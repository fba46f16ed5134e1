"""Where curves cross a level: the interval of each crossing along the level, and its text beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tpsprofile.render.geometry import Box, Frame, Segment, Size, Spot, meet
from tpsprofile.render.picture import Cross
from tpsprofile.render.place import CLEAR, Obstacles

TIP_PT = 7.0
"""Height of the triangle that stands on a crossing, and its width."""
_ROW_PT = 5.0
"""Between intervals that would touch."""
_GAP_PT = 4.0
_STEPS = 12
"""How many heights are tried for a text on each side."""


@dataclass(frozen=True)
class Crossed:
    """One crossing on the paper."""

    tip: Spot
    bar: Segment | None
    """Its interval, as far as it is in the axes; None without one."""
    label: Box | None
    """None where no place is free."""


def crossed(
    crossings: Sequence[Cross],
    sizes: Sequence[Size],
    frame: Frame,
    taken: Obstacles,
    between: Sequence[Segment],
    *,
    rising: bool = False,
) -> tuple[Crossed, ...]:
    """Every crossing in its order; ``sizes`` are those of the texts.

    An interval lies on the level, or under those to the left that it would touch. A text stands left under its
    crossing or right above it, where a falling curve leaves room (a ``rising`` one leaves it on the other
    sides), and with none of the lines ``between`` the two.
    """
    tips = [frame.spot(one.x, one.y) for one in crossings]
    bars = _bars(crossings, frame)
    taken = taken.and_boxes(map(_triangle, tips)).and_segments(bar for bar in bars if bar)
    labels: dict[int, Box] = {}
    room = frame.box.grown(-CLEAR)
    for place in sorted(range(len(tips)), key=lambda place: tips[place]):
        for box in _beside(tips[place], sizes[place], rising):
            if box.inside(room) and taken.clear(box, 1.5) and not _behind(box, tips[place], between):
                labels[place] = box
                taken = taken.and_boxes([box])
                break
    return tuple(Crossed(tip, bars[place], labels.get(place)) for place, tip in enumerate(tips))


def obstacles(found: Sequence[Crossed]) -> Obstacles:
    """What crossings put on the paper."""
    boxes = [*(_triangle(one.tip) for one in found), *(one.label for one in found if one.label)]
    return Obstacles(tuple(boxes), tuple(one.bar for one in found if one.bar))


def _behind(box: Box, tip: Spot, lines: Sequence[Segment]) -> bool:
    """A line lies between a text and its crossing."""
    left, low = box.x1 < tip[0], box.y1 < tip[1]
    start = (tip[0] + (-2 if left else 2), tip[1] + (-2 if low else 2))
    way = (start, (box.x1 if left else box.x0, box.y1 if low else box.y0))
    return any(meet(way, segment) for segment in lines)


def _triangle(tip: Spot) -> Box:
    return Box(tip[0] - TIP_PT / 2, tip[1] - 1, tip[0] + TIP_PT / 2, tip[1] + TIP_PT)


def _bars(crossings: Sequence[Cross], frame: Frame) -> list[Segment | None]:
    """The intervals, in the order given."""
    ends: list[dict[float, float]] = []
    bars: dict[int, Segment] = {}
    for place in sorted(range(len(crossings)), key=lambda place: crossings[place].low):
        one = crossings[place]
        if one.low < one.high:
            left, right = (min(max(frame.across(x), frame.box.x0), frame.box.x1) for x in (one.low, one.high))
            row = next((n for n, until in enumerate(ends) if until.get(one.y, 0.0) < left), len(ends))
            ends += [{}] * (row == len(ends))
            ends[row] = {**ends[row], one.y: right + _GAP_PT}
            y = frame.up(one.y) - row * _ROW_PT
            bars[place] = ((left, y), (right, y))
    return [bars.get(place) for place in range(len(crossings))]


def _beside(tip: Spot, size: Size, rising: bool) -> Iterator[Box]:
    """Boxes under a crossing and above it on the sides away from its curve, the nearest first."""
    under, above = (1, -1) if rising else (-1, 1)
    for step in range(_STEPS):
        away = step * size.height / 2
        yield Box.at((tip[0], tip[1] - away), size, (under, -1), _GAP_PT)
        yield Box.at((tip[0] + above * TIP_PT / 2, tip[1] + away), size, (above, 1), _GAP_PT)
