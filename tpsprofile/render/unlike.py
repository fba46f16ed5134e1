"""What is alike and what is not, in words: what ``merge --explain`` says, and what stands below a comparison."""

from __future__ import annotations

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


class Explained(Record, frozen=True, kw_only=True):
    """What two machines have in common, as text."""

    heading: str
    """``Apple M2 Max / Apple M4 Max 128 GB: 4 models alike``"""
    lines: tuple[str, ...]
    """One a model that is not alike, and one for those that one machine alone has."""


class Unlike(Record, frozen=True, kw_only=True):
    """One model that is not alike, for a program."""

    model: str
    differences: dict[str, tuple[str | None, str | None]]
    """Word of a difference -> what it is on the first and on the second machine; None is unknown."""


class Explanation(Record, frozen=True, kw_only=True):
    """What two machines have in common, for a program."""

    a: str
    b: str
    alike: tuple[str, ...]
    unlike: tuple[Unlike, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


def explained(matches: Sequence[Match]) -> tuple[Explained, ...]:
    """Each two machines, those with most models alike first."""
    return tuple(_explained(match) for match in sorted(matches, key=_order))


def document(matches: Sequence[Match]) -> tuple[Explanation, ...]:
    """The same for a program, in the order of the table."""
    return tuple(
        Explanation(
            a=match.a.machine,
            b=match.b.machine,
            alike=tuple(_alike(match)),
            unlike=tuple(
                Unlike(model=pair.model, differences={one.value: _sides(pair, one) for one in pair.differences})
                for pair in match.pairs
                if pair.differences
            ),
            only_a=match.only_a,
            only_b=match.only_b,
        )
        for match in matches
    )


def curves(summary: Summary) -> tuple[str, ...]:
    """One line for each series whose own sizes differ in quantisation."""
    called = names(summary.series)
    found = []
    for series in summary.series:
        points = curve(summary, series)
        told = ", ".join(map(plain, like.mixed(points)))
        in_bytes = all(point.bytes_read for point in points)
        fit = "the fit works in bytes" if in_bytes else "a fit by parameters may be off"
        if told:
            found.append(f"{called[series]}: sizes differ in quantisation ({told}); {fit}.")
    return tuple(found)


def advice(matches: Sequence[Match]) -> str:
    """The last line: what would make more models alike; empty where all are."""
    unlike = [pair for match in matches for pair in match.pairs if pair.differences]
    found = {one for pair in unlike for one in pair.differences}
    if not unlike:
        return ""
    words = ",".join(one for one in Difference if one in found)
    return (
        "To measure alike, run the same plan on both machines: tpsprofile sweep. To compare all the same: "
        f"tpsprofile compare A B --allow {words}"
    )


def differing(pair: Pair) -> str:
    """``llama3.2:1b differs in quantisation (Q8_0, Q4_K_M) and depth (0, 4096)``."""
    told = [_difference(pair, one) for one in pair.differences]
    return f"{plain(pair.model)} differs in {listed(told).replace('; ', ', ')}"


def _explained(match: Match) -> Explained:
    heading = f"{plain(match.a.machine)} / {plain(match.b.machine)}"
    if not match.pairs:
        return Explained(heading=f"{heading}: no model in common", lines=())
    alike = _alike(match)
    lines = [f"alike: {_named(alike)}"] if alike else []
    if any(pair.a.quantisation is None for pair in match.pairs if not pair.differences):
        lines.append("quantisation not known of some of them, but from one source")
    lines += [differing(pair) for pair in match.pairs if pair.differences]
    only = ((match.a, match.only_a), (match.b, match.only_b))
    lines += [f"only on {plain(who.machine)}: {_named(models)}" for who, models in only if models]
    count = f"{len(alike)} model{'s' * (len(alike) != 1)} alike" if alike else "no model alike"
    return Explained(heading=f"{heading}: {count}", lines=tuple(lines))


def _order(match: Match) -> tuple[int, int]:
    return -len(_alike(match)), -len(match.pairs)


def _alike(match: Match) -> list[str]:
    return [pair.model for pair in match.pairs if not pair.differences]


def _difference(pair: Pair, one: Difference) -> str:
    told = ", ".join(UNTOLD if side is None else plain(side, _LONGEST) for side in _sides(pair, one))
    return f"{one.value} ({told})"


def _sides(pair: Pair, one: Difference) -> tuple[str | None, str | None]:
    return like.values(pair.a).get(one), like.values(pair.b).get(one)


def _named(models: Sequence[str]) -> str:
    more = len(models) - MOST_NAMED
    return ", ".join([*map(plain, models[:MOST_NAMED]), *([f"{more} more"] if more > 0 else [])])
