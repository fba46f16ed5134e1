"""Chips that local models run on, with what their makers state: one catalogue, each row with its source.

The rows are ``data/chips.csv``: memory bandwidth in GB/s (10^9 bytes), memory in GB as it is sold (2^30 bytes).
Where sources disagree or say nothing a cell is empty, and unknown here. Apple's chips have a row a bin, told apart
by the GPU cores in its name; memory systems of desktops and servers are rows too.
"""

from __future__ import annotations

import csv
import difflib
import re
from functools import lru_cache
from importlib import resources

from tpsprofile import units
from tpsprofile.errors import UsageError
from tpsprofile.records import Record


class Chip(Record, frozen=True, kw_only=True):
    """One chip, or one bin of it."""

    name: str
    """``Apple M4 Max (40-core GPU)``, ``NVIDIA GeForce RTX 4090``."""
    vendor: str
    year: int | None
    bandwidth_bytes_s: float | None
    """Memory bandwidth as the maker states it; for memory systems what their modules give at most."""
    most_memory_bytes: int | None
    """The most memory that it is sold with: of the machine, or of a graphics card its own."""
    gpu_cores: int | None
    """As the maker counts them; 0 where there is none that engines use."""
    fp16_tflops: float | None
    """10^12 half-precision operations a second."""
    source: str
    note: str | None

    @property
    def family(self) -> str:
        """The name without what tells its bins apart: ``Apple M4 Max``."""
        return self.name.partition(" (")[0]


_VARIANTS = frozenset(
    ("pro", "max", "ultra", "ti", "super", "presuper", "xt", "xtx", "ada", "agx", "nano", "cpu", "laptop")
)
"""Words that make another chip of a name. A name without them means the chip that has none."""
_SERIES = frozenset(
    ["apple", "nvidia", "geforce", "rtx", "amd", "radeon", "rx", "ryzen", "intel", "jetson", "generic"]
)
"""Words that name no chip by themselves."""
_LISTED = 8
"""How many chips a message names at most."""


@lru_cache(maxsize=1)
def catalogue() -> tuple[Chip, ...]:
    """All chips, in the order of the file."""
    text = resources.files("tpsprofile").joinpath("data", "chips.csv").read_text(encoding="utf-8")
    return tuple(_chip(row) for row in csv.DictReader(text.splitlines()))


def find(text: str) -> tuple[Chip, ...]:
    """Every chip that ``text`` may mean, in the order of the catalogue; empty where there is none.

    Words in any order and case; a whole name means that chip alone. ``40-core GPU``, ``40 cores`` and ``40`` are
    the same, and an amount of memory (``128 GB``) leaves out chips that are not sold with so much. ``M4`` is the
    M4, not the M4 Pro or Max.
    """
    wanted = _words(text)
    if not wanted:
        return ()
    found = [chip for chip in catalogue() if wanted <= _words(chip.name)] or _with_memory(wanted) or _glued(text)
    if wanted <= _SERIES:
        return tuple(found)
    extra = {chip.name: (_words(chip.name) - wanted) & _VARIANTS for chip in found}
    return tuple(chip for chip in found if not any(extra[chip.name] > less for less in extra.values()))


def one(text: str) -> Chip:
    """The chip that ``text`` means. Of bins with one bandwidth, on which decoding depends, the largest.

    Raises UsageError for a name that is not in the catalogue, with the nearest that are, and for one of several
    chips, with all of them.
    """
    found = find(text)
    if not found:
        raise UsageError(f"There is no chip {text!r} in the catalogue.", _nearest(text))
    if len({(chip.family, chip.bandwidth_bytes_s) for chip in found}) == 1:
        return found[-1]
    listed = "; ".join(f"{chip.name}, {_bandwidth(chip)}" for chip in found[:_LISTED])
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    families = {chip.family for chip in found}
    what = f"{min(families)} is sold as" if len(families) == 1 else f"{text!r} fits several chips"
    raise UsageError(f"{what}: {listed}{more}.", "Name one.")


def _bandwidth(chip: Chip) -> str:
    return "bandwidth unknown" if chip.bandwidth_bytes_s is None else units.bandwidth(chip.bandwidth_bytes_s)


def _words(text: str) -> frozenset[str]:
    """What a name consists of, without what every GPU's has: ``apple m4 max 40``."""
    plain = re.sub(r"(\d)\s*gi?b\b", r"\1gb", text.lower()).replace("pre-super", "presuper")
    return frozenset(re.findall(r"[a-z0-9.+]+", plain)) - {"gpu", "core", "cores", "chip", "w", "with"}


def _with_memory(wanted: frozenset[str]) -> list[Chip]:
    """Chips of the other words that are sold with the memory that ``wanted`` names, or may be."""
    amounts = {word for word in wanted if re.fullmatch(r"\d+gb", word)}
    if not amounts or amounts == wanted:
        return []
    least = max(int(word[:-2]) for word in amounts) * units.GIB
    named = (chip for chip in catalogue() if wanted - amounts <= _words(chip.name))
    return [chip for chip in named if chip.most_memory_bytes is None or chip.most_memory_bytes >= least]


def _glued(text: str) -> list[Chip]:
    """Chips whose name has ``text`` in it when blanks do not count: ``RTX4090``, ``m4max``."""
    wanted = re.sub(r"[^a-z0-9.+]", "", text.lower())
    return [chip for chip in catalogue() if wanted in re.sub(r"[^a-z0-9.+]", "", chip.name.lower())]


def _nearest(text: str) -> str:
    """Advice: up to three names that share a word with ``text``, or else are spelt like it."""
    wanted = _words(text) - _SERIES
    known = {" ".join(sorted(_words(chip.family) - _SERIES)): chip.family for chip in catalogue()}
    shared = {name: wanted & set(words.split()) for words, name in known.items()}
    near = sorted((name for name in shared if shared[name] - _VARIANTS), key=lambda name: -len(shared[name]))
    spelt = difflib.get_close_matches(" ".join(sorted(wanted)), known, n=3, cutoff=0.5)
    if near or spelt:
        return f"Near it: {', '.join(near[:3] or [known[words] for words in spelt])}."
    return 'Names are like "Apple M4 Max (40-core GPU)", "RTX 4090" or "DDR5-5600 dual-channel desktop".'


def _chip(row: dict[str, str]) -> Chip:
    gb_s, gb = _number(row["bandwidth_gb_s"]), _number(row["most_memory_gb"])
    year, cores = _number(row["year"]), _number(row["gpu_cores"])
    return Chip(
        name=row["name"],
        vendor=row["vendor"],
        year=None if year is None else int(year),
        bandwidth_bytes_s=None if gb_s is None else gb_s * units.GB,
        most_memory_bytes=None if gb is None else int(gb * units.GIB),
        gpu_cores=None if cores is None else int(cores),
        fp16_tflops=_number(row["fp16_tflops"]),
        source=row["source"],
        note=row["note"] or None,
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
