"""Fitted curves, bands and crossings on charts: where they are, and that nothing lies over them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from tests.test_charts import (
    B,
    assert_clean,
    axes,
    graded,
    ok,
    run,
    six_machines_drawn,
    spots,
    summary,
    texts,
    too_large,
    two_laptops,
    words,
)
from tpsprofile.analysis.speed import Estimate
from tpsprofile.analysis.summary import Summary
from tpsprofile.records import Trial
from tpsprofile.render import charts, fitted
from tpsprofile.render.compose import compose
from tpsprofile.render.crossed import crossed
from tpsprofile.render.geometry import Box, Frame, Size, meet
from tpsprofile.render.metrics import METRICS, SIZES
from tpsprofile.render.paint import paint
from tpsprofile.render.picture import Axis, Cross, Level, Mark, Picture, Trace
from tpsprofile.render.place import NOTHING


def lawful(fixed: float, each: float, *sizes: float, noise: float = 0.01) -> list[Trial]:
    """Three trials a size (in B) that take ``fixed`` + size × ``each`` seconds a token, nearly."""
    return [
        ok(size, 1 / ((fixed + each * size) * (1 + noise * math.sin(7 * size + n))), n)
        for size in sizes
        for n in (1, 2, 3)
    ]


def lines(figure: Figure, gid: str) -> list[Any]:
    return [line for line in axes(figure).lines if line.get_gid() == gid]


def bands(figure: Figure) -> list[Any]:
    return [one for one in axes(figure).collections if isinstance(one, FillBetweenPolyCollection)]


def test_sizes_are_joined_by_a_fit_that_reaches_a_little_beyond_them() -> None:
    figure = charts.figure(summary(run(*lawful(0.005, 0.002, 1, 3, 7, 14, 32))))
    (curve,) = lines(figure, "curve")
    xs, ys = (np.asarray(values, dtype=float) for values in (curve.get_xdata(), curve.get_ydata()))
    assert len(xs) > 40
    assert 0.6 * B < xs[0] < B
    assert xs[-1] > 48 * B  # beyond the crossing at 47.5B
    assert np.interp(20 * B, xs, ys) == pytest.approx(1 / 0.045, rel=0.03)
    assert len(list(spots(figure, "filled"))) == 5


def test_a_fit_has_a_band_that_holds_it() -> None:
    (trace,) = compose(summary(run(*lawful(0.005, 0.002, 1, 3, 7, 14, 32)))).traces
    rates = dict(trace.line)
    assert trace.band
    assert all(low <= rates[x] <= high and low < high for x, low, high in trace.band)
    assert len(bands(charts.figure(two_laptops()))) == 2


def test_two_sizes_have_a_line_without_a_band_and_one_has_none() -> None:
    (two,) = compose(summary(run(*lawful(0.005, 0.002, 1, 7)))).traces
    assert (len(two.line) > 40, two.band) == (True, ())
    (one,) = compose(summary(run(*lawful(0.005, 0.002, 1)))).traces
    assert (one.line, one.band) == ((), ())


def test_a_band_too_wide_to_tell_anything_is_left_out_and_said() -> None:
    (trace,) = compose(scattered := summary(run(*lawful(0.02, 0.03, 0.5, 1, 3, noise=0.2)))).traces
    assert len(trace.line) > 40
    assert trace.band == ()
    (said,) = [line for line in compose(scattered).foot if line.startswith("Curves")]
    assert "Without a band: Apple M4 Max 128 GB" in said
    assert not any("Without a band" in line for line in compose(two_laptops()).foot)


def test_a_crossing_without_an_upper_end_shows_its_lower_one() -> None:
    assert fitted.interval(Estimate(value=2.8e9, low=1.4e9, high=None)) == "2.8B [1.4B …]"
    assert fitted.interval(Estimate(value=2.8e9, low=None, high=None)) == "2.8B"
    assert fitted.interval(Estimate(value=48e9, low=47.8e9, high=48.2e9)) == "48.0B [47.8B 48.2B]"


def test_where_a_curve_crosses_the_line_is_marked_with_its_interval() -> None:
    picture = compose(two_laptops())
    assert [one.text for one in picture.crossings] == ["49B [44B 54B]", "66B [63B 70B]"]
    assert all(one.y == 10 and one.low < one.x < one.high for one in picture.crossings)
    figure = charts.figure(two_laptops())
    assert sorted(words(figure, "crossing")) == ["49B [44B 54B]", "66B [63B 70B]"]
    tips = list(spots(figure, "crossing"))
    assert [x for x, _ in tips] == sorted(x for x, _ in tips)
    for curve, (x, y) in zip(lines(figure, "curve"), tips, strict=True):
        path = axes(figure).transData.transform(curve.get_xydata())
        assert np.interp(x, path[:, 0], path[:, 1]) == pytest.approx(y, abs=3)
    assert any("▼ and the bar at it" in line for line in words(figure))


@pytest.mark.parametrize(
    ("trials", "told"),
    [
        (lawful(0, 0.002, 1, 7, 32, 72), "up to 50B"),
        (lawful(0, 0.002, 1, 7, 14, 40), "(extrapolated)."),
        (lawful(0, 0.002, 1, 3, 7), "beyond 7.0B (the largest measured)."),
        ([*lawful(0, 0.002, 1, 3, 7), too_large(14)], "up to 7.0B (14.0B does not fit)."),
        (lawful(0, 0.2, 1, 3, 7), "No measured size on Apple M4 Max 128 GB."),
        (lawful(0, 0.2, 1), "No measured size on Apple M4 Max 128 GB."),
        (lawful(0, 0.002, 1), "beyond 1.0B (the largest measured)."),
    ],
    ids=["crosses", "crosses beyond", "beyond", "memory", "below", "one size too slow", "one size"],
)
def test_the_answer_says_how_usable_sizes_end(trials: list[Trial], told: str) -> None:
    found = summary(run(*trials))
    assert told in " ".join(compose(found).answer)
    assert_clean(charts.figure(found))


def test_the_largest_answer_comes_first_and_none_last() -> None:
    runs = [
        run(*lawful(0, 0.2, 1, 3)),
        run(*lawful(0, 0.01, 1, 3, 14), place=1),
        run(*lawful(0, 0.002, 1, 7, 72), place=2),
    ]
    first, last = compose(summary(*runs)).answer
    assert first.index("EPYC") < first.index("M2 Max")
    assert last == "No measured size on Apple M4 Max 128 GB."


def test_curves_of_one_picture_say_what_they_are_fitted_to() -> None:
    (said,) = [line for line in compose(two_laptops()).foot if line.startswith("Curves")]
    assert "time a token = fixed + parameters × time a parameter" in said
    assert not any(line.startswith("Curves") for line in compose(summary(run(ok(1, 50)))).foot)
    assert not any(line.startswith("Curves") for line in compose(summary(run(ok(1, 50))), "ttft").foot)


def test_other_metrics_join_their_marks() -> None:
    (trace,) = compose(summary(run(*lawful(0, 0.002, 1, 3, 7))), "ttft").traces
    assert (trace.line, trace.band) == ((), ())


@pytest.mark.parametrize(
    ("parameters", "told"), [(3.64e9, "3.6B"), (49.2e9, "49B"), (9.96e9, "10B"), (2e8, "200M")]
)
def test_a_fitted_size_has_no_digits_that_nobody_knows(parameters: float, told: str) -> None:
    assert fitted.size(parameters) == told


def assert_crossings_are_clear(figure: Figure) -> None:
    """The texts of crossings keep off curves and tips."""
    labels = [box for name, box in texts(figure).items() if name.rsplit(" (", 1)[0] in words(figure, "crossing")]
    for curve in lines(figure, "curve"):
        path = axes(figure).transData.transform(curve.get_xydata())
        for box in labels:
            assert not any(box.contains(x, y) for x, y in path)
    for x, y in spots(figure, "crossing"):
        assert not any(box.contains(x, y + 3) for box in labels)


@pytest.mark.parametrize("close", [False, True], ids=["spread", "close"])
@pytest.mark.parametrize("seed", range(3))
def test_crossings_of_six_machines_are_readable(seed: int, close: bool) -> None:
    figure = six_machines_drawn(seed, close=close)  # test_charts.py looks at its texts among each other
    assert_crossings_are_clear(figure)
    assert len(words(figure, "crossing")) >= 2


def test_crossings_beside_letters_are_readable() -> None:
    trials = [one for size in (1, 3, 7, 14, 20, 32) for one in graded(size, 150 / size, "busy", count=3)]
    figure = charts.figure(summary(run(*trials)))
    assert len(words(figure, "letter")) == 6
    assert_clean(figure)
    assert_crossings_are_clear(figure)


def hand_made(**changes: Any) -> Picture:
    """A picture with one line from 1B to 100B."""
    spots_along = tuple((B * 10 ** (n / 10), 100 / 10 ** (n / 10)) for n in range(21))
    fields: dict[str, Any] = {"name": "a chip", "tone": 0, "pattern": 0, "marks": (), "line": spots_along}
    return Picture(
        title="How fast?",
        answer=("Fast.",),
        x=Axis(caption="parameters", ticks=SIZES),
        y=Axis(caption="tok/s", ticks=METRICS["tokens"].ticks),
        traces=(Trace(**fields | changes),),
        walls=(),
        levels=(Level(y=10, text="10 tok/s", tone=None),),
        zone=None,
        foot=(),
        simulated=False,
    )


def test_what_is_predicted_is_dashed_and_has_no_marks() -> None:
    band = tuple((x, y / 2, y * 2) for x, y in hand_made().traces[0].line)
    figure = paint(hand_made(predicted=True, band=band))
    (curve,) = lines(figure, "curve")
    assert curve.is_dashed()
    assert len(bands(figure)) == 1
    assert list(spots(figure, "filled", "hollow")) == []
    assert words(figure, "name") == ["a chip"]
    assert_clean(figure)
    assert not lines(paint(hand_made()), "curve")[0].is_dashed()


def test_the_axes_hold_a_whole_line_and_the_marks_beside_it() -> None:
    mark = Mark(x=0.1 * B, y=300, low=300, high=300, hollow=False, joined=True)
    figure = paint(hand_made(marks=(mark,)))
    (left, right), (low, high) = axes(figure).get_xlim(), axes(figure).get_ylim()
    assert left < 0.1 * B < 100 * B < right
    assert low < 1
    assert high > 300


FRAME = Frame(Box(0, 0, 300, 200), (0, 3), (0, 2))


def cross(x: float, low: float, high: float) -> Cross:
    return Cross(x=x, y=10, low=low, high=high, tone=0, text="text")


def test_intervals_that_would_touch_stand_under_each_other() -> None:
    found = crossed(
        [cross(30, 10, 100), cross(50, 20, 60), cross(500, 400, 600)], [Size(40, 10)] * 3, FRAME, NOTHING, ()
    )
    heights = [one.bar[0][1] for one in found if one.bar]
    assert heights[0] == heights[2] == 100
    assert heights[1] < heights[0]


def test_an_interval_ends_at_the_edge_of_the_axes_and_none_has_no_bar() -> None:
    wide, plain = crossed([cross(30, 10, 1e9), cross(500, 500, 500)], [Size(40, 10)] * 2, FRAME, NOTHING, ())
    assert wide.bar is not None
    assert wide.bar[1][0] == 300
    assert plain.bar is None


def test_a_text_without_a_free_place_is_left_out() -> None:
    (one,) = crossed([cross(30, 30, 30)], [Size(40, 10)], FRAME, NOTHING.and_boxes([FRAME.box]), ())
    assert one.label is None


def test_no_line_lies_between_a_crossing_and_its_text() -> None:
    (free,) = crossed([cross(30, 30, 30)], [Size(40, 10)], FRAME, NOTHING, ())
    assert free.label is not None
    assert free.label.x1 < free.tip[0]
    fence = ((free.tip[0] - 3, 0.0), (free.tip[0] - 3, 200.0))
    (moved,) = crossed([cross(30, 30, 30)], [Size(40, 10)], FRAME, NOTHING, [fence])
    assert moved.label is not None
    assert moved.label.x0 > moved.tip[0]


@pytest.mark.parametrize(
    ("other", "do"),
    [(((0, 10), (10, 0)), True), (((0, 1), (10, 11)), False), (((6, 0), (6, 5)), False)],
    ids=["across", "beside", "ends before"],
)
def test_segments_meet_where_each_crosses_the_other(other: Any, do: bool) -> None:
    assert meet(((0, 0), (10, 10)), other) is do


def test_the_same_results_have_the_same_fits() -> None:
    again: Summary = two_laptops()
    assert compose(again) == compose(two_laptops())
