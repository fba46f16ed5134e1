"""A Python that behaves as one with mlx_lm did: same answers, same words in its log.

    replay.py [--fault FAULT] -- PYTHON'S ARGUMENTS

``-c`` is answered with what a real one said of its versions; ``-m mlx_lm server`` serves the recorded completion
over and over, with counts to match. Faults: ``missing``, ``old``, ``no-thread``, ``dies-loading``, ``no-memory``,
``silent``, ``dies-midstream``, ``thread-dies-midstream``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
ABOUT = {"mlx_lm": "0.32.2", "mlx": "0.32.4", "python": "3.11.7", "gpu": None}
OUT_OF_MEMORY = (
    "libc++abi: terminating due to uncaught exception of type std::runtime_error: [METAL] Command buffer "
    "execution failed: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)\n"
)
"""As MLX's sources word it (mlx/backend/metal/eval.cpp): seen by nobody here."""


def main() -> None:
    """Tell the versions, or serve until somebody ends it."""
    mark = sys.argv.index("--")
    fault, arguments = sys.argv[mark - 1] if mark > 1 else "", sys.argv[mark + 1 :]
    if arguments[0] == "-c":
        if fault == "missing":
            sys.exit("Traceback (most recent call last):\nModuleNotFoundError: No module named 'mlx'")
        sys.stdout.write(f"a warning that a library prints\n{json.dumps(ABOUT)}\n")
        return
    assert arguments[:3] == ["-m", "mlx_lm", "server"]
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    if fault == "old":
        sys.exit("server.py: error: unrecognized arguments: --prompt-cache-size 0")
    if fault == "no-thread":
        say((FIXTURES / "log-unknown-model.txt").read_text())
    told = dict(pairwise(arguments))
    Handler.fault = fault
    ThreadingHTTPServer((told["--host"], int(told["--port"])), Handler).serve_forever()


def say(text: str) -> None:
    """Put a text into the log."""
    sys.stderr.write(text)
    sys.stderr.flush()


def chunks(body: dict[str, Any]) -> list[str]:
    """The recorded stream: comments, a piece of text for each token, the end, the counts, and that it is done."""
    parts = (FIXTURES / "completion.sse.txt").read_text().strip().split("\n\n")
    comments = [part for part in parts if part.startswith(":")]
    *pieces, end, usage, done = parts[len(comments) :]
    told = json.loads(usage.removeprefix("data: "))
    told["usage"] |= {"prompt_tokens": len(body["prompt"].split()), "completion_tokens": body["max_tokens"]}
    return [*comments, *islice(cycle(pieces), body["max_tokens"]), end, f"data: {json.dumps(told)}", done]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    fault = ""
    asked = 0

    def do_GET(self) -> None:
        """``/health``."""
        dead = self.fault == "no-thread"
        self._send(503 if dead else 200, '{"status": "unavailable"}' if dead else '{"status": "ok"}')

    def do_POST(self) -> None:
        """``/v1/completions``; the first request is the one that waits for the model."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Handler.asked += 1
        loading = Handler.asked == 1
        if loading and self.fault in {"dies-loading", "no-memory"}:
            say(OUT_OF_MEMORY if self.fault == "no-memory" else "")
            os.kill(os.getpid(), signal.SIGKILL)
        if loading and self.fault == "silent":
            time.sleep(60)
        self.send_response(200)
        self.send_header("Content-type", "text/event-stream")
        self.end_headers()
        for number, chunk in enumerate(chunks(body)):
            if not loading and number == 4 and self._breaks_off():
                return
            self.wfile.write(chunk.encode() + b"\n\n")
            self.wfile.flush()

    def _breaks_off(self) -> bool:
        if self.fault == "dies-midstream":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "thread-dies-midstream":
            say("2026-11-22 05:13:48,067 - ERROR - mlx_lm.server generation thread died: shapes do not match\n")
            return True
        return False

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
        """Keep quiet."""


if __name__ == "__main__":
    main()
