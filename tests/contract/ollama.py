"""Ollama, from exchanges recorded with real servers, and a real one where ``TPSPROFILE_OLLAMA`` names it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.contract import Make, Subject
from tests.ollama.server import replay
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Setup, Weights
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.models.gguf_file import read_facts
from tpsprofile.records import ModelFacts

REAL = os.environ.get("TPSPROFILE_OLLAMA")


def recorded(version: str) -> Make:
    """Ollama, from exchanges recorded with a real server of that version."""

    def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
        monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        with replay(version) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url)
            engine = Ollama(SystemClock())
            yield Subject(engine, engine.find("smollm2:135m"), 16, 1024)

    return subject


def given(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A file that Ollama is given for the time being."""
    path = request.getfixturevalue("tmp_path") / "given.gguf"
    path.write_bytes(b"GGUF, as far as the recording looks")
    digest = f"sha256:{sha256(path.read_bytes()).hexdigest()}"
    file = Weights(facts=ModelFacts(name="given", digest=digest), path=str(path))
    with replay("0.13.0") as server:
        engine = Ollama(SystemClock(), Setup(server=server.url))
        with engine.adopt(file, lambda what, done, total: None) as own:
            yield Subject(engine, own, 16, 1024)


def real(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A model that the server has: ``smollm2:135m``."""
    engine = Ollama(SystemClock(), Setup(server=REAL))
    yield Subject(engine, engine.find("smollm2:135m"), 16, 1024)


def really_given(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The real file that the embedded engine runs, given to the server."""
    path: Path = request.getfixturevalue("smollm2")
    engine = Ollama(SystemClock(), Setup(server=REAL))
    with engine.adopt(Weights(facts=read_facts(path), path=str(path)), lambda what, done, total: None) as own:
        yield Subject(engine, own, 16, 1024)


SUBJECTS = {f"ollama {version}": recorded(version) for version in ("0.5.11", "0.13.0", "0.33.0-rc2")}
SUBJECTS["ollama, a file"] = given
if REAL:
    SUBJECTS |= {"ollama, real": real, "ollama, real, a file": really_given}
