"""How much memory a model needs at a context length, told before anything is loaded."""

from __future__ import annotations

from typing import Protocol

from tpsprofile.records import Record

MICRO_BATCH = 512
"""Tokens of the prompt that llama.cpp works on at once, its default."""
_RUNTIME_BYTES = 48 * 1024**2
_TOKENIZER_BYTES = 400
"""For each token of the vocabulary: its text, its place in two tables and, mostly, a merge."""


class Dimensions(Protocol):
    """What the need depends on besides the weights: a Shape of the catalogue has it, and a FileShape."""

    @property
    def width(self) -> int:
        """Values in one token's embedding."""
        ...

    @property
    def feed_forward(self) -> int:
        """Values in the hidden layer of the feed-forward part."""
        ...

    @property
    def vocab_size(self) -> int:
        """Tokens in the vocabulary."""
        ...

    @property
    def kv_values_per_token(self) -> int:
        """Values that the KV cache keeps for one token of context."""
        ...


class Need(Record, frozen=True, kw_only=True):
    """The memory that a loaded model takes, by what it is for. All in bytes."""

    weights_bytes: int
    kv_bytes: int
    """Keys and values of the whole context, which the engine reserves at once."""
    compute_bytes: int
    """Intermediate results of one micro-batch."""
    runtime_bytes: int
    """The engine itself and its tokenizer."""

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes + self.runtime_bytes


def needed(dimensions: Dimensions, file_bytes: int, context_tokens: int) -> Need:
    """The memory that llama.cpp takes for a model of these dimensions.

    weights: the file. KV cache: 2 bytes (half floats) x values per token x context; where layers attend to a
    sliding window only, engines may take less. Compute buffer of a micro-batch of 512 tokens: 4 bytes x 512 x
    (3 x feed-forward + 5 x width), and the attention mask, 2 bytes x 512 x context; this is what llama.cpp says it
    reserves with flash attention (84.0 MiB for Llama 3.2 1B and 53.3 MiB for Qwen2.5 0.5B at 16,384 tokens), to
    0.1 MiB. Engines of before 2026 reserve the logits of a whole micro-batch besides, 4 bytes x 512 x vocabulary.
    Runtime: 48 MiB and 400 bytes a token of vocabulary, fitted to resident sets of the embedded server.

    A CPU build that rearranges quantised weights shows up to twice the weights as resident; the copy in the file
    mapping is no need, the system takes it back when memory runs short.
    """
    activations = 4 * MICRO_BATCH * (3 * dimensions.feed_forward + 5 * dimensions.width)
    mask = 2 * MICRO_BATCH * context_tokens
    return Need(
        weights_bytes=file_bytes,
        kv_bytes=2 * dimensions.kv_values_per_token * context_tokens,
        compute_bytes=activations + mask,
        runtime_bytes=_RUNTIME_BYTES + _TOKENIZER_BYTES * dimensions.vocab_size,
    )


def at_least(file_bytes: int) -> Need:
    """What is needed of a model whose dimensions are unknown: its weights and the engine, and more besides."""
    return Need(weights_bytes=file_bytes, kv_bytes=0, compute_bytes=0, runtime_bytes=_RUNTIME_BYTES)


def fits(need: Need, available_bytes: int | None) -> bool:
    """The model fits in the memory that programs can still get; unknown (None) speaks against nothing."""
    return available_bytes is None or need.total <= available_bytes
