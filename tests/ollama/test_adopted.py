"""Files that a server is given for the time being, in the shape of every version, and how that fails."""

from __future__ import annotations

import shutil
from collections import namedtuple
from hashlib import sha256
from pathlib import Path

import pytest

from tests.ollama.server import MODEL, Fault, Replay, replay
from tpsprofile.engines.base import Finished, Request, Setup, Weights
from tpsprofile.engines.ollama.adopted import PREFIX, SPARE_BYTES
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.engines.ollama.wire import Wire
from tpsprofile.errors import (
    EngineError,
    EngineMissingError,
    ModelRefusedError,
    ModelUnreadableError,
    ProfileError,
    RepeatedOutputError,
    UsageError,
)
from tpsprofile.records import ModelFacts

CONTENT = b"GGUF" + bytes(3 * 1024**2)
DIGEST = f"sha256:{sha256(CONTENT).hexdigest()}"
NAME = f"{PREFIX}{DIGEST[7:19]}:latest"
TWIN = ModelFacts(name="llama3.2:1b", quantisation="Q4_0", digest="sha256:recipe", format="gguf", synthetic=True)


@pytest.fixture
def twin(tmp_path: Path) -> Weights:
    path = tmp_path / "twin.gguf"
    path.write_bytes(CONTENT)
    return Weights(facts=TWIN, path=str(path))


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Nobody is told."""


def test_a_file_is_a_model_for_as_long_as_it_is_used(server: Replay, engine: Ollama, twin: Weights) -> None:
    told: list[tuple[str, int, int | None]] = []
    with engine.adopt(twin, lambda *each: told.append(each)) as own:
        assert own == Weights(facts=TWIN, name=NAME), "the facts are the file's, the name is Ollama's"
        assert server.blobs == {DIGEST: CONTENT}
        assert server.made == {NAME: DIGEST}
    assert (server.blobs, server.made) == ({}, {})
    size = len(CONTENT)
    assert told[0] == ("hashing llama3.2:1b", 0, size)
    assert told[-1] == ("giving llama3.2:1b to Ollama", size, size)
    (body,) = server.bodies("create")
    assert body == {"model": NAME, "files": {"twin.gguf": DIGEST}, "stream": False}


def test_it_runs_under_its_name_for_the_time_being(server: Replay, engine: Ollama, twin: Weights) -> None:
    with (
        engine.adopt(twin, silent) as own,
        engine.load(own, context_tokens=1024, silence_s=5) as session,
    ):
        last = list(session.generate(Request(prompt="x", tokens_out=16)))[-1]
        assert session.facts().size_bytes, "it is found under that name among the loaded"
        assert server.loaded == {NAME: 1024}
    assert isinstance(last, Finished)
    assert (last.tokens_out, last.stopped_by) == (16, "limit")
    assert server.loaded == {}


def test_twins_may_not_repeat_themselves_and_real_models_may(
    server: Replay, engine: Ollama, twin: Weights
) -> None:
    real = Weights(facts=ModelFacts(name="own", digest=DIGEST), path=twin.path)
    for weights in (twin, real):
        with (
            engine.adopt(weights, silent) as own,
            engine.load(own, context_tokens=1024, silence_s=5) as session,
        ):
            list(session.generate(Request(prompt="x", tokens_out=2)))
    of_twin, of_real = (body["options"] for body in server.bodies("generate"))
    assert of_twin["repeat_penalty"] > 100
    assert "repeat_penalty" not in of_real


def test_the_engines_own_models_stay_as_they_are(server: Replay, engine: Ollama) -> None:
    own = engine.find(MODEL)
    with engine.adopt(own, silent) as same:
        assert same is own
    assert not server.bodies("create")


def test_a_file_that_the_server_has_is_not_sent_again(server: Replay, engine: Ollama, twin: Weights) -> None:
    server.blobs[DIGEST] = CONTENT
    server.made["somebodys:latest"] = DIGEST
    with engine.adopt(twin, silent):
        pass
    assert not server.bodies("upload")
    assert server.made == {"somebodys:latest": DIGEST}
    assert server.blobs, "the file is somebody's"


def test_what_a_killed_run_left_is_deleted_and_nothing_else(server: Replay, engine: Ollama, twin: Weights) -> None:
    server.blobs |= {"sha256:old": b"GGUF", "sha256:own": b"GGUF"}
    server.made |= {f"{PREFIX}0123:latest": "sha256:old", "my-tpsprofile-twin-:latest": "sha256:own"}
    with engine.adopt(twin, silent):
        assert set(server.made) == {NAME, "my-tpsprofile-twin-:latest"}
    assert set(server.blobs) == {"sha256:own"}


def test_several_are_held_at_once_and_a_copy_is_the_same(
    server: Replay, engine: Ollama, twin: Weights, tmp_path: Path
) -> None:
    other, copy = tmp_path / "other.gguf", tmp_path / "copy.gguf"
    other.write_bytes(CONTENT + b"\0")
    copy.write_bytes(CONTENT)
    with engine.adopt(twin, silent), engine.adopt(Weights(facts=TWIN, path=str(other)), silent):
        with engine.adopt(Weights(facts=TWIN, path=str(copy)), silent) as third:
            assert third.name == NAME
        assert len(server.made) == 2
    assert (server.made, server.blobs) == ({}, {})


def test_models_for_the_time_being_are_not_listed(server: Replay, engine: Ollama, twin: Weights) -> None:
    before = engine.models()
    with engine.adopt(twin, silent):
        assert engine.models() == before


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ProfileError])
def test_an_interrupted_upload_leaves_nothing(
    server: Replay, engine: Ollama, twin: Weights, failure: type[BaseException]
) -> None:
    def stop(what: str, done: int, total: int | None) -> None:
        if what.startswith("giving") and done:
            raise failure("enough")

    with pytest.raises(failure):
        engine.adopt(twin, stop).__enter__()
    assert (server.made, server.blobs) == ({}, {})


def test_ctrl_c_while_the_model_is_made_leaves_no_file(
    server: Replay, engine: Ollama, twin: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Wire.create, []

    def create(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyboardInterrupt
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Wire, "create", create)
    with pytest.raises(KeyboardInterrupt), engine.adopt(twin, silent):
        pass
    assert (server.made, server.blobs) == ({}, {})


def test_a_file_that_ollama_does_not_take_is_one_line(engine: Ollama, tmp_path: Path) -> None:
    path = tmp_path / "junk.gguf"
    path.write_bytes(b"junk")
    with replay("0.13.0") as server:
        mine = Ollama(engine.clock, Setup(server=server.url))
        with pytest.raises(EngineError) as caught:
            mine.adopt(Weights(facts=TWIN, path=str(path)), silent).__enter__()
        assert caught.value.what == "Ollama says: supplied file was not in GGUF format."
        wrong = ModelFacts(name="x", digest=f"sha256:{'0' * 64}")
        with pytest.raises(EngineError, match="digest mismatch"):
            mine.adopt(Weights(facts=wrong, path=str(path)), silent).__enter__()


def test_an_ollama_without_its_tools_is_one_line(engine: Ollama, twin: Weights) -> None:
    lines = Path(__file__).parent / "fixtures/0.33.0-rc2/error-create-no-quantize-tool.ndjson"
    error = lines.read_bytes().splitlines()[-1]
    with replay("0.33.0-rc2", create=Fault(body=error, status=500)) as server:
        with pytest.raises(EngineError, match="llama-quantize unavailable") as caught:
            Ollama(engine.clock, Setup(server=server.url)).adopt(twin, silent).__enter__()
        assert "\n" not in str(caught.value)


def test_errors_tell_the_models_own_name(server: Replay, engine: Ollama, twin: Weights) -> None:
    same = b'{"response":" a","done":false}\n' * 30
    server.faults["generate"] = Fault(body=same)
    with (
        engine.adopt(twin, silent) as own,
        engine.load(own, context_tokens=1024, silence_s=5) as session,
        pytest.raises(RepeatedOutputError, match=r"stopped llama3\.2:1b because"),
    ):
        list(session.generate(Request(prompt="x", tokens_out=99)))
    server.faults["load"] = Fault(body=b'{"error":"unable to load model: x"}', status=500)
    with (
        engine.adopt(twin, silent) as own,
        pytest.raises(ModelUnreadableError, match=r"cannot read llama3\.2:1b"),
    ):
        engine.load(own, context_tokens=1024, silence_s=5)


@pytest.mark.parametrize("name", ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf"])
def test_a_model_in_several_files_is_refused(server: Replay, engine: Ollama, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelRefusedError, match="one file only"):
        engine.adopt(Weights(facts=TWIN, path=str(tmp_path / name)), silent).__enter__()
    assert not server.requests


def test_a_disk_without_room_is_told_before_anything_is_sent(
    server: Replay, engine: Ollama, twin: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(len(CONTENT) + SPARE_BYTES - 1))
    with pytest.raises(ProfileError, match="its disk has") as caught:
        engine.adopt(twin, silent).__enter__()
    assert not isinstance(caught.value, EngineError), "not the engine's fault"
    assert not server.bodies("upload")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(len(CONTENT) + SPARE_BYTES))
    with engine.adopt(twin, silent):
        assert server.made


def test_a_server_may_be_said_and_may_want_a_key(engine: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    with replay("0.13.0") as server:
        assert Ollama(engine.clock, Setup(server=server.url)).info().version == "0.13.0"
        guarded = Ollama(engine.clock, Setup(server=server.url, key_env="TPSPROFILE_TEST_KEY"))
        with pytest.raises(UsageError, match="TPSPROFILE_TEST_KEY has no key"):
            guarded.info()
        monkeypatch.setenv("TPSPROFILE_TEST_KEY", "a-secret-key")
        assert guarded.info().version == "0.13.0"
        assert server.headers[-1]["Authorization"] == "Bearer a-secret-key"
        server.faults["tags"] = Fault(body=b'{"error":"a-secret-key is not mine"}', status=403)
        with pytest.raises(EngineError, match=r"^Ollama says: \[key\] is not mine\.$"):
            guarded.models()
    monkeypatch.setattr("httpx.Client.send", lambda *_, **__: pytest.fail("nothing is sent"))
    with pytest.raises(UsageError, match="unencrypted"):
        Ollama(engine.clock, Setup(server="http://ollama.example.com", key_env="TPSPROFILE_TEST_KEY")).info()


def test_an_address_that_is_wrong_is_the_servers(engine: Ollama) -> None:
    with replay("0.13.0") as server:
        pass
    with pytest.raises(EngineMissingError, match="correct --server"):
        Ollama(engine.clock, Setup(server=server.url)).info()
    with pytest.raises(EngineMissingError, match="--server is not an address"):
        Ollama(engine.clock, Setup(server="127.0.0.1:many")).info()
