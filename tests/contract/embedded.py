"""The embedded llama.cpp with real weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import Subject
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Weights
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.models.gguf_file import read_facts


def embedded(request: pytest.FixtureRequest) -> Iterator[Subject]:
    path: Path = request.getfixturevalue("smollm2")
    yield Subject(LlamaCpp(SystemClock()), Weights(facts=read_facts(path), path=str(path)), 16, 1024)


SUBJECTS = {"llama.cpp": embedded}
