"""Files as text, and JSON inside of it: strictly, and with the line of whatever is wrong."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from tpsprofile.importers.figures import shown
from tpsprofile.importers.reported import Refused

LARGEST = 16 * 1024**2
"""Bytes. Outputs of these tools have some thousand."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_TORN = 3
"""Bytes that a character cut off at the end of a file leaves at most."""
_LITERALS = ("true", "false", "null", "-")
_TORN_NUMBER = re.compile(r"\.|[eE][+-]?")
"""What a number leaves that is cut off after its first digits."""


class Found(NamedTuple):
    """A JSON value in a text."""

    value: Any
    line: int
    """Where it begins, from 1."""
    end: int
    """Position in the text after it."""


def text_of(path: Path) -> str:
    """The text of a file: UTF-8, or UTF-16 with a mark, as PowerShell writes it. Raises Refused for others."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise Refused(f"It cannot be read: {error.strerror}.") from error
    return decoded(content)


def decoded(content: bytes) -> str:
    """Bytes as text with plain newlines. A character that is torn at the end is left out."""
    if len(content) > LARGEST:
        raise Refused(f"It has more than {LARGEST // 1024**2} MiB: no output of a benchmark.")
    mark, encoding = next(((m, e) for m, e in _MARKS if content.startswith(m)), (b"", "utf-8"))
    body = content[len(mark) :]
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        text = body[: error.start].decode(encoding)
        if error.end < len(body) or len(body) - error.start > _TORN:
            line = text.count("\n") + 1
            raise Refused(f"It is not {encoding.upper()} text.", line, "Save it as UTF-8.") from None
    if encoding != "utf-8" and _out_of_step(text):
        raise Refused(f"It is not {encoding.upper()} text.", None, "Save it as UTF-8.")
    return tidy(text)


def _out_of_step(text: str) -> bool:
    """Text of two bytes a character from the middle of which one is missing: Latin letters end in a zero byte."""
    odd = sum(1 for sign in text if ord(sign) > 0xFF and ord(sign) & 0xFF == 0)
    return odd > 0.05 * len(text)


def tidy(text: str) -> str:
    """A text with plain newlines. Raises Refused where it holds NUL characters."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if "\n" not in plain:
        plain = plain.replace("\r", "\n")
    if "\0" in plain:
        line = plain.count("\n", 0, plain.index("\0")) + 1
        raise Refused("It holds NUL characters: no text, or one in another encoding.", line, "Save it as UTF-8.")
    return plain


def line_at(text: str, position: int) -> int:
    """The line, from 1, of a position in a text."""
    return text.count("\n", 0, position) + 1


def json_at(text: str, start: int = 0, line: int | None = None) -> Found | None:
    """The JSON value that begins at ``start``; None where the text ends before the value does.

    ``line`` is that of ``start``, where it is known: to count it takes a pass over the text.

    Raises Refused for what is no JSON, and for what JSON allows and no figure can mean: a key that stands twice,
    NaN, Infinity, nesting without end.
    """
    line = line or line_at(text, start)
    try:
        value, end = _decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        if _is_cut(text, error):
            return None
        raise Refused(f"No valid JSON: {error.msg}.", line_at(text, error.pos)) from None
    except _TwiceError as error:
        where = line + text.count("\n", start, _second(text, start))
        raise Refused(f"The key {shown(str(error))} stands there twice.", where) from None
    except RecursionError:
        raise Refused("JSON that is nested deeper than any benchmark's.", line) from None
    except ValueError as error:  # NaN and Infinity; integers of more digits than Python reads
        raise Refused(f"A number that is none: {shown(str(error))}.", line) from None
    return Found(value, line, end)


_TOKEN = re.compile(r'(?P<word>"(?:[^"\\]|\\.)*")(?P<key>\s*:)?|[{}]', re.DOTALL)


def _second(text: str, start: int) -> int:
    """Where a key stands that its object has already; ``start`` where none is found."""
    inside: list[set[str]] = []
    for token in _TOKEN.finditer(text, start):
        if token[0] == "{":
            inside.append(set())
        elif token[0] == "}":
            inside = inside[:-1]
        elif inside and token["key"] and token["word"] in inside[-1]:
            return token.start()
        elif inside and token["key"]:
            inside[-1].add(token["word"])
    return start


class _TwiceError(Exception):
    """A key stands twice in one object."""


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """The text ends where JSON would have to go on."""
    rest = text[error.pos :].strip()
    if error.msg.startswith("Unterminated string"):
        return "\n" not in rest
    begun = any(word.startswith(rest) for word in _LITERALS)
    return not rest or begun or bool(_TORN_NUMBER.fullmatch(rest))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise _TwiceError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return found


def _no_number(word: str) -> Any:
    raise ValueError(word)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
