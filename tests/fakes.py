"""Engines that differ in what they can, for tests of commands that have several to choose from."""

from __future__ import annotations

from typing import Any

import msgspec

from tpsprofile.engines.base import Capabilities, Weights
from tpsprofile.engines.fake import FakeEngine
from tpsprofile.errors import EngineMissingError
from tpsprofile.records import EngineInfo, ModelFacts


class Named(FakeEngine):
    """The fake engine under another name; it notes what it was set up with."""

    name = "named"
    setups: list[Any] = []  # noqa: RUF012 - tests empty it

    def __init__(self, clock: Any, setup: Any = None, **rest: Any) -> None:
        super().__init__(clock, setup, **rest)
        self.setups.append((self.name, setup))

    def info(self) -> EngineInfo:
        return msgspec.structs.replace(super().info(), name=self.name)


class Program(Named):
    """Takes files, and is a program."""

    name = "program"
    can = Capabilities(takes=("gguf",), server="program", ignores_end=True, reports_cached=True)


class Library(Named):
    """Is a server with models of its own, and takes files besides."""

    name = "library"
    can = Capabilities(takes=("gguf",), server="url", lists_models=True, ignores_end=True, reports_cached=True)


class Folders(Named):
    """Takes folders of safetensors."""

    name = "folders"
    can = Capabilities(takes=("safetensors",), ignores_end=True, reports_cached=True)


class Other(Program):
    """Is a program as well."""

    name = "other"


class Missing(Program):
    """Is not installed."""

    name = "missing"

    def info(self) -> EngineInfo:
        raise EngineMissingError("There is no such program.", "Install it.")


class Served(Named):
    """Is a server whose model somebody else loaded."""

    name = "served"
    can = Capabilities(server="url", lists_models=True, loads=False, chats=True, ignores_end=True)

    def models(self) -> tuple[Weights, ...]:
        return (Weights(facts=ModelFacts(name="theirs", file_bytes=10**9)),)

    def find(self, name: str) -> Weights:
        return Weights(facts=ModelFacts(name=name, file_bytes=10**9))


class Cloud(Served):
    """Is a service."""

    name = "cloud"

    def info(self) -> EngineInfo:
        return msgspec.structs.replace(super().info(), cloud=True, remote=True)


_ALL = (Program, Other, Library, Folders, Missing, Served, Cloud)
ENGINES = {each.name: f"tests.fakes:{each.__name__}" for each in _ALL}
