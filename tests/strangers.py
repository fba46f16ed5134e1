"""Servers for tests, on free ports of this computer: some answer as engines do, others do what nobody should.

with listening(pages({"/v1/models": {"data": []}})) as port: ...
with listening(silent) as port: ...
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

Over = threading.Event
Behaviour = Callable[[socket.socket, Over], None]
"""What a server does with a connection, until it is over."""


@contextmanager
def listening(behave: Behaviour) -> Iterator[int]:
    """Run a server until the block is left; yields its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)
        thread = threading.Thread(target=_serve, args=(server, behave, over))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()


def _serve(server: socket.socket, behave: Behaviour, over: Over) -> None:
    threads = []
    while not over.is_set():
        with suppress(TimeoutError):
            connection, _ = server.accept()
            threads.append(threading.Thread(target=_one, args=(connection, behave, over)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _one(connection: socket.socket, behave: Behaviour, over: Over) -> None:
    with connection, suppress(OSError):
        connection.settimeout(5)
        behave(connection, over)


def pages(answers: Mapping[str, Any], *, asked: list[str] | None = None) -> Behaviour:
    """An HTTP server with these routes, JSON on each; ``asked`` gets what it is asked, head and all."""
    return _http(lambda route: (200, json.dumps(answers[route]).encode()) if route in answers else None, asked)


def status(code: int, body: bytes = b"", kind: str = "application/json") -> Behaviour:
    """An HTTP server that has the same answer for everything."""
    return _http(lambda route: (code, body), None, kind)


def _http(
    answer: Callable[[str], tuple[int, bytes] | None], asked: list[str] | None, kind: str = "application/json"
) -> Behaviour:
    def behave(connection: socket.socket, over: Over) -> None:
        while head := _head(connection):
            if asked is not None:
                asked.append(head)
            code, body = answer(head.split()[1]) or (404, b"{}")
            length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(f"HTTP/1.1 {code} Whatever\r\n{length}".encode() + body)

    return behave


def _head(connection: socket.socket) -> str:
    """The head of a request; empty at the end of the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(4096)
        if not piece:
            return ""
        head += piece
    return head.decode()


def silent(connection: socket.socket, over: Over) -> None:
    """Accept, and say nothing."""
    over.wait(10)


def says(text: bytes) -> Behaviour:
    """Say this at once and hang up, whatever is asked."""

    def behave(connection: socket.socket, over: Over) -> None:
        connection.sendall(text)

    return behave


def endless(connection: socket.socket, over: Over) -> None:
    """Begin an answer that never ends."""
    _head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while not over.is_set():
        connection.sendall(b'"x",' * 16384)


def dripping(connection: socket.socket, over: Over) -> None:
    """Send a head for ever, a byte at a time, so that no wait between two bytes is long."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.1):
        connection.sendall(b"x")
