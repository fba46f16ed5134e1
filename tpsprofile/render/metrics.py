"""The kinds of charts: what each asks, and what its axes count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tpsprofile import units
from tpsprofile.analysis.courses import DEPTH, PROMPT
from tpsprofile.render import words
from tpsprofile.render.picture import Ticks


class Metric(NamedTuple):
    """One kind of chart."""

    title: str
    caption: str
    """What the vertical axis counts, with its unit."""
    figures: tuple[tuple[str, str], ...]
    """Fields of a point, each with what it adds to the name of a curve."""
    ticks: Ticks
    foot: tuple[str, ...] = ()
    """What the foot says of it first."""
    against: str = "parameters"
    """``parameters``, a field of a series along which models are compared with themselves, or ``time``."""


PARAMETERS, TIME = "parameters", "time"
DECODE = "decode"
"""The field of a point that has an interval and a grade."""


def _steps(*steps: float) -> tuple[float, ...]:
    return tuple(step * 10.0**decade for decade in range(-3, 5) for step in steps)


_STEPS = (_steps(1, 2, 5), _steps(1.5, 3, 4, 7), _steps(1.2, 1.4, 1.6, 1.8, 2.5, 3.5, 4.5, 6, 8, 9))
_RATES: Ticks = tuple(tuple((value, f"{value:,g}") for value in values) for values in _STEPS)
_SECONDS: Ticks = tuple(tuple((value, words.short_seconds(value)) for value in values) for values in _STEPS)
RATIOS: Ticks = (
    tuple((value, f"{value:g}×") for value in _steps(1, 2, 5)),
    tuple((value, f"{value:g}×") for value in _steps(1.5, 3, 7)),
    tuple((value, f"{value:g}×") for value in _steps(1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.5, 4, 6, 8, 9)),
)
_GIBS: Ticks = (tuple((2.0**power * units.GIB, words.short_memory(2.0**power)) for power in range(-6, 13)),)
SIZES: Ticks = (
    (
        (135e6, "135M"),
        (0.5e9, "0.5B"),
        (1e9, "1B"),
        (3e9, "3B"),
        (7e9, "7B"),
        (14e9, "14B"),
        (32e9, "32B"),
        (72e9, "72B"),
        (200e9, "200B"),
        (500e9, "500B"),
        (1000e9, "1000B"),
    ),
)
"""Sizes that people know."""

METRICS: Mapping[str, Metric] = {
    "tokens": Metric(
        "How large a model stays usable?", "tokens per second while generating", ((DECODE, ""),), _RATES
    ),
    "load": Metric(
        "How long does a model take to load?",
        "until the model can answer",
        (("load_first", "first load"), ("load_later", "later loads")),
        _SECONDS,
        ("Solid: the first load of a run. Dashed: later loads, which the system's file cache helps.",),
    ),
    "ttft": Metric("How long until the first word?", "until the first token", (("ttft", ""),), _SECONDS),
    "memory": Metric(
        "How much memory does a model take?",
        "peak memory, GiB",
        (("rss", "resident"), ("available_fall", "fall in available")),
        _GIBS,
        (
            "Solid: resident set of the engine's processes; of a mapped file it counts what was touched. "
            "Dashed: how far the system's available memory fell.",
        ),
    ),
    "depth": Metric(
        "What does a long context cost?",
        "tokens per second while generating",
        ((DECODE, ""),),
        _RATES,
        against=DEPTH,
    ),
    "depth-ttft": Metric(
        "How long until the first word after a long context?",
        "until the first token",
        (("ttft", ""),),
        _SECONDS,
        against=DEPTH,
    ),
    "prompt-ttft": Metric(
        "How long does a prompt take to read?",
        "until the first token",
        (("ttft", ""),),
        _SECONDS,
        against=PROMPT,
    ),
    "sustained": Metric(
        "Does it keep its speed?", "tokens per second while generating", ((DECODE, ""),), _RATES, against=TIME
    ),
}
"""Name of a metric -> its chart."""
