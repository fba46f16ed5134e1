"""In what two points of one model are not alike.

What nobody told counts as alike only between figures of one source, whose author did the same on both machines.
Known on one side alone, or unknown to two sources, it may differ, and so it counts as a difference. Files are
compared where both are known; where neither they nor quantisations are, one name may stand for two quantisations
also in figures measured here. Versions and options are compared within one engine alone.
"""

from __future__ import annotations

import json
from enum import StrEnum

from tpsprofile import trust
from tpsprofile.analysis.summary import Absent, Point, Series

Entry = Point | Absent
OF_THE_MACHINE = frozenset({"threads"})
"""Options that follow from the machine: one thread a core. That they differ is what is to be compared."""


class Difference(StrEnum):
    """In what two points of one model are not alike: a closed set, the words of ``--allow``."""

    QUANTISATION = "quantisation"
    DIGEST = "digest"
    """Another file, where both are known."""
    ENGINE = "engine"
    VERSION = "version"
    """Another version of the same engine."""
    CONTEXT = "context"
    """Context length reserved: what the engine says of it, else what it was asked for."""
    DEPTH = "depth"
    """Tokens in the context before the prompt."""
    PROMPT = "prompt"
    """The prompt, or the length that it is brought to."""
    TOKENS = "tokens"
    """Tokens asked for."""
    THINKING = "thinking"
    """How the prompt goes in: raw, or through a chat template that may make the model think."""
    SPECULATIVE = "speculative"
    BUILD = "build"
    """One build lacks what its processor can do, the other does not."""
    OPTIONS = "options"
    """Options of the same engine."""
    SOURCE = "source"
    """Measured and reported, or reported by two."""
    SYNTHETIC = "synthetic"
    """Real weights and a twin's. The twin has the real model's speed, so this may be allowed."""


Values = dict[Difference, str | None]
"""What stands behind each difference, as text; None is unknown."""


def differences(a: Entry, b: Entry) -> tuple[Difference, ...]:
    """In what two points of one model are not alike, in the order of ``Difference``.

    Of a model without a figure neither file nor version nor build is known: they are left out then.
    """
    return between(a, b, values(a), values(b))


def values(entry: Entry) -> Values:
    """What stands behind each difference, as text; None is unknown. What nobody looks at is left out."""
    work = entry.series
    found: Values = {
        Difference.QUANTISATION: entry.quantisation,
        Difference.ENGINE: work.engine,
        Difference.CONTEXT: _number(work.context_asked),
        Difference.DEPTH: _number(work.depth_tokens),
        Difference.PROMPT: _prompt(work),
        Difference.TOKENS: _number(work.tokens_asked),
        Difference.THINKING: work.prompt_mode,
        Difference.SPECULATIVE: "with a draft" if work.speculative else "without a draft",
        Difference.SOURCE: _source(work),
        Difference.SYNTHETIC: "synthetic" if entry.synthetic else "real",
    }
    if not work.simulated:  # the options of an invented machine are the machine
        found[Difference.OPTIONS] = _options(work)
    if isinstance(entry, Point):
        slow = trust.Warning.SLOW_BUILD in entry.warnings
        found[Difference.BUILD] = trust.Warning.SLOW_BUILD.value if slow else "in order"
        found[Difference.VERSION] = entry.engine_version
        if entry.context_tokens is not None:
            found[Difference.CONTEXT] = _number(entry.context_tokens)
        if entry.digest:
            found[Difference.DIGEST] = entry.digest
    return found


def between(a: Entry, b: Entry, mine: Values, others: Values) -> tuple[Difference, ...]:
    """The same where the ``values`` of both are known already."""
    same_source = mine[Difference.SOURCE] == others[Difference.SOURCE]
    left = _not_comparable(a, b)

    def differ(one: Difference) -> bool:
        if one in left or one not in mine or one not in others:
            return False
        if one is Difference.QUANTISATION and _is_untold(a, b):
            return True
        x, y = mine[one], others[one]
        if one is Difference.CONTEXT and not (isinstance(a, Point) and isinstance(b, Point)):
            x, y = _number(a.series.context_asked), _number(b.series.context_asked)
        return x != y or (x is None and not same_source)

    return tuple(filter(differ, Difference))


def _is_untold(a: Entry, b: Entry) -> bool:
    """Two measured points of which nobody knows whether they are of one file or of one quantisation."""
    return (
        isinstance(a, Point)
        and isinstance(b, Point)
        and a.series.provenance == b.series.provenance == "measured"
        and a.quantisation is None
        and b.quantisation is None
        and (a.digest is None or b.digest is None)
        and a != b
    )


def _not_comparable(a: Entry, b: Entry) -> set[Difference]:
    """Of two engines versions and options say nothing; of a real model and a twin their files."""
    engines = {Difference.VERSION, Difference.OPTIONS} if a.series.engine != b.series.engine else set()
    return engines | ({Difference.DIGEST} if a.synthetic != b.synthetic else set())


def _source(series: Series) -> str:
    if series.provenance == "measured":
        return series.provenance
    return f"{series.provenance}: {series.source}" if series.source else series.provenance


def _prompt(series: Series) -> str | None:
    if series.prompt is None or series.prompt_tokens is None:
        return series.prompt
    return f"{series.prompt} of {series.prompt_tokens} tokens"


def _options(series: Series) -> str | None:
    if series.options is None and series.provenance != "measured":
        return None
    try:
        found = json.loads(series.options or "{}")
    except ValueError:
        return str(series.options)
    if not isinstance(found, dict):
        return str(series.options)
    return json.dumps({key: found[key] for key in sorted(found) if key not in OF_THE_MACHINE})


def _number(count: int | None) -> str | None:
    return None if count is None else str(count)
