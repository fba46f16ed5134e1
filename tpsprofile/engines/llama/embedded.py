"""llama.cpp, embedded: the ``xllamacpp`` wheel's own HTTP server, in a child process on loopback.

A process of its own keeps the profiler from slowing what it watches, makes the engine's memory its own, and lets
it die without taking the profiler along. Requests go in raw, with the end of text ignored, and with the prompt
cache off unless the request asks for it, so that every trial is the same work.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any

import psutil

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Capabilities, Setup, Weights
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
    ProfileError,
)
from tpsprofile.machine import cgroup
from tpsprofile.machine.names import vector_features
from tpsprofile.records import EngineInfo

_KILLED = -9
_INSTALL = (
    "Wheels exist for Linux x86-64, macOS and Windows: pip install xllamacpp. "
    "Elsewhere install Ollama and use --engine ollama."
)
_NO_MEMORY = ("insufficient memory", "unable to allocate", "failed to allocate", "out of memory", "outofmemory")
_FLAGS = {
    "AVX512": "avx512f",
    "DOTPROD": "asimddp",
    "FP16_VA": "asimdhp",
    "MATMUL_INT8": "i8mm",
    "RISCV_V": "rvv",
}
"""Where llama.cpp's name of an instruction set (ggml_backend_cpu_get_features) is not the system's in capitals."""
_NOT_A_MODEL = ("invalid magic", "failed to load model", "error loading model", "tensor")


class LlamaCpp:
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
            build=f"xllamacpp {wheel}; {answer['build']}",
            devices=tuple(answer["gpus"]),
            cpu_features=cpu_features(answer["system"]),
        )

    def options(self) -> dict[str, str | int | float | bool | None]:
        """Threads; everything else is llama.cpp's default but for the prompt cache, off unless asked for."""
        return {"threads": _threads(), "cache_prompt": False}

    def models(self) -> tuple[Weights, ...]:
        """None of its own."""
        return ()

    def find(self, name: str) -> Weights:
        """Raises ModelNotInstalledError: this engine takes files."""
        raise ModelNotInstalledError(f"llama.cpp has no model {name!r}.", "Give it a GGUF file.")

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Raises EngineError: there is nowhere to pull from."""
        raise EngineError("The embedded llama.cpp does not download models.", "Give it a GGUF file.")

    def adopt(
        self, weights: Weights, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Weights]:
        """The weights as they are: files are read where they lie."""
        return nullcontext(weights)

    def make_room(self) -> None:
        """Nothing to do: a session's model leaves memory with its process."""

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> LlamaCppSession:
        """Start a server with the model.

        Raises DoesNotFitError, ModelUnreadableError, EngineDiedError or EngineTimedOutError.
        """
        if weights.path is None:
            raise ModelNotInstalledError(f"There is no file for {weights.facts.name}.", "Give a GGUF file.")
        order = {"path": weights.path, "context_tokens": context_tokens, "threads": _threads()}
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
        try:
            code = self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            return "the process still runs"
        if code == _KILLED:
            return "signal 9; the system sends it when memory runs out"
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def _explained(self, what: str) -> ProfileError:
        self._log.seek(0)
        log = self._log.read().decode(errors="replace")
        if any(word in log.lower() for word in _NO_MEMORY):
            return DoesNotFitError("llama.cpp found no memory for the model.")
        errors = [line.strip() for line in log.splitlines() if "error" in line.lower() or "fail" in line.lower()]
        if any(word in " ".join(errors).lower() for word in _NOT_A_MODEL):
            return ModelUnreadableError(f"{what}: {errors[0][:160]}.")
        return EngineDiedError(f"{what}." if not errors else f"{what}: {errors[-1][:160]}.")

    def end(self) -> None:
        """End the process, at once."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._log.close()


def cpu_features(system: str) -> tuple[str, ...] | None:
    """Vector instruction sets that a build uses, named as in ``Machine``; None where it tells of no processor.

    ``system`` is what ``llama_print_system_info`` returns: for each backend its name, a colon, and its features,
    ``CPU : AVX2 = 1 | AVX512 = 1 | OPENMP = 1 | ``. A build with variants for several processors tells of the one
    that it has loaded. What is off is left out, or 0 in older versions.
    """
    features: dict[str, list[str]] = {}
    backend = ""
    for part in system.split("|"):
        before, colon, feature = part.rpartition(":")
        backend = before.strip() if colon else backend
        name, _, value = (word.strip() for word in feature.partition("="))
        features.setdefault(backend, []).extend([_FLAGS.get(name, name)] if value not in {"", "0"} else [])
    return vector_features(features["CPU"]) if "CPU" in features else None


def _threads() -> int:
    """One thread a physical core that this process may use; hyper-threads do not help decoding."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed, cgroup.cpu_limit() or physical))
