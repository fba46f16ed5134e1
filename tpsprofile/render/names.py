"""What each series is called in charts and tables: as short as tells it apart from the others."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from tpsprofile.analysis.summary import Series

LONGEST = 64
"""Characters of a name that are shown."""
LONGEST_OPTIONS = 40
"""Characters of options in a name."""
_MARKS = "†‡§¶"


def names(series: Sequence[Series]) -> Mapping[Series, str]:
    """Series -> its machine, with engine, work or origin where the machine has several series.

    Invented figures are always called simulated.
    """
    found: dict[Series, str] = {}
    for one in series:
        name = " · ".join([plain(one.machine), *additions(one, series)])
        same = sum(1 for other in found.values() if other == name or other.startswith(f"{name} #"))
        found[one] = f"{name} #{same + 1}" if same else name
    return found


def additions(one: Series, series: Sequence[Series]) -> list[str]:
    """What follows a machine's name: in what the series differs from others of its machine; ``simulated``."""
    siblings = [other for other in series if other.machine_id == one.machine_id]
    return _differences(one, siblings) + (["simulated"] if one.simulated else [])


def marks(series: Sequence[Series]) -> Mapping[str, str]:
    """Source of reported figures -> the sign that stands for it beside names and at the foot."""
    sources = dict.fromkeys(source(one) for one in series if one.provenance != "measured")
    return {name: _MARKS[place % len(_MARKS)] * (1 + place // len(_MARKS)) for place, name in enumerate(sources)}


def signed(called: Mapping[Series, str]) -> Mapping[Series, str]:
    """The same names, with the sign of their source where figures are reported."""
    signs = marks(list(called))
    return {one: name + sign(one, signs) for one, name in called.items()}


def sign(series: Series, signs: Mapping[str, str]) -> str:
    """What follows the name of a series whose figures are reported: `` †``."""
    return "" if series.provenance == "measured" else f" {signs[source(series)]}"


def source(series: Series) -> str:
    """Who reported the figures of a series that was not measured by this program."""
    return plain(series.source or "a source that is not named", longest=200)


def plain(text: str, longest: int = LONGEST) -> str:
    """Text from a file on one line: no control characters, and cut where it is very long."""
    line = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def listed(items: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``; with semicolons where an item has a comma of its own."""
    comma = "; " if any("," in item for item in items) else ", "
    return " and ".join(filter(None, [comma.join(items[:-1]), *items[-1:]]))


def _differences(one: Series, siblings: Sequence[Series]) -> list[str]:
    """What sets a series apart from others of its machine."""
    parts = {
        "engine": one.engine,
        "provenance": one.provenance,
        "prompt": one.prompt and f"prompt {one.prompt}",
        "tokens_asked": one.tokens_asked and f"{one.tokens_asked} tokens",
        "context_asked": one.context_asked and f"context {one.context_asked}",
        "prompt_tokens": one.prompt_tokens and f"prompt of {one.prompt_tokens} tokens",
        "depth_tokens": None if one.depth_tokens is None else f"at depth {one.depth_tokens}",
        "speculative": one.speculative and "speculative decoding",
    }
    differ = [part for field, part in parts.items() if len({getattr(other, field) for other in siblings}) > 1]
    return [plain(part) for part in (*differ, *_options(one, siblings)) if part]


def options_apart(mine: str | None, others: Sequence[str | None]) -> list[str]:
    """The options (as JSON) in which one set differs from the others: ``threads 2``; not spelt out if long."""
    own, every = _parsed(mine), [_parsed(other) for other in others]
    keys = [key for key in sorted(own) if any(other.get(key) != own[key] for other in every)]
    told = [f"{key} {own[key]}" for key in keys]
    return told if len(", ".join(told)) <= LONGEST_OPTIONS else ["options of its own"]


def _options(one: Series, siblings: Sequence[Series]) -> list[str]:
    """The engine options in which a series differs from others of its machine and engine."""
    return options_apart(one.options, [other.options for other in siblings if other.engine == one.engine])


def _parsed(options: str | None) -> dict[str, object]:
    try:
        found = json.loads(options or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
