"""Where the texts of a chart go: next to what they name, over nothing else.

Every text has candidate boxes, best first, and takes the first that lies in the axes, touches no text, marker or
line and keeps its distance from curves other than its own. If the name of one curve finds no such box, all names
go to the right margin instead, one above the other, each joined to its curve by a thin line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tpsprofile.render.geometry import Box, Frame, Segment, Size, Spot, stacked

CLEAR = 2.5
"""Points kept free around a text."""
DOT = 1.5
"""Half the width of a marker of a dense curve, in points."""
MARKER = 4.5
"""Half the width of a marker, in points."""
_AROUND: Sequence[Spot] = ((1, 1), (-1, -1), (0, 1), (0, -1), (-1, 0), (1, 0), (-1, 1), (1, -1))
"""Sides on which a name may stand; curves fall, so above right and below left come first."""
_AT_LINE_START: Sequence[Spot] = ((-1, 0), (-1, -1), (-1, 1), (1, 1))
_OFF_BAND = (8.0, 16.0)
"""How much farther a name may stand from a marker in a band."""
_LETTER_SIDES: Sequence[Spot] = ((1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))
_LETTER_STEPS = (0.5, 2.0, 5.0, 9.0)
"""How much farther than need be a letter may stand from its marker, in points."""
_LOWER_ROWS = 4
_MOST_STRETCHES = 40
"""Pieces into which the line of a dense curve is cut, to keep off."""
_MOST_TRIED = 16
"""Markers of one curve beside which its name is tried."""


@dataclass(frozen=True)
class Obstacles:
    """What is on the paper already."""

    boxes: tuple[Box, ...] = ()
    """Texts and markers."""
    segments: tuple[Segment, ...] = ()
    """Lines."""

    def clear(self, box: Box, rim: float = CLEAR) -> bool:
        """Nothing touches the box or its rim."""
        wide = box.grown(rim)
        return not any(wide.overlaps(other) for other in self.boxes) and not any(
            wide.crossed_by(segment) for segment in self.segments
        )

    def and_boxes(self, boxes: Iterable[Box]) -> Obstacles:
        """With more boxes."""
        return replace(self, boxes=(*self.boxes, *boxes))

    def and_segments(self, segments: Iterable[Segment]) -> Obstacles:
        """With more lines."""
        return replace(self, segments=(*self.segments, *segments))

    def and_all(self, other: Obstacles) -> Obstacles:
        """With what is in the other."""
        return Obstacles((*self.boxes, *other.boxes), (*self.segments, *other.segments))


NOTHING = Obstacles()


@dataclass(frozen=True)
class Curve:
    """A curve on the paper."""

    size: Size | None
    """Of its name, None for a curve without one."""
    spots: tuple[Spot, ...]
    """Markers, from left to right."""
    joined: tuple[Spot, ...]
    """Those on its line."""
    bars: tuple[Segment, ...]
    dense: bool = False
    """So many small markers that the line says where they are."""
    line: tuple[Spot, ...] = ()
    """A smooth line instead of one that joins the markers."""
    edges: tuple[Segment, ...] = ()
    """The ends of the band around the line."""

    @property
    def steps(self) -> tuple[Segment, ...]:
        """The pieces of its line."""
        return tuple(itertools.pairwise(self.line or self.joined))

    @property
    def own_obstacles(self) -> Obstacles:
        """What its own name keeps off: its markers, bars and line."""
        if self.dense:
            return Obstacles(boxes=tuple(_stretches(self.joined)))
        marker = Size(2 * MARKER, 2 * MARKER)
        return Obstacles(tuple(Box.at(spot, marker, (0, 0)) for spot in self.spots), (*self.bars, *self.steps))

    @property
    def obstacles(self) -> Obstacles:
        """What other texts keep off: the edges of its band too."""
        return self.own_obstacles.and_segments(self.edges)


@dataclass(frozen=True)
class Names:
    """Where the names of curves went, by the place of the curve. Curves without a name are not in it."""

    boxes: Mapping[int, Box]
    leaders: Mapping[int, Segment]
    """From the end of a curve to its name, where that is in the margin."""


def beside(curves: Sequence[Curve], frame: Frame, taken: Obstacles, *, at_start: bool) -> Names | None:
    """Every name beside its curve, or beside its first marker; None where one finds no place."""
    room = frame.box.grown(-CLEAR)
    choices: dict[int, list[Box]] = {}
    for place, curve in enumerate(curves):
        if curve.size is None:
            continue
        others = obstacles_of([other for other in curves if other is not curve])
        mine = curve.own_obstacles
        boxes = [
            box
            for box in _candidates(curve, at_start)
            if box.inside(room) and mine.clear(box) and taken.clear(box)
        ]
        # Three times the distance that it keeps from its own curve, so that it cannot be read as another's.
        free = [box for box in boxes if others.clear(box, 3 * CLEAR)]
        band = Obstacles(segments=curve.edges)
        off = [box for box in free if band.clear(box, 0.5)]
        choices[place] = off + [box for box in free if box not in off]
    chosen: dict[int, Box] = {}
    for place in sorted(choices, key=lambda place: (len(choices[place]), place)):
        rest = (
            box for box in choices[place] if not any(box.grown(CLEAR).overlaps(other) for other in chosen.values())
        )
        found = next(rest, None)
        if found is None:
            return None
        chosen[place] = found
    return Names(chosen, {})


def in_margin(curves: Sequence[Curve], frame: Frame, left: float) -> Names:
    """Every name in the margin that begins at ``left``, as near as can be to the height of its curve's end."""
    named = {place: curve.size for place, curve in enumerate(curves) if curve.size is not None}
    ends = {place: max(curves[place].line or curves[place].joined or curves[place].spots) for place in named}
    order = sorted(named, key=lambda place: (ends[place][1], -place))
    heights = [named[place].height for place in order]
    centres = stacked([ends[place][1] for place in order], heights, frame.box.y0, frame.box.y1, CLEAR)
    boxes = {p: Box.at((left, centre), named[p], (1, 0)) for p, centre in zip(order, centres, strict=True)}
    leaders = {
        p: ((ends[p][0] + MARKER, ends[p][1]), (left - CLEAR, centre))
        for p, centre in zip(order, centres, strict=True)
    }
    return Names(boxes, leaders)


def along_line(size: Size, y: float, frame: Frame, taken: Obstacles, *, above: bool, from_left: bool) -> Box:
    """A box above or below a horizontal line, as near as can be to one end; the least bad one if none is free.

    Below the line it may stand lower, where nothing is free right under it.
    """
    side = CLEAR + size.height / 2
    low, high = frame.box.x0 + 8, max(frame.box.x1 - size.width - 8, frame.box.x0 + 8)
    steps = [low + (high - low) * share / 40 for share in range(41)]
    rows = [y + side] if above else [y - side - drop * size.height for drop in range(_LOWER_ROWS)]
    boxes = [
        Box(x, centre - size.height / 2, x + size.width, centre + size.height / 2)
        for centre in rows
        for x in (steps if from_left else steps[::-1])
    ]
    return _first([box for box in boxes if box.inside(frame.box)] or boxes, taken)


def in_wall(size: Size, band: Box, taken: Obstacles) -> Box:
    """A box for upright text in a band, as low as can be."""
    x = (band.x0 + band.x1) / 2 + 1
    low, high = band.y0 + size.height / 2 + 6, band.y1 - size.height / 2 - 6
    steps = [low + (high - low) * share / 40 for share in range(41)]
    return _first([Box.at((x, y), size, (0, 0)) for y in steps], taken)


def near(size: Size, spot: Spot, frame: Frame, taken: Obstacles) -> Box:
    """A box for a letter beside a marker, as near as can be; the least bad one if none is free."""
    room = frame.box.grown(-1)
    boxes = [
        Box.at(spot, size, side, MARKER / (1.4 if all(side) else 1) + 1 + away)
        for away in _LETTER_STEPS
        for side in _LETTER_SIDES
    ]
    return _first([box for box in boxes if box.inside(room)] or boxes, taken)


def _first(boxes: Sequence[Box], taken: Obstacles) -> Box:
    """The first box that is free, else the first that covers no text or marker, else the first."""
    soft = Obstacles(boxes=taken.boxes)
    free = (box for rule, rim in ((taken, 1.5), (soft, 1.0)) for box in boxes if rule.clear(box, rim))
    return next(free, boxes[0])


def _candidates(curve: Curve, at_start: bool) -> Iterator[Box]:
    """Boxes beside the first marker; then beside the last, the others, and the middles of the line."""
    assert curve.size is not None
    spots = _thinned(curve.joined or curve.spots or curve.line)
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in itertools.pairwise(spots)]
    middles = list(_thinned(curve.line)) or middles
    for spot in spots[:1] if at_start else (spots[0], spots[-1], *spots[1:-1]):
        for away in (0.0, *(_OFF_BAND if curve.edges else ())):
            for side in _AROUND:
                yield Box.at(_beyond_marker(spot, side), curve.size, side, away)
    for spot in curve.line[:1]:
        for side in _AT_LINE_START:
            yield Box.at(spot, curve.size, side, 2 * CLEAR)
    for spot in () if at_start else middles:
        for side in _AROUND[:2]:
            yield Box.at(spot, curve.size, side, CLEAR)


def _stretches(spots: Sequence[Spot]) -> Iterator[Box]:
    """Boxes around a line of many spots, stretch by stretch, each up to the beginning of the next."""
    step = -(-len(spots) // _MOST_STRETCHES)
    for start in range(0, len(spots), step):
        xs, ys = zip(*spots[start : start + step + 1], strict=True)
        yield Box(min(xs), min(ys), max(xs), max(ys)).grown(DOT)


def _thinned(spots: Sequence[Spot]) -> Sequence[Spot]:
    """The first and last and some between."""
    if len(spots) <= _MOST_TRIED:
        return spots
    return [spots[round(n * (len(spots) - 1) / (_MOST_TRIED - 1))] for n in range(_MOST_TRIED)]


def _beyond_marker(spot: Spot, side: Spot) -> Spot:
    """The corner or edge of a name on that side of a marker: clear of it upwards, or sideways if beside it."""
    reach = MARKER + CLEAR + 0.5
    return (spot[0] + side[0] * (2 if side[1] else reach), spot[1] + side[1] * reach)


def obstacles_of(curves: Sequence[Curve], taken: Obstacles = NOTHING) -> Obstacles:
    """What curves put on the paper, besides what is there."""
    for curve in curves:
        taken = taken.and_all(curve.obstacles)
    return taken
