"""Speed against size: known answers, where usable sizes end, and ratios."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from tpsprofile import trust
from tpsprofile.analysis import line, weights
from tpsprofile.analysis.speed import Crossing, End, Fit, Limit, What, crossing, fit, mean_ratio, ratio, seconds
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
    assert found.seconds_at(20 * B).value == pytest.approx(0.044)
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


def test_a_line_that_would_begin_below_zero_begins_at_zero() -> None:
    found = fitted(point(1, [500.0]), point(2, [220.0]), point(4, [100.0]))
    assert (found.fixed_s.value, found.fixed_s.low, found.fixed_s.high) == (0, None, None)
    assert found.rate.value == pytest.approx(B / ((0.002 + 0.0045454 / 2 + 0.01 / 4) / 3), rel=1e-4)
    assert found.rate.low is not None


def test_errors_are_shares_so_that_small_models_count_as_much_as_large_ones() -> None:
    """A tenth more at the smallest size moves the line there, though it is nothing beside the largest time."""
    sizes = (1, 8, 70)
    slower = [on_line(1, fixed=0.0046), *map(on_line, sizes[1:])]
    assert fitted(*slower).seconds_at(1 * B).value > 1.05 * fitted(*map(on_line, sizes)).seconds_at(1 * B).value


def test_one_trial_that_went_wrong_does_not_move_the_line() -> None:
    sizes = (1, 3, 8, 32)
    clean = fitted(*map(on_line, sizes))
    rate = 1 / 0.02
    disturbed = fitted(*[on_line(size) for size in sizes if size != 8], point(8, [rate, rate / 5, rate]))
    assert (disturbed.fixed_s, disturbed.rate) == (clean.fixed_s, clean.rate)


def test_the_draws_agree_with_the_interval_where_the_line_is_crossed() -> None:
    points = [point(size, [1 / (0.004 + 0.002 * size) * off]) for size, off in ((1, 1.03), (8, 0.95), (32, 1.04))]
    points.append(point(70, [1 / 0.144 * 0.98]))
    end = crossed(*points).parameters
    assert end is not None
    assert end.low is not None
    assert end.high is not None
    found = fitted(*points)
    assert found.seconds_at(end.low).high == pytest.approx(0.1)
    assert found.seconds_at(end.high).low == pytest.approx(0.1)
    assert found.seconds_at(end.value).value == pytest.approx(0.1)


def test_the_same_data_give_the_same_interval() -> None:
    points = [point(1, [90, 92]), point(8, [30, 31]), point(32, [9, 9.2])]
    assert fitted(*points) == fitted(*points)
    assert crossed(*points) == crossed(*points)


@pytest.mark.parametrize("trials", [1, 5])
def test_two_sizes_have_a_line_without_interval(trials: int) -> None:
    found = fitted(on_line(1, trials=trials), on_line(32, trials=trials))
    assert (found.draws, found.fixed_s.low, found.rate.low, found.seconds_at(B).low) == ((), None, None, None)
    end = crossed(on_line(1, trials=trials), on_line(70, trials=trials)).parameters
    assert end is not None
    assert (end.low, end.high) == (None, None)


def test_two_sizes_on_a_line_that_would_begin_below_zero_have_no_interval_either() -> None:
    assert fitted(point(1, [500.0]), point(4, [100.0])).draws == ()


def test_three_sizes_of_one_trial_each_have_an_interval() -> None:
    end = crossed(point(1, [160]), point(8, [50]), point(70, [7])).parameters
    assert end is not None
    assert end.low is not None
    assert end.low < end.value


def test_an_interval_may_have_no_upper_end() -> None:
    points = [point(7, [10.2]), point(8, [9.5]), point(9, [9.9])]
    found = fitted(*points)
    for told in (crossed(*points).parameters, found.rate):
        assert told is not None
        assert told.low is not None
        assert told.low < told.value
        assert told.high is None


def test_one_size_has_no_line() -> None:
    assert fit(summary(on_line(1), point(1, [100.0], quantisation="Q8_0")), SERIES, LINE) is None


@pytest.mark.parametrize("rates", [(20.0, 30.0, 40.0), (2.0, 10.0, 500.0), (20.0, 20.0, 20.0)])
def test_times_that_do_not_grow_with_size_have_no_line(rates: tuple[float, float, float]) -> None:
    points = [point(size, [rate]) for size, rate in zip((1, 8, 32), rates, strict=True)]
    assert fit(summary(*points), SERIES, LINE) is None
    assert crossed(*points).end is End.BEYOND


@pytest.mark.parametrize("rate", [1e300, 1.1e6, 0.9e-6, 1e-300, 5e-324])
def test_figures_beyond_all_measure_count_as_none(rate: float) -> None:
    absurd = point(8, [rate], [rate])
    for limit in (LINE, Limit(what=What.TTFT, seconds=1), Limit(what=What.TASK, seconds=1, tokens_out=10)):
        assert seconds(absurd, limit) == ()
        assert crossing(summary(absurd), SERIES, limit) is None
    assert ratio(absurd, point(8, [10.0]), LINE) is None
    assert mean_ratio(((absurd, point(8, [10.0])), (on_line(1), on_line(1))), LINE) is not None
    assert fitted(on_line(1), absurd, on_line(32)).points == (on_line(1), on_line(32))


@pytest.mark.parametrize("rates", [(1e6, 1.0, 1e-6), (1e-4, 1e-5, 1e-6), (1e6, 1e5, 1e4)])
def test_figures_at_the_ends_of_measure_break_nothing(rates: tuple[float, float, float]) -> None:
    points = [point(size, [rate]) for size, rate in zip((1, 8, 32), rates, strict=True)]
    for limit in (LINE, Limit(seconds=1e299), Limit(seconds=1e-299)):
        found = fit(summary(*points), SERIES, limit)
        if found:
            assert found.seconds_at(8 * B).value >= 0
        assert crossing(summary(*points), SERIES, limit)


def test_a_trial_that_never_ends_does_not_count() -> None:
    assert fitted(on_line(1), point(8, [5e-324, 1 / 0.02]), on_line(32)).rate.value == pytest.approx(B / 0.002)


@pytest.mark.parametrize("warning", [trust.Warning.TOO_FAST, trust.Warning.SWAPPING, trust.Warning.ERRATIC])
def test_a_point_that_speaks_of_something_else_stays_out(warning: trust.Warning) -> None:
    odd = point(32, [400.0], warnings=(warning,))
    assert fitted(on_line(1), on_line(8), odd).rate.value == pytest.approx(B / 0.002)


@pytest.mark.parametrize("warning", [trust.Warning.SIMULATED, trust.Warning.TRANSLATED, trust.Warning.BUSY])
def test_a_warning_that_a_whole_series_bears_does_not_keep_points_out(warning: trust.Warning) -> None:
    assert len(fitted(*(on_line(size, warnings=(warning,)) for size in (1, 8, 32))).points) == 3


# ---------------------------------------------------------------------------------------- bytes and parameters


def read(size: float, each: float, **changes: Any) -> Point:
    """A model of ``each`` bytes a weight on a machine that takes 4 ms and reads 100 GB/s."""
    return point(size, [1 / (0.004 + size * each / 100)], bytes_read=size * B * each, **changes)


def test_sizes_in_several_quantisations_lie_on_one_line_in_bytes() -> None:
    points = [read(1, 1.0625, quantisation="Q8_0"), read(3, 0.6), read(8, 0.6), read(32, 0.6)]
    found = fitted(*points)
    assert found.in_bytes
    assert found.fixed_s.value == pytest.approx(0.004)
    assert found.rate.value == pytest.approx(100 * B)
    assert billions(crossed(*points)) == pytest.approx(9.6 / 0.6)
    between = found.seconds_at(3**0.5 * B).value
    assert between == pytest.approx(0.004 + 3**0.5 * (1.0625 + 0.6) / 2 / 100)


def test_one_file_of_unknown_size_and_all_go_by_parameters() -> None:
    found = fitted(on_line(1, bytes_read=1e9), on_line(8, bytes_read=5e9), on_line(32))
    assert not found.in_bytes
    assert found.rate.value == pytest.approx(B / 0.002)


def test_a_larger_model_in_fewer_bytes_counts_as_the_larger_one() -> None:
    reading = weights.Reading(sizes=(7e9, 8e9, 32e9), each=(1.0, 0.5, 0.5))
    assert reading.largest(4e9) == pytest.approx(8e9)
    assert reading.largest(7e9) == pytest.approx(14e9)
    assert reading.largest(2e9) == pytest.approx(2e9)
    assert reading.largest(32e9) == pytest.approx(64e9)
    assert reading.largest(-1.0) == 0


def test_what_a_size_reads_and_the_size_that_reads_it_are_inverse() -> None:
    reading = weights.Reading(sizes=(1e9, 3e9, 8e9, 70e9), each=(1.06, 0.6, 0.7, 0.58))
    for size in (0.2e9, 1e9, 1.7e9, 3e9, 5e9, 8e9, 40e9, 70e9, 90e9):
        assert reading.largest(reading.at(size)) == pytest.approx(size)


def test_of_a_mixture_the_active_parameters_count() -> None:
    mixtures = [on_line(size, parameters_active=int(size * B / 8)) for size in (8, 16, 64)]
    assert fitted(*mixtures).rate.value == pytest.approx(B / 8 / 0.002)
    assert fitted(*mixtures).seconds_at(32 * B).value == pytest.approx(0.068)


# ----------------------------------------------------------------------------------------- where usable sizes end

SWAPPED = point(40, [1.0], warnings=(trust.Warning.SWAPPING,))
ENDS: dict[str, tuple[list[Point | Absent], End, float | None, bool]] = {
    "between two sizes": ([on_line(1), on_line(70)], End.CROSSES, 48, False),
    "a little beyond": ([on_line(1), on_line(40)], End.CROSSES, 48, True),
    "too far beyond": ([on_line(1), on_line(30)], End.BEYOND, 30, False),
    "all too slow": ([on_line(60), on_line(70)], End.BELOW, None, False),
    "memory before the crossing": ([on_line(1), on_line(40), absent(47)], End.MEMORY, 40, False),
    "memory, crossing far away": ([on_line(1), on_line(8), absent(14)], End.MEMORY, 8, False),
    "memory after the crossing": ([on_line(1), on_line(40), absent(70)], End.CROSSES, 48, True),
    "swapping before the crossing": (
        [on_line(1), on_line(30), SWAPPED],
        End.MEMORY,
        30,
        False,
    ),
    "one fast size": ([on_line(8)], End.BEYOND, 8, False),
    "one fast size and a wall": ([on_line(8), absent(70)], End.MEMORY, 8, False),
    "one slow size": ([on_line(70)], End.BELOW, None, False),
    "no line, fast and slow": ([point(1, [9]), point(8, [12]), point(32, [11])], End.BEYOND, 32, False),
    "no line, the largest is slow": ([point(1, [9.5]), point(8, [12]), point(32, [9.9])], End.CROSSES, 8, False),
    "a cliff": (
        [on_line(1), on_line(3), on_line(7), on_line(14), point(32, [0.5]), point(70, [0.2])],
        End.CROSSES,
        14,
        False,
    ),
}


@pytest.mark.parametrize(("entries", "end", "size", "extrapolated"), ENDS.values(), ids=ENDS)
def test_usable_sizes_end(entries: list[Point | Absent], end: End, size: float | None, extrapolated: bool) -> None:
    found = crossed(*entries)
    assert (found.end, found.extrapolated) == (end, extrapolated)
    if size is None:
        assert found.parameters is None
    else:
        assert billions(found) == pytest.approx(size)
    assert found.wall == next((entry for entry in entries if isinstance(entry, Absent)), None)


def test_the_line_decides_where_a_model_beside_the_crossing_lies_on_the_other_side() -> None:
    """A model of 50B at 10.3 tok/s would be usable, but models scatter, and the line of all says 48B or so."""
    found = crossed(on_line(1), on_line(8), on_line(32), point(50, [10.3]), on_line(70))
    assert found.end is End.CROSSES
    assert 47 < billions(found) < 50


def test_nothing_measured_ends_nowhere() -> None:
    assert crossing(summary(absent(70)), SERIES, LINE) is None
    assert crossing(summary(on_line(8)), SERIES, Limit(what=What.TTFT, seconds=1)) is None


# -------------------------------------------------------------------------------------------------- other limits


def both(size: float) -> Point:
    """First token after 0.1 s and 0.5 s a billion parameters, then 10 ms a billion and token; small ones as Q8."""
    read = size * B * (2 if size < 2 else 1)
    return point(size, [100 / size] * 3, [0.1 + 0.5 * size] * 3, bytes_read=read)


def test_time_to_the_first_token_goes_by_parameters() -> None:
    found = crossed(both(1), both(4), both(16), limit=Limit(what=What.TTFT, seconds=3.1))
    assert found.end is End.CROSSES
    assert billions(found) == pytest.approx(6)


def test_a_task_takes_the_first_token_and_the_others() -> None:
    points = [point(size, [100 / size], [0.1 + 0.5 * size]) for size in (1, 4, 16)]
    limit = Limit(what=What.TASK, seconds=0.1 + 6 * (0.5 + 64 * 0.01), tokens_out=64)
    assert billions(crossed(*points, limit=limit)) == pytest.approx(6)


def test_trials_without_a_first_token_do_not_enter_a_task() -> None:
    limit = Limit(what=What.TASK, seconds=10, tokens_out=100)
    half = [point(size, [100 / size, 1.0], [0.1, None]) for size in (1, 4)]
    assert fitted(*half, limit=limit).seconds_at(2 * B).value == pytest.approx(0.1 + 2)


def test_a_task_without_its_tokens_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="tokens"):
        fit(summary(both(1), both(4)), SERIES, Limit(what=What.TASK, seconds=1))


# -------------------------------------------------------------------------------------------------------- ratios


def test_the_ratio_is_that_of_the_medians_and_above_one_where_the_second_is_faster() -> None:
    found = ratio(point(8, [10, 11, 1]), point(8, [15, 16, 15]), LINE)
    assert found is not None
    assert found.value == pytest.approx(1.5)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1.5 < found.high


def test_the_ratio_turned_round_is_its_inverse() -> None:
    a, b = point(8, [10, 10.3, 10.1]), point(8, [13, 13.1, 12.7])
    there, back = ratio(a, b, LINE), ratio(b, a, LINE)
    assert there is not None
    assert back is not None
    assert back.low is not None
    assert there.value == pytest.approx(1 / back.value)
    assert there.high == pytest.approx(1 / back.low)


@pytest.mark.parametrize(("a", "b"), [([10.0], [15.0, 15.1]), ([10.0, 10.1], [15.0]), ([10.0], [15.0])])
def test_a_single_trial_gives_a_ratio_without_interval(a: list[float], b: list[float]) -> None:
    found = ratio(point(8, a), point(8, b), LINE)
    assert found is not None
    assert found.value == pytest.approx(1.5, rel=0.01)
    assert (found.low, found.high) == (None, None)


def test_without_figures_there_is_no_ratio() -> None:
    assert ratio(point(8, [10.0]), both(8), Limit(what=What.TTFT, seconds=1)) is None
    assert mean_ratio((), LINE) is None


def test_the_ratios_of_the_laptops_as_reported() -> None:
    a, b = ([point(size, rates) for size, rates in laptop[0]] for laptop in REPORTED.values())
    pairs = tuple(zip(a, b, strict=True))
    each = [found.value for found in (ratio(*pair, LINE) for pair in pairs) if found]
    assert each == pytest.approx([1.25, 1.325, 1.429, 1.286], abs=5e-4)
    found = mean_ratio(pairs, LINE)
    assert found is not None
    assert found.value == pytest.approx(1.321, abs=1e-3)
    logs = [math.log(one) for one in each]
    deviation = (sum((one - sum(logs) / 4) ** 2 for one in logs) / 3) ** 0.5
    assert found.high == pytest.approx(found.value * math.exp(3.182 * deviation / 2), rel=1e-3)


def test_two_models_have_a_mean_ratio_without_interval() -> None:
    pairs = ((point(1, [10, 10.2]), point(1, [20, 20.2])), (point(8, [5, 5]), point(8, [40, 40])))
    found = mean_ratio(pairs, LINE)
    assert found is not None
    assert found.value == pytest.approx(4, rel=0.01)
    assert (found.low, found.high) == (None, None)


def test_models_that_agree_by_rounding_promise_no_more_than_their_figures() -> None:
    reported = msgspec.structs.replace(SERIES, provenance="reported")
    rates = ((160, 200), (40, 50), (20, 25))
    pairs = tuple((point(1, [a], series=reported), point(1, [b], series=reported)) for a, b in rates)
    found = mean_ratio(pairs, LINE)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    error = math.sqrt(sum(1 / rate**2 for both in rates for rate in both) / 12) / 3
    assert found.value == pytest.approx(1.25)
    assert found.high == pytest.approx(1.25 * math.exp(1.965 * error), rel=1e-4)
    assert found.low == pytest.approx(1.25 * math.exp(-1.965 * error), rel=1e-4)


def test_models_that_agree_by_chance_promise_no_more_than_their_trials() -> None:
    wide = (0.5, 1.0, 2.0)
    pairs = tuple((point(s, [90 / s * w for w in wide]), point(s, [99 / s * w for w in wide])) for s in (1, 3, 8))
    found, one = mean_ratio(pairs, LINE), ratio(*pairs[0], LINE)
    assert found is not None
    assert found.low is not None
    assert one is not None
    assert one.low is not None
    assert found.value == pytest.approx(1.1)
    assert one.low < found.low < 0.8
    variance = 2 * 1.346 * math.log(2) ** 2 / 3 / 3  # of the mean of three differences of two medians
    assert found.low == pytest.approx(1.1 * math.exp(-2.179 * math.sqrt(variance)), rel=1e-3)


# ------------------------------------------------------------------------------------- what intervals promise

MACHINES = 2000


def held(count: Callable[[random.Random], bool]) -> float:
    chance = random.Random(1)
    return sum(count(chance) for _ in range(MACHINES)) / MACHINES


def noisy(chance: random.Random, size: float, time: float, trials: int, scatter: float = 0.0) -> Point:
    """A model that takes ``time`` a token but for what it is off the line, and trials with 3% noise."""
    off = math.exp(chance.gauss(0, scatter)) * time
    return point(size, [math.exp(chance.gauss(0, 0.03)) / off for _ in range(trials)])


def test_the_interval_holds_the_crossing_as_often_as_it_says() -> None:
    def holds(chance: random.Random) -> bool:
        points = [noisy(chance, size, 0.004 + 0.002 * size, 3, 0.04) for size in (1, 8, 32, 70)]
        end = crossed(*points).parameters
        assert end is not None
        return (end.low or 0) <= 48 * B <= (end.high or math.inf)

    assert 0.93 <= held(holds) <= 0.97


def test_the_interval_holds_the_ratio_as_often_as_it_says() -> None:
    def holds(chance: random.Random) -> bool:
        a, b = noisy(chance, 8, 0.16, 3), noisy(chance, 8, 0.12, 5)
        found = ratio(a, b, LINE)
        return found is not None and (found.low or 0) <= 4 / 3 <= (found.high or 0)

    assert 0.93 <= held(holds) <= 0.97


def test_the_interval_holds_the_mean_ratio_as_often_as_it_says() -> None:
    def holds(chance: random.Random) -> bool:
        sizes = (1, 8, 32, 70)
        pairs = tuple((noisy(chance, s, s / 50, 3, 0.04), noisy(chance, s, s / 50 * 0.75, 3, 0.04)) for s in sizes)
        found = mean_ratio(pairs, LINE)
        return found is not None and (found.low or 0) <= 4 / 3 <= (found.high or 0)

    assert 0.93 <= held(holds) <= 0.97


@pytest.mark.parametrize(("freedom", "student"), [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228)])
@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
def test_the_draws_are_students_in_every_direction(freedom: int, student: float, angle: float) -> None:
    along = sorted(math.cos(angle) * u + math.sin(angle) * v for u, v in line.even(freedom))
    assert len(along) == line.DRAWS
    assert -along[50] == pytest.approx(student, rel=0.05)
    assert along[-51] == pytest.approx(student, rel=0.05)
