from __future__ import annotations

import math

import pytest

from tests.comparisons import Rates, absent, point
from tpsprofile import stats
from tpsprofile.analysis import like
from tpsprofile.analysis.decision import decide
from tpsprofile.analysis.rules import PREDICTED, Rule
from tpsprofile.analysis.speed import End, Estimate, Limit, What
from tpsprofile.analysis.summary import Absent, Summary
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.predict import sizes, subject
from tpsprofile.predict.stand_in import Foreseen, foresee

LINE = Limit.line(10)
RATES: Rates = {1.24: 90.0, 8.0: 20.0, 32.8: 5.0}


def foreseen(
    chip: str = "M4 Max 40-core", *more: Absent, old: bool = False, ram: int | None = None, limit: Limit = LINE
) -> Foreseen:
    mine = Summary(points=tuple(point(size, rate) for size, rate in RATES.items()), absent=more)
    (who,) = like.machines(mine)
    return foresee(mine, who, chip, limit, old=old, ram_bytes=ram)


def test_the_models_of_the_measured_machine_are_predicted_for_the_chip() -> None:
    found = foreseen().comparison
    assert [row.pair.model for row in found.rows] == ["m1.24", "m8", "m32.8"]
    assert {row.pair.b.series.provenance for row in found.rows} == {PREDICTED}
    assert all(row.pair.differences == () for row in found.rows), "it is made alike"
    assert found.b.machine == "Apple M4 Max (40-core GPU)"
    doubts = {reason.rule for reason in decide(found).doubts}
    assert Rule.PREDICTED in doubts
    assert Rule.FEW_TRIALS not in doubts, "those of the measured machine are three, and a prediction has none"


def test_an_interval_of_80_percent_becomes_one_of_95() -> None:
    of = subject.of_chip("M4 Max 40-core", "llama.cpp")
    told = sizes.named(of.ask, "m8", 8 * 10**9, quantisation="Q4_K_M").prediction
    there = foreseen().comparison.rows[1].pair.b
    assert there.interval is not None
    assert there.decode is not None
    wide = math.log(there.decode.median / there.interval.low)
    assert wide / math.log(told.decode_tok_s / told.low) == pytest.approx(1.96 / 1.2816)


def test_ratios_have_the_interval_of_the_prediction() -> None:
    found = foreseen().comparison
    widths = []
    for row in found.rows:
        assert row.ratio is not None
        assert row.ratio.low is not None
        assert row.ratio.high is not None
        assert row.ratio.low < 0.95 * row.ratio.value < 1.05 * row.ratio.value < row.ratio.high
        assert row.significant is (row.ratio.low > 1)
        widths.append(row.ratio.high / row.ratio.low)
    assert found.overall is not None
    assert found.overall.low is not None
    assert found.overall.high is not None
    assert min(widths) <= found.overall.high / found.overall.low <= max(widths), "no narrower for many models"


@pytest.mark.parametrize("old", [False, True])
def test_what_the_trials_of_the_measured_machine_leave_open_widens_the_ratios(old: bool) -> None:
    def ratios(*factors: float) -> list[Estimate | None]:
        rates = ((size, rate) for size, rate in RATES.items() if isinstance(rate, float))
        points = (point(size, [rate * one for one in factors]) for size, rate in rates)
        mine = Summary(points=tuple(points), absent=())
        found = foresee(mine, like.machines(mine)[0], "M4 Max 40-core", LINE, old=old).comparison
        return [*(row.ratio for row in found.rows), found.overall]

    def steps(one: Estimate | None) -> tuple[float, float]:
        assert one is not None
        assert one.low is not None
        assert one.high is not None
        return math.log(one.value / one.low) ** 2, math.log(one.high / one.value) ** 2

    shaky = math.exp(0.5), 1.0, math.exp(-0.5)
    sure, unsure, single = ratios(1.0, 1.0, 1.0), ratios(*shaky), ratios(1.0)
    assert sure == single, "of a single trial nothing is known, and nothing is added"
    own = 4 * stats.median_variance([math.log(one) for one in shaky])
    for narrow, wide in zip(sure[:-1], unsure[:-1], strict=True):
        for less, more in zip(steps(narrow), steps(wide), strict=True):
            assert more > less + own, "Student's t is wider than two"
    for less, more in zip(steps(sure[-1]), steps(unsure[-1]), strict=True):
        assert less + own / len(RATES) < more < less + 3 * own / len(RATES), "the trials of models are their own"


def test_the_largest_usable_size_has_an_interval_too() -> None:
    there = foreseen().comparison.crossing_b
    assert there is not None
    assert there.end is End.CROSSES
    assert there.parameters is not None
    assert there.parameters.low is not None
    assert there.parameters.high is not None
    assert there.parameters.low < there.parameters.value < there.parameters.high


def test_the_older_machine_may_be_the_chip() -> None:
    one, other = foreseen().comparison, foreseen(old=True).comparison
    assert one.overall is not None
    assert other.overall is not None
    assert other.a.machine == one.b.machine
    assert other.overall.value == pytest.approx(1 / one.overall.value)
    assert other.overall.low == pytest.approx(1 / (one.overall.high or 0))
    assert one.crossing_b == other.crossing_a


def test_memory_is_a_wall_for_the_chip() -> None:
    found = foreseen(ram=16 * 1024**3).comparison
    assert [row.pair.model for row in found.rows] == ["m1.24", "m8"]
    assert found.crossing_b is not None
    assert found.crossing_b.wall is not None
    assert "predicted" in (found.crossing_b.wall.reason or "")


def test_what_did_not_fit_is_gained_where_it_surely_runs() -> None:
    found = foreseen("M3 Ultra 80-core", absent(14)).comparison
    (change,) = [one for one in found.gained if one.model == "m14"]
    assert change.parameters == 14 * 10**9
    decisive = decide(found).decisive
    assert decisive.rule is Rule.GAINS_MODEL
    assert "m14" in [item.model for item in decisive.models]


def test_only_decode_is_predicted() -> None:
    with pytest.raises(ResultsError, match="decode alone"):
        foreseen(limit=Limit(what=What.TTFT, seconds=1))
    with pytest.raises(UsageError, match="no chip"):
        foreseen("Cray")


def test_a_machine_without_a_figure_is_no_ground_for_a_prediction() -> None:
    bare = Summary(points=(), absent=(absent(8),))
    (who,) = like.machines(bare)
    with pytest.raises(ResultsError, match="no figure"):
        foresee(bare, who, "M4 Max 40-core", LINE)
