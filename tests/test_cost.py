from __future__ import annotations

import pytest

from tests.comparisons import compared, estimate, reported
from tpsprofile.analysis.cost import Prices, costs, energy_kwh
from tpsprofile.analysis.speed import End, Estimate

PRICES = Prices(price=4699, resale=1500)


def parts(found: Estimate | None) -> list[float | None]:
    assert found is not None
    return [found.value, found.low, found.high]


def test_what_nobody_stated_costs_nothing_that_is_known() -> None:
    found = costs(reported(), Prices())
    assert (found.net, found.per_usable_b, found.per_gained_b, found.per_tok_s, found.energy) == (
        None,
        None,
        None,
        None,
        (),
    )
    assert found.gained_b is not None, "a gain needs no price"


def test_net_price_over_each_gain() -> None:
    found = costs(reported(), PRICES)
    assert found.net == 3199
    assert found.usable_b == estimate(65.4)
    assert found.gained_b is not None
    assert found.gained_b.value == pytest.approx(16.6)
    assert found.per_usable_b is not None
    assert found.per_usable_b.value == pytest.approx(3199 / 65.4)
    assert found.per_gained_b is not None
    assert found.per_gained_b.value == pytest.approx(3199 / 16.6)


def test_the_rate_gained_is_that_of_geometric_means_with_the_interval_of_the_ratio() -> None:
    pair = compared({1.0: 40.0, 4.0: 10.0}, {1.0: 60.0, 4.0: 15.0}, overall=estimate(1.5, 1.25, 2.0))
    found = costs(pair, Prices(price=100))
    assert parts(found.gained_tok_s) == pytest.approx([10, 5, 20])
    assert parts(found.per_tok_s) == pytest.approx([10, 5, 20])


def test_a_gain_that_may_be_nothing_has_no_upper_bound_of_its_price() -> None:
    pair = compared({1.0: 20.0}, {1.0: 22.0}, overall=estimate(1.1, 0.9, 1.3))
    found = costs(pair, Prices(price=100))
    assert parts(found.per_tok_s) == pytest.approx([50, 100 / 6, None])


@pytest.mark.parametrize("prices", [Prices(price=1000, resale=1500), Prices(resale=1500)])
def test_no_price_is_no_price_of_a_gain(prices: Prices) -> None:
    found = costs(reported(), prices)
    assert (found.per_usable_b, found.per_gained_b, found.per_tok_s) == (None, None, None)


def test_a_loss_has_no_price() -> None:
    found = costs(compared({1.0: 40.0}, {1.0: 30.0}, cross=(20, 10)), Prices(price=100))
    assert (found.per_gained_b, found.per_tok_s) == (None, None)
    assert parts(found.gained_b)[0] == -10


def test_the_interval_of_a_difference_holds_that_of_both_sizes() -> None:
    pair = compared({1.0: 40.0}, {1.0: 60.0}, cross=(estimate(20, 16, 23), estimate(40, 36, 44)))
    found = costs(pair, Prices(price=100))
    assert parts(found.gained_b) == pytest.approx([20, 15, 20 + 32**0.5])
    assert parts(found.per_gained_b)[2] == pytest.approx(100 / 15)


def test_a_size_beyond_the_measured_ones_gives_no_gain() -> None:
    pair = compared({1.0: 40.0}, {1.0: 60.0}, cross=(1, 8), ends=(End.BEYOND, End.CROSSES))
    assert costs(pair, PRICES).gained_b is None
    assert costs(compared({1.0: 40.0}, {1.0: 60.0}), PRICES).usable_b is None


def test_electricity_of_a_million_tokens() -> None:
    assert energy_kwh(60, 10) == pytest.approx(60 * 1e6 / 10 / 3600 / 1000), "1e5 s at 60 W"
    pair = compared({1.0: 40.0}, {1.0: [10.0, 10.0, 10.0]})
    (found,) = costs(pair, Prices(watts=36)).energy
    assert parts(found.kwh) == pytest.approx([1, 1, 1])
    assert found.amount is None, "no price stated"
    (priced,) = costs(pair, Prices(watts=36, kwh_price=0.3)).energy
    assert parts(priced.amount) == pytest.approx([0.3, 0.3, 0.3])


def test_electricity_has_the_interval_of_its_rate_where_there_is_one() -> None:
    (found,) = costs(compared({1.0: 40.0}, {1.0: 20.0}), Prices(watts=36)).energy
    assert found.kwh.low is not None
    assert found.kwh.high is not None
    assert found.kwh.low < 0.4999
    assert found.kwh.high > 0.5001
    (single,) = costs(compared({1.0: 40.0}, {1.0: [20.0]}), Prices(watts=36)).energy
    assert parts(single.kwh) == pytest.approx([0.5, None, None])
