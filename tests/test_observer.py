"""What watching costs: nothing is drawn, read or computed for a token, and the engine is another process."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from tpsprofile.cli.screen import LiveScreen
from tpsprofile.clock import SystemClock
from tpsprofile.engines import registry
from tpsprofile.engines.base import Weights
from tpsprofile.machine.activity import Activity
from tpsprofile.models.gguf_file import read_facts
from tpsprofile.plan import SweepPlan
from tpsprofile.watch import INTERVAL_S, MemoryWatch


def test_a_token_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    real = LiveScreen._picture

    def counted(self: LiveScreen) -> RenderableType:
        drawn.append(1)
        return real(self)

    monkeypatch.setattr(LiveScreen, "_picture", counted)
    screen = LiveScreen(
        Console(file=io.StringIO(), force_terminal=True), SweepPlan(name="p", models=("m",)), [], []
    )
    with screen.drawing():
        before = len(drawn)
        for count in range(1, 10_001):
            screen.token(count, count / 100)
        assert len(drawn) - before < 100, "a picture for every hundredth token would be too many"


def test_between_two_looks_the_watch_reads_nothing() -> None:
    reads = []

    def read() -> Activity:
        reads.append(1)
        return Activity()

    with MemoryWatch(interval_s=3600.0, read=read) as watch:
        watch.attach((os.getpid(),))
        watch.begin(SystemClock())
        watch.end()
    assert len(reads) == 2, "once before a trial and once after it"
    assert INTERVAL_S >= 0.5


def test_the_embedded_engine_is_another_process(tiny_models: tuple[Path, Path]) -> None:
    path = tiny_models[0]
    weights = Weights(facts=read_facts(path), path=str(path))
    with registry.create("llama.cpp").load(weights, context_tokens=256, silence_s=60) as session:
        assert session.pids
        assert os.getpid() not in session.pids
