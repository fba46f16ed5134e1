"""Facts from model folders, and one clear error for everything that is not a whole one."""

from __future__ import annotations

import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.models.safetensors_bytes import CONFIG, PLAIN, TENSORS, Shapes, entries, file, folder, packed
from tpsprofile.errors import ModelUnreadableError
from tpsprofile.models.gguf_file import FileShape
from tpsprofile.models.safetensors_file import name_of, open_folder
from tpsprofile.records import ModelFacts


def facts(path: Path) -> ModelFacts:
    return open_folder(path).facts()


def told(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}


def test_facts_of_a_whole_folder(tmp_path: Path) -> None:
    path = folder(tmp_path / "Tiny-4bit")
    data = (path / "model.safetensors").read_bytes()
    assert facts(path) == ModelFacts(
        name="Tiny-4bit",
        parameters=32 * 128 + 128,
        parameters_active=32 * 128 + 128,
        quantisation="4bit",
        file_bytes=len(data),
        digest=f"sha256:{hashlib.sha256(data).hexdigest()}",
        architecture="llama",
        format="safetensors",
        longest_context=4096,
    )
    assert open_folder(path).shape() == FileShape(
        width=128, feed_forward=256, vocab_size=32, kv_values_per_token=2 * 2 * 2 * 32
    )


BIG = 4096
U8_SCALES = packed("model.a", BIG, 128, group=32, scales="U8")


@pytest.mark.parametrize(
    ("tensors", "config", "name"),
    [
        (packed("model.a", BIG, 128, bits=8), told(), "8bit"),
        (packed("model.a", BIG, 128, bits=3), told(), "3bit"),
        (packed("model.a", BIG, 128, bits=6), told(), "6bit"),
        (packed("model.a", BIG, 128, group=32), told(quantization={"group_size": 32}), "4bit-g32"),
        (U8_SCALES, told(quantization={"group_size": 32, "bits": 4, "mode": "mxfp4"}), "MXFP4"),
        ({"model.a.weight": ("F16", (BIG, 128))}, told(quantization=None), "F16"),
        ({"model.a.weight": ("BF16", (BIG, 128))}, told(quantization=None), "BF16"),
        (
            {"model.a.qweight": ("I32", (BIG, 16))},
            told(quantization=None, quantization_config={"quant_method": "gptq"}),
            "GPTQ",
        ),
    ],
)
def test_the_quantisation_is_that_of_most_weights(
    tmp_path: Path, tensors: Shapes, config: dict[str, Any], name: str
) -> None:
    found = facts(folder(tmp_path / "m", {**tensors, **PLAIN}, config))
    assert found.quantisation == name
    assert found.parameters == (None if name == "GPTQ" else BIG * 128 + 128)


def test_a_matrix_may_have_a_quantisation_of_its_own(tmp_path: Path) -> None:
    own = told(
        quantization={"group_size": 64, "bits": 4, "model.a": {"group_size": 32, "bits": 8}, "model.b": False}
    )
    tensors = {**packed("model.a", BIG, 128, bits=8, group=32), **TENSORS}
    found = facts(folder(tmp_path / "m", tensors, own))
    assert found.quantisation == "8bit-g32"
    assert found.parameters == BIG * 128 + 32 * 128 + 128


def test_of_a_mixtures_experts_only_those_in_use_count_as_active(tmp_path: Path) -> None:
    experts: Shapes = {
        "model.layers.0.mlp.switch_mlp.up_proj.weight": ("U32", (8, 16, 16)),
        "model.layers.0.mlp.switch_mlp.up_proj.scales": ("BF16", (8, 16, 2)),
        "model.layers.0.mlp.switch_mlp.up_proj.biases": ("BF16", (8, 16, 2)),
    }
    config = told(num_experts=8, num_experts_per_tok=2)
    found = facts(folder(tmp_path / "m", {**experts, **TENSORS}, config))
    dense = 32 * 128 + 128
    assert (found.parameters, found.parameters_active) == (dense + 8 * 16 * 128, dense + 2 * 16 * 128)


def test_a_model_that_sees_pictures_tells_of_its_text_apart(tmp_path: Path) -> None:
    text = {key: value for key, value in CONFIG.items() if key not in {"model_type", "quantization"}}
    config = {"model_type": "llava", "quantization": CONFIG["quantization"], "text_config": text}
    model = open_folder(folder(tmp_path / "m", TENSORS, config))
    assert model.facts().longest_context == 4096
    assert model.shape() is not None


def test_numbers_that_are_none_are_unknown(tmp_path: Path) -> None:
    config = told(max_position_embeddings="many", hidden_size=-1, num_key_value_heads=True)
    model = open_folder(folder(tmp_path / "m", TENSORS, config))
    assert model.facts().longest_context is None
    assert model.shape() is None


def test_parts_are_one_model_and_all_must_be_there(tmp_path: Path) -> None:
    path = folder(tmp_path / "m")
    (path / "model.safetensors").unlink()
    for number, tensors in ((1, TENSORS), (2, packed("model.b", 32, 128))):
        (path / f"model-{number:05d}-of-00002.safetensors").write_bytes(file(entries(tensors)))
    assert facts(path).parameters == 2 * 32 * 128 + 128
    assert facts(path).file_bytes == sum(part.stat().st_size for part in path.glob("*.safetensors"))
    (path / "model-00001-of-00002.safetensors").unlink()
    with pytest.raises(ModelUnreadableError, match=r"model-00001-of-00002\.safetensors is not there"):
        open_folder(path)


def test_a_snapshot_has_the_name_of_its_repository(tmp_path: Path) -> None:
    path = tmp_path / "models--maker--Tiny-1B-4bit" / "snapshots" / "0123abcd"
    assert name_of(path) == "Tiny-1B-4bit"
    assert name_of(tmp_path / "Tiny") == "Tiny"


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadableError, match=r"has no config\.json"):
        open_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(ModelUnreadableError, match=r"has no model\.safetensors"):
        open_folder(tmp_path)
    with pytest.raises(ModelUnreadableError, match="is no folder"):
        open_folder(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("{", "no JSON object"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ("\udcff", "no JSON object"),
        ("{}", "does not say what model"),
        ('{"model_type": 1}', "does not say what model"),
    ],
)
def test_a_configuration_that_is_none(tmp_path: Path, config: str, says: str) -> None:
    path = folder(tmp_path / "m")
    (path / "config.json").write_bytes(config.encode(errors="surrogateescape"))
    with pytest.raises(ModelUnreadableError, match=says):
        open_folder(path)


def moved(name: str, **changes: Any) -> dict[str, Any]:
    header = entries(TENSORS)
    header[name] |= changes
    return header


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a safetensors file"),
        (b"GGUF\x03\0\0\0" + bytes(100), "not a safetensors file"),
        ((1000).to_bytes(8, "little") + b"{}", "middle of its header"),
        ((2).to_bytes(8, "little") + b"[]", "header does not say"),
        ((2).to_bytes(8, "little") + b"{\xff", "header does not say"),
        (
            file({"a": {"dtype": "F32", "shape": [1]} | {"data_offsets": [0, 4], "shape": "x"}}),
            "header does not say",
        ),
        (file(moved("model.norm.weight", dtype="F99")), "type 'F99'"),
        (file(moved("model.norm.weight", shape=[129])), "'model.norm.weight' does not lie where"),
        (file(moved("model.norm.weight", shape=[-1, -128])), "impossible dimensions"),
        (file(moved("model.norm.weight", data_offsets=[0, 256])), "does not lie where"),
        (file(entries(TENSORS), data_bytes=100), r"cut off: 2,\d{3} bytes"),
        (file(entries(TENSORS), data_bytes=10_000), "longer than its tensors"),
        (file({"__metadata__": {"format": 1}}), "header does not say"),
        (file({}), "no weights"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_torn_and_lying_files(tmp_path: Path, data: bytes, says: str) -> None:
    path = folder(tmp_path / "m")
    (path / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelUnreadableError, match=says):
        open_folder(path)


@pytest.mark.parametrize(
    "quantization", [None, {}, {"group_size": "64"}, {"group_size": 48}, {"group_size": 10**9}]
)
def test_a_group_that_the_tensors_do_not_bear_out(tmp_path: Path, quantization: object) -> None:
    path = folder(tmp_path / "m", TENSORS, told(quantization=quantization))
    with pytest.raises(ModelUnreadableError, match=r"does not say how the tensor 'model\.embed_tokens\.weight'"):
        facts(path)


def test_scales_without_dimensions_are_no_reason_to_crash(tmp_path: Path) -> None:
    odd: Shapes = {**TENSORS, "model.embed_tokens.scales": ("BF16", ())}
    with pytest.raises(ModelUnreadableError):
        facts(folder(tmp_path / "m", odd))


def test_random_damage_is_told_or_does_no_harm(tmp_path: Path) -> None:
    path = folder(tmp_path / "m") / "model.safetensors"
    whole = path.read_bytes()
    chance = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(whole) // 2)] = chance.randrange(256)
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        try:
            facts(path.parent)
        except ModelUnreadableError as error:
            assert len(str(error)) < 400


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = folder(tmp_path / "m")
    (path / "model.safetensors").chmod(0)
    with pytest.raises(ModelUnreadableError, match="cannot be read"):
        open_folder(path)
