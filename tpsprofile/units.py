"""Quantities, and how each one prints.

Records hold plain numbers in base units (seconds, bytes, tokens per second, parameters). Only this module
turns them into words, and it prints an unknown (None) as a dash, never as 0.
"""

from __future__ import annotations

import re

from tpsprofile.errors import UsageError

UNKNOWN = "–"
MIB = 1024**2
GIB = 1024**3
GB = 10**9


def rate(tok_s: float | None) -> str:
    """Tokens per second with three significant digits: ``6.72``, ``31.4``, ``124``."""
    if tok_s is None:
        return UNKNOWN
    if tok_s >= 99.95:
        return f"{tok_s:,.0f}"
    return f"{tok_s:.1f}" if tok_s >= 9.995 else f"{tok_s:.2f}"


def seconds(value: float | None) -> str:
    """A duration a person reads at a glance: ``61 ms``, ``1.2 s``, ``42 s``, ``3:05 min``, ``1:02 h``."""
    if value is None:
        return UNKNOWN
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 90:
        return f"{whole} s"
    if whole < 5400:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def memory(size_bytes: float | None) -> str:
    """Bytes in GiB (MiB below 0.1 GiB): ``94 MiB``, ``1.5 GiB``, ``46.1 GiB``."""
    if size_bytes is None:
        return UNKNOWN
    if abs(size_bytes) < 0.1 * GIB:
        return f"{size_bytes / 1024**2:.0f} MiB"
    return f"{size_bytes / GIB:.1f} GiB"


def bandwidth(bytes_s: float | None) -> str:
    """Memory bandwidth in GB/s, powers of ten, as on a data sheet."""
    if bytes_s is None:
        return UNKNOWN
    return f"{bytes_s / GB:.3g} GB/s" if bytes_s < 1000 * GB else f"{bytes_s / GB:,.0f} GB/s"


def parameters(count: float | None) -> str:
    """A parameter count as people say it: ``135M``, ``0.49B``, ``1.2B``, ``72.7B``, ``1.5T``."""
    if count is None:
        return UNKNOWN
    if count < 0.4e9:
        return f"{count / 1e6:.0f}M"
    if count >= 0.99995e12:
        return f"{count / 1e12:.3g}T"
    return f"{count / 1e9:.2f}B" if count < 0.995e9 else f"{count / 1e9:.1f}B"


def nominal_ram(size_bytes: float | None) -> str:
    """Installed memory as it is sold: the system reports a little less than the label on the box.

    The nearest usual size (a power of two, or one and a half of one) within 8% above what the system reports;
    otherwise the whole GiB nearest to it, with one decimal below 1 GiB.
    """
    if size_bytes is None:
        return UNKNOWN
    gib = size_bytes / GIB
    usual = sorted({2**k for k in range(0, 13)} | {3 * 2**k for k in range(0, 11)})
    sold = next((size for size in usual if gib <= size * 1.001), usual[-1])
    return f"{sold} GB" if sold <= gib * 1.08 else f"{gib:.{0 if gib >= 1 else 1}f} GB"


def parse_memory(text: str) -> int:
    """Bytes of memory from ``128``, ``128GB`` or ``128 GiB``, as memory is sold (2^30 bytes each).

    Raises UsageError for anything else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:gi?b?)?\s*", text, re.IGNORECASE)
    if not found or not 0.25 <= float(found[1]) <= 1e5:
        raise UsageError(f"{text!r} is not an amount of memory.", "Write it in GB: 128.")
    return round(float(found[1]) * GIB)


_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|sec|m|min|h)?\s*$", re.IGNORECASE)
_FACTORS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_seconds(text: str | int | float) -> float:
    """Seconds from ``90``, ``"90s"``, ``"5m"`` or ``"1.5h"``.

    Raises UsageError for anything else, and for a duration of zero.
    """
    found = _DURATION.match(str(text))
    value = float(found[1]) * _FACTORS[(found[2] or "s").lower()] if found else 0.0
    if value <= 0:
        raise UsageError(f"{text!r} is not a duration.", "Write it as 90s, 5m or 1.5h.")
    return value
