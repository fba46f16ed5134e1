"""The verdict on two machines in three sentences, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence

from tpsprofile import trust, units
from tpsprofile.analysis.between import gained_sizes
from tpsprofile.analysis.comparison import Change, Comparison, Row, left_out
from tpsprofile.analysis.like import mixed
from tpsprofile.analysis.summary import Point
from tpsprofile.render import compared, unlike
from tpsprofile.render.names import listed, plain, source

MOST_NAMED = 5
"""Models or lines that are told one by one."""


def verdict(comparison: Comparison) -> tuple[str, ...]:
    """How much faster and whether it is real; what is gained and lost; what that means."""
    return (_faster(comparison), _changes(comparison), _meaning(comparison))


def lead(ratio: float) -> str:
    """``25% faster``, ``13% slower``, ``3.1× as fast``."""
    if ratio >= 1.995 or ratio < 0.5:
        return f"{ratio:.2g}× as fast" if ratio < 99.5 else f"{ratio:,.0f}× as fast"
    percent = round(abs(ratio - 1) * 100)
    return f"{percent}% {'faster' if ratio > 1 else 'slower'}" if percent else "as fast"


def notes(comparison: Comparison) -> tuple[str, ...]:
    """What the reader must know: trials, sources and grades, what was left out, what was allowed."""
    found = [_trust(comparison), *_intervals(comparison), *_mixed(comparison)]
    allowed = [row for row in comparison.rows if row.compared and row.pair.differences]
    left = [row for row in comparison.rows if not row.compared]
    bad = [plain(row.pair.model) for row in left_out(comparison.rows)]
    found += [f"Grade D, so in no mean and no gain: {listed(_some(bad))}."] if bad else []
    found += _told("Allowed", allowed)
    found += _told("Not compared", left)
    if left:
        words = dict.fromkeys(one.value for row in left for one in row.pair.differences)
        found.append(f"To compare them in spite of it: --allow {','.join(words)}")
    return tuple(found)


def _faster(comparison: Comparison) -> str:
    a, b = compared.short_names(comparison.a, comparison.b)
    rows = sorted(compared.compared_rows(comparison), key=_ratio)
    low, high = _ratio(rows[0]), _ratio(rows[-1])
    told = f"{b} is {lead(low)} {'as' if lead(low).endswith('as fast') else 'than'} {a}{_at(rows[0])}"
    if len(rows) > 1:
        told += f" (least) and {lead(high)}{_at(rows[-1])} (most)"
    return f"{told}{_whether(comparison, rows)}."


def _whether(comparison: Comparison, rows: Sequence[Row]) -> str:
    """Whether the difference is real, over the models or else by the trials of each."""
    if comparison.overall and comparison.significant is not None:
        real = "significant" if comparison.significant else "not significant"
        return f"; over {len(rows)} models {compared.times(comparison.overall)}, {real}"
    known = [row.significant for row in rows if row.significant is not None]
    if not known:
        return "; too few models and trials to say whether that is chance"
    if len(known) == len(rows) and len(set(known)) == 1:
        return ", significant" if all(known) else ", not significant"
    return f", significant for {sum(known)} of {len(rows)} models"


def _changes(comparison: Comparison) -> str:
    told = []
    if comparison.gained:
        told.append(f"It gains {_models(comparison.gained)}.")
    if comparison.lost:
        told.append(f"It loses {_models(comparison.lost, now=True)}.")
    sizes = [plain(one.model) for one in gained_sizes(comparison)]
    if not told:
        ran = " that ran on both" if sizes else ""
        told = [f"It gains and loses no model{ran}{_nearest(comparison)}."]
        told += [f"By the lines through the measured sizes it gains {listed(_some(sizes))}."] if sizes else []
    return " ".join(told)


def _models(changes: Sequence[Change], *, now: bool = False) -> str:
    def cause(change: Change) -> str:
        text = change.cause.value
        return text.replace("was", "is").replace("did", "does") if now else text

    return listed(_some([f"{plain(one.model)} ({cause(one)})" for one in changes]))


def _some(told: Sequence[str]) -> list[str]:
    more = len(told) - MOST_NAMED
    return [*told[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]


def _nearest(comparison: Comparison) -> str:
    """The smallest model that is too slow on both."""
    for row in compared.compared_rows(comparison):
        if row.usable_a is False and row.usable_b is False:
            rates = [compared.figure(point, comparison.limit) for point in (row.pair.a, row.pair.b)]
            unit = " tok/s" if "tok/s" in compared.limit_name(comparison.limit) else ""
            return f": {plain(row.pair.model)} is too slow on either, at {listed(rates)}{unit}"
    return ""


def _meaning(comparison: Comparison) -> str:
    _, b = compared.short_names(comparison.a, comparison.b)
    limit = compared.limit_name(comparison.limit)
    if comparison.gained and not comparison.lost:
        return f"At {limit} {b} runs models that were out of reach."
    if comparison.lost and not comparison.gained:
        return f"At {limit} {b} takes models away."
    if comparison.gained:
        return f"At {limit} each runs models that the other does not."
    return _without_changes(comparison, b, limit)


def _without_changes(comparison: Comparison, b: str, limit: str) -> str:
    if gained_sizes(comparison):
        return f"At {limit} {b} runs sizes that were out of reach."
    real = _real(comparison)
    if real is False:
        return "On these figures the two cannot be told apart."
    if real is None:
        return "How sure that is, more models or trials would tell."
    slower = comparison.overall is not None and comparison.overall.value < 1
    return f"At {limit} that is the same models, {'slower' if slower else 'faster'}{_gap(comparison)}."


def _gap(comparison: Comparison) -> str:
    """That no model ran on both between the two ends."""
    found = compared.between(comparison.crossing_a, comparison.crossing_b)
    if found is None:
        return ""
    low, high = found
    rows = compared.compared_rows(comparison)
    if any(low <= (row.pair.a.parameters or 0) <= high for row in rows):
        return ""
    return f"; between {units.parameters(low)} and {units.parameters(high)} no model ran on both"


def _real(comparison: Comparison) -> bool | None:
    """Whether there is a difference, over the models or else in any of them; None where nothing says."""
    if comparison.significant is not None:
        return comparison.significant
    known = [row.significant for row in comparison.rows if row.significant is not None]
    return any(known) if known else None


def _trust(comparison: Comparison) -> str:
    points = compared.compared_points(comparison)
    counts = [point.decode.n for point in points if point.decode]
    low, high = min(counts, default=0), max(counts, default=0)
    trials = f"{low} trial{'s' * (low != 1)}" if low == high else f"{low} to {high} trials"
    sources = dict.fromkeys(source(p.series) for p in points if p.series.provenance != "measured")
    reported = f", as reported: {listed(list(sources))}" if sources else ""
    return f"{trials} a point{reported}. {_grade([point.grade for point in points], points)}"


def _grade(grades: Sequence[trust.Grade | None], points: Sequence[Point]) -> str:
    known = [grade for grade in grades if grade]
    if not known:
        return "Nobody looked at what else the machines did, so there is no grade."
    worst = max(known)
    causes = [
        warning.value
        for warning in trust.Warning
        if trust.RULES[warning].grade is worst and any(warning in point.warnings for point in points)
    ]
    why = f" ({', '.join(causes)})" if causes else ""
    some = "" if len(known) == len(grades) else f"; {len(grades) - len(known)} of {len(grades)} points have none"
    return f"Worst grade {worst}{why}{some}."


def _intervals(comparison: Comparison) -> list[str]:
    if all(row.significant is not None for row in compared.compared_rows(comparison)):
        return []
    return ["Without an interval: models that ran once on either."]


def _mixed(comparison: Comparison) -> list[str]:
    if not comparison.mixed:
        return []
    fits = (fit for fit in (comparison.fit_a, comparison.fit_b) if fit and mixed(fit.points))
    in_bytes = all(fit.in_bytes for fit in fits)
    told = "lines are fitted to bytes" if in_bytes else "where usable sizes end may be off"
    return [f"Sizes differ in quantisation ({', '.join(map(plain, comparison.mixed))}); {told}."]


def _told(what: str, rows: Sequence[Row]) -> list[str]:
    more = len(rows) - MOST_NAMED
    lines = [f"{what}: {unlike.differing(row.pair)}." for row in rows[:MOST_NAMED]]
    return [*lines, f"{what}: {more} more (tpsprofile merge --explain)."] if more > 0 else lines


def _at(row: Row) -> str:
    size = compared.size(row.pair.b)
    return f" {size}" if size else ""


def _ratio(row: Row) -> float:
    return row.ratio.value if row.ratio else 0.0
