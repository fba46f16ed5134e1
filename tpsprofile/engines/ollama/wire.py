"""How an Ollama server is spoken to: its address, its streams of JSON lines, and what its failures mean.

The official client opens every connection, and so obeys ``OLLAMA_HOST`` and ``OLLAMA_API_KEY``. Where its
records keep all that is needed they are used. Where they drop fields (the version, ``remote_host`` of a listed
model, the tensors of a shown one, ``prompt_eval_cached_count`` of a generation) the answer is taken as a plain
dictionary through the same connection.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import httpx
import ollama

from tpsprofile import units
from tpsprofile.engines.ollama import failures
from tpsprofile.engines.openai import address
from tpsprofile.engines.openai.keys import Key, of_environment
from tpsprofile.errors import (
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    UsageError,
)

Answer = dict[str, Any]

CONNECT_S = 10.0
"""Longest wait for a connection, in seconds."""
ANSWER_S = 30.0
"""Longest silence before a request that loads and generates nothing counts as lost, in seconds."""
CHECK_S = 20 * ANSWER_S
"""The same where the server may be reading a large file, to check its hash: that takes minutes, in silence."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not listened on
KEEP_ALIVE = "1h"
"""How long a model stays loaded after each request: longer than any pause between two trials, yet not for ever."""


class Wire:
    """A line to the server at ``server``, else at ``OLLAMA_HOST`` or its default.

    Nothing is opened before the first request. ``key_env`` names the environment variable with the key of a server
    that wants one. ``titles`` says what errors call a model that has its name for the time being.

    Every method raises EngineMissingError where no server answers, EngineTimedOutError after too long a silence,
    EngineDiedError for a connection that ends too soon, and else what ``failures`` reads from the answer.
    """

    def __init__(self, server: str | None = None, key_env: str | None = None) -> None:
        self.titles: dict[str, str] = {}
        self._server = server
        self._key_env = key_env

    @cached_property
    def _client(self) -> ollama.Client:
        """The one client. It asks no proxy for this computer, and takes an address to listen on for this computer.

        It uses no connection twice: an idle one may have been closed meanwhile, which looks like a dead engine.
        Raises EngineMissingError for what is no address, and for a key that is not there.
        """
        once = httpx.Limits(max_keepalive_connections=0)
        headers = {} if self._key is None else {"Authorization": self._key.header()}
        try:
            client = ollama.Client(self._server, limits=once, headers=headers, trust_env=False)
        except (ValueError, httpx.InvalidURL) as error:
            raise EngineMissingError(
                f"{self._setting} is not an address ({error}).", "Write it as host:port or http://host:port."
            ) from error
        url: httpx.URL = client._client.base_url
        client._client.base_url = url.copy_with(host=_EVERYWHERE.get(url.host, url.host))
        if _is_loopback(client._client.base_url.host):
            return client
        return ollama.Client(self._server, limits=once, headers=headers)

    @cached_property
    def _key(self) -> Key | None:
        """Raises UsageError where there is none, and where it would go through other networks unencrypted."""
        if self._key_env is None:
            return None
        if not address.parse(self._server or os.environ.get("OLLAMA_HOST")).keeps_secrets:
            raise UsageError("The key would go to that server unencrypted.", "Use an address with https://.")
        return of_environment(self._key_env)

    @property
    def _setting(self) -> str:
        """What the user wrote the address in."""
        return "OLLAMA_HOST" if self._server is None else "--server"

    @property
    def url(self) -> httpx.URL:
        """The server's address."""
        url: httpx.URL = self._client._client.base_url
        return url

    @property
    def address(self) -> str:
        """The address as a user would write it."""
        return str(self.url).rstrip("/")

    @property
    def local(self) -> bool:
        """The server runs on this computer, as far as its address tells."""
        return _is_loopback(self.url.host)

    def _waiting(self, silence_s: float) -> ollama.Client:
        """The client, set to wait ``silence_s`` seconds for each piece of an answer.

        Its methods take no such time of their own.
        """
        self._client._client.timeout = httpx.Timeout(silence_s, connect=min(CONNECT_S, silence_s))
        return self._client

    def ask(self, method: str, path: str, body: Answer | None = None) -> Answer:
        """One answer, with every field that the server sends."""
        with self._named(ANSWER_S):
            return self._waiting(ANSWER_S)._request(dict, method, path, json=body, stream=False)

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
        with self._named(ANSWER_S, working=working):
            return list(self._waiting(ANSWER_S).ps().models)

    def preload(self, model: str, context_tokens: int, silence_s: float) -> None:
        """Load a model by a request without a prompt; returns when it could answer."""
        with self._named(silence_s, model=model, working=True):
            self._waiting(silence_s).generate(model, options={"num_ctx": context_tokens}, keep_alive=KEEP_ALIVE)

    def unload(self, model: str) -> None:
        """Ask for a model to leave memory; it does once nobody's request is running on it."""
        with self._named(ANSWER_S, model=model):
            self._waiting(ANSWER_S).generate(model, keep_alive=0)

    def pull(self, model: str) -> Iterator[ollama.ProgressResponse]:
        """Download a model, reporting progress."""
        with self._named(CHECK_S, model=model):
            yield from self._waiting(CHECK_S).pull(model, stream=True)

    def has_blob(self, digest: str) -> bool:
        """The server holds a file of that digest."""
        with self._named(ANSWER_S):
            status: int = self._waiting(ANSWER_S)._client.head(f"/api/blobs/{digest}").status_code
            if status not in {200, 404}:
                raise ollama.ResponseError(f"HTTP status {status}", status)
            return status == 200

    def upload(self, digest: str, pieces: Iterable[bytes], size: int) -> None:
        """Send a file of ``size`` bytes, which the server keeps under its digest; it looks whether they agree."""
        with self._named(CHECK_S):
            sent: httpx.Client = self._waiting(CHECK_S)._client
            answer = sent.post(f"/api/blobs/{digest}", content=pieces, headers={"Content-Length": str(size)})
            if answer.is_error:
                raise ollama.ResponseError(answer.text, answer.status_code)

    def create(self, model: str, file: str, digest: str, silence_s: float) -> None:
        """Make a model of a file that was uploaded; ``file`` is what it is called, without a folder.

        Not streamed: a server goes on with that when nobody listens any more, and breaks a stream off half-way.
        """
        with self._named(silence_s, model=model):
            body = {"model": model, "files": {file: digest}, "stream": False}
            self._waiting(silence_s)._request(dict, "POST", "/api/create", json=body, stream=False)

    def delete(self, model: str) -> None:
        """Delete a model, and with it the files that no other model is made of."""
        with self._named(CHECK_S, model=model):
            self._waiting(CHECK_S).delete(model)

    def generate(self, body: Answer, silence_s: float) -> Generator[Answer]:
        """The lines of a streamed generation, each as soon as it arrives.

        Not through ``Client.generate``: it drops fields, and it ends a line at characters such as U+0085, which
        may stand unescaped in generated text.
        """
        client: httpx.Client = self._waiting(silence_s)._client
        with (
            self._named(silence_s, model=str(body["model"]), working=True),
            client.stream("POST", "/api/generate", json=body) as response,
        ):
            if response.is_error:
                raise ollama.ResponseError(response.read().decode(errors="replace"), response.status_code)
            for line in _json_lines(response.iter_bytes()):
                if "error" in line:
                    raise failures.of_answer(line["error"], 0, self.title(str(body["model"])))
                yield line

    @contextmanager
    def _named(self, silence_s: float, *, model: str | None = None, working: bool = False) -> Iterator[None]:
        """Turn what the client raises into an error of this program. ``working``: a server did answer before."""
        model = None if model is None else self.title(model)
        try:
            yield
        except ollama.ResponseError as error:
            text = error.error if self._key is None else self._key.out_of(error.error)
            raise failures.of_answer(text, error.status_code, model) from None
        except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(working) from error
        except httpx.TimeoutException as error:
            raise EngineTimedOutError(
                f"Ollama was silent for {units.seconds(silence_s)}.",
                "Give it more time, or restart `ollama serve`.",
            ) from error
        except httpx.TransportError as error:
            raise EngineDiedError("The connection to Ollama ended in the middle of the work.") from error
        except (httpx.HTTPError, AttributeError, TypeError, ValueError) as error:
            # The client takes an answer apart before it has looked at it; what is not JSON, or not an object,
            # comes out as any of these.
            raise EngineError(f"What {self.address} answered cannot be understood as Ollama's.") from error

    def _unreachable(self, working: bool) -> EngineError:
        if working:
            return EngineDiedError("Ollama no longer answers.", "Look at its log for the reason.")
        right = "set OLLAMA_HOST" if self._server is None else "correct --server"
        return EngineMissingError(
            f"No Ollama server answers at {self.address}.", f"Start `ollama serve`, or {right}."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _json_lines(chunks: Iterable[bytes]) -> Iterator[Answer]:
    """Objects from bytes, one a line; only a line feed ends a line. Raises ValueError for anything else."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(_object, filter(bytes.strip, lines))
    if rest.strip():
        yield _object(rest)


def _object(line: bytes) -> Answer:
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer
