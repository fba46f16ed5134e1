from __future__ import annotations

from collections.abc import Iterator

import pytest

from tpsprofile.engines.lines import lines

CUTS = {
    "nothing": ([], []),
    "whole lines": ([b"one\ntwo\n"], [b"one", b"two"]),
    "a line in pieces": ([b"o", b"n", b"e\ntw", b"o\n"], [b"one", b"two"]),
    "an end of its own": ([b"one", b"\n", b"two", b"\n"], [b"one", b"two"]),
    "a last line without an end": ([b"one\ntwo"], [b"one", b"two"]),
    "blank lines": ([b"\n\r\n  \none\n\n"], [b"one"]),
    "a carriage return": ([b"one\r", b"\ntwo\r\n"], [b"one", b"two"]),
    "a line separator of Unicode": (["a\u2028b\x85c\n".encode()], ["a\u2028b\x85c".encode()]),
    "empty pieces": ([b"", b"one", b"", b"\n", b""], [b"one"]),
}


@pytest.mark.parametrize(("pieces", "expected"), CUTS.values(), ids=CUTS.keys())
def test_only_a_line_feed_ends_a_line(pieces: list[bytes], expected: list[bytes]) -> None:
    assert list(lines(pieces)) == expected


def test_a_line_comes_before_the_next_piece_is_asked_for() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one\nt"
        raise AssertionError("asked for more")

    assert next(lines(pieces())) == b"one"


@pytest.mark.parametrize(
    "pieces", [[b"x" * 11], [b"x"] * 11, [b"ok\n", b"xxxxxx", b"xxxxx\n"], [b"x" * 11 + b"\n"]]
)
def test_a_line_that_is_too_long_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(ValueError, match="without end"):
        list(lines(pieces, largest=10))


def test_a_line_as_long_as_allowed_is_read_and_an_endless_one_is_not_read_to_its_end() -> None:
    assert list(lines([b"x" * 10, b"\n"], largest=10)) == [b"x" * 10]
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x"

    with pytest.raises(ValueError, match="without end"):
        list(lines(endless(), largest=10))
    assert read == 11


def test_a_long_line_in_many_pieces_is_joined_once() -> None:
    (line,) = lines([b"x" * 64] * 100_000)
    assert len(line) == 6_400_000
