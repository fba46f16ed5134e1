"""What a synthetic twin for MLX is made of: a folder with the real model's shape in MLX's own quantisation.

MLX's affine quantisation cuts each row into groups of 64 weights and stores each weight as a whole number of 4 or
8 bits: ``weight = scale x number + bias``, scale and bias BF16 values of the group (``mlx.core.quantize``). So a
matrix takes 4.5 or 8.5 bits a weight, tables included, and norms stay BF16: what ``mlx_lm.convert -q`` writes. The
numbers of a twin are random; scale and bias are the same everywhere, chosen such that BF16 holds
them exactly, and give weights a mean of 0 and a standard deviation of 0.018, near that of trained ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.models import blocks, mlx_layout, tokenizer_json, vocabulary
from tpsprofile.models.catalogue import Shape
from tpsprofile.models.mlx_layout import Part
from tpsprofile.models.safetensors_file import CONFIG, SYNTHETIC_KEY
from tpsprofile.models.safetensors_header import BITS, METADATA
from tpsprofile.records import ModelFacts, Record

GENERATOR = 1
"""Version of the way these twins are made. Raise it whenever a byte of them changes."""
USUAL = "4bit"
"""The quantisation of a twin that is asked for by the model's name alone."""
WEIGHTS = "model.safetensors"

_BITS = {"4bit": 4, "8bit": 8, "BF16": None}
_SCALES = {4: 2.0**-8, 8: 2.0**-12}
"""Whole numbers of 4 bits have a standard deviation of 4.61, those of 8 bits one of 73.9."""


class FolderRecipe(Record, frozen=True, kw_only=True):
    """A twin that can be written, a folder."""

    name: str
    """The real model's; with ``@`` and the quantisation where that is not the usual one."""
    quantisation: str
    shape: Shape

    @property
    def bits(self) -> int | None:
        """Bits of a quantised weight without its scale; None for BF16."""
        return _BITS[self.quantisation]

    @property
    def digest(self) -> str:
        """``sha256:`` and the hash of all that decides the files' bytes."""
        known = [GENERATOR, self.name, self.config(), self.parts()]
        return "sha256:" + hashlib.sha256(msgspec.json.encode(known, order="sorted")).hexdigest()

    def parts(self) -> tuple[Part, ...]:
        """All tensors in the order of the file: those of wide values first, so that all are aligned."""
        return tuple(sorted(mlx_layout.parts(self.shape, self.bits), key=lambda part: -BITS[part.dtype]))

    def config(self) -> dict[str, Any]:
        """What ``config.json`` says."""
        return mlx_layout.config(self.shape, self.bits)

    def header(self) -> bytes:
        """All of the weights' file before its data."""
        entries: dict[str, Any] = {METADATA: {"format": "mlx", SYNTHETIC_KEY: self.digest}}
        at = 0
        for part in self.parts():
            end = at + part.bytes
            entries[part.name] = {"dtype": part.dtype, "shape": part.shape, "data_offsets": [at, end]}
            at = end
        text = msgspec.json.encode(entries)
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text

    def file_bytes(self) -> int:
        """Exact size of the file with the weights; configuration and tokenizer take a few MB besides."""
        return len(self.header()) + sum(part.bytes for part in self.parts())

    def facts(self) -> ModelFacts:
        """The facts of the twin, before and after it is written."""
        return ModelFacts(
            name=self.name,
            parameters=self.shape.parameters,
            parameters_active=self.shape.parameters,
            quantisation=self.quantisation,
            file_bytes=self.file_bytes(),
            digest=self.digest,
            architecture=self.shape.architecture,
            format="safetensors",
            longest_context=self.shape.context_length,
            synthetic=True,
        )


def of_shape(shape: Shape, quantisation: str | None = None) -> FolderRecipe:
    """The twin of a model in the catalogue, in 4 bits or another quantisation; capitals do not matter.

    Raises UsageError for a quantisation that cannot be written.
    """
    wanted = quantisation or USUAL
    kind = next((known for known in _BITS if known.lower() == wanted.lower()), None)
    if kind is None:
        raise UsageError(
            f"A twin for MLX cannot be written with quantisation {wanted!r}.", did_you_mean(wanted, _BITS)
        )
    name = shape.name if kind == USUAL else f"{shape.name}@{kind}"
    return FolderRecipe(name=name, quantisation=kind, shape=shape)


def write_files(recipe: FolderRecipe, folder: Path, progress: Callable[[int], None]) -> None:
    """Write the twin into a folder that exists; ``progress`` gets the bytes done of the weights.

    Raises OSError where it cannot be written.
    """
    config = msgspec.json.format(msgspec.json.encode(recipe.config()), indent=2)
    others = tokenizer_json.files(recipe.shape.vocab_size, recipe.shape.context_length)
    for name, content in {CONFIG: config, **others}.items():
        (folder / name).write_bytes(content)
    with (folder / WEIGHTS).open("wb") as file:
        file.write(recipe.header())
        for part in recipe.parts():
            for piece in _data(recipe, part):
                file.write(piece)
                progress(file.tell())


def _data(recipe: FolderRecipe, part: Part) -> Iterator[bytes | memoryview]:
    """The bytes of one tensor: random numbers, one scale and bias for all, ones for norms.

    The rows of the tokens that must not be generated have scales and biases of 0, so their logits are 0 and, among
    thousands of others, never the greatest.
    """
    table = part.name.startswith("model.embed_tokens." if recipe.shape.tied else "lm_head.")
    silent = vocabulary.vocabulary(recipe.shape.vocab_size).silent if table else 0
    quiet = part.bytes // part.shape[0] * silent
    if "norm." in part.name:
        yield from _same(1.0, part.bytes)
    elif part.dtype == "U32":
        yield from _cut(part.name, part.bytes)
    elif recipe.bits is not None and part.name.endswith((".scales", ".biases")):
        scale = _SCALES[recipe.bits]
        yield bytes(quiet)
        value = scale if part.name.endswith(".scales") else -scale * (2**recipe.bits - 1) / 2
        yield from _same(value, part.bytes - quiet)
    else:
        yield from blocks.cut("BF16", part.name, part.bytes, quiet)


def _same(value: float, count: int) -> Iterator[bytes]:
    """``count`` bytes of one BF16 value that holds exactly."""
    one = (np.array([value], dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes()
    piece = one * (min(count, blocks.TILE_BYTES) // 2)
    for _ in range(count // len(piece) if piece else 0):
        yield piece
    yield piece[: count % len(piece) if piece else 0]


@lru_cache(maxsize=1)
def _noise() -> bytes:
    return hashlib.shake_128(b"tpsprofile tile U32").digest(blocks.TILE_BYTES)


def _cut(name: str, count: int) -> Iterator[memoryview]:
    """Random bytes out of one tile, each tensor's from another place on."""
    whole = memoryview(_noise())
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little") % (len(whole) // 4) * 4
    while count > 0:
        piece = whole[start : start + count]
        yield piece
        count -= len(piece)
        start = 0
