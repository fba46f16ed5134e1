"""Predictions for models of many sizes: the usual list, a curve, and the largest that stays usable."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from tpsprofile import units
from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.models import catalogue, memory
from tpsprofile.models.catalogue import SHAPES, Shape
from tpsprofile.predict import Prediction, Weights, known, weights
from tpsprofile.records import Record

Ask = Callable[[Weights], Prediction]
"""What a chip, or a machine that was measured at other sizes, runs weights at."""

QUANTISATION = "Q4_K_M"
"""Of most downloads; taken where nobody says another."""
CONTEXT = 4096
"""Tokens of context for which memory is reserved."""
_SMALLEST, _LARGEST, _STEPS = 1e8, 1e12, 32
_FAR, _NEAR = 4 / 3, 1.02
"""Ratios of a given size to a name's: from the first on they are two models, below the second one."""
_EXPERTS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b-?a(\d+(?:\.\d+)?)b(?![a-z])", re.IGNORECASE)
_MIXTURE = re.compile(r"moe|mixtral|\d+x\d+(\.\d+)?b", re.IGNORECASE)
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b(?![a-z])", re.IGNORECASE)


class Size(Record, frozen=True, kw_only=True):
    """One model, and what it would run at."""

    weights: Weights
    prediction: Prediction
    need_bytes: int
    """Memory that it takes."""
    fits: bool | None
    """None where the memory is not known."""


class Largest(Record, frozen=True, kw_only=True):
    """The parameter count at which a predicted curve falls below a line, and where the ends of its band do."""

    parameters: float
    low: float
    high: float
    quantisation: str
    held: float | None = None
    """Parameters that the memory holds; None where it is not known."""

    @property
    def walled(self) -> bool:
        """Memory ends what is usable before speed does."""
        return self.held is not None and self.held < self.parameters


class Spot(Record, frozen=True, kw_only=True):
    """One place of a predicted curve."""

    weights: Weights
    prediction: Prediction


class Told(Record, frozen=True, kw_only=True):
    """What the name of a model tells of its size."""

    parameters: float
    active: float | None
    """None for a dense model."""
    shape: Shape | None


def usual(ask: Ask, quantisation: str | None = None, room_bytes: int | None = None) -> tuple[Size, ...]:
    """Every model of the catalogue, smallest first, in its usual quantisation or another.

    ``room_bytes`` is the memory that a model may take. Raises UsageError for an unknown quantisation.
    """
    return tuple(of_shape(ask, shape, quantisation, room_bytes) for shape in SHAPES)


def of_shape(ask: Ask, shape: Shape, quantisation: str | None = None, room_bytes: int | None = None) -> Size:
    """One model of the catalogue. Raises UsageError for an unknown quantisation."""
    chosen = quantisation or shape.quantisation
    of = weights(shape.parameters, chosen, name=shape.name)
    need = memory.needed(shape, round(of.file_bytes), CONTEXT)
    return _size(ask, of, need.total, room_bytes)


def named(
    ask: Ask,
    model: str | None,
    count: int | None,
    active: int | None = None,
    *,
    quantisation: str | None = None,
    room_bytes: int | None = None,
) -> Size:
    """One model by its name, by its parameter count, or both; of a mixture of experts ``active`` ones a token.

    Raises UsageError for a name that says no size where ``count`` is None, for a count or active parameters that
    contradict the name, for a mixture whose active parameters nobody tells, and for an unknown quantisation.
    """
    told = of_name(model or "")
    if told is None and count is None:
        raise UsageError(
            f"There is no model {model!r} in the catalogue.",
            f"{did_you_mean((model or '').lower(), catalogue.names())}"
            " Or give its size with --parameters, and with --active too for a mixture of experts.",
        )
    _refuse(model or "", told, count, active)
    if told is not None and told.shape is not None and count is None:
        return of_shape(ask, told.shape, quantisation, room_bytes)
    of = weights(
        count or (told.parameters if told else 0),
        quantisation or QUANTISATION,
        parameters_active=active or (told.active if told else None),
        name=model,
    )
    return _with(_size(ask, of, _need(of), room_bytes), _differs(model or "", told, count))


def of_name(name: str) -> Told | None:
    """The size that a name tells of: the catalogue's, a known model's, or its own (``qwen3:235b-a22b``)."""
    for shape in catalogue.SHAPES:
        if name.lower() in (shape.name, *(alias.lower() for alias in shape.aliases)):
            return Told(parameters=shape.parameters, active=None, shape=shape)
    published, size, both = known.of_name(name), _SIZE.search(name), _EXPERTS.search(name)
    if published is not None and (size is None or not _apart(float(size[1]), published.parameters)):
        active = None if published.active is None else published.active * 1e9
        return Told(parameters=published.parameters * 1e9, active=active, shape=None)
    if both is None:
        return None
    return Told(parameters=float(both[1]) * 1e9, active=float(both[2]) * 1e9, shape=None)


def _apart(one: float, other: float) -> bool:
    return not 1 / _FAR < one / other < _FAR


def _refuse(name: str, told: Told | None, count: int | None, active: int | None) -> None:
    if told is None:
        if active is None and _MIXTURE.search(name):
            raise UsageError(
                f"{name} is a mixture of experts, and what a token uses is not known.", "Give --active too."
            )
        return
    if count is not None and _apart(count, told.parameters):
        has, given = units.parameters(told.parameters), units.parameters(count)
        raise UsageError(f"{name} has {has} parameters, not {given}.", "Leave out --parameters, or --model.")
    if active is not None and told.active is None:
        raise UsageError(f"{name} uses all of its parameters for every token.", "Leave out --active.")


def _differs(name: str, told: Told | None, count: int | None) -> str:
    if told is None or count is None or 1 / _NEAR < count / told.parameters < _NEAR:
        return ""
    return f"{name} has {units.parameters(told.parameters)} parameters; told for {units.parameters(count)}"


def _with(one: Size, caveat: str) -> Size:
    if not caveat:
        return one
    told = msgspec.structs.replace(one.prediction, caveats=(caveat, *one.prediction.caveats))
    return msgspec.structs.replace(one, prediction=told)


def curve(ask: Ask, quantisation: str = QUANTISATION) -> tuple[Spot, ...]:
    """Dense models of one quantisation from 0.1B to 1,000B parameters, evenly in log parameters.

    Sizes at which a known model lies are left out: the curve is of models in general.
    """
    ratio = (_LARGEST / _SMALLEST) ** (1 / _STEPS)
    sizes = [_SMALLEST * ratio**step for step in range(_STEPS + 1)]
    every = [weights(size, quantisation) for size in sizes]
    return tuple(Spot(weights=of, prediction=ask(of)) for of in every if of.shape is None)


def largest(spots: Sequence[Spot], line_tok_s: float, room_bytes: int | None = None) -> Largest:
    """Where a curve crosses the line, in tok/s; ends of the curve stand for what lies beyond them.

    ``room_bytes`` is the memory that a model may take.
    """
    rates = [[one.decode_tok_s, one.low, one.high] for one in (spot.prediction for spot in spots)]
    sizes = [float(spot.weights.parameters) for spot in spots]
    value, low, high = (_crossing(sizes, column, line_tok_s) for column in zip(*rates, strict=True))
    needs = [1 / _need(spot.weights) for spot in spots]
    held = None if room_bytes is None else _crossing(sizes, needs, 1 / room_bytes)
    return Largest(parameters=value, low=low, high=high, quantisation=spots[0].weights.quantisation, held=held)


def parameters(text: str) -> int:
    """A parameter count: ``8.03B``, ``135M``, ``8.03e9``, ``8030000000``; a bare number below 2,000 is billions.

    Raises UsageError for anything else.
    """
    found = re.fullmatch(r"\s*([\d_,.]+(?:e\+?\d+)?)\s*([kmbt]?)\s*", text, re.IGNORECASE)
    try:
        value = float(found[1].replace(",", "").replace("_", "")) if found else 0.0
    except ValueError:
        value = 0.0
    unit = found[2].lower() if found else ""
    value *= {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "": 1e9 if value < 2000 else 1.0}[unit]
    if not 1e6 <= value <= 1e13:
        raise UsageError(f"{text!r} is not a parameter count.", "Write it as 8.03B, 135M or 8030000000.")
    return round(value)


def _need(of: Weights) -> int:
    """Bytes that a model of unknown dimensions takes: weights, engine, and the keys and values of the context.

    These for 8 heads of 128 values a layer, as most models from 1B on have.
    """
    cache = 2 * 2 * 8 * 128 * of.layers * CONTEXT
    return memory.at_least(round(of.file_bytes)).total + round(cache)


def _size(ask: Ask, of: Weights, need_bytes: int, room_bytes: int | None) -> Size:
    fits = None if room_bytes is None else need_bytes <= room_bytes
    return Size(weights=of, prediction=ask(of), need_bytes=need_bytes, fits=fits)


def _crossing(sizes: Sequence[float], rates: Sequence[float], line: float) -> float:
    """The first size at which falling values pass the line, between two places as in log-log."""
    if rates[0] <= line:
        return sizes[0]
    for (left, above), (right, below) in pairwise(zip(sizes, rates, strict=True)):
        if below < line:
            share = math.log(above / line) / math.log(above / below)
            return left * math.exp(share * math.log(right / left))
    return sizes[-1]
