"""Facts about a model from its folder: ``config.json``, and the headers of its safetensors files.

Such folders are what MLX loads: ``model.safetensors``, or ``model-00001-of-00004.safetensors`` and so on, a
``config.json`` and a tokenizer. MLX stores a quantised matrix in three tensors: ``weight``, packed in integers of
32 bits; ``scales``, a value for each group of weights; and ``biases``, as many, unless the scales are of a type
that needs none (MXFP4).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from tpsprofile.errors import ModelUnreadableError
from tpsprofile.models import digest
from tpsprofile.models.gguf_file import FileShape
from tpsprofile.models.safetensors_header import ADVICE, Header, Stored, read_header
from tpsprofile.records import ModelFacts, Record

SYNTHETIC_KEY = "tpsprofile.recipe"
"""Key of a file's metadata that only synthetic twins have: the digest of their recipe."""
CONFIG = "config.json"
USUAL_GROUP = 64
"""Weights that share a scale, where nothing else was asked for."""

_LARGEST_CONFIG = 16 * 1024**2
_LONGEST_NAME = 32
_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors$")
_PACKED_BITS = 32
_BITS = {2, 3, 4, 5, 6, 8}
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
_PLAIN = {"F64": "F64", "F32": "F32", "F16": "F16", "BF16": "BF16", "F8_E4M3": "FP8", "F8_E5M2": "FP8"}
_FLOAT_MODES = {(4, 16): "NVFP4", (4, 32): "MXFP4", (8, 32): "MXFP8"}
"""Quantisations whose scales are bytes, by bits and group."""


class ModelFolder(Record, frozen=True, kw_only=True):
    """A model in a folder, its headers read."""

    folder: Path
    paths: tuple[Path, ...]
    """The files with the weights, in order."""
    config: dict[str, Any]
    """``config.json``; of a model that sees pictures too, the part about text."""
    headers: tuple[Header, ...]

    @property
    def file_bytes(self) -> int:
        """Bytes of all files with weights."""
        return sum(header.file_bytes for header in self.headers)

    def facts(self, *, cache: Path | None = None, name: str | None = None) -> ModelFacts:
        """The facts; the digest takes a pass over all weights unless ``cache`` knows it already.

        ``name`` replaces the folder's. Raises ModelUnreadableError.
        """
        tensors = {name: one for header in self.headers for name, one in header.tensors.items()}
        total, active = _parameters(tensors, self.config)
        recipe = self.headers[0].metadata.get(SYNTHETIC_KEY)
        return ModelFacts(
            name=name or name_of(self.folder),
            parameters=total,
            parameters_active=active,
            quantisation=_quantisation(tensors, self.config),
            file_bytes=self.file_bytes,
            digest=recipe or digest.of_files(self.paths, cache),
            architecture=self.config["model_type"],
            format="safetensors",
            longest_context=integer(self.config, "max_position_embeddings"),
            synthetic=recipe is not None,
        )

    def shape(self) -> FileShape | None:
        """The dimensions that memory depends on; None where ``config.json`` does not tell them."""
        return _shape(self.config)


def open_folder(folder: Path) -> ModelFolder:
    """The model in that folder. No weights are read.

    Raises ModelUnreadableError for a folder without a whole model in safetensors.
    """
    if not folder.is_dir():
        raise ModelUnreadableError(f"{folder.name} is no folder.", "Name the folder that the weights lie in.")
    config = _config(folder)
    paths = _weights(folder)
    headers = tuple(read_header(path) for path in paths)
    if not any(header.tensors for header in headers):
        raise ModelUnreadableError(f"{folder.name} has no weights in it.", ADVICE)
    return ModelFolder(folder=folder, paths=paths, config=config, headers=headers)


def name_of(folder: Path) -> str:
    """The folder's name; of a snapshot in Hugging Face's cache, whose folder is a hash, the repository's."""
    path = folder.expanduser().absolute()
    repository = path.parent.parent.name
    if path.parent.name == "snapshots" and repository.startswith("models--"):
        return repository.rsplit("--", 1)[-1]
    return path.name


def integer(config: dict[str, Any], key: str) -> int | None:
    """A whole number above 0; None for anything else."""
    value = config.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.exists():
        raise ModelUnreadableError(
            f"{folder.name} has no {CONFIG}, so it is no model folder.",
            "Name the folder of an MLX model: config.json, tokenizer.json and model.safetensors.",
        )
    config = _object(path)
    text = config.get("text_config")
    if isinstance(text, dict):
        config = {**config, **text}
    if not isinstance(config.get("model_type"), str):
        raise ModelUnreadableError(f"{folder.name}/{CONFIG} does not say what model it is of.", ADVICE)
    return config


def _object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ModelUnreadableError(f"{path.name} is larger than any such file can be.", ADVICE)
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ModelUnreadableError(f"{path} cannot be read: {error.strerror or error}.", ADVICE) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ModelUnreadableError(f"{path.name} is damaged: it is no JSON object.", ADVICE) from None


def _weights(folder: Path) -> tuple[Path, ...]:
    """The files that MLX would load, all parts of them there."""
    paths = tuple(sorted(folder.glob("model*.safetensors")))
    if not paths:
        raise ModelUnreadableError(
            f"{folder.name} has no model.safetensors.", "MLX reads models in safetensors alone; choose such a one."
        )
    for path in paths:
        found = _PART.match(path.name)
        if found is None:
            continue
        count = int(found["count"])
        names = {f"{found['stem']}-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)}
        missing = sorted(names - {other.name for other in paths})
        if missing:
            raise ModelUnreadableError(
                f"{folder.name} has a model in {count} parts, and {missing[0]} is not there.",
                "Download all parts.",
            )
    return paths


def _packing(name: str, tensors: dict[str, Stored], config: dict[str, Any]) -> tuple[int, int] | None:
    """Bits a weight and weights a scale of a packed matrix; None for a tensor that is not packed.

    Packed columns x 32 = columns x bits, and columns = scales x group. The group comes from ``config.json``, that
    of the matrix itself before that of all; the bits follow from the tensors. Raises ModelUnreadableError where
    they come out as none that there are.
    """
    scales = tensors.get(f"{name.removesuffix('weight')}scales")
    tensor = tensors[name]
    if not name.endswith(".weight") or scales is None or tensor.dtype != "U32":
        return None
    of_all = config.get("quantization")
    own = of_all.get(name.removesuffix(".weight")) if isinstance(of_all, dict) else None
    for told in (own, of_all):
        group = integer(told, "group_size") if isinstance(told, dict) else None
        columns = scales.shape[-1] * group if group and scales.shape else 0
        bits, rest = divmod(tensor.shape[-1] * _PACKED_BITS, columns) if columns and tensor.shape else (0, 0)
        if group and bits in _BITS and not rest:
            return bits, group
    raise ModelUnreadableError(
        f"{CONFIG} does not say how the tensor {name[:60]!r} is quantised.", "Choose another quantisation."
    )


def _parameters(tensors: dict[str, Stored], config: dict[str, Any]) -> tuple[int, int] | tuple[None, None]:
    """All parameters, and those that work on each token: of a mixture's experts only the ones in use.

    None where weights are packed in a way that is not MLX's own.
    """
    total = in_experts = 0
    for name, tensor in tensors.items():
        if _is_helper(name, tensors):
            continue
        packing = _packing(name, tensors, config)
        if packing is None and tensor.dtype not in _PLAIN and len(tensor.shape) > 1:
            return None, None
        count = tensor.elements * _PACKED_BITS // packing[0] if packing else tensor.elements
        total += count
        in_experts += count if ".switch_mlp." in name or ".experts." in name else 0
    experts = next(filter(None, (integer(config, key) for key in _EXPERTS)), None)
    used = integer(config, "num_experts_per_tok")
    if not experts or not used or used > experts:
        return total, total
    return total, total - in_experts * (experts - used) // experts


def _is_helper(name: str, tensors: dict[str, Stored]) -> bool:
    """Scales and their biases are part of a quantised matrix, not parameters of the model."""
    stem, _, kind = name.rpartition(".")
    return kind in {"scales", "biases"} and f"{stem}.weight" in tensors


def _quantisation(tensors: dict[str, Stored], config: dict[str, Any]) -> str | None:
    """What most bytes of the weights are stored in: ``4bit``, ``4bit-g32`` for an unusual group, ``BF16``.

    Of other makers' quantisations what they call it: ``GPTQ``.
    """
    others = config.get("quantization_config")
    method = others.get("quant_method") if isinstance(others, dict) else None
    if isinstance(method, str) and "quantization" not in config:
        return method.upper()[:_LONGEST_NAME]
    weights: Counter[str] = Counter()
    for name, tensor in tensors.items():
        if _is_helper(name, tensors):
            continue
        packing = _packing(name, tensors, config)
        if packing is None:
            weights[_PLAIN.get(tensor.dtype, tensor.dtype)] += tensor.bytes
            continue
        bits, group = packing
        usual = f"{bits}bit" if group == USUAL_GROUP else f"{bits}bit-g{group}"
        scales = tensors[f"{name.removesuffix('weight')}scales"]
        weights[_FLOAT_MODES.get(packing, usual) if scales.dtype == "U8" else usual] += tensor.bytes
    return weights.most_common(1)[0][0] if weights else None


def _shape(config: dict[str, Any]) -> FileShape | None:
    width, heads = integer(config, "hidden_size"), integer(config, "num_attention_heads")
    layers, tokens = integer(config, "num_hidden_layers"), integer(config, "vocab_size")
    if not (width and heads and layers and tokens):
        return None
    kv_heads = integer(config, "num_key_value_heads") or heads
    head = integer(config, "head_dim") or width // heads
    return FileShape(
        width=width,
        feed_forward=integer(config, "intermediate_size") or 4 * width,
        vocab_size=tokens,
        kv_values_per_token=2 * layers * kv_heads * head,
    )
