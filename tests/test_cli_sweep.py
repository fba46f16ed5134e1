"""The sweep and the list of models as commands: what they print, what they refuse, and with which status."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests import fakes
from tests.support import header, trial
from tpsprofile import schema, store
from tpsprofile.cli import main, targets
from tpsprofile.clock import SystemClock
from tpsprofile.engines import registry
from tpsprofile.engines.fake import FakeEngine, Fault
from tpsprofile.errors import EngineError
from tpsprofile.machine import identity
from tpsprofile.records import EngineInfo, Outcome
from tpsprofile.sweep import SERVER


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setattr("tpsprofile.machine.bandwidth.measure", lambda **_: None)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def sweep(*arguments: str) -> Result:
    return call("sweep", "--engine", "fake", "--no-chart", *arguments)


def refused(result: Result, status: int, *words: str) -> None:
    """One clear line on standard error, the status, no traceback."""
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1 or lines[-1].startswith("Error: "), lines
    for word in words:
        assert word in lines[-1], lines[-1]


def test_a_sweep_prints_its_table_and_where_the_results_are() -> None:
    result = sweep("laptop")
    assert result.exit_code == 0, result.output
    (file,) = store.find([Path("results")])
    assert f"results  {file}" in result.output
    for name in ("llama3.2:1b", "falcon3:10b", "phi4:14b"):
        assert name in result.output
    assert max(map(len, result.output.splitlines()[2:-1])) <= 80


def test_a_simulation_says_so_on_the_screen_and_in_the_file() -> None:
    result = sweep("laptop")
    assert "SIMULATED, not a measurement" in result.output
    (file,) = store.find([Path("results")])
    assert store.read(file).header.engine.simulated


def test_options_override_the_plan() -> None:
    result = sweep("quick", "--model", "phi4:14b", "--line", "3", "--budget", "1h", "--tag", "My Box")
    assert result.exit_code == 0, result.output
    (file,) = store.find([Path("results/my-box")])
    run = store.read(file)
    assert run.header.machine.label == "My Box"
    assert run.header.line_tok_s == 3
    assert run.header.settings["budget"] == 3600
    assert {row.model.name for row in run.trials} == {"phi4:14b"}


def test_resume_goes_on_with_the_file_alone() -> None:
    assert sweep("laptop", "--tag", "x").exit_code == 0
    (file,) = store.find([Path("results")])
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    result = call("sweep", "--resume", str(file), "--no-chart")
    assert result.exit_code == 0, result.output
    rows = [(row.model.name, row.number) for row in store.read(file).trials]
    assert len(rows) == len(set(rows))
    assert len(rows) == whole.count(b"\n") - 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["sweep", "quik"], 2, ["no plan 'quik'", "Did you mean 'quick'?"]),
        (["sweep", "--engine", "lama.cpp"], 2, ["no engine 'lama.cpp'", "Did you mean 'llama.cpp'?"]),
        (["sweep", "--model", "llama3.2:1x"], 2, ["llama3.2:1x", "Did you mean 'llama3.2:1b'?"]),
        (["sweep", "--model", "gone.gguf"], 2, ["gone.gguf"]),
        (["sweep", "--model", "llama3.2:1b@Q9"], 2, ["Q9"]),
        (["sweep", "--budget", "soon"], 2, ["'soon' is not a duration"]),
        (["sweep", "--line", "-1"], 2, ["line"]),
        (["sweep", "laptop"], 5, ["127.0.0.1:9", "ollama serve"]),
        (["models", "laptop"], 5, ["127.0.0.1:9"]),
        (["models", "quik"], 2, ["Did you mean 'quick'?"]),
        (["sweep", "--resume", "gone.jsonl"], 3, ["gone.jsonl"]),
        (["swep"], 2, ["no command 'swep'", "Did you mean 'sweep'?"]),
    ],
)
def test_bad_input_gets_one_line_and_a_status(arguments: Sequence[str], status: int, words: Sequence[str]) -> None:
    refused(call(*arguments), status, *words)
    assert not Path("results").exists(), "nothing is begun that cannot be done"


def test_a_plan_with_a_typo_names_the_key() -> None:
    Path("mine.yaml").write_text("models: [llama3.2:1b]\ntoken_out: 5\n")
    refused(call("sweep", "mine.yaml"), 2, "mine.yaml", "'token_out'", "'tokens_out'")


def test_a_corrupt_gguf_is_named_before_anything_is_begun() -> None:
    Path("bad.gguf").write_bytes(b"GGUF" + os.urandom(100))
    refused(call("sweep", "--model", "bad.gguf"), 4, "bad.gguf")
    assert not Path("results").exists()


def test_a_corrupt_gguf_among_good_ones_is_a_row(tiny_models: tuple[Path, Path]) -> None:
    Path("bad.gguf").write_bytes(tiny_models[0].read_bytes()[:5000])
    Path("p.yaml").write_text("models: [x]\ntokens_out: 4\ncontext_tokens: 256\ntrials: 1\n")
    result = call("sweep", "p.yaml", "--model", "bad.gguf", "--model", str(tiny_models[0]), "--no-chart")
    assert result.exit_code == 1
    (file,) = store.find([Path("results")])
    assert sorted((row.model.name, row.outcome) for row in store.read(file).trials) == [
        ("bad", Outcome.UNREADABLE),
        ("tiny-a", Outcome.OK),
    ]


@pytest.mark.parametrize("content", [b"", b"hello\n", b'{"record":"run","format":99}\n', b"\x00\xff\n"])
def test_a_foreign_file_is_not_resumed_and_not_touched(content: bytes) -> None:
    Path("x.jsonl").write_bytes(content)
    refused(call("sweep", "--resume", "x.jsonl"), 3, "x.jsonl")
    assert Path("x.jsonl").read_bytes() == content


def test_results_of_another_machine_are_not_resumed() -> None:
    settings = {"name": "t", "engine": "fake", "models": ["llama3.2:1b"]}
    Path("x.jsonl").write_bytes(schema.encode(header(settings=settings)) + schema.encode(trial()))
    refused(call("sweep", "--resume", "x.jsonl"), 3, "another machine")


def test_an_output_folder_that_cannot_be_made_is_named() -> None:
    Path("taken").write_text("a file where the folder should be")
    refused(sweep("laptop", "--out", "taken/results"), 3, "taken/results")


def test_a_server_on_another_computer_needs_a_name_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = FakeEngine.info
    monkeypatch.setattr(FakeEngine, "info", lambda self: msgspec.structs.replace(real(self), remote=True))
    refused(sweep("laptop"), 2, "another computer", "--tag")
    assert not Path("results").exists()
    assert sweep("laptop", "--tag", "Studio").exit_code == 0
    (file,) = store.find([Path("results")])
    run = store.read(file)
    assert (run.header.machine.label, run.header.machine.ram_bytes) == ("Studio", None)
    assert {row.before.available_bytes for row in run.trials} == {None}
    assert {row.outcome for row in run.trials} == {Outcome.OK}, "our memory says nothing about theirs"
    assert call("sweep", "--resume", str(file), "--no-chart").exit_code == 0


def test_a_file_of_another_server_is_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = lambda self: EngineInfo(name="served", version="1", remote=True)  # noqa: E731
    monkeypatch.setattr(registry, "BUILT_IN", {**registry.BUILT_IN, **fakes.ENGINES})
    monkeypatch.setattr(fakes.Served, "info", remote)
    place = ("--server", "http://studio:8000")
    call("sweep", "--engine", "served", *place, "--tag", "Studio", "--no-chart")
    (file,) = store.find([Path("results")])
    text = file.read_bytes()
    assert b"studio:" not in text
    assert identity.keyed_hash("http://studio:8000").encode() not in text, "nobody finds it by trying addresses"
    again = ("sweep", "--no-chart", "--resume", str(file), "--server")
    refused(call(*again, "http://office:8000"), 3, "another server")
    assert call(*again, "studio:8000/v1").exit_code == 0, "the same, written in another way"
    assert file.read_bytes() == text, "all was there"
    header, _, rows = text.partition(b"\n")
    told = json.loads(header)
    del told["settings"][SERVER]
    file.write_bytes(json.dumps(told).encode() + b"\n" + rows)
    assert call(*again, "http://office:8000").exit_code == 0, "an older file does not tell"


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({}, {"remote": True}, "on this computer; this one is on another computer"),
        ({"remote": True}, {}, "on another computer; this one is on this computer"),
        ({"remote": True}, {"remote": True, "cloud": True}, "on another computer; this one is in a cloud"),
    ],
)
def test_a_file_is_not_resumed_where_the_engine_is_somewhere_else(
    then: dict[str, bool], now: dict[str, bool], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = FakeEngine(SystemClock()).info()
    monkeypatch.setattr(FakeEngine, "info", lambda self: msgspec.structs.replace(info, **then))
    assert sweep("laptop", "--tag", "x").exit_code == 0
    (file,) = store.find([Path("results")])
    text = file.read_bytes()
    monkeypatch.setattr(FakeEngine, "info", lambda self: msgspec.structs.replace(info, **now))
    refused(call("sweep", "--resume", str(file), "--no-chart"), 3, words)
    assert file.read_bytes() == text


@pytest.mark.parametrize("engine", ["llama.cpp", "llama-server", "mlx", "fake"])
@pytest.mark.parametrize(("option", "words"), [(["--key-env", "MY_KEY"], "--key-env"), (["--cloud"], "--cloud")])
def test_what_an_engine_has_no_use_for_is_refused(engine: str, option: list[str], words: str) -> None:
    refused(call("sweep", "--engine", engine, *option), 2, f"engine {engine} ", f"Leave {words} out.")
    assert not Path("results").exists()


@pytest.mark.parametrize("first", [True, False])
def test_a_key_among_several_engines_is_for_those_at_an_address(
    first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "BUILT_IN", {**registry.BUILT_IN, **fakes.ENGINES})
    names = ["program", "library"] if first else ["library", "program"]
    plans = {
        plan.engine: (plan.key_env, plan.cloud)
        for plan in targets.plans_of("quick", engines=names, key_env="MY_KEY", cloud=True)
    }
    assert plans == {"program": (None, False), "library": ("MY_KEY", True)}


@pytest.mark.parametrize("engine", ["openai", "ollama", "llama-server", "mlx", "llama.cpp"])
@pytest.mark.parametrize(
    "written", ["http://ann:{}@studio:1", "ann:{}@studio", "http://ann:{}/x@studio", "https://{}@studio/v1"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(engine: str, written: str) -> None:
    place = written.format("geheim")
    one = call("sweep", "--engine", engine, "--server", place)
    other = call("sweep", "--engine", engine, "--engine", "fake", "--server", place)
    named = call("sweep", "--engine", engine, "--engine", "fake", "--server", f"{engine}={place}")
    for result in (one, other, named):
        refused(result, 2)
        assert "geheim" not in result.output


@pytest.mark.parametrize("path", ["/opt/llama@2/bin/llama-server", "./a@b", "C:\\me@home\\llama-server.exe"])
def test_a_path_may_hold_the_sign_of_a_password(path: str) -> None:
    refused(call("sweep", "--engine", "llama-server", "--server", path), 5, "There is no program")


@pytest.fixture
def without_1b(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine that lacks llama3.2:1b."""
    lacking = FakeEngine(SystemClock(), faults={"llama3.2:1b": Fault.NOT_INSTALLED})
    monkeypatch.setattr(registry, "create", lambda *_: lacking)
    return lacking


TWO = ("--model", "llama3.2:1b", "--model", "llama3.2:3b")


def outcomes_of_1b() -> list[Outcome]:
    (file,) = store.find([Path("results")])
    rows = store.read(file).trials
    assert [row.outcome for row in rows if row.model.name == "llama3.2:3b"] == [Outcome.OK] * 3
    return [row.outcome for row in rows if row.model.name == "llama3.2:1b"]


def test_what_is_missing_is_a_row(without_1b: FakeEngine) -> None:
    assert sweep(*TWO).exit_code == 0
    assert outcomes_of_1b() == [Outcome.NOT_INSTALLED]


def test_pull_brings_what_is_missing(without_1b: FakeEngine) -> None:
    assert sweep(*TWO, "--pull").exit_code == 0
    assert outcomes_of_1b() == [Outcome.OK] * 3


def test_a_pull_that_fails_is_a_row_and_the_sweep_goes_on(
    without_1b: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, progress: object) -> None:
        raise EngineError("There is no network.", "Try again.")

    monkeypatch.setattr(without_1b, "pull", broken)
    assert sweep(*TWO, "--pull").exit_code == 1
    assert outcomes_of_1b() == [Outcome.NOT_PREPARED]


def test_what_cannot_run_here_is_not_pulled(without_1b: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled: list[str] = []
    monkeypatch.setattr(without_1b, "pull", lambda name, progress: pulled.append(name))
    monkeypatch.setattr("tpsprofile.machine.fit.usable_bytes", lambda **_: 1024**3)
    sweep(*TWO, "--pull")
    assert pulled == []


def test_files_are_found_again_by_name_when_resuming(
    tiny_models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("p.yaml").write_text(
        "models: [x]\ntokens_out: 4\ncontext_tokens: 256\ntrials: 2\nmost_trials: 2\nstop_below: 0"
    )
    a, b = map(str, tiny_models)
    assert call("sweep", "p.yaml", "--model", a, "--model", b, "--no-chart").exit_code == 0
    (file,) = store.find([tmp_path / "results"])
    whole = file.read_bytes()
    assert str(tiny_models[0].parent).encode() not in whole
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    refused(call("sweep", "--resume", str(file)), 2, "tiny-a.gguf", "--model")
    refused(call("sweep", "--resume", str(file), "--model", "stranger.gguf"), 2, "stranger.gguf")
    assert call("sweep", "--resume", str(file), "--model", a, "--model", b).exit_code == 0
    rows = [(row.model.name, row.number) for row in store.read(file).trials]
    assert rows == [("tiny-a", 1), ("tiny-a", 2), ("tiny-b", 1), ("tiny-b", 2)]


def test_models_as_json_for_a_program() -> None:
    result = call("models", "quick", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    by_name = {row["facts"]["name"]: row for row in document["models"]}
    eight = by_name["llama3.1:8b"]
    assert eight["origin"] == "synthetic"
    assert eight["need"]["weights_bytes"] == eight["disk_bytes"] == eight["facts"]["file_bytes"]
    assert by_name["smollm2:135m"]["origin"] == "package"
    assert all(row["fits"] in {True, False} for row in document["models"])


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_list_of_models_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = call("models", "synthetic")
    assert result.exit_code == 0
    assert "qwen2.5:72b" in result.output
    assert max(map(len, result.output.splitlines())) <= columns


def test_completion_offers_plans_engines_and_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import ShellComplete

    complete = ShellComplete(main, {}, "tpsprofile", "_TPSPROFILE_COMPLETE")

    def offered(arguments: list[str], word: str) -> set[str]:
        return {item.value for item in complete.get_completions(arguments, word)}

    assert "sweep" in offered([], "sw")
    assert "quick" in offered(["sweep"], "q")
    assert "ollama" in offered(["sweep", "--engine"], "o")
    assert "llama3.1:8b" in offered(["sweep", "--model"], "llama3.1")
