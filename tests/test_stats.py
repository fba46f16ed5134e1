"""Intervals, outliers and trends: against known values, and against what they promise of random data."""

from __future__ import annotations

import itertools
import random
from statistics import median

import pytest

from tpsprofile import stats


def test_the_interval_of_few_values_is_students() -> None:
    low, high = stats.median_interval([9.0, 10.0, 11.0]) or (0, 0)
    half = 4.303 * 1.2533 * 1.0 / 3**0.5
    assert (low, high) == pytest.approx((10 - half, 10 + half), rel=1e-3)


@pytest.mark.parametrize(
    ("n", "k"), [(6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8), (30, 10)]
)
def test_the_interval_of_many_values_is_the_sign_tests(n: int, k: int) -> None:
    """Ranks as in the tables of the sign test (Conover, table for a 95% interval of the median)."""
    values = random.Random(1).sample(range(100), n)
    assert stats.median_interval(values) == (sorted(values)[k - 1], sorted(values)[-k])


def test_one_value_has_no_interval() -> None:
    assert stats.median_interval([1.0]) is None
    assert stats.median_interval([]) is None
    assert stats.relative_half_width([1.0]) is None


@pytest.mark.parametrize("n", [3, 4, 5, 6, 9, 15])
def test_the_interval_holds_the_median_as_often_as_it_says(n: int) -> None:
    chance = random.Random(n)
    hits = 0
    for _ in range(2000):
        low, high = stats.median_interval([chance.gauss(50, 2) for _ in range(n)]) or (0, 0)
        hits += low <= 50 <= high
    assert hits / 2000 > 0.94


def test_stopping_when_the_interval_is_narrow_keeps_the_promise() -> None:
    """The rule of ``cases.enough``, 1% noise and a tenth of the trials 30% too slow: within 2% all the same."""
    chance = random.Random(5)
    within = 0
    for _ in range(1000):
        values: list[float] = []
        while len(values) < 3 or (stats.relative_half_width(values) or 0) > 0.02:
            values.append(chance.gauss(100, 1) * (0.7 if chance.random() < 0.1 else 1.0))
        within += abs(median(values) - 100) <= 2
    assert within / 1000 > 0.95


def test_an_outlier_does_not_widen_the_interval_of_many() -> None:
    calm = [10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.05, 9.95, 10.0]
    assert (stats.relative_half_width([*calm[:-1], 2.0]) or 1) < 0.02


def test_outliers_are_far_by_the_median_absolute_deviation() -> None:
    assert stats.outliers([10, 10.1, 9.9, 10, 7.0, 10.2]) == (False, False, False, False, True, False)
    assert stats.outliers([10, 10.5, 9.5, 10.2, 9.8]) == (False,) * 5


def test_outliers_among_equal_values_are_told_by_the_mean_deviation() -> None:
    assert stats.outliers([10.0] * 9 + [5.0]) == (False,) * 9 + (True,)
    assert stats.outliers([10.0] * 9) == (False,) * 9


def test_three_values_have_no_outlier() -> None:
    assert stats.outliers([10.0, 10.0, 1.0]) == (False,) * 3


def test_the_slope_is_the_median_of_all_slopes() -> None:
    assert stats.slope([10, 9, 8, 7, 100]) == pytest.approx(-1)
    assert stats.slope([3.0]) == 0


@pytest.mark.parametrize(("n", "chance"), [(2, 1 / 2), (3, 1 / 6), (4, 1 / 24), (5, 1 / 120)])
def test_a_steady_fall_is_as_improbable_as_its_order(n: int, chance: float) -> None:
    assert stats.falling(list(range(n, 0, -1))) == pytest.approx(chance)
    assert stats.falling(list(range(n))) == pytest.approx(1.0)


def test_the_trend_test_counts_all_orders_exactly() -> None:
    values = (1.0, 4.0, 2.0, 3.0)

    def score(order: tuple[float, ...]) -> int:
        return sum((a < b) - (a > b) for a, b in itertools.combinations(order, 2))

    orders = list(itertools.permutations(values))
    expected = sum(score(one) <= score(values) for one in orders) / len(orders)
    assert stats.falling(values) == pytest.approx(expected)


def test_the_trend_of_many_values_is_near_the_exact_one() -> None:
    chance = random.Random(2)
    assert sum(stats.falling([chance.random() for _ in range(20)]) < 0.05 for _ in range(2000)) / 2000 < 0.07
    assert stats.falling([20 - 0.2 * n + 0.1 * chance.random() for n in range(20)]) < 1e-4


@pytest.mark.parametrize(
    ("freedom", "point"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1e6, 1.965)]
)
def test_students_points_are_those_of_the_tables(freedom: float, point: float) -> None:
    assert stats.student(freedom) == pytest.approx(point, abs=6e-4)


def test_students_points_fall_between_whole_degrees() -> None:
    found = [stats.student(1 + k / 4) for k in range(40)]
    assert found == sorted(found, reverse=True)
    assert stats.student(2.5) == pytest.approx(3.5746, abs=1e-3)
    with pytest.raises(ValueError, match="degree"):
        stats.student(0.5)


def test_the_interval_of_a_mean_is_students() -> None:
    low, high = stats.mean_interval([1.0, 2.0, 3.0, 6.0]) or (0, 0)
    assert (low, high) == pytest.approx((3 - 3.182 * 2.1602 / 2, 3 + 3.182 * 2.1602 / 2), abs=1e-3)
    assert stats.mean_interval([1.0]) is None


def test_the_interval_of_a_difference_is_turned_round_with_it() -> None:
    a, b = [1.0, 1.2, 0.9], [2.0, 2.1, 2.4, 2.2, 1.9]
    low, high = stats.difference_interval(a, b) or (0, 0)
    assert low < 1.1 < high
    assert stats.difference_interval(b, a) == pytest.approx((-high, -low))


def test_the_degrees_of_a_difference_are_those_of_its_noisier_side() -> None:
    """Against values that hardly vary: the interval of the median of the others, two degrees of freedom."""
    low, high = stats.difference_interval([0.0, 1e-9, -1e-9], [4.0, 5.0, 6.0]) or (0, 0)
    assert (high - low) / 2 == pytest.approx(4.303 * (1.346 / 3) ** 0.5, rel=1e-3)


def test_a_difference_needs_two_values_on_both_sides() -> None:
    assert stats.difference_interval([1.0], [1.0, 2.0]) is None
    assert stats.difference_interval([1.0, 2.0], [1.0]) is None
    assert stats.difference_interval([1.0, 1.0], [2.0, 2.0]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("sides", "noise", "least", "most"),
    [
        ((3, 3), (2, 1), 0.93, 0.97),
        ((3, 5), (1, 1), 0.93, 0.97),
        ((9, 5), (1, 4), 0.93, 0.97),
        ((2, 2), (1, 1), 0.95, 1.0),
        ((2, 5), (5, 1), 0.95, 1.0),
    ],
)
def test_the_interval_holds_a_difference_as_often_as_it_says(
    sides: tuple[int, int], noise: tuple[float, float], least: float, most: float
) -> None:
    chance = random.Random(3)
    hits = 0
    for _ in range(2000):
        a, b = ([chance.gauss(0, far) for _ in range(n)] for n, far in zip(sides, noise, strict=True))
        low, high = stats.difference_interval(a, b) or (0, 0)
        hits += low <= 0 <= high
    assert least <= hits / 2000 <= most
