"""Facts about a model from its GGUF file: what it is, how large, and what its memory will be spent on."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from gguf import LlamaFileType

from tpsprofile.errors import ModelUnreadableError
from tpsprofile.models import digest
from tpsprofile.models.gguf_header import Header, Items, read_header
from tpsprofile.models.tensors import Tensor
from tpsprofile.records import ModelFacts, Record

SYNTHETIC_KEY = "tpsprofile.recipe"
"""Metadata key that only synthetic twins have: the digest of their recipe."""

_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)


class FileShape(Record, frozen=True, kw_only=True):
    """What the memory that a model needs depends on, besides its weights."""

    width: int
    feed_forward: int
    vocab_size: int
    kv_values_per_token: int
    """Values that the KV cache keeps for one token of context, keys and values of all layers."""


class ModelFile(Record, frozen=True, kw_only=True):
    """A model file, its header read: the file itself or, of a model in several files, the first and all others."""

    paths: tuple[Path, ...]
    header: Header
    """Metadata of the first file, tensors and bytes of all."""

    def facts(self, *, cache: Path | None = None, name: str | None = None) -> ModelFacts:
        """The facts; the digest takes a pass over the whole file unless ``cache`` knows it already.

        ``name`` replaces the file's own name. Raises ModelUnreadableError.
        """
        header = self.header
        total, active = _parameters(header)
        recipe = header.text(SYNTHETIC_KEY)
        return ModelFacts(
            name=name or _PART.sub(r"\g<stem>", self.paths[0].name).removesuffix(".gguf"),
            parameters=total,
            parameters_active=active,
            quantisation=_quantisation(header),
            file_bytes=header.file_bytes,
            digest=recipe or digest.of_files(self.paths, cache),
            architecture=header.text("general.architecture"),
            format="gguf",
            longest_context=header.integer(f"{header.text('general.architecture')}.context_length"),
            synthetic=recipe is not None,
        )

    def shape(self) -> FileShape | None:
        """The dimensions that memory depends on; None where the file does not tell them."""
        return _shape(self.header)


def open_model(path: Path) -> ModelFile:
    """The model in that file, with all of its parts where it was split.

    Raises ModelUnreadableError for a file that is not a whole GGUF model, or with a part missing.
    """
    header = read_header(path)
    if not header.tensors or header.text("general.architecture") is None:
        raise ModelUnreadableError(f"{path.name} has no model in it.", "Name a file with the weights of a model.")
    count = header.integer("split.count") or 1
    if count == 1:
        return ModelFile(paths=(path,), header=header)
    paths = _parts(path, header, count)
    headers = [header, *(read_header(other) for other in paths[1:])]
    tensors = tuple(tensor for one in headers for tensor in one.tensors)
    whole = Header(entries=header.entries, tensors=tensors, file_bytes=sum(one.file_bytes for one in headers))
    return ModelFile(paths=paths, header=whole)


def read_facts(path: Path, cache: Path | None = None) -> ModelFacts:
    """Facts of the model in a GGUF file: parameters, quantisation, size, digest.

    ``cache`` is a folder in which the digest is kept, so that it is computed once for each file. Raises
    ModelUnreadableError.
    """
    return open_model(path).facts(cache=cache)


def read_shape(path: Path) -> FileShape | None:
    """The dimensions that memory depends on; None where the file does not tell them.

    Raises ModelUnreadableError.
    """
    return open_model(path).shape()


def _parts(path: Path, header: Header, count: int) -> tuple[Path, ...]:
    found = _PART.match(path.name)
    if not found or int(found["count"]) != count:
        raise ModelUnreadableError(
            f"{path.name} is one of {count} parts of a model, but its name does not tell which.",
            f"Give the parts their names back: …-00001-of-{count:05d}.gguf.",
        )
    names = [f"{found['stem']}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    if header.integer("split.no") != 0:
        raise ModelUnreadableError(f"{path.name} is not the first part of its model.", f"Name {names[0]}.")
    paths = (path, *(path.with_name(name) for name in names[1:]))
    missing = [part.name for part in paths if not part.exists()]
    if missing:
        raise ModelUnreadableError(
            f"{path.name} is one of {count} parts, and {missing[0]} is not beside it.", "Download all parts."
        )
    return paths


def _parameters(header: Header) -> tuple[int, int]:
    """All parameters, and those that work on each token: of a mixture's experts only the ones in use."""
    counted = sum(tensor.elements for tensor in header.tensors)
    total = header.integer("general.parameter_count") or counted
    architecture = header.text("general.architecture")
    experts = header.integer(f"{architecture}.expert_count")
    used = header.integer(f"{architecture}.expert_used_count")
    if not experts or not used or used > experts:
        return total, total
    in_experts = sum(tensor.elements for tensor in header.tensors if _of_experts(tensor))
    return total, total - in_experts * (experts - used) // experts


def _of_experts(tensor: Tensor) -> bool:
    return "_exps." in tensor.name


def _quantisation(header: Header) -> str | None:
    number = header.integer("general.file_type")
    known = {kind.value: kind.name for kind in LlamaFileType if kind is not LlamaFileType.GUESSED}
    if number in known:
        return known[number].removeprefix("MOSTLY_").removeprefix("ALL_")
    weights: Counter[str] = Counter()
    for tensor in header.tensors:
        weights[tensor.type] += tensor.bytes
    return weights.most_common(1)[0][0] if weights else None


def _shape(header: Header) -> FileShape | None:
    architecture = header.text("general.architecture")
    width = header.integer(f"{architecture}.embedding_length")
    heads = _per_layer(header, f"{architecture}.attention.head_count")
    kv_heads = _per_layer(header, f"{architecture}.attention.head_count_kv") or heads
    layers = header.integer(f"{architecture}.block_count")
    vocab_size = _vocab_size(header, f"{architecture}.vocab_size")
    if not (width and heads and kv_heads and layers and vocab_size and max(heads)):
        return None
    head = width // max(heads)
    key = header.integer(f"{architecture}.attention.key_length") or head
    value = header.integer(f"{architecture}.attention.value_length") or head
    cached = sum(kv_heads) if len(kv_heads) > 1 else layers * kv_heads[0]
    return FileShape(
        width=width,
        feed_forward=max(_per_layer(header, f"{architecture}.feed_forward_length") or (4 * width,)),
        vocab_size=vocab_size,
        kv_values_per_token=cached * (key + value),
    )


def _per_layer(header: Header, key: str) -> tuple[int, ...]:
    """A number for all layers, or one for each; empty where the file does not have it."""
    value = header.get(key)
    if isinstance(value, Items):
        return tuple(int(item) for item in value.values or () if isinstance(item, int) and item >= 0)
    number = header.integer(key)
    return () if number is None else (number,)


def _vocab_size(header: Header, key: str) -> int | None:
    tokens = header.get("tokenizer.ggml.tokens")
    return tokens.count if isinstance(tokens, Items) else header.integer(key)
