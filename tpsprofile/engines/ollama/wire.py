"""How an Ollama server is spoken to: its requests, its streams of JSON lines, and what its failures mean.

The official client opens every connection (``client``). Where its records keep all that is needed they are used.
Where they drop fields (the version, ``remote_host`` of a listed model, the tensors of a shown one,
``prompt_eval_cached_count`` of a generation) the answer is taken as a plain dictionary through the same client.

The errors of the libraries below may quote what they choke on, and hold the request with its key: none is passed
on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import httpx
import ollama

from tpsprofile import units
from tpsprofile.engines.lines import lines
from tpsprofile.engines.ollama import client, failures
from tpsprofile.engines.openai.address import Address
from tpsprofile.engines.openai.process import is_tunnel
from tpsprofile.errors import EngineDiedError, EngineError, EngineMissingError, EngineTimedOutError, ProfileError

Answer = dict[str, Any]
T = TypeVar("T")

CONNECT_S = 10.0
"""Longest wait for a connection, in seconds."""
ANSWER_S = 30.0
"""Longest silence before a request that loads and generates nothing counts as lost, in seconds."""
CHECK_S = 20 * ANSWER_S
"""The same where the server may be reading a large file, to check its hash: that takes minutes, in silence."""
KEEP_ALIVE = "1h"
"""How long a model stays loaded after each request: longer than any pause between two trials, yet not for ever."""
_FAULTS = (
    ollama.ResponseError,
    httpx.HTTPError,
    httpx.StreamError,
    OSError,
    AttributeError,
    TypeError,
    ValueError,
    RecursionError,
)
"""The client takes an answer apart before it has looked at it; what is not JSON, or not an object, comes out as
any of the last four."""


class Wire:
    """A line to the server at ``server``, else at ``OLLAMA_HOST`` or its default.

    Nothing is opened before the first request. ``key_env`` names the environment variable with the key of a server
    that wants one. ``cloud``: it is somebody's service, whatever its address. ``titles`` says what errors call a
    model that has its name for the time being.

    Every method raises EngineMissingError where no server answers, EngineTimedOutError after too long a silence,
    EngineDiedError for a connection that ends too soon, and else what ``failures`` reads from the answer.
    """

    def __init__(self, server: str | None = None, key_env: str | None = None, *, cloud: bool = False) -> None:
        self.titles: dict[str, str] = {}
        self._server = server
        self._key_env = key_env
        self._cloud = cloud

    @cached_property
    def _made(self) -> tuple[ollama.Client, Address]:
        return client.made(self._server, self._key_env)

    @property
    def _client(self) -> ollama.Client:
        return self._made[0]

    @property
    def place(self) -> Address:
        """Where the server is."""
        return self._made[1]

    @property
    def address(self) -> str:
        """The address as a user would write it."""
        return self.place.root

    @property
    def service(self) -> bool:
        """It is somebody else's service: the user says so, or its address does."""
        return self._cloud or self.place.service

    @cached_property
    def local(self) -> bool:
        """The server runs on this computer, as far as its address and whoever listens there tell."""
        return self.place.local and not self.service and not is_tunnel(self.place.port)

    def _waiting(self, silence_s: float) -> ollama.Client:
        """The client, set to wait ``silence_s`` seconds for each piece of an answer.

        Its methods take no such time of their own.
        """
        self._client._client.timeout = httpx.Timeout(silence_s, connect=min(CONNECT_S, silence_s))
        return self._client

    def ask(self, method: str, path: str, body: Answer | None = None) -> Answer:
        """One answer, with every field that the server sends."""
        return self._guarded(lambda line: line._request(dict, method, path, json=body, stream=False), ANSWER_S)

    def listed(self) -> list[Answer]:
        """The server's models, each with every field of its entry in ``/api/tags``."""
        return list(self.ask("GET", "/api/tags").get("models") or ())

    def title(self, model: str) -> str:
        """What to call a model before people."""
        return self.titles.get(model, model)

    def version(self) -> str:
        """The server's version. Raises EngineError, beside the usual, for an answer without one."""
        version = self.ask("GET", "/api/version").get("version")
        if not version or not isinstance(version, str):
            raise EngineError(f"What {self.address} answered cannot be understood as Ollama's.")
        return version

    def loaded(self, *, working: bool = False) -> list[ollama.ProcessResponse.Model]:
        """The models in memory, as ``/api/ps`` lists them."""
        return self._guarded(lambda line: list(line.ps().models), ANSWER_S, working=working)

    def preload(self, model: str, context_tokens: int, silence_s: float) -> None:
        """Load a model by a request without a prompt; returns when it could answer."""

        def load(line: ollama.Client) -> None:
            line.generate(model, options={"num_ctx": context_tokens}, keep_alive=KEEP_ALIVE)

        self._guarded(load, silence_s, model=model, working=True)

    def unload(self, model: str) -> None:
        """Ask for a model to leave memory; it does once nobody's request is running on it."""
        self._guarded(lambda line: line.generate(model, keep_alive=0), ANSWER_S, model=model)

    def pull(self, model: str) -> Iterator[ollama.ProgressResponse]:
        """Download a model, reporting progress."""
        return self._guarded_each(lambda line: line.pull(model, stream=True), CHECK_S, model=model)

    def has_blob(self, digest: str) -> bool:
        """The server holds a file of that digest."""

        def look(line: ollama.Client) -> bool:
            status: int = line._client.head(f"/api/blobs/{digest}").status_code
            if status not in {200, 404}:
                raise ollama.ResponseError(f"HTTP status {status}", status)
            return status == 200

        return self._guarded(look, ANSWER_S)

    def upload(self, digest: str, pieces: Iterable[bytes], size: int) -> None:
        """Send a file of ``size`` bytes, which the server keeps under its digest; it looks whether they agree."""

        def send(line: ollama.Client) -> None:
            told = {"Content-Length": str(size)}
            answer = line._client.post(f"/api/blobs/{digest}", content=pieces, headers=told)
            if not answer.is_success:
                raise ollama.ResponseError(answer.text, answer.status_code)

        self._guarded(send, CHECK_S)

    def create(self, model: str, file: str, digest: str, silence_s: float) -> None:
        """Make a model of a file that was uploaded; ``file`` is what it is called, without a folder.

        Not streamed: a server goes on with that when nobody listens any more, and breaks a stream off half-way.
        """
        body = {"model": model, "files": {file: digest}, "stream": False}

        def make(line: ollama.Client) -> None:
            line._request(dict, "POST", "/api/create", json=body, stream=False)

        self._guarded(make, silence_s, model=model)

    def delete(self, model: str) -> None:
        """Delete a model, and with it the files that no other model is made of."""
        self._guarded(lambda line: line.delete(model), CHECK_S, model=model)

    def generate(self, body: Answer, silence_s: float) -> Generator[Answer]:
        """The lines of a streamed generation, each as soon as it arrives.

        Not through ``Client.generate``: it drops fields, and it ends a line at characters such as U+0085, which
        may stand unescaped in generated text.
        """
        model = str(body["model"])

        def streamed(line: ollama.Client) -> Iterator[Answer]:
            with line._client.stream("POST", "/api/generate", json=body) as response:
                if not response.is_success:
                    text = response.read().decode(errors="replace")
                    raise ollama.ResponseError(text, response.status_code)
                for answer in map(_object, lines(response.iter_bytes())):
                    if "error" in answer:
                        raise failures.of_answer(answer["error"], 0, self.title(model))
                    yield answer

        return self._guarded_each(streamed, silence_s, model=model, working=True)

    # -------------------------------------------------------------------------------------------- failures

    def _guarded(
        self,
        work: Callable[[ollama.Client], T],
        silence_s: float,
        *,
        model: str | None = None,
        working: bool = False,
    ) -> T:
        """``work`` with what goes wrong below it as an error of this program.

        ``working``: a server did answer before. The error is not raised within ``except``: what went wrong below
        would hang on to it.
        """
        line = self._waiting(silence_s)
        try:
            return work(line)
        except _FAULTS as error:
            failure = self._failure(error, silence_s, model, working)
        raise failure

    def _guarded_each(
        self,
        work: Callable[[ollama.Client], Iterator[T]],
        silence_s: float,
        *,
        model: str,
        working: bool = False,
    ) -> Generator[T]:
        """The same for what comes piece by piece."""
        line = self._waiting(silence_s)
        try:
            yield from work(line)
            return
        except _FAULTS as error:
            failure = self._failure(error, silence_s, model, working)
        raise failure

    def _failure(self, error: Exception, silence_s: float, model: str | None, working: bool) -> ProfileError:
        """What an exception of the libraries below amounts to."""
        if isinstance(error, ollama.ResponseError):
            return failures.of_answer(error.error, error.status_code, None if model is None else self.title(model))
        if isinstance(error, ConnectionError | httpx.ConnectError | httpx.ConnectTimeout):
            return self._unreachable(working)
        if isinstance(error, httpx.TimeoutException):
            return EngineTimedOutError(
                f"Ollama was silent for {units.seconds(silence_s)}.",
                "Give it more time, or restart `ollama serve`.",
            )
        if isinstance(error, httpx.TransportError | OSError):
            return EngineDiedError("The connection to Ollama ended in the middle of the work.")
        return EngineError(f"What {self.address} answered cannot be understood as Ollama's.")

    def _unreachable(self, working: bool) -> EngineError:
        if working:
            return EngineDiedError("Ollama no longer answers.", "Look at its log for the reason.")
        right = "set OLLAMA_HOST" if self._server is None else "correct --server"
        return EngineMissingError(
            f"No Ollama server answers at {self.address}.", f"Start `ollama serve`, or {right}."
        )


def _object(line: bytes) -> Answer:
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer
