"""Servers of OpenAI's dialect: the embedded llama.cpp's own, with real weights, on either route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import Make, Subject
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Setup, Weights
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.engines.openai.engine import OpenAI
from tpsprofile.models.gguf_file import read_facts


def over_http(*, chat: bool) -> Make:
    """The engine at the address of a server that the embedded one began."""

    def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
        path: Path = request.getfixturevalue("smollm2")
        clock = SystemClock()
        weights = Weights(facts=read_facts(path), path=str(path))
        with LlamaCpp(clock).load(weights, context_tokens=1024, silence_s=60) as session:
            engine = OpenAI(clock, Setup(server=session.url, chat=chat))
            engine.info()
            yield Subject(engine, engine.find(path.name), 16, 1024)

    return subject


SUBJECTS = {"openai": over_http(chat=False), "openai chat": over_http(chat=True)}
