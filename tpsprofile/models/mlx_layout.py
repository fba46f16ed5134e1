"""The tensors of a model as MLX names and stores them, and the configuration beside them.

A quantised matrix is three tensors: ``weight``, packed in integers of 32 bits; ``scales`` and ``biases``, a value
for each group of 64 weights in a row. ``mlx_lm.convert -q`` quantises every matrix, tables included, and leaves
the rest as it is. Names are those of Hugging Face's models, which mlx_lm reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from tpsprofile.models.catalogue import Shape
from tpsprofile.models.safetensors_file import USUAL_GROUP
from tpsprofile.models.safetensors_header import BITS
from tpsprofile.records import Record

_MODEL_TYPES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "phi3": "Phi3ForCausalLM"}


class Part(Record, frozen=True, kw_only=True):
    """One tensor of the file."""

    name: str
    dtype: str
    """As a header names it: ``U32``, ``BF16``."""
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Bytes that its values take."""
        return prod(self.shape) * BITS[self.dtype] // 8


def parts(shape: Shape, bits: int | None) -> Iterator[Part]:
    """All tensors, matrices in so many bits a weight; None for BF16."""
    for name, rows, columns in _matrices(shape):
        yield from _matrix(name, rows, columns, bits)
    for name, count in _vectors(shape):
        yield Part(name=name, dtype="BF16", shape=(count,))


def _matrix(name: str, rows: int, columns: int, bits: int | None) -> Iterator[Part]:
    """One matrix as it is stored: unquantised where its rows are no whole number of groups, as MLX leaves it."""
    if bits is None or columns % USUAL_GROUP:
        yield Part(name=f"{name}.weight", dtype="BF16", shape=(rows, columns))
        return
    yield Part(name=f"{name}.weight", dtype="U32", shape=(rows, columns * bits // 32))
    for helper in ("scales", "biases"):
        yield Part(name=f"{name}.{helper}", dtype="BF16", shape=(rows, columns // USUAL_GROUP))


def _matrices(shape: Shape) -> Iterator[tuple[str, int, int]]:
    """Name, rows (values out) and columns (values in)."""
    queries = shape.heads * shape.head_dim
    yield "model.embed_tokens", shape.vocab_size, shape.width
    if not shape.tied:
        yield "lm_head", shape.vocab_size, shape.width
    for layer in range(shape.layers):
        attention, feed = f"model.layers.{layer}.self_attn", f"model.layers.{layer}.mlp"
        for part, rows in _attention_rows(shape):
            yield f"{attention}.{part}_proj", rows, shape.width
        yield f"{attention}.o_proj", shape.width, queries
        for part, rows in {"gate_up": 2}.items() if shape.fused else {"gate": 1, "up": 1}.items():
            yield f"{feed}.{part}_proj", rows * shape.feed_forward, shape.width
        yield f"{feed}.down_proj", shape.width, shape.feed_forward


def _attention_rows(shape: Shape) -> tuple[tuple[str, int], ...]:
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    return (("qkv", queries + 2 * keys),) if shape.fused else (("q", queries), ("k", keys), ("v", keys))


def _vectors(shape: Shape) -> Iterator[tuple[str, int]]:
    yield "model.norm.weight", shape.width
    for layer in range(shape.layers):
        own = f"model.layers.{layer}"
        yield f"{own}.input_layernorm.weight", shape.width
        yield f"{own}.post_attention_layernorm.weight", shape.width
        if shape.attention_biases:
            for part, rows in _attention_rows(shape):
                yield f"{own}.self_attn.{part}_proj.bias", rows


def config(shape: Shape, bits: int | None) -> dict[str, Any]:
    """What ``config.json`` says of a model of this shape."""
    told: dict[str, Any] = {
        "architectures": [_MODEL_TYPES[shape.architecture]],
        "model_type": shape.architecture,
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.context_length,
        "rms_norm_eps": shape.norm_epsilon,
        "rope_theta": shape.rope_base,
        "tie_word_embeddings": shape.tied,
        "hidden_act": "silu",
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
        "torch_dtype": "bfloat16",
    }
    if shape.rope_factors:
        told["rope_scaling"] = {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": min(8192, shape.context_length // 2),
        }
    if bits is not None:
        told["quantization"] = {"group_size": USUAL_GROUP, "bits": bits, "mode": "affine"}
    return told
