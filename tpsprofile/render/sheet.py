"""The paper: a figure measured in points, that knows how large a text becomes and wraps it."""

from __future__ import annotations

import bisect
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from tpsprofile.render import style
from tpsprofile.render.geometry import Box, Segment, Size

_WIDEST = 2.0
"""No letter is wider than this, as a multiple of the size of its font."""


class Sheet:
    """A figure of a given size in points. Places are points from its lower left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=style.DPI, facecolor=style.PAPER)
        renderer: Any = RendererAgg
        self._renderer = renderer(width * style.DPI / 72, height * style.DPI / 72, style.DPI)
        self._sizes: dict[tuple[object, ...], Size] = {}
        self.grow(height)

    def grow(self, height: float) -> None:
        """Give the sheet another height, before anything is on it."""
        self.height = height
        self.figure.set_size_inches(self.width / 72, height / 72)

    def measure(self, words: str, size: float, **look: Any) -> Size:
        """How much room a text takes; ``look`` as for ``write``."""
        key = (words, size, *sorted(look.items()))
        if key not in self._sizes:
            text = Text(0, 0, words, fontsize=size, figure=self.figure, **look)
            extent = text.get_window_extent(self._renderer)
            scale = 72 / self.figure.dpi
            self._sizes[key] = Size(extent.width * scale, extent.height * scale)
        return self._sizes[key]

    def cut(self, words: str, size: float, width: float, **look: Any) -> str:
        """The text, or as much of its beginning as fits in ``width``, with an ellipsis."""
        if self.measure(words, size, **look).width <= width:
            return words
        fits = (f"{words[:n].rstrip()}…" for n in range(len(words) - 1, 0, -1))
        return next((text for text in fits if self.measure(text, size, **look).width <= width), "…")

    def wrap(self, words: str, size: float, width: float, **look: Any) -> list[str]:
        """Lines no wider than ``width``; a word that is wider than that is cut into pieces."""
        rest = self._short_words(words, size, width, **look)
        lines = []
        while rest:
            fits = bisect.bisect_right(
                range(1, len(rest) + 1),
                width,
                key=lambda n: self.measure(" ".join(rest[:n]), size, **look).width,
            )
            taken = max(1, fits)
            lines.append(" ".join(rest[:taken]))
            rest = rest[taken:]
        return lines

    def _short_words(self, words: str, size: float, width: float, **look: Any) -> list[str]:
        found = []
        for word in words.split():
            rest = word
            while (
                len(rest) * size * _WIDEST > width
                and len(rest) > 1
                and self.measure(rest, size, **look).width > width
            ):
                cuts = range(len(rest) - 1, 0, -1)
                cut = next((n for n in cuts if self.measure(rest[:n], size, **look).width <= width), 1)
                found.append(rest[:cut])
                rest = rest[cut:]
            found.append(rest)
        return found

    def write(self, words: str, box: Box, size: float, colour: str, **look: Any) -> Text:
        """Put a text into its box."""
        return self.figure.text(
            box.x0 / self.width,
            box.y0 / self.height,
            words,
            fontsize=size,
            color=colour,
            ha="left",
            va="bottom",
            **look,
        )

    def rule(self, segment: Segment, colour: str, width: float, **look: Any) -> None:
        """Draw a thin line anywhere on the sheet."""
        xs = [spot[0] / self.width for spot in segment]
        ys = [spot[1] / self.height for spot in segment]
        self.figure.add_artist(
            Line2D(xs, ys, color=colour, linewidth=width, transform=self.figure.transFigure, **look)
        )
