"""The ratio of two things that were measured in turns, with its interval."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

T = TypeVar("T")
Round = tuple[float, float]
"""What one round measured of the first thing and of the second."""


def in_turns(rounds: int, first: Callable[[], T], second: Callable[[], T]) -> list[tuple[T, T]]:
    """What both returned, round by round. Each round the other one begins, so that what drifts drifts for both."""
    found = []
    for number in range(rounds):
        if number % 2:
            later = second()
            found.append((first(), later))
        else:
            found.append((first(), second()))
    return found


def ratio(rounds: Sequence[Round]) -> float:
    """Second over first: the median of each round's own ratio, since what drifts drifts for both in a round."""
    return median(second / first for first, second in rounds)


def interval(rounds: Sequence[Round]) -> tuple[float, float]:
    """95% interval of that ratio: percentiles of 2,000 resamples of whole rounds, the same each time."""
    chance = random.Random(0)
    ratios = sorted(ratio(chance.choices(rounds, k=len(rounds))) for _ in range(2000))
    return ratios[50], ratios[1949]


def heading(first: str, second: str, unit: str = "tok/s") -> str:
    """The line above ``row``s."""
    return f"{'':10}{first + ' ' + unit:>20}{second + ' ' + unit:>20}{'ratio':>9}{'of best':>9}   95% interval"


def row(name: str, rounds: Sequence[Round], least: float | None = None, most: float | None = None) -> str:
    """Both medians, the ratio, that of the best turns, the interval, and whether that lies within the limits.

    What disturbs a machine only ever slows it, so the best turns are those that were disturbed least. They have no
    interval: they are there to be looked at.
    """
    low, high = interval(rounds)
    first, second = (median(one[index] for one in rounds) for index in (0, 1))
    best = max(one for _, one in rounds) / max(one for one, _ in rounds)
    told = f"{name:10}{first:20.2f}{second:20.2f}{ratio(rounds):9.4f}{best:9.4f}   {low:.4f} to {high:.4f}"
    return told if least is None or most is None else f"{told}   {verdict((low, high), least, most)}"


def verdict(found: tuple[float, float], least: float, most: float) -> str:
    """``within`` or ``outside`` the limits where the whole interval is, else ``undecided``."""
    low, high = found
    if least <= low and high <= most:
        return "within"
    return "outside" if high < least or low > most else "undecided"
