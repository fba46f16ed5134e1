"""How many bytes of weights a token reads, from a parameter count and a quantisation."""

from __future__ import annotations

import math
import re

from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.predict import known
from tpsprofile.records import Record


class Weights(Record, frozen=True, kw_only=True):
    """The weights of a model, as far as speed depends on them."""

    parameters: int
    parameters_active: int | None
    """Parameters that a token uses, of a mixture of experts; None for a dense model."""
    quantisation: str
    """As the table here names it: ``Q4_K_M``, ``F16``, ``4bit``."""
    bytes_read: float
    """Bytes of weights that one token reads."""
    file_bytes: float
    """Bytes that all weights take, in memory or on disk."""
    layers: float
    """Of the known model, else what models of the size have."""
    name: str | None
    experts: bool
    """A mixture of experts."""
    shape: str | None
    """The known model whose tables were counted with; None where their size was estimated."""


class Kind(Record, frozen=True, kw_only=True):
    """A quantisation."""

    bits: float
    """Bits a weight of the layers: values and their scales, averaged over the tensors of a mix."""
    table_bits: float
    """Bits a weight of the output table."""
    group: str
    """What is read alike: ``float``, ``8``, ``4``, ``K``, ``low``."""


def _kind(bits: float, table_bits: float, group: str) -> Kind:
    return Kind(bits=bits, table_bits=table_bits, group=group)


KINDS: dict[str, Kind] = {
    "F32": _kind(32, 32, "float"),
    "F16": _kind(16, 16, "float"),
    "BF16": _kind(16, 16, "float"),
    "Q8_0": _kind(8.5, 8.5, "8"),
    "Q6_K": _kind(6.5625, 6.5625, "K"),
    "Q5_0": _kind(5.5, 6.5625, "4"),
    "Q5_1": _kind(6.0, 6.5625, "4"),
    "Q5_K_S": _kind(5.5, 6.5625, "K"),
    "Q5_K_M": _kind(5.67, 6.5625, "K"),
    "Q4_0": _kind(4.5, 6.5625, "4"),
    "Q4_1": _kind(5.0, 6.5625, "4"),
    "Q4_K_S": _kind(4.56, 6.5625, "K"),
    "Q4_K_M": _kind(4.81, 6.5625, "K"),
    "IQ4_XS": _kind(4.28, 6.5625, "low"),
    "IQ4_NL": _kind(4.52, 6.5625, "4"),
    "Q3_K_L": _kind(4.2, 6.5625, "low"),
    "Q3_K_M": _kind(3.85, 6.5625, "low"),
    "Q3_K_S": _kind(3.44, 6.5625, "low"),
    "Q2_K": _kind(3.16, 6.5625, "low"),
    "IQ3_M": _kind(3.66, 6.5625, "low"),
    "IQ3_S": _kind(3.44, 6.5625, "low"),
    "IQ3_XXS": _kind(3.1, 5.5, "low"),
    "IQ2_M": _kind(2.7, 5.5, "low"),
    "IQ2_S": _kind(2.5, 5.5, "low"),
    "IQ2_XS": _kind(2.35, 5.5, "low"),
    "IQ2_XXS": _kind(2.1, 5.5, "low"),
    "IQ1_S": _kind(1.6, 5.5, "low"),
    "Q8_K_XL": _kind(9.6, 12, "8"),
    "Q6_K_XL": _kind(7.0, 8.5, "K"),
    "Q5_K_XL": _kind(5.75, 6.5625, "K"),
    "Q4_K_XL": _kind(4.9, 6.5625, "K"),
    "Q3_K_XL": _kind(3.95, 6.5625, "low"),
    "Q2_K_XL": _kind(3.1, 6.5625, "low"),
    "MXFP4": _kind(4.25, 8.5, "4"),
    "NVFP4": _kind(4.5, 16, "4"),
    "AWQ": _kind(4.25, 16, "4"),
    "GPTQ": _kind(4.25, 16, "4"),
    "INT4": _kind(4.25, 16, "4"),
    "INT8": _kind(8.1, 16, "8"),
    "FP8": _kind(8.1, 16, "8"),
    "3bit": _kind(3.5, 3.5, "low"),
    "4bit": _kind(4.5, 4.5, "4"),
    "5bit": _kind(5.5, 5.5, "4"),
    "6bit": _kind(6.5, 6.5, "8"),
    "8bit": _kind(8.5, 8.5, "8"),
}
"""Bits a weight. Those of a single type are its block's (ggml's quantised types: values and scales of 32 or 256
weights; MLX: groups of 64); those of a mix are what its published files take, the tables apart."""

_ALIASES = {
    "FP16": "F16",
    "FP32": "F32",
    "Q8": "Q8_0",
    "Q6": "Q6_K",
    "Q5": "Q5_K_M",
    "Q4": "Q4_K_M",
    "Q5_K": "Q5_K_M",
    "Q4_K": "Q4_K_M",
    "Q3_K": "Q3_K_M",
    "Q2_K_S": "Q2_K",
    "Q2_K_M": "Q2_K",
    "MXFP4_MOE": "MXFP4",
    "MXFP4-MOE": "MXFP4",
    "Q4_K_MEDIUM": "Q4_K_M",
    "GPTQ4": "GPTQ",
}
_BILLION = 1e9
_TIED, _UNTIED = 3e9, 8e9
"""Parameters up to which models mostly tie their tables, and from which on they do not."""


def kind_of(quantisation: str) -> str:
    """The name in ``KINDS`` of a quantisation, however it is spelt: ``q4_k_m``, ``UD-Q4_K_XL``, ``4-bit``.

    Raises UsageError for one that is not there, with all that are.
    """
    text = quantisation.strip().upper().removeprefix("UD-").replace(" ", "_")
    bits = re.fullmatch(r"(?:MLX-)?([34568])-?BITS?", text)
    text = f"{bits[1]}bit" if bits else _ALIASES.get(text, text)
    if text in KINDS:
        return text
    advice, there = did_you_mean(text, KINDS), f"There is: {', '.join(KINDS)}."
    advice = f"{advice.partition('There is')[0]} {there}".strip()
    raise UsageError(f"There is no quantisation {quantisation!r} here.", advice)


def weights(
    parameters: float,
    quantisation: str = "Q4_K_M",
    *,
    parameters_active: float | None = None,
    file_bytes: float | None = None,
    name: str | None = None,
) -> Weights:
    """What one token reads of a model of ``parameters`` weights.

    bytes read = layers x their bits + output table x its bits, all of it from ``file_bytes`` where the size of the
    file is known; never the input embedding, except where it is the output table (tied). The tables are those of
    the model that ``name`` or the exact parameter count tells of; else they are estimated: tied below 5B, above it
    6.5% of the parameters at 8B and less of larger ones. A mixture of experts reads its active parameters.

    Raises UsageError for an unknown quantisation, listing what is known, and for parameters that are not positive.
    """
    if parameters <= 0 or (parameters_active is not None and not 0 < parameters_active <= parameters):
        raise UsageError("A model has parameters, and no more active ones than all.", "Give 8B, or 30B.")
    spelt = kind_of(quantisation)
    kind = KINDS[spelt]
    model = _model(parameters, name)
    if model is not None and model.active is not None and parameters_active is None:
        parameters_active = model.active * _BILLION
    table, looked_up = _tables(parameters, model)
    body = parameters - table - looked_up
    layers_bytes, table_bytes = body * kind.bits / 8, table * kind.table_bits / 8
    unread = looked_up * kind.bits / 8
    whole = layers_bytes + table_bytes + unread
    if file_bytes is not None:
        unread, whole = unread * min(1.0, file_bytes / whole), file_bytes
    read = whole - unread if parameters_active is None else whole * parameters_active / parameters
    return Weights(
        parameters=round(parameters),
        parameters_active=None if parameters_active is None else round(parameters_active),
        quantisation=spelt,
        bytes_read=read,
        file_bytes=whole,
        layers=float(model.layers) if model else _layers(parameters),
        name=name,
        experts=parameters_active is not None and parameters_active < parameters,
        shape=model.name if model else None,
    )


def _model(parameters: float, name: str | None) -> known.Known | None:
    """The known model, unless what the name tells of has quite another size."""
    named = known.of_name(name) if name else None
    if named is not None and 0.75 < parameters / _BILLION / named.parameters < 1.35:
        return named
    return known.of_count(parameters)


def _tables(parameters: float, model: known.Known | None) -> tuple[float, float]:
    """Parameters of the output table, and of an input table beside it; estimated for models that are not known."""
    if model is not None:
        return model.table * _BILLION, 0.0 if model.tied else model.table * _BILLION
    share = 0.065 * min(4.0, float((8 * _BILLION / parameters) ** 0.65))
    untied = math.log(parameters / _TIED) / math.log(_UNTIED / _TIED)
    return share * parameters, share * parameters * min(1.0, max(0.0, untied))


def _layers(parameters: float) -> float:
    """Layers that models of the size have: about 25 below 2B, 35 at 8B, 43 at 14B, 78 at 70B.

    Least absolute deviations over the published configurations in ``known`` and ``catalogue``; small ones are no
    shallower than 16 layers, whatever their size.
    """
    return float((25.0**8 + (15.5 * (parameters / _BILLION) ** 0.38) ** 8) ** (1 / 8))
