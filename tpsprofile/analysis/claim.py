"""What somebody says of a machine, checked against the figures."""

from __future__ import annotations

from enum import StrEnum

from tpsprofile.analysis.comparison import Comparison, Row, counted
from tpsprofile.analysis.rules import PREDICTED
from tpsprofile.analysis.speed import Estimate, What
from tpsprofile.analysis.summary import Point
from tpsprofile.records import Record

SLACK = 0.005
"""Claims come in whole per cent."""


class Claim(Record, frozen=True, kw_only=True):
    """By how much the second machine is said to be faster, as shares: 15 to 25% is 0.15 and 0.25."""

    low: float
    high: float


class Bears(StrEnum):
    """What a figure says of a claim."""

    YES = "as claimed"
    MORE = "more"
    LESS = "less"


class Checked(Record, frozen=True, kw_only=True):
    """One model against the claim."""

    model: str
    parameters: int | None
    faster: float
    """Share by which the second is faster: ratio - 1."""
    low: float | None
    """95% interval of it, where there are trials enough; for reported whole numbers what rounding allows."""
    high: float | None
    rounded: bool
    """The interval is that of rounding."""
    bears: Bears
    """By the figure itself."""
    possible: bool
    """The interval reaches the claim."""


def check(comparison: Comparison, claim: Claim) -> tuple[Checked, ...]:
    """Every compared model against the claim, by size.

    Where others reported whole numbers each may be 0.5 off, which alone makes (b ± 0.5) / (a ± 0.5) of a ratio.
    """
    return tuple(_checked(row, row.ratio, comparison, claim) for row in counted(comparison.rows) if row.ratio)


def _checked(row: Row, ratio: Estimate, comparison: Comparison, claim: Claim) -> Checked:
    ends = _rounding(row.pair.a, row.pair.b) if comparison.limit.what is What.DECODE else None
    low, high = ends or (ratio.low, ratio.high)
    faster = ratio.value - 1
    least, most = claim.low - SLACK, claim.high + SLACK
    bears = Bears.MORE if faster > most else Bears.LESS if faster < least else Bears.YES
    reaches = low is not None and high is not None and low - 1 <= most and high - 1 >= least
    return Checked(
        model=row.pair.a.model,
        parameters=row.pair.a.parameters,
        faster=faster,
        low=None if low is None else low - 1,
        high=None if high is None else high - 1,
        rounded=ends is not None,
        bears=bears,
        possible=bears is Bears.YES or reaches,
    )


def _rounding(a: Point, b: Point) -> tuple[float, float] | None:
    """Lowest and highest ratio that rounding allows; None unless others reported nothing but whole numbers."""
    own = {"measured", PREDICTED} & {a.series.provenance, b.series.provenance}
    if own or a.decode is None or b.decode is None:
        return None
    if not all(sample.tok_s == round(sample.tok_s) for point in (a, b) for sample in point.samples):
        return None
    if a.decode.median <= 0.5:
        return None
    return (b.decode.median - 0.5) / (a.decode.median + 0.5), (b.decode.median + 0.5) / (a.decode.median - 0.5)
