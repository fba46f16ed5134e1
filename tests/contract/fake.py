"""The fake engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import Subject
from tests.support import WHEN
from tpsprofile.engines.fake import FakeEngine, VirtualClock


def fake(request: pytest.FixtureRequest) -> Iterator[Subject]:
    engine = FakeEngine(VirtualClock(WHEN))
    yield Subject(engine, engine.find("llama3.2:1b"), 16, 4096)


SUBJECTS = {"fake": fake}
