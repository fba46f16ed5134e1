"""MLX: replayed from what a real mlx_lm said, and the real one, on the processor, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import mlx
from tests.contract import Make, Subject
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Setup, Weights
from tpsprofile.engines.mlx.engine import Mlx
from tpsprofile.models.safetensors_file import open_folder


def recorded(request: pytest.FixtureRequest) -> Iterator[Subject]:
    folder: Path = request.getfixturevalue("tmp_path")
    yield _subject(mlx.replaying(folder), mlx.model(folder))


def real(request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield _subject(mlx.real(), mlx.model(request.getfixturevalue("tmp_path")))


def _subject(python: Path, folder: Path) -> Subject:
    engine = Mlx(SystemClock(), Setup(server=str(python)))
    return Subject(engine, Weights(facts=open_folder(folder).facts(), path=str(folder)), 16, 1024)


SUBJECTS: dict[str, Make] = {"mlx recorded": recorded, "mlx": real}
