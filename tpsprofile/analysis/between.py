"""Sizes that are usable on one of two machines alone, and which of them people run."""

from __future__ import annotations

from tpsprofile.analysis import rules
from tpsprofile.analysis.comparison import Comparison
from tpsprofile.analysis.speed import Crossing, End
from tpsprofile.models.catalogue import SHAPES
from tpsprofile.records import Record


class Item(Record, frozen=True, kw_only=True):
    """A model that a reason speaks of."""

    model: str
    parameters: int | None
    before_s: float | None = None
    """Time on the old machine that the limit is on; None where it has no figure."""
    after_s: float | None = None
    """The same on the new one."""


def gained_sizes(comparison: Comparison) -> tuple[Item, ...]:
    """Common sizes between the intervals of the largest usable ones, without those that both machines measured."""
    return lying(comparison, bounds(comparison, sure=True))


def bounds(c: Comparison, *, sure: bool = False) -> tuple[float, float] | None:
    """(above this, up to this) in parameters: what is usable on the new machine alone; None where nothing is.

    To be ``sure``, from the upper end of the old interval to the lower end of the new one.
    """
    old, new = c.crossing_a, c.crossing_b
    if old is None or new is None or new.parameters is None or old.end is End.BEYOND:
        return None
    upper = (new.parameters.low if sure else None) or new.parameters.value
    if new.wall and new.wall.parameters:
        upper = min(upper, new.wall.parameters - 1)
    lower = (old.parameters.high if sure and old.parameters else None) or _first_unusable(c, old)
    return None if lower is None or lower >= upper else (lower, upper)


def _first_unusable(c: Comparison, old: Crossing) -> float | None:
    """The size from which on nothing is usable on the old machine."""
    if old.end is End.MEMORY:
        return float(old.wall.parameters - 1) if old.wall and old.wall.parameters else _swapped(c, _value(old))
    if old.parameters is None:
        sizes = [row.pair.a.parameters for row in c.rows if row.pair.a.parameters]
        return float(min(sizes)) if sizes else None
    return old.parameters.value


def _swapped(c: Comparison, largest: float | None) -> float | None:
    """Where memory ends by what ran but swapped: just below the smallest size beyond ``largest`` of no use."""
    sizes = [row.pair.a.parameters or 0 for row in c.rows if row.usable_a is False]
    return min((float(size - 1) for size in sizes if largest and size > largest), default=largest)


def _value(crossing: Crossing) -> float | None:
    return crossing.parameters.value if crossing.parameters else None


def common(c: Comparison) -> tuple[Item, ...]:
    """Sizes that people run: those of the catalogue, without what both machines measured."""
    measured = [row.pair.a.parameters for row in c.rows if row.pair.a.parameters]
    measured += [change.parameters for change in (*c.gained, *c.lost) if change.parameters]
    return tuple(
        Item(model=shape.name, parameters=shape.parameters)
        for shape in SHAPES
        if not any(1 / rules.SAME_SIZE < shape.parameters / one < rules.SAME_SIZE for one in measured)
    )


def lying(c: Comparison, within: tuple[float, float] | None) -> tuple[Item, ...]:
    """Common sizes within bounds."""
    if within is None:
        return ()
    return tuple(one for one in common(c) if within[0] < (one.parameters or 0) <= within[1])
