"""The ratio of two things that were measured in turns, with its interval."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median

Round = tuple[float, float]
"""What one round measured of the first thing and of the second."""


def ratio(rounds: Sequence[Round]) -> float:
    """Median of the second over median of the first."""
    return median(second for _, second in rounds) / median(first for first, _ in rounds)


def interval(rounds: Sequence[Round]) -> tuple[float, float]:
    """95% interval of that ratio: percentiles of 2,000 resamples of whole rounds, the same each time."""
    chance = random.Random(0)
    ratios = sorted(ratio(chance.choices(rounds, k=len(rounds))) for _ in range(2000))
    return ratios[50], ratios[1949]
