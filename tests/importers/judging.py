"""Whether what is read from a damaged copy is right, or refused as it should be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from tests.importers.mangler import Copy, copies
from tpsprofile import importers
from tpsprofile.importers import Part, Refused
from tpsprofile.records import Trial

Figures = tuple[float | None, ...]
NAME = "copy.txt"


def rates(trial: Trial) -> Figures:
    """What a chart or a table would show of a trial: tok/s while generating, tok/s of the prompt."""
    return trial.decode_tok_s, trial.prefill_tok_s


def rates_and_ttft(trial: Trial) -> Figures:
    """The same, and the time to the first token."""
    return *rates(trial), trial.ttft_s


def rates_and_tokens(trial: Trial) -> Figures:
    """The rates, and the tokens behind them."""
    return *rates(trial), trial.tokens_in, trial.tokens_out


def faults(
    original: bytes,
    format_name: str,
    told: Callable[[Trial], Figures] = rates,
    count: int = 1000,
    *,
    together: bool = True,
) -> Iterator[str]:
    """What is wrong with each damaged copy that is neither right nor refused well.

    Right is every figure of every trial within two thousandths of one trial of the original: what rounding
    hides may change. No copy damaged once has more trials than the original. Without ``together`` each figure
    may be another trial's: where lines of two trials change places, nothing tells. Anything but ``Refused`` ends
    the test with its traceback.
    """
    known = [told(trial) for part in importers.read(original, NAME, format_name) for trial in part.trials]
    for number, copy in enumerate(copies(original, count)):
        try:
            parts = importers.read(copy.content, NAME)
        except Refused as refused:
            fault = _badly_refused(refused, copy.content)
        else:
            right = known if together else list(itertools.product(*zip(*known, strict=True)))
            fault = _wrong(parts, right, told) or _too_many(parts, len(known), copy)
        if fault:
            yield f"copy {number} ({copy.damage}): {fault}"


def _badly_refused(refused: Refused, content: bytes) -> str | None:
    said = str(refused)
    lines = content.count(b"\n") + content.count(b"\r") + 1
    if not said.startswith(NAME) or not refused.reason or not said.isprintable() or len(said) > 400:
        return f"a poor message: {said[:500]!r}"
    if refused.line is not None and not 1 <= refused.line <= lines:
        return f"line {refused.line} of {lines}"
    return None


def _wrong(parts: tuple[Part, ...], known: list[Figures], told: Callable[[Trial], Figures]) -> str | None:
    for part in parts:
        for trial in part.trials:
            figures = told(trial)
            if not any(_close(figures, right) for right in known):
                return f"a wrong figure: {figures}"
    return None if any(part.trials for part in parts) else "nothing, and no word of it"


def _too_many(parts: tuple[Part, ...], known: int, copy: Copy) -> str | None:
    """A file that is doubled and then changed has new figures, and nothing tells that they are none."""
    found = sum(len(part.trials) for part in parts)
    return f"{found} trials of {known}" if found > known and ", " not in copy.damage else None


def _close(figures: Figures, right: Figures) -> bool:
    """Figures may be missing in a damaged copy, but not differ."""
    return all(
        one is None or (other is not None and math.isclose(one, other, rel_tol=2e-3))
        for one, other in zip(figures, right, strict=True)
    )
