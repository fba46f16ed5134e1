from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.ollama.server import VERSIONS, Replay, replay
from tpsprofile.engines.ollama.engine import Ollama


class LeapingClock:
    """Time passes only when it is looked at: a second each time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds

    def uptime(self) -> float | None:
        return None

    def sleep(self, seconds: float) -> None:
        pass


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """A scripted server of each version, at which OLLAMA_HOST points."""
    with replay(request.param) as running:
        monkeypatch.setenv("OLLAMA_HOST", running.url)
        yield running


@pytest.fixture
def engine() -> Ollama:
    return Ollama(LeapingClock())
