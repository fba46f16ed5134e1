"""The ``timings`` of a llama-server's answer: the same on its own route and on OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tpsprofile.engines import numbers
from tpsprofile.engines.base import Finished


def account(told: object, stopped_by: str | None) -> Finished:
    """The server's account of one generation; all None where ``told`` is no such object.

    It does not time the first token, so ``predicted_ms`` covers n - 1 steps, while ``predicted_n`` counts it.
    ``prompt_n`` counts what was processed, ``cache_n`` what came from the cache.
    """
    timings: Mapping[str, Any] = told if isinstance(told, dict) else {}
    fresh, cached = numbers.tokens(timings.get("prompt_n")), numbers.tokens(timings.get("cache_n"))
    generated = numbers.tokens(timings.get("predicted_n"))
    return Finished(
        tokens_in=None if fresh is None else fresh + (cached or 0),
        tokens_cached=cached,
        tokens_out=generated,
        tokens_drafted=numbers.tokens(timings.get("draft_n")),
        prefill_s=_seconds(timings.get("prompt_ms")),
        decode_s=_seconds(timings.get("predicted_ms")) if generated is not None and generated > 1 else None,
        stopped_by=stopped_by,
    )


def _seconds(milliseconds: object) -> float | None:
    return numbers.seconds(milliseconds, per_second=1000)
