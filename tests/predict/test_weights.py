"""How many bytes of weights a token reads."""

from __future__ import annotations

import pytest

from tpsprofile.errors import UsageError
from tpsprofile.models import catalogue, recipes
from tpsprofile.models.tensors import BASE
from tpsprofile.predict import known, weights
from tpsprofile.predict.weights import KINDS, kind_of


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("q4_k_m", "Q4_K_M"),
        ("UD-Q4_K_XL", "Q4_K_XL"),
        ("fp16", "F16"),
        ("4-bit", "4bit"),
        ("8bit", "8bit"),
        ("mxfp4 moe", "MXFP4"),
        ("Q8", "Q8_0"),
        (" bf16 ", "BF16"),
    ],
)
def test_a_quantisation_is_known_however_it_is_spelt(spelt: str, name: str) -> None:
    assert kind_of(spelt) == name


def test_an_unknown_quantisation_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match="no quantisation 'Q4_K_N'") as caught:
        weights(8e9, "Q4_K_N")
    assert all(name in str(caught.value.advice) for name in KINDS)


@pytest.mark.parametrize("one", [one for one in known.MODELS if one.active is None], ids=lambda one: one.name)
def test_a_model_that_is_not_known_has_about_the_layers_of_its_size(one: known.Known) -> None:
    unknown = weights(one.parameters * 1e9 * 1.01)
    assert unknown.shape is None or unknown.shape != one.name
    if unknown.shape is None:
        assert 0.6 < unknown.layers / one.layers < 1.6


@pytest.mark.parametrize(("parameters", "active"), [(0, None), (-1e9, None), (8e9, 9e9), (8e9, 0)])
def test_sizes_that_no_model_has_are_refused(parameters: float, active: float | None) -> None:
    with pytest.raises(UsageError):
        weights(parameters, parameters_active=active)


@pytest.mark.parametrize("shape", catalogue.SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("quantisation", [mix for mix in BASE if mix != "Q4_1"])
def test_the_file_is_as_large_as_the_quantizer_would_write_it(shape: catalogue.Shape, quantisation: str) -> None:
    if (shape.width % 256 or shape.feed_forward % 256) and quantisation not in {"F16", "Q8_0"}:
        pytest.skip("falls back to other types")
    exact = sum(tensor.bytes for tensor in recipes.of_shape(shape, quantisation).tensors)
    told = weights(shape.parameters, quantisation, name=shape.name).file_bytes
    assert told == pytest.approx(exact, rel=0.035)


@pytest.mark.parametrize("shape", catalogue.SHAPES, ids=lambda shape: shape.name)
def test_a_known_model_has_the_tables_of_the_catalogue(shape: catalogue.Shape) -> None:
    found = known.of_name(shape.name)
    assert found is not None
    assert found.parameters * 1e9 == pytest.approx(shape.parameters, rel=0.01)
    assert found.table * 1e9 == pytest.approx(shape.vocab_size * shape.width, rel=0.02)
    assert (found.tied, found.layers) == (shape.tied, shape.layers)


@pytest.mark.parametrize(("parameters", "name"), [(6.74e9, "Llama 2 7B"), (8.03e9, "Llama 3.1 8B"), (7e9, None)])
def test_an_exact_count_tells_the_model(parameters: float, name: str | None) -> None:
    assert weights(parameters).shape == name


def test_an_input_embedding_of_its_own_is_not_read() -> None:
    untied, tied = weights(8.03e9, "F16"), weights(1.236e9, "F16")
    assert untied.file_bytes - untied.bytes_read == pytest.approx(0.525e9 * 2, rel=0.001)
    assert tied.bytes_read == tied.file_bytes


def test_the_size_of_the_file_counts_where_it_is_known() -> None:
    whole = weights(8.03e9, file_bytes=4.92e9)
    assert whole.file_bytes == 4.92e9
    assert 4.5e9 < whole.bytes_read < 4.7e9


def test_experts_read_their_active_parameters() -> None:
    told = weights(30.5e9, parameters_active=3.3e9)
    assert told.experts
    assert told.bytes_read == pytest.approx(told.file_bytes * 3.3 / 30.5, rel=0.001)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "Llama 3.1 8B"),
        ("qwen2.5-coder:14b", "Qwen2.5 14B"),
        ("gemma-3-27b-it-4bit", "Gemma 3 27B"),
        ("DeepSeek R1 Distill Qwen 14B", "Qwen2.5 14B"),
        ("llama-2-7b.Q4_0", "Llama 2 7B"),
        ("Qwen3.6-35B-A3B", None),
    ],
)
def test_a_name_tells_the_model(name: str, model: str | None) -> None:
    found = known.of_name(name)
    assert (found.name if found else None) == model
