"""Loading, generating and unloading, in the shape of every version, and each way in which they fail."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.ollama.server import MIXTURE, MODEL, VERSIONS, Fault, Replay, replay
from tpsprofile.engines.base import Event, Finished, LoadedFacts, Request, Token
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.engines.ollama.session import UNLOAD_S, OllamaSession
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
    ProfileError,
    RepeatedOutputError,
)

SILENCE_S = 5.0
STORY = b'{"response":"Once","done":false}\n{"response":" upon","done":false}\n'


def request(tokens_out: int = 16, silence_s: float = SILENCE_S) -> Request:
    return Request(prompt="Write a story.", tokens_out=tokens_out, seed=7, silence_s=silence_s)


def load(engine: Ollama, context_tokens: int = 1024) -> OllamaSession:
    return engine.load(engine.find(MODEL), context_tokens=context_tokens, silence_s=SILENCE_S)


@pytest.fixture
def session(server: Replay, engine: Ollama) -> Iterator[OllamaSession]:
    with load(engine) as session:
        yield session


def fail(session: OllamaSession, silence_s: float = SILENCE_S) -> tuple[list[Event], ProfileError]:
    """The events before the failure of a generation, and the failure."""
    events: list[Event] = []
    with pytest.raises(ProfileError) as caught:
        events.extend(session.generate(request(silence_s=silence_s)))
    return events, caught.value


# ------------------------------------------------------------------------------------------------ loading


def test_a_load_is_cold_and_timed_by_the_clock_that_was_handed_in(server: Replay, engine: Ollama) -> None:
    server.loaded[MODEL] = 4096
    with load(engine) as session:
        assert session.load_s == 1.0, "one look at the clock before, one after"
    purposes = [purpose for purpose, _ in server.requests]
    assert purposes.index("unload") < purposes.index("load")
    assert "ps" in purposes[purposes.index("unload") : purposes.index("load")]
    assert server.bodies("load") == [
        {"model": MODEL, "stream": False, "options": {"num_ctx": 1024}, "keep_alive": "1h"}
    ]


def test_other_models_leave_memory_on_this_computer(server: Replay, engine: Ollama) -> None:
    server.loaded[MIXTURE] = 4096
    with load(engine):
        assert server.loaded == {MODEL: 1024}


def test_other_models_stay_on_another_computer(
    server: Replay, engine: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tpsprofile.engines.ollama.wire.Wire.local", False)
    server.loaded |= {MODEL: 4096, MIXTURE: 4096}
    with load(engine):
        assert server.loaded == {MODEL: 1024, MIXTURE: 4096}


def test_a_server_that_is_gone_before_it_has_loaded(server: Replay, engine: Ollama) -> None:
    engine.info()
    engine._wire._client._client.base_url = "http://127.0.0.1:1"
    with pytest.raises(EngineDiedError):
        engine._wire.preload(MODEL, 1024, SILENCE_S)


@pytest.mark.parametrize(("local", "pids"), [(True, (5,)), (False, ())])
def test_processes_are_looked_for_on_this_computer_alone(
    server: Replay, engine: Ollama, monkeypatch: pytest.MonkeyPatch, local: bool, pids: tuple[int, ...]
) -> None:
    monkeypatch.setattr("tpsprofile.engines.ollama.wire.Wire.local", local)
    monkeypatch.setattr("tpsprofile.engines.ollama.session.server_pids", lambda port: (5,))
    with load(engine) as session:
        assert session.pids == pids


def test_a_model_that_somebody_keeps_cannot_be_loaded_cold(server: Replay, engine: Ollama) -> None:
    server.loaded[MODEL] = 4096
    server.stays_loaded.add(MODEL)
    with pytest.raises(EngineError, match="does not leave memory"):
        load(engine)
    assert not server.bodies("load")


def test_another_model_that_somebody_keeps_is_no_obstacle(server: Replay, engine: Ollama) -> None:
    server.loaded[MIXTURE] = 4096
    server.stays_loaded.add(MIXTURE)
    with load(engine):
        assert MODEL in server.loaded


def test_facts_are_what_the_server_says(server: Replay, session: OllamaSession) -> None:
    recorded = server.json("api-ps.json")["models"][0]
    context = 1024 if "context_length" in recorded else None
    assert context is not None or server.version == "0.5.11"
    assert session.facts() == LoadedFacts(
        context_tokens=context, size_bytes=recorded["size"], vram_bytes=0, version=server.version
    )


def test_a_context_beyond_the_models_own_is_not_believed(server: Replay, engine: Ollama) -> None:
    with load(engine, context_tokens=200_000) as session:
        assert session.facts().context_tokens == (None if server.version == "0.5.11" else 8192)


def test_what_the_server_leaves_out_is_unknown(server: Replay, session: OllamaSession) -> None:
    server.faults["ps"] = Fault(body=json.dumps({"models": [{"name": MODEL, "context_length": 0}]}).encode())
    assert session.facts() == LoadedFacts(version=server.version)
    server.faults["ps"] = Fault(body=b'{"models":[]}')
    assert session.facts() == LoadedFacts(version=server.version)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(end="reset"),
        Fault(end="hang"),
        Fault("error-queue-full.json"),
        Fault(body=b"{}"),
        Fault(body=b'{"version":""}'),
        Fault(body=b'{"version":13}'),
        Fault(body=b"?"),
    ],
)
def test_a_version_that_is_not_told_is_unknown_and_costs_nothing_else(
    server: Replay, session: OllamaSession, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("tpsprofile.engines.ollama.wire.ANSWER_S", 0.5)
    server.faults["version"] = fault
    found = session.facts()
    assert found.version is None
    assert found.size_bytes


def test_a_server_that_comes_back_under_another_version_is_told(server: Replay, session: OllamaSession) -> None:
    list(session.generate(request()))
    before = session.facts()
    server.version = next(version for version in VERSIONS if version != server.version)
    server.loaded.clear()
    assert isinstance(list(session.generate(request()))[-1], Finished), "the new server loads the model"
    assert before.version
    assert session.facts().version == server.version != before.version


def test_a_model_that_leaves_memory_between_two_trials(server: Replay, session: OllamaSession) -> None:
    before = session.facts()
    server.loaded.clear()
    assert session.facts() == LoadedFacts(version=server.version)
    assert isinstance(list(session.generate(request()))[-1], Finished)
    assert server.loaded == {MODEL: 1024}
    assert session.facts() == before


def test_a_list_of_models_that_stops_answering(
    server: Replay, session: OllamaSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tpsprofile.engines.ollama.wire.ANSWER_S", 0.2)
    assert session.facts().size_bytes
    server.faults["ps"] = Fault(end="hang")
    with pytest.raises(EngineTimedOutError, match="silent for 200 ms"):
        session.facts()
    assert isinstance(list(session.generate(request()))[-1], Finished), "it need not answer for a generation"


def test_out_of_memory_is_one_line_in_every_versions_words(server: Replay, engine: Ollama) -> None:
    server.faults["load"] = Fault("error-out-of-memory.json")
    with pytest.raises(DoesNotFitError) as caught:
        load(engine)
    assert (
        caught.value.what
        == f"{MODEL} does not fit in memory: "
        + {
            "0.5.11": "model requires more system memory (70.0 GiB) than is available (22.9 GiB).",
            "0.13.0": "model requires more system memory (69.4 GiB) than is available (22.9 GiB).",
            "0.33.0-rc2": "ggml_aligned_malloc: insufficient memory (attempted to allocate 69773.03 MB).",
        }[server.version]
    )
    purposes = [purpose for purpose, _ in server.requests]
    assert purposes[-1] == "unload", "nothing half loaded is left behind"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("error-queue-full.json"), EngineError),
        (Fault("error-bad-option-type.json"), EngineError),
        (
            Fault(body=b'{"error":"unable to load model: /home/anna/blobs/sha256-0123"}', status=500),
            ModelUnreadableError,
        ),
        (Fault("error-show-missing.json"), ModelNotInstalledError),
        (Fault(end="cut"), EngineDiedError),
        (Fault(end="reset"), EngineDiedError),
    ],
)
def test_other_failures_of_loading(
    server: Replay, engine: Ollama, fault: Fault, error: type[ProfileError]
) -> None:
    server.faults["load"] = fault
    with pytest.raises(error) as caught:
        load(engine)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_a_load_in_silence_times_out(server: Replay, engine: Ollama) -> None:
    weights = engine.find(MODEL)
    server.faults["load"] = Fault(end="hang")
    with pytest.raises(EngineTimedOutError, match="silent for 100 ms"):
        engine.load(weights, context_tokens=1024, silence_s=0.1)


# -------------------------------------------------------------------------------------------- making room


def test_making_room_empties_memory_on_this_computer(server: Replay, engine: Ollama) -> None:
    server.loaded |= {MODEL: 4096, MIXTURE: 4096}
    engine.make_room()
    assert not server.loaded
    assert {body["model"] for body in server.bodies("unload")} == {MODEL, MIXTURE}
    assert server.requests[-1][0] == "ps", "it waits until they are gone"


def test_making_room_leaves_another_computer_alone(
    server: Replay, engine: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tpsprofile.engines.ollama.wire.Wire.local", False)
    server.loaded |= {MODEL: 4096, MIXTURE: 4096}
    engine.make_room()
    assert not server.requests


def test_making_room_waits_for_a_model_in_use_but_not_for_ever(server: Replay, engine: Ollama) -> None:
    server.loaded |= {MODEL: 4096, MIXTURE: 4096}
    server.stays_loaded.add(MIXTURE)
    engine.make_room()
    assert server.loaded == {MIXTURE: 4096}
    looks = len(server.bodies("ps"))
    assert UNLOAD_S - 2 < looks < UNLOAD_S + 2, "the clock of these tests moves a second with each look"


@pytest.mark.parametrize(
    "fault", [Fault(end="reset"), Fault(end="hang"), Fault("error-queue-full.json"), Fault(body=b"?")]
)
@pytest.mark.parametrize("purposes", [("ps",), ("unload",), ("ps", "unload")])
def test_making_room_bears_with_a_broken_server(
    server: Replay, engine: Ollama, monkeypatch: pytest.MonkeyPatch, fault: Fault, purposes: tuple[str, ...]
) -> None:
    monkeypatch.setattr("tpsprofile.engines.ollama.wire.ANSWER_S", 0.2)
    server.loaded[MIXTURE] = 4096
    server.faults |= dict.fromkeys(purposes, fault)
    engine.make_room()
    assert server.loaded == {MIXTURE: 4096}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1:many"])
def test_making_room_bears_with_no_server(engine: Ollama, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    engine.make_room()


# --------------------------------------------------------------------------------------------- generating


def test_a_generation_is_tokens_and_then_the_engines_account(server: Replay, session: OllamaSession) -> None:
    *tokens, account = session.generate(request())
    recorded = [json.loads(line) for line in server.text("api-generate-stream.ndjson").splitlines()]
    assert tokens == [Token(text=line["response"]) for line in recorded[:-1]]
    last = recorded[-1]
    assert account == Finished(
        tokens_in=last["prompt_eval_count"],
        tokens_cached=None,
        tokens_out=16,
        prefill_s=last["prompt_eval_duration"] / 1e9,
        decode_s=last["eval_duration"] / 1e9,
        stopped_by="limit",
    )


def test_the_request_pins_all_that_changes_the_work(server: Replay, session: OllamaSession) -> None:
    list(session.generate(request(tokens_out=3)))
    (body,) = server.bodies("generate")
    assert body["raw"] is True
    assert body["think"] is False
    assert body["truncate"] is False
    assert body["options"] == {"num_ctx": 1024, "num_predict": 3, "temperature": 0.0, "seed": 7}
    assert body["options"]["num_ctx"] == server.bodies("load")[0]["options"]["num_ctx"], "or it would load anew"


@pytest.mark.parametrize("tokens_out", [0, -1])
def test_no_limit_is_never_asked_for(server: Replay, session: OllamaSession, tokens_out: int) -> None:
    with pytest.raises(EngineError, match="no limit"):
        session.generate(request(tokens_out=tokens_out))
    assert not server.bodies("generate")


def test_fields_that_the_client_knows_nothing_of_survive(server: Replay, session: OllamaSession) -> None:
    for cached in (0, 12):
        last = {"response": "", "done": True, "done_reason": "stop", "prompt_eval_cached_count": cached}
        server.faults["generate"] = Fault(body=STORY + json.dumps(last).encode())
        assert list(session.generate(request()))[-1] == Finished(tokens_cached=cached, stopped_by="end")


def accounts(server: Replay, session: OllamaSession, *recordings: str) -> list[Finished]:
    """The account at the end of each of these recorded generations."""
    found = []
    for recording in recordings:
        server.faults["generate"] = Fault(recording)
        account = list(session.generate(request()))[-1]
        assert isinstance(account, Finished)
        found.append(account)
    return found


def test_a_shared_beginning_counts_in_full_and_its_time_does_not(
    monkeypatch: pytest.MonkeyPatch, engine: Ollama
) -> None:
    """Recorded: fifty lines, then the same with twelve tokens more."""
    with replay("0.13.0") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        with load(engine) as session:
            first, second = accounts(
                server, session, "api-generate-shared-first.ndjson", "api-generate-shared-second.ndjson"
            )
    assert (first.tokens_in, second.tokens_in) == (692, 704)
    assert first.tokens_cached is second.tokens_cached is None, "0.13 does not say"
    assert first.tokens_drafted is second.tokens_drafted is None
    assert first.prefill_s
    assert second.prefill_s
    assert second.prefill_s < first.prefill_s / 10


def test_a_prompt_that_is_known_already_counts_in_full(monkeypatch: pytest.MonkeyPatch, engine: Ollama) -> None:
    """Recorded one after the other, with the same prompt."""
    with replay("0.33.0-rc2") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        with load(engine) as session:
            first, second = accounts(
                server, session, "api-generate-stream.ndjson", "api-generate-num_predict-1.json"
            )
    assert first.tokens_in == second.tokens_in == 29
    assert first.prefill_s
    assert second.prefill_s
    assert second.prefill_s < first.prefill_s / 4


def test_reuse_changes_nothing_in_what_is_sent(server: Replay, session: OllamaSession) -> None:
    for reuse in (False, True):
        list(session.generate(Request(prompt="Write a story.", tokens_out=3, reuse=reuse, silence_s=SILENCE_S)))
    one, other = server.bodies("generate")
    assert one == other


def test_absent_metrics_are_unknown_and_not_zero(server: Replay, session: OllamaSession) -> None:
    server.faults["generate"] = Fault(body=STORY + b'{"response":"","done":true}\n')
    assert list(session.generate(request()))[-1] == Finished()


def test_one_token_has_no_decode_time(server: Replay, session: OllamaSession) -> None:
    server.faults["generate"] = Fault("api-generate-num_predict-1.json")
    token, account = session.generate(request(tokens_out=1))
    assert isinstance(token, Token)
    assert isinstance(account, Finished)
    assert (account.tokens_out, account.decode_s) == (1, None)


def test_thinking_is_no_content(server: Replay, session: OllamaSession) -> None:
    lines = [{"response": "", "thinking": "Hm", "done": False}, {"response": "Yes", "done": False}, {"done": True}]
    server.faults["generate"] = Fault(body=b"\n".join(json.dumps(line).encode() for line in lines))
    assert list(session.generate(request())) == [Token(text="Yes"), Finished()]


def test_only_a_line_feed_ends_a_line(server: Replay, session: OllamaSession) -> None:
    text = "a\u0085b\u2028c"
    lines = [{"response": text, "done": False}, {"response": "", "done": True}]
    body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    server.faults["generate"] = Fault(body=body.encode())
    assert list(session.generate(request())) == [Token(text=text), Finished()]


def test_the_guard_against_repetition_has_a_name(server: Replay, session: OllamaSession) -> None:
    server.faults["generate"] = Fault("token-repeat-abort.ndjson")
    events, error = fail(session)
    assert len(events) == 31
    assert isinstance(error, RepeatedOutputError)


def test_a_stream_that_just_ends_is_no_repetition(server: Replay, session: OllamaSession) -> None:
    for body in (STORY, b'{"response":" a","done":false}\n' * 29, b""):
        server.faults["generate"] = Fault(body=body)
        assert type(fail(session)[1]) is EngineDiedError


def test_a_runner_that_is_killed_in_mid_stream(server: Replay, session: OllamaSession) -> None:
    server.faults["generate"] = Fault("error-runner-killed-midstream.ndjson")
    events, error = fail(session)
    assert len(events) > 10
    assert all(isinstance(event, Token) for event in events)
    assert type(error) is EngineDiedError
    assert error.what == f"Ollama's process for {MODEL} ended: unexpected EOF."


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(body=STORY, end="cut"), EngineDiedError),
        (Fault(body=STORY, end="reset"), EngineDiedError),
        (Fault(body=STORY + b"<html>Bad gateway</html>\n"), EngineError),
        (Fault(body=STORY + b"[1, 2]\n"), EngineError),
        (Fault(body=STORY + b"\x00\xff\xfe\n" + STORY + b'{"done":true}\n'), EngineError),
        (Fault(body=STORY + b'{"response":" a ti\n' + STORY + b'{"done":true}\n'), EngineError),
        (Fault(body=b"<html>Bad\n gateway</html>", status=502), EngineError),
        (Fault(body=b'"no"', status=500), EngineError),
        (Fault(body=b'{"message":"gone"}', status=500), EngineError),
        (Fault("error-queue-full.json"), EngineError),
        (Fault("error-bad-option-type.json"), EngineError),
        (Fault("error-show-missing.json"), ModelNotInstalledError),
        (Fault("error-out-of-memory.json"), DoesNotFitError),
        (Fault(body=STORY + b'{"error":{"code":500,"message":"CUDA error: out of memory"}}\n'), DoesNotFitError),
    ],
)
def test_other_failures_of_generating(
    server: Replay, session: OllamaSession, fault: Fault, error: type[ProfileError]
) -> None:
    server.faults["generate"] = fault
    events, found = fail(session)
    assert len(events) == 2 * fault.body.startswith(STORY), "nothing is given after the failure"
    assert type(found) is error
    assert "\n" not in str(found)


def test_an_error_line_on_status_200(session: OllamaSession, server: Replay) -> None:
    server.faults["generate"] = Fault(body=b'{"error":"invalid format: \\"yaml\\""}\n')
    assert str(fail(session)[1]) == 'Ollama says: invalid format: "yaml".'


@pytest.mark.parametrize("body", [b"", STORY])
def test_silence_times_out(server: Replay, session: OllamaSession, body: bytes) -> None:
    server.faults["generate"] = Fault(body=body, end="hang")
    events, error = fail(session, silence_s=0.3)
    assert len(events) == body.count(b"response"), "what had arrived before was given"
    assert type(error) is EngineTimedOutError


def test_a_generation_that_is_dropped_reaches_the_server(server: Replay, session: OllamaSession) -> None:
    events = session.generate(request(tokens_out=200_000))
    assert isinstance(next(events), Token)
    events.close()  # type: ignore[attr-defined]
    assert server.abandoned.wait(10)


# ---------------------------------------------------------------------------------------------- unloading


def test_leaving_ends_a_generation_that_is_still_held(server: Replay, engine: Ollama) -> None:
    with load(engine) as session:
        events = session.generate(request(tokens_out=200_000))
        next(events)
    assert server.abandoned.wait(10)
    with pytest.raises(EngineDiedError):
        next(events)


def test_leaving_unloads(server: Replay, engine: Ollama) -> None:
    with load(engine):
        assert MODEL in server.loaded
    assert not server.loaded


@pytest.mark.parametrize("fault", [Fault(end="reset"), Fault("error-queue-full.json"), Fault(body=b"?")])
def test_leaving_bears_with_a_broken_server(server: Replay, engine: Ollama, fault: Fault) -> None:
    with load(engine):
        server.faults |= {"unload": fault, "ps": fault}


def test_a_server_that_is_gone_in_mid_work(server: Replay, engine: Ollama) -> None:
    with load(engine) as session:
        engine._wire._client._client.base_url = "http://127.0.0.1:1"
        assert type(fail(session)[1]) is EngineDiedError
        with pytest.raises(EngineDiedError):
            session.facts()
        with pytest.raises(EngineMissingError):
            engine.models()
