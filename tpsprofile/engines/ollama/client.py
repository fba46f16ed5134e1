"""The official client of Ollama, held to this program's rules: what it sends where, and what it reads.

By itself it sends ``OLLAMA_API_KEY`` to any server, also where others can read it, and through any proxy. Here a
key goes only where nobody between can read it who is not at home, and no answer is read before the key is out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import ollama

from tpsprofile.engines.lines import lines
from tpsprofile.engines.openai import address
from tpsprofile.engines.openai.address import Address
from tpsprofile.engines.openai.keys import Key, of_environment
from tpsprofile.errors import EngineMissingError, UsageError

USUAL_KEY = "OLLAMA_API_KEY"
"""The environment variable that Ollama's own programs take a key from."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not listened on
_NO_ADDRESS = (ValueError, httpx.InvalidURL, UsageError)


def made(server: str | None, key_env: str | None) -> tuple[ollama.Client, Address]:
    """A client for the server at ``server``, else at ``OLLAMA_HOST`` or its default, and where that is.

    It uses no connection twice: an idle one may have been closed meanwhile, which looks like a dead engine. It
    asks no proxy for this computer, nor without encryption, and follows no redirects. An address to listen on is
    read as this computer. Raises EngineMissingError for what is no address, which it does not quote, and
    UsageError for one with a password in it, and for a key that is not there or could be read on its way.
    """
    base = _base(server)
    place = address.parse(str(base))
    key = _key(key_env, place)
    try:
        client = ollama.Client(
            server,
            auth=None if key is None else _bearer(key),
            event_hooks={"response": [] if key is None else [_cleaning(key)]},
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=place.encrypted and not place.local,
            verify=place.encrypted,
        )
    except (ValueError, httpx.InvalidURL, ImportError):
        raise EngineMissingError(
            "The proxy that the environment names cannot be used here.", "Unset it."
        ) from None
    client._client.headers.pop("Authorization", None)  # what it took from the environment
    client._client.base_url = base
    return client, place


def setting(server: str | None) -> str:
    """What the user wrote the address in."""
    return "OLLAMA_HOST" if server is None else "--server"


def _base(server: str | None) -> httpx.URL:
    """The address, as the official client reads it."""
    if "@" in (server or os.environ.get("OLLAMA_HOST") or ""):
        raise UsageError(
            f"{setting(server)} holds a name or a password; an address has none.",
            "Put the key into an environment variable and name that: --key-env NAME.",
        )
    try:
        with ollama.Client(server, trust_env=False, verify=False) as client:
            url: httpx.URL = client._client.base_url
        url = url.copy_with(host=_EVERYWHERE.get(url.host, url.host))
        address.parse(str(url))
    except _NO_ADDRESS:
        raise EngineMissingError(
            f"{setting(server)} is not an address.", "Write it as host:port or http://host:port."
        ) from None
    return url


def _key(variable: str | None, place: Address) -> Key | None:
    """The key in that variable; without one that of Ollama's own, where it can be sent at all."""
    if variable is None:
        with suppress(UsageError):
            return of_environment(USUAL_KEY) if place.keeps_secrets else None
        return None
    if not place.keeps_secrets:
        raise UsageError("The key would go to that server unencrypted.", "Use an address with https://.")
    return of_environment(variable)


def _bearer(key: Key) -> Callable[[httpx.Request], httpx.Request]:
    """Puts the key into a request as late as can be."""

    def sign(request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = key.header()
        return request

    return sign


def _cleaning(key: Key) -> Callable[[httpx.Response], None]:
    """Has every answer read without the key. Raises DecodingError for one that is packed, though unasked."""

    def clean(response: httpx.Response) -> None:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise httpx.DecodingError("packed")
        response.stream = _Cleaned(response.stream, key)

    return clean


class _Cleaned(httpx.SyncByteStream):
    """A stream, line by line, without the key."""

    def __init__(self, stream: Any, key: Key) -> None:
        self._stream = stream
        self._key = key

    def __iter__(self) -> Iterator[bytes]:
        for line in lines(self._stream):
            text = self._key.out_of(line.decode(errors="surrogateescape"))
            yield text.encode(errors="surrogateescape") + b"\n"

    def close(self) -> None:
        """End the stream below."""
        self._stream.close()
