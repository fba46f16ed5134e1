"""What the engine says of itself and of its models, in the shape of every version."""

from __future__ import annotations

import math
import socket

import pytest

from tests.ollama.server import MIXTURE, MODEL, Fault, Replay, replay
from tpsprofile.clock import SystemClock
from tpsprofile.engines import registry
from tpsprofile.engines.base import Setup
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.engines.ollama.wire import Wire
from tpsprofile.errors import (
    EngineDiedError,
    EngineError,
    EngineMissingError,
    ModelNotInstalledError,
    ModelRefusedError,
)

GGUF_SHA256 = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_creating_one_touches_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "no address: at all")
    engine = registry.create("ollama")
    assert isinstance(engine, Ollama)
    assert engine.can.lists_models
    assert engine.can.pulls_models
    assert engine.can.takes == ("gguf",)
    assert engine.can.server == "url"
    assert not engine.can.ignores_end


def test_info_is_the_servers_version(server: Replay, engine: Ollama) -> None:
    info = engine.info()
    assert (info.name, info.version, info.build, info.simulated) == ("ollama", server.version, None, False)


def test_no_server_is_one_clear_line_with_advice(monkeypatch: pytest.MonkeyPatch, engine: Ollama) -> None:
    port = free_port()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
    for ask in (engine.info, engine.models, lambda: engine.find(MODEL), lambda: engine.pull(MODEL, print)):
        with pytest.raises(EngineMissingError) as caught:
            ask()
        assert caught.value.what == f"No Ollama server answers at http://127.0.0.1:{port}."
        assert caught.value.advice == "Start `ollama serve`, or set OLLAMA_HOST."


def test_an_address_that_is_none_names_the_setting(monkeypatch: pytest.MonkeyPatch, engine: Ollama) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:many")
    with pytest.raises(EngineMissingError, match="OLLAMA_HOST is not an address"):
        engine.info()


def test_an_address_to_listen_on_is_read_as_this_computer(monkeypatch: pytest.MonkeyPatch, engine: Ollama) -> None:
    with replay("0.13.0") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url.replace("127.0.0.1", "0.0.0.0"))
        assert engine.info().version == "0.13.0"
        assert not engine.info().remote


def test_a_proxy_is_not_asked_for_this_computer(
    monkeypatch: pytest.MonkeyPatch, server: Replay, engine: Ollama
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert engine.info().version == server.version


def test_another_computer_is_marked_but_not_named(monkeypatch: pytest.MonkeyPatch, engine: Ollama) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "anna.example:11434")
    monkeypatch.setattr(Wire, "ask", lambda *_: {"version": "0.13.0"})
    assert engine.info().remote
    assert "anna" not in f"{engine.info()}{engine.options()}"


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[1]", b"{}", b'"hello"'])
def test_another_kind_of_server_is_not_taken_for_ollama(
    monkeypatch: pytest.MonkeyPatch, engine: Ollama, body: bytes
) -> None:
    for status in (200, 404):
        with replay("0.13.0", version=Fault(body=body, status=status)) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url)
            with pytest.raises(EngineMissingError, match="is not an Ollama server"):
                Ollama(engine.clock).info()


def test_facts_come_from_the_model_file(server: Replay, engine: Ollama) -> None:
    facts = engine.find(MODEL).facts
    assert facts.name == MODEL
    assert facts.parameters == facts.parameters_active == 134_515_008
    assert facts.quantisation == "Q4_1"
    assert facts.file_bytes == 98_362_982
    assert facts.digest == GGUF_SHA256
    assert (facts.format, facts.architecture, facts.synthetic) == ("gguf", "llama", False)


def test_a_mixture_of_experts_has_fewer_active_parameters(server: Replay, engine: Ollama) -> None:
    facts = engine.find(MIXTURE).facts
    assert facts.parameters == 25_962_752
    if server.version == "0.5.11":
        assert facts.parameters_active is None, "no tensors are listed, so it cannot be known"
        return
    tensors = server.json("api-show-moe.json")["tensors"]
    idle = sum(math.prod(each["shape"]) * 6 // 8 for each in tensors if "_exps" in each["name"])
    assert idle > 0
    assert facts.parameters_active == facts.parameters - idle


def test_models_are_those_that_the_server_lists(server: Replay, engine: Ollama) -> None:
    assert [each.facts.name for each in engine.models()] == [
        each["name"] for each in server.json("api-tags.json")["models"]
    ]


def test_a_model_that_cannot_be_shown_is_listed_without_facts(
    monkeypatch: pytest.MonkeyPatch, engine: Ollama
) -> None:
    with replay("0.13.0", show=Fault(body=b'{"error":"unable to load model: /a/b"}', status=500)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        facts = next(each.facts for each in engine.models() if each.facts.name == MODEL)
    assert (facts.parameters, facts.parameters_active, facts.quantisation) == (None, None, "Q4_1")


@pytest.mark.parametrize("version", ["0.13.0", "0.33.0-rc2"])
def test_cloud_models_are_refused_and_left_out(
    monkeypatch: pytest.MonkeyPatch, engine: Ollama, version: str
) -> None:
    with replay(version, tags=Fault("api-tags-remote.json")) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        cloud = [each["name"] for each in server.json("api-tags-remote.json")["models"] if "remote_host" in each]
        assert cloud, "the recording has one"
        assert not {each.facts.name for each in engine.models()} & set(cloud)
        with pytest.raises(ModelRefusedError, match=r"it runs at http://127\.0\.0\.1:18212, not on this machine"):
            engine.find(cloud[0])


@pytest.mark.parametrize("name", ["glm-9:cloud", "gpt-oss:120b-cloud"])
def test_cloud_models_that_are_not_listed_are_refused_by_name(server: Replay, engine: Ollama, name: str) -> None:
    for ask in (lambda: engine.find(name), lambda: engine.pull(name, print)):
        with pytest.raises(ModelRefusedError, match=r"ollama\.com"):
            ask()
    assert not server.bodies("pull")


def test_a_model_that_makes_no_text_is_refused(monkeypatch: pytest.MonkeyPatch, engine: Ollama) -> None:
    shown = b'{"details":{},"model_info":{},"capabilities":["embedding"]}'
    with replay("0.13.0", show=Fault(body=shown)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        assert engine.models() == ()
        with pytest.raises(ModelRefusedError, match="makes no text: it can embedding"):
            engine.find(MODEL)


@pytest.mark.parametrize("name", ["smol-think", "smol-think:latest", "Smol-Think"])
def test_latest_may_be_left_out(server: Replay, engine: Ollama, name: str) -> None:
    assert engine.find(name).facts.name == "smol-think:latest"


def test_a_missing_model_says_how_to_get_it(server: Replay, engine: Ollama) -> None:
    with pytest.raises(ModelNotInstalledError) as caught:
        engine.find("nope:1b")
    assert str(caught.value) == "Ollama has no model 'nope:1b'. Get it with `ollama pull nope:1b` or --pull."


def test_pull_reports_bytes_of_all_layers(server: Replay, engine: Ollama) -> None:
    seen: list[tuple[int, int | None]] = []
    engine.pull(MODEL, lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, None), "before the manifest, nothing is known"
    lines = [each for each in server.text("api-pull-again-stream.ndjson").splitlines() if b"total" in each]
    assert len(lines) > 1
    total = seen[-1][1]
    assert total is not None
    assert seen[-1] == (total, total)
    assert total > 98_362_432, "the weights and the small layers"


def test_pull_of_a_missing_model(server: Replay, engine: Ollama) -> None:
    with pytest.raises(ModelNotInstalledError) as caught:
        engine.pull("nope:1b", lambda done, total: None)
    assert caught.value.what == "Ollama's library has no model 'nope:1b'."


def test_pull_without_network_is_one_line(server: Replay, engine: Ollama) -> None:
    server.faults["pull"] = Fault("error-pull-no-network.ndjson")
    with pytest.raises(EngineError) as caught:
        engine.pull("llama3.2", lambda done, total: None)
    assert caught.value.what == "Ollama could not download llama3.2: network is unreachable."


def test_pull_that_stops_half_way(server: Replay, engine: Ollama) -> None:
    begun = b'{"status":"pulling x","digest":"sha256:x","total":9,"completed":4}\n'
    for fault in (Fault(body=begun), Fault(body=begun, end="cut")):
        server.faults["pull"] = fault
        with pytest.raises(EngineDiedError):
            engine.pull(MODEL, lambda done, total: None)


def test_a_server_at_the_other_end_of_a_tunnel_is_not_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay("0.13.0") as server:
        engine = Ollama(SystemClock(), Setup(server=server.url))
        assert not engine.info().remote
        monkeypatch.setattr("tpsprofile.engines.openai.process._name", lambda pid: "ssh")
        assert Ollama(SystemClock(), Setup(server=server.url)).info().remote
