"""Random weights, ready quantised: raw blocks of each ggml type, the same on every machine.

Speed depends on the types and sizes of tensors, not on their values, as long as these are ordinary numbers. So
the packed values are random bits, and only the scale fields of each block (half-precision floats at known places,
ggml's ``ggml-common.h``) are set, such that weights have a standard deviation near 0.02, as trained ones have.
Each type gets one tile of blocks, from which all tensors of the type are cut: a model of any size needs
memory for a few tiles only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from tpsprofile.errors import ProfileError
from tpsprofile.models.tensors import block

SPREAD = 0.02
"""Standard deviation of the weights, about."""
TILE_BYTES = 8 * 1024**2

_SCALES: dict[str, tuple[tuple[int, float], ...]] = {
    # Type: (byte in the block, value of the half float there). A minimum is set to cancel the mean of the rest.
    "Q4_0": ((0, SPREAD / 4.61),),
    "Q4_1": ((0, SPREAD / 4.61), (2, -7.5 * SPREAD / 4.61)),
    "Q5_0": ((0, SPREAD / 9.23),),
    "Q5_1": ((0, SPREAD / 9.23), (2, -15.5 * SPREAD / 9.23)),
    "Q8_0": ((0, SPREAD / 73.9),),
    "Q2_K": ((80, SPREAD / 13.9), (82, 1.5 * SPREAD / 13.9)),
    "Q3_K": ((108, SPREAD / 43.4),),
    "Q4_K": ((0, SPREAD / 258), (2, 7.5 * SPREAD / 258)),
    "Q5_K": ((0, SPREAD / 527), (2, 15.5 * SPREAD / 527)),
    "Q6_K": ((208, SPREAD / 1366),),
    "IQ4_NL": ((0, SPREAD / 73),),
    "IQ4_XS": ((0, SPREAD / 1350),),
    "IQ3_S": ((0, SPREAD / 150),),
    "IQ3_XXS": ((0, SPREAD / 160),),
    "IQ2_S": ((0, SPREAD / 55),),
    "IQ2_XS": ((0, SPREAD / 55),),
    "IQ2_XXS": ((0, SPREAD / 55),),
    "TQ1_0": ((52, SPREAD / 0.82),),
    "TQ2_0": ((64, SPREAD / 1.1),),
}
_FLOATS = ("F32", "F16", "BF16")


@lru_cache(maxsize=4)
def tile(kind: str) -> bytes:
    """About ``TILE_BYTES`` of whole random blocks of the ggml type ``kind``, always the same ones.

    Raises ProfileError for a type that random blocks cannot be made of.
    """
    size = block_bytes(kind)
    count = TILE_BYTES // size
    noise = hashlib.shake_128(f"tpsprofile tile {kind}".encode()).digest(count * size)
    if kind in _FLOATS:
        return _floats(kind, noise)
    blocks = np.frombuffer(noise, dtype=np.uint8).reshape(count, size).copy()
    for place, value in _SCALES[kind]:
        blocks[:, place : place + 2] = np.frombuffer(np.array(value, dtype="<f2").tobytes(), dtype=np.uint8)
    return blocks.tobytes()


def block_bytes(kind: str) -> int:
    """Bytes in a block of the ggml type ``kind``.

    Raises ProfileError for a type that random blocks cannot be made of.
    """
    if kind not in _SCALES and kind not in _FLOATS:
        raise ProfileError(
            f"No synthetic twin can be written of tensors of type {kind}.",
            f"Types that it can: {', '.join([*_FLOATS, *_SCALES])}.",
        )
    return block(kind)[1]


def cut(kind: str, name: str, total: int, silent: int = 0) -> Iterator[memoryview]:
    """Pieces of the tile that make up the ``total`` bytes of the tensor ``name``.

    The first ``silent`` bytes are zeros, which every type decodes to weights of 0. Each tensor starts at another
    block of the tile, so that no two of them are equal.
    """
    whole = memoryview(tile(kind))
    size = block_bytes(kind)
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little") % (len(whole) // size) * size
    if silent:
        yield memoryview(bytes(silent))
    left = total - silent
    while left > 0:
        piece = whole[start : start + left]
        yield piece
        left -= len(piece)
        start = 0


def _floats(kind: str, noise: bytes) -> bytes:
    """Evenly spread values within three half-widths of ``SPREAD``: their standard deviation is its value."""
    bits = np.frombuffer(noise, dtype="<u4" if kind == "F32" else "<u2")
    top = (bits >> 16) if kind == "F32" else bits
    values = (top.astype(np.float32) - np.float32(32767.5)) * np.float32(SPREAD * 3**0.5 / 32768)
    if kind == "F32":
        return values.astype("<f4").tobytes()
    if kind == "F16":
        return values.astype("<f2").tobytes()
    return (values.view(np.uint32) >> 16).astype("<u2").tobytes()
