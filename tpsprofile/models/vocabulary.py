"""A tokenizer for models without one: byte-pair encoding that cuts ordinary text about as finely as real ones.

A twin must do as many tokens of work for the profiler's prompt as the real model would. Its vocabulary has the
single bytes that byte-pair encoding starts from, pieces learned from a list of common words (``words``), and
fillers up to the exact size of the real vocabulary. The fillers are printable ASCII, so that streamed text
is never held back as half a character, and the tokens that must not be generated come first (``silent``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import pairwise

from tpsprofile.errors import ProfileError
from tpsprofile.models import words
from tpsprofile.records import Record

CONTROL = ("<|begin|>", "<|end|>")
"""Start and end of text: token 0 and token 1."""

Word = tuple[str, ...]
Pair = tuple[str, str]


class Vocabulary(Record, frozen=True, kw_only=True):
    """What a GGUF file says of its tokenizer."""

    tokens: tuple[str, ...]
    """In GPT-2's spelling: each byte one printable character."""
    merges: tuple[str, ...]
    """``left right``, in the order in which they are to be tried."""
    silent: int
    """So many tokens at the start are control tokens and bytes that are not printable alone."""


@lru_cache(maxsize=8)
def vocabulary(size: int) -> Vocabulary:
    """A vocabulary of exactly ``size`` tokens.

    Raises ProfileError where it does not even hold the single bytes.
    """
    spelled = byte_characters()
    printable = [value for value in range(256) if 32 <= value < 127 or value == ord("\n")]
    mute = [value for value in range(256) if value not in set(printable)]
    tokens = dict.fromkeys([*CONTROL, *(spelled[value] for value in (*mute, *printable))])
    silent = len(CONTROL) + len(mute)
    if size < len(tokens):
        raise ProfileError(f"A vocabulary needs at least {len(tokens)} tokens, not {size}.")
    merges = []
    for left, right in learned():
        if left + right not in tokens and len(tokens) == size:
            break
        tokens[left + right] = None
        merges.append(f"{left} {right}")
    tokens.update(dict.fromkeys(f"Ġ{number:06d}" for number in range(size - len(tokens))))
    return Vocabulary(tokens=tuple(tokens), merges=tuple(merges), silent=silent)


def byte_characters() -> tuple[str, ...]:
    """GPT-2's spelling of each byte: itself where printable, else the next free character from U+0100."""
    itself = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    free = iter(range(256, 512))
    return tuple(chr(value if value in itself else next(free)) for value in range(256))


@lru_cache(maxsize=1)
def learned() -> tuple[Pair, ...]:
    """Merges that make every known word one token, by byte-pair encoding's own training: commonest pair first.

    Method: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016).
    Ties go to the pair that sorts first, so that every machine learns the same.
    """
    corpus = [tuple(word) for word in _known_words()]
    counts: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for number, word in enumerate(corpus):
        _count(word, number, 1, counts, where)
    queue = [(-count, pair) for pair, count in counts.items()]
    heapify(queue)
    merges = []
    while queue:
        count, pair = heappop(queue)
        if counts[pair] != -count or not count:
            continue  # An older count of this pair; the present one is in the queue too.
        merges.append(pair)
        changed: set[Pair] = set()
        for number in sorted(where[pair]):
            changed |= _count(corpus[number], number, -1, counts, where)
            corpus[number] = _merged(corpus[number], pair)
            changed |= _count(corpus[number], number, 1, counts, where)
        for other in changed:
            heappush(queue, (-counts[other], other))
    return tuple(merges)


def _count(
    word: Word, number: int, change: int, counts: Counter[Pair], where: defaultdict[Pair, set[int]]
) -> set[Pair]:
    """Count the pairs of one word in (``change`` 1) or out (-1), and return them."""
    pairs = list(pairwise(word))
    for pair in pairs:
        counts[pair] += change
        if change > 0:
            where[pair].add(number)
        else:
            where[pair].discard(number)
    return set(pairs)


def _merged(word: Word, pair: Pair) -> Word:
    parts: list[str] = []
    for part in word:
        if parts and (parts[-1], part) == pair:
            parts[-1] = parts[-1] + part
        else:
            parts.append(part)
    return tuple(parts)


def _known_words() -> list[str]:
    """Each word as it stands in text, alone or after a blank, a capital or the signs of code, and word parts."""
    english, code = words.ENGLISH.split(), words.CODE.split()
    known = [form for word in english for form in (word, f"Ġ{word}", word.capitalize(), f"Ġ{word.capitalize()}")]
    known += [form for word in code for form in (word, f"Ġ{word}", f"_{word}", f".{word}", f"({word}")]
    known += [form for sign in words.SIGNS.split() for form in (sign, f"Ġ{sign}", f"{sign}Ċ")]
    known += [form for part in words.PARTS.split() for form in (part, f"Ġ{part}")]
    known += ["Ġ" * run for run in words.BLANKS] + ["ĊĊ", "ĊĊĊ"]
    return list(dict.fromkeys(known))
