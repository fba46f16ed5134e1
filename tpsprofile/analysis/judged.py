"""How far the trials of one case can be trusted together, as a table or a running sweep has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tpsprofile import trust


def judged(
    words: Iterable[Iterable[str] | None], rates: Sequence[float], precision: float | None
) -> tuple[tuple[trust.Warning, ...], trust.Grade | None]:
    """Warnings and grade of a case from the words of each trial; None for a trial at which nobody looked.

    ``rates`` in tok/s, in the order of measurement; ``precision`` is the half-width that was aimed at, as a share.
    Words of newer versions are passed over. Without a rate, or where nobody looked at a trial, there is no grade.
    """
    seen = [one for one in words if one is not None]
    if not seen or not rates:
        return (), None
    found = trust.of_point(seen, rates, precision)
    return found, trust.grade(found)
