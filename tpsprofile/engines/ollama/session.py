"""A model in Ollama's memory: its generations, and how it gets out again."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from types import TracebackType
from typing import Self

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Event, LoadedFacts, Request, Token
from tpsprofile.engines.ollama import facts
from tpsprofile.engines.ollama.process import server_pids
from tpsprofile.engines.ollama.wire import KEEP_ALIVE, Answer, Wire
from tpsprofile.errors import EngineDiedError, EngineError, ProfileError, RepeatedOutputError

UNLOAD_S = 30.0
"""Longest wait for models to leave memory, in seconds."""
POLL_S = 0.05
"""Time between two looks at what is in memory, in seconds."""
REPEATS = 30
"""From so many equal chunks in a row on Ollama ends a stream, without a word."""
_UNLIKE = {"repeat_penalty": 1000.0, "repeat_last_n": 64}
"""What keeps a twin from being stopped by that: random weights say the same token for ever, unless the last few
are all but forbidden. It costs nothing: a milder penalty over as many tokens is Ollama's usual one."""


class OllamaSession:
    """A model in Ollama's memory, for at least an hour after the last request or until the session is left."""

    def __init__(
        self,
        clock: Clock,
        wire: Wire,
        *,
        name: str,
        context_tokens: int,
        longest: int | None,
        load_s: float,
        synthetic: bool = False,
    ) -> None:
        self.load_s = load_s
        self._clock = clock
        self._wire = wire
        self._name = name
        self._context_tokens = context_tokens
        self._longest = longest
        self._extra = _UNLIKE if synthetic else {}
        self._stream: Generator[Answer] | None = None
        self._pids = server_pids(wire.place.port) if wire.local else ()

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's process, whose children run the model; empty on another computer or where it is hidden."""
        return self._pids

    def facts(self) -> LoadedFacts:
        """Sizes and context length from ``/api/ps``, and the server's version now; 0.5 tells no context length.

        Ollama repeats the context length that it was asked for even where it gave less because the model was made
        for less, so the shorter of the two is the answer. Of a model that has left memory only the version is
        told; the next generation brings it back. Raises EngineDiedError or EngineTimedOutError where ``/api/ps``
        does not answer.
        """
        listed = next((model for model in self._wire.loaded(working=True) if model.name == self._name), None)
        version = self._version()
        if listed is None:
            return LoadedFacts(version=version)
        context = listed.context_length
        return LoadedFacts(
            context_tokens=min(context, self._longest or context) if context else None,
            size_bytes=None if listed.size is None else int(listed.size),
            vram_bytes=None if listed.size_vram is None else int(listed.size_vram),
            version=version,
        )

    def _version(self) -> str | None:
        try:
            return self._wire.version()
        except EngineError:
            return None

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield a Token for each chunk with content, then one Finished. Thinking is off and counts as none.

        Raises EngineError for fewer than one token and for a prompt that is longer than the context;
        RepeatedOutputError, EngineDiedError, EngineTimedOutError or another EngineError while it runs.
        """
        if request.tokens_out < 1:
            raise EngineError("Ollama takes fewer than one token to mean no limit.", "Ask for at least one.")
        return self._events(request)

    def _events(self, request: Request) -> Iterator[Event]:
        recent: deque[str] = deque(maxlen=REPEATS)
        self._stream = self._wire.generate(self._body(request), request.silence_s)
        with closing(self._stream) as lines:
            for line in lines:
                if text := line.get("response"):
                    yield Token(text=text)
                recent.append((text or line.get("thinking") or "").strip())
                if line.get("done"):
                    yield facts.finished(line)
                    return
        if len(recent) == REPEATS and len(set(recent)) == 1:
            raise RepeatedOutputError(
                f"Ollama stopped {self._wire.title(self._name)} because its text repeated itself."
            )
        raise EngineDiedError("Ollama ended its answer before it was complete.", "Look at its log for the reason.")

    def _body(self, request: Request) -> Answer:
        """The same context length as at loading, or Ollama would load the model anew.

        ``truncate`` makes newer servers refuse a prompt that is too long, where they would cut it in silence.
        Nothing is sent for ``Request.reuse``: Ollama always takes from its cache the tokens with which the prompt
        and the text before it begin alike, and cannot be told not to. Where the model looks back through a window
        it may take none.
        """
        return {
            "model": self._name,
            "prompt": request.prompt,
            "raw": True,
            "think": False,
            "truncate": False,
            "stream": True,
            "keep_alive": KEEP_ALIVE,
            "options": {
                "num_ctx": self._context_tokens,
                "num_predict": request.tokens_out,
                "temperature": request.temperature,
                "seed": request.seed,
                **self._extra,
            },
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream:
            self._stream.close()  # a generation that nobody waits for keeps the model in memory until its end
        if unload(self._wire, self._name):
            with suppress(ProfileError):
                wait_until_gone(self._clock, self._wire, {self._name})


def in_memory(wire: Wire) -> set[str]:
    """Names of the loaded models."""
    return {model.name for model in wire.loaded() if model.name}


def unload(wire: Wire, name: str) -> bool:
    """Unload, whatever state the server is in: it may be the very thing that failed. True where it answered."""
    try:
        wire.unload(name)
    except ProfileError:
        return False
    return True


def wait_until_gone(clock: Clock, wire: Wire, names: set[str]) -> set[str]:
    """Wait until none of these is in memory, at most ``UNLOAD_S``; returns those that still are."""
    until = clock.monotonic() + UNLOAD_S
    while left := names & in_memory(wire):
        if clock.monotonic() >= until:
            return left
        clock.sleep(POLL_S)
    return set()
