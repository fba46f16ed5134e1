from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support import WHEN, header, trial
from tpsprofile import merge, trust
from tpsprofile.analysis.courses import DEPTH, PROMPT, courses, lasting, plainest
from tpsprofile.analysis.points import spread, summarise
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.analysis.usable import curve, wall
from tpsprofile.records import (
    EngineInfo,
    Machine,
    Memory,
    ModelFacts,
    Outcome,
    Provenance,
    Run,
    Trial,
    Workload,
)

B = 10**9


def at(rate: float, size: float = 1.0, number: int = 1, **changes: Any) -> Trial:
    """An OK trial at a rate in tok/s of a model of a size in billions."""
    model = ModelFacts(name=f"m{size:g}", parameters=int(size * B), quantisation="Q4_K_M")
    fields: dict[str, Any] = {"model": model, "decode_engine_s": 10 / rate, "number": number}
    return trial(**fields | changes)


def absent(size: float, outcome: Outcome = Outcome.DOES_NOT_FIT, **changes: Any) -> Trial:
    return at(1, size, outcome=outcome, reason="because", **changes)


def summary(*trials: Trial, **changes: Any) -> Summary:
    return summarise(merge.table([Run(header=header(**changes), trials=trials)]))


def together(*runs: Run) -> Summary:
    return summarise(merge.table(runs))


def run(*trials: Trial, **changes: Any) -> Run:
    return Run(header=header(**changes), trials=trials)


def medians(found: Summary) -> list[float | None]:
    return [round(point.decode.median, 6) if point.decode else None for point in found.points]


def only(found: Summary) -> Point:
    (point,) = found.points
    return point


def test_median_lowest_and_highest_of_the_trials() -> None:
    decode = only(summary(at(20), at(10, number=2), at(40, number=3))).decode
    assert decode is not None
    assert (round(decode.median, 6), round(decode.low, 6), round(decode.high, 6), decode.n) == (20, 10, 40, 3)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.OK])
def test_a_trial_that_is_not_ok_never_enters_a_figure(outcome: Outcome) -> None:
    bad = at(1000, number=2, outcome=outcome, ttft_s=99.0, memory=Memory(rss_bytes=1), load_first_s=99.0)
    point = only(summary(at(20, ttft_s=0.5), bad))
    assert medians(summary(at(20), bad)) == [20]
    assert point.ttft is not None
    assert (point.ttft.high, point.rss, point.load_first, point.trials) == (0.5, None, None, 2)


def test_spread_leaves_out_what_is_no_measurement() -> None:
    assert spread([]) is None
    assert spread([None, 0.0, -1.0, float("nan"), float("inf")]) is None
    found = spread([None, 3.0, 0.0, 1.0])
    assert found is not None
    assert (found.median, found.n) == (2.0, 2)


def test_first_and_later_loads_stay_apart() -> None:
    point = only(summary(at(20, load_first_s=9.0), at(20, number=2, load_later_s=3.0)))
    assert point.load_first is not None
    assert point.load_later is not None
    assert (point.load_first.median, point.load_later.median) == (9.0, 3.0)


def test_the_newest_run_of_a_machine_counts_alone() -> None:
    old = run(at(100), at(50, 3), run="old", started_at=WHEN)
    new = run(at(20), run="new", started_at=WHEN + timedelta(days=1))
    for order in ((old, new), (new, old)):
        assert {p.model: p.decode and round(p.decode.median) for p in together(*order).points} == {
            "m1": 20,
            "m3": 50,
        }


def test_a_newer_failure_does_not_hide_an_older_measurement() -> None:
    old = run(at(100), run="old", started_at=WHEN)
    new = run(absent(1, Outcome.NO_TIME), run="new", started_at=WHEN + timedelta(days=1))
    found = together(old, new)
    assert (medians(found), found.absent) == ([100], ())


def test_a_model_without_a_figure_keeps_its_reason() -> None:
    (entry,) = summary(at(20), absent(72)).absent
    assert (entry.model, entry.parameters, entry.outcome, entry.reason) == (
        "m72",
        72 * B,
        Outcome.DOES_NOT_FIT,
        "because",
    )


def test_a_model_not_installed_for_one_run_is_not_absent_once_measured() -> None:
    missing = trial("m1", outcome=Outcome.NOT_INSTALLED, model=ModelFacts(name="m1"))
    assert together(run(missing, run="a"), run(at(20), run="b")).absent == ()


@pytest.mark.parametrize(
    "other",
    [
        run(at(50), run="b", engine=EngineInfo(name="another")),
        run(at(50), run="b", machine=Machine(id="m2", chip="Test Chip", ram_bytes=16 * 1024**3)),
        run(at(50), run="b", provenance=Provenance(kind="as reported", source="a paper")),
        run(at(50), run="b", options={"threads": 1}),
        run(at(50, workload=Workload(prompt="csvs-to-sqlite", tokens_out=11, context_tokens=8192)), run="b"),
        run(at(50, workload=Workload(prompt="csvs-to-sqlite", tokens_out=99, context_tokens=4096)), run="b"),
        run(
            at(50, workload=Workload(prompt="csvs-to-sqlite", tokens_out=11, context_tokens=4096, depth_tokens=8)),
            run="b",
        ),
    ],
    ids=["engine", "machine", "provenance", "options", "context", "tokens", "depth"],
)
def test_unlike_figures_are_never_merged(other: Run) -> None:
    found = together(run(at(20), run="a"), other)
    assert sorted(filter(None, medians(found))) == [20, 50]
    assert len(found.series) == 2


@pytest.mark.parametrize(
    "model",
    [
        ModelFacts(name="m1", parameters=B, quantisation="Q8_0"),
        ModelFacts(name="m1", parameters=B, quantisation="Q4_K_M", synthetic=True),
    ],
    ids=["quantisation", "synthetic"],
)
def test_unlike_weights_are_points_of_their_own(model: ModelFacts) -> None:
    assert medians(summary(at(20), at(50, model=model))) == [20, 50]


def test_machines_of_equal_label_are_told_apart() -> None:
    machines = [Machine(id=f"{one}-00112233", chip="Chip", ram_bytes=16 * 1024**3) for one in ("aa", "bb")]
    found = together(*(run(at(20), run=one.id, machine=one) for one in machines))
    labels = [series.machine for series in found.series]
    assert labels[0] != labels[1]
    assert all(label.startswith("Chip, 16 GB [") for label in labels)


def test_an_empty_table_is_an_empty_summary() -> None:
    assert summarise(merge.table([])) == Summary(points=(), absent=())


def test_the_wall_is_the_smallest_model_that_does_not_fit() -> None:
    found = summary(at(40, 1), at(20, 7), absent(72), absent(32))
    entry = wall(found, found.series[0])
    assert entry is not None
    assert entry.model == "m32"


def test_a_smaller_model_that_does_not_fit_is_no_wall() -> None:
    found = summary(at(20, 14), absent(7), absent(70, Outcome.TIMED_OUT))
    assert wall(found, found.series[0]) is None


def test_experts_stay_off_the_curve_of_dense_models() -> None:
    experts = ModelFacts(name="moe", parameters=30 * B, parameters_active=3 * B, quantisation="Q4_K_M")
    found = summary(at(20, 7), at(60, model=experts))
    assert [point.model for point in curve(found, found.series[0])] == ["m7"]


def test_one_point_a_size_in_the_common_quantisation() -> None:
    eight = ModelFacts(name="m1", parameters=B, quantisation="Q8_0")
    found = summary(at(30, model=eight), at(50, 1), at(20, 3))
    assert [round(p.decode.median) for p in curve(found, found.series[0]) if p.decode] == [50, 20]


def work(**changes: Any) -> Workload:
    fields: dict[str, Any] = {"prompt": "csvs-to-sqlite", "tokens_out": 11, "context_tokens": 4096}
    return Workload(**fields | changes)


def series_at(number: int, rate: float, **changes: Any) -> Trial:
    """A trial that began so many minutes after the first."""
    fields: dict[str, Any] = {"started_at": WHEN + timedelta(minutes=number - 1), "warnings": ()}
    return at(rate, number=number, **fields | changes)


def test_speculative_and_plain_decoding_never_share_a_series() -> None:
    found = together(run(at(20), run="a"), run(at(50, tokens_drafted=7), run="b"))
    assert [
        (series.speculative, p.decode and round(p.decode.median))
        for series, p in zip(found.series, found.points, strict=True)
    ] == [(False, 20), (True, 50)]
    assert not only(summary(at(20, tokens_drafted=0))).series.speculative


def test_what_failed_in_a_speculative_run_is_absent_in_its_series() -> None:
    assert [series.speculative for series in summary(at(50, tokens_drafted=7), absent(72)).series] == [True]
    assert [series.speculative for series in summary(absent(72)).series] == [False]


def test_prompts_of_other_lengths_are_series_of_their_own() -> None:
    found = summary(at(20), at(18, workload=work(prompt_tokens=512)))
    assert [series.prompt_tokens for series in found.series] == [None, 512]


def test_the_interval_is_that_of_the_median_and_never_below_0() -> None:
    point = only(summary(*(series_at(n, rate) for n, rate in enumerate((19, 20, 21), start=1))))
    assert point.interval == pytest.approx((20 - 3.114, 20 + 3.114), abs=0.01)
    assert point.half_width == pytest.approx(3.114 / 20, abs=0.001)
    wide = only(summary(series_at(1, 1), series_at(2, 99)))
    assert wide.interval is not None
    assert wide.interval.low == 0
    assert only(summary(series_at(1, 20))).interval is None


def test_samples_are_the_ok_trials_in_the_order_of_measurement() -> None:
    rates = {5: 20.4, 2: 20.1, 4: 90, 1: 20, 6: 20.5}
    trials = [series_at(number, rate) for number, rate in rates.items()]
    point = only(summary(*trials, series_at(3, 1, outcome=Outcome.ENDED_EARLY)))
    assert [sample.after_s for sample in point.samples] == [0, 60, 180, 240, 300]
    assert [round(sample.tok_s, 3) for sample in point.samples] == [20, 20.1, 90, 20.4, 20.5]
    assert [sample.far for sample in point.samples] == [False, False, True, False, False]


def test_times_that_cannot_be_are_unknown() -> None:
    back = summary(series_at(1, 20), series_at(2, 20, started_at=WHEN - timedelta(hours=1)))
    assert [sample.after_s for sample in only(back).samples] == [0, None]
    assert [sample.after_s for sample in only(summary(at(20), series_at(2, 20))).samples] == [None, None]


def test_warnings_and_grade_come_from_the_trials_and_from_the_case() -> None:
    rates = (20, 20.1, 19.9, 20, 20.1, 20)
    good = [series_at(n, rate, warnings=()) for n, rate in enumerate(rates, start=1)]
    busy = [series_at(n, rate, warnings=("busy", "a word of tomorrow")) for n, rate in enumerate(rates, start=1)]
    assert (only(summary(*good)).warnings, only(summary(*good)).grade) == ((), trust.Grade.A)
    assert (only(summary(*busy)).warnings, only(summary(*busy)).grade) == ((trust.Warning.BUSY,), trust.Grade.C)
    aimed = only(summary(*good, settings={"precision": 0.001}))
    assert (aimed.warnings, aimed.grade) == ((trust.Warning.NOT_CONVERGED,), trust.Grade.B)


def test_where_nobody_looked_there_is_no_grade() -> None:
    unseen = only(summary(at(20), at(90, number=2)))
    assert (unseen.warnings, unseen.grade) == ((), None)
    reported = only(summary(series_at(1, 20), provenance=Provenance(kind="as reported", source="a paper")))
    assert (reported.warnings, reported.grade) == ((), None)
    assert only(summary(at(20), series_at(2, 20, warnings=("busy",)))).grade is trust.Grade.C


def test_part_of_a_table_says_the_same_as_if_it_were_all() -> None:
    old = run(at(100), run="old", machine=Machine(id="gone", chip="Gone"))
    new = run(at(20), at(22, number=2), absent(72), run="new")
    whole = merge.table([old, new])
    assert summarise(whole[whole["run"] == "new"]) == together(new)


def test_a_course_needs_two_depths() -> None:
    deep = [at(rate, 3, workload=work(depth_tokens=depth)) for depth, rate in ((4096, 15), (0, 20))]
    found = summary(*deep, at(50, 1, workload=work(depth_tokens=0)))
    (course,) = courses(found, "decode", DEPTH)
    assert (course.model, course.series.depth_tokens) == ("m3", None)
    assert [course.place(point) for point in course.points] == [0, 4096]
    assert courses(found, "ttft", DEPTH) == courses(found, "decode", PROMPT) == ()


def test_a_speed_lasts_or_not_after_five_trials_and_a_minute() -> None:
    five = [series_at(n, 20, started_at=WHEN + timedelta(seconds=15 * n)) for n in range(1, 6)]
    assert lasting(summary(*five)) == summary(*five).points
    assert lasting(summary(*five[:4], at(20, number=9))) == ()
    resumed = [*five, series_at(6, 20, started_at=WHEN + timedelta(seconds=150))]
    assert lasting(summary(*resumed)) == (), "it cooled meanwhile"
    quick = [series_at(n, 20, started_at=WHEN + timedelta(seconds=14 * n)) for n in range(1, 6)]
    assert lasting(summary(*quick)) == ()


def test_the_plainest_case_stands_for_a_machine() -> None:
    plain_one, deep = at(20, 1, workload=work(depth_tokens=0)), at(15, 1, workload=work(depth_tokens=4096))
    wider = at(14, 3, workload=work(depth_tokens=4096, context_tokens=8192))
    longer = at(19, 1, workload=work(depth_tokens=0, prompt_tokens=512))
    found = summary(plain_one, deep, wider, longer, absent(72, workload=work(depth_tokens=0)))
    assert medians(plainest(found)) == [20]
    assert [entry.model for entry in plainest(found).absent] == ["m72"]
    assert medians(plainest(summary(deep))) == [15]
    other = run(deep, run="b", machine=Machine(id="m2", chip="Other", ram_bytes=8 * 1024**3))
    assert medians(plainest(together(run(plain_one), other))) == [20, 15]
