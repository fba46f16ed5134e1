"""A scripted server of OpenAI's dialect: recorded answers, or made ones, and every fault there is.

    with serving(recorded("llama-server")) as server:
        engine = OpenAI(clock, Setup(server=server.url))

What a model does is in ``Script.does``, by its id: a function from the body of a request to a ``Reply``.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

FIXTURES = Path(__file__).parent / "fixtures"
SSE = "text/event-stream"
JSON = "application/json"
PAUSE_S = 0.001
"""Seconds a token takes, so that there is a time between the first and the last."""


@dataclass(frozen=True)
class Reply:
    """An answer, piece by piece, and how it ends."""

    body: bytes | list[bytes] = b""
    status: int = 200
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    end: Literal["close", "cut", "reset", "hang", "refuse"] = "close"
    """As HTTP wants it, without the last chunk, with a reset, not at all, or before anything is answered."""
    pause_s: float = 0.0
    """Seconds between two pieces."""


Does = Callable[[dict[str, Any]], Reply]


@dataclass
class Script:
    """What a server answers, and what it was asked."""

    routes: dict[str, Any] = field(default_factory=dict)
    """Answers to GET: bytes as they are, a Reply, or anything else as JSON."""
    does: dict[str, Does] = field(default_factory=dict)
    """What each model does; ``""`` is for all others."""
    key: str | None = None
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Method and path of each request, and its body."""
    sent: list[dict[str, str]] = field(default_factory=list)
    """Headers of each request."""
    connections: set[tuple[str, int]] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def bodies(self) -> list[dict[str, Any]]:
        """Bodies of the requests to generate, in order."""
        return [body for what, body in self.asked if what.startswith("POST")]


def fixture(name: str) -> bytes:
    """A recorded answer."""
    return (FIXTURES / name).read_bytes()


def event(**fields: Any) -> bytes:
    """One event of a stream."""
    return f"data: {json.dumps(fields)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def chunk(text: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """A chunk of a chat."""
    told = delta if text is None else delta | {"content": text}
    return event(choices=[{"index": 0, "delta": told, "finish_reason": finish}])


def usage(tokens_in: int, tokens_out: int, **details: Any) -> bytes:
    """The chunk with counts."""
    return event(choices=[], usage={"prompt_tokens": tokens_in, "completion_tokens": tokens_out, **details})


def stream(pieces: list[bytes], **how: Any) -> Reply:
    """A streamed answer."""
    return Reply(body=pieces, kind=SSE, **how)


def writes(body: dict[str, Any]) -> Reply:
    """As many tokens as are asked for, a chunk each, on either route."""
    count = body["max_tokens"]
    if "messages" in body:
        return stream([*[chunk("a ")] * count, chunk(finish="length"), usage(40, count), DONE], pause_s=PAUSE_S)
    one = event(choices=[{"index": 0, "text": "a ", "finish_reason": None}])
    end = event(choices=[{"index": 0, "text": "", "finish_reason": "length"}])
    return stream([*[one] * count, end, usage(40, count), DONE], pause_s=PAUSE_S)


def listing(*ids: str, owner: str = "somebody") -> dict[str, Any]:
    """A list of models."""
    return {"object": "list", "data": [{"id": one, "object": "model", "owned_by": owner} for one in ids]}


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Run the server on the loopback interface until the block is left."""
    handler = type("Handler", (_Handler,), {"script": script})
    with _Server(("127.0.0.1", 0), handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            script.over.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave: here that is what they are tested for."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    script: Script
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Keep quiet."""

    def _answer(self, method: str) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.script.asked.append((f"{method} {self.path}", body))
        self.script.sent.append(dict(self.headers))
        self.script.connections.add(self.client_address)
        try:
            self._send(self._reply(method, body))
        except OSError:
            self.close_connection = True

    def _reply(self, method: str, body: dict[str, Any]) -> Reply:
        told = self.headers.get("Authorization")
        if self.script.key is not None and told != f"Bearer {self.script.key}":
            return Reply(json.dumps({"error": {"message": f"wrong key: {told}"}}).encode(), 401)
        if method == "POST":
            does = self.script.does
            return does.get(body["model"], does.get("", writes))(body)
        found = self.script.routes.get(self.path)
        if isinstance(found, Reply):
            return found
        if found is None:
            return Reply(b'{"error": "no such route"}', 404)
        return Reply(found if isinstance(found, bytes) else json.dumps(found).encode())

    def _send(self, reply: Reply) -> None:
        if reply.end == "refuse":
            self._reset()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        for name, value in reply.headers:
            self.send_header(name, value)
        pieces = reply.body if isinstance(reply.body, list) else [reply.body]
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in filter(None, pieces):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if reply.pause_s and self.script.over.wait(reply.pause_s):
                break
        self.wfile.flush()
        if reply.end == "hang":
            self.script.over.wait(30)
        if reply.end in {"close", "hang"}:
            self.wfile.write(b"0\r\n\r\n")
        elif reply.end == "cut":
            self.close_connection = True
        else:
            self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
