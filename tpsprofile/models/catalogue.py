"""The models that a sweep knows by name: shapes from 0.1B to 72B, each from its published configuration.

A shape is all that speed and memory depend on: with it a synthetic twin can be written (``synthetic``) and the
memory a model needs be told (``memory``) without a byte of the real weights.
"""

from __future__ import annotations

from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.records import Record


class Shape(Record, frozen=True, kw_only=True):
    """Dimensions of a decoder of the Llama family."""

    name: str
    """Ollama tag: ``llama3.2:1b``."""
    aliases: tuple[str, ...] = ()
    """Other tags of the same download."""
    architecture: str
    """As GGUF names it: ``llama``, ``qwen2``, ``phi3``."""
    layers: int
    width: int
    """Values in one token's embedding."""
    feed_forward: int
    """Values in the hidden layer of the feed-forward part."""
    heads: int
    kv_heads: int
    """Heads whose keys and values are kept; fewer than ``heads`` with grouped-query attention."""
    head_dim: int
    """Values in one head's key, and in its value."""
    vocab_size: int
    """Rows of the embedding table (padded, where the maker pads it)."""
    tied: bool = False
    """The output layer is the embedding table."""
    attention_biases: bool = False
    """Query, key and value have biases (Qwen2)."""
    fused: bool = False
    """Query, key and value lie in one tensor, gate and up in another (Phi-3)."""
    rope_factors: bool = False
    """The file has a table of rotary frequency factors (Llama 3.1 and later)."""
    rope_base: float
    """Base of the rotary frequencies."""
    norm_epsilon: float
    context_length: int
    """Longest context that the model was made for, in tokens."""
    quantisation: str = "Q4_K_M"
    """What the usual download of this tag holds."""
    source: str
    """Where the dimensions are published."""

    @property
    def kv_values_per_token(self) -> int:
        """Values that the KV cache keeps for one token of context, keys and values of all layers."""
        return 2 * self.layers * self.kv_heads * self.head_dim

    @property
    def parameters(self) -> int:
        """All weights and biases, exactly; a tied table counts once."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = self.width * (queries + 2 * keys) + queries * self.width
        biases = queries + 2 * keys if self.attention_biases else 0
        norms = 2 * self.width
        layer = attention + biases + 3 * self.width * self.feed_forward + norms
        tables = self.vocab_size * self.width * (1 if self.tied else 2)
        return self.layers * layer + tables + self.width


SHAPES: tuple[Shape, ...] = (
    Shape(
        name="smollm2:135m",
        architecture="llama",
        layers=30,
        width=576,
        feed_forward=1536,
        heads=9,
        kv_heads=3,
        head_dim=64,
        vocab_size=49152,
        tied=True,
        rope_base=100_000.0,
        norm_epsilon=1e-5,
        context_length=8192,
        quantisation="Q4_1",
        source="config.json of HuggingFaceTB/SmolLM2-135M-Instruct",
    ),
    Shape(
        name="qwen2.5:0.5b",
        aliases=("qwen2.5:0.5b-instruct",),
        architecture="qwen2",
        layers=24,
        width=896,
        feed_forward=4864,
        heads=14,
        kv_heads=2,
        head_dim=64,
        vocab_size=151936,
        tied=True,
        attention_biases=True,
        rope_base=1_000_000.0,
        norm_epsilon=1e-6,
        context_length=32768,
        source="config.json of Qwen/Qwen2.5-0.5B-Instruct",
    ),
    Shape(
        name="llama3.2:1b",
        aliases=("llama3.2:1b-instruct-q8_0",),
        architecture="llama",
        layers=16,
        width=2048,
        feed_forward=8192,
        heads=32,
        kv_heads=8,
        head_dim=64,
        vocab_size=128256,
        tied=True,
        rope_factors=True,
        rope_base=500_000.0,
        norm_epsilon=1e-5,
        context_length=131072,
        quantisation="Q8_0",
        source="config.json of meta-llama/Llama-3.2-1B-Instruct",
    ),
    Shape(
        name="llama3.2:3b",
        aliases=("llama3.2", "llama3.2:latest", "llama3.2:3b-instruct-q4_K_M"),
        architecture="llama",
        layers=28,
        width=3072,
        feed_forward=8192,
        heads=24,
        kv_heads=8,
        head_dim=128,
        vocab_size=128256,
        tied=True,
        rope_factors=True,
        rope_base=500_000.0,
        norm_epsilon=1e-5,
        context_length=131072,
        source="config.json of meta-llama/Llama-3.2-3B-Instruct",
    ),
    Shape(
        name="qwen2.5:7b",
        aliases=("qwen2.5", "qwen2.5:latest", "qwen2.5:7b-instruct"),
        architecture="qwen2",
        layers=28,
        width=3584,
        feed_forward=18944,
        heads=28,
        kv_heads=4,
        head_dim=128,
        vocab_size=152064,
        attention_biases=True,
        rope_base=1_000_000.0,
        norm_epsilon=1e-6,
        context_length=32768,
        source="config.json of Qwen/Qwen2.5-7B-Instruct",
    ),
    Shape(
        name="llama3.1:8b",
        aliases=("llama3.1", "llama3.1:latest", "llama3.1:8b-instruct-q4_K_M"),
        architecture="llama",
        layers=32,
        width=4096,
        feed_forward=14336,
        heads=32,
        kv_heads=8,
        head_dim=128,
        vocab_size=128256,
        rope_factors=True,
        rope_base=500_000.0,
        norm_epsilon=1e-5,
        context_length=131072,
        source="config.json of meta-llama/Llama-3.1-8B-Instruct",
    ),
    Shape(
        name="falcon3:10b",
        aliases=("falcon3:10b-instruct-q4_K_M",),
        architecture="llama",
        layers=40,
        width=3072,
        feed_forward=23040,
        heads=12,
        kv_heads=4,
        head_dim=256,
        vocab_size=131072,
        rope_base=1_000_042.0,
        norm_epsilon=1e-6,
        context_length=32768,
        source="config.json of tiiuae/Falcon3-10B-Instruct",
    ),
    Shape(
        name="phi4:14b",
        aliases=("phi4", "phi4:latest", "phi4:14b-q4_K_M"),
        architecture="phi3",
        layers=40,
        width=5120,
        feed_forward=17920,
        heads=40,
        kv_heads=10,
        head_dim=128,
        vocab_size=100352,
        fused=True,
        rope_base=250_000.0,
        norm_epsilon=1e-5,
        context_length=16384,
        source="config.json of microsoft/phi-4",
    ),
    Shape(
        name="qwen2.5-coder:14b",
        aliases=("qwen2.5-coder:14b-instruct-q4_K_M",),
        architecture="qwen2",
        layers=48,
        width=5120,
        feed_forward=13824,
        heads=40,
        kv_heads=8,
        head_dim=128,
        vocab_size=152064,
        attention_biases=True,
        rope_base=1_000_000.0,
        norm_epsilon=1e-6,
        context_length=32768,
        source="config.json of Qwen/Qwen2.5-Coder-14B-Instruct",
    ),
    Shape(
        name="qwen2.5-coder:32b",
        aliases=("qwen2.5-coder:32b-instruct-q4_K_M",),
        architecture="qwen2",
        layers=64,
        width=5120,
        feed_forward=27648,
        heads=40,
        kv_heads=8,
        head_dim=128,
        vocab_size=152064,
        attention_biases=True,
        rope_base=1_000_000.0,
        norm_epsilon=1e-6,
        context_length=32768,
        source="config.json of Qwen/Qwen2.5-Coder-32B-Instruct",
    ),
    Shape(
        name="llama3.1:70b",
        aliases=("llama3.1:70b-instruct-q4_K_M",),
        architecture="llama",
        layers=80,
        width=8192,
        feed_forward=28672,
        heads=64,
        kv_heads=8,
        head_dim=128,
        vocab_size=128256,
        rope_factors=True,
        rope_base=500_000.0,
        norm_epsilon=1e-5,
        context_length=131072,
        source="config.json of meta-llama/Llama-3.1-70B-Instruct",
    ),
    Shape(
        name="qwen2.5:72b",
        aliases=("qwen2.5:72b-instruct",),
        architecture="qwen2",
        layers=80,
        width=8192,
        feed_forward=29568,
        heads=64,
        kv_heads=8,
        head_dim=128,
        vocab_size=152064,
        attention_biases=True,
        rope_base=1_000_000.0,
        norm_epsilon=1e-6,
        context_length=32768,
        source="config.json of Qwen/Qwen2.5-72B-Instruct",
    ),
)


def names() -> tuple[str, ...]:
    """Tags of all shapes, smallest model first."""
    return tuple(shape.name for shape in SHAPES)


def find(name: str) -> Shape:
    """The shape of that tag or alias; capitals do not matter.

    Raises UsageError, with the nearest name there is, for one that is not in the catalogue.
    """
    wanted = name.lower()
    for shape in SHAPES:
        if wanted == shape.name or wanted in (alias.lower() for alias in shape.aliases):
            return shape
    raise UsageError(f"There is no model {name!r} in the catalogue.", did_you_mean(wanted, names()))
