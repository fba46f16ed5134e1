"""What a llama-server tells of itself on the command line: options, version, compiler, devices, processor.

The wording differs from build to build, so nothing here is taken for granted: what is not found is None or empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"^version: (\S+) \((?:build (\d+), commit )?([^)]*)\)", re.MULTILINE)
_COMPILER = re.compile(r"^built with (.+)$", re.MULTILINE)
_DEVICE = re.compile(r"^\s+(\w+): (.+?)(?: \(\d+ MiB.*)?$", re.MULTILINE)
_SYSTEM = re.compile(r"system_info: [^|]*\| (.*)$", re.MULTILINE)
_OPTION = re.compile(r"^ {0,2}(-.*?)(?=$| {2,}[^\s-])", re.MULTILINE)
_UNKNOWN = {"0", "unknown", ""}
_NO_DEVICES = ("BLAS",)
"""Listed among the devices, but the processor does the work."""


def options(usage: str) -> frozenset[str]:
    """Every option that ``--help`` explains, by each of its names."""
    heads = _OPTION.findall(usage)
    return frozenset(word for head in heads for word in re.findall(r"(?<!\S)--?[A-Za-z][\w-]*", head))


def explained(usage: str, option: str) -> str:
    """What ``--help`` says of an option, to the next one; empty where it does not have it."""
    places = [*_OPTION.finditer(usage)]
    for number, place in enumerate(places):
        if option in re.findall(r"(?<!\S)--?[A-Za-z][\w-]*", place[1]):
            end = places[number + 1].start() if number + 1 < len(places) else len(usage)
            return usage[place.start() : end]
    return ""


def version(text: str) -> str | None:
    """``b11434`` where ``--version`` tells the number of the build, else the release or the commit, else None.

    The number counts commits: of a copy without their history, in which there is one, it says nothing.
    """
    if not (found := _VERSION.search(text)):
        return None
    name, build, commit = found.groups()
    number = build or name
    if number.isdigit() and int(number) > 1:
        return f"b{number}"
    return next((word for word in (name, commit) if word not in _UNKNOWN and word != number), None)


def commit(text: str) -> str | None:
    """The commit that ``--version`` tells, None where the build does not know it."""
    found = _VERSION.search(text)
    return found[3] if found and found[3] not in _UNKNOWN else None


def compiler(text: str) -> str | None:
    """What ``--version`` says it was built with. Folders are taken out."""
    found = _COMPILER.search(text)
    return re.sub(r"\S*[/\\](\S+)", r"\1", found[1]).strip() if found else None


def devices(text: str) -> tuple[str, ...] | None:
    """Graphics processors that ``--list-devices`` names; None where it does not list any devices at all."""
    _, heading, below = text.partition("Available devices:")
    found = (place.groups() for place in _DEVICE.finditer(below))
    return tuple(name for short, name in found if not short.startswith(_NO_DEVICES)) if heading else None


def system(log: str) -> str:
    """What the log says of the processor, as ``wording.cpu_features`` wants it; empty where it says nothing."""
    found = _SYSTEM.search(log)
    return found[1].strip() if found else ""


def first_of(known: Iterable[str], *names: str) -> str | None:
    """The first of an option's names that the program knows, None for none."""
    return next((name for name in names if name in set(known)), None)
