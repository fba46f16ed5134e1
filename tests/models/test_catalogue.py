"""Shapes of known models: exact counts, names and aliases."""

from __future__ import annotations

import pytest

from tests.models.shapes import LLAMA, PHI3, like
from tpsprofile.errors import UsageError
from tpsprofile.models import catalogue

# "Total parameters" of the published safetensors files.
PUBLISHED = {
    "smollm2:135m": 134_515_008,
    "qwen2.5:0.5b": 494_032_768,
    "llama3.2:1b": 1_235_814_400,
    "llama3.2:3b": 3_212_749_824,
    "qwen2.5:7b": 7_615_616_512,
    "llama3.1:8b": 8_030_261_248,
    "falcon3:10b": 10_305_653_760,
    "phi4:14b": 14_659_507_200,
    "qwen2.5-coder:14b": 14_770_033_664,
    "qwen2.5-coder:32b": 32_763_876_352,
    "llama3.1:70b": 70_553_706_496,
    "qwen2.5:72b": 72_706_203_648,
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_parameters_are_exactly_the_published_ones(name: str, parameters: int) -> None:
    assert catalogue.find(name).parameters == parameters


def test_the_catalogue_has_these_models_and_goes_from_small_to_large() -> None:
    assert catalogue.names() == tuple(PUBLISHED)
    sizes = [shape.parameters for shape in catalogue.SHAPES]
    assert sizes == sorted(sizes)


def test_no_name_means_two_models() -> None:
    names = [name for shape in catalogue.SHAPES for name in (shape.name, *shape.aliases)]
    assert len(names) == len(set(names))


def test_aliases_and_capitals_find_the_same_shape() -> None:
    assert catalogue.find("phi4") is catalogue.find("PHI4:14B") is catalogue.find("phi4:14b")
    assert catalogue.find("llama3.2:3b-instruct-q4_K_M").name == "llama3.2:3b"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'llama3\.2:1b'\?"):
        catalogue.find("llama3.2:1bb")


def test_kv_values_of_llama_1b() -> None:
    # 16 layers x 8 heads x 64 values, keys and values: 16,384, so 32 KiB a token in half floats.
    assert catalogue.find("llama3.2:1b").kv_values_per_token == 16_384


def test_fusing_tensors_changes_no_count_and_untying_adds_a_table() -> None:
    assert like(LLAMA, fused=True).parameters == LLAMA.parameters == PHI3.parameters
    assert LLAMA.parameters - like(LLAMA, tied=True).parameters == LLAMA.vocab_size * LLAMA.width
