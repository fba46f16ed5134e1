"""What stands below a table: one line a warning, with the models it concerns and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from tpsprofile import trust
from tpsprofile.render.names import listed

_MOST_NAMED = 3


def advice(models: Sequence[tuple[str, Sequence[trust.Warning]]]) -> tuple[str, ...]:
    """One line for each warning that a model bears, in the order of ``trust.Warning``.

    ``models`` are the rows of a table, each by its name and its warnings.
    """
    lines = []
    for warning in trust.Warning:
        who = list(dict.fromkeys(name for name, found in models if warning in found))
        if who:
            rule = trust.RULES[warning]
            lines.append(f"{warning}{_who(who, len(models))}: {rule.when}. {rule.advice}")
    return tuple(lines)


def _who(names: Sequence[str], rows: int) -> str:
    """`` (a and b)``; nothing where the table has one row only, so that it is clear who is meant."""
    if rows == 1:
        return ""
    if len(names) == rows and rows > 2:
        return " (all)"
    more = len(names) - _MOST_NAMED
    named = list(names) if more < 2 else [*names[:_MOST_NAMED], f"{more} more"]
    return f" ({listed(named)})"
