"""Cases of one model beside each other: the one that stands for a machine, and how a figure goes on from it."""

from __future__ import annotations

import itertools

import msgspec

from tpsprofile.analysis.summary import Absent, Point, Series, Summary
from tpsprofile.records import Record

DEPTH, PROMPT = "depth_tokens", "prompt_tokens"
"""Fields of a series along which a course can go."""
FEWEST_SAMPLES, SHORTEST_S = 5, 60.0
"""What it takes to say whether a speed lasts."""
LONGEST_PAUSE_S = 15.0
"""Between two trials of a machine that is kept at work."""


class Course(Record, frozen=True, kw_only=True):
    """One model under work that differs in one respect alone."""

    series: Series
    """What all have in common; the field along which it goes is None."""
    model: str
    quantisation: str | None
    synthetic: bool
    along: str
    points: tuple[Point, ...]
    """Two or more, by that field."""

    def place(self, point: Point) -> int:
        """Where a point lies: the value of the field."""
        return int(getattr(point.series, self.along))


def courses(summary: Summary, figure: str, along: str) -> tuple[Course, ...]:
    """Every model that has a ``figure`` (a field of a point) at two or more values of ``along``."""
    found: dict[tuple[Series, str, str | None, bool], list[Point]] = {}
    for point in summary.points:
        if getattr(point, figure) is not None and getattr(point.series, along) is not None:
            series = msgspec.structs.replace(point.series, **{along: None})
            found.setdefault((series, point.model, point.quantisation, point.synthetic), []).append(point)
    return tuple(
        Course(
            series=series,
            model=model,
            quantisation=quantisation,
            synthetic=synthetic,
            along=along,
            points=tuple(sorted(points, key=lambda point: int(getattr(point.series, along)))),
        )
        for (series, model, quantisation, synthetic), points in found.items()
        if len(points) > 1
    )


def lasting(summary: Summary) -> tuple[Point, ...]:
    """Points whose trials were repeated for long enough to say whether the speed lasts."""
    return tuple(point for point in summary.points if _is_lasting(point))


def _is_lasting(point: Point) -> bool:
    """Enough trials for long enough, one right after the other: in rounds, or resumed later, a machine cools."""
    times = sorted(sample.after_s for sample in point.samples if sample.after_s is not None)
    if len(times) < FEWEST_SAMPLES or times[-1] - times[0] < SHORTEST_S:
        return False
    trial_s = (point.series.tokens_asked or 0) / min(sample.tok_s for sample in point.samples)
    pauses = [later - earlier - trial_s for earlier, later in itertools.pairwise(times)]
    return point.series.tokens_asked is None or max(pauses) <= max(LONGEST_PAUSE_S, 2 * trial_s)


def plainest(summary: Summary) -> Summary:
    """The summary without cases that have a longer prompt or a deeper context than the plainest like them.

    Cases are alike where nothing but prompt length, depth and the context length reserved for them differs; of
    what others reported, whose tests vary both at once, the length of the answer too. There each model has a
    plainest case of its own: no plan gave all of them the same tests.
    """
    best: dict[_Group, tuple[int, ...]] = {}
    for point in summary.points:
        group, rank = _group(point), _rank(point.series)
        best[group] = min(rank, best.get(group, rank))

    def stays(entry: Point | Absent) -> bool:
        rank = _rank(entry.series)
        return rank <= best.get(_group(entry), rank)

    return Summary(
        points=tuple(filter(stays, summary.points)),
        absent=tuple(filter(stays, summary.absent)),
        controls=summary.controls,
    )


_Group = tuple[Series, str | None, str | None, bool | None]


def _group(entry: Point | Absent) -> _Group:
    """Cases of which the plainest stay; of what others reported those of one model."""
    series = _alike(entry.series)
    if not _answer(entry.series):
        return series, None, None, None
    return series, entry.model, entry.quantisation, entry.synthetic


def _rank(series: Series) -> tuple[int, ...]:
    return (series.prompt_tokens or 0, series.depth_tokens or 0, *_answer(series))


def _alike(series: Series) -> Series:
    plain = msgspec.structs.replace(series, prompt_tokens=None, depth_tokens=None, context_asked=None)
    return msgspec.structs.replace(plain, tokens_asked=None) if _answer(series) else plain


def _answer(series: Series) -> tuple[int, ...]:
    """The length of the answer where cases may differ in it; empty where it makes another plan."""
    return () if series.provenance == "measured" else (series.tokens_asked or 0,)
