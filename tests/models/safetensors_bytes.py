"""Model folders made of bytes: what a test says is in them, true or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tpsprofile.models.safetensors_header import BITS

Shapes = Mapping[str, tuple[str, tuple[int, ...]]]
"""Name -> type and dimensions."""

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 32,
    "max_position_embeddings": 4096,
    "quantization": {"group_size": 64, "bits": 4},
}
PLAIN: Shapes = {"model.norm.weight": ("BF16", (128,))}


def packed(name: str, rows: int, columns: int, *, bits: int = 4, group: int = 64, scales: str = "BF16") -> Shapes:
    """The tensors of a matrix in MLX's quantisation."""
    helpers = ("scales",) if scales == "U8" else ("scales", "biases")
    stored = {f"{name}.{helper}": (scales, (rows, columns // group)) for helper in helpers}
    return {f"{name}.weight": ("U32", (rows, columns * bits // 32)), **stored}


TENSORS: Shapes = {**packed("model.embed_tokens", 32, 128), **PLAIN}


def entries(tensors: Shapes) -> dict[str, Any]:
    """What a header says of them, one after the other."""
    found: dict[str, Any] = {}
    at = 0
    for name, (dtype, shape) in tensors.items():
        size = BITS[dtype] // 8
        for count in shape:
            size *= count
        found[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    return found


def file(told: Mapping[str, Any], data_bytes: int | None = None) -> bytes:
    """A file with that header, and as much data as it tells of, or ``data_bytes``."""
    text = json.dumps(told).encode()
    ends = [one["data_offsets"][1] for name, one in told.items() if name != "__metadata__"]
    return (
        len(text).to_bytes(8, "little") + text + bytes(max(ends, default=0) if data_bytes is None else data_bytes)
    )


def folder(path: Path, tensors: Shapes = TENSORS, config: Mapping[str, Any] = CONFIG) -> Path:
    """A model folder with one file of weights."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    (path / "model.safetensors").write_bytes(file(entries(tensors)))
    return path
