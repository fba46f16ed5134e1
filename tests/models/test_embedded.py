"""Twins in the engine they are made for: each architecture loads, tokenises and generates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.shapes import LLAMA, PHI3, QWEN2, like, quiet
from tpsprofile import prompts
from tpsprofile.engines import registry
from tpsprofile.engines.base import Finished, Request, Token, Weights
from tpsprofile.models import synthetic
from tpsprofile.models.catalogue import Shape
from tpsprofile.models.recipes import Recipe, of_shape, twin_of

pytest.importorskip("xllamacpp")


def run(recipe: Recipe, folder: Path, prompt: str) -> tuple[str, Finished]:
    path = synthetic.prepare(recipe, folder, keep=False, progress=quiet)
    engine = registry.create("llama.cpp")
    weights = Weights(facts=recipe.facts(), path=str(path))
    with engine.load(weights, context_tokens=512, silence_s=120) as session:
        *tokens, account = session.generate(Request(prompt=prompt, tokens_out=12))
    assert isinstance(account, Finished)
    return "".join(token.text for token in tokens if isinstance(token, Token)), account


@pytest.mark.parametrize(
    ("shape", "quantisation"),
    [
        (LLAMA, "Q4_K_M"),
        (QWEN2, "Q4_0"),
        (QWEN2, "Q8_0"),
        (PHI3, "Q4_K_M"),
        (like(LLAMA, name="narrow", width=192, heads=3, kv_heads=1, tied=True), "Q4_K_M"),
        (like(LLAMA, name="wide-heads", heads=2, kv_heads=1, head_dim=128), "Q4_1"),
    ],
)
def test_every_architecture_loads_and_generates_text_that_can_be_shown(
    tmp_path: Path, shape: Shape, quantisation: str
) -> None:
    text, account = run(of_shape(shape, quantisation), tmp_path, "7919\nWrite Python code")
    assert account.tokens_out == 12
    assert account.stopped_by == "limit"
    assert len(text) >= 12
    assert text.isascii()
    assert text.replace("\n", "").isprintable()


def test_the_fixed_prompt_is_about_as_many_tokens_as_a_real_tokenizer_makes(tmp_path: Path) -> None:
    # SmolLM2's own tokenizer, of 49,152 tokens, makes 74 of trial 3's prompt; larger ones make a few less.
    shape = like(LLAMA, vocab_size=32_000)
    _, account = run(of_shape(shape), tmp_path, prompts.text("csvs-to-sqlite", 3))
    assert account.tokens_in == pytest.approx(74, rel=0.2)


def test_the_twin_of_a_file_loads_too(tmp_path: Path) -> None:
    real = synthetic.prepare(of_shape(QWEN2), tmp_path / "real", keep=False, progress=quiet)
    _, account = run(twin_of(real), tmp_path / "twin", "def")
    assert account.tokens_out == 12
