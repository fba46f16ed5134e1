"""The twin's tokenizer: exact size, usable merges, and words that stay whole."""

from __future__ import annotations

import hashlib

import pytest

from tpsprofile.errors import ProfileError
from tpsprofile.models import vocabulary
from tpsprofile.models.vocabulary import learned
from tpsprofile.models.vocabulary import vocabulary as made

RANKS = {pair: rank for rank, pair in enumerate(learned())}


def encode(word: str) -> list[str]:
    """Byte-pair encoding of one word, as the definition has it: the earliest merge that applies goes first."""
    parts = list(word)
    while len(parts) > 1:
        at = min(range(len(parts) - 1), key=lambda at: RANKS.get((parts[at], parts[at + 1]), 10**9))
        if (parts[at], parts[at + 1]) not in RANKS:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


@pytest.mark.parametrize("size", [258, 300, 4096, 49_152, 151_936])
def test_it_has_exactly_the_size_and_no_token_twice(size: int) -> None:
    tokens = made(size).tokens
    assert len(tokens) == len(set(tokens)) == size


def test_too_small_a_vocabulary_is_refused() -> None:
    with pytest.raises(ProfileError, match="at least 258"):
        made(257)


@pytest.mark.parametrize("size", [300, 151_936])
def test_every_merge_and_every_byte_is_a_token(size: int) -> None:
    known = made(size)
    tokens = set(known.tokens)
    assert set(vocabulary.byte_characters()) <= tokens
    for merge in known.merges:
        left, right = merge.split(" ")
        assert {left, right, left + right} <= tokens


def test_known_words_are_one_token() -> None:
    some = vocabulary._known_words()[::25]
    assert len(some) > 200
    for word in (*some, "Ġthe", "def", "_paths", "(csv", "Ġsqlite", "Python", "):Ċ", "ĠĠĠĠĠĠĠ"):
        assert encode(word) == [word]


def test_unknown_words_take_a_few_tokens() -> None:
    assert 2 <= len(encode("Ġkaleidoscope")) <= 8


def test_silent_tokens_come_first_and_the_rest_can_be_printed() -> None:
    known = made(8192)
    assert known.tokens[:2] == vocabulary.CONTROL
    spelled = vocabulary.byte_characters()
    printable = {spelled[value] for value in range(32, 127)} | {spelled[10]}
    assert all(set(token) <= printable for token in known.tokens[known.silent :])
    assert not any(token in printable for token in known.tokens[: known.silent])


def test_gpt2_spells_bytes_as_one_character_each() -> None:
    spelled = vocabulary.byte_characters()
    assert len(set(spelled)) == 256
    assert (spelled[ord("a")], spelled[ord(" ")], spelled[ord("\n")]) == ("a", "Ġ", "Ċ")


def test_it_is_the_same_everywhere() -> None:
    # A change here means GENERATOR in recipes.py must be raised.
    known = made(32_000)
    assert hashlib.sha256("\n".join([*known.tokens, *known.merges]).encode()).hexdigest()[:12] == "5b26ac02c0f4"
