"""Sweeps that say where an engine is, sweeps on several engines, and on servers of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import fakes
from tests.fakes import Named
from tests.models.shapes import LLAMA, PHI3, like, quiet
from tpsprofile import sources, store
from tpsprofile.cli import main, targets
from tpsprofile.engines import registry
from tpsprofile.engines.base import Weights
from tpsprofile.models import cache, catalogue, synthetic
from tpsprofile.records import ModelFacts, Outcome, Run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("tpsprofile.machine.bandwidth.measure", lambda **_: None)
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(registry, "BUILT_IN", {**registry.BUILT_IN, **fakes.ENGINES})
    small = like(LLAMA, name="tiny-8", quantisation="Q8_0")
    monkeypatch.setattr(catalogue, "SHAPES", (*catalogue.SHAPES, LLAMA, PHI3, small))
    Named.setups.clear()
    yield tmp_path
    Named.setups.clear()


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def sweep(*arguments: str) -> Result:
    return call("sweep", "--no-chart", *arguments)


def runs() -> dict[str, Run]:
    """The runs that were stored, by engine."""
    files = [store.read(path) for path in store.find([Path("results")])]
    return {run.header.engine.name: run for run in files}


def outcomes(run: Run) -> dict[tuple[str, str | None], Outcome]:
    return {(row.model.name, row.model.quantisation): row.outcome for row in run.trials}


def servers() -> dict[str, str | None]:
    """What each engine was told of its place."""
    return {name: setup.server for name, setup in Named.setups if setup and setup.server}


TWO = ("--engine", "program", "--engine", "library", "--model", "tiny-llama", "--model", "tiny-8")


def test_two_engines_measure_the_same_files() -> None:
    result = sweep(*TWO)
    assert result.exit_code == 0, result.output
    program, library = runs()["program"], runs()["library"]
    twins = {("tiny-llama", "Q4_K_M"): Outcome.OK, ("tiny-8", "Q8_0"): Outcome.OK}
    assert outcomes(program) == outcomes(library) == twins
    assert {row.model.digest for row in program.trials} == {row.model.digest for row in library.trials}
    assert all(row.model.synthetic for row in library.trials), "not the library's own"
    assert program.header.settings["models"] == ["tiny-llama@Q4_K_M", "tiny-8@Q8_0"]
    assert program.header.machine.id == library.header.machine.id
    assert "2 engines, one after the other: program, library" in result.output


def test_one_engine_alone_means_its_own_models() -> None:
    assert sweep("--engine", "library", "--model", "tiny-llama").exit_code == 0
    assert not any(row.model.synthetic for row in runs()["library"].trials)


def test_an_engine_of_another_format_gets_the_twin_in_its_own() -> None:
    assert sweep("--engine", "program", "--engine", "folders", *TWO[4:]).exit_code == 0
    assert set(outcomes(runs()["folders"])) == {("tiny-llama", "4bit"), ("tiny-8@8bit", "8bit")}


def test_a_model_that_only_one_engine_has_is_a_row_on_the_other() -> None:
    result = sweep("--engine", "program", "--engine", "served", "--model", "theirs")
    assert result.exit_code == 0, result.output
    assert outcomes(runs()["served"]) == {("theirs", None): Outcome.OK}
    assert outcomes(runs()["program"]) == {("theirs", None): Outcome.NOT_INSTALLED}
    (row,) = runs()["program"].trials
    assert row.reason == "There is no model 'theirs' in the catalogue."


def test_a_model_that_no_engine_has_is_refused_before_anything_is_written() -> None:
    result = sweep("--engine", "program", "--engine", "folders", "--model", "nobodys")
    assert result.exit_code == 5
    assert "nobodys" in result.stderr
    assert not Path("results").exists()


def test_an_engine_that_is_missing_is_told_before_anything_is_measured() -> None:
    result = sweep("--engine", "program", "--engine", "missing", "--model", "tiny-llama")
    assert (result.exit_code, result.stderr) == (5, "Error: There is no such program. Install it.\n")
    assert not Path("results").exists()


def test_a_budget_is_shared_and_what_one_leaves_the_next_one_has() -> None:
    assert sweep(*TWO, "--budget", "10m").exit_code == 0
    program, library = (runs()[name].header.settings["budget"] for name in ("program", "library"))
    assert program == 300
    assert 300 < library < 600
    refused = sweep(*TWO, "--budget", "10m", "--sustain", "8m")
    assert refused.exit_code == 2
    assert "480 s do not fit in a budget of 300 s" in refused.stderr


def test_there_is_one_chart_of_all(tmp_path: Path) -> None:
    result = call("sweep", *TWO)
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "results").rglob("*.png"))) == 1
    assert result.output.count("chart    ") == 1


def test_ctrl_c_says_how_to_go_on_and_what_was_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: object, *_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tpsprofile.engines.fake.FakeSession.generate", stop)
    result = sweep(*TWO, "--server", "./my-server")
    assert result.exit_code == 130
    assert "Go on with:\n  tpsprofile sweep --resume results/" in result.output
    assert "--server ./my-server" in result.output
    assert "Not begun: library." in result.output
    assert set(runs()) == {"program"}


# ------------------------------------------------------------------------------------------ where they are


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["./bin/llama-server"], {"program": "./bin/llama-server"}),
        (["http://10.0.0.5:11434"], {"library": "http://10.0.0.5:11434"}),
        (["studio:11434"], {"library": "studio:11434"}),
        (["./x", "127.0.0.1:1"], {"program": "./x", "library": "127.0.0.1:1"}),
        (["library=http://a:1/?b=c"], {"library": "http://a:1/?b=c"}),
        (["program=odd:1"], {"program": "odd:1"}),
    ],
)
def test_each_engine_is_told_the_place_that_fits_it(given: Sequence[str], expected: dict[str, str]) -> None:
    options = [word for one in given for word in ("--server", one)]
    assert sweep(*TWO[:6], *options).exit_code == 0
    assert servers() == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "program", "--engine", "folders", "--server", "http://a:1"], "None of the engines"),
        (["--engine", "program", "--engine", "other", "--server", "./x"], "Write it as --server program=PATH."),
        (["--engine", "program", "--server", "library=x"], "is for no engine of this sweep"),
        (["--engine", "program", "--server", "a", "--server", "b"], "says twice where program is"),
        (["--engine", "folders", "--server", "a"], "has no use for a server"),
        (["--engine", "program", "--chat"], "not as chat"),
        (["--key-env", "sk-very-secret-1234"], "no name of an environment variable"),
    ],
)
def test_what_does_not_fit_is_one_line(arguments: Sequence[str], words: str) -> None:
    result = sweep("--model", "tiny-llama", *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert "secret" not in result.output


@pytest.mark.parametrize(
    ("where", "url"),
    [
        ("http://a/b", True),
        ("https://api.example/v1", True),
        ("127.0.0.1:11434", True),
        ("localhost:8080/v1", True),
        ("[::1]:8080", True),
        ("./llama-server", False),
        ("/opt/llama/llama-server", False),
        ("llama-server", False),
        (r"C:\llama\llama-server.exe", False),
        ("C:/llama/llama-server.exe", False),
    ],
)
def test_addresses_are_told_from_paths(where: str, url: bool) -> None:
    assert targets.is_url(where) == url


def test_a_plans_server_is_not_for_another_engine() -> None:
    Path("p.yaml").write_text("models: [tiny-llama]\nengine: library\nserver: studio:1\nkey_env: MY_KEY\n")
    assert sweep("p.yaml").exit_code == 0
    assert servers() == {"library": "studio:1"}
    Named.setups.clear()
    assert sweep("p.yaml", "--engine", "program").exit_code == 0
    assert servers() == {}
    assert {setup.key_env for _, setup in Named.setups if setup} == {None}


def test_results_keep_the_server_to_themselves_and_resuming_needs_it_again() -> None:
    place = ("--server", "http://secret.example:1")
    assert sweep("--engine", "library", "--model", "tiny-llama", *place).exit_code == 0
    (file,) = store.find([Path("results")])
    assert b"secret" not in file.read_bytes()
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
    result = sweep("--resume", str(file))
    assert result.exit_code == 2
    assert "Results do not tell where the server was" in result.stderr
    assert "--server WHERE" in result.stderr
    Named.setups.clear()
    assert sweep("--resume", str(file), *place, "--key-env", "MY_KEY").exit_code == 0
    assert servers() == {"library": place[1]}
    assert {setup.key_env for _, setup in Named.setups if setup} == {"MY_KEY"}
    assert sweep("--resume", str(file), "--engine", "fake").exit_code == 2
    assert sweep("--resume", str(file), *place, *place).exit_code == 2


def test_a_folder_is_kept_by_its_name_and_found_again_when_resuming(tmp_path: Path) -> None:
    recipe = sources.recipe_of("tiny-llama", "safetensors")
    folder = synthetic.prepare(recipe, tmp_path / "private", keep=True, progress=quiet)
    assert sweep("--engine", "folders", "--model", str(folder)).exit_code == 0
    (file,) = store.find([tmp_path / "results"])
    assert store.read(file).header.settings["models"] == [f"{folder.name}/"]
    assert b"private" not in file.read_bytes()
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
    result = sweep("--resume", str(file))
    assert result.exit_code == 2
    assert "Say where: --model FOLDER." in result.stderr
    assert sweep("--resume", str(file), "--model", str(folder)).exit_code == 0
    assert len(store.read(file).trials) == 3


# ------------------------------------------------------------------------------------- servers of others


def test_a_server_of_others_is_measured_with_what_it_has_loaded() -> None:
    result = sweep("--engine", "served", "--server", "127.0.0.1:1234", "--chat")
    assert result.exit_code == 0, result.output
    run = runs()["served"]
    assert outcomes(run) == {("theirs", None): Outcome.OK}
    assert run.header.settings["models"] == ["theirs"]


def test_a_plan_of_its_own_may_name_the_servers_models() -> None:
    Path("p.yaml").write_text("models: [another]\nengine: served\n")
    assert sweep("p.yaml").exit_code == 0
    assert set(outcomes(runs()["served"])) == {("another", None)}


def test_a_service_is_a_control_and_needs_no_name() -> None:
    place = ("--server", "https://secret.example/v1")
    result = sweep("--engine", "cloud", *place)
    assert result.exit_code == 0, result.output
    assert "a control, not a machine" in result.output
    run = runs()["cloud"]
    machine = run.header.machine
    assert machine.chip == "cloud service"
    assert machine.id.startswith("cloud-")
    assert (machine.ram_bytes, machine.tag) == (None, None)
    (file,) = store.find([Path("results")])
    assert b"secret" not in file.read_bytes()
    assert {row.before.available_bytes for row in run.trials} == {None}
    assert sweep("--resume", str(file), *place).exit_code == 0
    other = sweep("--engine", "cloud", "--server", "https://other.example/v1", "--tag", "Theirs")
    assert other.exit_code == 0
    found = [store.read(path).header.machine for path in store.find([Path("results")])]
    assert {one.tag for one in found} == {None, "Theirs"}
    assert len({one.id for one in found}) == 2


def test_a_long_name_takes_two_lines_and_no_other_column_suffers(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "organisation/a-model-with-a-name-that-fills-a-line-1.5B-Instruct-GGUF-Q4_K_M"
    facts = ModelFacts(name=long, parameters=1_500_000_000, quantisation="Q4_K_M", file_bytes=10**9)
    monkeypatch.setattr(fakes.Served, "models", lambda self: (Weights(facts=facts),))
    monkeypatch.setattr(fakes.Served, "find", lambda self, name: Weights(facts=facts))
    lines = call("models", "--engine", "served").output.splitlines()
    assert max(map(len, lines)) <= 80
    heading = next(line for line in lines if line.startswith("model"))
    assert heading.split() == ["model", "params", "weights", "disk", "memory", "fits", "here", "source"]
    assert any("1.5B" in line and "Q4_K_M" in line and "the engine's" in line for line in lines)


def test_the_list_of_models_takes_the_same_options() -> None:
    result = call("models", *TWO)
    assert result.exit_code == 0, result.output
    assert "engine program" in result.output
    assert "engine library" in result.output
    assert "tiny-8" in result.output
    assert "theirs" in call("models", "--engine", "served").output
    assert call("models", *TWO, "--json").output.startswith("[")
