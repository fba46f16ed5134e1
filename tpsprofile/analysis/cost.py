"""What a gain costs. Prices are plain numbers of one currency; what nobody stated is None, like what needs it."""

from __future__ import annotations

import math

from tpsprofile.analysis.comparison import Comparison, left_out
from tpsprofile.analysis.speed import Crossing, End, Estimate, What
from tpsprofile.analysis.summary import Point
from tpsprofile.records import Record

JOULES_A_KWH = 3.6e6
TOKENS = 1e6
B = 1e9


class Prices(Record, frozen=True, kw_only=True):
    """What the user states; all amounts in one currency."""

    price: float | None = None
    """Of the new machine."""
    resale: float | None = None
    """What the old one brings."""
    kwh_price: float | None = None
    """Of a kilowatt-hour."""
    watts: float | None = None
    """What the new machine draws while it generates, W."""


class Energy(Record, frozen=True, kw_only=True):
    """Electricity of one model on the new machine."""

    model: str
    parameters: int | None
    kwh: Estimate
    """For a million generated tokens, kWh."""
    amount: Estimate | None
    """The same as money; None without a price."""


class Costs(Record, frozen=True, kw_only=True):
    """What the new machine costs for what it brings."""

    net: float | None
    """Price less resale."""
    usable_b: Estimate | None
    """Largest usable size on the new machine, 1e9 parameters."""
    gained_b: Estimate | None
    """By how much that is more than on the old one, 1e9 parameters."""
    gained_tok_s: Estimate | None
    """Decode rate gained at the typical compared model, tok/s."""
    per_usable_b: Estimate | None
    per_gained_b: Estimate | None
    per_tok_s: Estimate | None
    energy: tuple[Energy, ...]
    """One a compared model, by size."""


def costs(comparison: Comparison, prices: Prices) -> Costs:
    """Net price over each gain, and electricity a million tokens.

    Net price = price - resale (nothing, where none is stated). A gain that may be 0 has no upper bound of its
    price (``high`` is None), and one that is 0 or less has no price at all.
    """
    net = None if prices.price is None else prices.price - (prices.resale or 0.0)
    usable_b, gained_b = usable(comparison.crossing_b), _gained(comparison)
    rate = gained_rate(comparison)
    return Costs(
        net=net,
        usable_b=usable_b,
        gained_b=gained_b,
        gained_tok_s=rate,
        per_usable_b=_each(net, usable_b),
        per_gained_b=_each(net, gained_b),
        per_tok_s=_each(net, rate),
        energy=tuple(_energy(row.pair.b, prices) for row in comparison.rows if row.pair.b.decode)
        if prices.watts
        else (),
    )


def usable(crossing: Crossing | None) -> Estimate | None:
    """The largest usable size in 1e9 parameters; None where it is not known or no model is usable."""
    if crossing is None or crossing.parameters is None:
        return None
    return _scaled(crossing.parameters, 1 / B)


def gained_rate(comparison: Comparison) -> Estimate | None:
    """Decode rate gained, tok/s: geometric mean over the compared models on the new machine less that on the old.

    That is mean_old x (ratio - 1) with the mean ratio; where the limit is on decode it inherits its interval.
    """
    bad = left_out(comparison.rows)
    pairs = [(row.pair.a.decode, row.pair.b.decode) for row in comparison.rows if row.compared and row not in bad]
    known = [(a.median, b.median) for a, b in pairs if a is not None and b is not None]
    if not known:
        return None
    before = math.exp(sum(math.log(a) for a, _ in known) / len(known))
    after = math.exp(sum(math.log(b) for _, b in known) / len(known))
    overall = comparison.overall if comparison.limit.what is What.DECODE else None
    low, high = (overall.low, overall.high) if overall is not None else (None, None)
    return Estimate(
        value=after - before,
        low=None if low is None else before * (low - 1),
        high=None if high is None else before * (high - 1),
    )


def energy_kwh(watts: float, tok_s: float) -> float:
    """Electricity of a million tokens, kWh: W / (tok/s) is J a token; times 1e6 tokens, over 3.6e6 J a kWh."""
    return watts / tok_s * TOKENS / JOULES_A_KWH


def _energy(point: Point, prices: Prices) -> Energy:
    """Of one model; the interval is that of its decode rate."""
    assert point.decode is not None
    assert prices.watts is not None
    ends = point.interval
    kwh = Estimate(
        value=energy_kwh(prices.watts, point.decode.median),
        low=energy_kwh(prices.watts, ends.high) if ends else None,
        high=energy_kwh(prices.watts, ends.low) if ends and ends.low > 0 else None,
    )
    amount = None if prices.kwh_price is None else _scaled(kwh, prices.kwh_price)
    return Energy(model=point.model, parameters=point.parameters, kwh=kwh, amount=amount)


def _gained(comparison: Comparison) -> Estimate | None:
    """Difference of the two largest usable sizes; None where that of the old machine is not known.

    Its interval is that of a difference of two estimates that know nothing of each other: the distances from
    either to its ends, as the root of the sum of squares (R. Newcombe, Statistics in Medicine 17, 1998).
    """
    before = comparison.crossing_a
    old, new = usable(before), usable(comparison.crossing_b)
    if before is None or before.end is End.BEYOND or old is None or new is None:
        return None
    value = new.value - old.value
    if None in {old.low, old.high, new.low, new.high}:
        return Estimate(value=value, low=None, high=None)
    below = math.hypot(new.value - (new.low or 0.0), (old.high or 0.0) - old.value)
    above = math.hypot((new.high or 0.0) - new.value, old.value - (old.low or 0.0))
    return Estimate(value=value, low=value - below, high=value + above)


def _each(net: float | None, gain: Estimate | None) -> Estimate | None:
    """Net price over a gain; None where either is unknown or not above 0."""
    if net is None or gain is None or net <= 0 or gain.value <= 0:
        return None
    return Estimate(
        value=net / gain.value,
        low=None if gain.high is None else net / gain.high,
        high=net / gain.low if gain.low is not None and gain.low > 0 else None,
    )


def _scaled(one: Estimate, factor: float) -> Estimate:
    return Estimate(
        value=one.value * factor,
        low=None if one.low is None else one.low * factor,
        high=None if one.high is None else one.high * factor,
    )
