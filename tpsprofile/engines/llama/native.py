"""llama.cpp as a ``llama-server`` of the user's own, so that the fastest build for a machine can be measured.

It is started for each model, and told the same as the embedded one: one slot, nothing cached between requests, a
thread a physical core. Builds differ in the names of their options, so ``--help`` is read first; ``options()``
says what was used.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Capabilities, Setup, Weights
from tpsprofile.engines.llama import told
from tpsprofile.engines.llama.files import TakesFiles, file_of
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.engines.llama.threads import threads
from tpsprofile.engines.llama.wording import WORDING, build_text, cpu_features
from tpsprofile.engines.program import Program, answer_of, free_port
from tpsprofile.errors import EngineMissingError
from tpsprofile.records import EngineInfo

NAME = "llama-server"
_HOST = "127.0.0.1"
_GET_ONE = (
    "Name one with --server PATH, or put one on the PATH: brew install llama.cpp, winget install llama.cpp, "
    "or build it from its sources."
)
_PINNED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("-np", "--parallel"), ("1",)),
    (("--no-cache-prompt",), ()),
    (("-cram", "--cache-ram"), ("0",)),
    (("--no-ui", "--no-webui"), ()),
    (("--slots",), ()),
)
"""Names of an option, of which the first that a build knows is used, and its value."""


class LlamaServer(TakesFiles):
    """Runs GGUF files with the user's own llama-server, one process a loaded model."""

    can = Capabilities(takes=("gguf",), server="program", ignores_end=True, reports_cached=True)

    def __init__(self, clock: Clock, setup: Setup | None = None) -> None:
        self.clock = clock
        self._asked_for = None if setup is None else setup.server

    def info(self) -> EngineInfo:
        """Version, compiler, devices and instruction sets, as far as the build tells them.

        Raises EngineMissingError where there is no such program, or it is another one.
        """
        lists_devices = "--list-devices" in told.options(self._usage)
        version = self._answer("--version")
        devices = told.devices(self._answer("--list-devices")) if lists_devices else None
        system = told.system(self._answer(*self._loading_nothing()))
        commit = told.commit(version)
        return EngineInfo(
            name=NAME,
            version=told.version(version),
            build=build_text(told.compiler(version), commit and f"commit {commit}", system=system) or None,
            devices=devices,
            cpu_features=cpu_features(system),
        )

    def options(self) -> dict[str, str | int | float | bool | None]:
        """Threads, and the options that pin the rest, of those that the build has. Raises EngineMissingError."""
        return {"threads": threads(), "cache_prompt": False, "flags": " ".join(pinned(self._usage))}

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> LlamaCppSession:
        """Start a server with the model.

        Raises DoesNotFitError, ModelUnreadableError, EngineDiedError, EngineTimedOutError or EngineMissingError.
        """
        model, port, count = str(Path(file_of(weights)).absolute()), free_port(), str(threads())
        where = ["--host", _HOST, "--port", str(port)]
        what = ["-m", model, "-c", str(context_tokens), "-t", count, "-tb", count, *pinned(self._usage)]
        url = f"http://{_HOST}:{port}"
        program = Program([self._path, *what, *where], WORDING, environment(os.environ))
        try:
            load_s = program.wait_until_ready(f"{url}/health", silence_s)
        except BaseException:
            program.end()
            raise
        return LlamaCppSession(program, url, load_s)

    @cached_property
    def _path(self) -> str:
        return find_program(self._asked_for)

    @cached_property
    def _usage(self) -> str:
        """What ``--help`` prints."""
        usage = self._answer("--help")
        if not {"--ctx-size", "--port", "--host"} <= told.options(usage):
            raise EngineMissingError(f"{self._path} is no {NAME}: its --help reads otherwise.", _GET_ONE)
        return usage

    def _loading_nothing(self) -> list[str]:
        """Arguments with which it tells of the processor, and ends because there is no model."""
        loud = ["-lv", "4"] if "-lv" in told.options(self._usage) else []
        return ["-m", os.devnull, "--host", _HOST, "--port", str(free_port()), *loud]

    def _answer(self, *arguments: str) -> str:
        return answer_of([self._path, *arguments], environment(os.environ))


def find_program(asked_for: str | None) -> str:
    """Path of the program. Raises EngineMissingError where there is none that could be run."""
    if asked_for is None:
        if found := shutil.which(NAME):
            return str(Path(found).absolute())
        raise EngineMissingError(f"There is no {NAME} on the PATH.", _GET_ONE)
    path = Path(asked_for).expanduser().absolute()
    if found := shutil.which(path) or shutil.which(asked_for):
        return str(Path(found).absolute())
    if path.exists():
        raise EngineMissingError(f"{asked_for} is not a program that can be run.", _GET_ONE)
    raise EngineMissingError(f"There is no program {asked_for}.", _GET_ONE)


def pinned(usage: str) -> list[str]:
    """Options beside model, context, threads and address, by the names that this build's ``--help`` has."""
    known = told.options(usage)
    found = [(told.first_of(known, *names), values) for names, values in _PINNED]
    flags = [word for name, values in found if name for word in (name, *values)]
    gpu = told.explained(usage, "--n-gpu-layers")
    # Builds from before autumn 2025 state no default: it is none of the layers.
    return [*flags, "-ngl", "999"] if gpu and "default" not in gpu else flags


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The program's: this process's own, less what would change llama.cpp's options behind our back."""
    return {name: value for name, value in own.items() if not name.startswith("LLAMA_")}
