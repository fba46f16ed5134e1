"""The engines that were found, and what each can report, as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

from tpsprofile import units
from tpsprofile.engines.base import Capabilities
from tpsprofile.engines.found import Found, State
from tpsprofile.records import Record
from tpsprofile.render.lines import GAP
from tpsprofile.render.names import plain

REPORTED = "✓"
"""The sign of a column that is filled; ``units.UNKNOWN`` is that of one that stays empty."""
PLAIN: Mapping[str, str] = {REPORTED: "yes", units.UNKNOWN: "-"}
"""What stands for both where the terminal cannot show them; they would look alike there."""
_MODELS = 3
"""Names of models that a line tells."""
_HEADINGS: Mapping[State, str] = {
    State.READY: "Ready to measure",
    State.INSTALLED: "Here, but not running",
    State.OTHER: "Answers, but cannot be measured",
}


class Line(Record, frozen=True, kw_only=True):
    """One engine."""

    name: str
    about: str
    """Version, address, models."""
    command: str
    """What to type; empty where there is nothing."""
    note: str
    """A sentence; empty where there is nothing to say."""


class Group(Record, frozen=True, kw_only=True):
    """Engines that are equally near to being measured."""

    heading: str
    lines: tuple[Line, ...]


def groups(found: Sequence[Found]) -> tuple[Group, ...]:
    """The engines by state, without the groups that are empty and without what is not installed."""
    made = []
    for state, heading in _HEADINGS.items():
        lines = tuple(_line(one) for one in found if one.state is state)
        made += [Group(heading=heading, lines=lines)] if lines else []
    return tuple(made)


def remarks(found: Sequence[Found], ports: Sequence[int]) -> tuple[str, ...]:
    """What stands below the groups: what is not installed, with how to install it, and where it was looked."""
    missing = [one for one in found if one.state is State.ABSENT]
    hints = [f"{plain(one.name)} ({plain(one.install)})" if one.install else plain(one.name) for one in missing]
    asked = ", ".join(map(str, sorted(ports)))
    looked = f"Asked were ports {asked} of this computer; --server URL asks another address."
    return (*([f"Not installed: {', '.join(hints)}."] if hints else []), looked)


def wrapped(text: str, width: int, *, indent: int = 0) -> str:
    """Text in lines of ``width`` characters, ``indent`` of them empty and two more from the second line on."""
    first, later = " " * indent, " " * (indent + 2 if indent else 0)
    lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
    return "\n".join(lines)


def folded(command: str, width: int, *, indent: int = 0) -> str:
    """A command line in lines of ``width`` characters, broken before options so that a shell still takes it."""
    lines = [" " * indent]
    for word in re.split(r" (?=--)", command):
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if lines[-1].strip() and len(longer) > width - 2:
            lines.append(" " * (indent + 2) + word)
        else:
            lines[-1] = longer
    return " \\\n".join(lines)


def _line(one: Found) -> Line:
    is_stranger = one.state is State.OTHER and one.address is not None
    place = plain(one.address or one.where or "", 200)
    if is_stranger:
        name, about = place.partition("://")[2], plain(one.name)
    else:
        told = [plain(one.version or ""), f"at {place}" if one.address else place]
        told = [" ".join(filter(None, told))] if one.address else told
        name, about = plain(one.name), " · ".join(filter(None, [*told, _models(one)]))
    return Line(name=name, about=about, command=one.command or one.start or "", note=plain(one.note or "", 300))


def _models(one: Found) -> str:
    """``3 models, loaded: llama3.2:1b``, as far as the server tells."""
    count = "" if one.models is None else f"{len(one.models)} model{'s' * (len(one.models) != 1)}"
    if one.loaded is None:
        return count
    loaded = f"loaded: {_names(one.loaded)}" if one.loaded else "none loaded"
    return ", ".join(filter(None, [count, loaded]))


def _names(models: Sequence[str]) -> str:
    shown = ", ".join(plain(name.replace("\\", "/").rpartition("/")[2], 40) for name in models[:_MODELS])
    return f"{shown} and {len(models) - _MODELS} more" if len(models) > _MODELS else shown


# ------------------------------------------------------------------------------------- what each can report

LEARNED = "a sweep learns"
"""What stands above the names of ``REPORTS``."""
LEGEND = (
    f"{REPORTED} it tells. {units.UNKNOWN} it does not: the column stays empty, or the next best takes its place. "
    "Resident memory and the machine's state come from the system, for every engine on this computer."
)
REPORTS: Mapping[str, Callable[[Capabilities], bool | str]] = {
    "load time": lambda can: can.loads,
    "TTFT, decode by this clock": lambda can: True,
    "decode by its own clock": lambda can: can.times_itself,
    "prefill": lambda can: can.times_itself,
    "cached prompt tokens": lambda can: can.reports_cached,
    "exactly as many tokens": lambda can: can.ignores_end,
    "context as asked for": lambda can: can.sets_context,
    "its size in memory, in VRAM": lambda can: can.reports_size,
    "models of its own": lambda can: can.lists_models,
    "files and twins": lambda can: ", ".join(can.takes),
}
"""What a sweep can learn -> whether an engine tells it, or what of it, from its capabilities alone."""


def capabilities(found: Sequence[Found]) -> Mapping[str, Capabilities]:
    """Name -> what it reports, for all that is ready or installed, and for every registered engine beside them.

    Two of a name are told apart by their address where they do not report the same.
    """
    shown = [one for one in found if one.state in {State.READY, State.INSTALLED}]
    for one in found:
        shown += [one] if one.can and one.engine not in {other.engine for other in shown} else []
    shown = [one for one in shown if one.can is not None]
    return {_heading(one, shown): one.can for one in shown if one.can is not None}


def _heading(one: Found, shown: Sequence[Found]) -> str:
    name = plain(one.name, 20)
    if one.address is None or all(other.can == one.can for other in shown if other.name == one.name):
        return name
    return f"{name}:{one.address.rpartition(':')[2]}"


def reports(engines: Mapping[str, Capabilities]) -> tuple[tuple[str, ...], ...]:
    """A row for each of ``REPORTS``: its name, then a cell an engine, in the order given."""
    return tuple((name, *(_cell(tells(can)) for can in engines.values())) for name, tells in REPORTS.items())


def beside(engines: Mapping[str, Capabilities], width: int) -> Iterator[Mapping[str, Capabilities]]:
    """The engines in groups, each of which makes a table of at most ``width`` columns beside the rows' names."""
    first = max(map(len, [LEARNED, *REPORTS]))
    left, group = width - first, dict[str, Capabilities]()
    for name, can in engines.items():
        takes = GAP + max(len(name), len(", ".join(can.takes)))
        if group and takes > left:
            yield group
            left, group = width - first, {}
        group[name] = can
        left -= takes
    if group:
        yield group


def _cell(told: bool | str) -> str:
    return told if isinstance(told, str) and told else REPORTED if told else units.UNKNOWN
