"""What is alike and what is not, in words: what ``merge --explain`` says, and what stands below a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tpsprofile.analysis import like
from tpsprofile.analysis.like import Difference, Match, Pair
from tpsprofile.analysis.summary import Summary
from tpsprofile.analysis.usable import curve
from tpsprofile.records import Record
from tpsprofile.render.names import listed, names, plain

UNTOLD = "not known"
MOST_NAMED = 6
"""Models that a line names; the others are counted."""
_LONGEST = 32
_PLAIN_WORDS = {Difference.DIGEST: "file", Difference.THINKING: "chat template or thinking"}


class Explained(Record, frozen=True, kw_only=True):
    """What two machines have in common, as text."""

    heading: str
    """``Apple M2 Max / Apple M4 Max 128 GB: 4 models alike``"""
    lines: tuple[str, ...]
    """One a model that is not alike, and one for those that one machine alone has."""


def explained(summary: Summary) -> tuple[Explained, ...]:
    """Each two machines, those with most models alike first."""
    found = sorted(like.matches(summary), key=lambda match: -len(_alike(match)))
    return tuple(_explained(match) for match in found)


def curves(summary: Summary) -> tuple[str, ...]:
    """One line for each series whose own sizes differ in quantisation."""
    called = names(summary.series)
    found = []
    for series in summary.series:
        mixed = like.mixed(curve(summary, series))
        if mixed:
            found.append(
                f"{called[series]}: sizes differ in quantisation ({', '.join(map(plain, mixed))}); "
                "lines through them are fitted to bytes."
            )
    return tuple(found)


def advice(summary: Summary) -> str:
    """The last line: what would make more models alike; empty where all are."""
    unlike = [pair for match in like.matches(summary) for pair in match.pairs if pair.differences]
    if not unlike:
        return ""
    counts = Counter(one for pair in unlike for one in pair.differences)
    words = ",".join(one for one in Difference if counts[one])
    return (
        "To measure them alike, run the same plan on both machines: tpsprofile sweep. To compare them in spite "
        f"of it: tpsprofile compare ... --allow {words}"
    )


def differing(pair: Pair) -> str:
    """``llama3.2:1b differs in quantisation (Q8_0, Q4_K_M) and depth (0, 4096)``."""
    told = [_difference(pair, one) for one in pair.differences]
    return f"{plain(pair.model)} differs in {listed(told).replace('; ', ', ')}"


def _explained(match: Match) -> Explained:
    alike = _alike(match)
    lines = [differing(pair) for pair in match.pairs if pair.differences]
    only = ((match.a, match.only_a), (match.b, match.only_b))
    lines += [f"only on {plain(who.machine)}: {_named(models)}" for who, models in only if models]
    count = f"{len(alike)} model{'s' * (len(alike) != 1)} alike" if alike else "no model alike"
    told = f" ({_named(alike)})" if alike else ""
    return Explained(
        heading=f"{plain(match.a.machine)} / {plain(match.b.machine)}: {count}{told}", lines=tuple(lines)
    )


def _alike(match: Match) -> list[str]:
    return [pair.model for pair in match.pairs if not pair.differences]


def _difference(pair: Pair, one: Difference) -> str:
    sides = (like.values(point).get(one) for point in (pair.a, pair.b))
    told = ", ".join(UNTOLD if side is None else plain(side, _LONGEST) for side in sides)
    return f"{_PLAIN_WORDS.get(one, one.value)} ({told})"


def _named(models: Sequence[str]) -> str:
    more = len(models) - MOST_NAMED
    return ", ".join([*map(plain, models[:MOST_NAMED]), *([f"{more} more"] if more > 0 else [])])
