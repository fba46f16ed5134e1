"""Charts: a summary becomes a picture in a file. ``draw`` is all that commands need."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from tpsprofile.analysis.comparison import Comparison
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Summary
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.files import replacing
from tpsprofile.merge import gather
from tpsprofile.render import beside, engines, style
from tpsprofile.render.compose import compose
from tpsprofile.render.dots import paint_dots
from tpsprofile.render.gains import gains
from tpsprofile.render.metrics import METRICS
from tpsprofile.render.paint import paint
from tpsprofile.render.picture import Picture
from tpsprofile.render.strips import paint_strips

if TYPE_CHECKING:
    from tpsprofile.render.predicted import Curve

__all__ = ["METRICS", "SUFFIXES", "draw", "draw_comparison", "draw_files", "draw_picture", "drawable", "figure"]

SUFFIXES = (".png", ".svg", ".pdf")
"""What a chart can be saved as."""
ENGINES = "engines"
"""The chart of one model through several engines: figures under each other, without a second axis."""
_UNDATED = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""Without a date, the same results give the same file."""


def draw(
    summary: Summary,
    path: Path,
    *,
    metric: str = "tokens",
    line_tok_s: float = 10.0,
    predicted: Sequence[Curve] = (),
) -> Path:
    """Draw one metric (a key of ``METRICS``, or ``ENGINES``) to a .png, .svg or .pdf, whole or not at all.

    ``predicted`` curves are drawn beside measured ones; they are of tokens/s against size alone.

    Raises UsageError for another suffix, an unknown metric or a line that is not above 0, ResultsError where there
    is nothing to draw or the file cannot be written.
    """
    _writable(path)
    _save(figure(summary, metric=metric, line_tok_s=line_tok_s, predicted=predicted), path)
    return path


def draw_picture(picture: Picture, path: Path) -> Path:
    """Draw a picture that is composed already. Raises UsageError for another suffix, ResultsError as ``draw``."""
    _writable(path)
    with _look():
        drawn = paint(picture)
    _save(drawn, path)
    return path


def draw_comparison(comparison: Comparison, summary: Summary, path: Path) -> tuple[Path, ...]:
    """Draw two machines beside each other, a file a picture: STEM-curves, STEM-ratio and STEM-gained.

    A picture without a model of known size is left out. Raises UsageError for a suffix that charts do not have,
    ResultsError where all are left out or a file cannot be written.
    """
    _writable(path)
    drawings: dict[str, Callable[[], Figure]] = {
        "curves": lambda: paint(beside.curves(comparison, summary)),
        "ratio": lambda: paint(beside.ratios(comparison)),
        "gained": lambda: paint_strips(gains(comparison, summary)),
    }
    written = []
    for name, drawing in drawings.items():
        with suppress(ResultsError), _look():
            drawn = drawing()
            written.append((path.with_stem(f"{path.stem}-{name}"), drawn))
    if not written:
        raise beside.nothing()
    for place, drawn in written:
        _save(drawn, place)
    return tuple(place for place, _ in written)


def _writable(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"A chart cannot be written as {suffix or 'a file without suffix'}: {path}.",
            f"There is {', '.join(SUFFIXES[:-1])} and {SUFFIXES[-1]}.",
        )


def _save(drawn: Figure, path: Path) -> None:
    with _look(), replacing(path) as part:
        drawn.savefig(part, metadata=_UNDATED[path.suffix.lower()])


def draw_files(files: Sequence[Path], path: Path, *, metric: str = "tokens", line_tok_s: float = 10.0) -> Path:
    """Draw what results files hold, as ``draw`` does; damaged ones among them are left out.

    Raises as ``draw`` does.
    """
    return draw(summarise(gather(files).table), path, metric=metric, line_tok_s=line_tok_s)


def drawable(summary: Summary) -> tuple[str, ...]:
    """The metrics for which there is a figure to draw."""
    found = []
    for metric in METRICS:
        with suppress(ResultsError):
            compose(summary, metric)
            found.append(metric)
    with suppress(ResultsError):
        engines.dots(summary)
        found.append(ENGINES)
    return tuple(found)


def figure(
    summary: Summary, *, metric: str = "tokens", line_tok_s: float = 10.0, predicted: Sequence[Curve] = ()
) -> Figure:
    """The chart as a matplotlib figure. Raises as ``draw`` does."""
    if not (math.isfinite(line_tok_s) and line_tok_s > 0):
        raise UsageError(f"A line at {line_tok_s} tok/s cannot be drawn.", "Give a number above 0.")
    if metric == ENGINES:
        with _look():
            return paint_dots(engines.dots(summary))
    picture = compose(summary, metric, line_tok_s)
    if predicted:
        from tpsprofile.render.predicted import overlaid

        picture = overlaid(picture, predicted, line_tok_s)
    with _look():
        return paint(picture)


@contextmanager
def _look() -> Iterator[None]:
    """Our style alone, whatever a matplotlibrc says. A character that the font lacks is drawn as a box."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(style.RC)
        yield
