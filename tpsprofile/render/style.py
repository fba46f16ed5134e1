"""How charts look: colours that colour-blind readers tell apart, shapes that survive a grey printer, sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

INK = "#222222"
SOFT = "#555555"
FAINT = "#E6E6E6"
ZONE = "#F2F2F2"
PAPER = "#FFFFFF"


class Tone(NamedTuple):
    """One machine's look."""

    colour: str
    """Lines and markers."""
    text: str
    """The same hue, dark enough to read on white."""
    marker: str


TONES = (
    Tone("#0072B2", "#0068A3", "o"),
    Tone("#D55E00", "#B85100", "s"),
    Tone("#009E73", "#007A59", "D"),
    Tone("#CC79A7", "#A3457A", "^"),
    Tone("#E69F00", "#8F6300", "v"),
    Tone("#56B4E9", "#2479AB", "P"),
    Tone("#000000", "#000000", "X"),
    Tone("#7F7F7F", "#5F5F5F", "h"),
)
"""Okabe and Ito's palette and a grey; more machines than tones begin again with the first."""

DASHES: tuple[tuple[float, ...], ...] = ((), (4, 2), (1, 1.6), (6, 2, 1, 2))
"""Line patterns of one machine's curves."""
PREDICTED = (3.0, 2.0)
"""Line pattern of what was not measured."""

TITLE_PT = 18.0
ANSWER_PT = 11.0
LABEL_PT = 10.0
SMALL_PT = 9.0
WALL_PT = 8.0
FOOT_PT = 7.5
LETTER_PT = 7.5
LEADING = 1.45
"""Line height over font size."""

WIDTH_PT = 684.0
AXES_HEIGHT_PT = 310.0
MARGIN_PT = 22.0
MARGIN_TOP_PT = 12.0
DPI = 160

RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": SMALL_PT,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.9,
    "axes.unicode_minus": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "tpsprofile",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
"""On top of matplotlib's own defaults; what a user's matplotlibrc says does not count."""


def tone(number: int) -> Tone:
    """The look of the machine with that number, counted from 0."""
    return TONES[number % len(TONES)]


def tint(colour: str, share: float = 0.16) -> str:
    """A colour thinned with white, opaque: ``share`` of it stays."""
    channels = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 - share * (255 - value)):02X}" for value in channels)
