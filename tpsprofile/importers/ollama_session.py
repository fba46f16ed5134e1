"""Which answer a block of figures belongs to, and which model gave it, in a pasted session of ``ollama run``.

An answer may show an example of such a block, or tell how to run another model: it is text like the rest. So
of the blocks between two questions the last counts, and a command that stands inside an answer makes the model
unknown.
"""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

Lines = Sequence[tuple[int, str]]
"""Lines with their numbers, without control codes."""

_COMMAND = re.compile(r"^(?P<prompt>.*[$%#>❯➜]\s+|\s*)(?:\S*[/\\])?ollama(?:\.exe)?\s+run\s+(?P<rest>\S.*)$")
_TYPED = re.compile(r"^\s*>>>(?!\s*Send a message)(?P<text>.*)$")
"""What was typed in a session; nothing ends it, and a slash makes it a command."""
_TAKES_VALUE = frozenset({"--format", "--keepalive", "--dimensions"})
_LONGEST = 2000
"""Characters of a command."""
_BLANK = " \t>|`"


class Figure(NamedTuple):
    """One line of a block."""

    label: str
    value: str
    line: int


class Block(NamedTuple):
    """The figures of one answer."""

    figures: Mapping[str, Figure]
    line: int
    last: int


class _Event(NamedTuple):
    line: int
    kind: str
    """``run``, ``load``, ``ask`` or ``end``."""
    model: str | None = None


def answers(lines: Lines, blocks: Sequence[Block]) -> tuple[list[Block], list[str]]:
    """The blocks that count, and what there is to say of the others."""
    counted: list[Block] = []
    remarks: list[str] = []
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for block in _outside(lines, blocks, remarks):
        said = tuple((one.label, one.value) for one in block.figures.values())
        if said in seen:
            remarks.append(f"Line {block.line}: the same figures as from line {seen[said]}; left out.")
        else:
            seen[said] = block.line
            counted.append(block)
    return counted, remarks


def _outside(lines: Lines, blocks: Sequence[Block], remarks: list[str]) -> Iterator[Block]:
    """The last block of each answer; without any sign of a question, all blocks with nothing between them."""
    numbers = [number for number, _ in lines]
    typed = [event.line for event in _events(lines)]
    for block, later in zip_longest(blocks, blocks[1:]):
        if later is None or bisect(typed, block.last) < bisect(typed, later.line):
            yield block
            continue
        between = lines[bisect(numbers, block.last) : bisect_left(numbers, later.line)]
        if bisect(typed, block.line) or any(line.strip(_BLANK) for _, line in between):
            remarks.append(
                f"Line {block.line}: no question stands between these figures and those from line {later.line}, "
                "so they may be part of an answer; left out. If they are not, make a file of them."
            )
        else:
            yield block


def models(lines: Lines, blocks: Sequence[Block]) -> list[str | None]:
    """The model of each block; None where none is told, or where a command may be part of an answer."""
    found: list[str | None] = []
    events = list(_events(lines))
    current: str | None = None
    place = 0
    for block in blocks:
        before = ""
        for event in events[place : (place := bisect(events, block.line, key=lambda one: one.line))]:
            if event.kind in ("run", "load"):
                is_doubtful = before == "ask" or (before == event.kind == "run")
                current = None if is_doubtful and event.model != current else event.model
            before = event.kind
        found.append(current)
    return found


def _events(lines: Lines) -> Iterator[_Event]:
    """Commands that count and what was typed, in their order."""
    counting = dict(_commands(lines))
    for number, line in lines:
        if number in counting:
            yield _Event(number, "run", counting[number])
        elif found := _TYPED.match(line):
            yield _typed(number, found["text"].strip())


def _typed(number: int, text: str) -> _Event:
    if text.startswith("/load ") and (name := _model(text.removeprefix("/load "))):
        return _Event(number, "load", name)
    return _Event(number, "end" if not text or text.startswith("/") else "ask")


def _commands(lines: Lines) -> list[tuple[int, str]]:
    """Line and model of each ``ollama run``.

    Those with ``--verbose`` count alone where there are any, else those behind a shell's prompt: an answer may
    tell how to run another model. Several bare ones that disagree count for nothing.
    """
    short = [(number, line) for number, line in lines if len(line) <= _LONGEST]
    found = [(number, one) for number, line in short if (one := _COMMAND.match(line))]
    verbose = [(number, one) for number, one in found if "--verbose" in one["rest"]]
    sure = verbose or [(number, one) for number, one in found if one["prompt"].strip()]
    named = [(number, name) for number, one in sure or found if (name := _model(one["rest"]))]
    return named if sure or len({name for _, name in named}) == 1 else []


def _model(arguments: str) -> str | None:
    """The first argument that is no option."""
    words = iter(arguments.split())
    for word in words:
        if word in _TAKES_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            name = word.strip("\"'`")
            return name if re.fullmatch(r"[\w./:@-]+", name) else None
    return None
