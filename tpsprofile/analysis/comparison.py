"""Two machines beside each other: how much faster, which sizes are gained and lost, and whether it is real."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from enum import StrEnum
from statistics import fmean, median

from tpsprofile import chips, stats, trust
from tpsprofile.analysis import like, speed
from tpsprofile.analysis.like import Difference, Pair, Who
from tpsprofile.analysis.limits import Estimate, Limit, What, seconds
from tpsprofile.analysis.ratios import FEWEST_MODELS, mean_ratio, ratio
from tpsprofile.analysis.speed import Crossing, Fit
from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.records import Outcome, Record

_SWEEP = "Run the same plan on both: tpsprofile sweep."


class Row(Record, frozen=True, kw_only=True):
    """One model on both machines."""

    pair: Pair
    compared: bool
    """Alike, or allowed in spite of its differences."""
    ratio: Estimate | None
    """How many times faster the second is; None where not compared, or without a figure for the limit."""
    significant: bool | None
    """The interval leaves out 1; None without an interval."""
    usable_a: bool | None
    """Within the limit; None without a figure for it."""
    usable_b: bool | None


class Cause(StrEnum):
    """Why a model was not usable before (or is not afterwards)."""

    TOO_SLOW = "was too slow"
    DID_NOT_FIT = "did not fit"


class Change(Record, frozen=True, kw_only=True):
    """A model that is usable on one machine alone."""

    model: str
    parameters: int | None
    cause: Cause
    on: Point
    """Where it is usable."""
    off: Point | Absent
    """Where it is not."""


class Comparison(Record, frozen=True, kw_only=True):
    """What two machines have in common and what not. Ratios above 1: the second machine is faster."""

    a: Who
    b: Who
    limit: Limit
    rows: tuple[Row, ...]
    """By size."""
    overall: Estimate | None
    """Geometric mean over the models that count (``counted``)."""
    significant: bool | None
    load: Estimate | None
    """How many times faster the second loads (first loads; geometric mean)."""
    ttft: Estimate | None
    fit_a: Fit | None
    fit_b: Fit | None
    crossing_a: Crossing | None
    crossing_b: Crossing | None
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    mixed: tuple[str, ...]
    """Quantisations along the curves, where sizes differ in it."""


def compare(summary: Summary, a: Who, b: Who, limit: Limit, allow: Collection[Difference] = ()) -> Comparison:
    """Two machines, by the models that both have measured alike, or so that ``allow`` covers the differences.

    The curves are those of the two series that hold most of the compared models. Raises ResultsError where the
    machines have no model in common that may be compared, and says what would help; UsageError for one machine
    against itself.
    """
    if a.machine_id == b.machine_id:
        raise UsageError(f"{a.machine} is named twice.", "Name two machines.")
    pairs = like.pairs(summary, a.machine_id, b.machine_id)
    if not pairs:
        raise _none_in_common(summary, a, b)
    rows = tuple(_row(pair, limit, allow) for pair in pairs)
    compared = tuple((row.pair.a, row.pair.b) for row in counted(rows))
    if not compared:
        raise _nothing(a, b, limit, rows, allow, predicted=_predicted(summary, a, b))
    overall = mean_ratio(compared, limit)
    first, second = _most_common(compared)
    fits = [speed.fit(summary, one, limit) for one in (first, second)]
    return Comparison(
        a=a,
        b=b,
        limit=limit,
        rows=rows,
        overall=overall,
        significant=significant(overall),
        load=_load_ratio(compared),
        ttft=mean_ratio(compared, Limit(what=What.TTFT, seconds=limit.seconds)),
        fit_a=fits[0],
        fit_b=fits[1],
        crossing_a=speed.crossing(summary, first, limit),
        crossing_b=speed.crossing(summary, second, limit),
        gained=_changes(rows, [*_too_slow(rows, b), *_without_figure(summary, b, a, limit, allow)]),
        lost=_changes(rows, [*_too_slow(rows, a), *_without_figure(summary, a, b, limit, allow)]),
        mixed=tuple(dict.fromkeys(name for one in fits if one for name in like.mixed(one.points))),
    )


def counted(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The compared models: without those that have a figure of grade D, as long as there are others."""
    compared = tuple(row for row in rows if row.ratio)
    return tuple(row for row in compared if not _is_bad(row.pair.a, row.pair.b)) or compared


def left_out(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The compared models that do not count."""
    count = {row.pair.model for row in counted(rows)}
    return tuple(row for row in rows if row.ratio and row.pair.model not in count)


def usable(point: Point, limit: Limit) -> bool | None:
    """Whether the median of a point's trials stays within the limit; None without a figure for it."""
    times = seconds(point, limit)
    return median(times) <= limit.seconds if times else None


def significant(ratio: Estimate | None) -> bool | None:
    """Whether the 95% interval of a ratio leaves out 1; None without an interval."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return None
    return ratio.low > 1 or ratio.high < 1


def _row(pair: Pair, limit: Limit, allow: Collection[Difference]) -> Row:
    compared = set(pair.differences) <= set(allow)
    found = ratio(pair.a, pair.b, limit) if compared else None
    return Row(
        pair=pair,
        compared=compared,
        ratio=found,
        significant=significant(found),
        usable_a=usable(pair.a, limit),
        usable_b=usable(pair.b, limit),
    )


def _most_common(compared: Sequence[tuple[Point, Point]]) -> tuple[Series, Series]:
    return Counter((a.series, b.series) for a, b in compared).most_common(1)[0][0]


def _load_ratio(compared: Sequence[tuple[Point, Point]]) -> Estimate | None:
    """Geometric mean of the ratios of first loads, with Student's interval over models, as for rates."""
    logs = [
        math.log(a.load_first.median / b.load_first.median) for a, b in compared if a.load_first and b.load_first
    ]
    if not logs:
        return None
    found = stats.mean_interval(logs) if len(logs) >= FEWEST_MODELS else None
    low, high = (math.exp(found.low), math.exp(found.high)) if found else (None, None)
    return Estimate(value=math.exp(fmean(logs)), low=low, high=high)


def _too_slow(rows: Sequence[Row], on: Who) -> list[Change]:
    """Models that were compared, and are usable on one machine alone."""
    found = []
    for row in rows:
        mine, its = (row.pair.a, row.usable_a), (row.pair.b, row.usable_b)
        good, bad = (mine, its) if row.pair.a.series.machine_id == on.machine_id else (its, mine)
        if row.ratio and good[1] and not bad[1]:
            found.append(_change(Cause.TOO_SLOW, good[0], bad[0]))
    return found


def _without_figure(
    summary: Summary, on: Who, off: Who, limit: Limit, allow: Collection[Difference]
) -> list[Change]:
    """Models that did not fit one machine, or were not begun on it because a smaller one was too slow already."""
    measured = {point.model for point in summary.points if point.series.machine_id == off.machine_id}
    usable_here = [
        point for point in summary.points if point.series.machine_id == on.machine_id and usable(point, limit)
    ]
    found: dict[str, Change] = {}
    for entry in summary.absent:
        cause = _cause(summary, entry, limit)
        if entry.series.machine_id != off.machine_id or entry.model in measured or cause is None:
            continue
        for point in usable_here:
            if point.model == entry.model and set(like.differences(entry, point)) <= set(allow):
                found.setdefault(entry.model, _change(cause, point, entry))
    return list(found.values())


def _cause(summary: Summary, entry: Absent, limit: Limit) -> Cause | None:
    """Why a model has no figure; None for what says nothing of the machine, as a lack of time."""
    if entry.outcome is Outcome.DOES_NOT_FIT:
        return Cause.DID_NOT_FIT
    if entry.outcome is not Outcome.BELOW_LINE:
        return None
    smaller = (
        point
        for point in summary.points
        if point.series == entry.series and (point.parameters or 0) <= (entry.parameters or 0)
    )
    return Cause.TOO_SLOW if any(usable(point, limit) is False for point in smaller) else None


def _changes(rows: Sequence[Row], found: Sequence[Change]) -> tuple[Change, ...]:
    """By size. None rests on a figure of grade D where a compared model has better ones."""
    better = any(not _is_bad(row.pair.a, row.pair.b) for row in rows if row.ratio)
    left = [change for change in found if not (better and _is_bad(change.on, change.off))]
    return tuple(sorted(left, key=lambda change: (change.parameters or 0, change.model)))


def _is_bad(*entries: Point | Absent) -> bool:
    return any(isinstance(one, Point) and one.grade is trust.Grade.D for one in entries)


def _change(cause: Cause, on: Point, off: Point | Absent) -> Change:
    return Change(model=on.model, parameters=on.parameters or off.parameters, cause=cause, on=on, off=off)


def _none_in_common(summary: Summary, a: Who, b: Who) -> ResultsError:
    """That no model has a figure on both, and whether that is because models did not fit."""
    told = f"{a.machine} and {b.machine} have no model in common"
    unfit = [*_unfit(summary, a, b), *_unfit(summary, b, a)]
    if unfit:
        smaller = "Run smaller models on both, to compare them: tpsprofile sweep."
        return ResultsError(f"{told}: {'; '.join(unfit)}.", smaller)
    return ResultsError(f"{told}.", _SWEEP)


def _nothing(
    a: Who, b: Who, limit: Limit, rows: Sequence[Row], allow: Collection[Difference], *, predicted: str
) -> ResultsError:
    """Why none of these models may be compared, and what would help."""
    who = f"{a.machine} and {b.machine}"
    if any(row.compared for row in rows):
        return ResultsError(f"No model of {who} has a figure for a limit on {limit.what.value}.", _SWEEP)
    nearest = min(rows, key=lambda row: len(set(row.pair.differences) - set(allow)))
    words = ",".join(one for one in nearest.pair.differences)
    told = [f"{row.pair.model} differs in {', '.join(row.pair.differences)}" for row in rows[:3]]
    more = [f"{len(rows) - 3} more"] if len(rows) > 3 else []
    return ResultsError(
        f"Nothing on {who} is alike: {'; '.join(told + more)}.",
        f"{_SWEEP} Or accept it: --allow {words}.{predicted if limit.what is What.DECODE else ''}",
    )


def _predicted(summary: Summary, a: Who, b: Who) -> str:
    """How to have one of them predicted instead, where its chip is in the catalogue under no machine's name."""
    for who, asked in ((b, '--from "{other}" --to "{chip}"'), (a, '--from "{chip}" --to "{other}"')):
        named = [chip.name for chip in chips.catalogue() if who.chip in {chip.name, chip.family}]
        if named and not like.known(summary, named[-1]):
            call = asked.format(other=(a if who is b else b).machine, chip=named[-1])
            return f" Or have {who.machine} predicted by its chip: tpsprofile decide {call}."
    return ""


def _unfit(summary: Summary, on: Who, off: Who) -> list[str]:
    """``3 models of A did not fit on B``, where any did not."""
    ran = {point.model for point in summary.points if point.series.machine_id == on.machine_id}
    count = len(
        {
            entry.model
            for entry in summary.absent
            if entry.series.machine_id == off.machine_id
            and entry.outcome is Outcome.DOES_NOT_FIT
            and entry.model in ran
        }
    )
    return [f"{count} model{'s'[: count != 1]} of {on.machine} did not fit on {off.machine}"] if count else []
