"""Engines by name, imported only when asked for.

A package of somebody else's joins through the entry point group ``tpsprofile.engines``: its entry points to a
function that takes a clock and a Setup and returns an Engine.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import entry_points

from tpsprofile.clock import Clock, SystemClock
from tpsprofile.engines.base import Engine, Setup
from tpsprofile.engines.openai import address
from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.plan import SweepPlan

GROUP = "tpsprofile.engines"
DEFAULT = "llama.cpp"
BUILT_IN: Mapping[str, str] = {
    "llama.cpp": "tpsprofile.engines.llama.embedded:LlamaCpp",
    "llama-server": "tpsprofile.engines.llama.native:LlamaServer",
    "ollama": "tpsprofile.engines.ollama.engine:Ollama",
    "openai": "tpsprofile.engines.openai.engine:OpenAI",
    "mlx": "tpsprofile.engines.mlx.engine:Mlx",
    "fake": "tpsprofile.engines.fake:FakeEngine",
}

_PASSWORD = re.compile(r"https?://.*@|[^/\\]*:[^/\\]*@", re.IGNORECASE | re.DOTALL)
"""How an address begins that has a name or a password in it. Paths may hold both signs."""

Factory = Callable[[Clock, Setup], Engine]


def names() -> tuple[str, ...]:
    """Every engine that can be asked for, the project's own first."""
    return (*BUILT_IN, *sorted(point.name for point in entry_points(group=GROUP)))


def create(name: str, clock: Clock | None = None, setup: Setup | None = None) -> Engine:
    """The engine of that name. Touches no server and starts no process.

    Raises UsageError for a name that nobody registered, and for a setup that the engine cannot use.
    """
    setup = setup or Setup()
    if setup.server is not None and _PASSWORD.match(setup.server):
        raise UsageError(
            "A server's address holds no name and no password.",
            "Put the key into an environment variable and name that: --key-env NAME.",
        )
    made = _factory(name)(clock or SystemClock(), setup)
    if setup.server is not None and made.can.server is None:
        raise UsageError(f"The engine {name} has no use for a server.", "Leave --server out.")
    if setup.chat and not made.can.chats:
        raise UsageError(f"The engine {name} takes prompts as they are, not as chat.", "Leave --chat out.")
    if setup.key_env is not None and made.can.server != "url":
        raise UsageError(f"The engine {name} has no use for a key.", "Leave --key-env out.")
    if setup.cloud and made.can.server != "url":
        raise UsageError(f"The engine {name} is no service of somebody's.", "Leave --cloud out.")
    return made


def place_of(engine: Engine, server: str | None) -> str | None:
    """Which server the engine speaks to, in one spelling; None for a program, or where nobody says.

    ``server`` is what the user said. An engine with a place of its own has it in an attribute ``address``.
    """
    if engine.can.server != "url":
        return None
    told: str | None = getattr(engine, "address", None) or server
    with suppress(UsageError):
        return address.parse(told).root
    return told


def of_plan(plan: SweepPlan, clock: Clock | None = None) -> Engine:
    """The engine that a plan asks for, set up as the plan says. Raises UsageError as ``create`` does."""
    setup = Setup(server=plan.server, key_env=plan.key_env, chat=plan.chat, cloud=plan.cloud)
    return create(plan.engine, clock, setup)


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
