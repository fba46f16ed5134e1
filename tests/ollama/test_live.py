"""The same against the server at OLLAMA_HOST or its default, with its smallest model.

One test kills a server: a second one, which it starts itself from the same program and with the same models.

OLLAMA_HOST=127.0.0.1:11434 pytest -m live tests/ollama
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.models.shapes import LLAMA, PHI3, QWEN2, quiet
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Event, Finished, Request, Token, Weights
from tpsprofile.engines.ollama.adopted import _blob_folder
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.engines.ollama.session import OllamaSession
from tpsprofile.errors import EngineDiedError, EngineError, ModelNotInstalledError, ProfileError
from tpsprofile.models import recipes, synthetic
from tpsprofile.models.catalogue import Shape

pytestmark = pytest.mark.live

CONTEXT = 1024
LARGEST_BYTES = 3 * 1024**3


@pytest.fixture(scope="module")
def engine() -> Ollama:
    engine = Ollama(SystemClock())
    try:
        engine.info()
    except EngineError as error:
        pytest.skip(str(error))
    return engine


@pytest.fixture(scope="module")
def weights(engine: Ollama) -> Weights:
    models = sorted(engine.models(), key=lambda each: each.facts.file_bytes or LARGEST_BYTES)
    for each in models:
        if (each.facts.file_bytes or LARGEST_BYTES) < LARGEST_BYTES and each.facts.parameters:
            try:
                with load(engine, each):
                    return each
            except ProfileError:
                continue
    pytest.skip("The server has no small model that runs. Get one with `ollama pull smollm2:135m`.")


def load(engine: Ollama, weights: Weights) -> OllamaSession:
    return engine.load(weights, context_tokens=CONTEXT, silence_s=120)


def story(tokens_out: int, nonce: str = "") -> Request:
    nonce = nonce or str(time.time_ns())
    prompt = f"{nonce}. The keeper of the lighthouse wrote a long letter to his sister. It began like this:"
    return Request(prompt=prompt, tokens_out=tokens_out, silence_s=120)


def account(events: list[Event]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    assert all(isinstance(event, Token) for event in events[:-1])
    return last


def test_facts_of_the_model(engine: Ollama, weights: Weights) -> None:
    facts = weights.facts
    assert facts.parameters
    assert facts.file_bytes
    assert facts.digest
    assert facts.digest.startswith("sha256:")
    assert engine.find(facts.name.upper()) == weights


def test_load_generate_unload(engine: Ollama, weights: Weights) -> None:
    with load(engine, weights) as session:
        loaded = session.facts()
        assert session.load_s > 0
        assert loaded.size_bytes
        assert loaded.vram_bytes is not None
        assert loaded.context_tokens in (CONTEXT, None)
        assert loaded.version == engine.info().version
        found = account(list(session.generate(story(24))))
        assert found.tokens_out
        assert found.tokens_out <= 24
        assert found.tokens_in
        assert found.prefill_s
        assert found.stopped_by == ("limit" if found.tokens_out == 24 else "end")
    assert weights.facts.name not in {model.name for model in engine._wire.loaded()}


def test_the_server_is_a_process_of_this_computer(engine: Ollama, weights: Weights) -> None:
    if engine.info().remote:
        pytest.skip("The server runs on another computer.")
    with load(engine, weights) as session:
        for pid in session.pids:
            assert psutil.Process(pid).name().casefold() in ("ollama", "ollama.exe")
            assert psutil.Process(pid).children(recursive=True), "its runner"


def test_making_room_empties_memory(engine: Ollama, weights: Weights) -> None:
    if engine.info().remote:
        pytest.skip("The server runs on another computer.")
    with load(engine, weights) as session:
        assert engine._wire.loaded()
        engine.make_room()
        assert not engine._wire.loaded()
        facts = session.facts()
        assert (facts.size_bytes, facts.version) == (None, engine.info().version)
        assert account(list(session.generate(story(2)))).tokens_out, "the request brings it back"
        assert session.facts().size_bytes


def test_a_shared_beginning_is_counted_and_not_read_again(engine: Ollama, weights: Weights) -> None:
    beginning = f"{time.time_ns()}\n" + "The keeper of the lighthouse counted ships.\n" * 40
    with load(engine, weights) as session:
        list(session.generate(story(1)))
        first, second = (
            account(list(session.generate(Request(prompt=prompt, tokens_out=2, reuse=True, silence_s=120))))
            for prompt in (beginning, f"{beginning}1234\nTell me more of the keeper.")
        )
    assert first.tokens_in and second.tokens_in
    assert 5 < second.tokens_in - first.tokens_in < 30
    assert second.tokens_cached is None or second.tokens_cached > first.tokens_in // 2
    assert first.prefill_s and second.prefill_s
    assert second.prefill_s < first.prefill_s / 2


def test_one_token_has_no_decode_time(engine: Ollama, weights: Weights) -> None:
    with load(engine, weights) as session:
        assert account(list(session.generate(story(1)))).decode_s is None


def test_a_prompt_longer_than_the_context_is_never_cut_in_silence(engine: Ollama, weights: Weights) -> None:
    prompt = "The keeper of the lighthouse. " * CONTEXT
    with load(engine, weights) as session:
        try:
            found = account(list(session.generate(Request(prompt=prompt, tokens_out=2, silence_s=120))))
        except EngineError as error:
            assert "context" in str(error)
        else:
            assert (found.tokens_in or 0) <= CONTEXT


def test_a_dropped_generation_leaves_the_server_free(engine: Ollama, weights: Weights) -> None:
    with load(engine, weights) as session:
        events = session.generate(story(900))
        next(events)
        events.close()  # type: ignore[attr-defined]
        assert account(list(session.generate(story(2)))).tokens_out in (1, 2)


def test_a_runner_that_is_killed_in_mid_stream(engine: Ollama, weights: Weights) -> None:
    with load(engine, weights) as session:
        runners = [child for pid in session.pids for child in psutil.Process(pid).children(recursive=True)]
        if not runners:
            pytest.skip("The server's process is not to be seen.")
        events = session.generate(story(900, nonce="1"))
        next(events)
        try:
            for runner in runners:
                runner.kill()
        except psutil.AccessDenied:
            pytest.skip("The server belongs to another user.")
        with pytest.raises(EngineDiedError):
            list(events)
    with load(engine, weights) as session:
        assert account(list(session.generate(story(2)))).tokens_out


def test_a_server_that_is_killed_in_mid_stream_and_comes_back(
    engine: Ollama, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    with load(engine, weights) as session:
        pids = session.pids
    if not pids:
        pytest.skip("The server's process is not to be seen.")
    try:
        program, settings = psutil.Process(pids[0]).exe(), psutil.Process(pids[0]).environ()
    except psutil.AccessDenied:
        pytest.skip("The server belongs to another user.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("OLLAMA_HOST", host)
    other = Ollama(SystemClock())
    with serving(program, settings | {"OLLAMA_HOST": host}, other), load(other, weights) as session:
        events = session.generate(story(900, nonce="2"))
        next(events)
        kill_tree(session.pids[0])
        with pytest.raises(EngineDiedError):
            list(events)
        with pytest.raises(EngineDiedError):
            session.facts()
        other.make_room()
        with serving(program, settings | {"OLLAMA_HOST": host}, other):
            assert session.facts().version == engine.info().version
            assert account(list(session.generate(story(2)))).tokens_out


@contextmanager
def serving(program: str, settings: dict[str, str], engine: Ollama) -> Iterator[None]:
    """A server of that program, until the block is left."""
    server = subprocess.Popen(
        [program, "serve"], env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                engine.info()
                break
            except EngineError:
                assert time.monotonic() < deadline, "the second server does not answer"
                time.sleep(0.1)
        yield
    finally:
        kill_tree(server.pid)
        server.wait()


def kill_tree(pid: int) -> None:
    """Kill a server, then the runners that it leaves behind."""
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


@pytest.mark.parametrize("shape", [LLAMA, QWEN2, PHI3], ids=lambda shape: shape.architecture)
def test_a_twin_runs_to_its_end_and_leaves_no_file(engine: Ollama, tmp_path: Path, shape: Shape) -> None:
    recipe = recipes.of_shape(shape)
    path = synthetic.prepare(recipe, tmp_path, keep=True, progress=quiet)
    folder = None if engine.info().remote else _blob_folder(engine._wire)
    before = sorted(folder.rglob("sha256-*")) if folder else []
    with engine.adopt(Weights(facts=recipe.facts(), path=str(path)), quiet) as own:
        with load(engine, own) as session:
            for _ in range(2):
                found = account(list(session.generate(story(64))))
                assert (found.tokens_out, found.stopped_by) == (64, "limit")
            assert session.facts().size_bytes
        assert own.name in {listed["name"] for listed in engine._wire.listed()}
        assert folder is None or len(sorted(folder.rglob("sha256-*"))) > len(before)
    assert own.name not in {listed["name"] for listed in engine._wire.listed()}
    assert folder is None or sorted(folder.rglob("sha256-*")) == before


def test_a_missing_model(engine: Ollama) -> None:
    name = "tpsprofile-has-no-such-model:1b"
    with pytest.raises(ModelNotInstalledError):
        engine.find(name)
    with pytest.raises(EngineError):
        engine.pull(name, lambda done, total: None)
