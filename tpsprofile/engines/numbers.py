"""Numbers that a server tells: finite, and no larger than such a thing can be; anything else is unknown."""

from __future__ import annotations

MOST = 2**53
"""The largest whole number that is taken, of bytes or parameters."""
MOST_TOKENS = 10**9
"""The same of tokens."""
MOST_S = 10.0**7
"""The longest time that is taken, in seconds: a third of a year."""


def whole(value: object, most: int = MOST) -> int | None:
    """A whole number from 0 to ``most``; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def tokens(value: object) -> int | None:
    """A number of tokens, 0 or more; None for anything else."""
    return whole(value, MOST_TOKENS)


def seconds(value: object, per_second: int = 1) -> float | None:
    """A time above 0 in seconds, of one in parts of which ``per_second`` are a second; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= MOST_S * per_second:
        return None
    return value / per_second
