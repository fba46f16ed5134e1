"""Ollama, from exchanges recorded with real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import Make, Subject
from tests.ollama.server import replay
from tpsprofile.clock import SystemClock
from tpsprofile.engines.ollama.engine import Ollama


def recorded(version: str) -> Make:
    """Ollama, from exchanges recorded with a real server of that version."""

    def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
        monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        with replay(version) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url)
            engine = Ollama(SystemClock())
            yield Subject(engine, engine.find("smollm2:135m"), 16, 1024)

    return subject


SUBJECTS = {f"ollama {version}": recorded(version) for version in ("0.5.11", "0.13.0", "0.33.0-rc2")}
