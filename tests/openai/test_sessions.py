"""Generating: what recorded and scripted streams come to, what is asked for, and how each failure ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.openai.server import (
    DONE,
    Does,
    Reply,
    Script,
    chunk,
    event,
    fixture,
    listing,
    serving,
    stream,
    usage,
    writes,
)
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Event, Finished, Request, Setup, Token
from tpsprofile.engines.openai.engine import OpenAI
from tpsprofile.engines.openai.wire import Wire
from tpsprofile.errors import (
    CaseTooLongError,
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
    ProfileError,
    UsageError,
)

RAW = Request(prompt="Once upon a time", tokens_out=16, silence_s=20)
CHAT = Request(prompt="Once upon a time", tokens_out=16, silence_s=20, chat=True)
LLAMA_SERVER: dict[str, Any] = {
    "/v1/models": fixture("llama-server/v1-models.json"),
    "/props": fixture("llama-server/props.json"),
}
MLX: dict[str, Any] = {
    "/v1/models": fixture("mlx-lm/v1-models.json"),
    "/health": fixture("mlx-lm/health.json"),
}
OLLAMA: dict[str, Any] = {
    "/v1/models": fixture("ollama/v1-models.json"),
    "/api/version": fixture("ollama/api-version.json"),
    "/api/ps": fixture("ollama/api-ps.json"),
}
PLAIN: dict[str, Any] = {"/v1/models": listing("tiny")}


def once_loaded(does: Does) -> Does:
    """Answer the one token of the load as usual, everything after it as told."""
    seen: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Reply:
        seen.append(body)
        return writes(body) if len(seen) == 1 else does(body)

    return answer


def replays(name: str) -> Does:
    return lambda body: stream([fixture(name)])


def generated(routes: dict[str, Any], does: Does, request: Request = RAW, model: str | None = None) -> list[Event]:
    with serving(Script(routes=routes, does={"": once_loaded(does)})) as server:
        return events(server, request, model)


def events(server: Script, request: Request, model: str | None = None) -> list[Event]:
    engine = OpenAI(SystemClock(), Setup(server=server.url, chat=request.chat))
    weights = engine.find(model) if model else engine.models()[0]
    with engine.load(weights, context_tokens=512, silence_s=20) as session:
        return list(session.generate(request))


def account(found: list[Event]) -> Finished:
    *tokens, last = found
    assert all(isinstance(one, Token) for one in tokens)
    assert isinstance(last, Finished)
    return last


def text(found: list[Event]) -> str:
    return "".join(one.text for one in found if isinstance(one, Token))


# ---------------------------------------------------------------------------------------- what streams come to


@pytest.mark.parametrize(
    ("routes", "name", "request_", "expected"),
    [
        (
            LLAMA_SERVER,
            "llama-server/v1-completions-stream.sse.txt",
            RAW,
            Finished(
                tokens_in=20,
                tokens_cached=19,
                tokens_out=12,
                prefill_s=8.944 / 1000,
                decode_s=87.203 / 1000,
                stopped_by="limit",
            ),
        ),
        (
            LLAMA_SERVER,
            "llama-server/v1-chat-stream-usage.sse.txt",
            CHAT,
            Finished(
                tokens_in=34,
                tokens_cached=33,
                tokens_out=16,
                prefill_s=9.112 / 1000,
                decode_s=124.665 / 1000,
                stopped_by="limit",
            ),
        ),
        (
            MLX,
            "mlx-lm/v1-chat-stream-usage.sse.txt",
            CHAT,
            Finished(tokens_in=34, tokens_cached=33, tokens_out=8, stopped_by="limit"),
        ),
        (
            MLX,
            "mlx-lm/v1-completions-stream.sse.txt",
            RAW,
            Finished(tokens_in=2, tokens_cached=0, tokens_out=4, stopped_by="limit"),
        ),
        (MLX, "mlx-lm/v1-chat-stream-long-prompt.sse.txt", CHAT, Finished(stopped_by="limit")),
        (
            OLLAMA,
            "ollama/v1-chat-stream-usage.sse.txt",
            CHAT,
            Finished(tokens_in=13, tokens_out=8, stopped_by="limit"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_recorded_streams_come_to_their_counts_and_times(
    routes: dict[str, Any], name: str, request_: Request, expected: Finished
) -> None:
    found = generated(routes, replays(name), request_)
    assert account(found) == expected
    assert text(found)


def test_without_usage_counts_are_unknown_and_chunks_are_not_counted() -> None:
    found = generated(PLAIN, lambda body: stream([chunk("one two"), chunk(" three", "length"), DONE]), CHAT)
    assert account(found) == Finished(stopped_by="limit")
    assert text(found) == "one two three"


def test_thinking_is_no_content_and_its_tokens_are_taken_off() -> None:
    thoughts = [
        chunk(None, role="assistant", content=None),
        chunk(None, reasoning_content="Hm."),
        chunk("Yes", "stop"),
    ]
    told = {"completion_tokens_details": {"reasoning_tokens": 30}}
    found = generated(PLAIN, lambda body: stream([*thoughts, usage(9, 40, **told), DONE]), CHAT)
    assert text(found) == "Yes"
    assert account(found) == Finished(tokens_in=9, tokens_out=10, stopped_by="thinking")
    untold = generated(PLAIN, lambda body: stream([chunk(None, reasoning="Hm."), usage(9, 40), DONE]), CHAT)
    assert account(untold) == Finished(tokens_in=9, stopped_by="thinking")


def test_lines_that_are_no_events_are_skipped_however_they_are_cut() -> None:
    whole = b": hello\r\n\r\nevent: message\r\nid: 3\r\ndata:" + chunk("a", "stop")[6:] + usage(3, 1) + DONE
    pieces = [whole[place : place + 7] for place in range(0, len(whole), 7)]
    found = generated(PLAIN, lambda body: stream(pieces), CHAT)
    assert account(found) == Finished(tokens_in=3, tokens_out=1, stopped_by="end")


@pytest.mark.parametrize(
    "odd",
    [
        event(choices=None, usage=7, timings="x"),
        event(choices=[None]),
        event(choices=[{"delta": {"content": 5}, "finish_reason": {"a": 1}}]),
        event(choices=[{"delta": None, "text": 5}]),
        event(choices=[], usage={"prompt_tokens": "3", "completion_tokens": True, "prompt_tokens_details": []}),
        event(choices=[], timings={"predicted_n": "1", "predicted_ms": None, "prompt_ms": "x", "prompt_n": []}),
        event(choices=[], usage={"prompt_tokens": 10**30, "completion_tokens": -1}),
        event(choices=[], timings={"prompt_n": 10**400, "predicted_n": 10**10, "prompt_ms": 10**400}),
        event(choices=[], timings={"prompt_ms": float("inf"), "predicted_ms": float("nan"), "draft_n": 1e9}),
    ],
)
def test_odd_chunks_tell_nothing_and_break_nothing(odd: bytes) -> None:
    found = generated(PLAIN, lambda body: stream([chunk("a"), odd, chunk(finish="stop"), DONE]), CHAT)
    assert account(found) == Finished(stopped_by="end")


# ------------------------------------------------------------------------------------------- what is asked for


def asked(routes: dict[str, Any], request: Request) -> tuple[str, dict[str, Any]]:
    with serving(Script(routes=routes)) as server:
        events(server, request)
        return next((what, body) for what, body in reversed(server.asked) if what.startswith("POST"))


def test_a_prompt_goes_in_raw_and_llama_server_is_told_all_that_it_knows() -> None:
    what, body = asked(LLAMA_SERVER, RAW)
    assert what == "POST /v1/completions"
    assert body == {
        "model": "smollm2",
        "prompt": "Once upon a time",
        "max_tokens": 16,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
        "cache_prompt": False,
        "samplers": ["top_k"],
        "top_k": 1,
    }


def test_a_chat_goes_through_the_template_without_thinking() -> None:
    what, body = asked(LLAMA_SERVER, CHAT)
    assert what == "POST /v1/chat/completions"
    assert "prompt" not in body
    assert body["messages"] == [{"role": "user", "content": "Once upon a time"}]
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_setup_for_chat_is_enough() -> None:
    with serving(Script(routes=PLAIN)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url, chat=True))
        with engine.load(engine.models()[0], context_tokens=512, silence_s=20) as session:
            list(session.generate(RAW))
    assert all("messages" in body for body in server.bodies())


def test_a_server_that_nobody_knows_is_told_the_usual_alone() -> None:
    _, body = asked(PLAIN, RAW)
    usual = {"model", "prompt", "max_tokens", "temperature", "stream", "stream_options"}
    assert set(body) == usual


def test_a_seed_is_sent_where_it_has_a_part() -> None:
    _, body = asked(PLAIN, msgspec.structs.replace(RAW, temperature=0.7, seed=3))
    assert (body["temperature"], body["seed"]) == (0.7, 3)


ONLY_ONE = "Unsupported value: 'temperature' does not support 0 here. Only the default (1) is supported."


@pytest.mark.parametrize(("temperature", "works"), [(1.0, True), (0.0, False)])
def test_a_model_with_a_temperature_of_its_own_is_measured_at_that(temperature: float, works: bool) -> None:
    def picky(body: dict[str, Any]) -> Reply:
        fine = body.get("temperature", 1) == 1
        return writes(body) if fine else Reply(json.dumps({"error": {"message": ONLY_ONE}}).encode(), 400)

    request = msgspec.structs.replace(CHAT, temperature=temperature)
    with serving(Script(routes=PLAIN, does={"": picky})) as server:
        if works:
            assert account(events(server, request)).tokens_out == 16
        else:
            with pytest.raises(EngineError, match="refuses the temperature") as caught:
                events(server, request)
            assert "temperature: 1" in str(caught.value)


def test_a_server_that_templates_every_prompt_is_refused_without_chat() -> None:
    with serving(Script(routes=OLLAMA)) as server, pytest.raises(EngineError, match="on every route") as caught:
        events(server, RAW)
    assert "--chat" in str(caught.value)
    assert not server.bodies()


def test_a_model_that_wants_another_word_for_the_limit_gets_it() -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}

    def picky(body: dict[str, Any]) -> Reply:
        if "max_tokens" in body:
            return Reply(json.dumps(refusal).encode(), 400)
        return writes(body | {"max_tokens": body["max_completion_tokens"]})

    with serving(Script(routes=PLAIN, does={"": picky})) as server:
        assert account(events(server, CHAT)).tokens_out == 16
    assert [body.get("max_completion_tokens") for body in server.bodies()] == [None, 1, 16]


def test_one_token_is_asked_for_before_anything_is_timed() -> None:
    with serving(Script(routes=PLAIN)) as server:
        events(server, RAW)
    assert [body["max_tokens"] for body in server.bodies()] == [1, 16]


def test_a_large_prompt_goes_through() -> None:
    with serving(Script(routes=PLAIN)) as server:
        events(server, Request(prompt="word " * 400_000, tokens_out=2, silence_s=20))
    assert len(server.bodies()[-1]["prompt"]) == 2_000_000


# --------------------------------------------------------------------------------------------------- failures


def error(text: object, status: int = 500) -> Reply:
    return Reply(json.dumps({"error": text}).encode(), status)


FAILURES: list[tuple[str, Reply, type[ProfileError], str]] = [
    ("cut off", stream([chunk("a")], end="cut"), EngineDiedError, "in the middle of the work"),
    ("reset", stream([chunk("a")], end="reset"), EngineDiedError, "in the middle of the work"),
    ("refused", Reply(end="refuse"), EngineDiedError, "in the middle of the work"),
    ("no end", stream([chunk("a"), chunk("b", "stop")]), EngineDiedError, "before it was complete"),
    ("recorded cut", stream([fixture("llama-server/v1-chat-stream-cut.sse.txt")]), EngineDiedError, "complete"),
    ("error in stream", stream([chunk("a"), event(error={"message": "slot lost"})]), EngineError, "slot lost"),
    ("error line", stream([b'error: {"code":500,"message":"slot lost"}\n\n']), EngineError, "slot lost"),
    ("error object", stream([event(object="error", message="no slot")]), EngineError, "no slot"),
    ("no JSON", stream([b"data: {nonsense\n\n"]), EngineError, "cannot be understood"),
    ("no object", stream([b"data: [1]\n\n"]), EngineError, "cannot be understood"),
    ("nested", stream([b"data: " + b"[" * 100_000 + b"\n\n"]), EngineError, "cannot be understood"),
    ("not streamed", Reply(b'{"choices": []}'), EngineError, "does not stream"),
    ("redirect", Reply(status=307, headers=(("Location", "http://10.1.1.1/"),)), EngineError, "not followed"),
    ("no route", Reply(b"404 page not found", 404, "text/plain"), EngineError, "no route /v1/chat/completions"),
    ("page", Reply(b"<html>Bad gateway</html>", 502, "text/html"), EngineError, "HTTP status 502"),
    ("busy", error("Rate limit reached", 429), EngineError, "no more requests"),
    ("busy, untold", Reply(status=429), EngineError, "no more requests"),
    (
        "too long",
        Reply(fixture("llama-server/error-context-overflow-v1.json"), 400),
        CaseTooLongError,
        "1230 tokens",
    ),
    ("loading", Reply(fixture("llama-server/health-loading.json"), 503), EngineError, "still loading"),
    ("no key", Reply(fixture("llama-server/error-no-api-key.json"), 401), EngineError, "wants a key"),
    ("no model", Reply(fixture("mlx-lm/error-model.json"), 404), ModelNotInstalledError, "snapshot folder"),
    ("dead thread", Reply(b'{"error": "generation thread died"}', 404), EngineDiedError, "generation thread died"),
    ("no model, Ollama", Reply(fixture("ollama/v1-error-model.json"), 404), ModelNotInstalledError, "not found"),
    ("no memory", error("llama runner: failed to allocate buffer"), DoesNotFitError, "no memory"),
    ("crash", error("The model has crashed. (Exit code: 6)", 400), EngineDiedError, "Exit code: 6"),
    ("unreadable", error({"message": "Failed to load model: magic"}), ModelUnreadableError, "cannot load"),
    ("two lines", error("first\nsecond"), EngineError, r"The server says: first\.$"),
    ("JSON in JSON", error(json.dumps({"error": {"message": "deep"}})), EngineError, "says: deep"),
]


@pytest.mark.parametrize(
    ("reply", "kind", "words"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_each_failure_is_an_error_of_its_own(reply: Reply, kind: type[ProfileError], words: str) -> None:
    with pytest.raises(ProfileError, match=words) as caught:
        generated(PLAIN, lambda body: reply, CHAT)
    assert type(caught.value) is kind
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_silence_times_out_also_when_comments_keep_the_connection_alive() -> None:
    short = Request(prompt="a", tokens_out=16, silence_s=0.3, chat=True)
    with pytest.raises(EngineTimedOutError):
        generated(PLAIN, lambda body: stream([chunk("a")], end="hang"), short)


class TellingClock(SystemClock):
    """A clock on which so many seconds pass with each look."""

    def __init__(self, step_s: float = 10) -> None:
        self.seconds = 0.0
        self.step_s = step_s

    def monotonic(self) -> float:
        self.seconds += self.step_s
        return self.seconds


def slowly(*pieces: bytes, end: Any = "hang") -> Does:
    """An answer of which each piece is sent by itself, so that each is received by itself."""
    return lambda body: stream(list(pieces), pause_s=0.002, end=end)


@pytest.mark.parametrize("piece", [b": working\n\n", b"\n", b"\r\n", b"x", b"event: ping\n"], ids=repr)
def test_what_is_no_event_is_no_sign_of_life(piece: bytes) -> None:
    with serving(Script(routes=PLAIN, does={"": slowly(*[piece] * 100)})) as server:
        engine = OpenAI(TellingClock(), Setup(server=server.url))
        model = engine.models()[0]
        with pytest.raises(EngineTimedOutError, match="silent"):
            engine.load(model, context_tokens=512, silence_s=200)


def test_an_answer_that_drips_is_not_waited_for() -> None:
    drips = Reply([b" "] * 100, pause_s=0.002, end="hang")
    with serving(Script(routes={"/v1/models": drips})) as server:
        engine = OpenAI(TellingClock(), Setup(server=server.url))
        with pytest.raises(EngineTimedOutError, match="not whole after 30 s"):
            engine.info()


@pytest.mark.parametrize("while_loading", [True, False], ids=["load", "trial"])
def test_a_stream_without_end_is_left(while_loading: bool) -> None:
    def endless(body: dict[str, Any]) -> Reply:
        return stream([chunk("a") * 100] * 100, end="hang")

    does = endless if while_loading else once_loaded(endless)
    with (
        serving(Script(routes=PLAIN, does={"": does})) as server,
        pytest.raises(EngineError, match="did not stop"),
    ):
        events(server, CHAT)


@pytest.mark.parametrize(
    ("piece", "words"), [(chunk("a"), "One token was not there"), (chunk(None, role="x"), "No text came")]
)
def test_a_load_that_drips_is_left_when_its_time_is_over(piece: bytes, words: str) -> None:
    with serving(Script(routes=PLAIN, does={"": slowly(*[piece] * 200)})) as server:
        engine = OpenAI(TellingClock(), Setup(server=server.url, chat=True))
        model = engine.models()[0]
        with pytest.raises(EngineTimedOutError, match=words):
            engine.load(model, context_tokens=512, silence_s=500)


def test_a_long_line_in_small_pieces_is_read() -> None:
    long = chunk("word " * 400_000, "stop")
    pieces = [long[at : at + 4096] for at in range(0, len(long), 4096)]
    found = generated(PLAIN, lambda body: stream([*pieces, usage(3, 1), DONE]), CHAT)
    assert len(text(found)) == 2_000_000


def test_nobody_there_is_told_with_the_address() -> None:
    with pytest.raises(EngineMissingError, match=r"http://127\.0\.0\.1:9\b"):
        OpenAI(SystemClock(), Setup(server="127.0.0.1:9/v1/")).info()


@pytest.mark.parametrize("answer", [b"<html>", {"data": None}, None], ids=repr)
def test_what_is_no_such_server_is_told(answer: Any) -> None:
    with serving(Script(routes={"/v1/models": answer})) as server, pytest.raises(EngineError):
        OpenAI(SystemClock(), Setup(server=server.url)).info()


def test_a_server_that_goes_away_is_another_failure_than_one_that_was_never_there() -> None:
    with serving(Script(routes=PLAIN)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url))
        engine.info()
    with pytest.raises(EngineDiedError, match="no longer answers"):
        engine.info()


# ------------------------------------------------------------------------------------------------ connections


def test_each_request_to_this_computer_has_a_connection_of_its_own() -> None:
    with serving(Script(routes=PLAIN)) as server:
        events(server, RAW)
    assert len(server.connections) == len(server.asked)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The loopback interface counts as another computer."""
    monkeypatch.setattr("tpsprofile.engines.openai.address.Address.local", property(lambda self: False))
    yield


@pytest.mark.usefixtures("far")
def test_a_connection_to_another_computer_is_kept() -> None:
    with serving(Script(routes=PLAIN)) as server:
        assert account(events(server, RAW)).tokens_out == 16
    assert len(server.connections) == 1


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("after", [b"", b": and so on\n\n"], ids=["silent", "talking"])
def test_after_the_end_of_an_answer_nothing_is_waited_for(after: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpsprofile.engines.openai.wire.DRAIN_S", 0.05)

    def goes_on(body: dict[str, Any]) -> Reply:
        told = writes(body).body
        assert isinstance(told, list)
        return stream([*told, *[after] * 3000], pause_s=0.01 if after else 0, end="hang")

    with serving(Script(routes=PLAIN, does={"": goes_on})) as server:
        begun = time.monotonic()
        assert account(events(server, RAW)).tokens_out == 16
        assert time.monotonic() - begun < 10, "the server goes on for 30 s"
    assert len(server.connections) > 1


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize(("dropped", "works"), [(1, True), (2, False)])
def test_a_kept_connection_that_was_dropped_is_replaced_once(dropped: int, works: bool) -> None:
    left = [dropped]

    def drops(body: dict[str, Any]) -> Reply:
        left[0] -= 1
        return Reply(end="refuse") if left[0] >= 0 else writes(body)

    with serving(Script(routes=PLAIN, does={"": once_loaded(drops)})) as server:
        if works:
            assert account(events(server, RAW)).tokens_out == 16
        else:
            with pytest.raises(EngineDiedError):
                events(server, RAW)
    assert len(server.bodies()) == 3


def test_a_fresh_connection_that_was_dropped_is_not_replaced() -> None:
    drops = once_loaded(lambda body: Reply(end="refuse"))
    with serving(Script(routes=PLAIN, does={"": drops})) as server, pytest.raises(EngineDiedError):
        events(server, RAW)
    assert len(server.bodies()) == 2


@pytest.mark.usefixtures("far")
def test_an_answer_that_has_begun_is_never_asked_for_again() -> None:
    breaks = once_loaded(lambda body: stream([chunk("a")], end="reset"))
    with serving(Script(routes=PLAIN, does={"": breaks})) as server, pytest.raises(EngineDiedError):
        events(server, RAW)
    assert len(server.bodies()) == 2


def test_no_proxy_of_the_environment_is_asked_for_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(Script(routes=PLAIN)) as server:
        assert account(events(server, RAW)).tokens_out == 16


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    def no_socks(*args: Any, **kwargs: Any) -> httpx.Client:
        raise ImportError("socksio")

    monkeypatch.setattr(httpx, "Client", no_socks)
    with pytest.raises(EngineMissingError, match="proxy"):
        OpenAI(SystemClock(), Setup(server="https://example.org")).info()


# --------------------------------------------------------------------------------------------- what it can do


def test_what_an_engine_can_do_depends_on_the_server_once_it_is_known() -> None:
    with serving(Script(routes=LLAMA_SERVER)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url))
        assert not server.asked, "creating one touches nothing"
        before, info, after = engine.can, engine.info(), engine.can
        assert (before.times_itself, before.ignores_end) == (False, False)
        assert (after.times_itself, after.ignores_end) == (True, True)
        assert (info.name, info.version, info.remote, info.cloud) == ("llama-server", "b0-unknown", False, False)
        with engine.load(engine.models()[0], context_tokens=4096, silence_s=20) as session:
            assert session.load_s is None
            assert session.facts().context_tokens == 512


def test_the_user_may_say_that_it_is_a_service() -> None:
    with serving(Script(routes=PLAIN)) as server:
        info = OpenAI(SystemClock(), Setup(server=server.url, cloud=True)).info()
    assert (info.name, info.remote, info.cloud) == ("openai-compatible", True, True)


def test_of_a_service_no_part_of_its_host_is_told_that_is_a_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpsprofile.engines.openai.address.SERVICES", ("0.0.1",))
    with serving(Script(routes=PLAIN)) as server:
        info = OpenAI(SystemClock(), Setup(server=server.url)).info()
    assert (info.build, info.remote, info.cloud) == ("0.0.1", True, True)


def test_a_name_that_the_server_lacks_is_refused_though_it_would_take_any() -> None:
    with serving(Script(routes=LLAMA_SERVER)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url))
        with pytest.raises(ModelNotInstalledError, match="smollm3") as caught:
            engine.find("smollm3")
        assert "smollm2" in (caught.value.advice or "")
        assert not server.bodies()


def test_models_in_memory_come_first() -> None:
    told = listing("a", "b", "c", owner="llama-swap")
    with serving(Script(routes={"/v1/models": told, "/running": {"running": [{"model": "c"}]}})) as server:
        models = OpenAI(SystemClock(), Setup(server=server.url)).models()
    assert [one.facts.name for one in models] == ["c", "a", "b"]


def test_many_models_are_not_all_named() -> None:
    many = {"/v1/models": listing(*(f"m{n}" for n in range(300)))}
    with serving(Script(routes=many)) as server, pytest.raises(ModelNotInstalledError) as caught:
        OpenAI(SystemClock(), Setup(server=server.url)).find("zzz")
    assert len(str(caught.value)) < 160


def test_a_key_is_refused_where_others_could_read_it() -> None:
    from tpsprofile.engines.openai import address, keys

    with pytest.raises(UsageError, match="without encryption"):
        Wire(address.parse("http://example.org"), SystemClock(), keys.Key("0123456789"))
