"""Rows of figures as a table on the terminal, the same while a sweep runs and after a merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from tpsprofile.records import Record
from tpsprofile.render.lines import GAP, fitting

R = TypeVar("R", bound=Record)


def figures(headings: Mapping[str, str], rows: Sequence[R], width: int, *, slow: Callable[[R], bool]) -> Table:
    """A table that fits ``width`` columns: a column a field of ``headings``, yellow for rows that are ``slow``."""
    shown = fitting(headings, rows, width)
    table = Table(box=None, pad_edge=False, collapse_padding=True, padding=(0, GAP), header_style="dim")
    for name in shown:
        table.add_column(
            headings[name],
            justify="left" if name in {"model", "weights"} else "right",
            no_wrap=name != "model",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(getattr(row, name)) for name in shown), style="yellow" if slow(row) else "")
    return table
