"""A chip that nobody measured, beside a machine that was: the same models, predicted, as a comparison has them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import msgspec

from tpsprofile import units
from tpsprofile.analysis import like
from tpsprofile.analysis.comparison import Comparison, Row, compare, counted, significant
from tpsprofile.analysis.like import Difference, Who
from tpsprofile.analysis.ratios import Variance, half_width, log_variance
from tpsprofile.analysis.rules import PREDICTED, SAME_SIZE
from tpsprofile.analysis.speed import Crossing, End, Estimate, Limit, What, crossing
from tpsprofile.analysis.summary import Absent, Point, Sample, Series, Spread, Summary
from tpsprofile.analysis.usable import curve
from tpsprofile.errors import ResultsError
from tpsprofile.models.catalogue import SHAPES
from tpsprofile.predict import sizes, subject
from tpsprofile.predict.sizes import Size
from tpsprofile.predict.subject import Subject
from tpsprofile.records import Outcome, Record
from tpsprofile.stats import Interval

_STEPS_80, _STEPS_95 = 1.2816, 1.96
"""Standard deviations from the middle to the ends of an interval of 80% and one of 95%, of a normal
distribution of the logarithm."""


_NOTHING = ("prefill", "ttft", "load_first", "load_later", "rss", "available_fall", "engine_size")
"""What nobody predicts."""


class Foreseen(Record, frozen=True, kw_only=True):
    """A comparison of which one machine is predicted."""

    comparison: Comparison
    caveats: tuple[str, ...]
    """Why it may be further off than the intervals say, a line each."""


def foresee(
    summary: Summary, who: Who, chip: str, limit: Limit, *, ram_bytes: int | None = None, old: bool = False
) -> Foreseen:
    """A measured machine beside a chip of the catalogue, with ``ram_bytes`` or the most that it is sold with.

    The chip is the second machine, or the first where it is the ``old`` one. It has the models of that series of
    ``who`` with most sizes, and those of the catalogue. What a prediction is off by it is off by for all sizes
    alike, so the interval of the mean ratio is as wide as that of one model, on average. What the measured
    machine's trials leave open is added to it, as a variance of the logarithm (``ratios.half_width``).
    Raises UsageError for a name that is no chip or several, ResultsError where ``who`` has no figure or the limit
    is not on decode.
    """
    mine = _mine(summary, who)
    if limit.what is not What.DECODE:
        raise ResultsError("A prediction is of decode alone.", "Ask for a limit in tok/s: --line.")
    of = subject.of_chip(chip, mine.engine, ram_bytes)
    other = _series(mine, of)
    asked = _asked(summary, mine, of)
    each = [_together(summary, mine, other, asked, end) for end in (-1, 0, 1)]
    stand_in = Who(machine_id=other.machine_id, machine=of.name, chip=of.name, ram_bytes=of.ram_bytes)
    found = compare(each[1], *((stand_in, who) if old else (who, stand_in)), limit, frozenset(Difference))
    parts = {one.weights.name or "": _variances(one, old=old) for one in asked}
    overall = _overall(found, parts)
    measured = found.fit_b if old else found.fit_a
    crossed = _crossing([crossing(one, other, limit) for one in each])
    return Foreseen(
        comparison=msgspec.structs.replace(
            found,
            rows=tuple(_row(row, parts, limit) for row in found.rows),
            overall=overall,
            significant=significant(overall),
            mixed=like.mixed(measured.points) if measured else (),
            **{"crossing_a" if old else "crossing_b": crossed},
        ),
        caveats=_caveats(of, asked),
    )


def _caveats(of: Subject, asked: Sequence[Size]) -> tuple[str, ...]:
    """Of the chip, and of every model that it holds."""
    told = (text for one in asked if one.fits is not False for text in one.prediction.caveats)
    return tuple(dict.fromkeys([*of.caveats, *told]))


def _series(mine: Series, of: Subject) -> Series:
    """The same work on the chip."""
    return msgspec.structs.replace(
        mine,
        machine_id="predicted",
        machine=of.name,
        chip=of.name,
        ram_bytes=of.ram_bytes,
        provenance=PREDICTED,
        source=None,
    )


def _variances(one: Size, *, old: bool) -> tuple[Variance, Variance]:
    """What a prediction leaves open of the logarithm of a ratio, towards its low and its high end."""
    told = one.prediction
    low, high = (abs(math.log(end / told.decode_tok_s)) / _STEPS_80 for end in (told.low, told.high))
    first, second = (high, low) if old else (low, high)
    return Variance(first**2, math.inf), Variance(second**2, math.inf)


def _mine(summary: Summary, a: Who) -> Series:
    """The series of a machine with most sizes, the first of equals."""
    found = [series for series in summary.series if series.machine_id == a.machine_id]
    best = max(found, key=lambda series: len(curve(summary, series)))
    if not curve(summary, best):
        raise ResultsError(f"{a.machine} has no figure.", "Measure a model there: tpsprofile sweep.")
    return best


def _asked(summary: Summary, mine: Series, of: Subject) -> tuple[Size, ...]:
    """The models of the series, then common ones of other sizes."""
    every: tuple[Point | Absent, ...] = (*summary.points, *summary.absent)
    entries = [entry for entry in every if entry.series == mine and entry.parameters is not None]
    named = [
        sizes.named(
            of.ask,
            entry.model,
            entry.parameters,
            entry.parameters_active if isinstance(entry, Point) and not entry.dense else None,
            quantisation=entry.quantisation or _usual(entry.model),
            room_bytes=of.room_bytes,
        )
        for entry in {entry.model: entry for entry in reversed(entries)}.values()
    ]
    taken = [one.weights.parameters for one in named]
    more = [
        one
        for one in sizes.usual(of.ask, None, of.room_bytes)
        if not any(1 / SAME_SIZE < one.weights.parameters / size < SAME_SIZE for size in taken)
    ]
    return (*named, *more)


def _usual(model: str) -> str:
    """What the usual download of a model holds."""
    return next((one.quantisation for one in SHAPES if model in (one.name, *one.aliases)), sizes.QUANTISATION)


def _together(summary: Summary, mine: Series, other: Series, asked: Sequence[Size], end: int) -> Summary:
    """Both machines, the predicted one at its figure (0) or at the low (-1) or high end (1) of its interval."""
    fitting = [one for one in asked if one.fits is not False]
    return Summary(
        points=(*(p for p in summary.points if p.series == mine), *(_point(other, one, end) for one in fitting)),
        absent=(
            *(entry for entry in summary.absent if entry.series == mine),
            *(_absent(other, one) for one in asked if one.fits is False),
        ),
    )


def _point(series: Series, one: Size, end: int) -> Point:
    low, high = _ends(one)
    rate = one.prediction.decode_tok_s * {-1: low, 0: 1.0, 1: high}[end]
    return Point(
        series=series,
        model=one.weights.name or "",
        parameters=one.weights.parameters,
        parameters_active=one.weights.parameters_active,
        quantisation=one.weights.quantisation,
        synthetic=False,
        engine_version=None,
        bytes_read=one.weights.bytes_read,
        trials=0,
        decode=Spread(median=rate, low=rate, high=rate, n=1),
        interval=Interval(low * one.prediction.decode_tok_s, high * one.prediction.decode_tok_s),
        samples=(Sample(after_s=None, tok_s=rate, far=False),),
        warnings=(),
        grade=None,
        **dict.fromkeys(_NOTHING),
    )


def _absent(series: Series, one: Size) -> Absent:
    return Absent(
        series=series,
        model=one.weights.name or "",
        parameters=one.weights.parameters,
        quantisation=one.weights.quantisation,
        synthetic=False,
        outcome=Outcome.DOES_NOT_FIT,
        reason=f"needs {units.memory(one.need_bytes)}, predicted",
    )


def _ends(one: Size) -> tuple[float, float]:
    """Ends of the 95% interval of a prediction, as factors of it."""
    told, wider = one.prediction, _STEPS_95 / _STEPS_80
    return (told.low / told.decode_tok_s) ** wider, (told.high / told.decode_tok_s) ** wider


def _row(row: Row, predicted: Mapping[str, tuple[Variance, Variance]], limit: Limit) -> Row:
    if row.ratio is None:
        return row
    measured = _measured(row, limit)
    both = [[one, *([measured] if measured else [])] for one in predicted[row.pair.model]]
    ratio = _estimate(row.ratio.value, *both)
    pair = msgspec.structs.replace(row.pair, differences=())
    return msgspec.structs.replace(row, pair=pair, ratio=ratio, significant=significant(ratio))


def _measured(row: Row, limit: Limit) -> Variance | None:
    """What the figure of the measured machine leaves open; None where a single trial says nothing of it."""
    of = row.pair.b if row.pair.a.series.provenance == PREDICTED else row.pair.a
    return log_variance(of, limit)


def _overall(found: Comparison, predicted: Mapping[str, tuple[Variance, Variance]]) -> Estimate | None:
    """The mean ratio: predictions are off together, measured figures each by itself."""
    rows = counted(found.rows)
    if found.overall is None or not rows:
        return None
    known = [one for row in rows if (one := _measured(row, found.limit))]
    measured = [Variance(one.value / len(rows) ** 2, one.freedom) for one in known]
    sides = zip(*(predicted[row.pair.model] for row in rows), strict=True)
    steps = [fmean(math.sqrt(one.value) for one in side) for side in sides]
    both = [[Variance(step**2, math.inf), *measured] for step in steps]
    return _estimate(found.overall.value, *both)


def _estimate(value: float, below: Sequence[Variance], above: Sequence[Variance]) -> Estimate:
    """A ratio with its 95% interval, by what is left open towards either end."""
    return Estimate(
        value=value, low=value * math.exp(-half_width(below)), high=value * math.exp(half_width(above))
    )


def _crossing(three: Sequence[Crossing | None]) -> Crossing | None:
    """The crossing at the figure, with those at the low and the high end around it, as far as both are known."""
    low, middle, high = three
    if middle is None or middle.parameters is None or middle.end is not End.CROSSES:
        return middle
    ends = [_end(one) for one in (low, high)]
    within = Estimate(value=middle.parameters.value, low=ends[0], high=ends[1])
    return msgspec.structs.replace(middle, parameters=within)


def _end(one: Crossing | None) -> float | None:
    crosses = one is not None and one.end is End.CROSSES
    return one.parameters.value if one and crosses and one.parameters else None
