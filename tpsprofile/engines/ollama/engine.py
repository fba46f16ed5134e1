"""Ollama: the models of a server on this computer, or of the one that the setup or ``OLLAMA_HOST`` names.

Beside its own models it runs GGUF files, which it is given for the time being (``adopted``).

What it cannot do shapes this engine. It cannot go on past the end of text, nor be told to forget a prompt, so
prompts must differ from their first character on. It starts with a context length of its own choice and loads a
model anew whenever another is asked for, so every request names the same one. It shares the server with others:
a load counts as cold once the model has left memory, and on this computer all other models are asked to leave
as well, since they would take memory from the one that is measured. They come back with their next request. On
another computer, whose owner may be somebody else, only the measured model is unloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Capabilities, Setup, Weights
from tpsprofile.engines.ollama import adopted, facts
from tpsprofile.engines.ollama.failures import not_installed
from tpsprofile.engines.ollama.session import OllamaSession, in_memory, unload, wait_until_gone
from tpsprofile.engines.ollama.wire import Answer, Wire
from tpsprofile.errors import (
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelRefusedError,
    ProfileError,
)
from tpsprofile.records import EngineInfo


class Ollama:
    """A server with models of its own, which takes files besides. Creating this touches nothing."""

    can = Capabilities(takes=("gguf",), server="url", lists_models=True, pulls_models=True, reports_size=True)

    def __init__(self, clock: Clock, setup: Setup | None = None) -> None:
        setup = setup or Setup()
        self.clock = clock
        self._wire = Wire(setup.server, setup.key_env, cloud=setup.cloud)
        self._adopted: set[str] = set()

    @property
    def address(self) -> str:
        """Where the server is. Raises ProfileError for a setting that is no address."""
        return self._wire.address

    def info(self) -> EngineInfo:
        """Name and version; Ollama says nothing of its build.

        Raises EngineMissingError where no server answers, or what answers is not Ollama.
        """
        try:
            version = self._wire.version()
        except (EngineMissingError, EngineTimedOutError):
            raise
        except EngineError as error:
            raise EngineMissingError(
                f"What answers at {self._wire.address} is not an Ollama server.",
                "Set OLLAMA_HOST or --server to one.",
            ) from error
        wire = self._wire
        return EngineInfo(name="ollama", version=version, remote=not wire.local, cloud=wire.service)

    def options(self) -> dict[str, str | int | float | bool | None]:
        """That thinking is off, and prompts are not cut silently."""
        return {"think": False, "truncate": False}

    def models(self) -> tuple[Weights, ...]:
        """The server's own models that make text, in its order. Cloud models are left out."""
        found = []
        for listed in self._wire.listed():
            if adopted.is_ours(listed["name"]):
                continue
            with suppress(ModelRefusedError):
                found.append(self._weights(listed, forgiving=True))
        return tuple(found)

    def find(self, name: str) -> Weights:
        """The model of that name; ``:latest`` may be left out.

        Raises ModelNotInstalledError, and ModelRefusedError for a cloud model or one that makes no text.
        """
        full = _with_tag(name)
        listed = next(
            (entry for entry in self._wire.listed() if entry["name"].casefold() == full.casefold()), None
        )
        if listed is None:
            _refuse_cloud_name(full)
            raise not_installed(name)
        return self._weights(listed)

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Download a model. ``progress`` gets the bytes of all layers so far, done and in all (None: unknown).

        Raises ModelNotInstalledError where there is no such model, and EngineError where there is no network.
        """
        _refuse_cloud_name(_with_tag(name))
        layers: dict[str, tuple[int, int]] = {}
        status = None
        for update in self._wire.pull(name):
            status = update.status
            if update.digest and update.total:
                layers[update.digest] = (update.completed or 0, update.total)
            progress(sum(done for done, _ in layers.values()), sum(size for _, size in layers.values()) or None)
        if status != "success":
            raise EngineDiedError(f"The download of {name} ended before it was complete.", "Pull it again.")

    def adopt(
        self, weights: Weights, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Weights]:
        """A file becomes a model of the server until the context is left; its own models stay as they are.

        What is left of a run that was killed is deleted first. Raises ModelRefusedError for a model in several
        files, ProfileError where the server's disk has no room, and EngineError.
        """
        if weights.path is None:
            return nullcontext(weights)
        return adopted.adopted(self._wire, weights, self._adopted, progress)

    def make_room(self) -> None:
        """Ask every model to leave memory, on this computer, and wait until they are gone, at most ``UNLOAD_S``.

        Never raises: a server that cannot be asked, or a model that somebody else keeps, is for ``load`` to tell.
        """
        with suppress(ProfileError):
            if self._wire.local:
                self._send_away(in_memory(self._wire))

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> OllamaSession:
        """Load a model that is not in memory, wait until it can answer, and take the time by the clock here.

        Raises EngineMissingError, ModelNotInstalledError, ModelUnreadableError, DoesNotFitError, EngineDiedError,
        EngineTimedOutError, and EngineError for a model that somebody else keeps in memory.
        """
        name = weights.name or weights.facts.name
        longest = facts.trained_context(self._show(name))
        self._clear(name)
        started = self.clock.monotonic()
        try:
            self._wire.preload(name, context_tokens, silence_s)
        except BaseException:
            unload(self._wire, name)  # the server may go on loading for nobody
            raise
        load_s = self.clock.monotonic() - started
        return OllamaSession(
            self.clock,
            self._wire,
            name=name,
            context_tokens=context_tokens,
            longest=longest,
            load_s=load_s,
            synthetic=weights.facts.synthetic,
        )

    def _show(self, name: str) -> Answer:
        return self._wire.ask("POST", "/api/show", {"model": name})

    def _weights(self, listed: Answer, *, forgiving: bool = False) -> Weights:
        name = listed["name"]
        if host := facts.remote_host(listed):
            raise ModelRefusedError(f"{name} is a cloud model: it runs at {host}, not on this machine.")
        shown: Answer = {}
        try:
            shown = self._show(name)
        except EngineMissingError:
            raise
        except ProfileError:
            if not forgiving:  # a model that cannot be shown is still worth a line in a list
                raise
        if "completion" not in shown.get("capabilities", ("completion",)):
            raise ModelRefusedError(f"{name} makes no text: it can {', '.join(shown['capabilities'])}.")
        return Weights(facts=facts.model_facts(listed, shown))

    def _clear(self, name: str) -> None:
        """Have memory emptied for a cold load. Raises EngineError when the model itself does not leave."""
        names = {name, *(in_memory(self._wire) if self._wire.local else ())}
        if name in self._send_away(names):
            raise EngineError(
                f"{self._wire.title(name)} does not leave memory.", "Wait until nobody else uses this server."
            )

    def _send_away(self, names: set[str]) -> set[str]:
        """Ask these to leave memory and wait, at most ``UNLOAD_S``; returns those that stay."""
        for each in names:
            unload(self._wire, each)
        return wait_until_gone(self.clock, self._wire, names)


def _with_tag(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _refuse_cloud_name(name: str) -> None:
    if name.endswith((":cloud", "-cloud")):
        raise ModelRefusedError(f"{name} is a cloud model: it runs at ollama.com, not on this machine.")
