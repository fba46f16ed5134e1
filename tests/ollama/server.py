"""A scripted Ollama server: it replays what real servers of three versions answered.

    with replay("0.13.0") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)

It knows which models are loaded and with what context length (a generation brings its model back), gives as many
tokens as it is asked for (the recorded ones, over and over, with the count and duration of the last line to
match), and can be told to fail:

    with replay("0.13.0", generate=Fault("error-runner-killed-midstream.ndjson")) as server: ...

It keeps the files that it is given, and the models that are made of them, until these are deleted.

Faults are by what a request is for: version, tags, show, ps, pull, load, unload, generate, find, upload, create,
delete.
"""

from __future__ import annotations

import csv
import hashlib
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any, Literal

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = ("0.5.11", "0.13.0", "0.33.0-rc2")
MODEL = "smollm2:135m"
MIXTURE = "synth-moe:8x5m"

_STATUS = {
    "error-show-missing.json": 404,
    "error-unknown-route.txt": 404,
    "error-delete-missing.json": 404,
    "error-create-not-gguf.json": 400,
    "error-upload-digest.json": 400,
    "error-context-truncate-false.json": 400,
    "error-queue-full.json": 503,
    "error-bad-option-type.json": 500,
    "error-out-of-memory.json": 500,
}
_QUIET = {
    ("GET", "/api/version"): "version",
    ("GET", "/api/tags"): "tags",
    ("GET", "/api/ps"): "ps",
    ("POST", "/api/show"): "show",
    ("POST", "/api/pull"): "pull",
    ("POST", "/api/create"): "create",
    ("DELETE", "/api/delete"): "delete",
}
_BLOBS = "/api/blobs/"


@dataclass(frozen=True)
class Fault:
    """Another answer than the usual one: a fixture's or the given bytes, and how it ends."""

    fixture: str | None = None
    body: bytes = b""
    status: int | None = None
    end: Literal["close", "cut", "reset", "hang"] = "close"
    """After the body: end as HTTP wants it, leave the last chunk out, reset the connection, or fall silent."""


@dataclass
class Replay:
    """One running server: where it is, what it was asked, and what it holds in memory."""

    version: str
    faults: dict[str, Fault]
    pace: float
    """Of the recorded time between two chunks, the part to wait; 0 for not at all."""
    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What each request was for, and its body."""
    headers: list[Any] = field(default_factory=list)
    """The headers of each."""
    loaded: dict[str, int] = field(default_factory=dict)
    """Context length by model."""
    stays_loaded: set[str] = field(default_factory=set)
    """Models that somebody else keeps in memory."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    """Files that were uploaded, by digest."""
    made: dict[str, str] = field(default_factory=dict)
    """Models that were made of them: the file's digest by name."""
    abandoned: threading.Event = field(default_factory=threading.Event)
    """Set when a client left before a generation was over."""
    over: threading.Event = field(default_factory=threading.Event)

    def bodies(self, purpose: str) -> list[dict[str, Any]]:
        """The requests of one kind, in order."""
        return [body for kind, body in self.requests if kind == purpose]

    def text(self, name: str) -> bytes:
        """A recorded answer of this version."""
        return (FIXTURES / self.version / name).read_bytes()

    def json(self, name: str) -> Any:
        """A recorded answer of this version, parsed."""
        return json.loads(self.text(name))


@contextmanager
def replay(version: str, /, *, pace: float = 0.0, **faults: Fault) -> Iterator[Replay]:
    """Run a server of that version on the loopback interface until the block is left."""
    script = Replay(version, faults, pace)
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
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave: here that is what they are tested for."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    script: Replay
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Keep quiet."""

    def _answer(self, method: str) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(_BLOBS):
            body = {"digest": self.path.removeprefix(_BLOBS), "content": content}
            purpose = "find" if method == "HEAD" else "upload"
        else:
            body = json.loads(content or b"{}")
            purpose = _QUIET.get((method, self.path)) or _purpose(self.path, body)
        self.script.requests.append((purpose, body))
        self.script.headers.append(self.headers)
        try:
            if fault := self.script.faults.get(purpose):
                self._fail(fault)
            else:
                getattr(self, f"_{purpose}")(body)
        except OSError:
            self.script.abandoned.set()
            self.close_connection = True

    # ------------------------------------------------------------------------------------ the usual answers

    def _version(self, body: dict[str, Any]) -> None:
        self._send_fixture("api-version.json")

    def _tags(self, body: dict[str, Any]) -> None:
        listed = self.script.json("api-tags.json")["models"]
        made = [listed[-1] | {"name": name, "model": name} for name in self.script.made]
        self._send(200, "application/json", json.dumps({"models": [*made, *listed]}).encode())

    def _find(self, body: dict[str, Any]) -> None:
        self._send(200 if body["digest"] in self.script.blobs else 404, "application/json", b"")

    def _upload(self, body: dict[str, Any]) -> None:
        if body["digest"] != f"sha256:{hashlib.sha256(body['content']).hexdigest()}":
            self._send_fixture("error-upload-digest.json")
            return
        self.script.blobs[body["digest"]] = body["content"]
        self._send(201, "text/plain", b"")

    def _create(self, body: dict[str, Any]) -> None:
        (digest,) = body["files"].values()
        if not self.script.blobs[digest].startswith(b"GGUF"):
            self._send_fixture("error-create-not-gguf.json")
            return
        self.script.made[body["model"]] = digest
        self._send_fixture("api-create.json")

    def _delete(self, body: dict[str, Any]) -> None:
        digest = self.script.made.pop(body["model"], None)
        if digest is None:
            self._send_fixture("error-delete-missing.json")
            return
        if digest not in self.script.made.values():
            del self.script.blobs[digest]
        self._send(200, "text/plain", b"")

    def _show(self, body: dict[str, Any]) -> None:
        names = {entry["name"] for entry in self.script.json("api-tags.json")["models"]} | self.script.made.keys()
        if body["model"] == MIXTURE:
            self._send_fixture("api-show-moe.json")
        else:
            self._send_fixture("api-show.json" if body["model"] in names else "error-show-missing.json")

    def _ps(self, body: dict[str, Any]) -> None:
        recorded = self.script.json("api-ps.json")["models"][0]
        models = []
        for name, context in self.script.loaded.items():
            models.append(recorded | {"name": name, "model": name})
            if "context_length" in recorded:
                models[-1]["context_length"] = context
        self._send(200, "application/json", json.dumps({"models": models}).encode())

    def _pull(self, body: dict[str, Any]) -> None:
        known = body["model"] == MODEL
        self._stream(self.script.text("api-pull-again-stream.ndjson" if known else "error-pull-missing.ndjson"))

    def _load(self, body: dict[str, Any]) -> None:
        self.script.loaded[body["model"]] = body["options"]["num_ctx"]
        self._send_fixture("api-generate-load.json")

    def _unload(self, body: dict[str, Any]) -> None:
        if body["model"] not in self.script.stays_loaded:
            self.script.loaded.pop(body["model"], None)
        self._send_fixture("api-generate-unload.json")

    def _generate(self, body: dict[str, Any]) -> None:
        self.script.loaded[body["model"]] = body["options"]["num_ctx"]
        self._start(200, "application/x-ndjson")
        for line, pause in _stretched(self.script, body["options"]["num_predict"]):
            time.sleep(pause * self.script.pace)
            self._chunk(line)
        self._chunk(b"")

    def _elsewhere(self, body: dict[str, Any]) -> None:
        self._send_fixture("error-unknown-route.txt")

    # --------------------------------------------------------------------------------------------- sending

    def _fail(self, fault: Fault) -> None:
        body = self.script.text(fault.fixture) if fault.fixture else fault.body
        status = fault.status or _STATUS.get(fault.fixture or "", 200)
        if fault.end == "close" and status != 200:
            self._send(status, "application/json", body)
            return
        self._start(status, "application/x-ndjson")
        for line in body.splitlines(keepends=True):
            self._chunk(line)
        if fault.end == "close":
            self._chunk(b"")
        elif fault.end == "hang":
            self.script.over.wait(30)
        elif fault.end == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def _send_fixture(self, name: str) -> None:
        kind = "text/plain" if name.endswith(".txt") else "application/json; charset=utf-8"
        self._send(_STATUS.get(name, 200), kind, self.script.text(name))

    def _stream(self, body: bytes) -> None:
        self._start(200, "application/x-ndjson")
        for line in body.splitlines(keepends=True):
            self._chunk(line)
        self._chunk(b"")

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _start(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        """One chunk of a stream; an empty one ends it."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


def _purpose(path: str, body: dict[str, Any]) -> str:
    if path != "/api/generate":
        return "elsewhere"
    if body.get("prompt"):
        return "generate"
    return "unload" if body.get("keep_alive") == 0 else "load"


def _stretched(script: Replay, tokens: int) -> Iterator[tuple[bytes, float]]:
    """The recorded stream, cut or repeated to that many tokens, each line with the seconds to wait before it."""
    lines = script.text("api-generate-stream.ndjson").splitlines(keepends=True)
    arrivals = csv.DictReader(script.text("api-generate-stream.arrivals.csv").decode().splitlines())
    times = [0.0, *(float(row["seconds_since_request"]) for row in arrivals)]
    pauses = [after - before for before, after in pairwise(times)]
    last = json.loads(lines[-1])
    recorded = last["eval_count"]
    if tokens < 2:
        last.pop("eval_duration", None)
    else:
        last["eval_duration"] = last["eval_duration"] * (tokens - 1) // (recorded - 1)
    last["eval_count"] = tokens
    first, *others = zip(lines[:-1], pauses[:-1], strict=True)
    yield first
    yield from islice(cycle(others), tokens - 1)
    yield json.dumps(last).encode() + b"\n", pauses[-1]
