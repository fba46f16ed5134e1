"""Quantisation mixes, against published sizes and the quantizer's rules."""

from __future__ import annotations

import pytest

from tests.models.shapes import LLAMA, PHI3, like
from tpsprofile.errors import UsageError
from tpsprofile.models.catalogue import SHAPES, find
from tpsprofile.models.tensors import BASE, Tensor, tensors
from tpsprofile.units import GIB


def types(name: str, quantisation: str) -> dict[str, str]:
    return {tensor.name: tensor.type for tensor in tensors(find(name), quantisation)}


def total(found: tuple[Tensor, ...]) -> int:
    return sum(tensor.bytes for tensor in found)


@pytest.mark.parametrize(
    ("name", "quantisation", "gib"),
    [
        # llama-bench's model_size in posted results (localscore.ai, llama.cpp discussion 4167 and others).
        ("llama3.2:1b", "Q4_K_M", 0.7449),
        ("llama3.2:3b", "Q4_K_M", 1.87),
        ("llama3.2:3b", "Q8_0", 3.18),
        ("qwen2.5:7b", "Q6_K", 5.82),
        ("qwen2.5:7b", "Q8_0", 7.54),
        ("llama3.1:8b", "Q4_K_M", 4.575),
        ("qwen2.5-coder:14b", "Q4_K_M", 8.37),
        ("llama3.1:70b", "Q4_K_M", 39.593),
    ],
)
def test_sizes_are_the_published_ones(name: str, quantisation: str, gib: float) -> None:
    digits = len(str(gib).partition(".")[2])
    assert round(total(tensors(find(name), quantisation)) / GIB, digits) == pytest.approx(gib, abs=10**-digits)


@pytest.mark.parametrize(
    ("name", "gb"),
    # Sizes in Ollama's library, tokenizer included.
    [
        ("llama3.2:1b", 1.3),
        ("falcon3:10b", 6.3),
        ("phi4:14b", 9.1),
        ("qwen2.5-coder:32b", 20),
        ("qwen2.5:72b", 47),
    ],
)
def test_the_usual_download_has_its_size(name: str, gb: float) -> None:
    shape = find(name)
    assert total(tensors(shape, shape.quantisation)) / 1e9 == pytest.approx(gb, rel=0.02)


def test_elements_are_the_parameters_and_the_rotary_table() -> None:
    for shape in SHAPES:
        elements = sum(tensor.elements for tensor in tensors(shape, "Q8_0"))
        assert elements == shape.parameters + (shape.head_dim // 2 if shape.rope_factors else 0)


def test_more_bits_go_to_the_first_eighth_the_last_eighth_and_every_third_between() -> None:
    found = types("llama3.1:8b", "Q4_K_M")
    more = [layer for layer in range(32) if found[f"blk.{layer}.ffn_down.weight"] == "Q6_K"]
    assert more == [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31]
    assert found["blk.3.attn_v.weight"] == "Q6_K"
    assert found["blk.4.attn_v.weight"] == found["blk.3.ffn_up.weight"] == found["token_embd.weight"] == "Q4_K"
    assert found["output.weight"] == "Q6_K"
    assert found["blk.0.attn_norm.weight"] == found["rope_freqs.weight"] == "F32"


def test_a_tied_table_gets_the_output_layers_type() -> None:
    assert types("llama3.2:1b", "Q4_K_M")["token_embd.weight"] == "Q6_K"
    assert types("llama3.2:1b", "Q4_0")["token_embd.weight"] == "Q6_K"
    assert types("llama3.2:1b", "Q8_0")["token_embd.weight"] == "Q8_0"


def test_seventy_billion_get_five_bits_for_values() -> None:
    found = types("llama3.1:70b", "Q4_K_M")
    assert found["blk.10.attn_v.weight"] == "Q5_K"
    assert found["blk.9.attn_v.weight"] == "Q6_K"
    assert found["blk.10.attn_k.weight"] == "Q4_K"


def test_rows_that_are_no_multiple_of_256_fall_back() -> None:
    large = types("qwen2.5:72b", "Q4_K_M")
    assert large["blk.10.ffn_down.weight"] == "Q5_0"
    assert large["blk.0.ffn_down.weight"] == "Q8_0"
    assert large["blk.10.ffn_up.weight"] == "Q4_K"
    small = types("qwen2.5:0.5b", "Q4_K_M")
    assert small["token_embd.weight"] == small["blk.0.attn_v.weight"] == "Q8_0"
    assert small["blk.0.attn_q.weight"] == "Q5_0"
    assert small["blk.0.attn_q.bias"] == "F32"


def test_smollm2_has_the_types_of_its_real_file() -> None:
    found = types("smollm2:135m", "Q4_1")
    assert found.pop("token_embd.weight") == "Q8_0"
    assert {kind for name, kind in found.items() if "norm" not in name} == {"Q4_1"}


def test_a_row_that_fits_no_block_stays_in_half_floats() -> None:
    for quantisation in ("Q4_K_M", "Q4_0", "Q8_0"):
        odd = {tensor.name: tensor.type for tensor in tensors(like(LLAMA, feed_forward=500), quantisation)}
        assert odd["blk.0.ffn_down.weight"] == "F16"


def test_phi_has_fused_tensors() -> None:
    found = {tensor.name: tensor for tensor in tensors(PHI3, "Q4_K_M")}
    assert found["blk.0.attn_qkv.weight"].dims == (256, 256 + 2 * 128)
    assert found["blk.0.attn_qkv.weight"].type == "Q5_K"
    assert found["blk.0.ffn_up.weight"].dims == (256, 1024)
    assert "blk.0.ffn_gate.weight" not in found


@pytest.mark.parametrize("quantisation", BASE)
def test_every_mix_divides_into_whole_blocks(quantisation: str) -> None:
    for shape in SHAPES:
        for tensor in tensors(shape, quantisation):
            assert tensor.row_bytes * (tensor.elements // tensor.dims[0]) == tensor.bytes


def test_an_unknown_mix_is_named() -> None:
    with pytest.raises(UsageError, match=r"'Q4_K'.*Did you mean"):
        tensors(LLAMA, "Q4_K")
