"""How a server is spoken to: requests with its key, streams of events, and what its failures mean.

The key is in the header of each request and nowhere else: what the server answers is read without it, redirects
are not followed, and the errors of the libraries below, which may quote what they choke on, are not passed on.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from functools import cached_property
from typing import Any, TypeVar

import httpx

from tpsprofile import units
from tpsprofile.clock import Clock
from tpsprofile.engines.lines import lines
from tpsprofile.engines.openai import failures, servers
from tpsprofile.engines.openai.address import Address
from tpsprofile.engines.openai.keys import Key
from tpsprofile.engines.openai.servers import Server
from tpsprofile.errors import EngineDiedError, EngineError, EngineMissingError, EngineTimedOutError, UsageError

CONNECT_S = 10.0
"""Longest wait for a connection, in seconds."""
ANSWER_S = 30.0
"""Longest wait for the whole answer to a request that generates nothing, and for its beginning, in seconds."""
LARGEST = 32 * 1024**2
"""Bytes of an answer, or of one line of a stream, at most."""
DRAIN_S = 0.25
"""How long the end of an answer that is complete is waited for, so that its connection can be kept, in seconds."""
KEPT_S = 60.0
"""How long a connection to another computer is kept for the next request, in seconds."""
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, RecursionError, ImportError)
_DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)

Answer = dict[str, Any]
T = TypeVar("T")


class _Bearer(httpx.Auth):
    """Puts the key into a request as late as can be."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._key.header()
        yield request


class Wire:
    """A line to one server. Nothing is opened before the first request.

    Requests to this computer have a connection each; one to another computer is kept, since making it would be
    part of what is timed. ``variable`` is where the key came from, for messages. Raises UsageError for a key that
    others could read on its way.
    """

    def __init__(
        self, address: Address, clock: Clock, key: Key | None = None, variable: str | None = None
    ) -> None:
        if key is not None and not address.keeps_secrets:
            raise UsageError(
                "A key is not sent to another network without encryption.", "Use an https:// address, or no key."
            )
        self.address = address
        self._clock = clock
        self._key = key
        self._variable = variable
        self._answered = False

    @cached_property
    def _client(self) -> httpx.Client:
        """Without encryption nobody stands between, so no proxy is asked either."""
        kept = 0 if self.address.local else 1
        return httpx.Client(
            auth=_Bearer(self._key) if self._key else None,
            headers={"User-Agent": "tpsprofile", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=kept, keepalive_expiry=KEPT_S),
            trust_env=self.address.encrypted and not self.address.local,
            verify=self.address.encrypted,
            follow_redirects=False,
        )

    def ask(self, route: str) -> Any:
        """The JSON at a route.

        Raises EngineMissingError where no server answers, EngineTimedOutError, EngineDiedError, and else what
        ``failures`` reads from the answer.
        """
        return self._guarded(lambda: self._asked(route), ANSWER_S)

    def get(self, route: str) -> Any:
        """The JSON at a route, None where there is no good answer."""
        with suppress(EngineError):
            return self.ask(route)
        return None

    def identify(self) -> Server:
        """Who answers. Raises EngineMissingError where nobody does, or no such server, and else as ``ask``."""
        listed = self.ask("/v1/models")
        answers = {"/v1/models": listed}
        server = servers.identify(
            lambda route: answers[route] if route in answers else self.get(route),
            ask_more=not self.address.service,
        )
        if server is None:
            raise EngineMissingError(
                f"What answers at {self.address.root} lists no models as OpenAI's servers do.",
                "Give the address of one that does: --server URL.",
            )
        return server

    def stream(self, route: str, body: Answer, silence_s: float) -> Generator[Answer]:
        """The events of a streamed answer, each as soon as it arrives, until the server says that it is done.

        Raises as ``ask`` does; EngineDiedError for a stream that ends before, EngineTimedOutError where no event
        comes for ``silence_s`` seconds, whatever else does.
        """
        try:
            response = self._opened(route, body, silence_s)
            with closing(response):
                if not response.is_success:
                    raise self._refused(response, route)
                yield from self._events(response, silence_s)
                return
        except _FAULTS as error:
            failure = self._named(error, silence_s, working=True)
        raise failure

    def close(self) -> None:
        """Close the connection that is kept, if one is."""
        if "_client" in self.__dict__:
            self._client.close()
            del self.__dict__["_client"]

    # -------------------------------------------------------------------------------------------- requests

    def _asked(self, route: str) -> Any:
        with self._client.stream("GET", self.address.url(route), timeout=_timeout(ANSWER_S)) as response:
            self._answered = True
            if not response.is_success:
                raise self._refused(response, route)
            return json.loads(self._text(response, cut=False))

    def _opened(self, route: str, body: Answer, silence_s: float) -> httpx.Response:
        """The beginning of an answer. A kept connection that the server dropped meanwhile is replaced, once."""
        made = []

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event == "connection.connect_tcp.started":
                made.append(event)

        def request() -> httpx.Request:
            url, extensions = self.address.url(route), {"trace": trace}
            return self._client.build_request(
                "POST", url, json=body, timeout=_timeout(silence_s), extensions=extensions
            )

        try:
            return self._client.send(request(), stream=True)
        except _DROPPED:
            if made:
                raise
        return self._client.send(request(), stream=True)

    def _text(self, response: httpx.Response, *, cut: bool = True) -> str:
        """A whole answer without the key, ``cut`` as in ``Key.out_of``.

        Raises ValueError for one that is too large, EngineTimedOutError for one that takes too long.
        """
        read, ends_s = bytearray(), self._clock.monotonic() + ANSWER_S
        for piece in response.iter_bytes():
            read += piece
            if len(read) > LARGEST:
                raise ValueError("too large")
            if self._clock.monotonic() > ends_s:
                raise EngineTimedOutError(f"The server's answer was not whole after {units.seconds(ANSWER_S)}.")
        return self._clean(bytes(read), cut=cut)

    def _clean(self, received: bytes, *, cut: bool = True) -> str:
        text = received.decode(errors="replace")
        return text if self._key is None else self._key.out_of(text, cut=cut)

    # --------------------------------------------------------------------------------------------- streams

    def _events(self, response: httpx.Response, silence_s: float) -> Iterator[Answer]:
        if "json" in response.headers.get("content-type", ""):
            raise self._error(self._text(response)) or EngineError("The server does not stream its answers.")
        last_s = self._clock.monotonic()

        def received() -> Iterator[bytes]:
            for piece in response.iter_bytes():
                if self._clock.monotonic() - last_s > silence_s:
                    raise self._silent(silence_s)
                yield piece

        pieces = received()
        for line in map(self._clean, lines(pieces, LARGEST)):
            if line.startswith(("data:", "error:")):
                payload = line.partition(":")[2].strip()
                if payload == "[DONE]":
                    self._drain(response, pieces)
                    return
                yield self._event(payload, is_error=line.startswith("error"))
                last_s = self._clock.monotonic()
        raise EngineDiedError("The server ended its answer before it was complete.", "Look at its log.")

    def _event(self, text: str, *, is_error: bool) -> Answer:
        if failure := self._error(text, is_error=is_error):
            raise failure
        event = json.loads(text)
        if not isinstance(event, dict):
            raise ValueError("not an object")
        return event

    def _error(self, text: str, *, is_error: bool = False) -> Exception | None:
        """The error that an event tells of, if it does; llama-server of 2024 had lines of their own for them."""
        if '"error"' not in text and not is_error:
            return None
        event = json.loads(text)
        told = isinstance(event, dict) and (is_error or event.get("error") or event.get("object") == "error")
        return failures.of_answer(0, text, variable=self._variable) if told else None

    def _drain(self, response: httpx.Response, pieces: Iterator[bytes]) -> None:
        """Read what is left of an answer that is complete, so that its connection can be kept; not if slow."""
        line = response.extensions.get("network_stream")
        if self.address.local or line is None:
            return
        timer = threading.Timer(DRAIN_S, _hang_up, [line.get_extra_info("socket")])
        timer.start()
        try:
            with suppress(*_FAULTS, EngineTimedOutError):
                for _ in pieces:
                    pass
        finally:
            timer.cancel()

    # -------------------------------------------------------------------------------------------- failures

    def _guarded(self, work: Callable[[], T], silence_s: float) -> T:
        try:
            return work()
        except _FAULTS as error:
            failure = self._named(error, silence_s, working=self._answered)
        raise failure  # not within ``except``: what went wrong below would hang on to it, and may quote the key

    def _refused(self, response: httpx.Response, route: str) -> Exception:
        return failures.of_answer(response.status_code, self._text(response), variable=self._variable, route=route)

    def _named(self, error: Exception, silence_s: float, *, working: bool) -> EngineError:
        """What an exception of the libraries below amounts to. Nothing of its text is passed on."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return self._unreachable("CERTIFICATE" in str(error), working)
        if isinstance(error, httpx.TimeoutException):
            return self._silent(silence_s)
        if isinstance(error, ImportError):  # httpx, of a SOCKS proxy
            return EngineMissingError("The proxy that the environment names cannot be used here.", "Unset it.")
        if isinstance(error, httpx.TransportError | OSError):
            return EngineDiedError("The connection to the server ended in the middle of the work.")
        return EngineError("What the server answered cannot be understood.")

    def _unreachable(self, certificate: bool, working: bool) -> EngineError:
        if certificate:
            return EngineMissingError("The server's certificate cannot be verified.", "Use one that can.")
        if working:
            return EngineDiedError("The server no longer answers.", "Look at its log for the reason.")
        return EngineMissingError(
            f"No server answers at {self.address.root}.", "Start it, or say where it is: --server URL."
        )

    def _silent(self, silence_s: float) -> EngineTimedOutError:
        return EngineTimedOutError(f"The server was silent for {units.seconds(silence_s)}.", "Give it more time.")


def _timeout(silence_s: float) -> httpx.Timeout:
    return httpx.Timeout(silence_s, connect=min(CONNECT_S, silence_s))


def _hang_up(line: socket.socket) -> None:
    """End a connection from another thread than the one that waits for it, which is told that it ended."""
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # of what is below the encryption, which others hold
