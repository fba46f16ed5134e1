"""What several commands take alike: the limit of usable, what may differ, and where results are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tpsprofile import units
from tpsprofile.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from tpsprofile.analysis.like import Difference
    from tpsprofile.analysis.limits import Limit

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TOK_S = 10.0
READING = "reading"


def limit_options(command: F) -> F:
    """Add ``--line`` and ``--ttft``, which the command gets as ``line`` and ``ttft``, text or None."""
    ttft = click.option("--ttft", metavar="SECONDS", help="Instead: the first token must come within this time.")
    line = click.option(
        "--line",
        metavar="TOK/S",
        help='Below it a model is too slow: a number, or "reading" (5.3, what a reader takes in).  [default: 10]',
    )
    return line(ttft(command))


def allow_option(command: F) -> F:
    """Add ``--allow``, which the command gets as ``allow``, a tuple of texts."""
    return click.option(
        "--allow",
        multiple=True,
        metavar="WORD",
        help="Compare in spite of a difference: quantisation, engine, ... (see merge --explain).",
    )(command)


def results_option(command: F) -> F:
    """Add ``--results``, which the command gets as ``results``, a tuple of paths; empty means ./results."""
    return click.option(
        "-r",
        "--results",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Files and folders of results.  [default: ./results]",
    )(command)


def chosen_limit(line: str | None, ttft: str | None) -> Limit:
    """The limit that the options ask for; 10 tok/s where they ask for none.

    Raises UsageError for both at once, and for what is no rate and no duration.
    """
    from tpsprofile.analysis.limits import Limit, What

    if line is not None and ttft is not None:
        raise UsageError("--line and --ttft are two limits.", "Choose one of them.")
    if ttft is not None:
        return Limit(what=What.TTFT, seconds=units.parse_seconds(ttft))
    return Limit.line(DEFAULT_TOK_S if line is None else rate(line))


def allowed(words: Iterable[str]) -> frozenset[Difference]:
    """Differences by their words, also several in one text with commas between. Raises UsageError for others."""
    from tpsprofile.analysis.like import Difference

    known = {difference.value: difference for difference in Difference}
    asked = [part.strip().lower() for word in words for part in word.split(",") if part.strip()]
    for one in asked:
        if one not in known:
            raise UsageError(f"{one!r} is nothing that can be allowed.", did_you_mean(one, known))
    return frozenset(known[one] for one in asked)


def rate(text: str) -> float:
    """A decode rate in tok/s, from a number or ``reading``. Raises UsageError for what is none."""
    if text.strip().lower() == READING:
        from tpsprofile.analysis.tasks import READING_TOK_S

        return READING_TOK_S
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not (math.isfinite(found) and found > 0):
        raise UsageError(f"{text!r} is not a rate in tok/s.", f"Write a number above 0, or {READING}.")
    return found
