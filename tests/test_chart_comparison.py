"""Two machines as three pictures: what each asks, answers and shows."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from matplotlib.figure import Figure

from tests.test_charts import (
    B,
    assert_clean,
    axes,
    heights,
    model,
    ok,
    run,
    spots,
    summary,
    texts,
    too_large,
    two_laptops,
    with_,
    words,
)
from tpsprofile.analysis import like
from tpsprofile.analysis.comparison import Comparison, compare
from tpsprofile.analysis.speed import Limit, What
from tpsprofile.analysis.summary import Summary
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.records import EngineInfo, Machine, Trial
from tpsprofile.render import beside, charts
from tpsprofile.render.gains import gains
from tpsprofile.render.paint import paint
from tpsprofile.render.picture import Kind
from tpsprofile.render.strips import paint_strips

LINE = Limit.line(10)


def between(found: Summary, limit: Limit = LINE) -> Comparison:
    """The first machine of a summary and the second."""
    a, b = like.machines(found)
    return compare(found, a, b, limit)


def rates(fixed: float, each: float, *sizes: float) -> list[Trial]:
    """Four trials a size (in B) of ``fixed`` + size × ``each`` seconds a token, nearly."""
    return [
        ok(size, 1 / ((fixed + each * size) * (1 + 0.01 * math.sin(7 * size + 5 * n))), n)
        for size in sizes
        for n in (1, 2, 3, 4)
    ]


def pair(old: list[Trial], new: list[Trial], **changes: Any) -> Summary:
    return summary(run(*old, place=1, **changes), run(*new, place=0, **changes))


def grown() -> Summary:
    """An old machine that ends at 20B and has no room for 32B, and a new one that is usable up to 48B."""
    return pair(
        [*rates(0.005, 0.00475, 1, 3, 7, 14, 24), too_large(32), too_large(72)],
        rates(0.004, 0.002, 1, 3, 7, 14, 24, 32, 72),
    )


TRIALS = rates(0.004, 0.002, 1, 3, 7)


def without_size(one: Trial) -> Trial:
    return msgspec.structs.replace(one, model=msgspec.structs.replace(one.model, parameters=None))


def drawing(name: str, found: Summary, limit: Limit = LINE) -> Figure:
    one = between(found, limit)
    with charts._look():
        if name == "curves":
            return paint(beside.curves(one, found))
        return paint(beside.ratios(one)) if name == "ratio" else paint_strips(gains(one, found))


def drawings(found: Summary, limit: Limit = LINE) -> dict[str, Figure]:
    return {name: drawing(name, found, limit) for name in ("curves", "ratio", "gained")}


def test_each_picture_asks_and_answers() -> None:
    figures = drawings(two_laptops())
    assert "How large a model stays usable on each?" in words(figures["curves"])
    assert "Apple M4 Max 128 GB † up to 66B [63B 70B], Apple M2 Max † up to 49B [44B 54B]." in words(
        figures["curves"]
    )
    assert "How much faster is Apple M4 Max 128 GB?" in words(figures["ratio"])
    assert any("as fast as Apple M2 Max †, over 4 models." in line for line in words(figures["ratio"]))
    assert "Which sizes does Apple M4 Max 128 GB gain?" in words(figures["gained"])
    told = "None of the models that were measured. Usable sizes end at 66B [63B 70B] instead of 49B [44B 54B]."
    assert told in words(figures["gained"])
    for figure in figures.values():
        assert any(
            line.startswith("† As reported: a published comparison of two laptops") for line in words(figure)
        )


@pytest.mark.parametrize("name", ["curves", "ratio", "gained"])
def test_pictures_are_readable(name: str) -> None:
    for found in (two_laptops(), grown(), wide()):
        with charts._look():
            assert_clean(drawing(name, found))


def wide() -> Summary:
    """Long names, a dozen sizes close to each other, and invented figures."""
    sizes = (0.5, 0.6, 1, 1.2, 3, 3.2, 7, 7.6, 8, 14, 14.7, 32)
    chips = ("An Extraordinarily Long Name of a Chip of a Laptop " * 2, "Another One " * 6)
    runs = [
        run(
            *rates(0.004, each, *sizes),
            place=place,
            machine=Machine(id=f"id-{place}", chip=chip, ram_bytes=2**35),
            engine=EngineInfo(name="invented", simulated=True),
        )
        for place, (chip, each) in enumerate(zip(chips, (0.003, 0.0029), strict=True))
    ]
    return summary(*runs)


def test_a_machine_has_one_colour_in_all_three() -> None:
    found = grown()
    one = between(found)
    assert [trace.tone for trace in beside.curves(one, found).traces] == [0, 1]
    assert [strip.tone for strip in gains(one, found).strips] == [0, 1]
    assert [trace.tone for trace in beside.ratios(one).traces] == [1]


def test_ratios_stand_at_their_sizes_with_their_intervals() -> None:
    one = between(grown())
    (trace,) = beside.ratios(one).traces
    rows = [row for row in one.rows if row.ratio]
    assert [mark.x for mark in trace.marks] == [1 * B, 3 * B, 7 * B, 14 * B, 24 * B]
    for mark, row in zip(trace.marks, rows, strict=True):
        assert row.ratio is not None
        assert (mark.y, mark.low, mark.high) == (row.ratio.value, row.ratio.low, row.ratio.high)
        assert mark.low < mark.y < mark.high
        assert mark.note == f"{mark.y:.2f}×"


def test_even_is_a_line_and_so_is_the_mean_with_its_band() -> None:
    one = between(grown())
    even, mean = beside.ratios(one).levels
    assert one.overall is not None
    assert (even.y, even.low) == (1, None)
    assert (mean.y, mean.low, mean.high) == (one.overall.value, one.overall.low, one.overall.high)
    figure = drawing("ratio", grown())
    drawn = [heights(line)[0] for line in axes(figure).lines if line.get_gid() == "level"]
    assert drawn == [1, one.overall.value]
    low, high = axes(figure).get_ylim()
    assert low < 1 < one.overall.value < high


def test_a_difference_that_may_be_none_is_said() -> None:
    same = pair(rates(0.005, 0.002, 1, 3, 7), rates(0.005, 0.002, 1, 3, 7))
    assert not between(same).significant
    assert "The interval holds 1: no difference can be told." in beside.ratios(between(same)).answer[0]
    assert "no difference" not in beside.ratios(between(grown())).answer[0]


def test_models_that_are_not_alike_are_named_and_not_drawn() -> None:
    eight = [with_(one, model=model(3, quantisation="Q8_0")) for one in rates(0, 0.004, 3)]
    picture = beside.ratios(between(pair([*rates(0, 0.004, 1, 7), *eight], rates(0, 0.002, 1, 3, 7))))
    assert len(picture.traces[0].marks) == 2
    assert "Not compared: m3 (quantisation)." in picture.foot


@pytest.mark.parametrize(("ratio", "told"), [(1.314, "1.31×"), (0.5, "0.50×"), (12.4, "12×"), (1234, "1,234×")])
def test_a_ratio_has_three_digits_at_most(ratio: float, told: str) -> None:
    assert beside.times(ratio) == told


def kinds(found: Summary, limit: Limit = LINE) -> list[list[tuple[Kind, float, float]]]:
    strips = gains(between(found, limit), found).strips
    return [
        [(one.kind, round(one.low / B, 1), round(one.high / B, 1)) for one in strip.stretches] for strip in strips
    ]


def test_strips_say_what_is_usable_too_slow_and_does_not_fit() -> None:
    old, new = kinds(grown())
    assert [kind for kind, _, _ in old] == [Kind.USABLE, Kind.SLOW, Kind.NO_FIT]
    assert [kind for kind, _, _ in new] == [Kind.USABLE, Kind.SLOW]
    assert old[0][2] == pytest.approx(20, rel=0.03)
    assert old[2][1:] == (32, 93.6)
    assert new[0][2] == pytest.approx(48, rel=0.03)
    assert all(left[2] == right[1] for strip in (old, new) for left, right in pairwise(strip))


def test_beyond_the_measured_sizes_nothing_is_claimed() -> None:
    fast = rates(0, 0.001, 1, 3, 7)
    old, new = kinds(pair(rates(0, 0.01, 1, 3, 7, 14), [*fast, too_large(32)]))
    assert [kind for kind, _, _ in new] == [Kind.USABLE, Kind.UNKNOWN, Kind.NO_FIT]
    assert new[1][1:] == (7, 32)
    assert old[-1][0] is Kind.SLOW


def test_a_machine_on_which_all_is_too_slow_has_no_usable_stretch() -> None:
    old, _ = kinds(pair(rates(0, 0.5, 1, 3, 7), rates(0, 0.002, 1, 3, 7)))
    assert [kind for kind, _, _ in old] == [Kind.SLOW]
    strips = gains(between(pair(rates(0, 0.5, 1, 3, 7), rates(0, 0.002, 1, 3, 7))), grown()).strips
    assert strips[0].end == "no measured size"


def test_what_is_gained_lies_between_the_two_ends() -> None:
    found = grown()
    change = gains(between(found), found).change
    assert change is not None
    assert change.kind is Kind.USABLE
    assert (change.low / B, change.high / B) == pytest.approx((20, 48), rel=0.03)
    figure = drawing("gained", found)
    assert "gained" in words(figure, "change")
    assert any(
        "m24 (24.0B, was too slow)" in line and "m32 (32.0B, did not fit)" in line for line in words(figure)
    )


def test_a_slower_machine_loses() -> None:
    found = pair(rates(0, 0.002, 1, 3, 7, 14), rates(0, 0.01, 1, 3, 7, 14))
    change = gains(between(found), found).change
    assert change is not None
    assert change.kind is Kind.SLOW
    figure = drawing("gained", found)
    assert "lost" in words(figure, "change")
    assert any(line.startswith("Apple M4 Max 128 GB loses m14") for line in words(figure))


def test_every_model_is_a_dot_on_each_strip_where_it_was_tried() -> None:
    found = grown()
    old, new = gains(between(found), found).strips
    assert [dot.kind for dot in old.dots] == [*[Kind.USABLE] * 4, Kind.SLOW, Kind.NO_FIT, Kind.NO_FIT]
    assert [dot.kind for dot in new.dots] == [*[Kind.USABLE] * 6, Kind.SLOW]
    figure = drawing("gained", found)
    assert len(list(spots(figure, "dot"))) == 14
    assert words(figure, "model") == ["m1", "m3", "m7", "m14", "m24", "m32", "m72"]


def test_names_of_models_stand_in_rows_where_they_are_close() -> None:
    figure = drawing("gained", wide())
    boxes = [box for name, box in texts(figure).items() if name.rsplit(" (", 1)[0] in words(figure, "model")]
    assert len({round(box.y0) for box in boxes}) > 1


def test_a_limit_on_the_first_token_is_drawn_in_seconds_with_the_zone_above() -> None:
    limit = Limit(what=What.TTFT, seconds=0.1)
    picture = beside.curves(between(grown(), limit), grown())
    assert picture.y.caption == "seconds until the first token"
    assert picture.zone_above
    assert [level.y for level in picture.levels] == [0.1]
    assert picture.foot[0] == "Usable: within 100 ms until the first token."
    assert all(one.y == 0.1 for one in picture.crossings)
    assert picture.crossings
    for figure in drawings(grown(), limit).values():
        assert_clean(figure)


def test_a_limit_on_a_task_counts_its_tokens() -> None:
    limit = Limit(what=What.TASK, seconds=20, tokens_out=256)
    picture = beside.curves(between(grown(), limit), grown())
    assert picture.levels[0].text == "20 s for 256 tokens"
    (at_one_b,) = [mark.y for mark in picture.traces[0].marks if mark.x == B]
    assert at_one_b == pytest.approx((256 + 4) * 0.00975, rel=0.02)


def test_invented_figures_cannot_be_mistaken() -> None:
    for figure in drawings(wide()).values():
        assert words(figure, "watermark") == ["SIMULATED"]
        assert any(line.endswith("(simulated)") or "simulated)" in line for line in words(figure))


def test_one_size_alone_is_a_comparison_without_curves() -> None:
    found = pair([ok(7, 8, n) for n in (1, 2)], [ok(7, 20, n) for n in (1, 2)])
    picture = beside.curves(between(found), found)
    assert [(trace.line, len(trace.marks)) for trace in picture.traces] == [((), 1), ((), 1)]
    assert len(beside.ratios(between(found)).levels) == 1
    for figure in drawings(found).values():
        assert_clean(figure)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_three_files_are_written_and_repeat_to_the_byte(tmp_path: Path, suffix: str) -> None:
    found = two_laptops()
    one = between(found)
    first, second = (charts.draw_comparison(one, found, tmp_path / f"{name}{suffix}") for name in "ab")
    assert [path.name for path in first] == [f"a-{name}{suffix}" for name in ("curves", "ratio", "gained")]
    assert sorted(tmp_path.iterdir()) == sorted([*first, *second])
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize(
    ("unsized", "left"),
    [((1, 3), ["a-curves", "a-gained", "a-ratio"]), ((1, 3, 7), ["a-curves", "a-gained"])],
    ids=["one has a size", "only what one machine alone ran has a size"],
)
def test_a_picture_without_a_model_of_known_size_is_left_out(
    tmp_path: Path, unsized: tuple[int, ...], left: list[str]
) -> None:
    both = [without_size(one) if one.model.name in {f"m{size}" for size in unsized} else one for one in TRIALS]
    found = pair(both, [*both, *rates(0.004, 0.002, 14)])
    charts.draw_comparison(between(found), found, tmp_path / "a.svg")
    assert sorted(path.stem for path in tmp_path.iterdir()) == left


def test_without_any_known_size_there_is_nothing_to_draw(tmp_path: Path) -> None:
    found = pair([*map(without_size, TRIALS)], [*map(without_size, TRIALS)])
    with pytest.raises(ResultsError, match="no model here has a known size"):
        charts.draw_comparison(between(found), found, tmp_path / "a.png")
    assert not [*tmp_path.iterdir()]


def test_another_suffix_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    found = two_laptops()
    with pytest.raises(UsageError, match=r"\.png, \.svg and \.pdf"):
        charts.draw_comparison(between(found), found, tmp_path / "a.gif")
    with pytest.raises(ResultsError, match="cannot be written"):
        charts.draw_comparison(between(found), found, tmp_path / "no" / "a.png")
    assert list(tmp_path.iterdir()) == []
