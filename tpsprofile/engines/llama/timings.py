"""The ``timings`` of a llama-server's answer: the same on its own route and on OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tpsprofile.engines.base import Finished


def account(told: object, stopped_by: str | None) -> Finished:
    """The server's account of one generation; all None where ``told`` is no such object.

    It does not time the first token, so ``predicted_ms`` covers n - 1 steps, while ``predicted_n`` counts it.
    ``prompt_n`` counts what was processed, ``cache_n`` what came from the cache.
    """
    timings: Mapping[str, Any] = told if isinstance(told, dict) else {}
    fresh, cached = _whole(timings.get("prompt_n")), _whole(timings.get("cache_n"))
    generated = _whole(timings.get("predicted_n"))
    return Finished(
        tokens_in=None if fresh is None else fresh + (cached or 0),
        tokens_cached=cached,
        tokens_out=generated,
        tokens_drafted=_whole(timings.get("draft_n")),
        prefill_s=_seconds(timings.get("prompt_ms")),
        decode_s=_seconds(timings.get("predicted_ms")) if generated is not None and generated > 1 else None,
        stopped_by=stopped_by,
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _seconds(milliseconds: object) -> float | None:
    if not isinstance(milliseconds, int | float) or isinstance(milliseconds, bool):
        return None
    return milliseconds / 1000 if milliseconds > 0 else None
