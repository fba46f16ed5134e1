"""A decision as text: the verdict in one sentence, and sections of labelled lines beside the table of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpsprofile import units
from tpsprofile.analysis.between import Item
from tpsprofile.analysis.claim import Claim
from tpsprofile.analysis.comparison import Comparison
from tpsprofile.analysis.cost import Costs, Prices
from tpsprofile.analysis.decision import Decision
from tpsprofile.analysis.evidence import Reason
from tpsprofile.analysis.rules import RULES, Rule, Verdict
from tpsprofile.analysis.speed import Crossing, End, Limit, What
from tpsprofile.analysis.sweetspot import Next, Spot
from tpsprofile.records import Record
from tpsprofile.render import compared
from tpsprofile.render.costed import claim_lines, claim_title, cost_lines, energy_lines, energy_title
from tpsprofile.render.names import listed, plain
from tpsprofile.render.narrow import narrowed

VERDICTS: Mapping[Verdict, str] = {
    Verdict.UPGRADE: "Upgrade",
    Verdict.WAIT: "Wait",
    Verdict.NO_DIFFERENCE: "No difference",
    Verdict.UNDECIDED: "Undecided",
}
_MOST_NAMED = 4
_ABSURD = 1e4
_TIMED = frozenset({Rule.GAINS_MODEL, Rule.LOSES_MODEL, Rule.JUST_MISSED, Rule.ON_THE_LINE, Rule.BY_CHANCE})
"""Rules whose models are told one by one with their speeds, as far as there are any."""


class Section(Record, frozen=True, kw_only=True):
    """A title, and lines of a label and a text."""

    title: str
    lines: tuple[tuple[str, str], ...]


class Page(Record, frozen=True, kw_only=True):
    """The whole answer."""

    verdict: str
    sentence: str
    table: compared.Table
    sections: tuple[Section, ...]


def page(
    decision: Decision,
    comparison: Comparison,
    *,
    costs: Costs | None = None,
    prices: Prices | None = None,
    claim: Claim | None = None,
    notes: Sequence[tuple[str, str]] = (),
    width: int | None = None,
) -> Page:
    """Everything there is to say; sections without content are left out. ``notes`` are further doubts.

    The table is for ``width`` characters; None is as wide as it is.
    """
    rule = decision.decisive.rule
    why = [(str(rule), f"{RULES[rule].when} [decides: {decision.verdict}]")]
    why += [(str(one.rule), _spoken(one, comparison)) for one in decision.further]
    doubts = [(str(one.rule), sentence(one, comparison)) for one in decision.doubts]
    table = compared.table(comparison) if width is None else narrowed(comparison, width)
    sections = (
        ("Machines", _machines(table, comparison)),
        ("Why", why),
        ("Doubts", [*doubts, *notes]),
        (f"Largest usable model ({limit_text(comparison.limit)})", _spots(decision, comparison)),
        (claim_title(claim), claim_lines(decision.corrections)),
        ("Cost", cost_lines(costs, prices) if costs and prices else []),
        (energy_title(prices), energy_lines(costs) if costs else []),
    )
    predicted = Rule.PREDICTED in {one.rule for one in decision.doubts}
    return Page(
        verdict=VERDICTS[decision.verdict] + (" (predicted)" if predicted else ""),
        sentence=sentence(decision.decisive, comparison),
        table=table,
        sections=tuple(Section(title=title, lines=tuple(lines)) for title, lines in sections if lines),
    )


def sentence(reason: Reason, comparison: Comparison) -> str:
    """What a reason says, with names and figures."""
    a, b = compared.short_names(comparison.a, comparison.b)
    ratio = reason.ratio
    known = ratio is not None and ratio.low is not None and ratio.high is not None
    return RULES[reason.rule].says.format(
        a=a,
        b=b,
        limit=limit_text(comparison.limit),
        models=_models(reason, comparison),
        between=_between(reason),
        ratio=f"{_times(ratio.value)}×" if ratio else units.UNKNOWN,
        span=f"{_times(ratio.low)} to {_times(ratio.high)}" if ratio and known else units.UNKNOWN,
    )


def _machines(table: compared.Table, comparison: Comparison) -> list[tuple[str, str]]:
    """Which machine a heading means that does not hold its name, as of two whose names begin alike."""
    names = compared.short_names(comparison.a, comparison.b)
    headings = table.headings["a"], table.headings["b"]
    return [] if headings != ("first", "second") else list(zip(headings, names, strict=True))


def _times(ratio: float | None) -> str:
    """``1.32``; ``1.2e+10`` where figures are absurd."""
    if ratio is None:
        return units.UNKNOWN
    return f"{ratio:.2f}" if ratio < _ABSURD else f"{ratio:.2g}"


def limit_text(limit: Limit) -> str:
    """``10 tok/s``, ``first token in 2.0 s``, ``500 tokens in 30 s``."""
    if limit.what is What.DECODE:
        return compared.limit_name(limit)
    time = units.seconds(limit.seconds)
    return f"first token in {time}" if limit.what is What.TTFT else f"{limit.tokens_out:,} tokens in {time}"


def _spoken(reason: Reason, comparison: Comparison) -> str:
    """A reason, and what it speaks for."""
    return f"{sentence(reason, comparison)} [{RULES[reason.rule].verdict}]"


def _models(reason: Reason, comparison: Comparison) -> str:
    """Names with figures; ``all`` for every compared model of several."""
    timed = reason.rule in _TIMED
    told = [_item(item, comparison.limit, timed=timed) for item in reason.models]
    every = {row.pair.model for row in compared.compared_rows(comparison)}
    if not timed and len(told) > 1 and every == {item.model for item in reason.models}:
        return "all"
    more = len(told) - _MOST_NAMED
    return listed(told if more < 2 else [*told[:_MOST_NAMED], f"{more} more"])


def _between(reason: Reason) -> str:
    """``: none lies between 48.6B and 66.5B``; `` for sure`` where one may."""
    if reason.sizes is None:
        return " for sure"
    low, high = map(units.parameters, reason.sizes)
    return f": none lies between {low} and {high}"


def _item(item: Item, limit: Limit, *, timed: bool) -> str:
    """``qwen2.5:72b (9.00 tok/s)``, ``m14 (9.00 to 12.0 tok/s)``."""
    times = [_figure(one, limit) for one in (item.before_s, item.after_s) if one is not None] if timed else []
    return plain(item.model) + (f" ({' to '.join(times)}{_unit(limit)})" if times else "")


def _figure(seconds: float, limit: Limit) -> str:
    """A time that the limit is on, as people say it: a rate for decode, else a duration."""
    return units.rate(1 / seconds) if limit.what is What.DECODE else units.seconds(seconds)


def _unit(limit: Limit) -> str:
    return " tok/s" if limit.what is What.DECODE else ""


def _spots(decision: Decision, comparison: Comparison) -> list[tuple[str, str]]:
    called = compared.short_names(comparison.a, comparison.b)
    crossings = (comparison.crossing_a, comparison.crossing_b)
    return [
        (name, _spot(spot, crossing, comparison.limit))
        for name, spot, crossing in zip(called, decision.spots, crossings, strict=True)
    ]


def _spot(spot: Spot, crossing: Crossing | None, limit: Limit) -> str:
    following = _following(spot.next, limit) if spot.next else ""
    return "; ".join(filter(None, [_best(spot, limit), _reached(crossing), following])) + "."


def _best(spot: Spot, limit: Limit) -> str:
    unsized = f"{spot.unsized} usable, of unknown size" if spot.unsized else ""
    if spot.largest is None:
        return unsized or "no measured model"
    largest = f"{plain(spot.largest.model)} ({compared.figure(spot.largest, limit)}{_unit(limit)})"
    return f"{largest} and {unsized}" if unsized else largest


def _reached(crossing: Crossing | None) -> str:
    """``by the line up to 48.8B [41.0B 57.9B]``."""
    crosses = crossing is not None and crossing.end is End.CROSSES
    return f"by the line up to {compared.end(crossing)}" if crossing and crosses else ""


def _following(one: Next, limit: Limit) -> str:
    name = plain(one.model)
    if one.wall is not None:
        return f"{name} does not fit{f': {plain(one.wall.reason)}' if one.wall.reason else ''}"
    if one.needs is None:
        return ""
    if one.predicted:
        return f"{name}, not measured, by the line {_figure(one.needs * limit.seconds, limit)}{_unit(limit)}"
    reads = "" if one.reads_bytes_s is None else f", {units.bandwidth(one.reads_bytes_s)} of weights"
    return f"{name} needs {_times(one.needs)}× its speed{reads}"
