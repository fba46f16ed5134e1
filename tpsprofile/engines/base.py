"""The seam between the profiler and whatever runs models.

    engine = registry.create("llama.cpp", clock)
    with engine.load(weights, context_tokens=4096) as session:
        for event in session.generate(request):
            ...                                    # Token, Token, ..., Finished

An engine yields events as they arrive and reports its own counts at the end; the caller holds the clock and
does all arithmetic, so that every engine is measured the same way. Failures are the errors of
``tpsprofile.errors``; nothing else may escape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from tpsprofile.clock import Clock
from tpsprofile.records import EngineInfo, ModelFacts, Record


class Setup(Record, frozen=True, kw_only=True):
    """What the user says of an engine: where it is, and how it is to be spoken to."""

    server: str | None = None
    """A program's path or a server's address, as ``Capabilities.server`` says; None for the engine's default."""
    key_env: str | None = None
    """Name of the environment variable that holds the server's key. The key itself is nowhere but there."""
    chat: bool = False
    """Prompts go through the model's chat template, for servers that have no other way."""
    cloud: bool = False
    """The server is a service of somebody else's: a control, not a machine."""


class Capabilities(Record, frozen=True, kw_only=True):
    """What an engine can do and tell, so that nobody has to ask for its name."""

    takes: tuple[str, ...] = ()
    """Formats of the model files that it is given by path, the one that twins are written in first: ``gguf``,
    ``safetensors``. Empty for an engine that has models of its own alone."""
    server: str | None = None
    """What ``Setup.server`` is to it: ``program``, ``url``, or None for an engine that has no use for it."""
    loads: bool = True
    """Loads and unloads a model when told to, so that a load can be timed."""
    sets_context: bool = True
    """Reserves the context length that it is told to."""
    lists_models: bool = False
    """Has models of its own, by name."""
    pulls_models: bool = False
    """Can download a model that it does not have."""
    ignores_end: bool = False
    """Goes on past the end of text, so that the number of generated tokens is exact."""
    reports_cached: bool = False
    """Says how many prompt tokens came from a cache, or can be told to use none."""
    times_itself: bool = True
    """Tells prefill and decode times by its own clock; else there is the client's, and no prefill."""
    reports_size: bool = False
    """Says how much memory a loaded model takes, and how much of it is a graphics processor's."""
    chats: bool = False
    """Can put a prompt through the model's chat template (``Request.chat``)."""


class Weights(Record, frozen=True, kw_only=True):
    """A model ready to be loaded: facts, and either a file or the engine's own name for it."""

    facts: ModelFacts
    path: str | None = None
    """The model's file, or its folder, for engines that take any."""
    name: str | None = None
    """The engine's own name for it, where that is another than the facts have: of a model that it adopted."""
    loaded: bool | None = None
    """It is in the engine's memory, as a list of models says; None where none says."""


class Request(Record, frozen=True, kw_only=True):
    """One generation. ``prompt`` goes in raw: no chat template, no thinking; unless ``chat``."""

    prompt: str
    tokens_out: int
    temperature: float = 0.0
    seed: int = 0
    reuse: bool = False
    """The beginning of the prompt may come from the cache, as far as the request before had the same one."""
    silence_s: float = 600.0
    """Longest wait for the next event before the engine counts as hung."""
    chat: bool = False
    """The prompt goes through the model's chat template, thinking switched off where that can be."""


class Token(Record, frozen=True, kw_only=True):
    """A piece of generated text arrived. A chunk may hold more or less than one token."""

    text: str


class Finished(Record, frozen=True, kw_only=True):
    """The engine's own account, the last event of a generation. What it does not say is None."""

    tokens_in: int | None = None
    """Prompt tokens, cached ones included."""
    tokens_cached: int | None = None
    tokens_out: int | None = None
    tokens_drafted: int | None = None
    """Tokens that a draft model or head proposed; 0 or more where decoding is speculative."""
    prefill_s: float | None = None
    """Seconds for the uncached prompt tokens."""
    decode_s: float | None = None
    """Seconds from the first generated token to the last, that is ``tokens_out - 1`` steps."""
    stopped_by: str | None = None
    """``limit`` (all tokens that were asked for), ``end`` (end of text), or the engine's own word."""


Event = Token | Finished


class LoadedFacts(Record, frozen=True, kw_only=True):
    """What the engine says after loading."""

    context_tokens: int | None = None
    size_bytes: int | None = None
    vram_bytes: int | None = None
    version: str | None = None
    """The engine's version now, where it may change under way: a server that somebody restarts."""


class Session(Protocol):
    """A loaded model. A context manager: leaving it unloads the model."""

    @property
    def load_s(self) -> float | None:
        """Seconds from asking for the model until it could answer; None where somebody else loaded it."""
        ...

    @property
    def pids(self) -> tuple[int, ...]:
        """Root processes of the engine on this host; empty where they are unknown or elsewhere."""
        ...

    def facts(self) -> LoadedFacts:
        """What the engine reports of the loaded model."""
        ...

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield a Token for each chunk, then one Finished.

        Raises EngineDiedError, EngineTimedOutError, RepeatedOutputError or another EngineError.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Engine(Protocol):
    """Something that runs models. Creating one is cheap and touches nothing; ``info`` is the first that does."""

    @property
    def can(self) -> Capabilities:
        """What it can do and tell."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock its sessions live by: the system's, except for the fake engine's own."""
        ...

    def info(self) -> EngineInfo:
        """Name, version and build. Raises EngineMissingError with an install line."""
        ...

    def options(self) -> dict[str, str | int | float | bool | None]:
        """What it is told beside the workload (threads, GPU layers, host), for the record."""
        ...

    def models(self) -> tuple[Weights, ...]:
        """The engine's own models; empty without ``lists_models``."""
        ...

    def find(self, name: str) -> Weights:
        """The engine's own model of that name.

        Raises ModelNotInstalledError or ModelRefusedError.
        """
        ...

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Download a model; ``progress`` gets bytes done and bytes in all. Needs ``pulls_models``."""
        ...

    def adopt(
        self, weights: Weights, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Weights]:
        """Make a model file the engine's own for as long as the context lasts, and forget it afterwards.

        An engine that reads files where they lie gives back what it gets, and so does any for weights without a
        ``path``. ``progress`` gets what is done, and bytes done and in all. Raises EngineError.
        """
        ...

    def make_room(self) -> None:
        """Have whatever else the engine holds leave memory, before anybody looks how much there is.

        Never raises: where it does not succeed, ``load`` will say why.
        """
        ...

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> Session:
        """Load a model and wait until it can answer, at most ``silence_s`` seconds.

        Raises DoesNotFitError, ModelUnreadableError, EngineDiedError, EngineTimedOutError or another EngineError.
        """
        ...
