"""The number of the results format, its history, and how old files are read.

History
    1   first: JSON Lines, a ``run`` record, then a ``trial`` record a line.

When a field changes its name or meaning, the number goes up by one, the change is written here, and a step in
``UPGRADES`` turns a record of the old number into one of the next. A field that is merely added needs none:
readers ignore what they do not know, and what is absent is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tpsprofile.records import RunHeader, Trial

FORMAT = 1

Raw = dict[str, Any]
UPGRADES: Mapping[int, Callable[[Raw], Raw]] = {}
"""Format number -> the step from it to the next, on one raw record."""


class Mark(msgspec.Struct):
    """The two keys by which a results file is known."""

    record: str
    format: int


_mark = msgspec.json.Decoder(Mark)
_record: msgspec.json.Decoder[RunHeader | Trial] = msgspec.json.Decoder(RunHeader | Trial)
_encoder = msgspec.json.Encoder()


def format_of(first_line: bytes) -> int:
    """The format number in a file's first line. Raises ValueError where that line is not a run header."""
    try:
        mark = _mark.decode(first_line)
    except msgspec.DecodeError:
        raise ValueError("it does not begin with a run record") from None
    if mark.record != "run":
        raise ValueError("it does not begin with a run record")
    return mark.format


def decode(line: bytes, format_number: int = FORMAT) -> RunHeader | Trial:
    """One line as a record, brought up to the present format. Raises ValueError saying what is wrong with it."""
    try:
        if format_number == FORMAT:
            return _record.decode(line)
        raw: Raw = msgspec.json.decode(line)
        for number in range(format_number, FORMAT):
            raw = UPGRADES[number](raw)
        return msgspec.convert(raw, RunHeader | Trial)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def decode_lines(lines: bytes) -> list[RunHeader | Trial]:
    """Lines of the present format as records, at once. Raises ValueError where one is wrong."""
    return _record.decode_lines(lines)


def encode(record: RunHeader | Trial) -> bytes:
    """One record as a line, its newline included."""
    return _encoder.encode(record) + b"\n"
