"""What a merged table says, as records: points with their spread, and models without a figure."""

from __future__ import annotations

from tpsprofile import trust
from tpsprofile.records import Outcome, Record
from tpsprofile.stats import Interval, relative_half_width


class Spread(Record, frozen=True, kw_only=True):
    """A figure over the trials of one point, in the unit of the column it comes from."""

    median: float
    low: float
    high: float
    n: int
    """Trials that gave the figure."""


class Sample(Record, frozen=True, kw_only=True):
    """One trial that enters the decode rate of a point."""

    after_s: float | None
    """Seconds from the start of the point's first such trial to the start of this one; None where unknown."""
    tok_s: float
    far: bool
    """It lies far from the others (``stats.outliers``)."""
    ttft_s: float | None = None
    """Time to the first token of the same trial."""


class Series(Record, frozen=True, kw_only=True):
    """What the points of one curve have in common: a machine, an engine, and the work."""

    machine_id: str
    machine: str
    """Label of the machine, unlike that of any other machine in the table."""
    chip: str | None
    ram_bytes: int | None
    engine: str
    simulated: bool
    """Figures are invented."""
    options: str | None
    """Engine options as JSON."""
    provenance: str
    source: str | None
    method: str | None
    prompt: str | None
    tokens_asked: int | None
    context_asked: int | None
    depth_tokens: int | None
    """Tokens in the context before the prompt."""
    prompt_tokens: int | None
    """Length that the prompt is brought to; None for the prompt as it is."""
    speculative: bool
    """A draft guessed tokens ahead: not the speed of the model alone."""
    prompt_mode: str | None = None
    """How the prompt goes in: ``raw`` is without chat template and thinking."""
    cloud: bool = False
    """A service of somebody else's: a control, not a machine."""


class Point(Record, frozen=True, kw_only=True):
    """One model in one series. A figure that no trial gave is None."""

    series: Series
    model: str
    parameters: int | None
    parameters_active: int | None
    quantisation: str | None
    synthetic: bool
    engine_version: str | None
    digest: str | None = None
    """Hash of the model's file, or of a twin's recipe."""
    file_bytes: int | None = None
    bytes_read: float | None = None
    """Bytes of weights read for each generated token; None where the file's size is not known."""
    trials: int
    """Trials of the run that counts, those that are not OK included."""
    decode: Spread | None
    """tok/s"""
    interval: Interval | None
    """95% interval of the median decode rate, tok/s, not below 0; None for fewer than two trials."""
    samples: tuple[Sample, ...]
    """The trials behind the decode rate, in the order of measurement."""
    warnings: tuple[trust.Warning, ...]
    """What speaks against the decode rate; empty too where nobody looked."""
    grade: trust.Grade | None
    """How far to trust it; None where nobody looked, and for figures of others."""
    prefill: Spread | None
    """tok/s"""
    ttft: Spread | None
    """s"""
    load_first: Spread | None
    """s"""
    load_later: Spread | None
    """s"""
    rss: Spread | None
    """bytes"""
    available_fall: Spread | None
    """bytes"""
    engine_size: Spread | None
    """bytes"""
    context_tokens: int | None = None
    """Context length that the engine says it reserved; None where it does not say."""

    @property
    def half_width(self) -> float | None:
        """Half of the 95% interval of the median decode rate, as a share of it; None without one."""
        return relative_half_width([sample.tok_s for sample in self.samples])

    @property
    def dense(self) -> bool:
        """Every weight is used for every token, as far as is known."""
        return self.parameters_active is None or self.parameters_active == self.parameters


class Absent(Record, frozen=True, kw_only=True):
    """One model in one series that gave no figure, and why."""

    series: Series
    model: str
    parameters: int | None
    quantisation: str | None
    synthetic: bool
    outcome: Outcome
    reason: str | None


class Summary(Record, frozen=True, kw_only=True):
    """What a table says: points, and models without one. In the order of the table, series by series."""

    points: tuple[Point, ...]
    absent: tuple[Absent, ...]
    controls: tuple[Point, ...] = ()
    """Points of services of others: machines can be held against them, but they are no machines."""

    @property
    def series(self) -> tuple[Series, ...]:
        """Every series of a machine, in the order of the table."""
        entries: tuple[Point | Absent, ...] = (*self.points, *self.absent)
        return tuple(dict.fromkeys(entry.series for entry in entries))
