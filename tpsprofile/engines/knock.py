"""Short questions to addresses where anything may listen, or nothing: GET alone, no key, no proxy, no redirect.

A server may refuse, accept and say nothing, send without end, or speak no HTTP; each is an answer here, never an
error, and none takes longer than the time it was given.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import httpx

from tpsprofile.records import Record

CONNECT_S = 0.3
"""Longest wait for a connection on this computer, in seconds."""
ANSWER_S = 1.0
"""Longest wait for all answers of one address, in seconds."""
LARGEST = 1024**2
"""Bytes of an answer that are read; whoever sends more is no list of models."""
SILENT, NO_HTTP, ENDLESS = "says nothing", "speaks no HTTP", "sends without end"

T = TypeVar("T")


class Answer(Record, frozen=True, kw_only=True):
    """What came back to one GET."""

    status: int | None = None
    """HTTP status; None where ``failure`` says why there is none."""
    body: bytes = b""
    kind: str = ""
    """The content type, without parameters."""
    failure: str | None = None
    """SILENT, NO_HTTP or ENDLESS."""

    def json(self) -> Any:
        """The body of a good answer as JSON; None for any other, and where it is none."""
        with suppress(ValueError, RecursionError):
            return json.loads(self.body) if self.status == 200 else None
        return None


Get = Callable[[str], Answer]
"""Asks one address for a path."""


def prepare() -> None:
    """Have libraries loaded that the first question would load, and be the later for it."""
    httpx.Client(verify=False, trust_env=False).close()  # noqa: S501  (it asks nobody)


def is_open(host: str, port: int, wait_s: float = CONNECT_S) -> bool:
    """Somebody accepts connections there. Nothing is asked."""
    try:
        with socket.create_connection((host, port), timeout=wait_s):
            return True
    except (OSError, ValueError):  # a name can be too odd to be looked up
        return False


@contextmanager
def asking(base: str) -> Iterator[Get]:
    """Ask the server at ``base``, a URL, as long as ``ANSWER_S`` seconds last."""
    ends = time.monotonic() + ANSWER_S
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    checked = base.startswith("https:")  # certificates take a while to load, and http has no use for them
    with httpx.Client(base_url=base, trust_env=False, headers=headers, verify=checked) as client:
        yield lambda path: _get(client, path, ends)


def _get(client: httpx.Client, path: str, ends: float) -> Answer:
    left = ends - time.monotonic()
    if left <= 0:
        return Answer(failure=SILENT)
    try:
        with client.stream("GET", path, timeout=left) as response:
            body = bytearray()
            for piece in response.iter_raw():
                body += piece
                if len(body) > LARGEST or time.monotonic() > ends:
                    return Answer(failure=ENDLESS)
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            return Answer(status=response.status_code, body=bytes(body), kind=kind)
    except httpx.TimeoutException:
        return Answer(failure=SILENT)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return Answer(failure=NO_HTTP)


def at_once(questions: Sequence[tuple[Callable[[], T], float]]) -> tuple[T | None, ...]:
    """What each returns, all asked at the same time; None for one that raises, or takes longer than its seconds.

    Their threads do not keep the program from ending.
    """
    found: list[T | None] = [None] * len(questions)

    def ask(place: int) -> None:
        with suppress(Exception):  # a stranger's server or package may do anything
            found[place] = questions[place][0]()

    threads = [threading.Thread(target=ask, args=(place,), daemon=True) for place in range(len(questions))]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    for thread, (_, wait_s) in zip(threads, questions, strict=True):
        thread.join(max(0.0, started + wait_s - time.monotonic()))
    return tuple(found)
