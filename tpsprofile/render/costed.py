"""Costs and claims as lines of a label and a text."""

from __future__ import annotations

from collections.abc import Sequence

from tpsprofile import units
from tpsprofile.analysis.claim import Bears, Checked, Claim
from tpsprofile.analysis.cost import Costs, Prices
from tpsprofile.analysis.speed import Estimate

Line = tuple[str, str]


def claim_title(claim: Claim | None) -> str:
    """``Claim: 15 to 25% faster``."""
    if claim is None:
        return ""
    ends = dict.fromkeys(f"{100 * end:g}" for end in (claim.low, claim.high))
    return f"Claim: {' to '.join(ends)}% faster"


def claim_lines(found: Sequence[Checked]) -> list[Line]:
    """What all figures say, then each model."""
    if not found:
        return []
    ends = dict.fromkeys(f"{100 * one.faster:.0f}" for one in sorted(found, key=lambda one: one.faster))
    span = " to ".join(dict.fromkeys((next(iter(ends)), list(ends)[-1])))
    borne = sum(one.bears is Bears.YES for one in found)
    return [("figures", f"{span}%; {borne} of {len(found)} as claimed"), *map(_checked, found)]


def _checked(one: Checked) -> Line:
    """``10.3B``, ``33% faster (28 to 38% by rounding): more than claimed``."""
    parts = [f"{100 * one.faster:.0f}%"]
    if one.low is not None and one.high is not None:
        why = "by rounding" if one.rounded else "by its interval"
        parts.append(f"({100 * one.low:.0f} to {100 * one.high:.0f}% {why})")
    verdict = {Bears.YES: "as claimed", Bears.MORE: "more than claimed", Bears.LESS: "less than claimed"}
    excused = one.possible and one.bears is not Bears.YES
    parts.append(f"{verdict[one.bears]}{', but not excluded' if excused else ''}")
    return f"{units.parameters(one.parameters)}", " ".join(parts)


def cost_lines(costs: Costs, prices: Prices) -> list[Line]:
    """Net price, and what it comes to for each gain; nothing without a price."""
    if costs.net is None:
        return []
    less = f" ({money(prices.price or 0.0)} less {money(prices.resale)})" if prices.resale else ""
    return [
        ("net price", f"{money(costs.net)}{less}"),
        ("per usable 1B", _price(costs.per_usable_b, costs.usable_b, "B usable")),
        ("per gained 1B", _price(costs.per_gained_b, costs.gained_b, "B gained")),
        ("per tok/s", _price(costs.per_tok_s, costs.gained_tok_s, " tok/s gained, mean of the models")),
    ]


def _price(each: Estimate | None, of: Estimate | None, what: str) -> str:
    """``193 [120 500] (16.6B gained)``."""
    if of is None:
        return f"{units.UNKNOWN} (the gain is not known)"
    if of.value <= 0:
        return f"{units.UNKNOWN} (nothing gained)"
    if each is None:
        return f"{units.UNKNOWN} ({of.value:.3g}{what})"
    return f"{_amount(each)} ({of.value:.3g}{what})"


def energy_title(prices: Prices | None) -> str:
    """What the lines of ``energy_lines`` are of."""
    return f"Electricity for a million tokens at {prices.watts:g} W" if prices and prices.watts else ""


def energy_lines(costs: Costs) -> list[Line]:
    """Electricity of each model, and what it costs."""
    return [
        (
            units.parameters(one.parameters),
            f"{one.kwh.value:.3g} kWh" + (f", {_amount(one.amount)}" if one.amount else ""),
        )
        for one in costs.energy
    ]


def _amount(one: Estimate) -> str:
    if one.low is None:
        return money(one.value)
    return f"{money(one.value)} [{money(one.low)} {units.UNKNOWN if one.high is None else money(one.high)}]"


def money(amount: float) -> str:
    """An amount in no particular currency: ``3,199``, ``48.9``, ``0.025``."""
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:.3g}"
