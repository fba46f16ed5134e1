"""MLX: found, described, started as pinned, asked as pinned, and what happens when it fails."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.mlx import model, replaying
from tests.mlx.replay import FIXTURES
from tests.models.safetensors_bytes import folder
from tpsprofile.clock import SystemClock
from tpsprofile.engines import registry
from tpsprofile.engines.base import Finished, Request, Setup, Token, Weights
from tpsprofile.engines.mlx import ends, installed
from tpsprofile.engines.mlx.engine import Mlx
from tpsprofile.engines.mlx.session import MlxSession
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
    ProfileError,
)
from tpsprofile.records import ModelFacts


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert not psutil.Process().children(recursive=True)


def loaded(tmp_path: Path, *options: str, silence_s: float = 60) -> MlxSession:
    engine = Mlx(SystemClock(), Setup(server=str(replaying(tmp_path, *options))))
    return engine.load(weights(model(tmp_path)), context_tokens=1024, silence_s=silence_s)


def weights(path: Path) -> Weights:
    return Weights(facts=ModelFacts(name="m"), path=str(path))


# ------------------------------------------------------------------------------------------ found and described


def test_it_is_an_engine_by_name_with_a_program_and_folders(tmp_path: Path) -> None:
    engine = registry.create("mlx", setup=Setup(server=str(replaying(tmp_path))))
    assert (engine.can.server, engine.can.takes) == ("program", ("safetensors",))
    info = engine.info()
    assert (info.name, info.version, info.build) == ("mlx", "0.32.2", "mlx 0.32.4, Python 3.11.7")
    assert info.devices == ()


def test_a_graphics_processor_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"mlx_lm": "0.32.2", "mlx": "0.32.4", "python": "3.11.7", "gpu": "Apple M4 Max"}
    monkeypatch.setattr(installed, "answer_of", lambda command, environment: json.dumps(told))
    assert Mlx(SystemClock(), Setup(server=sys.executable)).info().devices == ("Apple M4 Max",)


def test_without_the_package_there_is_an_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for server in (None, "/no/such/python"):
        with pytest.raises(EngineMissingError, match="pip install mlx-lm"):
            Mlx(SystemClock(), Setup(server=server)).info()


def test_a_python_without_it_says_why(tmp_path: Path) -> None:
    engine = Mlx(SystemClock(), Setup(server=str(replaying(tmp_path, "--fault", "missing"))))
    with pytest.raises(EngineMissingError, match=r"no mlx_lm that runs: ModuleNotFoundError.*pip install mlx-lm"):
        engine.info()


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("#!{python}\n", "{python}"),
        ("#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n", "{folder}/python3"),
        ("#!/no/such/python3\n", "{folder}/python3"),
    ],
)
def test_the_script_of_pip_tells_which_python_it_belongs_to(tmp_path: Path, first: str, expected: str) -> None:
    places = {"python": sys.executable, "folder": str(tmp_path)}
    script = tmp_path / installed.SCRIPT
    script.write_text(first.format(**places))
    script.chmod(0o755)
    (tmp_path / "python3").touch()
    assert installed.find_python(str(script)) == expected.format(**places)


def test_a_script_of_nobody_is_told(tmp_path: Path) -> None:
    script = tmp_path / "else"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(EngineMissingError, match="does not tell which Python"):
        installed.find_python(str(script))


# --------------------------------------------------------------------------------------- started, loaded, asked


def test_it_is_started_as_pinned_and_ends_with_the_session(tmp_path: Path) -> None:
    with loaded(tmp_path) as session:
        (pid,) = session.pids
        *_, told = " ".join(psutil.Process(pid).cmdline()).partition(" -- ")
        assert session.load_s is not None and session.load_s > 0
        assert told.startswith(f"-m mlx_lm server --model {tmp_path}/tiny --host 127.0.0.1 --port ")
        assert told.endswith(" --prompt-cache-size 0 --temp 0")
    assert not psutil.pid_exists(pid)


class Wire:
    """Remembers what it is asked."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def stream(self, route: str, body: dict[str, Any], silence_s: float) -> Iterator[dict[str, Any]]:
        assert route == "/v1/completions"
        self.bodies.append(body)
        yield from ()


def test_the_end_of_text_is_forbidden_and_a_seed_only_where_it_matters() -> None:
    wire = Wire()
    session = MlxSession(None, wire, {"1": ends.FORBIDDEN})  # type: ignore[arg-type]
    for temperature in (0.0, 0.7):
        list(session.generate(Request(prompt="p", tokens_out=5, temperature=temperature, seed=3)))
    greedy, drawn = wire.bodies
    assert greedy == {
        "prompt": "p",
        "max_tokens": 5,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "logit_bias": {"1": -10_000.0},
    }
    assert drawn["seed"] == 3


def test_a_recorded_answer_gives_its_pieces_and_its_counts(tmp_path: Path) -> None:
    with loaded(tmp_path) as session:
        *pieces, account = session.generate(Request(prompt="Once upon", tokens_out=4))
    assert [piece.text for piece in pieces if isinstance(piece, Token)] == ["the", " scene", ",", " a"]
    assert account == Finished(tokens_in=2, tokens_cached=0, tokens_out=4, stopped_by="limit")


# ------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("old", EngineMissingError, "does not know an option.* pip install -U mlx-lm"),
        ("no-thread", ModelUnreadableError, r"could not load the model: Model type nosuch not supported\."),
        ("no-memory", DoesNotFitError, r"mlx_lm\.server found no memory for the model"),
        ("dies-loading", EngineDiedError, r"mlx_lm\.server ended while loading \(signal 9"),
    ],
)
def test_a_model_that_does_not_load(tmp_path: Path, fault: str, error: type[ProfileError], says: str) -> None:
    with pytest.raises(error, match=says):
        loaded(tmp_path, "--fault", fault)


def test_silence_while_loading_ends_it(tmp_path: Path) -> None:
    with pytest.raises(EngineTimedOutError, match=r"silent for too long|not ready after"):
        loaded(tmp_path, "--fault", "silent", silence_s=2)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("dies-midstream", r"ended in the middle of the work \(signal 9"),
        ("thread-dies-midstream", r"broke off in the middle of the work: shapes do not match\."),
    ],
)
def test_a_server_that_fails_at_work(tmp_path: Path, fault: str, says: str) -> None:
    with loaded(tmp_path, "--fault", fault) as session, pytest.raises(EngineDiedError, match=says):
        list(session.generate(Request(prompt="p", tokens_out=8)))


def test_what_is_no_model_folder_is_told_before_anything_starts(tmp_path: Path) -> None:
    engine = Mlx(SystemClock(), Setup(server="/no/such/python"))
    with pytest.raises(ModelUnreadableError, match=r"has no config\.json"):
        engine.load(weights(tmp_path), context_tokens=1, silence_s=1)
    with pytest.raises(ModelNotInstalledError, match="no folder for m"):
        engine.load(Weights(facts=ModelFacts(name="m")), context_tokens=1, silence_s=1)
    with pytest.raises(EngineError, match="does not download"):
        engine.pull("m", lambda done, total: None)


def test_the_recorded_log_is_read_as_it_is() -> None:
    assert "generation thread died: Model type nosuch" in (FIXTURES / "log-unknown-model.txt").read_text()


# --------------------------------------------------------------------------------------------- the end of a text


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ()),
        ({"config.json": {"eos_token_id": 2}}, ()),
        ({"config.json": {"eos_token_id": 2, "vocab_size": 9}}, (2,)),
        ({"config.json": {"eos_token_id": 2, "text_config": {"vocab_size": 9}}}, (2,)),
        ({"config.json": {"eos_token_id": [8, 9, 10**12], "vocab_size": 9}}, (8,)),
        ({"config.json": {"eos_token_id": [True, -1, "x", 3.0, 3], "vocab_size": 9}}, (3,)),
        (
            {
                "config.json": {"eos_token_id": 2, "vocab_size": 9},
                "generation_config.json": {"eos_token_id": [7, 8]},
            },
            (7, 8),
        ),
        (
            {
                "config.json": {"eos_token_id": 2, "vocab_size": 9},
                "tokenizer_config.json": {"eos_token": {"content": "</s>"}},
                "tokenizer.json": {"added_tokens": [{"id": 5, "content": "</s>"}, {"id": 6, "content": "<s>"}]},
            },
            (2, 5),
        ),
        ({"config.json": [], "tokenizer_config.json": {"eos_token": "x"}, "tokenizer.json": "no"}, ()),
    ],
)
def test_the_tokens_that_end_a_text(tmp_path: Path, files: dict[str, object], expected: tuple[int, ...]) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    assert ends.of_folder(tmp_path) == expected


def test_a_twin_and_a_plain_folder_tell_their_ends(tmp_path: Path) -> None:
    assert ends.of_folder(model(tmp_path)) == (1,)
    assert ends.bias(folder(tmp_path / "plain")) == {}
