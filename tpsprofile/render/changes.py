"""How figures change along a curve, in words: first, last, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from tpsprofile.analysis.summary import Point

_MOST_LINES = 4
_MINUTE_S = 60.0


class Change(NamedTuple):
    """A figure at both ends of a curve, each with where that is."""

    first: float
    at_first: str
    last: float
    at_last: str

    @property
    def ratio(self) -> float:
        """Last over first."""
        return self.last / self.first


def in_time(point: Point) -> Change:
    """The median rate of a point's first minute and of its last; of its halves below two minutes."""
    timed = [(sample.after_s, sample.tok_s) for sample in point.samples if sample.after_s is not None]
    end = max(after for after, _ in timed)
    whole = end >= 2 * _MINUTE_S
    part = _MINUTE_S if whole else end / 2
    unit = "minute" if whole else "half"
    return Change(
        median(rate for after, rate in timed if after <= part),
        f"in the first {unit}",
        median(rate for after, rate in timed if after >= end - part),
        "in the last" if whole else "in the second",
    )


def told(entries: Sequence[tuple[str, Change]], show: Callable[[float | None], str], unit: str) -> tuple[str, ...]:
    """One line a curve; of many the largest changes, and between which the others lie."""
    if len(entries) <= _MOST_LINES:
        return tuple(_line(who, change, show, unit) for who, change in entries)
    ordered = sorted(entries, key=lambda entry: -abs(entry[1].ratio - 1))
    ratios = sorted(change.ratio for _, change in ordered[_MOST_LINES - 1 :])
    least, most = share(ratios[0]), share(ratios[-1])
    between = least if least == most else f"{least} to {most}"
    shown = [_line(who, change, show, unit) for who, change in ordered[: _MOST_LINES - 1]]
    return (*shown, f"{len(ratios)} others: {between}.")


def share(ratio: float) -> str:
    """A change as people say it: ``−15%``, ``+4%``, ``×3.2``, ``±0%``."""
    if ratio >= 2:
        return f"×{ratio:.2g}" if ratio < 9.95 else f"×{ratio:,.0f}"
    per_cent = round(100 * (ratio - 1))
    return f"{'−' if per_cent < 0 else '+'}{abs(per_cent)}%" if per_cent else "±0%"


def _line(who: str, change: Change, show: Callable[[float | None], str], unit: str) -> str:
    first, last = f"{show(change.first)}{unit} {change.at_first}", f"{show(change.last)} {change.at_last}"
    return f"{who}: {first}, {last} ({share(change.ratio)})."
