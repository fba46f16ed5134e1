"""Models to measure with, and a llama-server of somebody else's build to run them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tpsprofile.engines.base import Finished, Request
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.models import cache, catalogue, packaged, recipes, synthetic

SMALL, LARGE = "smollm2:135m", "llama3.2:1b"
"""Some hundred and some tens of tokens a second on a desktop processor."""
CONTEXT_TOKENS = 4096
_READY_S = 300.0


def model(name: str, folder: Path) -> Path:
    """The real small model, out of the user's cache, or a twin of the catalogue's, written into ``folder``."""
    if name == SMALL:
        return packaged.prepare(cache.folder(), _quiet)
    path = folder / f"{name.replace(':', '-')}.gguf"
    synthetic.write(recipes.of_shape(catalogue.find(name)), path, _quiet)
    return path


def program(build: Path, name: str) -> Path:
    """A program of a build of llama.cpp; ends this one where there is none."""
    found = next((path for path in sorted(build.rglob(name)) if path.is_file()), None)
    return found or sys.exit(f"There is no {name} below {build}.")


def serve(program: Path, path: Path, threads: int) -> LlamaCppSession:
    """A session with a llama-server of its own, on loopback, which ends when the session is left.

    Batches and flash attention are those of llama.cpp's own tools; one slot, nothing cached between requests.
    Raises RuntimeError where it does not start.
    """
    server, started = LlamaServer(program, path, threads), time.perf_counter()
    try:
        while not server.answers():
            if server.ended() or time.perf_counter() - started > _READY_S:
                raise RuntimeError(f"llama-server did not start ({server.how_it_ended()}): {server.command}")
            time.sleep(0.05)
    except BaseException:
        server.end()
        raise
    return LlamaCppSession(server, server.url, time.perf_counter() - started)


def run(session: LlamaCppSession, prompt: str, tokens: int) -> Finished:
    """The server's account of one generation, with nothing from a cache."""
    *_, last = session.generate(Request(prompt=prompt, tokens_out=tokens))
    assert isinstance(last, Finished)
    assert last.tokens_cached == 0
    return last


class LlamaServer:
    """The process of a llama-server (``tpsprofile.engines.llama.session.Server``)."""

    def __init__(self, program: Path, path: Path, threads: int) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.command = [
            *(str(program), "-m", str(path), "--host", "127.0.0.1", "--port", str(port)),
            *("-t", str(threads), "-tb", str(threads), "-c", str(CONTEXT_TOKENS), "-np", "1"),
            *("-b", "2048", "-ub", "512", "-fa", "auto", "--no-cache-prompt", "-cram", "0"),
        ]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self.command, stdin=quiet, stdout=quiet, stderr=quiet)
        self.pid = self._process.pid

    def answers(self) -> bool:
        """Whether the model is loaded."""
        try:
            return httpx.get(f"{self.url}/health", timeout=5.0, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def how_it_ended(self) -> str:
        """For messages."""
        code = self._process.poll()
        return "the process still runs" if code is None else f"exit status {code}"

    def end(self) -> None:
        """End the process, at once."""
        self._process.kill()
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _quiet(_what: str, _done: int, _total: int | None) -> None:
    """A progress callback that says nothing."""
