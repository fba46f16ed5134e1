"""GGUF files made by hand, so that the reader is not tested with its own kind."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Value = str | int | float | bool | Sequence[str] | Sequence[int]


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _typed(value: Value) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, str):
        return 8, text(value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    kinds = {_typed(item)[0] for item in value}
    return 9, struct.pack("<IQ", kinds.pop() if kinds else 4, len(value)) + b"".join(
        _typed(item)[1] for item in value
    )


def entry(key: str, value: Value) -> bytes:
    kind, data = _typed(value)
    return text(key) + struct.pack("<I", kind) + data


def gguf(
    entries: Mapping[str, Value], tensors: Mapping[str, tuple[tuple[int, ...], int, int]], *, version: int = 3
) -> bytes:
    """A whole file; ``tensors`` are name: (dimensions, number of the ggml type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries))
    head += b"".join(entry(key, value) for key, value in entries.items())
    data = b""
    for name, (dims, kind, size) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += bytes(-(-size // 32) * 32)
    return head + bytes(-len(head) % 32) + data


F32, Q8_0, Q4_K, IQ1_M = 0, 8, 12, 29

LLAMA: dict[str, Value] = {
    "general.architecture": "llama",
    "general.file_type": 15,
    "llama.block_count": 4,
    "llama.embedding_length": 256,
    "llama.feed_forward_length": 1024,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
}
TENSORS = {
    "token_embd.weight": ((256, 3), Q4_K, 3 * 144),
    "output_norm.weight": ((256,), F32, 1024),
    "blk.0.ffn_up.weight": ((256, 8), Q8_0, 8 * 8 * 34),
}
