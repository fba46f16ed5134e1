"""Twins for MLX: exact, the same everywhere, never more than one, never half a one."""

from __future__ import annotations

import errno
import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.models.shapes import LLAMA, PHI3, QWEN2, like, quiet
from tpsprofile.errors import ProfileError, UsageError
from tpsprofile.models import recipes, safetensors_twin, synthetic
from tpsprofile.models.catalogue import SHAPES, Shape, find
from tpsprofile.models.safetensors_file import open_folder
from tpsprofile.models.safetensors_header import read_header
from tpsprofile.models.safetensors_twin import FolderRecipe, of_shape

TINY = of_shape(LLAMA)


def made(recipe: FolderRecipe, folder: Path, *, keep: bool = False) -> Path:
    return synthetic.prepare(recipe, folder, keep=keep, progress=quiet)


def twins(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / synthetic.FOLDER).iterdir())


def stored(path: Path) -> dict[str, bytes]:
    data = (path / "model.safetensors").read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = read_header(path / "model.safetensors").tensors
    return {name: data[start + one.data_offsets[0] : start + one.data_offsets[1]] for name, one in tensors.items()}


def floats(data: bytes) -> np.ndarray:
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


@pytest.mark.parametrize(
    "shape", [LLAMA, QWEN2, PHI3, like(LLAMA, width=160, heads=5, head_dim=32)], ids=lambda one: one.name
)
@pytest.mark.parametrize("quantisation", ["4bit", "8bit", "bf16"])
def test_the_folder_has_the_size_the_facts_and_the_shape_that_were_told(
    tmp_path: Path, shape: Shape, quantisation: str
) -> None:
    recipe = of_shape(shape, quantisation)
    model = open_folder(made(recipe, tmp_path))
    assert model.file_bytes == recipe.file_bytes()
    facts = recipe.facts()
    if shape.width % 64:  # its matrices stay as they are, all but one
        assert model.facts().parameters == facts.parameters
        return
    assert model.facts(name=recipe.name) == facts
    found = model.shape()
    assert found is not None
    assert found.kv_values_per_token == shape.kv_values_per_token
    assert (found.width, found.feed_forward, found.vocab_size) == (
        shape.width,
        shape.feed_forward,
        shape.vocab_size,
    )


def test_two_writings_are_equal_and_known(tmp_path: Path) -> None:
    sums = []
    for name in ("one", "other"):
        path = made(TINY, tmp_path / name)
        files = b"".join(file.read_bytes() for file in sorted(path.iterdir()))
        sums.append(hashlib.sha256(files).hexdigest()[:12])
    # Seen on x86-64; a change here means GENERATOR in safetensors_twin.py must be raised.
    assert sums == ["a5c3d60832d9"] * 2


def test_another_recipe_has_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {of_shape(shape, kind).digest for shape in (LLAMA, PHI3, QWEN2) for kind in ("4bit", "8bit", "BF16")}
    assert len(digests) == 9
    before = TINY.digest
    monkeypatch.setattr(safetensors_twin, "GENERATOR", safetensors_twin.GENERATOR + 1)
    assert TINY.digest != before


def test_another_quantisation_shows_in_the_name() -> None:
    assert of_shape(LLAMA).name == of_shape(LLAMA, "4BIT").name == "tiny-llama"
    assert of_shape(LLAMA, "bf16").name == "tiny-llama@BF16"
    with pytest.raises(UsageError, match=r"quantisation 'Q4_K_M'.* 4bit, 8bit, BF16|There is: 4bit, 8bit, BF16"):
        of_shape(LLAMA, "Q4_K_M")


def test_every_model_of_the_catalogue_takes_four_and_a_half_bits_a_weight() -> None:
    for shape in SHAPES:
        recipe = of_shape(shape)
        assert recipe.facts().parameters == shape.parameters
        assert 4.5 <= recipe.file_bytes() * 8 / shape.parameters < 4.53


def test_norms_are_ones_and_silent_tokens_have_no_weight(tmp_path: Path) -> None:
    for shape, table in ((LLAMA, "lm_head"), (QWEN2, "model.embed_tokens")):
        found = stored(made(of_shape(shape), tmp_path))
        assert set(floats(found["model.norm.weight"])) == {1.0}
        for helper in ("scales", "biases"):
            rows = floats(found[f"{table}.{helper}"]).reshape(shape.vocab_size, -1)
            assert not rows[:162].any()
            assert rows[162:].all()
    assert floats(found["model.layers.0.self_attn.q_proj.scales"]).all()


@pytest.mark.parametrize(("quantisation", "bits"), [("4bit", 4), ("8bit", 8)])
def test_weights_have_the_spread_of_trained_ones_and_no_lean(tmp_path: Path, quantisation: str, bits: int) -> None:
    found = stored(made(of_shape(LLAMA, quantisation), tmp_path))
    name = "model.layers.0.mlp.up_proj"
    packed = np.frombuffer(found[f"{name}.weight"], "<u4")
    numbers = np.stack([(packed >> shift) & (2**bits - 1) for shift in range(0, 32, bits)])
    scale, bias = floats(found[f"{name}.scales"])[0], floats(found[f"{name}.biases"])[0]
    weights = numbers * scale + bias
    assert abs(weights.mean()) < 3e-4
    assert 0.015 < weights.std() < 0.025


def test_no_two_matrices_are_equal(tmp_path: Path) -> None:
    found = stored(made(TINY, tmp_path))
    matrices = [data for name, data in found.items() if name.endswith("_proj.weight")]
    assert len(set(matrices)) == len(matrices)


def test_the_tokenizer_has_every_token_once_and_its_two_ends(tmp_path: Path) -> None:
    path = made(TINY, tmp_path)
    tokenizer = json.loads((path / "tokenizer.json").read_text())
    assert sorted(tokenizer["model"]["vocab"].values()) == list(range(LLAMA.vocab_size))
    assert [one["id"] for one in tokenizer["added_tokens"]] == [0, 1]
    for merge in tokenizer["model"]["merges"]:
        assert merge.replace(" ", "") in tokenizer["model"]["vocab"]
    config = json.loads((path / "config.json").read_text())
    settings = json.loads((path / "tokenizer_config.json").read_text())
    assert tokenizer["model"]["vocab"][settings["eos_token"]] == config["eos_token_id"] == 1


def test_a_new_twin_removes_the_last_one_of_either_kind(tmp_path: Path) -> None:
    gguf = recipes.of_shape(LLAMA)
    synthetic.prepare(gguf, tmp_path, keep=False, progress=quiet)
    path = made(TINY, tmp_path)
    assert twins(tmp_path) == [path.name]
    other = synthetic.prepare(gguf, tmp_path, keep=False, progress=quiet)
    assert twins(tmp_path) == [other.name]


def test_twins_stay_when_asked(tmp_path: Path) -> None:
    made(TINY, tmp_path)
    made(of_shape(PHI3), tmp_path, keep=True)
    assert len(twins(tmp_path)) == 2


def test_a_twin_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    path = made(TINY, tmp_path) / "model.safetensors"
    before = path.stat().st_mtime_ns
    assert synthetic.written(TINY, tmp_path)
    made(TINY, tmp_path)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"cut off")
    assert not synthetic.written(TINY, tmp_path)
    made(TINY, tmp_path)
    assert path.stat().st_size == TINY.file_bytes()


def test_remove(tmp_path: Path) -> None:
    path = made(TINY, tmp_path)
    synthetic.remove(TINY, tmp_path)
    synthetic.remove(TINY, tmp_path)
    assert not path.exists()


def test_what_a_broken_off_run_left_is_cleared_away(tmp_path: Path) -> None:
    path = synthetic.path_of(TINY, tmp_path)
    half = path.parent / "old.mlx.part"
    half.mkdir(parents=True)
    (half / "config.json").write_text("{}")
    made(TINY, tmp_path, keep=True)
    assert twins(tmp_path) == [path.name]


def test_progress_goes_to_all(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int | None]] = []
    synthetic.write(TINY, tmp_path / "twin", lambda *said: heard.append(said))
    done = [said[1] for said in heard]
    assert done == sorted(done)
    assert heard[-1] == ("writing the synthetic twin of tiny-llama", TINY.file_bytes(), TINY.file_bytes())


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, count: int) -> Iterator[bytes]:
        yield bytes(100)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safetensors_twin, "_cut", full)
    with pytest.raises(ProfileError, match="of disk, and"):
        made(TINY, tmp_path)
    assert twins(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tpsprofile.models import safetensors_twin, synthetic, catalogue\n"
        "recipe = safetensors_twin.of_shape(catalogue.find('smollm2:135m'), 'bf16')\n"
        "synthetic.write(recipe, Path(sys.argv[1]), lambda *said: None)\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )
    path = tmp_path / "twin"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert (
        (path / "model.safetensors").stat().st_size == of_shape(find("smollm2:135m"), "bf16").file_bytes() > 260e6
    )
    assert int(done.stdout) * 1024 < 180e6
