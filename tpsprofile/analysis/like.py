"""Which points may be compared: like with like, model by model; and which machine a text means."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tpsprofile.analysis.differences import Difference, Values, between, differences, values
from tpsprofile.analysis.summary import Point, Series, Summary
from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.records import Record

__all__ = [
    "Difference",
    "Match",
    "Pair",
    "Who",
    "differences",
    "find",
    "known",
    "machines",
    "matches",
    "mixed",
    "pairs",
    "values",
]

MOST_LISTED = 12
"""Machines that a message lists."""


class Pair(Record, frozen=True, kw_only=True):
    """One model on two machines."""

    model: str
    a: Point
    b: Point
    differences: tuple[Difference, ...]
    """Empty where they may be compared."""


class Who(Record, frozen=True, kw_only=True):
    """One machine of a summary."""

    machine_id: str
    machine: str
    """Its label, unlike that of any other machine."""
    chip: str | None
    ram_bytes: int | None


class Match(Record, frozen=True, kw_only=True):
    """What two machines have in common."""

    a: Who
    b: Who
    pairs: tuple[Pair, ...]
    """By size."""
    only_a: tuple[str, ...]
    """Models that only the first has a figure of."""
    only_b: tuple[str, ...]


def machines(summary: Summary) -> tuple[Who, ...]:
    """Every machine, in the order of the table."""
    found: dict[str, Who] = {}
    for one in summary.series:
        found.setdefault(one.machine_id, _who(one))
    return tuple(found.values())


def find(summary: Summary, text: str) -> Who:
    """The machine that ``text`` means, in any case.

    The whole label is looked for first, then the chip, then whole words of the label in any order, then parts of
    it. Raises UsageError, which lists what there is, where nothing or more than one machine fits, or a control.
    """
    every = machines(summary)
    if not every:
        raise UsageError("The results hold no machine.", "Measure this one first: tpsprofile sweep.")
    found = _fitting(every, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{text!r} fits several machines: {_listed(found)}.", "Write more of the one you mean.")
    if controls := _fitting(tuple(dict.fromkeys(_who(point.series) for point in summary.controls)), text):
        raise UsageError(
            f"{controls[0].machine} is a control, a service of somebody else's: no machine is compared with it.",
            f"The chart shows it beside them: tpsprofile plot. There is: {_listed(every)}.",
        )
    near = did_you_mean(text, [who.machine for who in every])
    advice = f"{near} " if near.startswith("Did") else ""
    raise UsageError(f"There is no machine {text!r}.", f"{advice}There is: {_listed(every)}.")


def known(summary: Summary, text: str) -> bool:
    """Whether ``text`` fits a machine, or several."""
    return bool(_fitting(machines(summary), text))


def pairs(summary: Summary, a: str, b: str) -> tuple[Pair, ...]:
    """Every model that both machines (ids) have a figure of, by size; of several points the pair most alike.

    Of several pairs equally alike it is the one with the shortest prompt and context, then the one whose series
    have most models in common.
    """
    looked = _looked_at(summary)
    return _pairs(looked.get(a, {}), looked.get(b, {}))


def matches(summary: Summary) -> tuple[Match, ...]:
    """What each two machines have in common, in the order of the table."""
    looked = _looked_at(summary)
    found = []
    for a, b in itertools.combinations(machines(summary), 2):
        first, second = looked.get(a.machine_id, {}), looked.get(b.machine_id, {})
        only_a = tuple(model for model in first if model not in second)
        only_b = tuple(model for model in second if model not in first)
        found.append(Match(a=a, b=b, pairs=_pairs(first, second), only_a=only_a, only_b=only_b))
    return tuple(found)


def mixed(points: Sequence[Point]) -> tuple[str, ...]:
    """Quantisations along one curve, in its order, where sizes differ in it; empty where all are alike."""
    found = tuple(dict.fromkeys(point.quantisation for point in points))
    return tuple(one or "not known" for one in found) if len(found) > 1 else ()


class _Looked(NamedTuple):
    """A point with what stands behind its differences: many are held against many."""

    point: Point
    values: Values
    place: int
    """Of its series, in the order of the table."""


def _looked_at(summary: Summary) -> dict[str, dict[str, list[_Looked]]]:
    """Machine -> model -> its points with a decode rate."""
    places = {series: place for place, series in enumerate(summary.series)}
    found: dict[str, dict[str, list[_Looked]]] = {}
    for point in summary.points:
        if point.decode is not None:
            models = found.setdefault(point.series.machine_id, {})
            models.setdefault(point.model, []).append(_Looked(point, values(point), places[point.series]))
    return found


def _pairs(first: Mapping[str, Sequence[_Looked]], second: Mapping[str, Sequence[_Looked]]) -> tuple[Pair, ...]:
    common = {model: list(itertools.product(first[model], second[model])) for model in first if model in second}
    shared = Counter((a.place, b.place) for found in common.values() for a, b in found)

    def rank(both: tuple[_Looked, _Looked]) -> tuple[int, int, int]:
        a, b = both
        works = a.point.series, b.point.series
        length = sum((one.prompt_tokens or 0) + (one.depth_tokens or 0) for one in works)
        return len(between(a.point, b.point, a.values, b.values)), length, -shared[a.place, b.place]

    best = (min(found, key=rank) for found in common.values())
    return tuple(sorted((_pair(a.point, b.point) for a, b in best), key=_size))


def _pair(a: Point, b: Point) -> Pair:
    return Pair(model=a.model, a=a, b=b, differences=differences(a, b))


def _size(pair: Pair) -> tuple[int, str]:
    return pair.a.parameters or pair.b.parameters or 0, pair.model


def _who(one: Series) -> Who:
    return Who(machine_id=one.machine_id, machine=one.machine, chip=one.chip, ram_bytes=one.ram_bytes)


def _fitting(every: Sequence[Who], text: str) -> tuple[Who, ...]:
    """Those that ``text`` may mean, by the strictest way in which any fits."""
    return next((who for who in _tiers(every, text.strip().casefold()) if who), ())


def _tiers(every: Sequence[Who], text: str) -> Iterator[tuple[Who, ...]]:
    """Machines that fit, by ever looser ways to fit."""
    words = _words(text)
    yield tuple(who for who in every if who.machine.casefold() == text)
    yield tuple(who for who in every if (who.chip or "").casefold() == text and text)
    yield tuple(who for who in every if words and set(words) <= set(_words(who.machine.casefold())))
    yield tuple(who for who in every if text and text in who.machine.casefold())
    yield tuple(who for who in every if words and all(word in who.machine.casefold() for word in words))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _listed(every: Sequence[Who]) -> str:
    more = len(every) - MOST_LISTED
    told = [who.machine for who in every[:MOST_LISTED]] + ([f"{more} more"] if more > 0 else [])
    return "; ".join(told)
