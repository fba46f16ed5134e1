from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support import WHEN, header, trial
from tpsprofile import merge
from tpsprofile.analysis.points import Point, Summary, spread, summarise
from tpsprofile.analysis.usable import curve, usable, wall
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


def test_largest_size_at_or_above_the_line_and_the_next() -> None:
    (answer,) = usable(summary(at(40, 1), at(10, 7), at(9.9, 14), at(3, 32)), 10.0)
    assert (answer.largest and answer.largest.model, answer.beyond and answer.beyond.model) == ("m7", "m14")


def test_nothing_is_usable_where_every_size_is_below_the_line() -> None:
    (answer,) = usable(summary(at(4, 1), at(2, 7)), 10.0)
    assert (answer.largest, answer.beyond and answer.beyond.model) == (None, "m1")


def test_all_measured_sizes_usable_leaves_the_wall() -> None:
    (answer,) = usable(summary(at(40, 1), at(20, 7), absent(72), absent(32)), 10.0)
    assert answer.beyond is None
    assert answer.wall is not None
    assert answer.wall.model == "m32"


def test_a_smaller_model_that_does_not_fit_is_no_wall() -> None:
    found = summary(at(20, 14), absent(7), absent(70, Outcome.TIMED_OUT))
    assert wall(found, found.series[0]) is None


def test_experts_stay_off_the_curve_of_dense_models() -> None:
    experts = ModelFacts(name="moe", parameters=30 * B, parameters_active=3 * B, quantisation="Q4_K_M")
    found = summary(at(20, 7), at(60, model=experts))
    assert [point.model for point in curve(found, found.series[0])] == ["m7"]
    (answer,) = usable(found, 10.0)
    assert answer.largest is not None
    assert answer.largest.model == "m7"


def test_one_point_a_size_in_the_common_quantisation() -> None:
    eight = ModelFacts(name="m1", parameters=B, quantisation="Q8_0")
    found = summary(at(30, model=eight), at(50, 1), at(20, 3))
    assert [round(p.decode.median) for p in curve(found, found.series[0]) if p.decode] == [50, 20]
