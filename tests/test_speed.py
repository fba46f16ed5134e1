"""Speed against size: known answers, where usable sizes end, and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tpsprofile.analysis.speed import Crossing, End, Fit, Limit, crossing, fit
from tpsprofile.analysis.summary import Absent, Point, Sample, Series, Spread, Summary
from tpsprofile.records import Outcome

B = 10**9
LINE = Limit.line(10)
SERIES = Series(
    machine_id="m1",
    machine="Test Chip",
    chip="Test Chip",
    ram_bytes=None,
    engine="llama.cpp",
    simulated=False,
    options=None,
    provenance="measured",
    source=None,
    method=None,
    prompt=None,
    tokens_asked=None,
    context_asked=None,
    depth_tokens=None,
    prompt_tokens=None,
    speculative=False,
)


def point(
    size: float, rates: Sequence[float], ttfts: Sequence[float | None] | None = None, **changes: Any
) -> Point:
    """A model of a size in billions, with a decode rate in tok/s for each trial."""
    samples = tuple(
        Sample(after_s=None, tok_s=rate, far=False, ttft_s=ttft)
        for rate, ttft in zip(rates, ttfts or [None] * len(rates), strict=True)
    )
    fields: dict[str, Any] = {
        "series": SERIES,
        "model": f"m{size:g}",
        "parameters": int(size * B),
        "parameters_active": None,
        "quantisation": "Q4_K_M",
        "synthetic": False,
        "engine_version": None,
        "trials": len(rates),
        "decode": Spread(median=sorted(rates)[len(rates) // 2], low=min(rates), high=max(rates), n=len(rates)),
        "interval": None,
        "samples": samples,
        "warnings": (),
        "grade": None,
        **dict.fromkeys(("prefill", "ttft", "load_first", "load_later", "rss", "available_fall", "engine_size")),
    }
    return Point(**fields | changes)


def on_line(size: float, fixed: float = 0.004, each: float = 0.002, trials: int = 3, **changes: Any) -> Point:
    """A model that takes exactly ``fixed + each * size`` seconds a token."""
    return point(size, [1 / (fixed + each * size)] * trials, **changes)


def absent(size: float) -> Absent:
    return Absent(
        series=SERIES,
        model=f"m{size:g}",
        parameters=int(size * B),
        quantisation="Q4_K_M",
        synthetic=False,
        outcome=Outcome.DOES_NOT_FIT,
        reason="because",
    )


def summary(*entries: Point | Absent) -> Summary:
    return Summary(
        points=tuple(entry for entry in entries if isinstance(entry, Point)),
        absent=tuple(entry for entry in entries if isinstance(entry, Absent)),
    )


def fitted(*points: Point, limit: Limit = LINE) -> Fit:
    found = fit(summary(*points), SERIES, limit)
    assert found is not None
    return found


def crossed(*entries: Point | Absent, limit: Limit = LINE) -> Crossing:
    found = crossing(summary(*entries), SERIES, limit)
    assert found is not None
    return found


def billions(found: Crossing) -> float:
    assert found.parameters is not None
    return found.parameters.value / B


@pytest.mark.parametrize("sizes", [(1, 8), (1, 8, 70), (0.1, 0.5, 1, 3, 7, 70)])
def test_a_line_without_noise_is_found_exactly(sizes: tuple[float, ...]) -> None:
    found = fitted(*map(on_line, sizes))
    assert found.fixed_s.value == pytest.approx(0.004)
    assert found.rate.value == pytest.approx(B / 0.002)
    assert found.tok_s_at(20 * B).value == pytest.approx(1 / 0.044)
    assert billions(crossed(*map(on_line, sizes), limit=Limit(seconds=0.01))) == pytest.approx(3)


REPORTED = {
    "Apple M2 Max": ([(1.24, [160]), (10.3, [42, 41]), (32.8, [14]), (72.7, [7])], 48.5, 50),
    "Apple M4 Max": ([(1.24, [200]), (10.3, [55]), (32.8, [20]), (72.7, [9])], 65, 66.6),
}


@pytest.mark.parametrize(("trials", "low", "high"), REPORTED.values(), ids=REPORTED)
def test_two_laptops_as_reported_cross_where_they_should(
    trials: list[tuple[float, list[float]]], low: float, high: float
) -> None:
    points = [point(size, rates, quantisation=None) for size, rates in trials]
    found = crossed(*points)
    assert (found.end, found.extrapolated) == (End.CROSSES, False)
    assert low < billions(found) < high
    assert found.parameters is not None
    assert found.parameters.low is not None
    assert found.parameters.high is not None
    assert 0.8 < found.parameters.low / found.parameters.value < 1 < found.parameters.high / found.parameters.value
