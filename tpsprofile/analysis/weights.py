"""What a token reads of a model of any size: bytes a weight as measured, interpolated between the sizes."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence

from tpsprofile.analysis.summary import Point
from tpsprofile.records import Record

REACH = 1.5
"""How far beyond the largest measured size a line is believed, as a factor of parameters."""
_HALVINGS = 60


class Reading(Record, frozen=True, kw_only=True):
    """Work a token (bytes, or parameters) at measured sizes."""

    sizes: tuple[float, ...]
    """Parameters, rising."""
    each: tuple[float, ...]
    """Work over parameters at each size: bytes a weight, or the share of parameters that is active."""

    def at(self, parameters: float) -> float:
        """Work at a size: its share is interpolated in log parameters, and constant beyond the measured sizes."""
        place = bisect.bisect(self.sizes, parameters)
        if place in (0, len(self.sizes)):
            return parameters * self.each[min(place, len(self.sizes) - 1)]
        low, high = self.sizes[place - 1 : place + 1]
        first, second = self.each[place - 1 : place + 1]
        return parameters * (first + (second - first) * math.log(parameters / low) / math.log(high / low))

    def largest(self, work: float) -> float:
        """The largest parameter count that needs no more than ``work``; 0 for none.

        Where a coarser quantisation makes a larger model the lighter one, the larger one counts.
        """
        for low, high in reversed(list(itertools.pairwise(self.sizes))):
            if self.at(high) <= work:
                return high if high < self.sizes[-1] else work / self.each[-1]
            if self.at(low) <= work:
                return self._between(low, high, work)
        return max(work, 0.0) / self.each[0]

    def _between(self, low: float, high: float, work: float) -> float:
        """By halving: work crosses ``work`` once between a size that needs no more and a size that needs more."""
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.at(middle) <= work else (low, middle)
        return low


def reading(points: Sequence[Point], *, in_bytes: bool) -> Reading:
    """From points of known size, one a size and rising."""
    sizes = [float(point.parameters or 0) for point in points]
    works = [_work(point, in_bytes=in_bytes) for point in points]
    return Reading(sizes=tuple(sizes), each=tuple(work / size for work, size in zip(works, sizes, strict=True)))


def _work(point: Point, *, in_bytes: bool) -> float:
    return float((point.bytes_read if in_bytes else point.parameters_active or point.parameters) or 0)
