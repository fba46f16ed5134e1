"""A llama-server spoken to over HTTP, whoever began it: the embedded child, or a program of the user's own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import httpx

from tpsprofile.clock import Clock, SystemClock
from tpsprofile.engines.base import Event, LoadedFacts, Request, Token
from tpsprofile.engines.llama import timings
from tpsprofile.errors import EngineDiedError, EngineError, EngineTimedOutError

BITE_S = 0.05
"""Longest time for which chunks may pile up, in seconds."""
FIRST_TAKEN = 4
"""Chunks after which the rate is known well enough to wait for several."""
_GREEDY = {"samplers": ["top_k"], "top_k": 1}
"""The likeliest token and nothing else: the usual chain comes to the same, and sorts the vocabulary on the way."""
_STOPS = {"limit": "limit", "eos": "end"}


class Server(Protocol):
    """A process that serves one model as llama-server does: the embedded child, or one that others began."""

    @property
    def pid(self) -> int:
        """Its process id on this host."""
        ...

    def how_it_ended(self) -> str:
        """``signal 9``, ``exit status 1``, or that it still runs: for messages."""
        ...

    def end(self) -> None:
        """Called when the session is left: end the process, or let it live on."""
        ...


class LlamaCppSession:
    """A server with one model, spoken to at ``url``, which is plain HTTP; it took ``load_s`` seconds to load."""

    def __init__(self, server: Server, url: str, load_s: float) -> None:
        self.load_s = load_s
        self.url = url
        self._server = server
        self._host = urlsplit(url).netloc
        # The server drops connections that wait, and may do so just when one is taken up again.
        self._http = httpx.Client(base_url=url, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's process."""
        return (self._server.pid,)

    def facts(self) -> LoadedFacts:
        """Context length as the server has reserved it."""
        try:
            slots = self._http.get("/slots", timeout=30.0).json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._failure(error) from error
        slot = slots[0] if isinstance(slots, list) and slots else None
        return LoadedFacts(context_tokens=slot.get("n_ctx") if isinstance(slot, dict) else None)

    def generate(self, request: Request) -> Iterator[Event]:
        """Stream one completion. Raises EngineDiedError, EngineTimedOutError or EngineError."""
        body = {
            "prompt": request.prompt,
            "n_predict": request.tokens_out,
            "temperature": request.temperature,
            "seed": request.seed,
            "cache_prompt": request.reuse,
            "ignore_eos": True,
            "stream": True,
        }
        if request.temperature == 0:
            body |= _GREEDY
        # Not httpx: on a small model it takes twice the processor time a token, which the engine needs.
        connection = http.client.HTTPConnection(self._host, timeout=request.silence_s)
        try:
            connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != http.client.OK:
                text = response.read().decode(errors="replace")
                raise EngineError(f"llama.cpp refused the request: {_message(text)}.")
            yield from self._events(response, Bites(request.tokens_out))
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from error
        finally:
            connection.close()

    def _events(self, response: http.client.HTTPResponse, bites: Bites) -> Iterator[Event]:
        while line := response.readline():
            if not line.startswith(b"data: "):
                continue
            text = line.removeprefix(b"data: ").decode(errors="replace")
            chunk = _object(text)
            if "error" in chunk:
                raise EngineError(f"llama.cpp: {_message(text)}.")
            if chunk.get("content"):
                yield Token(text=chunk["content"])
                bites.taken()
            if chunk.get("stop"):
                stop = chunk.get("stop_type", "")
                yield timings.account(chunk.get("timings"), _STOPS.get(stop, stop or None))
                return
        raise self._failure(None)

    def _failure(self, error: Exception | None) -> EngineError:
        if isinstance(error, (httpx.TimeoutException, TimeoutError)):
            return EngineTimedOutError("llama.cpp was silent for too long.")
        return EngineDiedError(f"llama.cpp ended in the middle of the work ({self._server.how_it_ended()}).")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._server.end()


class Bites:
    """Lets the chunks of a fast model pile up for a moment before they are read.

    Each one that is waited for wakes this process, which takes a processor from the engine. The first is read as
    soon as it arrives, and so are the last ones, so that their times are right.
    """

    def __init__(self, tokens: int, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._left = tokens
        self._taken = 0
        self._next = 2
        self._first_s = 0.0

    def taken(self) -> None:
        """A chunk was read. Sleeps while the next few arrive, at most ``BITE_S``."""
        self._taken += 1
        self._left -= 1
        if self._taken == 1:
            self._first_s = self._clock.monotonic()
        if self._taken < self._next or self._taken < FIRST_TAKEN:
            return
        rate = (self._taken - 1) / max(self._clock.monotonic() - self._first_s, 1e-6)
        bite = int(rate * BITE_S)
        if bite > 1 and self._left > 2 * bite:
            self._next = self._taken + bite
            self._clock.sleep(bite / rate)


def _object(text: str) -> dict[str, Any]:
    """A JSON object. Raises EngineError for anything else."""
    try:
        chunk = json.loads(text)
    except ValueError:
        chunk = None
    if not isinstance(chunk, dict):
        raise EngineError(f"llama.cpp sent something that is no JSON object: {text[:60]!r}.")
    return chunk


def _message(text: str) -> str:
    """The server's own words, out of its JSON where it is JSON."""
    try:
        error = json.loads(text)["error"]
        return str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return text[:160]
