"""Whether another machine is worth buying: rules over a comparison, the first that applies decides."""

from __future__ import annotations

from tpsprofile.analysis.claim import Checked, Claim, check
from tpsprofile.analysis.comparison import Comparison
from tpsprofile.analysis.evidence import Reason, reasons
from tpsprofile.analysis.rules import RULES, Verdict
from tpsprofile.analysis.sweetspot import Spot, spots
from tpsprofile.records import Record


class Decision(Record, frozen=True, kw_only=True):
    """A verdict, and what it rests on."""

    verdict: Verdict
    decisive: Reason
    """The first reason that speaks for a verdict."""
    further: tuple[Reason, ...]
    """Others that speak for a verdict, this one or another."""
    doubts: tuple[Reason, ...]
    """What weakens it; changes none."""
    spots: tuple[Spot, Spot]
    """The largest usable model on the old and the new machine, and what the next one would need."""
    corrections: tuple[Checked, ...]
    """What somebody claimed, model by model; empty without a claim."""


def decide(comparison: Comparison, claim: Claim | None = None) -> Decision:
    """Apply the rules of ``rules.RULES`` in their order. Prices take no part: what a gain is worth is the buyer's.

    Some rule always decides: without ratio there is nothing to compare, and those on the ratio cover its range.
    """
    found = reasons(comparison)
    speaking = [reason for reason in found if RULES[reason.rule].verdict is not None]
    decisive = speaking[0]
    verdict = RULES[decisive.rule].verdict
    assert verdict is not None
    return Decision(
        verdict=verdict,
        decisive=decisive,
        further=tuple(speaking[1:]),
        doubts=tuple(reason for reason in found if RULES[reason.rule].verdict is None),
        spots=spots(comparison),
        corrections=check(comparison, claim) if claim is not None else (),
    )
