"""A program that behaves as a real llama-server did: same arguments, same words, same answers.

    replay.py [--pace SECONDS] [--fault FAULT] -- LLAMA-SERVER'S ARGUMENTS

It refuses options that the real one does not have, says that it loads for a moment, and answers what it was
recorded to answer. Other requests get the recorded text over and over, with the counts and times of the last chunk
to match. It uses nothing beside Python, so that it starts in a blink.

Faults: ``dies-loading``, ``never-ready``, ``port-taken``, ``no-memory``, ``dies-midstream``, and ``old``: names of
options and the version as builds of 2024 had them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

FIXTURES = Path(__file__).parent / "fixtures"
QUESTIONS_WHILE_LOADING = 2
OLD_NAMES = {"--no-ui": "--no-webui", "--ui": "--webui"}
NOT_YET = ("--cache-ram", "--no-cache-prompt", "--list-devices", "-lm")
OLD_VERSION = "version: 4534 (955a6c2d)\nbuilt with cc (Debian 12.2.0-14) 12.2.0 for x86_64-linux-gnu\n"


class Order(NamedTuple):
    """What the profiler asks for."""

    path: str
    context: int
    host: str
    port: int


def main() -> None:
    """Answer on the command line, or serve until somebody ends it."""
    mark = sys.argv.index("--")
    mine, arguments = _own_options(sys.argv[1:mark]), sys.argv[mark + 1 :]
    for option, answer in (("--help", usage), ("--version", version), ("--list-devices", devices)):
        if option in arguments:
            sys.stdout.write(answer(mine.fault))
            return
    order = _order(arguments, mine.fault)
    sys.stderr.write(text("log-loading.txt"))
    sys.stderr.flush()
    if mine.fault == "port-taken":
        sys.exit("couldn't bind HTTP server socket, hostname: 127.0.0.1\nexiting due to HTTP server error")
    if mine.fault == "no-memory":
        sys.exit(
            "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 40\nfailed to load model"
        )
    if not _is_a_model(order.path):
        sys.exit(text("log-no-model.txt"))
    handler = type("Handler", (Handler,), {"fault": mine.fault, "pace": mine.pace, "context": order.context})
    ThreadingHTTPServer((order.host, order.port), handler).serve_forever()


def text(name: str) -> str:
    """A recorded text."""
    return (FIXTURES / name).read_text()


def usage(fault: str) -> str:
    """What ``--help`` prints."""
    recorded = text("help.txt")
    if fault != "old":
        return recorded
    lines = [line for line in recorded.splitlines() if not any(word in line for word in NOT_YET)]
    old = "\n".join(lines).replace("(default: auto)", "")
    return re.sub("|".join(OLD_NAMES), lambda name: OLD_NAMES[name[0]], old.replace("--ui,  --webui, ", ""))


def version(fault: str) -> str:
    """What ``--version`` prints."""
    return OLD_VERSION if fault == "old" else text("version.txt")


def devices(fault: str) -> str:
    """What ``--list-devices`` prints."""
    return text("list-devices.txt")


def _own_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pace", type=float, default=0.0, help="seconds before each chunk")
    parser.add_argument("--fault", default="")
    return parser.parse_args(arguments)


def _order(arguments: list[str], fault: str) -> Order:
    """The arguments that matter here. Ends the program for an option that the real one does not have."""
    known = set(re.findall(r"(?<!\S)--?[A-Za-z][\w-]*", usage(fault)))
    for word in arguments:
        if re.fullmatch(r"--?[A-Za-z].*", word) and word not in known:
            sys.exit(f"error: invalid argument: {word}")
    value = dict(pairwise(arguments))
    return Order(value["-m"], int(value["-c"]) if "-c" in value else 4096, value["--host"], int(value["--port"]))


def _is_a_model(path: str) -> bool:
    return Path(path).is_file() and Path(path).read_bytes()[:4] == b"GGUF" and Path(path).stat().st_size > 1000


class Handler(BaseHTTPRequestHandler):
    """One connection, as the real server closes each after its answer."""

    fault = ""
    pace = 0.0
    context = 0
    asked = [0]  # noqa: RUF012  (shared by all connections)

    def do_GET(self) -> None:
        if self.path == "/health":
            self._health()
        else:
            slots = json.loads(text("slots.json"))
            self._send(200, json.dumps([slots[0] | {"n_ctx": self.context}]))

    def _health(self) -> None:
        self.asked[0] += 1
        loading = self.fault == "never-ready" or self.asked[0] <= QUESTIONS_WHILE_LOADING
        if self.fault == "dies-loading" and not loading:
            os.kill(os.getpid(), signal.SIGKILL)
        error = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
        self._send(503 if loading else 200, json.dumps(error) if loading else text("health.json"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if len(body["prompt"].split()) + body["n_predict"] > self.context:
            self._send(400, text("error-context.json"))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number, chunk in enumerate(answer(body)):
            if self.fault == "dies-midstream" and number == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.pace)
            self.wfile.write(chunk.encode() + b"\n\n")
            self.wfile.flush()

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
        """Keep quiet."""


def answer(body: dict[str, Any]) -> list[str]:
    """The recorded chunks for this request, else the longest recorded answer stretched to its length."""
    recorded = json.loads(text("completions.json"))
    for each in recorded:
        if all(each[key] == body[key] for key in ("prompt", "n_predict", "cache_prompt")):
            return _chunks(each["answer"])
    *pieces, last = _chunks(recorded[0]["answer"])
    end = json.loads(last.removeprefix("data: "))
    tokens = body["n_predict"]
    timings = end["timings"]
    timings["predicted_ms"] *= (tokens - 1) / (timings["predicted_n"] - 1)
    timings |= {"predicted_n": tokens, "prompt_n": len(body["prompt"].split())}
    return [*islice(cycle(pieces), tokens), f"data: {json.dumps(end)}"]


def _chunks(name: str) -> list[str]:
    return text(name).strip().split("\n\n")


if __name__ == "__main__":
    main()
