"""Models to measure with, and a llama-server of somebody else's build to run them."""

from __future__ import annotations

import sys
from pathlib import Path

from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Finished, Request, Setup, Weights
from tpsprofile.engines.llama.native import LlamaServer
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.models import cache, catalogue, packaged, recipes, synthetic
from tpsprofile.models.gguf_file import read_facts

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


def weights_of(path: Path) -> Weights:
    """A model file, ready to be loaded."""
    return Weights(facts=read_facts(path), path=str(path))


def serve(program: Path, path: Path) -> LlamaCppSession:
    """A session with a llama-server of its own, set up as the managed engine sets it up; ends when it is left."""
    engine = LlamaServer(SystemClock(), Setup(server=str(program)))
    return engine.load(weights_of(path), context_tokens=CONTEXT_TOKENS, silence_s=_READY_S)


def run(session: LlamaCppSession, prompt: str, tokens: int) -> Finished:
    """The server's account of one generation, with nothing from a cache."""
    *_, last = session.generate(Request(prompt=prompt, tokens_out=tokens))
    assert isinstance(last, Finished)
    assert last.tokens_cached == 0
    return last


def _quiet(_what: str, _done: int, _total: int | None) -> None:
    """A progress callback that says nothing."""
