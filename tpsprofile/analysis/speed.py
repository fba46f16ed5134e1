"""Speed against size: time = fixed + bytes read × time a byte, fitted to the trials of one series.

...method and sources to be written...
"""

from __future__ import annotations

from enum import StrEnum

from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.records import Record


class Estimate(Record, frozen=True, kw_only=True):
    """A figure with its 95% interval, in the unit of the figure."""

    value: float
    low: float | None
    """None where the data allow no interval."""
    high: float | None


class What(StrEnum):
    """What a limit is on."""

    DECODE = "decode"
    TTFT = "ttft"
    TASK = "task"


class Limit(Record, frozen=True, kw_only=True):
    """What a model must keep to be usable: a time that may not be exceeded."""

    what: What = What.DECODE
    seconds: float
    """DECODE: for one generated token. TTFT: until the first token. TASK: until the last token of an answer."""
    tokens_out: int | None = None
    """TASK: tokens of the answer."""

    @property
    def tok_s(self) -> float:
        """The decode rate at the limit, tok/s; only for DECODE."""
        return 1 / self.seconds

    @classmethod
    def line(cls, tok_s: float) -> Limit:
        """A decode rate that a model must reach, tok/s."""
        return cls(seconds=1 / tok_s)


class Fit(Record, frozen=True, kw_only=True):
    """The line through the models of one series, with draws of the bootstrap beside it."""

    series: Series
    limit: Limit
    """What the times are of."""
    points: tuple[Point, ...]
    """One a size, by size: what the line was fitted to."""
    in_bytes: bool
    """Against bytes read a token; against parameters where sizes of files are not known."""
    fixed_s: Estimate
    """Time that does not depend on size."""
    rate: Estimate
    """Bytes a second (e × bandwidth), or parameters a second where not ``in_bytes``."""
    draws: tuple[tuple[float, float], ...]
    """(fixed s, s a byte) of each draw; empty where there is no interval."""

    def seconds_at(self, parameters: float) -> Estimate:
        """Time at a size between or beyond the measured ones (bytes a weight as at the sizes around it)."""
        raise NotImplementedError

    def tok_s_at(self, parameters: float) -> Estimate:
        """Decode rate at a size, tok/s; only for DECODE."""
        raise NotImplementedError


class End(StrEnum):
    """Where usable sizes end."""

    CROSSES = "crosses"
    """At a size where the line is crossed, between measured sizes or a little beyond them."""
    BELOW = "below"
    """Already the smallest measured model is too slow."""
    BEYOND = "beyond measured"
    """Every measured model is fast enough, and the crossing is too far beyond the largest to be told."""
    MEMORY = "memory"
    """Every model that fits is fast enough: memory is the wall."""


class Crossing(Record, frozen=True, kw_only=True):
    """The largest parameter count that stays within the limit on one machine."""

    series: Series
    end: End
    parameters: Estimate | None
    """CROSSES: at the crossing. MEMORY: the largest that was measured (no interval). BEYOND: the same. BELOW: None."""
    extrapolated: bool
    """The crossing lies beyond the measured sizes."""
    wall: Absent | None
    """The smallest model that does not fit."""


def fit(summary: Summary, series: Series, limit: Limit) -> Fit | None:
    """The line of one series; None for fewer than two sizes with a figure."""
    raise NotImplementedError


def crossing(summary: Summary, series: Series, limit: Limit) -> Crossing | None:
    """Where usable sizes end; None where the series has no model with a figure for the limit."""
    raise NotImplementedError


def ratio(a: Point, b: Point, limit: Limit) -> Estimate | None:
    """How many times faster ``b`` is than ``a`` (time of a / time of b), from the raw trials; None without figures.

    Without an interval where either has a single trial.
    """
    raise NotImplementedError


def mean_ratio(pairs: tuple[tuple[Point, Point], ...], limit: Limit) -> Estimate | None:
    """Geometric mean of the ratios of several models, with the interval over models (Student on log ratios)."""
    raise NotImplementedError
