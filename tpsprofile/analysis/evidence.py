"""What a comparison holds for and against an upgrade: one function a rule, None where the rule does not apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tpsprofile import trust
from tpsprofile.analysis import rules
from tpsprofile.analysis.between import Item, bounds, common, gained_sizes, lying
from tpsprofile.analysis.comparison import Cause, Change, Comparison, Row, counted, left_out
from tpsprofile.analysis.rules import Rule
from tpsprofile.analysis.speed import End, Estimate, Limit, What
from tpsprofile.analysis.summary import Point
from tpsprofile.analysis.sweetspot import spots, usual_seconds
from tpsprofile.records import Record

LOW_GRADES = frozenset({trust.Grade.C, trust.Grade.D})


class Reason(Record, frozen=True, kw_only=True):
    """A rule that applies, with its figures."""

    rule: Rule
    ratio: Estimate | None = None
    models: tuple[Item, ...] = ()
    sizes: tuple[float, float] | None = None
    """From one parameter count to another: what is usable on the new machine alone."""


def reasons(comparison: Comparison) -> tuple[Reason, ...]:
    """Every rule that applies, in the order of ``Rule``."""
    return tuple(found for rule in Rule if (found := FINDERS[rule](comparison)) is not None)


def _nothing_compared(c: Comparison) -> Reason | None:
    return None if c.overall else Reason(rule=Rule.NOTHING_COMPARED)


def _not_to_be_used(c: Comparison) -> Reason | None:
    compared = _compared(c)
    bad = bool(compared) and all(trust.Grade.D in _grades(row) for row in compared)
    return Reason(rule=Rule.NOT_TO_BE_USED) if bad else None


def _slower(c: Comparison) -> Reason | None:
    slower = c.overall is not None and c.overall.value <= 1 / rules.NOTICED and _real(c) is not False
    return Reason(rule=Rule.SLOWER, ratio=c.overall) if slower else None


def _loses_model(c: Comparison) -> Reason | None:
    lost = [change for change in c.lost if not _by_chance(c, change)]
    return _about(Rule.LOSES_MODEL, (_changed(change, c.limit, lost=True) for change in lost))


def _gains_model(c: Comparison) -> Reason | None:
    gained = [change for change in c.gained if not _by_chance(c, change) and _is_sure(change, c.limit)]
    return _about(Rule.GAINS_MODEL, (_changed(change, c.limit) for change in gained))


def _gains_size(c: Comparison) -> Reason | None:
    return _about(Rule.GAINS_SIZE, gained_sizes(c))


def _much_faster(c: Comparison) -> Reason | None:
    return Reason(rule=Rule.MUCH_FASTER, ratio=c.overall) if _is_much(c) and _some_usable(c) else None


def _still_slow(c: Comparison) -> Reason | None:
    return Reason(rule=Rule.STILL_SLOW, ratio=c.overall) if _is_much(c) and not _some_usable(c) else None


def _disagree(c: Comparison) -> Reason | None:
    if c.overall is None:
        return None
    values = [row.ratio.value for row in _compared(c) if row.ratio and row.significant is not False]
    noticed = [value for value in values if not _is_hardly(value)]
    differ = bool(noticed) if _is_hardly(c.overall.value) else not _bounded(c.overall) and _oppose(c)
    if not differ:
        return None
    return Reason(rule=Rule.DISAGREE, ratio=Estimate(value=c.overall.value, low=min(values), high=max(values)))


def _cannot_tell(c: Comparison) -> Reason | None:
    ratio = c.overall
    if ratio is None or _real(c) is not False:
        return None
    if _bounded(ratio):
        return Reason(rule=Rule.CANNOT_TELL, ratio=ratio) if _is_wide(ratio) else None
    unsure = any(row.significant is False and _is_wide(row.ratio) for row in _compared(c))
    if not unsure and (_is_hardly(ratio.value) or _disagree(c)):
        return None
    lows = [row.ratio.low for row in _compared(c) if row.ratio and row.ratio.low is not None]
    highs = [row.ratio.high for row in _compared(c) if row.ratio and row.ratio.high is not None]
    span = Estimate(value=ratio.value, low=min(lows, default=None), high=max(highs, default=None))
    return Reason(rule=Rule.CANNOT_TELL, ratio=span)


def _hardly_faster(c: Comparison) -> Reason | None:
    hardly = c.overall is not None and _is_hardly(c.overall.value)
    unsure = _disagree(c) or _cannot_tell(c)
    return Reason(rule=Rule.HARDLY_FASTER, ratio=c.overall) if hardly and not unsure else None


def _faster_alone(c: Comparison) -> Reason | None:
    some = c.overall is not None and rules.NOTICED <= c.overall.value < rules.MUCH and _real(c) is not False
    gains = _gains_model(c) or _gains_size(c)
    if not some or gains:
        return None
    sizes = None if c.gained or lying(c, bounds(c)) else bounds(c)
    return Reason(rule=Rule.FASTER_ALONE, ratio=c.overall, sizes=sizes)


def _just_missed(c: Comparison) -> Reason | None:
    following = spots(c)[1].next
    if following is None or following.predicted or following.needs is None:
        return None
    if not 1 < following.needs <= rules.NEAR or not _is_faster(c, following.model):
        return None
    item = Item(model=following.model, parameters=following.parameters, after_s=following.needs * c.limit.seconds)
    return Reason(rule=Rule.JUST_MISSED, models=(item,))


def _usable_before(c: Comparison) -> Reason | None:
    compared = _compared(c)
    every = compared and all(row.usable_a for row in compared) and not c.lost
    gains = c.gained or gained_sizes(c)
    return Reason(rule=Rule.USABLE_BEFORE) if every and not gains else None


def _predicted(c: Comparison) -> Reason | None:
    points = (point for row in _compared(c) for point in _points(row) if _is_predicted(point))
    machines = dict.fromkeys(point.series.machine for point in points)
    return _about(Rule.PREDICTED, (Item(model=machine, parameters=None) for machine in machines))


def _one_model(c: Comparison) -> Reason | None:
    return Reason(rule=Rule.ONE_MODEL) if len(_compared(c)) == 1 else None


def _few_trials(c: Comparison) -> Reason | None:
    def few(row: Row) -> bool:
        return any(len(point.samples) < rules.FEW and not _is_predicted(point) for point in _points(row))

    return _of_rows(Rule.FEW_TRIALS, c, few)


def _reported(c: Comparison) -> Reason | None:
    own = {"measured", rules.PREDICTED}
    others = any(p.series.provenance not in own for row in _compared(c) for p in _points(row))
    return Reason(rule=Rule.REPORTED) if others else None


def _left_out(c: Comparison) -> Reason | None:
    pairs = (row.pair for row in left_out(c.rows))
    return _about(Rule.LEFT_OUT, (Item(model=pair.model, parameters=pair.a.parameters) for pair in pairs))


def _low_grade(c: Comparison) -> Reason | None:
    return _of_rows(Rule.LOW_GRADE, c, lambda row: bool(LOW_GRADES & _grades(row)))


def _unlike(c: Comparison) -> Reason | None:
    return _of_rows(Rule.UNLIKE, c, lambda row: bool(row.pair.differences))


def _mixed(c: Comparison) -> Reason | None:
    return Reason(rule=Rule.MIXED) if c.mixed else None


def _on_the_line(c: Comparison) -> Reason | None:
    near = (change for change in c.gained if _is_near(change, c.limit) or not _is_clear(change, c.limit))
    return _about(Rule.ON_THE_LINE, (_changed(change, c.limit) for change in near))


def _chance(c: Comparison) -> Reason | None:
    found = [_changed(change, c.limit) for change in c.gained if _by_chance(c, change)]
    found += [_changed(change, c.limit, lost=True) for change in c.lost if _by_chance(c, change)]
    return _about(Rule.BY_CHANCE, found)


def _size_unsure(c: Comparison) -> Reason | None:
    ends = [one.parameters for one in (c.crossing_a, c.crossing_b) if one and one.end is End.CROSSES]
    spans = [(e.low, e.high) for e in ends if e is not None and e.low is not None and e.high is not None]
    return _about(
        Rule.SIZE_UNSURE,
        (one for one in common(c) if any(low < (one.parameters or 0) <= high for low, high in spans)),
    )


def _beyond_measured(c: Comparison) -> Reason | None:
    far = any(one and (one.extrapolated or one.end is End.BEYOND) for one in (c.crossing_a, c.crossing_b))
    return Reason(rule=Rule.BEYOND_MEASURED) if far else None


FINDERS: Mapping[Rule, Callable[[Comparison], Reason | None]] = {
    Rule.NOTHING_COMPARED: _nothing_compared,
    Rule.NOT_TO_BE_USED: _not_to_be_used,
    Rule.LOSES_MODEL: _loses_model,
    Rule.GAINS_MODEL: _gains_model,
    Rule.SLOWER: _slower,
    Rule.GAINS_SIZE: _gains_size,
    Rule.MUCH_FASTER: _much_faster,
    Rule.STILL_SLOW: _still_slow,
    Rule.DISAGREE: _disagree,
    Rule.CANNOT_TELL: _cannot_tell,
    Rule.HARDLY_FASTER: _hardly_faster,
    Rule.FASTER_ALONE: _faster_alone,
    Rule.JUST_MISSED: _just_missed,
    Rule.USABLE_BEFORE: _usable_before,
    Rule.PREDICTED: _predicted,
    Rule.ONE_MODEL: _one_model,
    Rule.FEW_TRIALS: _few_trials,
    Rule.REPORTED: _reported,
    Rule.LEFT_OUT: _left_out,
    Rule.LOW_GRADE: _low_grade,
    Rule.UNLIKE: _unlike,
    Rule.MIXED: _mixed,
    Rule.ON_THE_LINE: _on_the_line,
    Rule.BY_CHANCE: _chance,
    Rule.SIZE_UNSURE: _size_unsure,
    Rule.BEYOND_MEASURED: _beyond_measured,
}


def _real(c: Comparison) -> bool | None:
    """Whether the ratio is not by chance; None where no figure has an interval.

    One or two models give no interval of the mean; then that of each model must leave out 1 on the same side.
    """
    if c.significant is not None:
        return c.significant
    known = [row for row in _compared(c) if row.significant is not None]
    if not known:
        return False if _oppose(c) else None
    return all(row.significant for row in known) and not _oppose(c)


def _oppose(c: Comparison) -> bool:
    """One model is faster and another slower, by their intervals or, without one, so that it would be noticed."""
    known = [row.ratio.value for row in _compared(c) if row.ratio and row.significant]
    single = [row.ratio.value for row in _compared(c) if row.ratio and row.significant is None]
    values = known + [value for value in single if not _is_hardly(value)]
    return bool(values) and min(values) < 1 < max(values)


def _is_much(c: Comparison) -> bool:
    return c.overall is not None and c.overall.value >= rules.MUCH and _real(c) is not False


def _some_usable(c: Comparison) -> bool:
    """A model on the new machine."""
    bad = left_out(c.rows)
    return any(row.usable_b for row in c.rows if row not in bad) or bool(c.gained)


def _is_faster(c: Comparison, model: str) -> bool:
    """The new machine at a model; by the mean where the model was not compared."""
    row = next((row for row in _compared(c) if row.pair.model == model), None)
    ratio, real = (row.ratio, row.significant) if row is not None else (c.overall, _real(c))
    return ratio is not None and ratio.value > 1 and real is not False


def _bounded(ratio: Estimate) -> bool:
    return ratio.low is not None and ratio.high is not None


def _is_wide(ratio: Estimate | None) -> bool:
    """Its interval reaches what would be noticed."""
    if ratio is None:
        return False
    return (ratio.high or 0.0) >= rules.NOTICED or (ratio.low is not None and ratio.low <= 1 / rules.NOTICED)


def _is_hardly(value: float) -> bool:
    return 1 / rules.NOTICED < value < rules.NOTICED


def _is_near(change: Change, limit: Limit) -> bool:
    return (usual_seconds(change.on, limit) or 0.0) * rules.EDGE > limit.seconds


def _is_sure(change: Change, limit: Limit) -> bool:
    """Memory that holds a model is sure; speed alone must lie beyond the limit by more than runs differ."""
    return _is_clear(change, limit) and (change.cause is Cause.DID_NOT_FIT or not _is_near(change, limit))


def _is_clear(change: Change, limit: Limit) -> bool:
    """The interval of a gained model's rate lies within the limit, where there is one."""
    interval = change.on.interval if limit.what is What.DECODE else None
    return interval is None or interval.low >= limit.tok_s


def _by_chance(c: Comparison, change: Change) -> bool:
    """Its two speeds may well be the same."""
    row = next((row for row in c.rows if row.pair.model == change.model), None)
    return change.cause is Cause.TOO_SLOW and row is not None and row.significant is False


def _changed(change: Change, limit: Limit, *, lost: bool = False) -> Item:
    on = usual_seconds(change.on, limit)
    off = usual_seconds(change.off, limit) if isinstance(change.off, Point) else None
    before, after = (on, off) if lost else (off, on)
    return Item(model=change.model, parameters=change.parameters, before_s=before, after_s=after)


def _compared(c: Comparison) -> tuple[Row, ...]:
    return counted(c.rows)


def _points(row: Row) -> tuple[Point, Point]:
    return row.pair.a, row.pair.b


def _is_predicted(point: Point) -> bool:
    return point.series.provenance == rules.PREDICTED


def _grades(row: Row) -> set[trust.Grade | None]:
    return {point.grade for point in _points(row)}


def _of_rows(rule: Rule, c: Comparison, applies: Callable[[Row], bool]) -> Reason | None:
    """A reason about the compared models of which something holds."""
    found = [row.pair for row in _compared(c) if applies(row)]
    return _about(rule, (Item(model=pair.model, parameters=pair.a.parameters) for pair in found))


def _about(rule: Rule, items: Iterable[Item]) -> Reason | None:
    models = tuple(items)
    return Reason(rule=rule, models=models) if models else None
