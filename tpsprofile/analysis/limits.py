"""What a limit is on, how each trial fares by it, and how a figure with its interval is told."""

from __future__ import annotations

from enum import StrEnum

from tpsprofile.analysis.summary import Point, Sample
from tpsprofile.records import Record

LIKELY_S = (1e-6, 1e6)
"""What a token, or the first one, may take: beyond it a figure is a slip of the pen, and no trial counts by it."""


class Estimate(Record, frozen=True, kw_only=True):
    """A figure with its 95% interval, in the unit of the figure."""

    value: float
    low: float | None
    """None where the data allow no interval."""
    high: float | None
    """None too where the interval has no upper end."""


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


def seconds(point: Point, limit: Limit) -> tuple[float, ...]:
    """What each trial took of what a limit is on, in s; without trials that lack a part of it.

    One whose time is not within ``LIKELY_S`` counts as lacking: floats could not hold what follows from it.
    Raises ValueError for TASK without ``tokens_out``.
    """
    times = (_of_trial(sample, limit) for sample in point.samples)
    return tuple(time for time in times if time is not None)


def _of_trial(sample: Sample, limit: Limit) -> float | None:
    if limit.what is What.TTFT:
        return _likely(sample.ttft_s)
    each = _likely(1 / sample.tok_s)
    if limit.what is What.DECODE:
        return each
    if limit.tokens_out is None:
        raise ValueError("a limit on a task needs the tokens of its answer")
    first = _likely(sample.ttft_s)
    return None if first is None or each is None else first + limit.tokens_out * each


def _likely(time: float | None) -> float | None:
    return time if time is not None and LIKELY_S[0] <= time <= LIKELY_S[1] else None
