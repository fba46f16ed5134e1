"""The tensors of a model and the quantisation that each one gets, as llama.cpp's quantizer chooses them.

Source of the rules: ``llama_tensor_get_type`` in llama.cpp's ``src/llama-quant.cpp`` (without an importance
matrix). A mix such as Q4_K_M is a base type and exceptions:

- matrices that many later values depend on (attention value, feed-forward down) get Q6_K in the first eighth of
  the layers, the last eighth, and every third between;
- the output layer, or the embedding table that stands in for it, gets Q6_K;
- with 80 layers and grouped heads the value matrix is small, so it gets Q5_K at least;
- a row that is no multiple of 256 values cannot hold a K type and falls back to an older type of more bits;
- vectors stay F32.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.models.catalogue import Shape
from tpsprofile.records import Record

BASE = {
    "F16": "F16",
    "Q4_0": "Q4_0",
    "Q4_1": "Q4_1",
    "Q8_0": "Q8_0",
    "Q4_K_M": "Q4_K",
    "Q5_K_M": "Q5_K",
    "Q6_K": "Q6_K",
}
"""The mixes that can be written, and the type that most matrices get."""

FALLBACK = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}


class Tensor(Record, frozen=True, kw_only=True):
    """A tensor's name, size and storage."""

    name: str
    dims: tuple[int, ...]
    """Values in each direction, the row (contiguous values) first."""
    type: str
    """ggml's name: ``Q4_K``, ``F32``."""

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.dims)

    @property
    def bytes(self) -> int:
        """Bytes that the values take."""
        values, size = block(self.type)
        return self.elements // values * size

    @property
    def row_bytes(self) -> int:
        """Bytes that one row takes."""
        values, size = block(self.type)
        return self.dims[0] // values * size


def block(name: str) -> tuple[int, int]:
    """Values in one block of a ggml type, and the block's bytes."""
    values, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    return int(values), int(size)


def tensors(shape: Shape, quantisation: str) -> tuple[Tensor, ...]:
    """All tensors of a model of this shape, in the order of a file.

    Raises UsageError for a quantisation that cannot be written.
    """
    if quantisation not in BASE:
        advice = did_you_mean(quantisation, BASE)
        raise UsageError(f"A twin cannot be written with quantisation {quantisation!r}.", advice)
    return tuple(
        Tensor(name=name, dims=dims, type=_type(name, dims, shape, quantisation)) for name, dims in _table(shape)
    )


def _table(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "token_embd.weight", (shape.width, shape.vocab_size)
    yield "output_norm.weight", (shape.width,)
    if not shape.tied:
        yield "output.weight", (shape.width, shape.vocab_size)
    if shape.rope_factors:
        yield "rope_freqs.weight", (shape.head_dim // 2,)
    for layer in range(shape.layers):
        for part, dims in _layer(shape):
            yield f"blk.{layer}.{part}", dims


def _layer(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    yield "attn_norm.weight", (shape.width,)
    rows = {"qkv": queries + 2 * keys} if shape.fused else {"q": queries, "k": keys, "v": keys}
    for part, count in rows.items():
        yield f"attn_{part}.weight", (shape.width, count)
        if shape.attention_biases:
            yield f"attn_{part}.bias", (count,)
    yield "attn_output.weight", (queries, shape.width)
    yield "ffn_norm.weight", (shape.width,)
    if not shape.fused:
        yield "ffn_gate.weight", (shape.width, shape.feed_forward)
    yield "ffn_up.weight", (shape.width, shape.feed_forward * (2 if shape.fused else 1))
    yield "ffn_down.weight", (shape.feed_forward, shape.width)


def _type(name: str, dims: tuple[int, ...], shape: Shape, quantisation: str) -> str:
    if len(dims) == 1:
        return "F32"
    chosen = _wanted(name, shape, quantisation)
    if dims[0] % block(chosen)[0]:
        chosen = FALLBACK.get(chosen, "F16")
    return chosen if dims[0] % block(chosen)[0] == 0 else "F16"


def _wanted(name: str, shape: Shape, quantisation: str) -> str:
    base = BASE[quantisation]
    if base in {"F16", "Q8_0"}:
        return base
    if name == head_name(shape.tied):
        return "Q6_K"
    if not quantisation.endswith("_M") or not name.startswith("blk."):
        return base
    layer, part = int(name.split(".")[1]), name.split(".")[2]
    more = _more_bits(layer, shape.layers)
    if part == "attn_qkv":
        return {"Q4_K": "Q5_K", "Q5_K": "Q6_K"}[base]
    if part in {"attn_v", "ffn_down"} and more:
        return "Q6_K"
    large = shape.layers == 80 and shape.kv_heads < shape.heads
    return "Q5_K" if part == "attn_v" and large and base == "Q4_K" else base


def head_name(tied: bool) -> str:
    """Name of the tensor that makes logits: the output layer, or the embedding table that is tied to it."""
    return "token_embd.weight" if tied else "output.weight"


def _more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
