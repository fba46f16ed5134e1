"""Whose speed is predicted: a chip of the catalogue, or a machine that was measured at other sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tpsprofile import chips, units
from tpsprofile.analysis import like
from tpsprofile.analysis.summary import Point, Series, Summary
from tpsprofile.analysis.usable import curve
from tpsprofile.chips import Chip
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.machine.fit import wired_limit_bytes
from tpsprofile.models import catalogue
from tpsprofile.predict import Weights, predict, third, weights
from tpsprofile.predict.estimate import named
from tpsprofile.predict.sizes import QUANTISATION, Ask
from tpsprofile.predict.weights import kind_of

ENGINE = "llama.cpp"
"""Taken where nobody says another."""


@dataclass(frozen=True)
class Subject:
    """What answers for a size, and what is to be said of it."""

    name: str
    about: str
    """What the prediction comes from, in a few words: ``546 GB/s``, ``from 3 sizes``."""
    engine: str
    ask: Ask
    ram_bytes: int | None = None
    """Memory that it has, or is sold with at most; None where unknown."""
    room_bytes: int | None = None
    """As much of it as a model may take."""
    room: str = ""
    """The memory in words: ``128 GB, the most it is sold with``; empty where unknown."""
    caveats: tuple[str, ...] = field(default=())


def of_chip(text: str, engine: str = ENGINE, ram_bytes: int | None = None) -> Subject:
    """A chip of the catalogue, with ``ram_bytes`` of memory or the most that it is sold with.

    Raises UsageError for a name that is no chip or several, and for a chip whose bandwidth is not known.
    """
    chip = chips.one(text)
    if chip.bandwidth_bytes_s is None:
        raise UsageError(
            f"The memory bandwidth of {chip.name} is not known: {chip.note or 'no source tells it'}.",
            "Name another chip, or measure two sizes on that machine and use --machine.",
        )
    memory = ram_bytes or chip.most_memory_bytes
    return Subject(
        name=chip.name,
        about=units.bandwidth(chip.bandwidth_bytes_s),
        engine=engine,
        ask=lambda of: predict(chip, of, engine),
        ram_bytes=memory,
        room_bytes=_room_bytes(memory, apple=chip.vendor == "Apple"),
        room=_room(chip, ram_bytes),
        caveats=tuple(filter(None, [_bins(text, chip), _too_much(chip, ram_bytes)])),
    )


def of_machine(
    summary: Summary,
    text: str,
    ram_bytes: int | None = None,
    engine: str | None = None,
    cards: Mapping[str, Sequence[str]] | None = None,
) -> Subject:
    """A machine with figures of two sizes or more; of several series that with most sizes, the first of equals.

    Series of ``engine`` come first where there are any. ``cards`` has the graphics cards with memory of their
    own by machine id: with them, a model has room in theirs. Raises UsageError for a label that no machine has,
    ResultsError for a machine with fewer than two sizes.
    """
    who = like.find(summary, text)
    found = [(series, curve(summary, series)) for series in summary.series if series.machine_id == who.machine_id]
    series, points = max(found, key=lambda one: (len(one[1]) > 1 and _same(one[0], engine), len(one[1])))
    if len(points) < 2:
        raise ResultsError(
            f"Figures of two sizes of {who.machine} are needed, and there is {len(points) or 'none'}.",
            "Measure another model there, or predict from its chip with --chip.",
        )
    measured = [(_weights(point), point.decode.median) for point in points if point.decode is not None]
    own = (cards or {}).get(who.machine_id, ())
    held = None if ram_bytes else _of_cards(own)
    memory = ram_bytes or held or who.ram_bytes
    chip = _chip(who.chip or who.machine, who.ram_bytes, measured)
    return Subject(
        name=who.machine,
        about=f"from {len(measured)} sizes{_origin(series)}",
        engine=series.engine,
        ask=lambda of: third(measured, of, chip),
        ram_bytes=memory,
        room_bytes=_room_bytes(memory, apple=chip is not None and chip.vendor == "Apple"),
        room="" if memory is None else units.nominal_ram(memory) + (f", of {' and '.join(own)}" if held else ""),
        caveats=(*_untold(points), *_other_engine(series, engine), *_unsized(own, held or ram_bytes)),
    )


def _of_cards(names: Sequence[str]) -> int | None:
    """Memory of graphics cards together, as they are sold; None where there are none or one is not known."""
    sizes = [chip.most_memory_bytes if chip is not None else None for chip in map(_one, names)]
    return sum(size or 0 for size in sizes) if sizes and all(sizes) else None


def _unsized(names: Sequence[str], known: int | None) -> tuple[str, ...]:
    if not names or known is not None:
        return ()
    return (f"what fits is told for all memory, not that of {' and '.join(names)} alone: give it with --ram",)


def _same(series: Series, engine: str | None) -> bool:
    return engine is not None and named(engine)[0] == named(series.engine)[0]


def _other_engine(series: Series, engine: str | None) -> tuple[str, ...]:
    if engine is None or _same(series, engine):
        return ()
    return (f"measured with {series.engine}, and told for it: there are no two sizes with {engine}",)


def _chip(text: str, ram_bytes: int | None, measured: Sequence[tuple[Weights, float]]) -> Chip | None:
    """The chip of a machine; None where its name is no chip of the catalogue, or several with unlike bandwidths.

    The memory tells bins of Apple's chips apart. A chip that would have read faster than it can is another's, or
    did not run the models.
    """
    chip = _one(text)
    if chip is None and ram_bytes is not None and "Apple" in text:
        chip = _one(f"{text} {round(ram_bytes / units.GIB)} GB")
    fastest = max(of.bytes_read * rate for of, rate in measured)
    if chip is not None and chip.bandwidth_bytes_s is not None and fastest > chip.bandwidth_bytes_s:
        return None
    return chip


def _one(text: str) -> Chip | None:
    with suppress(UsageError):
        return chips.one(text)
    return None


def _room_bytes(memory: int | None, *, apple: bool) -> int | None:
    return wired_limit_bytes(memory, None) if apple and memory is not None else memory


def _room(chip: Chip, ram_bytes: int | None) -> str:
    if ram_bytes is not None:
        return units.nominal_ram(ram_bytes)
    most = chip.most_memory_bytes
    return "" if most is None else f"{units.nominal_ram(most)}, the most it is sold with"


def _bins(text: str, chip: Chip) -> str:
    """Which bin was taken, where the name fits several of one bandwidth."""
    others = [one.name for one in chips.find(text) if one != chip]
    return f"{', '.join(others)} has the same bandwidth and is taken to be as fast" if others else ""


def _too_much(chip: Chip, ram_bytes: int | None) -> str:
    most = chip.most_memory_bytes
    if ram_bytes is None or most is None or ram_bytes <= most:
        return ""
    return f"{chip.name} is sold with {units.nominal_ram(most)} at most"


def _weights(point: Point) -> Weights:
    """What a token reads of a model that was measured: from the file's size where it is known."""
    spelt = point.quantisation or _usual(point.model)
    return weights(
        point.parameters or 0,
        spelt if point.file_bytes is None else _known(spelt),
        parameters_active=None if point.dense else point.parameters_active,
        file_bytes=point.file_bytes,
        name=point.model,
    )


def _known(quantisation: str) -> str:
    """A quantisation, or the usual one for one that is not known, which the size of the file makes up for."""
    with suppress(UsageError):
        return kind_of(quantisation)
    return QUANTISATION


def _usual(model: str) -> str:
    """What the usual download of a model holds."""
    return next((one.quantisation for one in catalogue.SHAPES if model in (one.name, *one.aliases)), QUANTISATION)


def _untold(points: tuple[Point, ...]) -> tuple[str, ...]:
    untold = [point.model for point in points if point.quantisation is None and point.bytes_read is None]
    taken = "the quantisation is not told, so that of the usual download is taken"
    return (f"{', '.join(untold)}: {taken}",) if untold else ()


def _origin(series: Series) -> str:
    return "" if series.provenance == "measured" else f" {series.provenance}"
