"""Damaged copies of a file: what editors, pipes, terminals, disks and spiteful people make of it.

``copies`` gives as many as asked for, the same for the same seed: each one damage, now and then two.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Copy(NamedTuple):
    """One damaged copy, and what was done to it."""

    content: bytes
    damage: str


def copies(original: bytes, count: int = 1000, seed: int = 20_26) -> Iterator[Copy]:
    """So many damaged copies. Every kind of damage comes up, whatever the count above their number."""
    chance = random.Random(seed)
    kinds = list(DAMAGE.items())
    for number in range(count):
        name, damage = kinds[number % len(kinds)]
        content = damage(original, chance)
        if chance.random() < 0.15:
            second, more = chance.choice(kinds)
            content, name = more(content, chance), f"{name}, {second}"
        yield Copy(content, name)


Damage = Callable[[bytes, random.Random], bytes]
_NUMBER = re.compile(rb"\d+(?:\.\d+)?")


def _flipped(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return content
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def _deleted(content: bytes, chance: random.Random) -> bytes:
    place, length = chance.randrange(len(content) + 1), chance.choice((1, 1, 1, 2, 5, 40))
    return content[:place] + content[place + length :]


def _inserted(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    more = chance.choice(
        (b"0", b"9", b".", b"-", b",", b'"', b"'", b"|", b"\n", b" ", b"}", b"{", b"]", b"\x1b[0m")
    )
    return content[:place] + more + content[place:]


def _doubled(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = chance.randrange(len(lines))
    return b"\n".join([*lines[: place + 1], *lines[place:]])


def _without_a_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def _swapped(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    here, there = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[here], lines[there] = lines[there], lines[here]
    return b"\n".join(lines)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _beheaded(content: bytes, chance: random.Random) -> bytes:
    return content[chance.randrange(len(content) + 1) :]


def _digit(content: bytes, chance: random.Random) -> bytes:
    places = [found.start() for found in re.finditer(rb"\d", content)]
    if not places:
        return content
    place = chance.choice(places)
    other = chance.choice([digit for digit in b"0123456789" if digit != content[place]])
    return content[:place] + bytes([other]) + content[place + 1 :]


def _numbered(make: Callable[[bytes, random.Random], bytes]) -> Damage:
    """Another number in the place of one."""

    def damage(content: bytes, chance: random.Random) -> bytes:
        numbers = list(_NUMBER.finditer(content))
        if not numbers:
            return content
        found = chance.choice(numbers)
        return content[: found.start()] + make(found[0], chance) + content[found.end() :]

    return damage


def _other_number(number: bytes, chance: random.Random) -> bytes:
    odd = (
        b"NaN", b"Infinity", b"-Infinity", b"inf", b"1e400", b"1e-400", b"-1", b"0", b"-0", b"0.0", b"null",
        b"true", b"9" * 25, b"9" * 5000, b"18446744073709551616", b"9223372036854775808", b"1_000", b"1,000",
        b"0x10", b"", b"\xd9\xa3", b"1e3", b"0.1", b'"5"', b"[1]", b"{}", b"4294967295",
    )  # fmt: skip
    return chance.choice(odd)


def _separated(number: bytes, chance: random.Random) -> bytes:
    return number.replace(b".", b",") if b"." in number else number[:1] + b"," + number[1:]


def _recoded(encoding: str) -> Damage:
    return lambda content, chance: content.decode(errors="replace").encode(encoding, errors="replace")


def _nested(content: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((900, 10_000))
    deep = chance.choice((b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth))
    place = chance.choice((0, content.find(b":") + 1, len(content)))
    return content[:place] + deep + content[place:]


def _noise(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    more = chance.choice(
        (b"", b"| | |", b"{", b"error: out of memory", b"\x00" * 8, b"# note", bytes(range(128, 160)))
    )
    lines.insert(chance.randrange(len(lines) + 1), more)
    return b"\n".join(lines)


DAMAGE: dict[str, Damage] = {
    "a bit flipped": _flipped,
    "bytes deleted": _deleted,
    "bytes inserted": _inserted,
    "a line doubled": _doubled,
    "a line removed": _without_a_line,
    "two lines swapped": _swapped,
    "cut off": _cut,
    "its head cut off": _beheaded,
    "a digit changed": _digit,
    "another digit changed": _digit,
    "a number made negative": _numbered(lambda number, chance: b"-" + number),
    "an exponent": _numbered(lambda number, chance: number + chance.choice((b"e2", b"e-3", b"e999", b"E+1"))),
    "a number replaced": _numbered(_other_number),
    "another number replaced": _numbered(_other_number),
    "a number ten times": _numbered(lambda number, chance: number + b"0"),
    "a number in German": _numbered(_separated),
    "a NUL inside": _numbered(lambda number, _: number[:1] + b"\0" + number[1:]),
    "UTF-16": _recoded("utf-16"),
    "UTF-16 without a mark": _recoded("utf-16-le"),
    "a mark in front": lambda content, chance: b"\xef\xbb\xbf" + content,
    "Latin-1": _recoded("latin-1"),
    "CRLF": lambda content, chance: content.replace(b"\n", b"\r\n"),
    "CR": lambda content, chance: content.replace(b"\n", b"\r"),
    "nested without end": _nested,
    "a line of noise": _noise,
    "nothing left": lambda content, chance: b"",
    "twice the file": lambda content, chance: content + content,
    "one line": lambda content, chance: content.replace(b"\n", b" "),
    "quotes straightened": lambda content, chance: content.replace(b'"', "”".encode()),
    "indented": lambda content, chance: b"\n".join(b"    " + line for line in content.split(b"\n")),
}
"""What was done -> how."""
