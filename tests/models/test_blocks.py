"""Random blocks: ordinary numbers, and the same bytes everywhere."""

from __future__ import annotations

import hashlib

import gguf
import numpy as np
import pytest

from tpsprofile.errors import ProfileError
from tpsprofile.models import blocks

KINDS = [*blocks._SCALES, *blocks._FLOATS]


def decoded(kind: str) -> np.ndarray:
    size = blocks.block_bytes(kind)
    packed = np.frombuffer(blocks.tile(kind)[: 256 * size], dtype=np.uint8)
    values = (
        packed.view("<f4")
        if kind == "F32"
        else gguf.quants.dequantize(packed.reshape(-1, size), gguf.GGMLQuantizationType[kind])
    )
    return np.asarray(values, dtype=np.float64).ravel()


@pytest.mark.parametrize("kind", KINDS)
def test_weights_look_like_trained_ones(kind: str) -> None:
    values = decoded(kind)
    assert np.isfinite(values).all()
    assert values.std() == pytest.approx(blocks.SPREAD, rel=0.25)
    assert abs(values.mean()) < blocks.SPREAD / 2


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_K", "Q6_K", "F16"])
def test_tiles_do_not_repeat_inside(kind: str) -> None:
    tile, size = blocks.tile(kind), blocks.block_bytes(kind) * 16
    pieces = [tile[at : at + size] for at in range(0, 1024 * size, size)]
    assert len(set(pieces)) == len(pieces)


def test_tiles_are_the_same_on_every_machine() -> None:
    # Seen on x86-64 with numpy 2.4; a change here means GENERATOR in recipes.py must be raised.
    sums = {kind: hashlib.sha256(blocks.tile(kind)).hexdigest()[:12] for kind in ("Q4_0", "Q4_K", "F32", "F16")}
    assert sums == {"Q4_0": "0e87197e426a", "Q4_K": "9a0d56fe9583", "F32": "444b491f7d66", "F16": "97c0625ea3af"}


def test_a_cut_has_the_length_that_was_asked_for() -> None:
    for total in (18, 180, 18 * 1000, blocks.TILE_BYTES * 2 // 18 * 18):
        assert sum(len(piece) for piece in blocks.cut("Q4_0", "some", total)) == total


def test_a_long_cut_goes_round_the_tile() -> None:
    whole = b"".join(blocks.cut("Q8_0", "some", 3 * len(blocks.tile("Q8_0"))))
    size = len(blocks.tile("Q8_0"))
    assert whole[:1000] == whole[size : size + 1000]
    assert hashlib.sha256(whole[size - 5000 : size]).digest() != hashlib.sha256(whole[:5000]).digest()


def test_tensors_of_other_names_differ() -> None:
    one, other = (b"".join(blocks.cut("Q4_K", name, 14400)) for name in ("blk.0.ffn_up", "blk.1.ffn_up"))
    assert one != other


def test_silent_bytes_are_zeros_and_decode_to_zero() -> None:
    packed = b"".join(blocks.cut("Q6_K", "output.weight", 2100, silent=420))
    assert len(packed) == 2100
    assert packed[:420] == bytes(420)
    assert any(packed[420:840])
    zeros = gguf.quants.dequantize(
        np.frombuffer(packed[:420], dtype=np.uint8).reshape(2, 210), gguf.GGMLQuantizationType.Q6_K
    )
    assert not zeros.any()


def test_a_type_without_a_recipe_is_named() -> None:
    with pytest.raises(ProfileError, match="type IQ1_M"):
        blocks.tile("IQ1_M")
