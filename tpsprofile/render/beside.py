"""A comparison of two machines as three pictures: their curves, their ratio, and what is gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from tpsprofile.analysis import speed
from tpsprofile.analysis.comparison import Comparison, Row, counted, left_out
from tpsprofile.analysis.speed import Estimate, Limit, What
from tpsprofile.analysis.summary import Point, Series, Summary
from tpsprofile.errors import ResultsError
from tpsprofile.records import Record
from tpsprofile.render import fitted, words
from tpsprofile.render.fitted import Fitted
from tpsprofile.render.marks import mark
from tpsprofile.render.metrics import DECODE, METRICS, RATIOS, SIZES
from tpsprofile.render.names import marks, names, plain, signed
from tpsprofile.render.picture import Axis, Level, Mark, Picture, Trace

OLD, NEW = 0, 1
"""Tones: the same machine has the same colour in all three pictures."""
_FACTOR = 0.30
"""Decades that the axis of ratios spans at least: a factor of 2."""
_SECONDS = {What.TTFT: "seconds until the first token", What.TASK: "seconds until the last token of an answer"}
_MOST_MODELS = 3
"""Models that a sentence lists."""


class Sides(Record, frozen=True, kw_only=True):
    """Both machines of a comparison."""

    series: tuple[Series, Series]
    """Those that their curves are of."""
    called: Mapping[Series, str]
    simulated: bool

    @property
    def asked(self) -> str:
        """The second machine as a title calls it."""
        return names(self.series)[self.series[1]]

    @property
    def before(self) -> str:
        """What the first machine is called."""
        return self.called[self.series[0]]

    @property
    def after(self) -> str:
        """What the second is called."""
        return self.called[self.series[1]]

    def title(self, question: str) -> str:
        """A question, that says so where figures are invented."""
        return question + (" (simulated)" if self.simulated else "")


def sides_of(comparison: Comparison) -> Sides:
    """The series of the crossings, or of the first pair where there is none."""
    pair = next((row.pair for row in comparison.rows if row.ratio), comparison.rows[0].pair)
    old, new = comparison.crossing_a, comparison.crossing_b
    series = (old.series if old else pair.a.series, new.series if new else pair.b.series)
    simulated = any(one.simulated for one in series)
    return Sides(series=series, called=signed(names(series)), simulated=simulated)


def curves(comparison: Comparison, summary: Summary) -> Picture:
    """Both curves with their bands, and where they cross the limit. Raises ResultsError without a known size."""
    sides, limit = sides_of(comparison), comparison.limit
    rated = limit.what is What.DECODE
    ends = (comparison.crossing_a, comparison.crossing_b)
    fits = (comparison.fit_a, comparison.fit_b)
    found = {
        series: Fitted(fit=fit, crossing=end)
        for series, fit, end in zip(sides.series, fits, ends, strict=True)
        if end
    }
    points = [_points(summary, series, limit) for series in sides.series]
    drawn = [point for some in points for point in some]
    if not drawn:
        raise nothing()
    level = limit.tok_s if rated else limit.seconds
    traces = (
        _trace(sides.called[series], tone, mine, found.get(series), limit)
        for tone, (series, mine) in enumerate(zip(sides.series, points, strict=True))
    )
    marked = (fitted.cross(end, tone, level) for tone, end in enumerate(ends) if end)
    return Picture(
        title=sides.title("How large a model stays usable on each?"),
        answer=fitted.answer(found, sides.called),
        x=Axis(caption="parameters", ticks=SIZES),
        y=Axis(
            caption=METRICS["tokens"].caption if rated else _SECONDS[limit.what],
            ticks=METRICS["tokens" if rated else "ttft"].ticks,
        ),
        traces=tuple(trace for trace in traces if trace.marks),
        walls=(),
        levels=(Level(y=level, text=limit_text(limit), tone=None),),
        zone="too slow to use",
        zone_above=not rated,
        foot=(
            usable_means(limit),
            *fitted.foot(found, sides.called),
            *origins(sides, drawn),
            words.signs(drawn, interval=rated),
            *filter(None, [words.letters(drawn) if rated else ""]),
        ),
        simulated=sides.simulated,
        crossings=tuple(one for one in marked if one is not None),
    )


def nothing() -> ResultsError:
    """What to raise where nothing has a place along parameters."""
    return ResultsError("There is nothing to draw: no model here has a known size.", words.NEXT)


def _points(summary: Summary, series: Series, limit: Limit) -> list[Point]:
    return [
        point
        for point in summary.points
        if point.series == series and point.parameters and speed.seconds(point, limit)
    ]


def _trace(name: str, tone: int, points: Sequence[Point], one: Fitted | None, limit: Limit) -> Trace:
    line, band = fitted.line(one) if one else ((), ())
    fit = one.fit if one else None
    on_line = set(fit.points) if fit else set()
    made = sorted(
        (_mark(point, limit, joined=point in on_line) for point in points), key=lambda one: (one.x, one.y)
    )
    return Trace(name=name, tone=tone, pattern=0, marks=tuple(made), line=line, band=band)


def _mark(point: Point, limit: Limit, *, joined: bool) -> Mark:
    """A rate with its interval, or a time from the shortest to the longest trial."""
    x = float(point.parameters or 0)
    if limit.what is What.DECODE:
        return mark(x, point, DECODE, joined=joined)
    times = speed.seconds(point, limit)
    ends = (min(times), max(times))
    return Mark(x=x, y=median(times), low=ends[0], high=ends[1], hollow=point.synthetic, joined=joined)


def limit_text(limit: Limit) -> str:
    """``10 tok/s``, ``2 s until the first token``, ``30 s for 256 tokens``."""
    if limit.what is What.DECODE:
        return words.line(round(limit.tok_s, 3))
    until = "until the first token" if limit.what is What.TTFT else f"for {limit.tokens_out or 0:,} tokens"
    return f"{words.short_seconds(limit.seconds)} {until}"


def usable_means(limit: Limit) -> str:
    """``Usable: at least 10 tok/s.``"""
    return f"Usable: {'at least' if limit.what is What.DECODE else 'within'} {limit_text(limit)}."


def origins(sides: Sides, drawn: Sequence[Point]) -> tuple[str, ...]:
    """Who measured, and in which quantisations."""
    return words.sources(drawn, sides.called, marks(list(sides.series)))


def ratios(comparison: Comparison) -> Picture:
    """How many times faster the second machine is, model by model, and over all.

    Raises ResultsError where no model that was compared has a known size.
    """
    sides = sides_of(comparison)
    rows = [row for row in counted(comparison.rows) if row.pair.b.parameters]
    if not rows:
        raise nothing()
    drawn = [point for row in rows for point in (row.pair.a, row.pair.b)]
    even = Level(y=1.0, text="equally fast", tone=None)
    means = [_mean(comparison.overall, len(rows))] if comparison.overall and len(rows) > 1 else []
    return Picture(
        title=sides.title(f"How much faster is {sides.asked}?"),
        answer=_ratio_answer(comparison, sides, len(rows)),
        x=Axis(caption="parameters", ticks=SIZES),
        y=Axis(caption=f"times as fast as {sides.before}", ticks=RATIOS, least=_FACTOR),
        traces=(Trace(name="", tone=NEW, pattern=0, marks=tuple(_ratio_mark(row) for row in rows)),),
        walls=(),
        levels=(even, *means),
        zone="slower",
        foot=(
            f"Points: {fitted.subject(comparison.limit)} on {sides.before} over that on {sides.after}, medians of "
            f"the trials. Bars: 95% interval, where both have several trials.{_dashed(means)}",
            *_left_out(comparison.rows),
            *origins(sides, drawn),
        ),
        simulated=sides.simulated,
    )


def _ratio_mark(row: Row) -> Mark:
    assert row.ratio is not None
    one = row.ratio
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    both = row.pair.a.synthetic or row.pair.b.synthetic
    return Mark(
        x=float(row.pair.b.parameters or 0),
        y=one.value,
        low=low,
        high=high,
        hollow=both,
        joined=False,
        note=times(one.value),
    )


def _mean(overall: Estimate, models: int) -> Level:
    text = f"{_with_interval(overall)} over {models} models"
    return Level(y=overall.value, text=text, tone=NEW, low=overall.low, high=overall.high)


def times(ratio: float) -> str:
    """``1.31×``, ``12×``."""
    return f"{ratio:,.0f}×" if ratio >= 9.95 else f"{ratio:.2f}×"


def _dashed(means: Sequence[Level]) -> str:
    """What the dashed line is, where there is one."""
    if not means:
        return ""
    if means[0].low is None:
        return " Dashed: geometric mean over the models."
    return " Dashed, with its band: geometric mean over the models, and its 95% interval."


def _with_interval(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return times(one.value)
    return f"{times(one.value)} [{times(one.low)[:-1]} {times(one.high)[:-1]}]"


def _ratio_answer(comparison: Comparison, sides: Sides, models: int) -> tuple[str, ...]:
    overall = comparison.overall
    if overall is None:
        return ()
    told = f"{_with_interval(overall)} as fast as {sides.before}, over {models} model{'s'[: models != 1]}."
    if comparison.significant is False:
        told += " The interval holds 1: no difference can be told."
    return (told,)


def _left_out(rows: Sequence[Row]) -> tuple[str, ...]:
    """Models that both have, and that are not alike or have no figure to go by."""
    told = [f"{plain(row.pair.model)} ({', '.join(row.pair.differences)})" for row in rows if not row.compared]
    told += [f"{plain(row.pair.model)} (grade D)" for row in left_out(rows)]
    more = f" and {len(told) - _MOST_MODELS} more" if len(told) > _MOST_MODELS else ""
    return (f"Not compared: {', '.join(told[:_MOST_MODELS])}{more}.",) if told else ()
