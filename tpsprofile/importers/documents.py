"""Foreign files that are one JSON object from end to end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tpsprofile.importers.figures import shown
from tpsprofile.importers.reported import Refused
from tpsprofile.importers.texts import json_at, line_at


def document(text: str) -> dict[str, Any]:
    """The object that a text consists of. Raises Refused where it is cut off, or where more stands around it."""
    start = len(text) - len(text.lstrip())
    found = json_at(text, start) if text[start:] else None
    if found is None:
        raise Refused("It is cut off: the JSON in it has no end.", line_at(text, len(text.rstrip())))
    if not isinstance(found.value, dict):
        raise Refused("It is no JSON object.", found.line)
    rest = text[found.end :].strip()
    if rest:
        where = line_at(text, found.end + len(text[found.end :]) - len(text[found.end :].lstrip()))
        raise Refused(f"More stands behind the JSON: {shown(rest[:20])}.", where, "One file is one report.")
    return found.value


def table(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in the list at ``key``, at least one. Raises Refused."""
    rows = document.get(key)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused(f"{key} is {shown(rows)}, not a list of results.")
    return rows


def section(document: dict[str, Any], key: str) -> dict[str, Any]:
    """The object at ``key``, empty where there is none. Raises Refused where it is something else."""
    found = document.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused(f"{key} is {shown(found)}, not an object.")
    return found


def lines_of(text: str, key: str, rows: Sequence[object]) -> list[int | None]:
    """The line of each row by a key that stands once in each; None where the text has more or fewer of them."""
    lines: list[int | None] = []
    line = 1
    last = 0
    for found in re.finditer(rf'"{re.escape(key)}"\s*:', text):
        line += text.count("\n", last, found.start())
        last = found.start()
        lines.append(line)
    return lines if len(lines) == len(rows) else [None] * len(rows)
