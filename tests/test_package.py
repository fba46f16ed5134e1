"""What `pip install .` brings: the command, and plans that can be named from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tpsprofile import plan

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = next(archive.read(name) for name in names if name.endswith("entry_points.txt")).decode()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tpsprofile"}
    assert "tpsprofile/py.typed" in names
    assert "tpsprofile = tpsprofile.cli:main" in entry_points
    assert not [name for name in names if name.endswith((".gguf", ".jsonl"))]


def test_an_installed_plan_has_a_name_in_any_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    answer = "[str(p.folder()), p.names(), p.load('quick').about]"
    command = [sys.executable, "-c", f"import json, tpsprofile.plan as p; print(json.dumps({answer}))"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    folder, names, about = json.loads(run.stdout)
    assert Path(folder) == site / "tpsprofile" / "configs"
    assert names == plan.names()
    assert about == plan.load("quick").about


def test_too_old_a_python_gets_one_clear_line(tmp_path: Path) -> None:
    """A PATH on which every Python is too old, as far as the Makefile can see."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    path = {"PATH": f"{tools}:{os.environ['PATH']}"}
    run = subprocess.run(["make", "test"], check=False, cwd=tmp_path, env=path, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stdout == "tpsprofile needs Python 3.11 or newer, and there is none on the PATH.\n"
