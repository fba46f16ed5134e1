"""A decision as text: the verdict in one sentence, a table of figures, and sections of labelled lines."""

from __future__ import annotations

from collections.abc import Mapping

from tpsprofile import units
from tpsprofile.analysis.claim import Claim
from tpsprofile.analysis.comparison import Comparison
from tpsprofile.analysis.comparison import Row as Compared
from tpsprofile.analysis.cost import Costs, Prices
from tpsprofile.analysis.decision import Decision
from tpsprofile.analysis.evidence import Item, Reason
from tpsprofile.analysis.rules import RULES, Rule, Verdict
from tpsprofile.analysis.speed import Crossing, End, Estimate, Limit, What
from tpsprofile.analysis.summary import Point
from tpsprofile.analysis.sweetspot import Next, Spot, usual_seconds
from tpsprofile.records import Record
from tpsprofile.render.costed import claim_lines, claim_title, cost_lines, energy_lines, energy_title
from tpsprofile.render.names import listed, plain

VERDICTS: Mapping[Verdict, str] = {
    Verdict.UPGRADE: "Upgrade",
    Verdict.WAIT: "Wait",
    Verdict.NO_DIFFERENCE: "No difference",
    Verdict.UNDECIDED: "Undecided",
}
_MOST_NAMED = 4
_TIMED = frozenset({Rule.GAINS_MODEL, Rule.LOSES_MODEL, Rule.JUST_MISSED, Rule.ON_THE_LINE, Rule.BY_CHANCE})
"""Rules whose models are told with their speeds; those on common sizes speak of a size by its model's name."""


class Figures(Record, frozen=True, kw_only=True):
    """One model on both machines, as text."""

    model: str
    size: str
    before: str
    after: str
    speed: str
    """Ratio, with its interval where there is one."""
    usable: str
    """On which machine; or why it was not compared."""


class Section(Record, frozen=True, kw_only=True):
    """A title, and lines of a label and a text."""

    title: str
    lines: tuple[tuple[str, str], ...]


class Page(Record, frozen=True, kw_only=True):
    """The whole answer."""

    verdict: str
    sentence: str
    headings: Mapping[str, str]
    """Field of ``Figures`` -> what stands above it."""
    figures: tuple[Figures, ...]
    sections: tuple[Section, ...]


def page(
    decision: Decision,
    comparison: Comparison,
    *,
    costs: Costs | None = None,
    prices: Prices | None = None,
    claim: Claim | None = None,
    note: str | None = None,
) -> Page:
    """Everything there is to say; sections without content are left out."""
    why = [(f"{reason.rule}", _spoken(reason, comparison)) for reason in (decision.decisive, *decision.further)]
    doubts = [(f"{reason.rule}", sentence(reason, comparison)) for reason in decision.doubts]
    sections = (
        ("Why", why),
        ("Doubts", [*([("limit", note)] if note else []), *doubts]),
        (f"Largest usable model ({limit_text(comparison.limit)})", _spots(decision, comparison)),
        (claim_title(claim), claim_lines(decision.corrections)),
        ("Cost", cost_lines(costs, prices) if costs and prices else []),
        (energy_title(prices), energy_lines(costs) if costs else []),
    )
    return Page(
        verdict=VERDICTS[decision.verdict],
        sentence=sentence(decision.decisive, comparison),
        headings=_headings(comparison),
        figures=_figures(comparison),
        sections=tuple(Section(title=title, lines=tuple(lines)) for title, lines in sections if lines),
    )


def sentence(reason: Reason, comparison: Comparison) -> str:
    """What a reason says, with names and figures."""
    ratio, limit = reason.ratio, comparison.limit
    return RULES[reason.rule].says.format(
        a=plain(comparison.a.machine),
        b=plain(comparison.b.machine),
        limit=limit_text(limit),
        models=_models(reason, comparison),
        ratio=units.UNKNOWN if ratio is None else f"{ratio.value:.2f}x",
        between=_between(reason),
        span=units.UNKNOWN if ratio is None else _span(ratio, "{:.2f}"),
    )


def limit_text(limit: Limit) -> str:
    """``10 tok/s``, ``first token in 2.0 s``, ``500 tokens in 30 s``."""
    if limit.what is What.DECODE:
        return f"{limit.tok_s:.3g} tok/s"
    time = units.seconds(limit.seconds)
    return f"first token in {time}" if limit.what is What.TTFT else f"{limit.tokens_out:,} tokens in {time}"


def _spoken(reason: Reason, comparison: Comparison) -> str:
    """A reason, and what it speaks for."""
    return f"{sentence(reason, comparison)} [{RULES[reason.rule].verdict}]"


def _models(reason: Reason, comparison: Comparison) -> str:
    """Names with figures; ``all`` for every compared model of several."""
    timed = reason.rule in _TIMED
    told = [_item(item, comparison.limit, timed=timed) for item in reason.models]
    if not timed and len(told) == sum(row.ratio is not None for row in comparison.rows) > 1:
        return "all"
    more = len(told) - _MOST_NAMED
    return listed(told if more < 2 else [*told[:_MOST_NAMED], f"{more} more"])


def _between(reason: Reason) -> str:
    """``: none lies between 48.6B and 66.5B``; nothing where no sizes are gained."""
    if reason.sizes is None:
        return ""
    low, high = map(units.parameters, reason.sizes)
    return f": none lies between {low} and {high}"


def _item(item: Item, limit: Limit, *, timed: bool) -> str:
    """``qwen2.5:72b (9.00 tok/s)``, ``m14 (9.00 to 12.0 tok/s)``."""
    times = [_figure(one, limit) for one in (item.before_s, item.after_s) if one is not None] if timed else []
    unit = " tok/s" if limit.what is What.DECODE else ""
    return plain(item.model) + (f" ({' to '.join(times)}{unit})" if times else "")


def _figure(seconds: float | None, limit: Limit) -> str:
    """A time that the limit is on, as people say it: a rate for decode, else a duration."""
    if seconds is None:
        return units.UNKNOWN
    return units.rate(1 / seconds) if limit.what is What.DECODE else units.seconds(seconds)


def _headings(comparison: Comparison) -> Mapping[str, str]:
    unit = {What.DECODE: " tok/s", What.TTFT: " TTFT", What.TASK: ""}[comparison.limit.what]
    return {
        "model": "model",
        "size": "size",
        "before": f"old{unit}",
        "after": f"new{unit}",
        "speed": "speed",
        "usable": "usable",
    }


def _figures(comparison: Comparison) -> tuple[Figures, ...]:
    rows = [_row(row, comparison.limit) for row in comparison.rows]
    mean = comparison.overall
    if mean is not None and len(rows) > 1:
        rows.append(Figures(model="all", size="", before="", after="", speed=_ratio(mean), usable=""))
    return tuple(rows)


def _row(row: Compared, limit: Limit) -> Figures:
    pair = row.pair
    return Figures(
        model=plain(pair.model, 32),
        size=units.parameters(pair.a.parameters),
        before=_figure(usual_seconds(pair.a, limit), limit),
        after=_figure(usual_seconds(pair.b, limit), limit),
        speed=_ratio(row.ratio) if row.ratio else units.UNKNOWN,
        usable=_usable(row) if row.compared else "unlike",
    )


def _usable(row: Compared) -> str:
    words: dict[tuple[bool | None, bool | None], str] = {
        (True, True): "both",
        (False, False): "neither",
        (False, True): "gained",
        (True, False): "lost",
    }
    return words.get((row.usable_a, row.usable_b), units.UNKNOWN)


def _ratio(ratio: Estimate) -> str:
    """``1.32x [1.21, 1.44]``."""
    span = _span(ratio, "{:.2f}")
    return f"{ratio.value:.2f}x{f' {span}' if span else ''}"


def _span(one: Estimate, form: str) -> str:
    """``[1.21, 1.44]``, ``[1.21, …]`` without an upper end, nothing without an interval."""
    if one.low is None:
        return ""
    return f"[{form.format(one.low)}, {units.UNKNOWN if one.high is None else form.format(one.high)}]"


def _spots(decision: Decision, comparison: Comparison) -> list[tuple[str, str]]:
    crossings = (comparison.crossing_a, comparison.crossing_b)
    return [
        (plain(spot.who.machine, 24), _spot(spot, crossing, comparison.limit))
        for spot, crossing in zip(decision.spots, crossings, strict=True)
    ]


def _spot(spot: Spot, crossing: Crossing | None, limit: Limit) -> str:
    best = "no measured model" if spot.largest is None else _best(spot.largest, limit)
    reached = _reached(crossing)
    following = _following(spot.next, limit) if spot.next else ""
    return "; ".join(filter(None, [best, reached, following])) + "."


def _best(point: Point, limit: Limit) -> str:
    unit = " tok/s" if limit.what is What.DECODE else ""
    return f"{plain(point.model)} ({_figure(usual_seconds(point, limit), limit)}{unit})"


def _reached(crossing: Crossing | None) -> str:
    """``by the line up to 48.8B [41.0, 57.9]``."""
    if crossing is None or crossing.end is not End.CROSSES or crossing.parameters is None:
        return ""
    at = crossing.parameters
    billions = Estimate(value=at.value / 1e9, low=at.low and at.low / 1e9, high=at.high and at.high / 1e9)
    return f"by the line up to {units.parameters(at.value)} {_span(billions, '{:.1f}')}".rstrip()


def _following(one: Next, limit: Limit) -> str:
    name = plain(one.model)
    if one.wall is not None:
        return f"{name} does not fit{f': {plain(one.wall.reason)}' if one.wall.reason else ''}"
    if one.needs is None:
        return ""
    if one.predicted:
        time = _figure(one.needs * limit.seconds, limit)
        unit = " tok/s" if limit.what is What.DECODE else ""
        return f"{name} is not measured, and by the line would have {time}{unit}"
    reads = "" if one.reads_bytes_s is None else f", {units.bandwidth(one.reads_bytes_s)} of weights"
    return f"{name} needs {one.needs:.2f}x its speed{reads}"
