"""A llama-server of the user's own: found, described, started as pinned, and what happens when it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.llama_server import replaying
from tpsprofile.clock import SystemClock
from tpsprofile.engines import registry
from tpsprofile.engines.base import Finished, Request, Setup, Token, Weights
from tpsprofile.engines.llama.native import LlamaServer, environment
from tpsprofile.engines.llama.threads import threads
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelUnreadableError,
    ProfileError,
)
from tpsprofile.records import ModelFacts


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert not psutil.Process().children(recursive=True)


def replayed(folder: Path, *options: str) -> LlamaServer:
    return LlamaServer(SystemClock(), Setup(server=str(replaying(folder, *options))))


def weights(path: Path) -> Weights:
    return Weights(facts=ModelFacts(name="m"), path=str(path))


def test_it_is_an_engine_by_name(tmp_path: Path) -> None:
    engine = registry.create("llama-server", setup=Setup(server=str(replaying(tmp_path))))
    assert engine.can.server == "program"
    assert engine.info().name == "llama-server"


def test_a_build_is_described_by_its_own_words(tmp_path: Path) -> None:
    engine = replayed(tmp_path)
    info = engine.info()
    assert (info.version, info.devices) == ("0.6.0-dev", ())
    assert info.cpu_features == ("avx", "avx2", "f16c", "fma")
    assert (info.build or "").startswith("GNU 12.2.0 for Linux x86_64, CPU : SSE3, SSSE3, AVX, AVX2")
    assert engine.options() == {
        "threads": threads(),
        "cache_prompt": False,
        "flags": "-np 1 --no-cache-prompt -cram 0 --no-ui --slots",
    }


def test_an_old_build_is_told_what_it_understands(tmp_path: Path, tiny_models: tuple[Path, Path]) -> None:
    engine = replayed(tmp_path, "--fault", "old")
    info = engine.info()
    assert (info.version, info.devices) == ("b4534", None)
    assert "commit 955a6c2d" in (info.build or "")
    assert engine.options()["flags"] == "-np 1 --no-webui --slots -ngl 999"
    with engine.load(weights(tiny_models[0]), context_tokens=512, silence_s=60) as session:
        assert session.facts().context_tokens == 512


def test_its_process_is_the_program_and_gets_the_pinned_options_alone(
    tmp_path: Path, tiny_models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_ARG_CTX_SIZE", "99")
    with replayed(tmp_path).load(weights(tiny_models[0]), context_tokens=768, silence_s=60) as session:
        (pid,) = session.pids
        *_, told = " ".join(psutil.Process(pid).cmdline()).partition(" -- ")
        count = threads()
        begin = (
            f"-m {tiny_models[0]} -c 768 -t {count} -tb {count} -np 1 --no-cache-prompt -cram 0 --no-ui --slots"
        )
        assert told.startswith(f"{begin} --host 127.0.0.1 --port ")
        assert "LLAMA_ARG_CTX_SIZE" not in psutil.Process(pid).environ()


def test_the_users_settings_and_keys_do_not_reach_it() -> None:
    own = {"LLAMA_API_KEY": "secret", "LLAMA_ARG_THREADS": "1", "PATH": "/bin", "GGML_X": "1"}
    assert environment(own) == {"PATH": "/bin", "GGML_X": "1"}


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ("dies-loading", EngineDiedError, "signal 9; the system sends it when memory runs out"),
        ("port-taken", EngineDiedError, "its port taken by another program"),
        ("no-memory", DoesNotFitError, "found no memory"),
        ("never-ready", EngineTimedOutError, "not ready after 1 s"),
    ],
)
def test_a_load_that_fails_is_explained(
    tmp_path: Path, tiny_models: tuple[Path, Path], fault: str, error: type[ProfileError], told: str
) -> None:
    engine = replayed(tmp_path, "--fault", fault)
    with pytest.raises(error, match=told) as caught:
        engine.load(weights(tiny_models[0]), context_tokens=512, silence_s=1.0 if fault == "never-ready" else 60)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_model_is_named_by_it(tmp_path: Path) -> None:
    broken = tmp_path / "x.gguf"
    broken.write_bytes(b"GGUF but not really")
    with pytest.raises(
        ModelUnreadableError, match=r"exit status 1\): gguf_init_from_reader: failed to read magic"
    ):
        replayed(tmp_path).load(weights(broken), context_tokens=512, silence_s=60)


def test_an_end_in_the_middle_of_the_text_says_how(tmp_path: Path, tiny_models: tuple[Path, Path]) -> None:
    engine = replayed(tmp_path, "--fault", "dies-midstream")
    with engine.load(weights(tiny_models[0]), context_tokens=512, silence_s=60) as session:
        events = session.generate(Request(prompt="hello", tokens_out=64))
        assert isinstance(next(events), Token)
        with pytest.raises(EngineDiedError, match="signal 9"):
            list(events)


def test_a_prompt_longer_than_the_context_is_refused_in_its_words(
    tmp_path: Path, tiny_models: tuple[Path, Path]
) -> None:
    with (
        replayed(tmp_path).load(weights(tiny_models[0]), context_tokens=512, silence_s=60) as session,
        pytest.raises(EngineError, match="exceeds the available context size"),
    ):
        list(session.generate(Request(prompt="word " * 600, tokens_out=4)))


def test_recorded_counts_and_times_arrive(tmp_path: Path, tiny_models: tuple[Path, Path]) -> None:
    with replayed(tmp_path).load(weights(tiny_models[0]), context_tokens=512, silence_s=60) as session:
        *_, account = session.generate(Request(prompt="7919\nOnce upon a time", tokens_out=2, reuse=True))
    assert isinstance(account, Finished)
    assert (account.tokens_in, account.tokens_cached, account.tokens_out) == (9, 8, 2)


def test_without_a_name_it_is_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaying(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert LlamaServer(SystemClock()).info().version == "0.6.0-dev"


def test_a_program_in_this_folder_needs_no_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaying(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert LlamaServer(SystemClock(), Setup(server="llama-server")).info().version == "0.6.0-dev"


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (None, "no llama-server on the PATH"),
        ("nowhere/llama-server", "no program nowhere/llama-server"),
        ("text", "text is not a program that can be run"),
        (".", "is not a program that can be run"),
        (sys.executable, "is no llama-server: its --help reads otherwise"),
    ],
)
def test_what_is_missing_is_told_with_the_way_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str | None, told: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("not a program")
    engine = LlamaServer(SystemClock(), Setup(server=server))
    for use in (engine.info, engine.options):
        with pytest.raises(EngineMissingError, match=told) as caught:
            use()
        assert "--server PATH" in (caught.value.advice or "")
