"""Engines under the contract: each module here tells of one kind in ``SUBJECTS``, a name -> how to make one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tpsprofile.engines.base import Engine, Weights


@dataclass
class Subject:
    """An engine under test, a model it can run, and how many tokens to ask of it."""

    engine: Engine
    weights: Weights
    tokens_out: int
    context_tokens: int


Make = Callable[[pytest.FixtureRequest], Iterator[Subject]]
"""Sets an engine up, yields it once, and clears away what it took."""
