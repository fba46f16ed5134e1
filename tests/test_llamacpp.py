"""The embedded llama.cpp where it differs from other engines: files, child processes, the end of text."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Finished, Request, Weights
from tpsprofile.engines.llamacpp import LlamaCpp
from tpsprofile.errors import (
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
)
from tpsprofile.records import ModelFacts


@pytest.fixture
def engine() -> LlamaCpp:
    return LlamaCpp(SystemClock())


def weights(path: Path | None) -> Weights:
    return Weights(facts=ModelFacts(name="m"), path=None if path is None else str(path))


def test_it_goes_on_past_the_end_of_text(engine: LlamaCpp, smollm2: Path) -> None:
    """Without being told so, this model ends such an answer after a few tokens."""
    prompt = "<|im_start|>user\nSay yes.<|im_end|>\n<|im_start|>assistant\nYes.<|im_end|>\n"
    with engine.load(weights(smollm2), context_tokens=1024, silence_s=60) as session:
        *_, account = session.generate(Request(prompt=prompt, tokens_out=200))
    assert isinstance(account, Finished)
    assert (account.tokens_out, account.stopped_by) == (200, "limit")


def test_a_file_that_is_no_model_is_named_by_llama_cpp(engine: LlamaCpp, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF but not really")
    with pytest.raises(ModelUnreadableError, match="could not load the model") as caught:
        engine.load(weights(path), context_tokens=256, silence_s=60)
    assert "\n" not in str(caught.value)
    assert not psutil.Process().children(), "the child is gone"


def test_without_a_file_there_is_nothing_to_load(engine: LlamaCpp) -> None:
    with pytest.raises(ModelNotInstalledError, match="no file"):
        engine.load(weights(None), context_tokens=256, silence_s=60)


def test_a_prompt_longer_than_the_context_is_refused_in_one_line(
    engine: LlamaCpp, tiny_models: tuple[Path, Path]
) -> None:
    with (
        engine.load(weights(tiny_models[0]), context_tokens=256, silence_s=60) as session,
        pytest.raises(EngineError, match="refused the request") as caught,
    ):
        list(session.generate(Request(prompt="word " * 2000, tokens_out=4)))
    assert "\n" not in str(caught.value)


def test_an_engine_that_ends_in_the_middle_says_how(engine: LlamaCpp, tiny_models: tuple[Path, Path]) -> None:
    with engine.load(weights(tiny_models[0]), context_tokens=4096, silence_s=60) as session:
        events = session.generate(Request(prompt="hello", tokens_out=4000))
        next(events)
        psutil.Process(session.pids[0]).kill()
        with pytest.raises(EngineDiedError, match="signal 9"):
            list(events)
        with pytest.raises(EngineDiedError, match="signal 9"):
            list(session.generate(Request(prompt="hello", tokens_out=4)))


def test_an_engine_that_hangs_is_not_waited_for(engine: LlamaCpp, tiny_models: tuple[Path, Path]) -> None:
    with engine.load(weights(tiny_models[0]), context_tokens=4096, silence_s=60) as session:
        psutil.Process(session.pids[0]).suspend()
        with pytest.raises(EngineTimedOutError, match="silent"):
            list(session.generate(Request(prompt="hello", tokens_out=4, silence_s=0.3)))


def test_a_load_that_takes_too_long_is_ended(engine: LlamaCpp, tiny_models: tuple[Path, Path]) -> None:
    with pytest.raises(EngineTimedOutError, match="not ready"):
        engine.load(weights(tiny_models[0]), context_tokens=256, silence_s=0.01)
    assert not psutil.Process().children()


def test_where_there_is_no_wheel_it_says_how_to_get_an_engine(
    engine: LlamaCpp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineMissingError, match="--engine ollama"):
        engine.info()


def test_what_lies_in_the_users_folder_is_not_imported(
    engine: LlamaCpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('not for you')")
    monkeypatch.chdir(tmp_path)
    assert engine.info().devices is not None
