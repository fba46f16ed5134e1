"""mlx_lm for tests: one that replays what a real one said, and a real one where there is one or one can be had.

The real one is MLX's processor build, which exists for Linux. In continuous integration (``CI`` is set) it is
installed once, into the user's cache folder; elsewhere ``TPSPROFILE_MLX`` names a Python that has it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.models.shapes import LLAMA, like, quiet
from tpsprofile.models import cache, safetensors_twin, synthetic

FIXTURES = Path(__file__).parent / "fixtures"
_NEEDED = Path(__file__).with_name("requirements.txt")
_LONGEST_S = 600.0
_COMPILE = """
import mlx_lm.server, mlx_lm.models.llama, mlx_lm.models.qwen2, mlx_lm.models.phi3
from transformers import AutoTokenizer, PreTrainedTokenizerFast
"""
"""Compiles what the tests need, and nothing else, which halves the start of every server."""


def replaying(folder: Path, *options: str) -> Path:
    """A Python in ``folder`` that behaves as one with mlx_lm did; ``options`` are those of ``replay``."""
    path = folder / "python3"
    command = shlex.join([sys.executable, str(Path(__file__).with_name("replay.py")), *options, "--"])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
    return path


def real() -> Path:
    """A Python with a real mlx_lm. Skips the test where there is none; fails where one cannot be installed."""
    if named := os.environ.get("TPSPROFILE_MLX"):
        return Path(named)
    if not os.environ.get("CI"):
        pytest.skip("TPSPROFILE_MLX names no Python with mlx_lm")
    if sys.platform != "linux":
        pytest.skip("MLX's processor build is for Linux")
    return _installed(cache.made(cache.folder() / "tests"))


def model(folder: Path) -> Path:
    """A folder with a model of a megabyte, that loads in a blink and never ends a text."""
    path = folder / "tiny"
    if not path.exists():
        shape = like(LLAMA, name="tiny", vocab_size=2048, context_length=2048)
        synthetic.write(safetensors_twin.of_shape(shape), path, quiet)
    return path


def _installed(folder: Path) -> Path:
    """Installed once, whoever comes first; all others wait."""
    import fcntl

    home = folder / "mlx"
    python, ready = home / "bin" / "python", home / "requirements.txt"
    with (folder / "mlx.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_bytes() != _NEEDED.read_bytes():
            venv.create(home, clear=True, symlinks=True)
            pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-compile"]
            _run([*pip, "--only-binary=:all:", "--disable-pip-version-check", "-q", "-r", str(_NEEDED)])
            _run([str(python), "-c", _COMPILE])
            ready.write_bytes(_NEEDED.read_bytes())
    return python


def _run(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_LONGEST_S, env=environment, check=False
    )
    if done.returncode:
        pytest.fail(f"mlx_lm could not be installed: {done.stderr[-600:]}")
