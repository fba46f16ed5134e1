"""What engines have in common that read model files where they lie, and have no models of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from tpsprofile.engines.base import Weights
from tpsprofile.errors import EngineError, ModelNotInstalledError


class TakesFiles:
    """The part of an engine that is about models of its own: there are none."""

    def models(self) -> tuple[Weights, ...]:
        """None of its own."""
        return ()

    def find(self, name: str) -> Weights:
        """Raises ModelNotInstalledError: this engine takes files."""
        raise ModelNotInstalledError(f"llama.cpp has no model {name!r}.", "Give it a GGUF file.")

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Raises EngineError: there is nowhere to pull from."""
        raise EngineError("llama.cpp does not download models here.", "Give it a GGUF file.")

    def adopt(
        self, weights: Weights, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Weights]:
        """The weights as they are: files are read where they lie."""
        return nullcontext(weights)

    def make_room(self) -> None:
        """Nothing to do: a session's model leaves memory with its process."""


def file_of(weights: Weights) -> str:
    """Path of a model's file. Raises ModelNotInstalledError where it has none."""
    if weights.path is None:
        raise ModelNotInstalledError(f"There is no file for {weights.facts.name}.", "Give a GGUF file.")
    return weights.path
