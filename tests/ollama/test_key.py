"""A key is sent to nobody else, and seen in nothing that the engine says; every answer here quotes it."""

from __future__ import annotations

import gzip
import html
import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.ollama.server import MODEL, Fault, Replay, replay
from tests.openai.test_key import VARIABLE, all_of, in_full, planted, seen_in
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Request, Setup
from tpsprofile.engines.ollama.client import USUAL_KEY
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.engines.ollama.wire import Wire
from tpsprofile.errors import ProfileError, UsageError

FAULTS: dict[str, Callable[[str], Fault]] = {
    "401": lambda key: Fault(body=told(f"you sent Authorization: Bearer {key}"), status=401),
    "404": lambda key: Fault(body=told(f"model {key} not found"), status=404),
    "500-twice": lambda key: Fault(body=told(told(f"key {key} is wrong").decode()), status=500),
    "500-escaped": lambda key: Fault(body=f'{{"error":"no {escaped(key)}"}}'.encode(), status=500),
    "500-cut": lambda key: Fault(body=f'{{"error":"no Bearer {key[:30]}'.encode(), status=500),
    "500-page": lambda key: Fault(body=f"Trace: {html.escape(key)}\n{quote(key)}".encode(), status=500),
    "redirect": lambda key: Fault(body=key.encode(), status=302),
    "error-in-stream": lambda key: Fault(body=b'{"response":"a"}\n' + told(f"lost {key}")),
    "bad-stream": lambda key: Fault(body=b'{"response":"a"}\n' + key.encode()),
    "no-object": lambda key: Fault(body=json.dumps([key]).encode()),
    "nothing-done": lambda key: Fault(body=json.dumps({"status": key, "version": key}).encode()),
    "done": lambda key: Fault(body=json.dumps({"response": "a", "done": True, "done_reason": key}).encode()),
    "cut": lambda key: Fault(body=b'{"response":"a"}\n' + key.encode(), end="cut"),
    "silent": lambda key: Fault(body=key.encode(), end="hang"),
}
WORK: dict[str, Callable[[Ollama, Wire], Any]] = {
    "version": lambda engine, wire: engine.info(),
    "tags": lambda engine, wire: (engine.models(), engine.find("nobody")),
    "show": lambda engine, wire: engine.find(MODEL),
    "ps": lambda engine, wire: wire.loaded(),
    "load": lambda engine, wire: wire.preload(MODEL, 512, 0.3),
    "unload": lambda engine, wire: wire.unload(MODEL),
    "pull": lambda engine, wire: engine.pull(MODEL, lambda *_: None),
    "find": lambda engine, wire: wire.has_blob("sha256:0"),
    "upload": lambda engine, wire: wire.upload("sha256:0", [b"a"], 1),
    "create": lambda engine, wire: wire.create("m", "m.gguf", "sha256:0", 0.3),
    "delete": lambda engine, wire: wire.delete("m"),
    "generate": lambda engine, wire: list(wire.generate({"model": MODEL, "prompt": "a"}, 0.3)),
}


def told(error: str) -> bytes:
    return json.dumps({"error": error}).encode()


def escaped(key: str) -> str:
    return "".join(f"\\u{ord(sign):04x}" for sign in key)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    value = planted()
    monkeypatch.setenv(VARIABLE, value)
    for name in ("ANSWER_S", "CHECK_S"):
        monkeypatch.setattr(f"tpsprofile.engines.ollama.wire.{name}", 0.3)
    return value


def sent(server: Replay) -> set[str | None]:
    return {headers.get("Authorization") for headers in server.headers}


CASES = [(fault, "generate") for fault in FAULTS]
OTHERS = [purpose for purpose in WORK if purpose != "generate"]
CASES += [(fault, purpose) for fault in ("401", "cut", "nothing-done") for purpose in OTHERS]


@pytest.mark.parametrize(("fault", "purpose"), CASES)
def test_nothing_shows_the_key(key: str, fault: str, purpose: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with replay("0.13.0") as server:
        server.faults[purpose] = FAULTS[fault](key)
        engine = Ollama(SystemClock(), Setup(server=server.url, key_env=VARIABLE))
        wire = engine._wire
        shown = repr((engine, vars(engine), wire, vars(wire)))
        try:
            shown += repr(WORK[purpose](engine, wire))
        except ProfileError as error:
            if purpose != "version":  # whose error explains another one of this program
                assert [*all_of(error)] == [error], "what went wrong below does not hang on to it"
            shown += in_full(error)
        assert sent(server) == {f"Bearer {key}"}
    assert seen_in(shown, key) == []
    assert seen_in(caplog.text, key) == []


def test_a_packed_answer_is_not_read_with_a_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = gzip.compress(told(key))
    packed = httpx.Response(500, content=body, headers={"Content-Encoding": "gzip"})
    monkeypatch.setattr("httpx.HTTPTransport.handle_request", lambda *_: packed)
    engine = Ollama(SystemClock(), Setup(server="http://127.0.0.1:9", key_env=VARIABLE))
    with pytest.raises(ProfileError) as caught:
        engine.models()
    assert seen_in(in_full(caught.value), key) == []


def test_with_a_key_text_arrives_as_it_is(key: str) -> None:
    text = 'é\u0085 "50%"\\n'
    lines = [{"response": text}, {"response": "b"}, {"response": "", "done": True}]
    body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    with replay("0.13.0", generate=Fault(body=body)) as server:
        engine = Ollama(SystemClock(), Setup(server=server.url, key_env=VARIABLE))
        with engine.load(engine.find(MODEL), context_tokens=512, silence_s=5) as session:
            *tokens, _ = session.generate(Request(prompt="a", tokens_out=2, silence_s=5))
    assert [token.text for token in tokens] == [text, "b"]  # type: ignore[union-attr]


def test_a_line_without_end_is_not_collected_for_ever(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpsprofile.engines.lines.lines.__defaults__", (1000,))
    with replay("0.13.0", generate=Fault(body=b'{"response":"' + b"a" * 2000 + b'"}')) as server:
        wire = Wire(server.url)
        with pytest.raises(ProfileError, match="cannot be understood"):
            list(wire.generate({"model": MODEL, "prompt": "a"}, 5))


# ---------------------------------------------------------------------------------------------- where it goes


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[httpx.Request, bool]]:
    """What would be sent, and whether by way of a proxy."""
    seen: list[tuple[httpx.Request, bool]] = []

    def answer(self: Any, request: httpx.Request) -> httpx.Response:
        seen.append((request, type(self._pool).__name__ == "HTTPProxy"))
        return httpx.Response(200, json={"version": "0.13.0"})

    monkeypatch.setattr("httpx.HTTPTransport.handle_request", answer)
    for name in ("NO_PROXY", "no_proxy", USUAL_KEY):
        monkeypatch.delenv(name, raising=False)
    return seen


@pytest.mark.parametrize(
    ("server", "goes"),
    [
        ("http://ollama.example.com", False),
        ("ollama.example.com:11434", False),
        ("http://8.8.8.8", False),
        ("https://ollama.example.com", True),
        ("http://127.0.0.1:9", True),
        ("http://192.168.1.7:11434", True),
    ],
)
def test_ollamas_own_variable_is_sent_where_nobody_between_can_read_it(
    server: str, goes: bool, requests: list[Any], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(USUAL_KEY, key)
    assert Ollama(SystemClock(), Setup(server=server)).info().version == "0.13.0"
    ((request, _),) = requests
    assert request.headers.get("Authorization") == (f"Bearer {key}" if goes else None)


def test_a_named_variable_comes_before_ollamas_own(
    requests: list[Any], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(USUAL_KEY, "another-key")
    Ollama(SystemClock(), Setup(server="https://ollama.example.com", key_env=VARIABLE)).info()
    assert requests[0][0].headers["Authorization"] == f"Bearer {key}"


def test_what_no_header_can_hold_is_left_out_unless_it_was_named(
    requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USUAL_KEY, "x")
    Ollama(SystemClock(), Setup(server="http://127.0.0.1:9")).info()
    assert "Authorization" not in requests[0][0].headers
    with pytest.raises(UsageError, match=USUAL_KEY):
        Ollama(SystemClock(), Setup(server="http://127.0.0.1:9", key_env=USUAL_KEY)).info()


@pytest.mark.parametrize(
    ("server", "proxied"),
    [
        ("http://192.168.1.7:11434", False),
        ("http://studio:11434", False),
        ("http://127.0.0.1:9", False),
        ("https://127.0.0.1:9", False),
        ("https://ollama.example.com", True),
    ],
)
def test_a_proxy_is_asked_where_it_cannot_read_what_it_passes_on(
    server: str, proxied: bool, requests: list[Any], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    Ollama(SystemClock(), Setup(server=server, key_env=VARIABLE)).info()
    ((request, through),) = requests
    assert request.headers["Authorization"] == f"Bearer {key}"
    assert through is proxied


@pytest.mark.parametrize(
    "written", ["http://ann:{}@studio:11434", "ann:{}@studio", "http://ann:{}/x@studio", "ann:{}", "http://ann:{}"]
)
@pytest.mark.parametrize("option", [True, False])
def test_a_password_in_an_address_is_refused_and_not_repeated(
    written: str, option: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = written.format("geheim")
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9" if option else text)
    with pytest.raises(ProfileError) as caught:
        Ollama(SystemClock(), Setup(server=text if option else None)).info()
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.what
    assert "geheim" not in shown
    assert ("--server" if option else "OLLAMA_HOST") in caught.value.what


def test_a_proxy_that_cannot_be_used_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://ann:geheim@proxy")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(ProfileError, match="proxy that the environment names") as caught:
        Ollama(SystemClock(), Setup(server="https://ollama.example.com")).info()
    assert "geheim" not in "".join(traceback.format_exception(caught.value))


# ------------------------------------------------------------------------------------------- whose server it is


@pytest.mark.parametrize(
    ("server", "cloud", "service"),
    [
        ("https://ollama.com", False, True),
        ("https://gateway.example.com", True, True),
        ("http://127.0.0.1:9", True, True),
        ("https://studio.example.com", False, False),
        ("https://notollama.com", False, False),
    ],
)
def test_a_service_is_marked_as_one(server: str, cloud: bool, service: bool, requests: list[Any]) -> None:
    info = Ollama(SystemClock(), Setup(server=server, cloud=cloud)).info()
    assert (info.remote, info.cloud) == (True, service)
