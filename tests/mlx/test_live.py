"""What only a real mlx_lm can show, on its processor build."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.mlx import model, real
from tests.models.shapes import PHI3, QWEN2, quiet
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Finished, Request, Setup, Weights
from tpsprofile.engines.mlx.engine import Mlx
from tpsprofile.engines.mlx.session import MlxSession
from tpsprofile.errors import EngineDiedError, ModelUnreadableError
from tpsprofile.models import safetensors_twin, synthetic
from tpsprofile.models.catalogue import Shape
from tpsprofile.records import ModelFacts


def loaded(folder: Path) -> MlxSession:
    engine = Mlx(SystemClock(), Setup(server=str(real())))
    weights = Weights(facts=ModelFacts(name="m"), path=str(folder))
    return engine.load(weights, context_tokens=1024, silence_s=120)


def changed(folder: Path, **settings: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def test_it_goes_on_past_the_end_of_text_and_dies_by_name(tmp_path: Path) -> None:
    folder = model(tmp_path)
    changed(folder, eos_token_id=list(range(200, 2048)))  # all that it could say: left to itself it would end
    request = Request(prompt="7919\nOnce upon a time", tokens_out=8)
    with loaded(folder) as session:
        account = list(session.generate(request))[-1]
        assert isinstance(account, Finished)
        assert (account.tokens_out, account.stopped_by) == (8, "limit")
        psutil.Process(session.pids[0]).kill()
        with pytest.raises(EngineDiedError, match=r"mlx_lm\.server ended in the middle of the work \(signal 9"):
            list(session.generate(request))


@pytest.mark.parametrize(("shape", "quantisation"), [(QWEN2, "8bit"), (PHI3, "BF16")])
def test_twins_of_every_architecture_load_and_speak(tmp_path: Path, shape: Shape, quantisation: str) -> None:
    folder = tmp_path / "twin"
    synthetic.write(safetensors_twin.of_shape(shape, quantisation), folder, quiet)
    with loaded(folder) as session:
        *pieces, account = session.generate(Request(prompt="def main(self):", tokens_out=8))
        assert pieces
        assert isinstance(account, Finished)
        assert account.tokens_out == 8


def test_a_model_that_it_does_not_know_is_named(tmp_path: Path) -> None:
    folder = model(tmp_path)
    changed(folder, model_type="nosuch")
    with pytest.raises(ModelUnreadableError, match="Model type nosuch not supported"):
        loaded(folder)
