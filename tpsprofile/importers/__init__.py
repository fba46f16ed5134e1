"""Other tools' files become runs of our own, marked with where they come from.

Each format is a module with two functions: ``claims(text)``, whether a text looks like its own, and
``read(text)``, which gives parts or raises ``Refused`` with a line and a reason. What a file says twice is
compared, and a file that contradicts itself is refused: better no figure than a wrong one.
"""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, cast

from tpsprofile import __version__
from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.importers.reported import Part, Refused
from tpsprofile.importers.texts import decoded, text_of, tidy
from tpsprofile.records import Machine, Provenance, Run, RunHeader
from tpsprofile.schema import FORMAT

__all__ = ["FORMATS", "Part", "Refused", "as_runs", "read"]

REPORTED = "as reported"
PLAN = "imported"
"""What stands as the plan of an imported run."""

FORMATS: Mapping[str, str] = {
    "localscore": "tpsprofile.importers.localscore",
    "llama-benchy": "tpsprofile.importers.llama_benchy",
    "ollama-bench": "tpsprofile.importers.ollama_bench",
    "ollama-verbose": "tpsprofile.importers.ollama_verbose",
    "llama-bench": "tpsprofile.importers.llama_bench",
}
"""Name of a format -> its module, in the order in which they are asked whether a text is theirs."""


class Format(Protocol):
    """What a module of a format has."""

    def claims(self, text: str) -> bool:
        """Whether the text looks like this format, damaged or not. Never raises."""
        ...

    def read(self, text: str) -> tuple[Part, ...]:
        """Its parts, at least one with a trial. Raises Refused."""
        ...


def read(source: Path | str | bytes, name: str = "", format_name: str | None = None) -> tuple[Part, ...]:
    """The parts of a foreign file (a ``Path``), or of its content; ``name`` is what messages call it.

    The format is the one of ``FORMATS`` that claims the text, unless it is named.
    Raises Refused where it cannot be read as what it is, and UsageError for a format that there is not.
    """
    try:
        text = _text(source)
        return _format(text, format_name).read(text)
    except Refused as error:
        raise error.of(name or (str(source) if isinstance(source, Path) else "")) from None


def as_runs(parts: Iterable[Part], machine: Machine, source: str | None) -> list[Run]:
    """One run for each part, on the machine that the user names; ``source`` says who reported it, if known."""
    return [Run(header=_header(part, machine, source), trials=part.trials) for part in parts]


def _header(part: Part, machine: Machine, source: str | None) -> RunHeader:
    return RunHeader(
        format=FORMAT,
        run=secrets.token_hex(6),
        started_at=part.started_at,
        machine=machine,
        engine=part.engine,
        plan=PLAN,
        options=part.options,
        provenance=Provenance(kind=REPORTED, source=source, method=part.method),
        tpsprofile=__version__,
    )


def _text(source: Path | str | bytes) -> str:
    if isinstance(source, Path):
        return text_of(source)
    return tidy(source) if isinstance(source, str) else decoded(source)


def _format(text: str, name: str | None) -> Format:
    if name is not None and name not in FORMATS:
        raise UsageError(f"There is no format {name!r}.", did_you_mean(name, FORMATS))
    if name:
        return _module(name)
    claiming = [one for one in FORMATS if _module(one).claims(text)]
    if not claiming:
        raise Refused("It is no file that can be imported.", advice=f"Formats that can be: {', '.join(FORMATS)}.")
    others = [one for one in claiming[1:] if _has_figures(text, one)]
    if others:
        advice = f"Make a file of each, or take one of them alone: --format {claiming[0]}."
        raise Refused(f"It holds the output of several tools: {', '.join([claiming[0], *others])}.", None, advice)
    return _module(claiming[0])


def _module(name: str) -> Format:
    return cast(Format, importlib.import_module(FORMATS[name]))


def _has_figures(text: str, name: str) -> bool:
    """Whether a format that claims a text finds figures in it, be they damaged: the tool's name alone is none."""
    try:
        _module(name).read(text)
    except Refused as error:
        return error.line is not None
    return True
