"""Names of a plan become candidates, and candidates become weights."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from tests.models.gguf_bytes import LLAMA as ENTRIES
from tests.models.gguf_bytes import TENSORS, gguf
from tests.models.shapes import LLAMA, PHI3, quiet
from tpsprofile import sources
from tpsprofile.engines.base import Capabilities, Engine, Weights
from tpsprofile.errors import (
    EngineMissingError,
    ModelNotInstalledError,
    ModelRefusedError,
    ModelUnreadableError,
    ProfileError,
    UsageError,
)
from tpsprofile.models import catalogue, packaged, synthetic
from tpsprofile.records import ModelFacts, Outcome
from tpsprofile.sources import Candidate, ready


class Files:
    """An engine that takes files."""

    can = Capabilities(takes=("gguf",))

    def adopt(self, weights: Weights, _progress: Any) -> AbstractContextManager[Weights]:
        return nullcontext(weights)


class Library:
    """An engine with models of its own, of which it finds what ``answer`` says."""

    can = Capabilities(lists_models=True, pulls_models=True)

    def __init__(self, answer: ModelFacts | ProfileError) -> None:
        self.answer = answer

    def adopt(self, weights: Weights, _progress: Any) -> AbstractContextManager[Weights]:
        return nullcontext(weights)

    def find(self, name: str) -> Weights:
        if isinstance(self.answer, ProfileError):
            raise self.answer
        return Weights(facts=self.answer)


class Borrower(Library):
    """An engine with models of its own that takes files as well, and keeps a copy."""

    can = Capabilities(takes=("gguf",), lists_models=True)

    def adopt(self, weights: Weights, _progress: Any) -> AbstractContextManager[Weights]:
        return nullcontext(Weights(facts=weights.facts, name="for-now"))


class Folders(Files):
    """An engine that takes folders of safetensors."""

    can = Capabilities(takes=("safetensors",))


FILES = cast("Engine", Files())
FOLDERS = cast("Engine", Folders())


def library(answer: ModelFacts | ProfileError) -> Engine:
    return cast("Engine", Library(answer))


def candidate(name: str, cache: Path, engine: Engine = FILES) -> Candidate:
    (one,) = sources.candidates([name], engine, context_tokens=4096, cache=cache)
    return one


@pytest.fixture(autouse=True)
def _tiny_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two twins that are written in a blink, beside the real models."""
    monkeypatch.setattr(catalogue, "SHAPES", (*catalogue.SHAPES, LLAMA, PHI3))
    monkeypatch.setattr(packaged, "_installed", lambda: None)


def test_a_name_of_the_catalogue_is_a_twin_told_before_it_is_written(tmp_path: Path) -> None:
    one = candidate("tiny-llama", tmp_path)
    assert (one.origin, one.installed, one.problem) == ("synthetic", False, None)
    assert one.facts.synthetic
    assert one.facts.parameters == LLAMA.parameters
    assert one.need is not None
    assert one.need.weights_bytes == one.disk_bytes == one.facts.file_bytes
    assert one.need.kv_bytes == 2 * LLAMA.kv_values_per_token * 4096
    assert list(tmp_path.iterdir()) == []


def test_a_twin_is_there_while_it_is_used_and_gone_afterwards(tmp_path: Path) -> None:
    one = candidate("tiny-llama", tmp_path)
    with ready(one, FILES, cache=tmp_path, keep=False, progress=quiet) as weights:
        assert weights.facts == one.facts
        path = Path(weights.path or "")
        assert path.stat().st_size == one.disk_bytes
        assert str(path) == one.path
        assert candidate("tiny-llama", tmp_path).installed
    assert not path.exists()


def test_a_twin_is_removed_when_the_work_fails(tmp_path: Path) -> None:
    one = candidate("tiny-llama", tmp_path)
    with pytest.raises(KeyError), ready(one, FILES, cache=tmp_path, keep=False, progress=quiet):
        raise KeyError
    assert list((tmp_path / synthetic.FOLDER).iterdir()) == []


def test_a_twin_stays_when_asked(tmp_path: Path) -> None:
    for name in ("tiny-llama", "tiny-phi"):
        with ready(candidate(name, tmp_path), FILES, cache=tmp_path, keep=True, progress=quiet):
            pass
    assert len(list((tmp_path / synthetic.FOLDER).iterdir())) == 2


def test_a_quantisation_may_be_chosen(tmp_path: Path) -> None:
    one = candidate("tiny-llama@q4_0", tmp_path)
    assert (one.facts.name, one.facts.quantisation) == ("tiny-llama@Q4_0", "Q4_0")
    assert one.facts.digest != candidate("tiny-llama", tmp_path).facts.digest
    with ready(one, FILES, cache=tmp_path, keep=False, progress=quiet) as weights:
        assert Path(weights.path or "").stat().st_size == one.disk_bytes
    with pytest.raises(UsageError, match="'Q5'"):
        candidate("tiny-llama@Q5", tmp_path)


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'falcon3:10b'"):
        candidate("falcon:10b", tmp_path)


def test_smollm2_is_the_real_one_from_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = candidate("smollm2:135m", tmp_path)
    assert (one.origin, one.installed, one.path) == ("package", False, None)
    assert one.facts == packaged.FACTS
    assert not one.facts.synthetic
    fetched: list[Path] = []

    def prepare(folder: Path, _progress: Any) -> Path:
        fetched.append(folder)
        return folder / packaged.FILE

    monkeypatch.setattr(packaged, "prepare", prepare)
    with ready(one, FILES, cache=tmp_path, keep=False, progress=quiet) as weights:
        assert weights.path == str(tmp_path / packaged.FILE)
    sources.fetch([candidate("tiny-llama", tmp_path)], tmp_path, quiet)
    assert len(fetched) == 1
    sources.fetch([one], tmp_path, quiet)
    assert len(fetched) == 2
    assert candidate("smollm2:135m@Q4_1", tmp_path).origin == "synthetic"


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(gguf(ENTRIES, TENSORS))
    one = candidate(str(path), tmp_path / "cache")
    assert (one.origin, one.installed, one.path) == ("file", True, str(path))
    assert one.facts.digest
    assert one.disk_bytes == path.stat().st_size
    assert one.need is not None
    with ready(one, FILES, cache=tmp_path, keep=False, progress=quiet) as weights:
        assert weights == Weights(facts=one.facts, path=str(path))
    assert path.exists()


def test_a_file_may_have_another_ending(tmp_path: Path) -> None:
    path = tmp_path / "sha256-abc"
    path.write_bytes(gguf(ENTRIES, TENSORS))
    assert candidate(str(path), tmp_path).origin == "file"


def test_a_bad_file_is_a_problem_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(gguf(ENTRIES, TENSORS)[:-40])
    one = candidate(str(path), tmp_path)
    assert one.problem is not None
    assert one.problem[0] is Outcome.UNREADABLE
    assert "cut.gguf is cut off" in one.problem[1]
    with (
        pytest.raises(ModelUnreadableError, match="cut off"),
        ready(one, FILES, cache=tmp_path, keep=False, progress=quiet),
    ):
        pass


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"")
    with pytest.raises(UsageError, match=r"Did you mean 'model\.gguf'"):
        candidate(str(tmp_path / "modle.gguf"), tmp_path)


def test_an_engine_of_names_takes_no_files(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(gguf(ENTRIES, TENSORS))
    one = candidate(str(path), tmp_path, library(ModelNotInstalledError("It is not here.")))
    assert one.problem is not None
    assert one.problem[0] is Outcome.REFUSED


@pytest.mark.parametrize("name", ["tiny.gguf", "Qwen/Qwen3-0.6B"])
@pytest.mark.parametrize("there", [True, False], ids=["a file is called so", "no file"])
def test_a_name_that_a_server_lists_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, there: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if there:
        (tmp_path / name).mkdir(parents=True)
    facts = ModelFacts(name=name)
    one = candidate(name, tmp_path, library(facts))
    assert (one.origin, one.facts, one.problem) == ("engine", facts, None)
    lacking = candidate(name, tmp_path, library(ModelNotInstalledError("It is not here.")))
    assert lacking.problem is not None
    assert lacking.problem[0] is (Outcome.REFUSED if there else Outcome.NOT_INSTALLED)


def test_a_model_of_the_engine_has_the_engines_facts(tmp_path: Path) -> None:
    facts = ModelFacts(name="llama3.2:1b", parameters=1_235_814_464, file_bytes=1_321_082_688)
    one = candidate("llama3.2:1b", tmp_path, library(facts))
    assert (one.origin, one.installed, one.facts, one.problem) == ("engine", True, facts, None)
    assert one.need is not None
    assert one.need.weights_bytes == 1_321_082_688
    with ready(one, library(facts), cache=tmp_path, keep=False, progress=quiet) as weights:
        assert weights == Weights(facts=facts)
    own = candidate("own-model", tmp_path, library(facts)).need
    assert own is not None, "of unknown dimensions, at least the weights must fit"
    assert (own.weights_bytes, own.kv_bytes) == (1_321_082_688, 0)


@pytest.mark.parametrize(
    ("error", "outcome", "parameters"),
    [
        (ModelNotInstalledError("It is not here.", "Pull it."), Outcome.NOT_INSTALLED, 1_235_814_400),
        (ModelRefusedError("It runs elsewhere."), Outcome.REFUSED, None),
    ],
)
def test_what_the_engine_lacks_or_refuses_is_a_problem(
    tmp_path: Path, error: ProfileError, outcome: Outcome, parameters: int | None
) -> None:
    engine = library(error)
    one = candidate("llama3.2:1b", tmp_path, engine)
    assert one.problem == (outcome, str(error))
    assert not one.installed
    assert (one.facts.name, one.facts.parameters) == ("llama3.2:1b", parameters)
    with pytest.raises(type(error)), ready(one, engine, cache=tmp_path, keep=False, progress=quiet):
        pass


def test_an_engine_that_does_not_answer_is_no_models_fault(tmp_path: Path) -> None:
    with pytest.raises(EngineMissingError):
        candidate("llama3.2:1b", tmp_path, library(EngineMissingError("No server.")))


def test_a_name_with_a_sign_for_twins_may_be_an_engine_s_own(tmp_path: Path) -> None:
    own = ModelFacts(name="qwen3-30b@q8_0", quantisation="Q8_0")
    one = candidate("qwen3-30b@q8_0", tmp_path, library(own))
    assert (one.origin, one.facts) == ("engine", own)


def borrower() -> Engine:
    return cast("Engine", Borrower(ModelFacts(name="own", file_bytes=7)))


def test_an_engine_with_models_of_its_own_may_take_twins_and_files_too(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(gguf(ENTRIES, TENSORS))
    for name, origin, synthetic_one in [
        ("tiny-llama", "engine", False),
        ("tiny-llama@Q4_0", "synthetic", True),
        (str(path), "file", False),
    ]:
        one = candidate(name, tmp_path, borrower())
        assert (one.origin, one.facts.synthetic, one.problem) == (origin, synthetic_one, None), name


def test_a_twin_is_not_kept_beside_the_engines_copy(tmp_path: Path) -> None:
    one = candidate("tiny-llama@Q4_0", tmp_path, borrower())
    for keep in (False, True):
        with ready(one, borrower(), cache=tmp_path, keep=keep, progress=quiet) as weights:
            assert (weights.name, weights.path) == ("for-now", None)
            assert Path(one.path or "").exists() == keep


def test_a_model_that_is_not_installed_has_a_twin_that_needs_no_download(tmp_path: Path) -> None:
    engine = cast("Engine", Borrower(ModelNotInstalledError("It is not here.", "Pull it.")))
    for name, reason in [
        ("tiny-llama", "It is not here. Pull it. Or measure its twin: tiny-llama@Q4_K_M."),
        ("stranger", "It is not here. Pull it."),
    ]:
        assert candidate(name, tmp_path, engine).problem == (Outcome.NOT_INSTALLED, reason)


def folder_of(tmp_path: Path) -> Path:
    recipe = sources.recipe_of("tiny-llama", "safetensors")
    return synthetic.prepare(recipe, tmp_path, keep=True, progress=quiet)


def test_a_folder_of_safetensors_is_a_model(tmp_path: Path) -> None:
    path = folder_of(tmp_path)
    for name in (str(path), f"{path}/", str(path / "model.safetensors")):
        one = candidate(name, tmp_path, FOLDERS)
        assert (one.origin, one.problem, one.facts.format) == ("file", None, "safetensors")
        assert one.path == str(path)
        assert one.need is not None
        with ready(one, FOLDERS, cache=tmp_path, keep=False, progress=quiet) as weights:
            assert weights.path == str(path)


def test_a_folder_in_this_folder_needs_no_separator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder_of(tmp_path)
    monkeypatch.chdir(path.parent)
    assert candidate(path.name, tmp_path, FOLDERS).origin == "file"


def test_each_engine_gets_the_twin_in_its_format(tmp_path: Path) -> None:
    one = candidate("tiny-llama", tmp_path, FOLDERS)
    assert (one.origin, one.facts.format, one.facts.quantisation) == ("synthetic", "safetensors", "4bit")
    with ready(one, FOLDERS, cache=tmp_path, keep=False, progress=quiet) as weights:
        assert Path(weights.path or "").is_dir()
    assert not Path(one.path or "").exists()
    real = candidate("smollm2:135m", tmp_path, FOLDERS)
    assert real.origin == "synthetic", "the packaged model is a GGUF file"


def test_a_file_of_another_format_is_a_problem_with_a_plain_reason(tmp_path: Path) -> None:
    file = tmp_path / "own.gguf"
    file.write_bytes(gguf(ENTRIES, TENSORS))
    folder = folder_of(tmp_path)
    for path, engine, reason in [
        (file, FOLDERS, "This engine takes folders of safetensors, not GGUF files."),
        (folder, FILES, "This engine takes GGUF files, not folders of safetensors."),
        (
            file,
            library(ModelNotInstalledError("It is not here.")),
            "This engine takes models by name only, not from a file.",
        ),
    ]:
        one = candidate(str(path), tmp_path, engine)
        assert one.problem == (Outcome.REFUSED, reason)


def test_a_folder_that_is_no_model_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    one = candidate(str(tmp_path / "empty"), tmp_path, FOLDERS)
    assert one.problem is not None
    assert one.problem[0] is Outcome.UNREADABLE


@pytest.mark.parametrize(
    ("name", "kind", "twin"),
    [
        ("llama3.2:1b", "gguf", "llama3.2:1b@Q8_0"),
        ("llama3.2:3b", "gguf", "llama3.2:3b@Q4_K_M"),
        ("llama3.2:3b@q4_0", "gguf", "llama3.2:3b@Q4_0"),
        ("llama3.2:1b", "safetensors", "llama3.2:1b@8bit"),
        ("llama3.2:3b", "safetensors", "llama3.2:3b@4bit"),
        ("llama3.2:3b@F16", "safetensors", "llama3.2:3b@BF16"),
        ("my-own:latest", "gguf", "my-own:latest"),
        ("llama3.2:3b@Q9", "gguf", "llama3.2:3b@Q9"),
        ("model.gguf", "gguf", "model.gguf"),
    ],
)
def test_the_same_model_on_several_engines_is_the_same_twin(name: str, kind: str, twin: str) -> None:
    assert sources.twin_name(name, kind) == twin


def test_a_name_that_only_another_engine_knows_is_a_row(tmp_path: Path) -> None:
    (one,) = sources.candidates(["own:1b"], FILES, context_tokens=4096, cache=tmp_path, forgiving=True)
    assert one.problem is not None
    assert one.problem[0] is Outcome.NOT_INSTALLED
    assert one.facts.name == "own:1b"


class Served(Library):
    """A server whose models somebody else loaded."""

    can = Capabilities(lists_models=True, loads=False)
    count = 1

    def models(self) -> tuple[Weights, ...]:
        return tuple(Weights(facts=ModelFacts(name=f"m{number}")) for number in range(self.count))


@pytest.mark.parametrize(
    ("count", "cloud", "expected"),
    [
        (1, False, ("m0",)),
        (2, False, ("m0", "m1")),
        (1, True, ("m0",)),
        (0, False, "Load one there first"),
        (2, True, "--model m0"),
        (99, False, "The server has 99 models: m0, m1, m2"),
    ],
)
def test_a_server_of_others_is_measured_with_what_it_serves(
    count: int, cloud: bool, expected: tuple[str, ...] | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Served, "count", count)
    engine = cast("Engine", Served(ModelFacts(name="m0")))
    if isinstance(expected, tuple):
        assert sources.served(engine, cloud=cloud) == expected
        return
    with pytest.raises(ProfileError, match=expected):
        sources.served(engine, cloud=cloud)


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        ((True, False, False), ("m0",)),
        ((False, True, True), ("m1", "m2")),
        ((None, None), ("m0", "m1")),
        ((True, None, False), ("m0", "m1")),
        ((False, False), r"no model loaded; it could load m0, m1\. Name one: --model m0"),
        ((False,) * 99, r"it could load m0, m1, m2, …\. Name one"),
        ((True,) * 99, "The server has 99 models"),
        ((False,) * 99 + (True,), ("m99",)),
    ],
    ids=str,
)
def test_models_that_would_have_to_be_loaded_are_not_measured_unless_named(
    loaded: tuple[bool | None, ...], expected: tuple[str, ...] | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tuple(Weights(facts=ModelFacts(name=f"m{n}"), loaded=one) for n, one in enumerate(loaded))
    monkeypatch.setattr(Served, "models", lambda self: listed)
    engine = cast("Engine", Served(ModelFacts(name="m0")))
    if isinstance(expected, tuple):
        assert sources.served(engine, cloud=False) == expected
        return
    with pytest.raises(UsageError, match=expected):
        sources.served(engine, cloud=False)


def test_what_somebody_else_loaded_needs_no_memory_any_more(tmp_path: Path) -> None:
    facts = ModelFacts(name="llama3.2:1b", file_bytes=1_000_000_000)
    one = candidate("llama3.2:1b", tmp_path, cast("Engine", Served(facts)))
    assert (one.need, one.disk_bytes) == (None, 1_000_000_000)
