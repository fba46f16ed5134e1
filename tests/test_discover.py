"""What is found where engines may be: real servers, recorded ones, and strangers that do what nobody should."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import strangers
from tests.ollama.server import VERSIONS, Replay
from tests.strangers import Behaviour, listening, pages
from tpsprofile.clock import Clock, SystemClock
from tpsprofile.engines import answering, discover, installed, knock, registry
from tpsprofile.engines.base import Capabilities, Setup, Weights
from tpsprofile.engines.fake import FakeEngine
from tpsprofile.engines.found import Found, State, sweep
from tpsprofile.engines.installed import PORTS, PRODUCTS
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.engines.openai import address, servers
from tpsprofile.errors import EngineMissingError, UsageError
from tpsprofile.models.gguf_file import read_facts
from tpsprofile.records import EngineInfo


@pytest.fixture(autouse=True)
def empty_computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No program is installed but what a test puts there, and no server is named."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(installed, "app_folders", lambda: (tmp_path / "Applications",))
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    monkeypatch.setattr(knock, "ANSWER_S", 10.0)  # this one may be busy
    monkeypatch.setattr(discover, "ADDRESSES_S", 20.0)
    monkeypatch.setattr(discover, "ENGINES_S", 20.0)


def at(found: tuple[Found, ...], port: int) -> Found:
    """What was found on a port of this computer."""
    matching = [one for one in found if one.address == f"http://127.0.0.1:{port}"]
    assert len(matching) == 1
    return matching[0]


def named(found: tuple[Found, ...], name: str) -> Found:
    matching = [one for one in found if one.name == name]
    assert len(matching) == 1, [one.name for one in found]
    return matching[0]


def met(behave: Behaviour) -> Found:
    """What is found where a server behaves so."""
    with listening(behave) as port:
        return at(discover.look(ports=[port]), port)


# ------------------------------------------------------------------------------------------------ engines


LISTED = {"object": "list", "data": [{"id": "tiny", "object": "model", "created": 1, "owned_by": "vllm"}]}


def lm_studio(asked: list[str]) -> Behaviour:
    models = [
        {"id": "qwen2.5-7b", "object": "model", "type": "llm", "state": "not-loaded"},
        {"id": "llama-3.2-1b", "object": "model", "type": "llm", "state": "loaded"},
    ]
    plain = [{"id": one["id"], "object": "model", "owned_by": "organization_owner"} for one in models]
    return pages({"/v1/models": {"data": plain}, "/api/v0/models": {"data": models}}, asked=asked)


def test_a_server_that_is_ready_comes_with_its_command() -> None:
    with listening(pages({"/v1/models": LISTED, "/version": {"version": "0.11.0"}})) as port:
        found = at(discover.look(ports=[port]), port)
    assert found == Found(
        name="vLLM",
        state=State.READY,
        engine="openai",
        version="0.11.0",
        address=f"http://127.0.0.1:{port}",
        loaded=("tiny",),
        models=("tiny",),
        can=servers.VLLM.can,
        command=f"tpsprofile sweep --engine openai --server http://127.0.0.1:{port} --model tiny",
    )


def test_a_server_on_another_computer_wants_a_name_for_that() -> None:
    place = address.parse("http://10.0.0.5:8000")
    server = servers.Server(kind="vllm", models=())
    found = answering.engine_at(place, server)
    assert found.command == "tpsprofile sweep --engine openai --server http://10.0.0.5:8000 --tag NAME"
    assert found.note == "It has no model yet. NAME is yours for that computer."


def test_a_server_behind_a_tunnel_wants_a_name_for_its_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.Process.name", lambda self: "ssh")
    with listening(pages({"/v1/models": LISTED})) as port:
        command = at(discover.look(ports=[port]), port).command
    assert command is not None
    assert "--tag NAME" in command


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("http://10.0.0.5:8000/v1", "http://10.0.0.5:8000"),
        ("https://example.org/openai/v1", "https://example.org/openai"),
        ("https://example.org/v1beta/openai", "https://example.org/v1beta/openai"),
        ("https://example.org/api/v3", "https://example.org/api/v3"),
    ],
)
def test_the_command_has_the_address_that_leads_back_to_the_same_routes(written: str, shown: str) -> None:
    place = address.parse(written)
    found = answering.engine_at(place, servers.Server(kind="vllm", models=()))
    refused = answering.stranger(place, "HTTP 401", 401)
    for command in (found.command, refused.command):
        assert command is not None
        assert f"--server {shown} " in command
        assert address.parse(shown).api == place.api


def test_the_engine_for_any_server_is_shown_until_there_is_a_server() -> None:
    alone = named(discover.look(ports=[]), "openai")
    assert (alone.state, alone.start) == (
        State.INSTALLED,
        "tpsprofile sweep --engine openai --server URL --model NAME",
    )
    with listening(pages({"/v1/models": LISTED})) as port:
        assert "openai" not in {one.name for one in discover.look(ports=[port])}


def test_a_model_in_memory_is_the_one_to_measure() -> None:
    found = met(lm_studio([]))
    assert (found.name, found.loaded, found.models) == (
        "LM Studio",
        ("llama-3.2-1b",),
        ("qwen2.5-7b", "llama-3.2-1b"),
    )
    assert found.command is not None
    assert found.command.endswith("--model llama-3.2-1b")


def test_looking_only_lists_and_tells_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OLLAMA_API_KEY", "LM_API_TOKEN"):
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password hush-hush\n")
    asked: list[str] = []
    assert met(lm_studio(asked)).name == "LM Studio"
    assert asked
    assert {head.split()[0] for head in asked} == {"GET"}
    assert {head.split()[1] for head in asked} <= {"/v1/models", "/api/v0/models"}
    assert not [head for head in asked if "hush" in head or "authorization" in head.lower()]


def ollama(version: str, asked: list[str] | None = None) -> Behaviour:
    """What a real Ollama of that version answered to the routes that list."""
    recorded = Replay(version, {}, 0.0)
    models = [model["name"] for model in recorded.json("api-tags.json")["models"]]
    routes = {
        "/v1/models": {"data": [{"id": name, "object": "model", "owned_by": "library"} for name in models]},
        "/api/version": recorded.json("api-version.json"),
        "/api/ps": recorded.json("api-ps.json"),
    }
    return pages(routes, asked=asked)


@pytest.mark.parametrize("version", VERSIONS)
def test_ollama_with_its_version_and_models(version: str) -> None:
    asked: list[str] = []
    found = met(ollama(version, asked))
    assert (found.name, found.engine, found.version) == ("Ollama", "ollama", version)
    assert found.loaded == ("smollm2:135m",)
    assert {"smollm2:135m", "synth-moe:8x5m"} <= set(found.models or ())
    assert found.can == registry.create("ollama").can
    assert {head.split()[0] for head in asked} == {"GET"}, "a GET loads nothing"


def test_an_ollama_at_its_usual_place_needs_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = "tpsprofile sweep --engine ollama --model smollm2:135m"
    with listening(ollama("0.13.0")) as port:
        assert at(discover.look(ports=[port]), port).command == (
            f"tpsprofile sweep --engine ollama --server http://127.0.0.1:{port} --model smollm2:135m"
        )
        monkeypatch.setenv("OLLAMA_HOST", f"0.0.0.0:{port}")
        assert at(discover.look(ports=[]), port).command == plain


def test_an_ollama_host_without_anybody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(strangers.silent) as port:
        pass
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
    assert at(discover.look(ports=[]), port).name == discover.NOBODY
    monkeypatch.setenv("OLLAMA_HOST", "no address at all")
    assert "host:port" in (named(discover.look(ports=[]), "OLLAMA_HOST").note or "")


def test_a_server_without_a_model_says_so() -> None:
    found = met(pages({"/v1/models": {"object": "list", "data": []}}))
    assert (found.state, found.models) == (State.READY, ())
    assert found.note == "It has no model yet."
    assert "--model" not in (found.command or "")


def test_koboldcpp_is_not_ollama_although_it_speaks_like_it() -> None:
    listing = {"data": [{"id": "koboldcpp/tiny", "object": "model", "owned_by": "koboldcpp"}]}
    kobold = {"result": "KoboldCpp", "version": "1.122.1"}
    routes = {"/v1/models": listing, "/api/version": {"version": "0.7.0"}, "/api/extra/version": kobold}
    found = met(pages(routes))
    assert (found.name, found.version, found.engine) == ("KoboldCpp", "1.122.1", "openai")


@pytest.mark.parametrize("names", [["nomic-embed-text", "big:cloud", "gpt-oss:120b-cloud", "llama3.2:1b"]])
def test_the_command_names_a_model_that_can_be_measured_here(names: list[str]) -> None:
    listing = [{"id": name, "object": "model", "owned_by": "somebody"} for name in names]
    assert (met(pages({"/v1/models": {"data": listing}})).command or "").endswith("--model llama3.2:1b")


def test_a_name_with_blanks_and_quotes_is_quoted_for_the_shell() -> None:
    assert sweep("openai", model="my model; rm -rf '~'").endswith("""--model 'my model; rm -rf '"'"'~'"'"''""")
    assert "--model" not in sweep("openai", model="bell\a")


def test_a_real_llama_server(smollm2: Path) -> None:
    weights = Weights(facts=read_facts(smollm2), path=str(smollm2))
    with LlamaCpp(SystemClock()).load(weights, context_tokens=512, silence_s=120) as session:
        found = discover.look([session.url], ports=[])
    running = next(one for one in found if one.address == session.url)
    assert (running.name, running.state, running.engine) == ("llama-server", State.READY, "openai")
    assert running.loaded == running.models == (smollm2.stem,)
    assert running.can == servers.LLAMA_SERVER.can
    assert running.version


# ---------------------------------------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (strangers.says(b"SSH-2.0-OpenSSH_9.6\r\n"), knock.NO_HTTP),
        (strangers.says(b"\x00\xff" * 500), knock.NO_HTTP),
        (strangers.says(b""), knock.NO_HTTP),
        (strangers.says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), knock.NO_HTTP),
        (strangers.endless, knock.ENDLESS),
        (strangers.status(200, b"<html>hello</html>", "text/html; charset=utf-8"), "HTTP 200, text/html"),
        (strangers.status(500, b"boom", "text/plain"), "HTTP 500, text/plain"),
        (strangers.status(500, b'{"data": []}'), "HTTP 500, application/json"),
        (strangers.status(302, b"", "text/html"), "HTTP 302, text/html"),
        (strangers.status(200, b"[" * 100_000), "HTTP 200, application/json"),
        (strangers.status(200, b'{"data": 3}'), "HTTP 200, application/json"),
        (pages({"/health": {"status": "ok"}}), "HTTP 404, application/json"),
    ],
    ids=[
        "ssh",
        "garbage",
        "hangs up",
        "cut",
        "endless",
        "web",
        "500",
        "500 with a list",
        "redirect",
        "deep",
        "no list",
        "health",
    ],
)
def test_who_is_no_engine_is_told_as_such(behave: Behaviour, told: str) -> None:
    found = met(behave)
    assert (found.state, found.name, found.command) == (State.OTHER, told, None)


def test_who_wants_a_key_gets_advice_but_no_key() -> None:
    found = met(strangers.status(401, b'{"error": "Unauthorized"}'))
    assert found.state is State.OTHER
    assert (found.command or "").endswith("--key-env NAME")


def test_who_still_loads_may_be_asked_again() -> None:
    assert "loading" in (met(strangers.status(503, b'{"error": {"message": "Loading model"}}')).note or "")


def test_silent_and_dripping_servers_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ends before the look does: to get past this is to have given up on both."""
    monkeypatch.setattr(knock, "ANSWER_S", 0.2)
    monkeypatch.setattr(discover, "ADDRESSES_S", 0.4)
    with ExitStack() as stack:
        behaviours = [strangers.silent] * 3 + [strangers.dripping] * 3
        ports = [stack.enter_context(listening(behave)) for behave in behaviours]
        found = discover.look(ports=ports)
    assert [at(found, port).name for port in ports] == [knock.SILENT] * 6


def test_all_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(12)
    assert knock.at_once([(lambda: together.wait(5) >= 0, 6.0)] * 12) == (True,) * 12


def test_who_raises_or_takes_too_long_has_no_answer() -> None:
    def fails() -> str:
        raise RuntimeError("no such luck")

    over = threading.Event()
    answers = knock.at_once([(fails, 1.0), (lambda: str(over.wait(30)), 0.05), (lambda: "here", 1.0)])
    over.set()
    assert answers == (None, None, "here")


def test_a_usual_port_without_anybody_is_nothing_and_a_named_one_is_told() -> None:
    with listening(strangers.silent) as port:
        pass
    address = f"http://127.0.0.1:{port}"
    assert not [one for one in discover.look(ports=[port]) if one.address]
    assert [one.name for one in discover.look([address], ports=[]) if one.address] == [discover.NOBODY]


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(UsageError):
        discover.look(["ftp://example.com"], ports=[])
    with pytest.raises(UsageError):
        discover.look(["http://ann:hush@127.0.0.1:1"], ports=[])


# ---------------------------------------------------------------------------------------------- installed


def put(path: Path) -> None:
    """A program that ends with an error if anybody starts it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Ollama", "bin/ollama"),
        ("Ollama", "Applications/Ollama.app"),
        ("LM Studio", "bin/lms"),
        ("LM Studio", "home/.lmstudio/bin/lms"),
        ("LM Studio", "Applications/LM Studio.app"),
        ("llamafile", "bin/llamafile"),
        ("vLLM", "bin/vllm"),
        ("KoboldCpp", "bin/koboldcpp"),
        ("Jan", "Applications/Jan.app"),
    ],
)
def test_a_program_that_is_installed_comes_with_how_to_start_it(name: str, path: str, tmp_path: Path) -> None:
    before = named(discover.look(ports=[]), name)
    assert (before.state, before.where) == (State.ABSENT, None)
    assert before.install
    put(tmp_path / path)
    after = named(discover.look(ports=[]), name)
    assert (after.state, after.where) == (State.INSTALLED, str(tmp_path / path))
    assert after.start


def test_a_python_package_is_found_without_being_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "vllm.py").write_text("raise SystemExit('imported')")
    about = tmp_path / "vllm-0.11.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.11.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = named(discover.look(ports=[]), "vLLM")
    assert (found.state, found.version) == (State.INSTALLED, "0.11.0")


def test_the_embedded_engine_is_told_from_its_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = importlib.metadata.version("xllamacpp")
    found = named(discover.look(ports=[]), "llama.cpp")
    assert (found.state, found.version) == (State.READY, f"b{wheel.rsplit('.', 1)[-1]}")
    assert found.command == "tpsprofile sweep"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert named(discover.look(ports=[]), "llama.cpp").state is State.ABSENT


def test_a_program_that_answers_is_not_told_to_be_started(tmp_path: Path) -> None:
    put(tmp_path / "bin" / "vllm")
    with listening(pages({"/v1/models": LISTED})) as port:
        assert named(discover.look(ports=[port]), "vLLM").state is State.READY


@pytest.mark.parametrize(
    ("name", "command", "product"),
    [
        (product.engine, product.commands[0], product.name)
        for product in PRODUCTS
        if product.engine in registry.names()
    ],
)
def test_a_program_that_an_engine_starts_by_itself_is_ready_where_it_is_installed(
    name: str, command: str, product: str, tmp_path: Path
) -> None:
    """And it is not run to be looked at: this one would fail."""
    before = named(discover.look(ports=[]), name)
    assert (before.state, before.engine) == (State.ABSENT, name)
    put(tmp_path / "bin" / command)
    found = discover.look(ports=[])
    after = named(found, name)
    assert (after.state, after.command) == (State.READY, f"tpsprofile sweep --engine {name}")
    assert after.can == registry.create(name).can
    assert [one.name for one in found if one.name in {name, product}] == [name]


def test_ports_and_programs_are_few_and_distinct() -> None:
    assert len({port.number for port in PORTS}) == len(PORTS) <= 12
    assert len({product.name for product in PRODUCTS}) == len(PRODUCTS)
    kinds = {dialect.kind for dialect in servers.DIALECTS} | {servers.OTHER.kind}
    assert {product.kind for product in PRODUCTS} <= kinds


# --------------------------------------------------------------------------------- engines of somebody else's


class Foreign(FakeEngine):
    """An engine from another package."""

    can = Capabilities(takes=("gguf",), times_itself=False)

    def info(self) -> EngineInfo:
        return EngineInfo(name="foreign", version="7")


class Missing(Foreign):
    def info(self) -> EngineInfo:
        raise EngineMissingError("Foreign is not installed.", "pip install foreign")


class Broken(Foreign):
    def info(self) -> EngineInfo:
        raise RuntimeError("no such luck")


class Slow(Foreign):
    def info(self) -> EngineInfo:
        time.sleep(0.5)
        return EngineInfo(name="foreign")


class AnyServer(Foreign):
    can = Capabilities(server="url")


def not_importable(clock: Clock, setup: Setup) -> FakeEngine:
    raise ImportError("No module named 'foreign'")


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (Foreign, {"state": State.READY, "version": "7", "command": "tpsprofile sweep --engine foreign"}),
        (Missing, {"state": State.ABSENT, "install": "pip install foreign", "command": None}),
        (Broken, {"state": State.OTHER, "note": "It does not work: no such luck"}),
        (not_importable, {"state": State.OTHER, "note": "It does not work: No module named 'foreign'"}),
        (Slow, {"state": State.OTHER, "note": "It did not answer in time."}),
        (AnyServer, {"state": State.INSTALLED, "note": "It measures a server, once one runs."}),
    ],
)
def test_an_engine_of_another_package_is_asked_itself(
    factory: Any, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = registry._factory
    monkeypatch.setattr(registry, "names", lambda: (*registry.BUILT_IN, "foreign"))
    monkeypatch.setattr(registry, "_factory", lambda name: factory if name == "foreign" else usual(name))
    if factory is Slow:
        monkeypatch.setattr(discover, "ENGINES_S", 0.2)
    found = named(discover.look(ports=[]), "foreign")
    assert {key: getattr(found, key) for key in expected} == expected


def test_every_registered_engine_appears_but_the_one_that_invents() -> None:
    found = {one.engine for one in discover.look(ports=[])}
    assert found >= set(registry.names()) - {"fake"}
    assert "fake" not in found
