"""What is predicted for machines that nobody measured."""

from __future__ import annotations

import math
from statistics import median

import msgspec
import pytest

from tpsprofile import chips
from tpsprofile.chips import Chip
from tpsprofile.errors import UsageError
from tpsprofile.predict import estimate, model, predict, third, weights
from tpsprofile.predict.published import figures
from tpsprofile.predict.weights import KINDS

KNOWN = [chip for chip in chips.catalogue() if chip.bandwidth_bytes_s is not None]


def with_bandwidth(chip: Chip, gb_s: float | None) -> Chip:
    return msgspec.structs.replace(chip, bandwidth_bytes_s=None if gb_s is None else gb_s * 1e9)


@pytest.fixture(scope="module")
def max_chip() -> Chip:
    return chips.one("M4 Max 40")


@pytest.mark.parametrize("engine", [None, "llama.cpp", "ollama", "mlx", "llama.cpp b4008", "llama.cpp 2023-11"])
def test_more_bytes_are_slower(max_chip: Chip, engine: str | None) -> None:
    rates = [
        predict(max_chip, weights(size * 1e9), engine).decode_tok_s for size in (0.9, 2.3, 5.1, 9.7, 21, 60, 200)
    ]
    assert rates == sorted(rates, reverse=True)


def test_every_parameter_more_is_more_to_read() -> None:
    sizes = [weights(1e8 * 1.02**step) for step in range(400)]
    reads = [one.bytes_read for one in sizes if one.shape is None]
    assert reads == sorted(reads)


def test_more_bandwidth_is_faster(max_chip: Chip) -> None:
    rates = [
        predict(with_bandwidth(max_chip, gb_s), weights(8.03e9)).decode_tok_s for gb_s in (50, 120, 400, 2000)
    ]
    assert rates == sorted(rates)


def test_an_older_build_is_slower(max_chip: Chip) -> None:
    old, new = (
        predict(max_chip, weights(1.24e9), f"llama.cpp {year}").decode_tok_s for year in ("2023-11", "2026-06")
    )
    assert old < 0.9 * new


@pytest.mark.parametrize("quantisation", sorted(KINDS))
def test_no_chip_is_predicted_above_its_roofline(quantisation: str) -> None:
    for chip in KNOWN[:: 9 if quantisation != "Q4_K_M" else 1]:
        for size in (0.135e9, 8.03e9, 405e9):
            of = weights(size, quantisation)
            told = predict(chip, of)
            assert chip.bandwidth_bytes_s is not None
            assert told.high <= chip.bandwidth_bytes_s / of.bytes_read * (1 + 1e-9), chip.name
            assert 0 < told.low < told.decode_tok_s <= told.high, chip.name


@pytest.mark.parametrize("name", ["M4 Max 40", "RTX 4090", "DDR5-5600 dual-channel desktop", "Radeon RX 7900 XTX"])
def test_the_interval_is_neither_a_point_nor_everything(name: str) -> None:
    told = predict(chips.one(name), weights(8.03e9))
    assert 1.1 < told.high / told.low < 2.5


def test_an_unknown_bandwidth_is_refused_with_what_to_do(max_chip: Chip) -> None:
    with pytest.raises(UsageError, match=r"bandwidth of Apple M4 Max .* not known") as caught:
        predict(with_bandwidth(max_chip, None), weights(8e9))
    assert caught.value.advice is not None and "measure" in caught.value.advice


def test_it_says_what_it_rests_on(max_chip: Chip) -> None:
    lines = predict(max_chip, weights(8.03e9)).rests_on
    assert any("546 GB/s" in line for line in lines)
    assert any("published figures of" in line and "Apple M4" in line for line in lines)
    assert any("Llama 3.1 8B" in line for line in lines)


@pytest.mark.parametrize(
    ("chip", "size", "quantisation", "active", "engine", "said"),
    [
        ("M4 Max 40", 30.5e9, "Q4_K_M", 3.3e9, None, "mixture of experts"),
        ("RTX 4090", 70.6e9, "Q4_K_M", None, None, "does not fit"),
        ("RTX 4090", 8.03e9, "Q4_K_M", None, "sglang", "sglang: taken as llama.cpp"),
        ("RTX 4090", 8.03e9, "Q4_K_M", None, "mlx", "taken as llama.cpp"),
        ("M4 Max 40", 8.03e9, "IQ2_XXS", None, None, "few published figures with IQ2_XXS"),
        ("DDR5-5600 dual-channel desktop", 8.03e9, "Q4_K_M", None, None, "of only"),
        ("M4 Max 40", 8.03e9, "Q4_K_M", None, None, "for a build of"),
    ],
)
def test_out_of_its_depth_it_says_so(
    chip: str, size: float, quantisation: str, active: float | None, *, engine: str | None, said: str
) -> None:
    told = predict(chips.one(chip), weights(size, quantisation, parameters_active=active), engine)
    assert any(said in line for line in told.caveats), told.caveats


@pytest.mark.parametrize(
    ("engine", "name", "build"),
    [
        ("llama.cpp b4008", "llama.cpp", "b4008"),
        ("llama.cpp 2024-11", "llama.cpp", "2024-11"),
        ("llama.cpp  (b4008)", "llama.cpp", "b4008"),
        ("Ollama", "ollama", ""),
        ("Ollama 0.5.7", "ollama", "0.5.7"),
        ("MLX", "mlx", ""),
        ("vllm", "vllm", ""),
        ("LocalScore", "llamafile", ""),
        ("llamafile", "llamafile", ""),
        ("LM Studio", "lm studio", ""),
        ("LM Studio 0.3", "lm studio", "0.3"),
        ("SGLang", "sglang", ""),
    ],
)
@pytest.mark.parametrize("chip", ["M4 Max 40", "RTX 4090"])
def test_an_engine_is_known_however_it_is_written_and_always_gets_a_figure(
    chip: str, engine: str, name: str, build: str
) -> None:
    assert estimate.named(engine) == (name, build)
    told = predict(chips.one(chip), weights(8.03e9), engine)
    assert 0 < told.low < told.decode_tok_s < told.high
    assert any("no published figures of" in line for line in told.caveats) == (name in {"vllm", "sglang"})


def test_a_usual_case_has_no_caveat_but_the_build() -> None:
    told = predict(chips.one("RTX 4090"), weights(8.03e9), "llama.cpp b4008")
    assert told.caveats == ()


@pytest.mark.parametrize("name", ["M4 Max 40", "RTX 4090", "Radeon RX 7900 XTX"])
def test_localscore_is_told_slower_and_less_certain_than_a_new_build(name: str) -> None:
    told, crowd = (predict(chips.one(name), weights(8.03e9), engine) for engine in ("llama.cpp", "LocalScore"))
    assert crowd.decode_tok_s < 0.85 * told.decode_tok_s
    assert any("LocalScore's figures, a crowd's" in line for line in crowd.caveats)


def test_a_crowd_s_figures_move_no_engine_but_their_own_far() -> None:
    """Half of what LocalScore had leaves llama.cpp where it is, and is taken for what LocalScore does."""
    case = model.case_of(next(one for one in estimate.training() if one.engine == model.CROWD))
    care = [one for one in estimate.training() if one.engine != model.CROWD]
    crowd = [one for one in estimate.training() if one.engine == model.CROWD]
    halved = [msgspec.structs.replace(one, tok_s=one.tok_s / 2) for one in crowd]
    other = msgspec.structs.replace(case, engine="llama.cpp", source=None, year=None)
    moved = []
    for of in (case, other):
        before, after = (model.log_time(estimate.fitted_to(care + some), of)[0] for some in (crowd, halved))
        moved.append(after - before)
    assert moved[0] > 0.4
    assert abs(moved[1]) < 0.1


def test_two_sizes_on_a_line_give_the_third_exactly() -> None:
    def tok_s(read: float) -> float:
        return 1 / (0.004 + read / 3e11)

    of = weights(14.77e9)
    told = third([(1e9, tok_s(1e9)), (4.6e9, tok_s(4.6e9))], of)
    assert told.decode_tok_s == pytest.approx(tok_s(of.bytes_read), rel=1e-9)
    assert told.low < told.decode_tok_s < told.high


def test_layers_and_bandwidth_are_used_where_they_are_known(max_chip: Chip) -> None:
    small, middle, large = weights(1.236e9), weights(8.03e9), weights(70.55e9)

    def tok_s(of: object) -> float:
        assert isinstance(of, type(small))
        return 1 / (of.layers / 32 * 0.003 + of.bytes_read / (0.85 * 546e9))

    told = third([(small, tok_s(small)), (middle, tok_s(middle))], large, max_chip)
    assert told.decode_tok_s == pytest.approx(tok_s(large), rel=0.001)


@pytest.mark.parametrize("rates", [(60.0, 14.0), (60.4, 13.6), (59.6, 14.4)])
def test_whole_rates_leave_room_for_their_rounding(max_chip: Chip, rates: tuple[float, float]) -> None:
    """What rounds to 60 and 14 lies in the interval that 60 and 14 give."""
    sizes, of = (weights(1.236e9), weights(8.03e9)), weights(70.55e9)
    whole = third(list(zip(sizes, (60.0, 14.0), strict=True)), of, max_chip)
    told = third(list(zip(sizes, rates, strict=True)), of, max_chip)
    assert whole.low <= told.decode_tok_s <= whole.high


def test_whole_rates_are_less_certain_than_exact_ones(max_chip: Chip) -> None:
    sizes, of = (weights(1.236e9), weights(8.03e9)), weights(70.55e9)
    widths = [
        math.log(told.high / told.low)
        for told in (
            third(list(zip(sizes, rates, strict=True)), of, max_chip) for rates in ((20.0, 4.0), (20.001, 4.001))
        )
    ]
    assert widths[0] > 1.2 * widths[1]


def test_a_third_size_stays_under_the_roofline(max_chip: Chip) -> None:
    of = weights(70.55e9)
    told = third([(1e9, 300.0), (5e9, 290.0)], of, max_chip)
    assert told.decode_tok_s <= 546e9 / of.bytes_read * (1 + 1e-9)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([(1e9, 100.0)], "two different sizes"),
        ([(1e9, 1e300), (5e9, 1e-300)], "two different sizes"),
        ([(1e9, 100.0), (5e9, 150.0)], "larger model is not the slower"),
    ],
)
def test_sizes_that_tell_nothing_are_refused(sizes: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        third(list(sizes), weights(14.77e9))


def test_chips_that_were_left_out_are_told_within_a_tenth() -> None:
    """Three families that nothing in the fit tells of, at the date of their builds."""
    errors = []
    for family in ("Apple M2 Pro", "Apple M3 Max", "NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 3070"):
        useful = [one for one in figures() if estimate.useful(one)]
        fitted = estimate.fitted_to(estimate.medians([one for one in useful if one.family != family]))
        for one in useful:
            if one.family == family and one.backend in {"metal", "cuda", "mlx"}:
                case = msgspec.structs.replace(model.case_of(one), source=None)
                errors.append(abs(math.exp(-model.log_time(fitted, case)[0]) / one.tok_s - 1))
    assert len(errors) > 40
    assert median(errors) < 0.1


def test_a_chip_with_figures_of_its_own_is_told_closer() -> None:
    chip, of = chips.one("RTX 5070"), weights(8.03e9, name="Llama 3.1 8B")
    own = [one for one in figures() if one.chip == chip.name and "Llama-3.1-8B" in one.model and one.clean]
    told = predict(chip, of, "llama.cpp 2026-07")
    assert told.decode_tok_s == pytest.approx(own[0].tok_s, rel=0.06)
