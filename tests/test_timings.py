"""What a llama-server says of its times: taken where it can be true, else unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tpsprofile.engines.base import Finished
from tpsprofile.engines.llama.timings import account

GOOD: dict[str, Any] = {"prompt_n": 20, "cache_n": 3, "prompt_ms": 50, "predicted_n": 5, "predicted_ms": 80.0}


def test_times_are_in_seconds_and_cached_tokens_belong_to_the_prompt() -> None:
    assert account(GOOD, "limit") == Finished(
        tokens_in=23, tokens_cached=3, tokens_out=5, prefill_s=0.05, decode_s=0.08, stopped_by="limit"
    )


@pytest.mark.parametrize(
    "odd", ["Infinity", "-Infinity", "NaN", "1" + "0" * 400, "1e300", "0", "-5", "true", '"80"', "[]", "null"]
)
def test_a_time_that_cannot_be_is_unknown(odd: str) -> None:
    told = account(GOOD | {"prompt_ms": json.loads(odd), "predicted_ms": json.loads(odd)}, "limit")
    assert (told.prefill_s, told.decode_s) == (None, None)


@pytest.mark.parametrize("odd", ["Infinity", "NaN", "1" + "0" * 30, "-1", "5.0", "false", '"5"', "{}"])
def test_a_number_of_tokens_that_cannot_be_is_unknown(odd: str) -> None:
    counts = dict.fromkeys(("prompt_n", "cache_n", "predicted_n", "draft_n"), json.loads(odd))
    told = account(GOOD | counts, "limit")
    assert (told.tokens_in, told.tokens_cached, told.tokens_out, told.tokens_drafted) == (None,) * 4


def test_what_is_no_object_tells_nothing() -> None:
    assert account([1], None) == Finished()
