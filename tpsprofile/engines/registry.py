"""Engines by name, imported only when asked for.

A package of somebody else's joins through the entry point group ``tpsprofile.engines``: its entry points to a
function that takes a clock and returns an Engine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from tpsprofile.clock import Clock, SystemClock
from tpsprofile.engines.base import Engine
from tpsprofile.errors import UsageError, did_you_mean

GROUP = "tpsprofile.engines"
DEFAULT = "llama.cpp"
BUILT_IN: Mapping[str, str] = {
    "llama.cpp": "tpsprofile.engines.llamacpp:LlamaCpp",
    "ollama": "tpsprofile.engines.ollama:Ollama",
    "fake": "tpsprofile.engines.fake:FakeEngine",
}

Factory = Callable[[Clock], Engine]


def names() -> tuple[str, ...]:
    """Every engine that can be asked for, the project's own first."""
    return (*BUILT_IN, *sorted(point.name for point in entry_points(group=GROUP)))


def create(name: str, clock: Clock | None = None) -> Engine:
    """The engine of that name. Touches no server and starts no process.

    Raises UsageError for a name that nobody registered.
    """
    return _factory(name)(clock or SystemClock())


def _factory(name: str) -> Factory:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        factory: Factory = getattr(importlib.import_module(module), attribute)
        return factory
    for point in entry_points(group=GROUP):
        if point.name == name:
            loaded: Factory = point.load()
            return loaded
    raise UsageError(f"There is no engine {name!r}.", did_you_mean(name, names()))
