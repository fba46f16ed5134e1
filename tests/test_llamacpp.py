"""The embedded llama.cpp where it differs from other engines: files, child processes, the end of text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from tests.support import WHEN
from tpsprofile import machine
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Finished, Request, Token, Weights
from tpsprofile.engines.fake import VirtualClock
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.engines.llama.session import BITE_S, Bites, LlamaCppSession
from tpsprofile.engines.llama.wording import cpu_features
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


@pytest.mark.parametrize(
    ("system", "features"),
    [
        (
            "CPU : SSE3 = 1 | SSSE3 = 1 | AVX = 1 | AVX2 = 1 | F16C = 1 | FMA = 1 | BMI2 = 1 | LLAMAFILE = 1 | "
            "OPENMP = 1 | REPACK = 1 | ",
            ("avx", "avx2", "f16c", "fma"),
        ),
        (
            "CPU : SSE3 = 1 | AVX = 1 | AVX_VNNI = 1 | AVX512 = 1 | AVX512_VBMI = 1 | AVX512_VNNI = 1 | "
            "AVX512_BF16 = 1 | AMX_INT8 = 1 | ",
            ("amx_int8", "avx", "avx512_bf16", "avx512_vnni", "avx512f", "avx_vnni"),
        ),
        (
            "Metal : EMBED_LIBRARY = 1 | CPU : NEON = 1 | ARM_FMA = 1 | FP16_VA = 1 | MATMUL_INT8 = 1 | SVE = 1 | "
            "DOTPROD = 1 | SVE_CNT = 16 | SME = 1 | ACCELERATE = 1 | REPACK = 1 | ",
            ("dotprod", "fp16", "i8mm", "neon", "sme", "sve"),
        ),
        ("CPU : RISCV_V = 1 | RVV_VLEN = 32 | ", ("rvv",)),
        ("CPU : AVX = 1 | AVX2 = 0 | ", ("avx",)),
        ("CPU : AVX = 1 | CUDA : AVX2 = 1 | ", ("avx",)),
        ("CPU : LLAMAFILE = 1 | ", ()),
        ("CUDA : ARCHS = 890 | USE_GRAPHS = 1 | ", None),
        ("", None),
    ],
)
def test_instruction_sets_of_the_build_have_the_machines_names(
    system: str, features: tuple[str, ...] | None
) -> None:
    assert cpu_features(system) == features


def test_this_build_tells_its_instruction_sets(engine: LlamaCpp) -> None:
    """A wheel for another processor would not have started, so what it uses the machine has."""
    features = engine.info().cpu_features
    assert features
    assert set(features) <= set(machine.identify(bandwidth=False).cpu_features)


def test_the_beginning_of_a_prompt_is_reused_when_asked_and_only_then(engine: LlamaCpp, smollm2: Path) -> None:
    beginning = "The quick brown fox jumps over the lazy dog. " * 40
    with engine.load(weights(smollm2), context_tokens=2048, silence_s=60) as session:

        def run(end: str, *, reuse: bool) -> Finished:
            request = Request(prompt=beginning + end, tokens_out=4, reuse=reuse)
            *_, account = session.generate(request)
            assert isinstance(account, Finished)
            return account

        first = run("One", reuse=True)
        shared = first.tokens_in
        assert shared is not None
        again, fresh, after = run("Two", reuse=True), run("Three", reuse=False), run("Four", reuse=True)
    assert first.tokens_cached == 0
    for account in (again, after):
        assert account.tokens_cached is not None
        assert shared - 3 <= account.tokens_cached < shared
        assert account.tokens_in is not None
        assert shared <= account.tokens_in <= shared + 3, "cached tokens are counted"
    assert fresh.tokens_cached == 0


class Stranger:
    """A server that somebody else started: here one that answers each request with fixed lines."""

    pid = 4711
    ended = False

    def how_it_ended(self) -> str:
        return "exit status 3"

    def end(self) -> None:
        self.ended = True


@contextmanager
def answering(*chunks: dict[str, object]) -> Iterator[str]:
    """The address of a server that streams these chunks as the answer to whatever is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

        def log_message(self, *args: object) -> None:
            """Nothing to say."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def last_chunk(**timings: float) -> dict[str, object]:
    return {"content": "", "stop": True, "stop_type": "limit", "timings": {"predicted_n": 3, **timings}}


def test_drafted_tokens_are_told_where_the_server_drafts() -> None:
    with (
        answering({"content": "a"}, last_chunk(draft_n=7, draft_n_accepted=2)) as url,
        LlamaCppSession(Stranger(), url, 1.0) as session,
    ):
        *_, account = session.generate(Request(prompt="hello", tokens_out=3))
    assert isinstance(account, Finished)
    assert account.tokens_drafted == 7


def test_a_server_that_does_not_draft_leaves_it_open(engine: LlamaCpp, tiny_models: tuple[Path, Path]) -> None:
    with engine.load(weights(tiny_models[0]), context_tokens=256, silence_s=60) as session:
        *_, account = session.generate(Request(prompt="hello", tokens_out=4))
    assert isinstance(account, Finished)
    assert account.tokens_drafted is None


def test_a_session_speaks_with_a_server_that_is_not_its_child() -> None:
    server = Stranger()
    with answering({"content": "a"}) as url, LlamaCppSession(server, url, 1.0) as session:
        assert (session.pids, session.load_s, session.url) == ((4711,), 1.0, url)
        with pytest.raises(EngineDiedError, match="exit status 3"):
            list(session.generate(Request(prompt="hello", tokens_out=3)))
        assert not server.ended
    assert server.ended


def test_an_error_in_the_middle_of_the_text_is_told_in_the_servers_words() -> None:
    error: dict[str, object] = {"error": {"code": 500, "message": "no room in the cache"}}
    with answering({"content": "ä"}, error) as url, LlamaCppSession(Stranger(), url, 1.0) as session:
        events = session.generate(Request(prompt="hello", tokens_out=3))
        assert next(events) == Token(text="ä")
        with pytest.raises(EngineError, match="no room in the cache"):
            list(events)


def test_an_address_where_nobody_listens_is_a_server_that_ended() -> None:
    with answering() as url:
        pass
    with LlamaCppSession(Stranger(), url, 1.0) as session, pytest.raises(EngineDiedError, match="exit status 3"):
        list(session.generate(Request(prompt="hello", tokens_out=3)))


def test_chunks_of_a_fast_model_are_read_in_bites_but_for_the_first_and_the_last() -> None:
    clock = VirtualClock(WHEN)
    bites, sleeps = Bites(400, clock), []
    for number in range(1, 401):
        before = clock.monotonic()
        bites.taken()
        if clock.monotonic() > before:
            sleeps.append((number, clock.monotonic() - before))
        else:
            clock.sleep(0.001)  # 1,000 tok/s
    assert len(sleeps) > 1
    assert max(seconds for _, seconds in sleeps) <= BITE_S
    assert 4 <= sleeps[0][0] < sleeps[-1][0] < 380, "the last ones are read as they come"


def test_chunks_of_a_slow_model_are_read_as_they_come() -> None:
    clock = VirtualClock(WHEN)
    bites = Bites(50, clock)
    for _ in range(50):
        bites.taken()
        clock.sleep(1 / 20)
    assert clock.monotonic() == pytest.approx(50 / 20)
