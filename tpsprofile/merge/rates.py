"""Columns that follow from others, for many trials at once: the rates of ``records.Trial``, by the same rules.

A test compares every one of them with the property of ``Trial`` whose name it bears, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tpsprofile.records import Outcome

Cells = Callable[[str], Any]
"""Name of a column -> its Arrow array, with null for unknown."""


def _engine(cells: Cells) -> Any:
    return _between(cells("tokens_out"), cells("decode_engine_s"))


def _client(cells: Cells) -> Any:
    return _between(cells("tokens_out"), cells("decode_client_s"))


def _decode(cells: Cells) -> Any:
    first_known = pc.coalesce(_engine(cells), _client(cells), cells("decode_reported_tok_s"))
    return pc.if_else(pc.equal(cells("outcome"), Outcome.OK.value), first_known, pa.scalar(None, pa.float64()))


def _clock(cells: Cells) -> Any:
    """Which of the three figures the decode rate is."""
    which = pc.if_else(
        pc.is_valid(_engine(cells)), "engine", pc.if_else(pc.is_valid(_client(cells)), "client", "reported")
    )
    return pc.if_else(pc.is_valid(_decode(cells)), which, pa.scalar(None, pa.string()))


def _prefill(cells: Cells) -> Any:
    fresh = pc.subtract(cells("tokens_in"), pc.fill_null(cells("tokens_cached"), 0))
    seconds = cells("prefill_s")
    known = pc.and_(pc.and_(pc.greater(fresh, 0), pc.not_equal(seconds, 0.0)), pc.invert(_partly_cached(cells)))
    return _share(known, fresh, seconds)


def _verified(cells: Cells) -> Any:
    """The prompt is known not to have come from a cache."""
    kept_out = pc.and_(pc.is_valid(cells("nonce")), pc.invert(_partly_cached(cells)))
    return pc.or_(pc.is_valid(cells("tokens_cached")), kept_out)


DERIVED: Mapping[str, Callable[[Cells], Any]] = {
    "decode_tok_s": _decode,
    "decode_clock": _clock,
    "decode_engine_tok_s": _engine,
    "decode_client_tok_s": _client,
    "prefill_tok_s": _prefill,
    "prefill_verified": _verified,
}
"""Column -> what it is, from the cells of others. Every column without a ``value`` of its own."""


def _partly_cached(cells: Cells) -> Any:
    deep = pc.not_equal(pc.fill_null(cells("depth_tokens"), 0), 0)
    return pc.and_(deep, pc.is_null(cells("tokens_cached")))


def _between(tokens: Any, seconds: Any) -> Any:
    """Tokens a second after the first of them; null for fewer than two, or no time."""
    known = pc.and_(pc.greater_equal(tokens, 2), pc.greater(seconds, 0.0))
    return _share(known, pc.subtract(tokens, 1), seconds)


def _share(known: Any, count: Any, seconds: Any) -> Any:
    """Count / seconds where that is ``known``, else null."""
    rate = pc.divide(count.cast(pa.float64(), safe=False), seconds)
    return pc.if_else(known, rate, pa.scalar(None, pa.float64()))
