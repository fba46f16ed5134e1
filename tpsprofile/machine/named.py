"""Computers that this program does not see: what a user calls them, or what a file says of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec

from tpsprofile import chips, units
from tpsprofile.chips import Chip
from tpsprofile.errors import UsageError
from tpsprofile.machine.chips import specified_bandwidth
from tpsprofile.records import Gpu, Machine

_AMOUNT = re.compile(r"\b\d+(?:\.\d+)?\s*gi?b\b(?:\s+(?:ram|memory))?", re.IGNORECASE)
_PRODUCT = re.compile(
    r"\b(?:Mac\s?Book (?:Pro|Air)|Mac (?:Studio|mini|Pro)|iMac|laptop|desktop PC)\b", re.IGNORECASE
)
_CARD = re.compile(r"GeForce|Radeon (?:RX|Pro|AI PRO) |NVIDIA (?:RTX|[ALHT]\d)")
"""Names of graphics cards, whose memory is not the machine's."""
_VENDOR = re.compile(
    r"\b(?:apple (?=m\d)|amd (?=ryzen|epyc|radeon|threadripper)|intel (?=core|xeon|arc)"
    r"|nvidia (?=geforce|rtx|gtx|[abhltv]\d)|geforce (?=rtx|gtx))",
    re.IGNORECASE,
)
"""A vendor before a name that is no other vendor's."""


def named(tag: str, chip: str = "another computer") -> Machine:
    """A machine of which nothing is known but what the user calls it; the same name is the same machine.

    ``Apple M2 Max 64 GB`` and ``m2 max, 64GB RAM`` are one name.
    """
    return Machine(id=f"named-{hashlib.sha256(_key(tag).encode()).hexdigest()[:12]}", chip=chip, tag=tag)


def without_vendor(name: str) -> str:
    """``RTX 4090`` of ``NVIDIA GeForce RTX 4090``; other names as they are."""
    return _VENDOR.sub("", name)


def _key(tag: str) -> str:
    """What a name comes down to: without vendor, commas and case, and amounts of memory in one spelling."""
    plain = _AMOUNT.sub(lambda found: f"{re.match(r'[0-9.]+', found[0])[0]}gb", tag.casefold())  # type: ignore[index]
    return without_vendor(" ".join(plain.replace(",", " ").split()))


def described(text: str) -> Machine:
    """The machine that a few words describe: ``M2 Max 64GB``, ``RTX 4090``, ``Mac Studio M3 Ultra 256GB``.

    Chip, memory and bandwidth are those of the catalogue, as far as the words tell; other words are a chip of that
    name, of which nothing else is known. Raises UsageError for words that fit chips of several families.
    """
    tag = " ".join(text.split())
    amounts = [units.parse_memory(re.sub(r"(?i)\s*(ram|memory)$", "", one)) for one in _AMOUNT.findall(tag)]
    words = " ".join(_PRODUCT.sub(" ", _AMOUNT.sub(" ", tag)).split(" ")).strip(" ,")
    found = _found(words, tag)
    most = max(amounts, default=None)
    if not found:
        return msgspec.structs.replace(named(tag, words or tag), ram_bytes=most)
    if _CARD.search(found[0].name):
        return _with_card(named(tag, found[0].name), found, most)
    apple = found[0].vendor == "Apple"
    cores = found[0].gpu_cores if len(found) == 1 else None
    return msgspec.structs.replace(
        named(tag, found[0].family),
        ram_bytes=most,
        gpus=(Gpu(name=found[0].family, cores=cores),) if apple else (),
        unified_memory=True if apple else None,
        bandwidth_spec_bytes_s=specified_bandwidth(found[0].family, cores),
    )


def told(machine: Machine) -> Machine:
    """A machine that a file tells of, with an id of what it is called and the bandwidth of its chip."""
    cores = next((gpu.cores for gpu in machine.gpus if gpu.cores is not None), None)
    return msgspec.structs.replace(
        machine, id=named(machine.label).id, bandwidth_spec_bytes_s=specified_bandwidth(machine.chip, cores)
    )


def _found(words: str, tag: str) -> Sequence[Chip]:
    """Chips of one family that the words mean; of several bins those that are sold with the memory."""
    found = chips.find(words) if re.search(r"\d", words) else ()  # every chip has a number
    families = {chip.family for chip in found}
    if len(families) > 1:
        raise UsageError(f"{tag!r} fits several chips: {'; '.join(sorted(families)[:8])}.", "Name one.")
    amount = _AMOUNT.search(tag)
    fitting = [] if amount is None else [one for one in chips.find(f"{words} {amount[0]}") if one in found]
    return fitting or found


def _with_card(machine: Machine, found: Sequence[Chip], most: int | None) -> Machine:
    """A machine with a graphics card: an amount that the card cannot have is the machine's own."""
    own = max((chip.most_memory_bytes or 0 for chip in found), default=0) or None
    return msgspec.structs.replace(
        machine,
        gpus=(Gpu(name=found[0].name, vram_bytes=own),),
        ram_bytes=most if most is not None and own is not None and most > own else None,
        unified_memory=False,
    )
