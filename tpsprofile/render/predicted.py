"""Predictions as text and as a chart: always named so, never joined with what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tpsprofile import units
from tpsprofile.predict import Prediction
from tpsprofile.predict.sizes import CONTEXT, Largest, Size, Spot
from tpsprofile.records import Record
from tpsprofile.render import words
from tpsprofile.render.metrics import METRICS, SIZES
from tpsprofile.render.names import listed
from tpsprofile.render.picture import Axis, Cross, Level, Picture, Trace, Wall

HEADINGS: Mapping[str, str] = {
    "model": "model",
    "size": "size",
    "weights": "weights",
    "rate": "tok/s",
    "interval": "80% interval",
    "memory": "memory",
    "fits": "fits",
}
"""Field of a row -> what stands above it."""
FOOT = "Dashed: predicted, not measured; its band and bar are 80% intervals."
_SOURCE = "It rests on memory bandwidth and published figures of other machines."
_REACH = 1.5
"""How far a curve is drawn beyond the largest size that is asked about."""
_LEAST, _MOST = 1.1e8, 9e11
"""A crossing nearer to the ends of a curve lies beyond them."""


class Row(Record, frozen=True, kw_only=True):
    """One predicted model, as text."""

    model: str
    size: str
    weights: str
    rate: str
    interval: str
    memory: str
    fits: str
    slow: bool
    """Below the line, or it does not fit."""


class Curve(Record, frozen=True, kw_only=True):
    """What a chart shows of one chip or machine."""

    name: str
    spots: tuple[Spot, ...]
    largest: Largest
    room: str
    """The memory in a word or two, ``24 GB``; empty where it is not known."""


def rows(sizes: Sequence[Size], line_tok_s: float) -> tuple[Row, ...]:
    """One row a model, in the order given."""
    return tuple(_row(one, line_tok_s) for one in sizes)


def _row(one: Size, line_tok_s: float) -> Row:
    told, of, outside = one.prediction, one.weights, one.fits is False
    return Row(
        model=of.name or "any model",
        size=units.parameters(of.parameters),
        weights=of.quantisation,
        rate=units.UNKNOWN if outside else units.rate(told.decode_tok_s),
        interval="does not fit" if outside else f"{units.rate(told.low)} to {units.rate(told.high)}",
        memory=units.memory(one.need_bytes),
        fits={True: "yes", False: "no", None: units.UNKNOWN}[one.fits],
        slow=outside or told.decode_tok_s < line_tok_s,
    )


def answer(largest: Largest, line_tok_s: float, room: str = "") -> str:
    """``Largest usable at 10 tok/s: about 60B (45B to 70B), Q4_K_M.``"""
    return f"Largest usable at {_line(line_tok_s)}: {_until(largest, room)}, {largest.quantisation}."


def _line(tok_s: float) -> str:
    return words.line(round(tok_s, 2) if tok_s >= 1 else tok_s)


def _until(largest: Largest, room: str) -> str:
    """``about 60B (45B to 70B)``; where memory is the wall, ``about 38B, as much as 24 GB hold``."""
    if largest.parameters < _LEAST:
        return "none of 0.1B or more"
    if largest.held is not None and largest.walled:
        return f"about {size(largest.held)}, as much as {room} hold"
    if largest.parameters > _MOST:
        return "more than 900B"
    return f"about {size(largest.parameters)} ({size(largest.low)} to {size(largest.high)})"


def size(parameters: float) -> str:
    """A parameter count that nobody counted, with two digits: ``0.35B``, ``3.6B``, ``57B``, ``120B``."""
    billions = float(f"{parameters / 1e9:.2g}")
    return f"{billions:,.0f}B" if billions >= 10 else f"{billions:g}B"


def rests_on(sizes: Sequence[Size]) -> tuple[str, ...]:
    """What all of the predictions rest on."""
    first, *others = (one.prediction.rests_on for one in sizes)
    return tuple(line for line in first if all(line in other for other in others))


def caveats(sizes: Sequence[Size]) -> tuple[str, ...]:
    """What speaks against the predictions, each once, with the models that it is about where not all are."""
    found: dict[str, list[str]] = {}
    for one in sizes:
        for line in one.prediction.caveats:
            found.setdefault(line, []).append(one.weights.name or units.parameters(one.weights.parameters))
    return tuple(line if len(who) == len(sizes) else f"{listed(who)}: {line}" for line, who in found.items())


def memory(room: str, ram_bytes: int | None, room_bytes: int | None) -> str:
    """The memory that models fit in or not: ``room`` in words, and as much of it as a model may take."""
    share = f", of which macOS lets a model take {units.memory(room_bytes)}" if room_bytes != ram_bytes else ""
    return f"Memory: {room}{share}; what models need is with {CONTEXT:,} tokens of context."


def curve(name: str, room: str, spots: Sequence[Spot], largest: Largest) -> Curve:
    """What a chart shows; ``room`` is the memory in words, the amount first."""
    return Curve(name=name, spots=tuple(spots), largest=largest, room=short(room))


def short(room: str) -> str:
    """The amount alone: ``24 GB``."""
    return room.partition(",")[0]


def compose(curve: Curve, line_tok_s: float, foot: Sequence[str] = ()) -> Picture:
    """A chart of one prediction alone."""
    right = min(1e12, _REACH * max(curve.largest.high, 72e9))
    held = curve.largest.held
    walls = () if held is None or held > right else (_wall(held, curve.room),)
    tokens = METRICS["tokens"]
    return Picture(
        title="How large a model would stay usable?",
        answer=(answer(curve.largest, line_tok_s, curve.room),),
        x=Axis(caption="parameters", ticks=SIZES),
        y=Axis(caption=tokens.caption, ticks=tokens.ticks),
        traces=(trace(curve, 0, 1.2e8, right),),
        walls=walls,
        levels=(Level(y=line_tok_s, text=_line(line_tok_s), tone=None),),
        zone="too slow to use",
        foot=(FOOT, f"Rests on: {'; '.join(foot)}."),
        simulated=False,
        crossings=_crossings(curve, line_tok_s, 0),
    )


def _wall(held: float, room: str) -> Wall:
    return Wall(x=held, text=f"does not fit in {room}", tone=0)


def trace(curve: Curve, tone: int, left: float, right: float) -> Trace:
    """The curve from one size to another as far as memory holds it, dashed with its band, and without marks."""
    right = min(right, curve.largest.held or right)
    shown: list[tuple[float, Prediction]] = [
        (float(spot.weights.parameters), spot.prediction)
        for spot in curve.spots
        if left <= spot.weights.parameters <= right
    ]
    return Trace(
        name=f"{curve.name}, predicted",
        tone=tone,
        pattern=0,
        marks=(),
        line=tuple((x, told.decode_tok_s) for x, told in shown),
        band=tuple((x, told.low, told.high) for x, told in shown),
        predicted=True,
    )


def overlaid(picture: Picture, curves: Sequence[Curve], line_tok_s: float) -> Picture:
    """A chart of measured sizes with predictions beside them, over the sizes that it shows."""
    xs = [mark.x for one in picture.traces for mark in one.marks]
    first = 1 + max(one.tone for one in picture.traces)
    right = max([*xs, *(wall.x for wall in picture.walls)]) * 1.1
    added = [trace(curve, first + place, min(xs) / 1.1, right) for place, curve in enumerate(curves)]
    crosses = [one for place, curve in enumerate(curves) for one in _crossings(curve, line_tok_s, first + place)]
    told = tuple(f"{one.name}, predicted: up to {_until(one.largest, one.room)}." for one in curves)
    return msgspec.structs.replace(
        picture,
        answer=(*picture.answer, *told),
        traces=(*picture.traces, *added),
        foot=(*picture.foot, f"{FOOT} {_SOURCE}"),
        crossings=(*picture.crossings, *(one for one in crosses if min(xs) <= one.x <= right)),
    )


def _crossings(curve: Curve, line_tok_s: float, tone: int) -> tuple[Cross, ...]:
    at = curve.largest
    if at.walled or not _LEAST < at.parameters < _MOST:
        return ()
    text = f"{size(at.parameters)} [{size(at.low)} {size(at.high)}]"
    return (Cross(x=at.parameters, y=line_tok_s, low=at.low, high=at.high, tone=tone, text=text),)
