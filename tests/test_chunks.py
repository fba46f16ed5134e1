"""What arrives is counted: tokens in bundles are told, and a stream without an end is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.test_sweep import engine, plan, swept
from tpsprofile.engines.base import Event, Finished, Request, Token
from tpsprofile.engines.fake import FakeSession
from tpsprofile.records import Outcome, Trial

STEP_S = 0.02
Stream = Callable[[FakeSession, Request], Iterator[Event]]


def bundled(sizes: Callable[[int], list[int]], *, decode_s: float | None = None, counts: bool = True) -> Stream:
    """A server at 50 tok/s that sends its tokens in bundles of ``sizes(tokens)``."""

    def generate(self: FakeSession, request: Request) -> Iterator[Event]:
        for size in sizes(request.tokens_out):
            self._clock.sleep(size * STEP_S)
            yield Token(text="lorem " * size)
        tokens = request.tokens_out if counts else None
        yield Finished(tokens_in=50, tokens_out=tokens, decode_s=decode_s, stopped_by="limit")

    return generate


def evenly(size: int) -> Callable[[int], list[int]]:
    return lambda tokens: [size] * (tokens // size) or [tokens]


def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: Stream, **changes: object) -> tuple[Trial, ...]:
    monkeypatch.setattr(FakeSession, "generate", stream)
    fields: dict[str, object] = {"models": ("llama3.2:1b",), "tokens_out": 64, "loads": 1}
    return swept(tmp_path, plan(**fields | changes), engine()).trials


@pytest.mark.parametrize(
    ("size", "chunks", "warning"),
    [(1, 64, None), (2, 32, None), (4, 16, "bundled tokens"), (16, 4, "few chunks")],
)
def test_tokens_that_come_in_bundles_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, chunks: int, warning: str | None
) -> None:
    row = rows(tmp_path, monkeypatch, bundled(evenly(size)))[0]
    assert (row.outcome, row.chunks) == (Outcome.OK, chunks)
    assert [one for one in row.warnings or () if one in {"bundled tokens", "few chunks"}] == [warning][
        : bool(warning)
    ]


def test_an_engine_with_a_clock_of_its_own_may_send_bundles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = rows(tmp_path, monkeypatch, bundled(evenly(64), decode_s=63 * STEP_S))[0]
    assert (row.outcome, row.chunks) == (Outcome.OK, 1)
    assert row.decode_tok_s == pytest.approx(50)
    assert "few chunks" not in (row.warnings or ())


@pytest.mark.parametrize(
    ("sizes", "came"),
    [
        (evenly(64), "in one piece"),
        (lambda tokens: [1, tokens - 1], "in two pieces"),
        (lambda tokens: [1, tokens - 1] + [0] * 60, "in two pieces"),
        (lambda tokens: [0], "without text"),
    ],
    ids=["all at once", "the rest at once", "the rest at once in many chunks", "no text"],
)
def test_of_two_bundles_there_is_no_rate_and_one_trial_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: Callable[[int], list[int]], came: str
) -> None:
    def text_in_all(self: FakeSession, request: Request) -> Iterator[Event]:
        for event in bundled(sizes)(self, request):
            yield Token(text=event.text or "x") if isinstance(event, Token) and came != "without text" else event

    found = rows(tmp_path, monkeypatch, text_in_all)
    assert [(row.outcome, row.decode_tok_s) for row in found] == [(Outcome.ENGINE_ERROR, None)]
    assert f"All 64 tokens came {came}" in (found[0].reason or "")
    assert "token by token" in (found[0].reason or "")


def test_a_server_that_does_not_count_is_told_so_and_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows(tmp_path, monkeypatch, bundled(evenly(1), counts=False))
    assert [row.outcome for row in found] == [Outcome.ENGINE_ERROR]
    assert "tells no token counts" in (found[0].reason or "")
    assert "`usage`" in (found[0].reason or "")


def endless(text: str, *, from_tokens: int) -> Stream:
    """Goes on for ever where at least ``from_tokens`` are asked for; 100,000 chunks are for ever."""

    def generate(self: FakeSession, request: Request) -> Iterator[Event]:
        for _ in range(100_000 if request.tokens_out >= from_tokens else request.tokens_out):
            self._clock.sleep(STEP_S)
            yield Token(text=text)
        yield Finished(tokens_in=50, tokens_out=request.tokens_out, stopped_by="limit")

    return generate


@pytest.mark.parametrize("text", ["x", ""], ids=["text", "no text"])
@pytest.mark.parametrize("from_tokens", [64, 1], ids=["in a trial", "in the warm-up"])
def test_a_generation_without_an_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, from_tokens: int
) -> None:
    found = rows(tmp_path, monkeypatch, endless(text, from_tokens=from_tokens))
    assert [row.outcome for row in found] == [Outcome.ENGINE_ERROR]
    assert "did not stop" in (found[0].reason or "")


@pytest.mark.parametrize("text", ["x", ""], ids=["text", "no text"])
@pytest.mark.parametrize("from_tokens", [64, 8, 1], ids=["in a trial", "in the warm-up", "in every generation"])
def test_a_budget_ends_every_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, from_tokens: int
) -> None:
    found = rows(tmp_path, monkeypatch, endless(text, from_tokens=from_tokens), budget=1.5, depth=(2048,))
    assert [row.outcome for row in found] == [Outcome.NO_TIME]
    assert "The budget was used up after" in (found[0].reason or "")


def test_a_budget_that_ends_in_the_filling_of_a_context_owes_nothing_after_the_least_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = rows(tmp_path / "a", monkeypatch, bundled(evenly(1)), depth=(2048,), most_trials=3)
    assert [row.outcome for row in done] == [Outcome.OK] * 3
    uneven = [msgspec.structs.replace(done[0], decode_client_s=2.0), *done[1:]]
    monkeypatch.setattr(FakeSession, "generate", endless("x", from_tokens=2))
    the_plan = plan(models=("llama3.2:1b",), tokens_out=64, loads=1, depth=(2048,), budget=1.5)
    assert swept(tmp_path / "b", the_plan, engine(), prior=uneven).trials == ()
