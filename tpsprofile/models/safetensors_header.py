"""The header of a safetensors file: names, types, dimensions and places of its tensors, without the weights.

Layout, by the format's own description: 8 bytes with the header's length (little-endian), so many bytes of JSON,
then the data. The JSON has an entry a tensor, and texts of the maker's under ``__metadata__``. Files come from
strangers: nothing in them is believed that the file's size does not bear out.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path

import msgspec

from tpsprofile.errors import ModelUnreadableError
from tpsprofile.records import Record

METADATA = "__metadata__"
ADVICE = "Download it again."
_LONGEST_HEADER = 100_000_000
"""Bytes; the format allows no more."""

BITS = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "C64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F4": 4,
}
"""Bits of one value, by the type's name in a header."""


class Stored(Record, frozen=True, kw_only=True):
    """One tensor as a header tells of it."""

    dtype: str
    shape: tuple[int, ...]
    """Values in each direction; the last are contiguous."""
    data_offsets: tuple[int, int]
    """First byte, and the one after the last, counted from the end of the header."""

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes that the values take."""
        return self.data_offsets[1] - self.data_offsets[0]


class Header(Record, frozen=True, kw_only=True):
    """What one file says of itself."""

    tensors: Mapping[str, Stored]
    metadata: Mapping[str, str]
    file_bytes: int


def read_header(path: Path) -> Header:
    """The header of that file.

    Raises ModelUnreadableError for one that cannot be read, is no safetensors file, is cut off, or whose header
    does not agree with the file's size.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= _LONGEST_HEADER:
                raise ModelUnreadableError(
                    f"{path.name} is not a safetensors file.", "Name an MLX model's folder."
                )
            if length > size - 8:
                raise _damaged(path, "it ends in the middle of its header")
            text = file.read(length)
    except OSError as error:
        raise ModelUnreadableError(
            f"{path} cannot be read: {error.strerror or error}.", "Check the path and your rights to it."
        ) from error
    header = _decoded(path, text, size)
    _check_data(path, header, size - 8 - length)
    return header


def _decoded(path: Path, text: bytes, size: int) -> Header:
    try:
        entries = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        note = entries.pop(METADATA, None)
        metadata = msgspec.json.decode(note, type=dict[str, str]) if note is not None else {}
        tensors = {name: msgspec.json.decode(entry, type=Stored) for name, entry in entries.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _damaged(path, "its header does not say what its tensors are") from None
    return Header(tensors=tensors, metadata=metadata, file_bytes=size)


def _check_data(path: Path, header: Header, data_bytes: int) -> None:
    """Tensors follow each other without gaps, each as long as type and dimensions make it, to the end."""
    end = 0
    for name, tensor in sorted(header.tensors.items(), key=lambda item: item[1].data_offsets):
        if tensor.dtype not in BITS:
            raise ModelUnreadableError(
                f"{path.name} has tensors of type {tensor.dtype[:16]!r}, which this version does not know.",
                "Choose another quantisation.",
            )
        if any(count < 0 for count in tensor.shape):
            raise _damaged(path, f"the tensor {name[:60]!r} has impossible dimensions")
        if tensor.data_offsets[0] != end or tensor.bytes * 8 != tensor.elements * BITS[tensor.dtype]:
            raise _damaged(path, f"the tensor {name[:60]!r} does not lie where it should")
        end = tensor.data_offsets[1]
    if end > data_bytes:
        raise ModelUnreadableError(
            f"{path.name} is cut off: {end - data_bytes:,} bytes of its weights are missing.", ADVICE
        )
    if end < data_bytes:
        raise _damaged(path, "it is longer than its tensors")


def _damaged(path: Path, why: str) -> ModelUnreadableError:
    return ModelUnreadableError(f"{path.name} is damaged or not whole: {why}.", ADVICE)
