"""The tokens that end a text, as mlx_lm finds them in a model's folder.

mlx_lm.server has no option to go on past the end of text. But a request may add a bias to any token's logit, which
is how llama.cpp ignores the end, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tpsprofile.models.safetensors_file import integer

FORBIDDEN = -10_000.0
"""Added to a logit so that its token is never the likeliest; half floats hold it."""
_LARGEST = 256 * 1024**2


class _Added(msgspec.Struct):
    id: int
    content: str


class _Tokenizer(msgspec.Struct):
    added_tokens: list[_Added] = []


def of_folder(folder: Path) -> tuple[int, ...]:
    """Numbers of the tokens that end a text; empty where the folder does not tell them.

    They are those of ``generation_config.json``, else those of ``config.json``, and the tokenizer's own. Numbers
    that are no token's are left out: MLX would write to wherever they point.
    """
    config = _object(folder / "config.json")
    told = (one.get("eos_token_id") for one in (_object(folder / "generation_config.json"), config))
    first = next((one for one in told if one), None)
    listed = [*(first if isinstance(first, list) else [first]), _of_tokenizer(folder)]
    size = _tokens(config)
    return tuple(sorted({one for one in listed if type(one) is int and 0 <= one < size}))


def bias(folder: Path) -> dict[str, float]:
    """``logit_bias`` of requests that go on past the end of text."""
    return {str(number): FORBIDDEN for number in of_folder(folder)}


def _tokens(config: dict[str, Any]) -> int:
    """Tokens in the vocabulary; 0 where the configuration does not tell."""
    text = config.get("text_config")
    return integer({**config, **(text if isinstance(text, dict) else {})}, "vocab_size") or 0


def _of_tokenizer(folder: Path) -> int | None:
    token = _object(folder / "tokenizer_config.json").get("eos_token")
    text = token.get("content") if isinstance(token, dict) else token
    if not isinstance(text, str):
        return None
    try:
        tokenizer = msgspec.json.decode(_read(folder / "tokenizer.json"), type=_Tokenizer)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return next((one.id for one in tokenizer.added_tokens if one.content == text), None)


def _object(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_read(path), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.stat().st_size <= _LARGEST else b""
