"""The header of a GGUF file, read quickly and with distrust.

Every length is checked against what is left of the file before it is believed, so a file that is cut off, empty
or of another kind ends in one ModelUnreadableError and never in another exception. Vocabularies of 150,000 words
take a fraction of a second. Format: ggml's ``docs/gguf.md``, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from tpsprofile.errors import ModelUnreadableError
from tpsprofile.models.tensors import Tensor
from tpsprofile.records import Record

ADVICE = "Download or copy it again."
STRING, ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""GGUF's value types as ``struct`` spells them."""
_TYPES = {kind.value: kind.name for kind in GGMLQuantizationType}
_LONGEST_STRING = 64 * 1024**2

Scalar = bool | int | float | str


class Items(Record, frozen=True, kw_only=True):
    """An array in the metadata: how long it is, and its items where they were asked for."""

    kind: int
    """GGUF's number of the items' type."""
    count: int
    values: tuple[bytes | bool | int | float, ...] | None = None
    """Strings as the bytes in the file. None where the array was only counted."""


class Entry(Record, frozen=True, kw_only=True):
    """One key of the metadata."""

    key: str
    kind: int
    """GGUF's number of the value's type."""
    value: Scalar | Items


class Header(Record, frozen=True, kw_only=True):
    """What a GGUF file says before its data."""

    entries: tuple[Entry, ...]
    tensors: tuple[Tensor, ...]
    file_bytes: int

    def get(self, key: str) -> Scalar | Items | None:
        """The value of a key; None where the file does not have it."""
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def integer(self, key: str) -> int | None:
        """The value of a key if it is a whole number that is not negative."""
        value = self.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def text(self, key: str) -> str | None:
        """The value of a key if it is text."""
        value = self.get(key)
        return value if isinstance(value, str) else None


def read_header(path: Path, *, keep: Callable[[str, int], bool] = lambda _key, count: count <= 1024) -> Header:
    """Metadata and tensor table of one GGUF file.

    ``keep`` gets an array's key and length and says whether its items are wanted. Raises ModelUnreadableError for
    anything but a whole file.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            return _Reader(file, size, path.name, keep).header()
    except OSError as error:
        raise ModelUnreadableError(
            f"{path} cannot be read: {error.strerror or error}.", "Check the path and your rights to it."
        ) from error


class _Reader:
    """A file, how much of it is left, and how to complain about it."""

    def __init__(self, file: BinaryIO, size: int, name: str, keep: Callable[[str, int], bool]) -> None:
        self.file, self.size, self.left, self.name, self.keep = file, size, size, name, keep

    def header(self) -> Header:
        tensor_count, entry_count = self._preamble()
        entries = tuple(self._entry() for _ in range(entry_count))
        alignment = next((entry.value for entry in entries if entry.key == "general.alignment"), 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 65536:
            raise self._damaged("its alignment is not a size")
        table = [self._tensor() for _ in range(tensor_count)]
        self._check_data(table, alignment)
        return Header(entries=entries, tensors=tuple(tensor for tensor, _ in table), file_bytes=self.size)

    def _preamble(self) -> tuple[int, int]:
        if self.size == 0:
            raise ModelUnreadableError(f"{self.name} is empty.", ADVICE)
        if self.file.read(4) != b"GGUF":
            raise ModelUnreadableError(f"{self.name} is not a GGUF file.", "Name a model in GGUF format.")
        self.left -= 4
        version = self._number("I")
        if version & 0xFFFF == 0 and version:
            raise ModelUnreadableError(
                f"{self.name} is a big-endian GGUF file, made for other machines.", "Get the little-endian one."
            )
        if version not in {2, 3}:
            raise ModelUnreadableError(
                f"{self.name} is GGUF version {version}; versions 2 and 3 can be read.", "Get a current file."
            )
        return self._number("Q"), self._number("Q")

    def _entry(self) -> Entry:
        key, kind = self._string().decode("utf-8", "replace"), self._number("I")
        return Entry(key=key, kind=kind, value=self._value(key, kind))

    def _value(self, key: str, kind: int) -> Scalar | Items:
        if kind == STRING:
            return self._string().decode("utf-8", "replace")
        if kind == ARRAY:
            return self._items(key)
        if kind not in _SCALARS:
            raise self._damaged(f"the value of {key!r} has an unknown type")
        value: bool | int | float = struct.unpack(
            "<" + _SCALARS[kind], self._take(struct.calcsize(_SCALARS[kind]))
        )[0]
        return value

    def _items(self, key: str) -> Items:
        kind, count = self._number("I"), self._number("Q")
        wanted = self.keep(key, count)
        if kind == STRING:
            strings = [self._string() for _ in range(count)]
            return Items(kind=kind, count=count, values=tuple(strings) if wanted else None)
        if kind not in _SCALARS:
            raise self._damaged(f"the list {key!r} has items of an unknown type")
        packed = self._take(count * struct.calcsize("<" + _SCALARS[kind]))
        values = struct.unpack(f"<{count}{_SCALARS[kind]}", packed) if wanted else None
        return Items(kind=kind, count=count, values=values)

    def _tensor(self) -> tuple[Tensor, int]:
        name, directions = self._string().decode("utf-8", "replace"), self._number("I")
        if not 1 <= directions <= 4:
            raise self._damaged(f"the tensor {name!r} has {directions} dimensions")
        dims = tuple(self._number("Q") for _ in range(directions))
        number, offset = self._number("I"), self._number("Q")
        if number not in _TYPES:
            raise ModelUnreadableError(
                f"{self.name} has tensors of type {number}, which this version does not know.",
                "Update the gguf package, or choose another quantisation.",
            )
        if 0 in dims or dims[0] % GGML_QUANT_SIZES[GGMLQuantizationType(number)][0]:
            raise self._damaged(f"the tensor {name!r} has impossible dimensions")
        return Tensor(name=name, dims=dims, type=_TYPES[number]), offset

    def _check_data(self, table: list[tuple[Tensor, int]], alignment: int) -> None:
        start = -(-(self.size - self.left) // alignment) * alignment
        end = max((start + offset + tensor.bytes for tensor, offset in table), default=start)
        if end > self.size:
            missing = end - self.size
            raise ModelUnreadableError(
                f"{self.name} is cut off: {missing:,} bytes of its weights are missing.", ADVICE
            )

    def _number(self, form: str) -> int:
        value: int = struct.unpack("<" + form, self._take(4 if form == "I" else 8))[0]
        return value

    def _string(self) -> bytes:
        length = self._number("Q")
        if length > _LONGEST_STRING:
            raise self._damaged("a text in its header is longer than any can be")
        return self._take(length)

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise self._damaged("it ends in the middle of its header")
        data = self.file.read(count)
        if len(data) != count:
            raise self._damaged("it shrank while it was read")
        self.left -= count
        return data

    def _damaged(self, why: str) -> ModelUnreadableError:
        return ModelUnreadableError(f"{self.name} is damaged or not whole: {why}.", ADVICE)
