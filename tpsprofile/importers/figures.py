"""Numbers of other tools, taken with distrust: whole where they count something, finite, and within sense.

Each function takes what a file says and returns the number, or raises ``Refused`` with the name of the figure and
its line. A value may be a number (JSON) or the text of one (CSV, tables); thousands separators, blanks inside,
underscores, ``NaN`` and ``Infinity`` are no numbers here, nor is a boolean.
"""

from __future__ import annotations

import math
import re

from tpsprofile.importers.reported import Refused

TOKENS_MOST = 10**8
"""Tokens of one test; the longest contexts are some millions."""
PARAMETERS_MOST = 10**14
BYTES_MOST = 10**15
RATE_MOST = 10**7
"""tok/s, prefill included."""
SECONDS_MOST = 10**7
"""A third of a year for one test."""

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_REAL = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_SHOWN = 40


def whole(value: object, what: str, line: int | None, *, least: int = 0, most: int = 2**53) -> int:
    """A count: an integer, or the digits of one."""
    number = _whole(value)
    if number is None:
        raise Refused(f"{what} is {shown(value)}, not a whole number.", line)
    if not least <= number <= most:
        raise Refused(f"{what} is {shown(value)}, which cannot be.", line)
    return number


def real(value: object, what: str, line: int | None, *, zero: bool = False, most: float = 1e18) -> float:
    """A finite quantity above 0; with ``zero`` 0 is one too."""
    number = _real(value)
    if number is None or not math.isfinite(number):
        raise Refused(f"{what} is {shown(value)}, not a number.", line)
    if not (number > 0 or (zero and number == 0)) or number > most:
        raise Refused(f"{what} is {shown(value)}, which cannot be.", line)
    return number


def tokens(value: object, what: str, line: int | None, *, least: int = 0) -> int:
    """A number of tokens."""
    return whole(value, what, line, least=least, most=TOKENS_MOST)


def rate(value: object, what: str, line: int | None) -> float:
    """Tokens a second."""
    return real(value, what, line, most=RATE_MOST)


def word(value: object, what: str, line: int | None) -> str:
    """A text without control characters, its outer blanks taken off."""
    if not isinstance(value, str) or not value.isprintable():
        raise Refused(f"{what} is {shown(value)}, not a plain text.", line)
    return value.strip()


def shown(value: object, most: int = _SHOWN) -> str:
    """A value as messages show it: printable, and short."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python prints
        text = "a number beyond all measure"
    return text if len(text) <= most else f"{text[:most]}…"


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value.strip(" ")) else None


def _real(value: object) -> float | None:
    if isinstance(value, str):
        return float(value) if _REAL.fullmatch(value.strip(" ")) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
