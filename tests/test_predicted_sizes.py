"""Predictions of many sizes: where a curve crosses the line, what fits, and how sizes may be written."""

from __future__ import annotations

import pytest

from tpsprofile.errors import UsageError
from tpsprofile.models import catalogue
from tpsprofile.predict import Prediction, Weights, sizes
from tpsprofile.predict.published import figures
from tpsprofile.predict.sizes import Size
from tpsprofile.render import predicted
from tpsprofile.units import GIB


def ask(of: Weights) -> Prediction:
    """Speed falls as parameters rise: 600 tok/s over the billions."""
    rate = 600e9 / of.parameters
    return Prediction(
        decode_tok_s=rate, low=rate * 0.8, high=rate * 1.25, rests_on=("a rule",), caveats=("made up",)
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8.03B", 8_030_000_000),
        ("8.03b", 8_030_000_000),
        (" 8.03 B ", 8_030_000_000),
        ("8.03e9", 8_030_000_000),
        ("8.03E+9", 8_030_000_000),
        ("8030000000", 8_030_000_000),
        ("8,030,000,000", 8_030_000_000),
        ("8_030_000_000", 8_030_000_000),
        ("135M", 135_000_000),
        ("1.5T", 1_500_000_000_000),
        ("70", 70_000_000_000),
        ("0.5", 500_000_000),
    ],
)
def test_a_parameter_count_may_be_written_in_many_ways(text: str, count: int) -> None:
    assert sizes.parameters(text) == count


@pytest.mark.parametrize("text", ["", "B", "many", "8 billion", "-8B", "0", "8.0.3B", "5000", "nan", "1e30"])
def test_what_is_no_parameter_count_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a parameter count. Write it as 8.03B"):
        sizes.parameters(text)


def test_the_usual_list_is_the_catalogue_in_its_usual_quantisations() -> None:
    found = sizes.usual(ask)
    assert [(one.weights.name, one.weights.quantisation) for one in found] == [
        (shape.name, shape.quantisation) for shape in catalogue.SHAPES
    ]
    assert {one.fits for one in found} == {None}


def test_another_quantisation_holds_for_the_whole_list() -> None:
    assert {one.weights.quantisation for one in sizes.usual(ask, "q8_0")} == {"Q8_0"}


def test_what_needs_more_than_there_is_does_not_fit() -> None:
    fits = {one.weights.name: one.fits for one in sizes.usual(ask, room_bytes=8 * GIB)}
    assert (fits["llama3.1:8b"], fits["phi4:14b"], fits["qwen2.5:72b"]) == (True, False, False)


def test_memory_holds_weights_cache_and_buffers() -> None:
    known, unknown = sizes.named(ask, "llama3.1:8b", None), sizes.named(ask, None, 8_030_261_248)
    assert known.need_bytes > known.weights.file_bytes + 0.5 * GIB
    assert unknown.need_bytes == pytest.approx(known.need_bytes, rel=0.1)


@pytest.mark.parametrize(
    ("model", "count", "parameters"),
    [
        ("llama3.1:8b", None, 8_030_261_248),
        ("LLAMA3.1", None, 8_030_261_248),
        ("Mistral-7B-Instruct", None, 7_248_000_000),
        ("my own", 3_000_000_000, 3_000_000_000),
        (None, 3_000_000_000, 3_000_000_000),
    ],
)
def test_one_model_by_its_name_or_size(model: str | None, count: int | None, parameters: int) -> None:
    assert sizes.named(ask, model, count).weights.parameters == parameters


def test_a_name_that_tells_no_size_is_refused() -> None:
    with pytest.raises(UsageError, match=r"There is no model 'llama9:8b'"):
        sizes.named(ask, "llama9:8b", None)


@pytest.mark.parametrize(
    ("name", "parameters", "active"),
    [
        ("qwen3:235b-a22b", 235_000_000_000, 22_000_000_000),
        ("My-Qwen3.5-35B-A3.5B-Q4", 35_000_000_000, 3_500_000_000),
        ("mistral-small-4:119b-a6b", 119_000_000_000, 6_000_000_000),
        ("qwen3:30b-a3b", 30_532_000_000, 3_350_000_000),
        ("gpt-oss:20b", 20_915_000_000, 3_610_000_000),
        ("llama3.1:8b", 8_030_261_248, None),
    ],
)
def test_a_name_tells_what_a_token_uses_of_a_mixture(name: str, parameters: int, active: int | None) -> None:
    found = sizes.named(ask, name, None).weights
    assert (found.parameters, found.parameters_active) == (parameters, active)


@pytest.mark.parametrize("name", ["mixtral:8x7b", "olmoe:7b"])
def test_a_mixture_of_unknown_parts_needs_its_active_parameters(name: str) -> None:
    with pytest.raises(UsageError, match="--active"):
        sizes.named(ask, name, 46_700_000_000)
    assert sizes.named(ask, name, 46_700_000_000, 12_900_000_000).weights.experts


def test_active_parameters_of_a_mixture_may_be_given_another_way() -> None:
    assert sizes.named(ask, "gpt-oss:20b", None, 4_000_000_000).weights.parameters_active == 4_000_000_000


@pytest.mark.parametrize("name", ["llama3.1:8b", "Mistral-7B-Instruct", "Qwen2.5-7B"])
@pytest.mark.parametrize("count", [70_000_000_000, 3_000_000_000])
def test_a_size_that_contradicts_the_name_is_refused(name: str, count: int) -> None:
    with pytest.raises(UsageError, match=r"parameters, not"):
        sizes.named(ask, name, count)


def test_a_known_family_of_another_size_is_not_the_known_model() -> None:
    assert sizes.named(ask, "mistral-small-4-119b", 119_000_000_000).weights.parameters == 119_000_000_000


@pytest.mark.parametrize(("count", "said"), [(8_000_000_000, False), (7_000_000_000, True)])
def test_a_size_beside_that_of_the_name_is_a_caveat(count: int, *, said: bool) -> None:
    caveats = sizes.named(ask, "llama3.1:8b", count).prediction.caveats
    assert ("llama3.1:8b has 8.0B parameters; told for 7.0B" in caveats) == said


def test_a_mixture_reads_its_active_parameters() -> None:
    whole = sizes.named(ask, None, 30_000_000_000).weights
    mixed = sizes.named(ask, None, 30_000_000_000, 3_000_000_000).weights
    assert mixed.bytes_read < whole.bytes_read / 8


@pytest.mark.parametrize(("line", "billions"), [(10.0, 60.0), (5.0, 120.0), (100.0, 6.0)])
def test_the_largest_usable_is_where_curve_and_band_cross_the_line(line: float, billions: float) -> None:
    found = sizes.largest(sizes.curve(ask), line)
    assert found.parameters / 1e9 == pytest.approx(billions, rel=1e-6)
    assert found.low / 1e9 == pytest.approx(billions * 0.8, rel=1e-6)
    assert found.high / 1e9 == pytest.approx(billions * 1.25, rel=1e-6)
    assert found.quantisation == "Q4_K_M"


def test_a_line_beyond_the_curve_ends_at_its_ends() -> None:
    spots = sizes.curve(ask)
    assert sizes.largest(spots, 1e6).parameters == spots[0].weights.parameters
    assert sizes.largest(spots, 1e-6).parameters == spots[-1].weights.parameters


def test_no_known_model_bends_the_curve() -> None:
    assert {spot.weights.shape for spot in sizes.curve(ask)} == {None}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (10.0, "Largest usable at 10 tok/s: about 60B (48B to 75B), Q4_K_M."),
        (200.0, "Largest usable at 200 tok/s: about 3B (2.4B to 3.7B), Q4_K_M."),
        (1e5, "Largest usable at 100,000 tok/s: none of 0.1B or more, Q4_K_M."),
        (0.1, "Largest usable at 0.1 tok/s: more than 900B, Q4_K_M."),
    ],
)
def test_the_answer_has_no_more_digits_than_are_known(line: float, said: str) -> None:
    assert predicted.answer(sizes.largest(sizes.curve(ask), line), line) == said


def test_a_model_that_does_not_fit_has_no_speed_in_the_table() -> None:
    row = predicted.rows([sizes.named(ask, None, 30_000_000_000, room_bytes=8 * GIB)], 10)[0]
    assert (row.rate, row.interval, row.fits, row.slow) == ("–", "does not fit", "no", True)


@pytest.mark.parametrize(("line", "slow"), [(10, False), (30, True)])
def test_a_row_is_slow_below_the_line(line: float, slow: bool) -> None:
    row = predicted.rows([sizes.named(ask, None, 30_000_000_000)], line)[0]
    assert (row.rate, row.interval, row.fits, row.slow) == ("20.0", "16.0 to 25.0", "–", slow)


def changed(one: Size, *caveats: str) -> Size:
    told = Prediction(decode_tok_s=1.0, low=0.9, high=1.1, rests_on=("a rule",), caveats=caveats)
    return Size(weights=one.weights, prediction=told, need_bytes=one.need_bytes, fits=one.fits)


def test_a_caveat_names_its_models_unless_it_holds_for_all() -> None:
    first, second = sizes.usual(ask)[:2]
    found = predicted.caveats([changed(first, "all", "one"), changed(second, "all")])
    assert found == ("all", "smollm2:135m: one")


def test_what_one_size_alone_rests_on_is_not_said_of_all() -> None:
    first, second = (changed(one) for one in sizes.usual(ask)[:2])
    told = Prediction(decode_tok_s=1.0, low=0.9, high=1.1, rests_on=("its tables", "a rule"), caveats=())
    other = Size(weights=second.weights, prediction=told, need_bytes=second.need_bytes, fits=None)
    assert predicted.rests_on([first, other]) == predicted.rests_on([other, first]) == ("a rule",)
    assert predicted.rests_on([other]) == ("its tables", "a rule")


def test_a_curve_alone_is_dashed_with_a_band_and_without_marks() -> None:
    spots = sizes.curve(ask)
    shown = predicted.curve("Chip", "128 GB, the most it is sold with", spots, sizes.largest(spots, 10, 96 * GIB))
    picture = predicted.compose(shown, 10.0, ("546 GB/s", "others"))
    (trace,) = picture.traces
    assert (trace.name, trace.predicted, trace.marks) == ("Chip, predicted", True, ())
    assert [x for x, _ in trace.line] == [x for x, _, _ in trace.band] == sorted(x for x, _ in trace.line)
    assert all(low < rate < high for (_, rate), (_, low, high) in zip(trace.line, trace.band, strict=True))
    assert [one.text for one in picture.crossings] == ["60B [48B 75B]"]
    assert picture.walls == ()
    assert picture.foot == (predicted.FOOT, "Rests on: 546 GB/s; others.")


def test_memory_ends_a_curve_and_the_answer_before_speed_does() -> None:
    spots = sizes.curve(ask)
    found = sizes.largest(spots, 10, 8 * GIB)
    held = found.held or 0.0
    assert found.walled
    assert sizes.named(ask, None, round(held)).need_bytes == pytest.approx(8 * GIB, rel=0.03)
    picture = predicted.compose(predicted.curve("Chip", "8 GB", spots, found), 10.0)
    assert [(one.x, one.text) for one in picture.walls] == [(held, "does not fit in 8 GB")]
    assert picture.traces[0].line[-1][0] <= held
    assert picture.crossings == ()
    assert picture.answer == ("Largest usable at 10 tok/s: about 13B, as much as 8 GB hold, Q4_K_M.",)
    assert not sizes.largest(spots, 200, 8 * GIB).walled


def test_a_figure_names_its_source_and_not_the_copy_that_it_was_read_from() -> None:
    sources = {one.source for one in figures()}
    assert not [text for text in sources if "index file" in text or "mirror" in text]
    assert any(text.startswith("llama.cpp discussion #4167") for text in sources)
