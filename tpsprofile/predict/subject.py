"""Whose speed is predicted: a chip of the catalogue, or a machine that was measured at other sizes."""

from __future__ import annotations

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
from tpsprofile.predict import predict, third, weights
from tpsprofile.predict.sizes import QUANTISATION, Ask

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


def of_machine(summary: Summary, text: str, ram_bytes: int | None = None) -> Subject:
    """A machine with figures of two sizes or more; of several series that with most sizes, the first of equals.

    Raises UsageError for a label that no machine has, ResultsError for a machine with fewer than two sizes.
    """
    who = like.find(summary, text)
    found = [(series, curve(summary, series)) for series in summary.series if series.machine_id == who.machine_id]
    series, points = max(found, key=lambda one: len(one[1]))
    if len(points) < 2:
        raise ResultsError(
            f"Figures of two sizes of {who.machine} are needed, and there is {len(points) or 'none'}.",
            "Measure another model there, or predict from its chip with --chip.",
        )
    measured = [(_bytes_read(point), point.decode.median) for point in points if point.decode is not None]
    chip = _chip(who.chip or who.machine)
    memory = ram_bytes or who.ram_bytes
    return Subject(
        name=who.machine,
        about=f"from {len(measured)} sizes{_origin(series)}",
        engine=series.engine,
        ask=lambda of: third(measured, of, chip),
        ram_bytes=memory,
        room_bytes=_room_bytes(memory, apple=chip is not None and chip.vendor == "Apple"),
        room="" if memory is None else units.nominal_ram(memory),
        caveats=_untold(points),
    )


def _chip(text: str) -> Chip | None:
    """The chip of a machine; None where its name is no chip of the catalogue, or several."""
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


def _bytes_read(point: Point) -> float:
    """Bytes a token reads, by the file's size where it is known, else by the quantisation."""
    if point.bytes_read is not None:
        return point.bytes_read
    of = weights(
        point.parameters or 0,
        point.quantisation or _usual(point.model),
        parameters_active=point.parameters_active,
        name=point.model,
    )
    return of.bytes_read


def _usual(model: str) -> str:
    """What the usual download of a model holds."""
    return next((one.quantisation for one in catalogue.SHAPES if model in (one.name, *one.aliases)), QUANTISATION)


def _untold(points: tuple[Point, ...]) -> tuple[str, ...]:
    untold = [point.model for point in points if point.quantisation is None and point.bytes_read is None]
    taken = "the quantisation is not told, so that of the usual download is taken"
    return (f"{', '.join(untold)}: {taken}",) if untold else ()


def _origin(series: Series) -> str:
    return "" if series.provenance == "measured" else f" {series.provenance}"
