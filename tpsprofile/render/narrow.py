"""The table of a comparison on a narrow terminal: shorter names of machines, no brackets, fewer columns."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from tpsprofile import chips, units
from tpsprofile.analysis.comparison import Comparison
from tpsprofile.render import compared
from tpsprofile.render.compared import Table
from tpsprofile.render.lines import GAP
from tpsprofile.render.names import plain

LEAST_MODEL = 12
"""Characters of a model's name that stay on one line."""
_SHORTEST = 8
_DROPPED = ("size", "usable")


def narrowed(comparison: Comparison, width: int) -> Table:
    """The fullest table that leaves ``LEAST_MODEL`` characters to models in ``width``; else the narrowest."""
    every = tuple(_ever_narrower(comparison))
    return next((told for told in every if _width(told) <= width), every[-1])


def _ever_narrower(comparison: Comparison) -> Iterator[Table]:
    told = compared.table(comparison)
    every = [told, *(compared.table(comparison, names) for names in _shorter(comparison))]
    yield from every
    for told in every:
        yield _without(told, _DROPPED[0])
    lines = tuple(structs.replace(line, ratio=line.ratio.partition(" [")[0]) for line in told.lines)
    told = structs.replace(told, lines=lines)
    yield told
    for name in _DROPPED:
        told = _without(told, name)
        yield told


def _shorter(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Names without what stands in brackets, then without the maker, then cut; those that tell both apart."""
    bare = [name.partition(" (")[0] for name in compared.short_names(comparison.a, comparison.b)]
    makers = {chip.vendor for chip in chips.catalogue()}
    made = [name.partition(" ")[2] if name.partition(" ")[0] in makers else name for name in bare]
    longest = compared.LONGEST_HEADING
    for names, most in ((bare, longest), (made, longest), (made, _SHORTEST)):
        first, second = (plain(name, most) for name in names)
        if first != second:
            yield first, second


def _without(told: Table, column: str) -> Table:
    return structs.replace(told, headings={name: text for name, text in told.headings.items() if name != column})


def _width(told: Table) -> int:
    """Characters that a table takes where models wrap."""
    wide = []
    for name, heading in told.headings.items():
        cells = [getattr(line, name) for line in told.lines]
        longest = max(map(len, [heading, *cells]))
        if any(cell not in {"", units.UNKNOWN} for cell in cells):
            wide.append(min(longest, LEAST_MODEL) if name == "model" else longest)
    return sum(wide) + GAP * (len(wide) - 1)
