"""What a synthetic twin is made of: the same metadata and tensors as the real model's file, told before writing.

A recipe is known completely before a byte is written, and so are the file's size and digest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from gguf import GGUFValueType, LlamaFileType

from tpsprofile.models import digest, vocabulary
from tpsprofile.models.catalogue import Shape
from tpsprofile.models.gguf_file import SYNTHETIC_KEY, ModelFile, open_model
from tpsprofile.models.gguf_header import ARRAY, STRING, Entry, Items, Scalar, read_header
from tpsprofile.models.tensors import Tensor, head_name, tensors
from tpsprofile.records import ModelFacts, Record

GENERATOR = 1
"""Version of the way twins are made. Raise it whenever a byte of them changes."""
ALIGNMENT = 32
"""Bytes to a multiple of which GGUF pads its data."""
_FIXED_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Recipe(Record, frozen=True, kw_only=True):
    """A twin that can be written."""

    name: str
    """The real model's; with ``@`` and the quantisation where that is not the usual one."""
    quantisation: str | None
    architecture: str
    parameters: int
    parameters_active: int
    entries: tuple[Entry, ...]
    """Metadata without the tokenizer."""
    tokens: int | None = None
    """Size of the vocabulary to make."""
    tokenizer_of: str | None = None
    """The file to copy the tokenizer from, where none is made."""
    tokenizer_digest: str | None = None
    """Digest of that file."""
    tensors: tuple[Tensor, ...]

    @property
    def digest(self) -> str:
        """``sha256:`` and the hash of all that decides the file's bytes: recipe and version of the generator."""
        known = msgspec.structs.replace(self, tokenizer_of=None)
        return "sha256:" + hashlib.sha256(msgspec.json.encode([GENERATOR, known], order="sorted")).hexdigest()

    @property
    def longest_context(self) -> int | None:
        """Tokens of context that the model is made for."""
        key = f"{self.architecture}.context_length"
        return next((int(entry.value) for entry in self.entries if entry.key == key), None)  # type: ignore[arg-type]

    @property
    def silent_rows(self) -> int:
        """Tokens, from the first on, that must never be generated; 0 where the tokenizer is copied."""
        return 0 if self.tokens is None else vocabulary.vocabulary(self.tokens).silent

    @property
    def head(self) -> str:
        """Name of the tensor that makes the logits."""
        return head_name(all(tensor.name != "output.weight" for tensor in self.tensors))

    def metadata(self) -> tuple[Entry, ...]:
        """All metadata of the file, the tokenizer and the recipe's digest with it."""
        mark = Entry(key=SYNTHETIC_KEY, kind=STRING, value=self.digest)
        tokenizer = _made(self.tokens) if self.tokens is not None else _copied(Path(self.tokenizer_of or ""))
        return (*self.entries, mark, *tokenizer)

    def file_bytes(self) -> int:
        """Exact size of the file. Layout: ggml's ``docs/gguf.md``."""
        header = 24 + sum(_entry_bytes(entry) for entry in self.metadata())
        header += sum(8 + len(one.name.encode()) + 4 + 8 * len(one.dims) + 12 for one in self.tensors)
        return padded(header) + sum(padded(one.bytes) for one in self.tensors)

    def facts(self) -> ModelFacts:
        """The facts of the twin, before and after it is written."""
        return ModelFacts(
            name=self.name,
            parameters=self.parameters,
            parameters_active=self.parameters_active,
            quantisation=self.quantisation,
            file_bytes=self.file_bytes(),
            digest=self.digest,
            architecture=self.architecture,
            format="gguf",
            longest_context=self.longest_context,
            synthetic=True,
        )


def padded(size: int) -> int:
    """``size`` rounded up to GGUF's alignment, in bytes."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def of_shape(shape: Shape, quantisation: str | None = None) -> Recipe:
    """The twin of a model in the catalogue, in its usual quantisation or another.

    Raises UsageError for a quantisation that cannot be written.
    """
    mix = quantisation or shape.quantisation
    table = tensors(shape, mix)
    return Recipe(
        name=shape.name if mix == shape.quantisation else f"{shape.name}@{mix}",
        quantisation=mix,
        architecture=shape.architecture,
        parameters=shape.parameters,
        parameters_active=shape.parameters,
        entries=_hyperparameters(shape, mix),
        tokens=shape.vocab_size,
        tensors=table,
    )


def twin_of(path: Path, cache: Path | None = None) -> Recipe:
    """The twin of any GGUF file: its tensors, hyperparameters and tokenizer, but random weights.

    ``cache`` is the folder for digests. Raises ModelUnreadableError.
    """
    real = open_model(path)
    facts = real.facts(cache=cache)
    return Recipe(
        name=facts.name,
        quantisation=facts.quantisation,
        architecture=facts.architecture or "",
        parameters=facts.parameters or 0,
        parameters_active=facts.parameters_active or 0,
        entries=_hyperparameters_of(real, facts.name),
        tokenizer_of=str(path),
        tokenizer_digest=digest.of_files([path], cache),
        tensors=real.header.tensors,
    )


def _entry(key: str, kind: GGUFValueType, value: Scalar) -> Entry:
    return Entry(key=key, kind=int(kind), value=value)


def _hyperparameters(shape: Shape, mix: str) -> tuple[Entry, ...]:
    text, whole, real = GGUFValueType.STRING, GGUFValueType.UINT32, GGUFValueType.FLOAT32
    own = f"{shape.architecture}."
    file_type = next(kind for kind in LlamaFileType if kind.name == f"MOSTLY_{mix}")
    numbers = {
        "context_length": shape.context_length,
        "embedding_length": shape.width,
        "block_count": shape.layers,
        "feed_forward_length": shape.feed_forward,
        "rope.dimension_count": shape.head_dim,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head_dim,
        "attention.value_length": shape.head_dim,
        "vocab_size": shape.vocab_size,
    }
    if shape.architecture == "phi3":
        numbers["attention.sliding_window"] = 0  # Phi-4 attends to everything; some readers insist on the key.
    return (
        _entry("general.architecture", text, shape.architecture),
        _entry("general.name", text, f"{shape.name} (synthetic)"),
        _entry("general.file_type", whole, int(file_type)),
        _entry("general.quantization_version", whole, 2),
        _entry("general.parameter_count", GGUFValueType.UINT64, shape.parameters),
        *(_entry(own + key, whole, value) for key, value in numbers.items()),
        _entry(own + "rope.freq_base", real, shape.rope_base),
        _entry(own + "attention.layer_norm_rms_epsilon", real, shape.norm_epsilon),
    )


def _hyperparameters_of(real: ModelFile, name: str) -> tuple[Entry, ...]:
    own = f"{real.header.text('general.architecture')}."
    general = {
        "general.architecture",
        "general.file_type",
        "general.quantization_version",
        "general.parameter_count",
    }
    kept = [entry for entry in real.header.entries if entry.key in general or entry.key.startswith(own)]
    return (_entry("general.name", GGUFValueType.STRING, f"{name} (synthetic)"), *kept)


def _made(size: int) -> tuple[Entry, ...]:
    made = vocabulary.vocabulary(size)
    control = len(vocabulary.CONTROL)
    text, whole = GGUFValueType.STRING, GGUFValueType.UINT32
    key = "tokenizer.ggml."
    return (
        _entry(key + "model", text, "gpt2"),
        _entry(key + "pre", text, "qwen2"),
        _array(key + "tokens", GGUFValueType.STRING, [token.encode() for token in made.tokens]),
        _array(key + "token_type", GGUFValueType.INT32, [3] * control + [1] * (size - control)),
        _array(key + "merges", GGUFValueType.STRING, [merge.encode() for merge in made.merges]),
        _entry(key + "bos_token_id", whole, 0),
        _entry(key + "eos_token_id", whole, 1),
        _entry(key + "add_bos_token", GGUFValueType.BOOL, False),
    )


def _array(key: str, kind: GGUFValueType, values: list[bytes] | list[int]) -> Entry:
    return Entry(key=key, kind=ARRAY, value=Items(kind=int(kind), count=len(values), values=tuple(values)))


def _copied(path: Path) -> tuple[Entry, ...]:
    header = read_header(path, keep=lambda _key, _count: True)
    return tuple(entry for entry in header.entries if entry.key.startswith("tokenizer."))


def _entry_bytes(entry: Entry) -> int:
    return 8 + len(entry.key.encode()) + 4 + _value_bytes(entry)


def _value_bytes(entry: Entry) -> int:
    value = entry.value
    if isinstance(value, str):
        return 8 + len(value.encode())
    if not isinstance(value, Items):
        return _FIXED_BYTES[entry.kind]
    if value.kind == STRING:
        return 12 + 8 * value.count + sum(len(item) for item in value.values or () if isinstance(item, bytes))
    return 12 + _FIXED_BYTES[value.kind] * value.count
