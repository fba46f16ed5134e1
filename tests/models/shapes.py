"""Shapes small enough to be written and loaded in a blink, one for each architecture of the catalogue."""

from __future__ import annotations

from typing import Any

import msgspec

from tpsprofile.models.catalogue import Shape

LLAMA = Shape(
    name="tiny-llama",
    architecture="llama",
    layers=2,
    width=256,
    feed_forward=512,
    heads=4,
    kv_heads=2,
    head_dim=64,
    vocab_size=1024,
    rope_factors=True,
    rope_base=10_000.0,
    norm_epsilon=1e-5,
    context_length=2048,
    source="made for the tests",
)


def like(shape: Shape, **changes: Any) -> Shape:
    """The shape with other fields."""
    return msgspec.structs.replace(shape, **changes)


QWEN2 = like(LLAMA, name="tiny-qwen", architecture="qwen2", attention_biases=True, rope_factors=False, tied=True)
PHI3 = like(LLAMA, name="tiny-phi", architecture="phi3", fused=True, rope_factors=False)


def quiet(_what: str, _done: int, _total: int | None) -> None:
    """A progress callback that says nothing."""
