"""A llama-server of the user's own: replayed from what a real one said, and the real one where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import Make, Subject
from tests.llama_server import CONTEXT_TOKENS, REAL, replaying
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Setup, Weights
from tpsprofile.engines.llama.native import LlamaServer
from tpsprofile.models.gguf_file import read_facts


def recorded(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The recorded text is the same for any model, so a small one will do."""
    path: Path = request.getfixturevalue("tiny_models")[0]
    program = replaying(request.getfixturevalue("tmp_path"))
    yield _subject(program, path)


def real(request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield _subject(Path(REAL or ""), request.getfixturevalue("smollm2"))


def _subject(program: Path, path: Path) -> Subject:
    engine = LlamaServer(SystemClock(), Setup(server=str(program)))
    return Subject(engine, Weights(facts=read_facts(path), path=str(path)), 16, CONTEXT_TOKENS)


SUBJECTS: dict[str, Make] = {"llama-server recorded": recorded}
if REAL:
    SUBJECTS["llama-server"] = real
