from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.comparisons import Rates, compared, estimate, reported, with_intervals
from tpsprofile.analysis import rules, tasks
from tpsprofile.analysis.claim import Bears, Claim
from tpsprofile.analysis.comparison import Comparison
from tpsprofile.analysis.decision import Decision, decide
from tpsprofile.analysis.evidence import FINDERS, Reason
from tpsprofile.analysis.like import Difference
from tpsprofile.analysis.rules import RULES, Rule, Verdict
from tpsprofile.analysis.speed import End, Fit, Limit, What
from tpsprofile.errors import UsageError
from tpsprofile.trust import Grade

DOC = (Path(__file__).parents[1] / "docs" / "decision.md").read_text()


def by(ratio: float, **changes: Any) -> Comparison:
    """Three sizes that are usable before and after, at a speed ratio."""
    old = {1.0: 100.0, 3.0: 60.0, 8.0: 30.0}
    return compared(old, {size: rate * ratio for size, rate in old.items()}, **changes)


def graded(comparison: Comparison, *sizes: float) -> Comparison:
    """The same, where the old machine's figures of some sizes have grade D."""
    rows = [
        structs.replace(row, pair=structs.replace(row.pair, a=structs.replace(row.pair.a, grade=Grade.D)))
        if row.pair.model in {f"m{size:g}" for size in sizes}
        else row
        for row in comparison.rows
    ]
    return structs.replace(comparison, rows=tuple(rows))


def every(decision: Decision) -> dict[Rule, Reason]:
    return {one.rule: one for one in (decision.decisive, *decision.further, *decision.doubts)}


SMALL: Rates = {1.0: 100.0, 8.0: 30.0}
DECISIVE: dict[Rule, Comparison] = {
    Rule.NOTHING_COMPARED: compared({1.0: 10.0}, {3.0: 10.0}),
    Rule.NOT_TO_BE_USED: by(2, grade=Grade.D),
    Rule.LOSES_MODEL: compared({**SMALL, 14.0: 15.0}, {1.0: 200.0, 8.0: 60.0}, wall=(None, 14)),
    Rule.GAINS_MODEL: compared({**SMALL, 14.0: 9.0}, {1.0: 110.0, 8.0: 33.0, 14.0: 12.0}),
    Rule.SLOWER: by(0.7),
    Rule.GAINS_SIZE: compared(SMALL, {1.0: 130.0, 8.0: 39.0}, cross=(20, 40)),
    Rule.MUCH_FASTER: by(1.6),
    Rule.STILL_SLOW: compared({32.0: 2.0, 70.0: 1.0}, {32.0: 4.0, 70.0: 2.0}),
    Rule.DISAGREE: compared(SMALL, {1.0: 50.0, 8.0: 60.0}, significant=None),
    Rule.CANNOT_TELL: by(1.1, overall=estimate(1.1, 0.8, 1.5), significant=False),
    Rule.HARDLY_FASTER: by(1.1),
    Rule.FASTER_ALONE: by(1.3),
}
PRESENT: dict[Rule, Comparison] = {
    Rule.JUST_MISSED: reported(),
    Rule.USABLE_BEFORE: by(1.3),
    Rule.PREDICTED: by(1.3, kinds=("measured", rules.PREDICTED)),
    Rule.ONE_MODEL: compared({1.0: 50.0}, {1.0: 65.0}),
    Rule.FEW_TRIALS: reported(),
    Rule.REPORTED: reported(),
    Rule.LEFT_OUT: graded(by(1.3), 8.0),
    Rule.LOW_GRADE: by(1.3, grade=Grade.C),
    Rule.UNLIKE: by(1.3, differences=(Difference.VERSION,)),
    Rule.MIXED: by(1.3, mixed=("Q4_K_M", "Q8_0")),
    Rule.ON_THE_LINE: compared({**SMALL, 14.0: 9.0}, {1.0: 110.0, 8.0: 33.0, 14.0: 10.2}),
    Rule.BY_CHANCE: compared(
        {**SMALL, 14.0: 9.9}, {1.0: 101.0, 8.0: 30.1, 14.0: 10.1}, significant=False, overall=estimate(1, 0.9, 1.1)
    ),
    Rule.SIZE_UNSURE: by(1.3, cross=(estimate(60, 50, 71), 80)),
    Rule.BEYOND_MEASURED: by(1.3, cross=(8, 8), ends=(End.BEYOND, End.BEYOND)),
}


@pytest.mark.parametrize("rule", DECISIVE, ids=str)
def test_each_rule_that_decides_has_its_case(rule: Rule) -> None:
    decision = decide(DECISIVE[rule])
    assert (decision.decisive.rule, decision.verdict) == (rule, RULES[rule].verdict)


@pytest.mark.parametrize("rule", PRESENT, ids=str)
def test_each_other_rule_has_its_case_and_decides_none(rule: Rule) -> None:
    decision = decide(PRESENT[rule])
    assert rule in every(decision)
    assert decision.decisive.rule is not rule


def test_every_rule_is_told_looked_for_and_tested() -> None:
    assert list(RULES) == list(FINDERS) == list(Rule) == [*DECISIVE, *PRESENT]


@pytest.mark.parametrize("rule", PRESENT, ids=str)
def test_no_rule_but_its_own_case_raises_a_doubt(rule: Rule) -> None:
    assert decide(by(1.3)).doubts == ()
    doubt = RULES[rule].verdict is None
    assert (rule in {one.rule for one in decide(PRESENT[rule]).doubts}) is doubt


@given(
    value=st.floats(0.1, 10),
    below=st.floats(0, 1),
    above=st.floats(1, 5),
    bounded=st.booleans(),
)
def test_any_ratio_is_decided(value: float, below: float, above: float, bounded: bool) -> None:
    ratio = estimate(value, value * below, value * above) if bounded else estimate(value)
    real = not value * below <= 1 <= value * above if bounded else None
    decision = decide(by(1, overall=ratio, significant=real))
    assert decision.verdict is RULES[decision.decisive.rule].verdict


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (0.5, Verdict.WAIT),
        (0.84, Verdict.NO_DIFFERENCE),
        (1.0, Verdict.NO_DIFFERENCE),
        (1.19, Verdict.NO_DIFFERENCE),
        (1.21, Verdict.WAIT),
        (1.49, Verdict.WAIT),
        (1.51, Verdict.UPGRADE),
    ],
)
def test_speed_alone_decides_where_nothing_is_gained(ratio: float, verdict: Verdict) -> None:
    assert decide(by(ratio)).verdict is verdict


@pytest.mark.parametrize(
    ("ends", "verdict"), [((0.95, 1.1), Verdict.NO_DIFFERENCE), ((0.9, 1.3), Verdict.UNDECIDED)]
)
def test_no_significance_is_no_difference_only_where_the_interval_is_narrow(
    ends: tuple[float, float], verdict: Verdict
) -> None:
    assert decide(by(1.02, overall=estimate(1.02, *ends), significant=False)).verdict is verdict


@pytest.mark.parametrize(
    ("ratios", "ends", "rule"),
    [
        ([1.67], [(0.37, 7.6)], Rule.CANNOT_TELL),
        ([0.6], [(0.2, 2.0)], Rule.CANNOT_TELL),
        ([1.3], [(0.9, 1.9)], Rule.CANNOT_TELL),
        ([1.1], [(0.8, 1.5)], Rule.CANNOT_TELL),
        ([1.0], [(0.97, 1.03)], Rule.HARDLY_FASTER),
        ([1.67], [(1.5, 1.9)], Rule.MUCH_FASTER),
        ([0.6], [(0.5, 0.7)], Rule.SLOWER),
        ([1.6, 1.7], [(1.5, 1.7), (0.9, 3.2)], Rule.CANNOT_TELL),
        ([3.0, 0.9], [(2.9, 3.1), (0.88, 0.92)], Rule.DISAGREE),
        ([0.5, 2.0], [(0.49, 0.51), (1.9, 2.1)], Rule.DISAGREE),
        ([0.5, 2.0], [None, None], Rule.DISAGREE),
        ([3.0, 0.7], [None, None], Rule.DISAGREE),
        ([1.25, 1.0], [(1.2, 1.3), (0.98, 1.02)], Rule.DISAGREE),
        ([1.1, 0.95], [(1.05, 1.15), (0.94, 0.96)], Rule.HARDLY_FASTER),
        ([0.5, 2.0], [(0.2, 1.2), (0.9, 4.0)], Rule.CANNOT_TELL),
        ([1.6, 1.7], [(1.5, 1.7), None], Rule.MUCH_FASTER),
        ([1.6, 1.7], [None, None], Rule.MUCH_FASTER),
    ],
)
def test_one_or_two_models_are_significant_by_their_own_intervals(
    ratios: list[float], ends: list[tuple[float, float] | None], rule: Rule
) -> None:
    sizes = (1.0, 8.0)[: len(ratios)]
    faster = {size: 40 * ratio for size, ratio in zip(sizes, ratios, strict=True)}
    decisive = decide(with_intervals(compared(dict.fromkeys(sizes, 40.0), faster), *ends)).decisive
    assert decisive.rule is rule
    if rule is Rule.CANNOT_TELL:
        assert decisive.ratio is not None
        assert decisive.ratio.low == min(one[0] for one in ends if one)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"cross": (20, 40)}, ["qwen2.5-coder:32b"]),
        ({"cross": (48.8, 65.4)}, []),
        ({"cross": (20, 80), "wall": (None, 60)}, ["qwen2.5-coder:32b"]),
        ({"cross": (8, 80), "wall": (32, None), "ends": (End.MEMORY, End.CROSSES)}, [32, 70, 72]),
        ({"cross": (8, 80), "ends": (End.BEYOND, End.CROSSES)}, []),
        ({"cross": (None, 4), "ends": (End.BELOW, End.CROSSES)}, ["llama3.2:1b"]),
        ({"cross": (40, 20)}, []),
        ({"cross": (estimate(20, 15, 25), estimate(40, 34, 50))}, ["qwen2.5-coder:32b"]),
        ({"cross": (20, estimate(40, 30, 50))}, []),
        ({"cross": (estimate(20, 15, 35), 40)}, []),
        ({"cross": (8, 80), "ends": (End.MEMORY, End.CROSSES)}, [10, 14, 14, 32, 70, 72]),
    ],
)
def test_sizes_are_gained_between_the_largest_usable_ones(changes: dict[str, Any], names: list[object]) -> None:
    found = every(decide(by(1.3, **changes))).get(Rule.GAINS_SIZE)
    got = [item.model for item in found.models] if found else []
    assert len(got) == len(names)
    assert all(str(name) in model for name, model in zip(names, got, strict=True))


@pytest.mark.parametrize(
    ("rates", "sure", "near"),
    [
        ([12.0, 12.1, 12.2], True, False),
        ([10.3, 10.3, 10.3], False, True),
        ([10.6, 10.6, 10.6], True, False),
        ([9.0, 11.0, 13.0], False, True),
        ([10.3], False, True),
        ([12.0], True, False),
    ],
)
def test_a_gain_is_sure_where_its_interval_lies_within_the_limit(
    rates: list[float], sure: bool, near: bool
) -> None:
    found = every(decide(compared({**SMALL, 14.0: 7.0}, {1.0: 130.0, 8.0: 39.0, 14.0: rates})))
    assert (Rule.GAINS_MODEL in found, Rule.ON_THE_LINE in found) == (sure, near)
    assert (Rule.FASTER_ALONE in found) is not sure


@pytest.mark.parametrize(("before", "after"), [([9.8], [10.0]), (9.9, 10.2)])
def test_a_small_step_over_the_line_is_no_upgrade(before: Any, after: Any) -> None:
    decision = decide(compared({8.0: before}, {8.0: after}, significant=None))
    assert decision.verdict is Verdict.NO_DIFFERENCE
    assert Rule.ON_THE_LINE in {one.rule for one in decision.doubts}


def test_a_model_that_now_fits_is_gained_near_the_line_too() -> None:
    fits = compared({8.0: 20.0}, {8.0: 20.0, 14.0: [10.2, 10.2, 10.2]}, wall=(14, None))
    assert {Rule.GAINS_MODEL, Rule.ON_THE_LINE} <= every(decide(fits)).keys()


def test_memory_gained_outweighs_speed_lost_unless_a_model_is_lost() -> None:
    old: Rates = {1.0: 200.0, 8.0: 30.0}
    larger = decide(compared(old, {1.0: 100.0, 8.0: 16.0, 14.0: 11.0}, wall=(14, None)))
    assert (larger.verdict, larger.decisive.rule) == (Verdict.UPGRADE, Rule.GAINS_MODEL)
    assert Rule.SLOWER in {one.rule for one in larger.further}
    loses = decide(compared(old, {1.0: 100.0, 8.0: 9.0, 14.0: 11.0}, wall=(14, None)))
    assert (loses.verdict, loses.decisive.rule) == (Verdict.WAIT, Rule.LOSES_MODEL)


@pytest.mark.parametrize(
    ("before", "after", "missed"), [(7.0, 9.0, True), (9.0, 9.0, False), (9.5, 9.0, False), (5.0, 7.0, False)]
)
def test_a_model_is_just_missed_only_where_the_new_machine_is_faster(
    before: float, after: float, missed: bool
) -> None:
    found = every(decide(compared({**SMALL, 14.0: before}, {**SMALL, 14.0: after})))
    assert (Rule.JUST_MISSED in found) is missed


def test_a_gained_size_is_not_said_to_be_usable_before() -> None:
    found = every(decide(by(1.3, cross=(20, 40))))
    assert Rule.GAINS_SIZE in found
    assert Rule.USABLE_BEFORE not in found, "it speaks of the compared models alone"


def test_no_size_is_said_to_lie_between_only_where_none_does() -> None:
    assert decide(by(1.3, cross=(50, 64))).decisive.sizes == (50e9, 64e9)
    assert decide(by(1.3, cross=(20, estimate(40, 30, 50)))).decisive.sizes is None


def test_a_model_that_is_much_slower_is_not_averaged_away() -> None:
    halves = compared({1.0: 100.0, 8.0: 30.0, 9.0: 30.0}, {1.0: 75.0, 8.0: 39.0, 9.0: 30.0})
    narrow = structs.replace(halves, overall=estimate(1.0, 0.95, 1.05), significant=False)
    decision = decide(narrow)
    assert (decision.verdict, decision.decisive.rule) == (Verdict.UNDECIDED, Rule.DISAGREE)
    ratio = decision.decisive.ratio
    assert ratio is not None
    assert (ratio.low, ratio.high) == pytest.approx((0.75, 1.3))


def test_a_gain_that_may_be_chance_is_a_doubt_and_no_gain() -> None:
    assert Rule.GAINS_MODEL not in every(decide(PRESENT[Rule.BY_CHANCE]))


def test_a_figure_of_grade_d_decides_nothing_beside_better_ones() -> None:
    sizes: Rates = {1.0: 100.0, 3.0: 60.0, 8.0: 30.0}
    one = graded(with_intervals(compared(sizes, {1.0: 110.0, 3.0: 66.0, 8.0: 240.0}), None, None, None), 8.0)
    decision = decide(structs.replace(one, overall=estimate(1.1)))
    assert (decision.verdict, decision.decisive.rule) == (Verdict.NO_DIFFERENCE, Rule.HARDLY_FASTER)
    (left,) = every(decision)[Rule.LEFT_OUT].models
    assert left.model == "m8"
    assert Rule.LOW_GRADE not in every(decision), "what counts is of grade A"
    assert decision.spots[1].largest is not None
    assert decision.spots[1].largest.model == "m3"
    assert [one.model for one in decide(one, Claim(low=0, high=1)).corrections] == ["m1", "m3"]


def test_with_nothing_but_grade_d_it_is_not_to_be_used_and_none_is_left_out() -> None:
    found = every(decide(graded(by(1.3), 1.0, 3.0, 8.0)))
    assert Rule.NOT_TO_BE_USED in found
    assert Rule.LEFT_OUT not in found


def test_a_size_that_both_measured_is_not_gained_by_a_line() -> None:
    found = every(decide(reported()))
    assert Rule.GAINS_SIZE not in found
    wider = compared({8.0: 30.0, 72.7: 7.0}, {8.0: 40.0, 72.7: 9.0}, cross=(60, 80))
    assert Rule.GAINS_SIZE not in every(decide(wider)), "its figure says 9 tok/s"


def test_memory_and_speed_gained_are_told_with_the_times_before_and_after() -> None:
    (item,) = decide(DECISIVE[Rule.GAINS_MODEL]).decisive.models
    assert item.before_s is not None
    assert item.after_s is not None
    assert (round(1 / item.before_s), round(1 / item.after_s)) == (9, 12)
    (held,) = decide(compared(SMALL, {1.0: 100.0, 8.0: 30.0, 14.0: 15.0}, wall=(14, None))).decisive.models
    assert held.before_s is None


def test_two_laptops_as_reported_say_wait() -> None:
    decision = decide(reported())
    assert (decision.verdict, decision.decisive.rule) == (Verdict.WAIT, Rule.FASTER_ALONE)
    old, new = decision.spots
    assert [spot.largest and spot.largest.model for spot in (old, new)] == ["m32.8", "m32.8"]
    assert new.next is not None
    assert old.next is not None
    assert new.next.needs == pytest.approx(10 / 9)
    assert old.next.needs == pytest.approx(10 / 7)
    assert new.next.reads_bytes_s == pytest.approx(72.7e9 * 0.6 * 10)


def test_the_next_model_is_the_smallest_slow_one_beyond_the_largest_fast_one() -> None:
    rates: Rates = {1.0: 5.0, 8.0: 30.0, 14.0: 8.0, 32.0: 4.0}
    spot = decide(compared(rates, rates)).spots[0]
    assert spot.largest is not None
    assert spot.next is not None
    assert (spot.largest.model, spot.next.model) == ("m8", "m14")


def test_the_largest_model_need_not_be_on_the_curve() -> None:
    rates: Rates = {8.0: 9.0, 14.0: 5.0, 24.0: 12.0}
    pair = compared(rates, rates)
    dense = [row.pair.a for row in pair.rows[:2]]
    none: dict[str, Any] = {"in_bytes": True, "draws": (), "fixed_s": estimate(0), "rate": estimate(50e9)}
    fit = Fit(series=dense[0].series, limit=pair.limit, points=tuple(dense), **none)
    spot = decide(structs.replace(pair, fit_a=fit)).spots[0]
    assert (spot.largest and spot.largest.model, spot.unsized) == ("m24", 0)
    assert spot.next is not None
    assert "32b" in spot.next.model, "not the 8B, which is smaller"
    apart = structs.replace(pair, fit_a=fit, rows=tuple(structs.replace(r, compared=False) for r in pair.rows[2:]))
    assert decide(apart).spots[0].largest is None, "of another kind"


def test_models_of_unknown_size_are_counted_and_none_is_called_the_largest() -> None:
    pair = compared(SMALL, {1.0: 100.0, 8.0: 5.0})
    sides = [
        structs.replace(row, pair=structs.replace(row.pair, b=structs.replace(row.pair.b, parameters=None)))
        for row in pair.rows
    ]
    spot = decide(structs.replace(pair, rows=tuple(sides))).spots[1]
    assert (spot.largest, spot.unsized, spot.next) == (None, 1, None)


def test_a_model_that_does_not_fit_is_next_with_its_reason() -> None:
    spot = decide(by(1.3, cross=(8, 8), ends=(End.MEMORY, End.MEMORY), wall=(None, 14))).spots[1]
    assert spot.next is not None
    assert spot.next.wall is not None
    assert (spot.next.model, spot.next.needs, spot.next.wall.reason) == (
        "m14",
        None,
        "needs 46.1 GiB, 21.9 GiB free",
    )


def test_a_claim_is_checked_model_by_model() -> None:
    found = decide(reported(), Claim(low=0.15, high=0.25)).corrections
    assert [(one.model, round(100 * one.faster), one.bears, one.possible) for one in found] == [
        ("m1.24", 25, Bears.YES, True),
        ("m10.3", 33, Bears.MORE, False),
        ("m32.8", 43, Bears.MORE, False),
        ("m72.7", 29, Bears.MORE, True),
    ]
    assert all(one.rounded for one in found)
    assert found[3].low == pytest.approx(8.5 / 7.5 - 1), "7 and 9 may be 7.5 and 8.5"


def test_rounding_is_laid_to_nobody_who_measured() -> None:
    found = decide(by(1.5), Claim(low=0.6, high=0.7)).corrections
    assert [(one.bears, one.rounded, one.low, one.possible) for one in found] == [
        (Bears.LESS, False, None, False)
    ] * 3
    assert decide(by(1.5)).corrections == ()
    whole: Rates = {1.0: [100.0, 100.0], 8.0: [30.0, 30.0]}
    assert not any(one.rounded for one in decide(compared(whole, whole), Claim(low=0, high=0)).corrections)


def test_tasks_are_limits() -> None:
    assert tasks.task("reading").limit.tok_s == pytest.approx(5.29, abs=0.005)
    assert tasks.task("chat").limit == Limit.line(10)
    with pytest.raises(UsageError, match="coding"):
        tasks.task("codding")


def test_a_task_without_times_to_the_first_token_becomes_a_rate() -> None:
    coding = tasks.task("coding").limit
    points = [point for row in reported().rows for point in (row.pair.a, row.pair.b)]
    assert tasks.within_data(coding, points) == Limit.line(500 / 30)
    assert tasks.within_data(coding, []) == coding
    ttft = Limit(what=What.TTFT, seconds=1)
    assert tasks.within_data(ttft, points) == ttft


def test_the_tables_for_people_are_those_in_the_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z ]+|–) \| (.+?) \|$", DOC.partition("## Tasks")[0], re.MULTILINE)
    assert rows == [(str(rule), str(one.verdict or "–"), one.when) for rule, one in RULES.items()]
    told = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", DOC.partition("## Tasks")[2], re.MULTILINE)
    assert told == [(task.name, task.what, task.why) for task in tasks.TASKS]


def test_the_numbers_in_the_rules_are_the_constants() -> None:
    text = " ".join(one.when for one in RULES.values())
    for number in (rules.NOTICED, rules.MUCH, rules.NEAR):
        assert f"{number:g}" in text
    assert f"within {100 * (rules.EDGE - 1):.0f}%" in text
    assert f"fewer than {rules.FEW} trials" in text
