"""llama.cpp, embedded: the ``xllamacpp`` wheel's own HTTP server, in a child process on loopback.

A process of its own keeps the profiler from slowing what it watches, makes the engine's memory its own, and lets
it die without taking the profiler along. Requests go in raw, with the end of text ignored, and with the prompt
cache off unless the request asks for it, so that every trial is the same work.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Capabilities, Setup, Weights
from tpsprofile.engines.llama.files import TakesFiles, file_of
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.engines.llama.threads import threads
from tpsprofile.engines.llama.wording import WORDING, build_text, cpu_features
from tpsprofile.engines.program import end_group, how_it_ended, read_log
from tpsprofile.errors import EngineDiedError, EngineMissingError, EngineTimedOutError, ProfileError
from tpsprofile.records import EngineInfo

_INSTALL = (
    "Wheels exist for Linux x86-64, macOS and Windows: pip install xllamacpp. "
    "Elsewhere install Ollama and use --engine ollama."
)


class LlamaCpp(TakesFiles):
    """The default engine. Runs any GGUF file; has no models of its own."""

    can = Capabilities(takes=("gguf",), ignores_end=True, reports_cached=True)

    def __init__(self, clock: Clock, setup: Setup | None = None) -> None:
        self.clock = clock

    def info(self) -> EngineInfo:
        """Version of llama.cpp, and what the build says of its compiler and instruction sets.

        Raises EngineMissingError where there is no wheel for this machine.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise EngineMissingError("The embedded llama.cpp (xllamacpp) is not installed here.", _INSTALL)
        wheel = importlib.metadata.version("xllamacpp")
        child = _Child({})
        try:
            answer = child.answer(60.0)
        finally:
            child.end()
        return EngineInfo(
            name="llama.cpp",
            version=f"b{wheel.rsplit('.', 1)[-1]}",
            build=f"xllamacpp {wheel}; {build_text(answer['compiler'], system=answer['system'])}",
            devices=tuple(answer["gpus"]),
            cpu_features=cpu_features(answer["system"]),
        )

    def options(self) -> dict[str, str | int | float | bool | None]:
        """Threads; everything else is llama.cpp's default but for the prompt cache, off unless asked for."""
        return {"threads": threads(), "cache_prompt": False}

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> LlamaCppSession:
        """Start a server with the model.

        Raises DoesNotFitError, ModelUnreadableError, EngineDiedError or EngineTimedOutError.
        """
        order = {"path": file_of(weights), "context_tokens": context_tokens, "threads": threads()}
        child = _Child(order)
        try:
            answer = child.answer(silence_s)
        except BaseException:
            child.end()
            raise
        return LlamaCppSession(child, answer["url"], answer["load_s"])


class _Child:
    """A child process, its one answer, and the log that explains its end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed in end())
        # A session of its own: Ctrl-C in the terminal is for the profiler, which then ends the child itself.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tpsprofile.engines.llama.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self.pid = self._process.pid
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, silence_s: float) -> dict[str, Any]:
        """The child's one line, waited for at most ``silence_s`` seconds."""
        assert self._process.stdout is not None
        too_late = threading.Timer(silence_s, self._process.kill)
        too_late.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timed_out = not too_late.is_alive()
            too_late.cancel()
        if not line:
            if timed_out:
                raise EngineTimedOutError(f"llama.cpp was not ready after {silence_s:.0f} s.")
            raise self._explained(f"llama.cpp ended while loading ({self.how_it_ended()})")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise EngineDiedError(f"llama.cpp answered {line[:60]!r} instead of its address.") from None
        if "error" in answer:
            raise self._explained(f"llama.cpp could not load the model: {answer['error']}")
        return answer

    def how_it_ended(self) -> str:
        """``signal 9``, ``exit status 1``, or that it still runs."""
        return how_it_ended(self._process)

    def _explained(self, what: str) -> ProfileError:
        return WORDING.explained(what, read_log(self._log))

    def end(self) -> None:
        """End the process, at once."""
        end_group(self._process)
        self._log.close()
