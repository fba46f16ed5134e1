"""Lines from the pieces of a stream, in time that grows with its length alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LARGEST = 1 << 24
"""Bytes of the largest line that is read."""


def lines(pieces: Iterable[bytes], largest: int = LARGEST) -> Iterator[bytes]:
    """Lines without their ends, each as soon as it is whole; blank ones are left out.

    Only a line feed ends a line, or the end of the stream. Raises ValueError for more bytes than ``largest``.
    """
    parts: list[bytes] = []
    held = 0
    for piece in pieces:
        first, *others = piece.split(b"\n")
        parts.append(first)
        held += len(first)
        for begun in others:
            yield from _line(parts, held, largest)
            parts, held = [begun], len(begun)
        if held > largest:
            raise ValueError("a line without end")
    yield from _line(parts, held, largest)


def _line(parts: list[bytes], length: int, largest: int) -> Iterator[bytes]:
    if length > largest:
        raise ValueError("a line without end")
    line = b"".join(parts).removesuffix(b"\r")
    if line.strip():
        yield line
