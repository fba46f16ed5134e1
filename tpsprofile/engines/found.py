"""What ``discover`` finds: an engine, and how near it is to being measured."""

from __future__ import annotations

import shlex
from enum import StrEnum

from tpsprofile.engines.base import Capabilities
from tpsprofile.records import Record


class State(StrEnum):
    """How near an engine is to being measured, the nearest first."""

    READY = "ready"
    INSTALLED = "installed"
    """It has to be started."""
    OTHER = "something else"
    """Somebody answers who is no engine that is known, or an engine that does not work."""
    ABSENT = "not installed"


class Found(Record, frozen=True, kw_only=True):
    """An engine, or what was found in its place. What it does not say is None."""

    name: str
    """As its makers write it: ``Ollama``, ``LM Studio``; the registered name of one that is no server; for
    something else, what it is."""
    state: State
    engine: str | None = None
    """Name of the registered engine that measures it."""
    version: str | None = None
    address: str | None = None
    """Where it answers, as a URL."""
    where: str | None = None
    """Where the program is."""
    loaded: tuple[str, ...] | None = None
    """Models in memory; None where it does not tell them from the others."""
    models: tuple[str, ...] | None = None
    """All models that it has."""
    can: Capabilities | None = None
    """What it reports when it is measured."""
    command: str | None = None
    """The command line that measures it."""
    start: str | None = None
    """The command, or what to do, that makes it ready."""
    install: str | None = None
    """How it is installed."""
    note: str | None = None
    """What else there is to know, a sentence."""


def sweep(engine: str, *more: str, model: str | None = None) -> str:
    """The command line that measures ``model`` on ``engine``, quoted for a shell."""
    chosen = ("--model", model) if model and model.isprintable() else ()
    return shlex.join(["tpsprofile", "sweep", "--engine", engine, *more, *chosen])
