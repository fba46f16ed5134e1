"""What a chart shows, as plain data: everything but where it goes on the paper."""

from __future__ import annotations

from enum import StrEnum

from tpsprofile.records import Record

Ticks = tuple[tuple[tuple[float, str], ...], ...]
"""Values that an axis may name: those of the first list, the others where few of these are in sight."""


class Axis(Record, frozen=True, kw_only=True):
    """What an axis counts."""

    caption: str
    ticks: Ticks
    linear: bool = False
    """From 0 on; logarithmic if not."""
    least: float = 1.0
    """Decades that a logarithmic axis spans at least."""


class Mark(Record, frozen=True, kw_only=True):
    """One point of a curve."""

    x: float
    y: float
    """Median over the trials, or a single one, in the unit of the chart."""
    low: float
    high: float
    """Ends of its bar; equal where it has none."""
    hollow: bool
    """Synthetic weights."""
    joined: bool
    """Lies on the line of its curve."""
    letter: str = ""
    """Grade that a reader must know of."""
    note: str = ""
    """What stands beside it where there is room; not together with a letter."""


class Trace(Record, frozen=True, kw_only=True):
    """One curve."""

    name: str
    """Empty where another curve of the same series bears it."""
    tone: int
    """Colour and marker: counts machines from 0, or models where there is one machine alone."""
    pattern: int
    """Line pattern: counts the curves of one tone, from 0."""
    marks: tuple[Mark, ...]
    """From left to right."""
    dense: bool = False
    """Many marks, so each is small."""
    line: tuple[tuple[float, float], ...] = ()
    """A smooth line from left to right, drawn instead of one that joins the marks."""
    band: tuple[tuple[float, float, float], ...] = ()
    """What is uncertain about the line: at each of these places (x) the lower and the upper end."""
    predicted: bool = False
    """Not measured: dashed, and without marks."""


class Wall(Record, frozen=True, kw_only=True):
    """From here on models do not fit in a machine's memory."""

    x: float
    """Parameters of the smallest model that does not fit."""
    text: str
    tone: int


class Cross(Record, frozen=True, kw_only=True):
    """Where a curve crosses a level."""

    x: float
    y: float
    """The level."""
    low: float
    high: float
    """Ends of the interval of ``x``; equal where it has none."""
    tone: int
    text: str
    """What stands beside it: ``49B [45B 54B]``."""


class Level(Record, frozen=True, kw_only=True):
    """A horizontal line with a name."""

    y: float
    text: str
    tone: int | None
    """None where it belongs to no machine."""
    low: float | None = None
    """Ends of its band; None without one."""
    high: float | None = None
    control: bool = False
    """A single model of a service: dotted, with a star at ``x``."""
    x: float | None = None
    """Parameters of that model; None where nobody says how large it is."""


class Picture(Record, frozen=True, kw_only=True):
    """A whole chart."""

    title: str
    answer: tuple[str, ...]
    x: Axis
    y: Axis
    traces: tuple[Trace, ...]
    walls: tuple[Wall, ...]
    levels: tuple[Level, ...]
    zone: str | None
    """Name of what lies under the first level, None without such a zone."""
    foot: tuple[str, ...]
    simulated: bool
    """Some figures are invented."""
    crossings: tuple[Cross, ...] = ()
    zone_above: bool = False
    """The zone lies above the first level, and curves rise."""


class Kind(StrEnum):
    """What a machine is to models of some sizes."""

    USABLE = "usable"
    SLOW = "too slow"
    NO_FIT = "does not fit"
    UNKNOWN = "not measured"


class Stretch(Record, frozen=True, kw_only=True):
    """Sizes from ``low`` to ``high``, in parameters, that are of one kind."""

    low: float
    high: float
    kind: Kind


class Dot(Record, frozen=True, kw_only=True):
    """One model on a strip."""

    x: float
    kind: Kind
    """Not ``UNKNOWN``."""


class Strip(Record, frozen=True, kw_only=True):
    """One machine along the sizes of models."""

    name: str
    tone: int
    end: str
    """Where usable sizes end, in words: ``up to 49B [45B 54B]``."""
    stretches: tuple[Stretch, ...]
    """From left to right."""
    dots: tuple[Dot, ...]
    interval: tuple[float, float] | None
    """Of the end of usable sizes."""


class Strips(Record, frozen=True, kw_only=True):
    """Machines under each other, along one axis of parameters."""

    title: str
    answer: tuple[str, ...]
    x: Axis
    strips: tuple[Strip, ...]
    models: tuple[tuple[float, str], ...]
    """Parameters and names of the models that the dots stand for, by size."""
    change: Stretch | None
    """What the last machine gains (``USABLE``) or loses against the first."""
    foot: tuple[str, ...]
    simulated: bool


class DotRow(Record, frozen=True, kw_only=True):
    """One figure on a line of its own."""

    group: str
    """What the lines of one group are about; stands above the first of them."""
    name: str
    """What sets this line apart in its group."""
    tone: int
    x: float
    low: float
    high: float
    """Ends of its bar; equal where it has none."""
    hollow: bool
    """Synthetic weights."""
    text: str
    """What stands right of it."""


class Dots(Record, frozen=True, kw_only=True):
    """Figures under each other, in groups, along one axis."""

    title: str
    answer: tuple[str, ...]
    x: Axis
    rows: tuple[DotRow, ...]
    """Those of one group follow each other."""
    foot: tuple[str, ...]
    simulated: bool
