"""What several tests need: records with sensible values, and a listener that remembers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tpsprofile.records import EngineInfo, Machine, ModelFacts, Outcome, RunHeader, Trial, Workload

if TYPE_CHECKING:
    from tpsprofile.sources import Candidate

WHEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def header(**changes: Any) -> RunHeader:
    """A run header; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "format": 1,
        "run": "0123456789ab",
        "started_at": WHEN,
        "machine": Machine(id="m1", chip="Test Chip", ram_bytes=16 * 1024**3),
        "engine": EngineInfo(name="llama.cpp", version="b1"),
        "plan": "test",
    }
    return RunHeader(**fields | changes)


def trial(name: str = "llama3.2:1b", number: int = 1, **changes: Any) -> Trial:
    """An OK trial of 11 tokens at 10 tok/s; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "model": ModelFacts(name=name, parameters=1_235_814_400, quantisation="Q8_0"),
        "workload": Workload(prompt="csvs-to-sqlite", tokens_out=11, context_tokens=4096),
        "outcome": Outcome.OK,
        "number": number,
        "tokens_in": 50,
        "tokens_cached": 0,
        "tokens_out": 11,
        "prefill_s": 0.5,
        "decode_engine_s": 1.0,
        "decode_client_s": 1.0,
    }
    return Trial(**fields | changes)


class Ear:
    """A sweep's listener that only remembers."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.finished: list[str] = []
        self.trials: list[tuple[int, int]] = []
        self.waits: list[str] = []
        self.tokens = 0
        self.rows: list[Trial] = []

    def model_started(self, candidate: Candidate) -> None:
        self.started.append(candidate.facts.name)

    def model_finished(self, candidate: Candidate) -> None:
        self.finished.append(candidate.facts.name)

    def preparing(self, what: str, done: int, total: int | None) -> None:
        pass

    def loading(self) -> None:
        pass

    def trial_started(self, number: int, at_least: int, width: float | None) -> None:
        self.trials.append((number, at_least))

    def waiting(self, why: str) -> None:
        self.waits.append(why)

    def token(self, count: int, seconds: float) -> None:
        self.tokens += 1

    def recorded(self, trial: Trial) -> None:
        self.rows.append(trial)


def outcomes(rows: Iterable[Trial]) -> list[tuple[str, Outcome]]:
    """Model and outcome of each row."""
    return [(row.model.name, row.outcome) for row in rows]
