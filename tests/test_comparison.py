from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support import trial
from tests.test_like import on, summary, work
from tpsprofile.analysis import like
from tpsprofile.analysis.comparison import Cause, Comparison, compare, significant
from tpsprofile.analysis.like import Difference
from tpsprofile.analysis.limits import Estimate, Limit, What
from tpsprofile.analysis.speed import End
from tpsprofile.analysis.summary import Point
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.records import ModelFacts, Outcome, Run, Trial

TEN = Limit.line(10)
STEADY = (0.99, 1.0, 1.01)


def rows(size: float, rate: float, spread: tuple[float, ...] = STEADY, **changes: Any) -> list[Trial]:
    """OK trials of a model of a size in billions, about a rate in tok/s."""
    model = ModelFacts(name=f"m{size:g}", parameters=int(size * 10**9), quantisation="Q4_K_M")
    fields: dict[str, Any] = {"model": model, "workload": work()}
    return [
        trial(**fields | {"decode_engine_s": 10 / (rate * each), "number": number} | changes)
        for number, each in enumerate(spread, start=1)
    ]


def gone(size: float, outcome: Outcome = Outcome.DOES_NOT_FIT, **changes: Any) -> list[Trial]:
    return rows(size, 1, (1.0,), outcome=outcome, reason="because", **changes)


def quantised(size: float, name: str) -> ModelFacts:
    return ModelFacts(name=f"m{size:g}", parameters=int(size * 10**9), quantisation=name)


def compared(*runs: Run, limit: Limit = TEN, allow: tuple[Difference, ...] = ()) -> Comparison:
    """The first machine against the second."""
    found = summary(*runs)
    return compare(found, like.find(found, "A"), like.find(found, "B"), limit, allow)


def slow(*trials: Trial) -> Run:
    """A machine that is usable up to about 12B."""
    return on("A", *rows(1, 100), *rows(3, 36), *rows(8, 14), *trials)


def fast(*trials: Trial) -> Run:
    """One that is half as fast again."""
    return on("B", *rows(1, 150), *rows(3, 54), *rows(8, 21), *trials)


def rounded(estimate: Estimate | None) -> float | None:
    return None if estimate is None else round(estimate.value, 2)


def test_each_model_and_all_of_them_with_intervals() -> None:
    found = compared(slow(), fast())
    assert [row.pair.model for row in found.rows] == ["m1", "m3", "m8"]
    assert [rounded(row.ratio) for row in found.rows] == [1.5, 1.5, 1.5]
    assert all(row.compared and row.significant and row.usable_a and row.usable_b for row in found.rows)
    assert (rounded(found.overall), found.significant) == (1.5, True)


def test_the_other_way_round_the_ratio_is_turned_over() -> None:
    there = summary(slow(), fast())
    found = compare(there, like.find(there, "B"), like.find(there, "A"), TEN)
    assert rounded(found.overall) == 0.67
    assert found.significant
    assert (found.gained, found.lost) == ((), ())


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1.1, 1.3, True), (0.7, 0.9, True), (0.9, 1.1, False), (1.0, 1.2, False), (None, None, None)],
)
def test_a_ratio_is_significant_where_its_interval_leaves_out_one(
    low: float | None, high: float | None, expected: bool | None
) -> None:
    assert significant(Estimate(value=1.2, low=low, high=high)) is expected


def test_nothing_is_significant_without_an_interval() -> None:
    assert significant(None) is None


def test_wide_trials_are_not_significant() -> None:
    found = compared(on("A", *rows(1, 100, (0.8, 1, 1.2))), on("B", *rows(1, 110, (0.8, 1, 1.2))))
    assert [row.significant for row in found.rows] == [False]
    assert (rounded(found.overall), found.significant) == (1.1, None)


def test_where_usable_sizes_end_on_each() -> None:
    found = compared(slow(*rows(14, 8)), fast(*rows(14, 12)))
    assert found.crossing_a is not None
    assert found.crossing_b is not None
    assert (found.crossing_a.end, found.crossing_b.end) == (End.CROSSES, End.CROSSES)
    assert found.crossing_a.parameters is not None
    assert found.crossing_b.parameters is not None
    assert found.crossing_a.parameters.value < 12e9 < found.crossing_b.parameters.value
    assert found.fit_a is not None
    assert found.fit_a.series.machine == "A, 16 GB"


def test_a_model_that_was_too_slow_is_gained_and_the_other_way_round_lost() -> None:
    before, after = slow(*rows(14, 8)), fast(*rows(14, 12))
    (gain,) = compared(before, after).gained
    assert (gain.model, gain.cause) == ("m14", Cause.TOO_SLOW)
    assert isinstance(gain.off, Point)
    assert (gain.on.series.machine, gain.off.series.machine) == ("B, 16 GB", "A, 16 GB")
    assert compared(before, after).lost == ()
    there = summary(before, after)
    back = compare(there, like.find(there, "B"), like.find(there, "A"), TEN)
    assert ([change.model for change in back.lost], back.gained) == (["m14"], ())


def erratic(size: float, rate: float) -> list[Trial]:
    """Trials of grade D: the interval of their median is wider than 30%."""
    return rows(size, rate, (0.2, 1.0, 1.8), warnings=())


@pytest.mark.parametrize(
    ("before", "after"),
    [(erratic(14, 8), rows(14, 300)), (rows(14, 8), erratic(14, 300)), (gone(14), erratic(14, 300))],
)
def test_a_figure_of_grade_d_is_in_no_mean_and_no_gain_beside_better_ones(
    before: list[Trial], after: list[Trial]
) -> None:
    found = compared(slow(*before), fast(*after))
    assert (rounded(found.overall), found.gained) == (1.5, ())
    back = compared(on("A", *fast(*after).trials), on("B", *slow(*before).trials))
    assert (rounded(back.overall), back.lost) == (0.67, ())


def test_grade_d_stays_where_there_is_nothing_else() -> None:
    found = compared(on("A", *erratic(1, 8)), on("B", *rows(1, 24)))
    assert rounded(found.overall) == 3
    assert [change.model for change in found.gained] == ["m1"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("A", "Apple M4 Max", 'decide --from "A, 16 GB" --to "Apple M4 Max (40-core GPU)".'),
        ("Apple M4 Max", "B", 'decide --from "Apple M4 Max (40-core GPU)" --to "B, 16 GB".'),
        ("A", "B", "--allow quantisation."),
        ("A", "Apple M2 Pro (19-core GPU)", "--allow quantisation."),
    ],
)
def test_where_nothing_is_alike_a_chip_that_is_known_can_be_predicted(old: str, new: str, says: str) -> None:
    found = summary(on(old, *rows(1, 9)), on(new, *rows(1, 9, model=quantised(1, "Q8_0"))))
    first, second = like.machines(found)
    with pytest.raises(ResultsError) as caught:
        compare(found, first, second, TEN)
    assert str(caught.value).endswith(says)


def test_the_limit_decides_what_is_gained() -> None:
    before, after = slow(*rows(14, 8)), fast(*rows(14, 12))
    assert compared(before, after, limit=Limit.line(5)).gained == ()
    assert [change.model for change in compared(before, after, limit=Limit.line(20)).gained] == ["m8"]


def test_at_the_limit_a_model_is_usable() -> None:
    found = compared(on("A", *rows(1, 49, (1.0,))), on("B", *rows(1, 48.9, (1.0,))), limit=Limit.line(49))
    assert [(row.usable_a, row.usable_b) for row in found.rows] == [(True, False)]


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Outcome.DOES_NOT_FIT, Cause.DID_NOT_FIT),
        (Outcome.NO_TIME, None),
        (Outcome.NOT_INSTALLED, None),
        (Outcome.ENGINE_DIED, None),
        (Outcome.BELOW_LINE, None),
    ],
)
def test_a_model_without_a_figure_is_gained_where_it_did_not_fit(outcome: Outcome, cause: Cause | None) -> None:
    found = compared(slow(*gone(14, outcome)), fast(*rows(14, 12)))
    assert [change.cause for change in found.gained] == ([cause] if cause else [])


def test_a_model_skipped_because_a_smaller_one_was_too_slow_was_too_slow() -> None:
    found = compared(slow(*rows(14, 8), *gone(20, Outcome.BELOW_LINE)), fast(*rows(14, 12), *rows(20, 11)))
    assert [(change.model, change.cause) for change in found.gained] == [
        ("m14", Cause.TOO_SLOW),
        ("m20", Cause.TOO_SLOW),
    ]


def test_gains_are_told_by_size_whatever_their_cause() -> None:
    found = compared(slow(*rows(9, 8), *gone(14)), fast(*rows(9, 15), *rows(14, 12)))
    assert [change.model for change in found.gained] == ["m9", "m14"]


def test_a_lack_of_time_says_nothing_even_where_a_smaller_model_was_too_slow() -> None:
    found = compared(slow(*rows(14, 8), *gone(20, Outcome.NO_TIME)), fast(*rows(14, 12), *rows(20, 11)))
    assert [change.model for change in found.gained] == ["m14"]


def test_a_smaller_model_that_was_too_slow_at_other_work_says_nothing() -> None:
    deep = msgspec.structs.replace(work(), depth_tokens=4096)
    found = compared(slow(*rows(8, 5, workload=deep), *gone(20, Outcome.BELOW_LINE)), fast(*rows(20, 11)))
    assert found.gained == ()


def test_a_model_that_fits_and_is_too_slow_is_not_gained() -> None:
    assert compared(slow(*gone(14)), fast(*rows(14, 9))).gained == ()


def test_a_model_that_fits_in_another_quantisation_is_not_gained_unless_allowed() -> None:
    before, after = slow(*gone(14, model=quantised(14, "F16"))), fast(*rows(14, 12))
    assert compared(before, after).gained == ()
    assert [one.model for one in compared(before, after, allow=(Difference.QUANTISATION,)).gained] == ["m14"]


def test_a_model_that_fits_in_one_of_two_quantisations_is_not_gained() -> None:
    before = slow(*rows(14, 12), *gone(14, model=quantised(14, "F16")))
    assert compared(before, fast(*rows(14, 13, model=quantised(14, "F16")))).gained == ()


def test_unlike_models_are_rows_without_a_ratio() -> None:
    found = compared(slow(*rows(14, 8, model=quantised(14, "Q8_0"))), fast(*rows(14, 12)))
    assert [(row.compared, row.ratio is None) for row in found.rows] == [(True, False)] * 3 + [(False, True)]
    assert found.rows[-1].pair.differences == (Difference.QUANTISATION,)
    assert found.gained == ()


def test_an_allowed_difference_is_compared_and_stays_in_the_pair() -> None:
    runs = slow(*rows(14, 8, model=quantised(14, "Q8_0"))), fast(*rows(14, 12))
    found = compared(*runs, allow=(Difference.QUANTISATION,))
    assert found.rows[-1].compared
    assert found.rows[-1].pair.differences == (Difference.QUANTISATION,)
    assert [change.model for change in found.gained] == ["m14"]
    assert found.mixed == ("Q4_K_M", "Q8_0")


def test_the_curves_are_those_that_hold_most_compared_models() -> None:
    deep = msgspec.structs.replace(work(), depth_tokens=4096)
    lone = rows(0.5, 200, workload=deep)
    found = compared(on("A", *lone, *slow().trials), on("B", *lone, *fast().trials))
    assert len(found.rows) == 4
    assert found.fit_a is not None
    assert found.fit_a.series.depth_tokens == 0
    assert len(found.fit_a.points) == 3


def test_loads_and_first_tokens_have_ratios_of_their_own() -> None:
    def sizes(load_s: float, ttft_s: float) -> list[Trial]:
        times: dict[str, Any] = {"load_first_s": load_s, "ttft_s": ttft_s}
        return [one for size in (1, 3, 8) for one in rows(size, 20, **times)]

    found = compared(on("A", *sizes(6, 2)), on("B", *sizes(2, 1)))
    assert (rounded(found.overall), rounded(found.load), rounded(found.ttft)) == (1.0, 3.0, 2.0)
    assert found.load is not None
    assert found.load.low is not None
    silent = compared(slow(), fast())
    assert (silent.load, silent.ttft) == (None, None)
    two = compared(on("A", *sizes(6, 2)[:6]), on("B", *sizes(2, 1)[:6])).load
    assert two is not None
    assert (rounded(two), two.low) == (3.0, None)


def test_a_limit_on_the_first_token() -> None:
    limit = Limit(what=What.TTFT, seconds=1.5)
    found = compared(on("A", *rows(1, 20, ttft_s=2.0)), on("B", *rows(1, 20, ttft_s=1.0)), limit=limit)
    assert [rounded(row.ratio) for row in found.rows] == [2.0]
    assert [change.model for change in found.gained] == ["m1"]
    silent = compared(
        on("A", *rows(1, 20, ttft_s=2.0), *rows(3, 9)),
        on("B", *rows(1, 20, ttft_s=1.0), *rows(3, 20, ttft_s=1.0)),
        limit=limit,
    )
    assert [(row.usable_a, row.usable_b) for row in silent.rows] == [(False, True), (None, True)]
    assert [change.model for change in silent.gained] == ["m1"]


@pytest.mark.parametrize(
    ("runs", "limit", "says"),
    [
        ((on("A", *rows(1, 9)), on("B", *rows(3, 9))), TEN, ["no model in common.", "Run the same plan on both"]),
        (
            (on("A", *rows(7, 9), *rows(14, 9), *rows(32, 4)), on("B", *gone(7), *gone(14), *gone(70))),
            TEN,
            ["no model in common: 2 models of A, 16 GB did not fit on B, 16 GB. ", "Run smaller models"],
        ),
        (
            (on("A", *rows(7, 9), *gone(14)), on("B", *gone(7), *rows(14, 9))),
            TEN,
            ["1 model of A, 16 GB did not fit on B, 16 GB; 1 model of B, 16 GB did not fit on A, 16 GB."],
        ),
        (
            (on("A", *rows(1, 9), *rows(3, 9)), on("B", *rows(1, 9, model=quantised(1, "Q8_0")))),
            TEN,
            ["Nothing on A, 16 GB and B, 16 GB is alike: m1 differs in quantisation.", "--allow quantisation."],
        ),
        (
            (
                on("A", *(one for size in range(1, 6) for one in rows(size, 9))),
                on("B", *(one for size in range(1, 6) for one in rows(size, 9, workload=trial().workload))),
            ),
            TEN,
            [
                "m1 differs in depth, thinking; m2",
                "m3 differs in depth, thinking; 2 more.",
                "--allow depth,thinking.",
            ],
        ),
        (
            (slow(), fast()),
            Limit(what=What.TTFT, seconds=1),
            ["No model of A, 16 GB and B, 16 GB has a figure for a limit on ttft"],
        ),
    ],
    ids=[
        "no common model",
        "did not fit",
        "one of each",
        "another quantisation",
        "many",
        "no figure",
    ],
)
def test_where_nothing_can_be_compared_the_reason_and_the_way_out_are_told(
    runs: tuple[Run, Run], limit: Limit, says: list[str]
) -> None:
    with pytest.raises(ResultsError) as caught:
        compared(*runs, limit=limit)
    for text in says:
        assert text in str(caught.value)


def test_the_least_that_must_be_allowed_is_advised() -> None:
    first = on("A", *rows(1, 9), *rows(3, 9))
    second = on("B", *rows(1, 9, workload=trial().workload), *rows(3, 9, model=quantised(3, "Q8_0")))
    with pytest.raises(ResultsError, match=r"--allow quantisation\."):
        compared(first, second)


def test_a_machine_is_not_compared_with_itself() -> None:
    found = summary(slow())
    with pytest.raises(UsageError, match="twice"):
        compare(found, like.find(found, "A"), like.find(found, "A"), TEN)
