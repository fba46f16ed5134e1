"""The tokenizer of ``vocabulary`` as the files that Hugging Face's libraries read: ``tokenizer.json`` beside its
configuration. Byte-pair encoding, with text cut beforehand as Qwen2's tokenizer cuts it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tpsprofile.models import vocabulary

_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def files(size: int, longest_context: int) -> dict[str, bytes]:
    """Name and content of each file, for a vocabulary of ``size`` tokens.

    Raises ProfileError where that does not even hold the single bytes.
    """
    begin, end = vocabulary.CONTROL
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": begin,
        "eos_token": end,
        "clean_up_tokenization_spaces": False,
        "model_max_length": longest_context,
    }
    return {
        "tokenizer.json": msgspec.json.encode(_tokenizer(size)),
        "tokenizer_config.json": msgspec.json.format(msgspec.json.encode(settings), indent=2),
    }


def _tokenizer(size: int) -> dict[str, Any]:
    made = vocabulary.vocabulary(size)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_control(number, text) for number, text in enumerate(vocabulary.CONTROL)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": _WORDS}, "behavior": "Isolated", "invert": False},
                _bytes_as_characters(),
            ],
        },
        "post_processor": None,
        "decoder": _bytes_as_characters(),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: number for number, token in enumerate(made.tokens)},
            "merges": list(made.merges),
        },
    }


def _control(number: int, text: str) -> dict[str, Any]:
    off = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **off, "special": True}


def _bytes_as_characters() -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
