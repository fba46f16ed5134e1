"""Facts from GGUF files, and one clear error for everything that is not a whole one."""

from __future__ import annotations

import hashlib
import os
import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.models.gguf_bytes import F32, LLAMA, Q8_0, TENSORS, Value, gguf
from tests.models.shapes import QWEN2, quiet
from tpsprofile.errors import ModelUnreadableError
from tpsprofile.models import digest, synthetic
from tpsprofile.models.gguf_file import FileShape, open_model, read_facts, read_shape
from tpsprofile.models.gguf_header import Items, read_header
from tpsprofile.models.recipes import of_shape


def write(folder: Path, data: bytes, name: str = "model.gguf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def changed(**changes: Value) -> dict[str, Value]:
    return LLAMA | {key.replace("__", "."): value for key, value in changes.items()}


def test_facts_of_a_whole_file(tmp_path: Path) -> None:
    data = gguf(LLAMA, TENSORS)
    facts = read_facts(write(tmp_path, data))
    assert facts.name == "model"
    assert facts.parameters == facts.parameters_active == 256 * 3 + 256 + 256 * 8
    assert facts.quantisation == "Q4_K_M"
    assert facts.file_bytes == len(data)
    assert facts.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert (facts.architecture, facts.format, facts.synthetic) == ("llama", "gguf", False)


def test_the_files_own_count_of_parameters_is_believed(tmp_path: Path) -> None:
    path = write(tmp_path, gguf(changed(general__parameter_count=12345), TENSORS))
    assert read_facts(path).parameters == 12345


def test_quantisation_comes_from_the_tensors_where_the_file_does_not_say(tmp_path: Path) -> None:
    unsaid = {key: value for key, value in LLAMA.items() if key != "general.file_type"}
    assert read_facts(write(tmp_path, gguf(unsaid, TENSORS))).quantisation == "Q8_0"
    assert read_facts(write(tmp_path, gguf(changed(general__file_type=999), TENSORS))).quantisation == "Q8_0"
    assert read_facts(write(tmp_path, gguf(changed(general__file_type=0), TENSORS))).quantisation == "F32"


def test_of_a_mixtures_experts_only_those_in_use_count_as_active(tmp_path: Path) -> None:
    experts = {"blk.0.ffn_up_exps.weight": ((256, 4, 8), Q8_0, 256 * 4 * 8 // 32 * 34)}
    entries = changed(llama__expert_count=8, llama__expert_used_count=2)
    facts = read_facts(write(tmp_path, gguf(entries, TENSORS | experts)))
    dense = 256 * 3 + 256 + 256 * 8
    assert facts.parameters == dense + 256 * 4 * 8
    assert facts.parameters_active == dense + 256 * 4 * 2


def test_shape_for_the_memory_formula(tmp_path: Path) -> None:
    expected = FileShape(width=256, feed_forward=1024, vocab_size=3, kv_values_per_token=4 * 2 * (32 + 32))
    assert read_shape(write(tmp_path, gguf(LLAMA, TENSORS))) == expected


def test_heads_may_differ_by_layer_and_in_length(tmp_path: Path) -> None:
    entries = changed(
        llama__attention__head_count_kv=[2, 0, 2, 1],
        llama__attention__key_length=64,
        llama__attention__value_length=16,
        llama__feed_forward_length=[1024, 2048, 512, 1024],
    )
    shape = read_shape(write(tmp_path, gguf(entries, TENSORS)))
    assert shape is not None
    assert shape.kv_values_per_token == 5 * (64 + 16)
    assert shape.feed_forward == 2048


def test_unknown_dimensions_are_unknown(tmp_path: Path) -> None:
    unsaid = {key: value for key, value in LLAMA.items() if key != "llama.attention.head_count"}
    del unsaid["llama.attention.head_count_kv"]
    assert read_shape(write(tmp_path, gguf(unsaid, TENSORS))) is None


def test_long_lists_are_counted_and_short_ones_kept(tmp_path: Path) -> None:
    entries = changed(tokenizer__ggml__tokens=[str(number) for number in range(2000)])
    header = read_header(write(tmp_path, gguf(entries, TENSORS)))
    assert header.get("tokenizer.ggml.tokens") == Items(kind=8, count=2000, values=None)
    short = read_header(write(tmp_path, gguf(LLAMA, TENSORS))).get("tokenizer.ggml.tokens")
    assert short == Items(kind=8, count=3, values=(b"a", b"b", b"c"))


def test_a_file_cut_off_anywhere_is_unreadable(tmp_path: Path) -> None:
    data = gguf(LLAMA, TENSORS)
    for length in [*range(0, 800, 3), *range(800, len(data), 97), len(data) - 1]:
        with pytest.raises(ModelUnreadableError):
            read_facts(write(tmp_path, data[:length]))
    read_facts(write(tmp_path, data))


def test_a_file_of_the_real_writer_cut_off_anywhere_is_unreadable(tmp_path: Path) -> None:
    path = synthetic.prepare(of_shape(QWEN2), tmp_path, keep=False, progress=quiet)
    whole = path.stat().st_size
    open_model(path)
    for length in sorted(random.Random(0).sample(range(whole), 60), reverse=True):
        os.truncate(path, length)
        with pytest.raises(ModelUnreadableError):
            open_model(path)


def test_a_mangled_file_is_read_or_unreadable_and_nothing_else(tmp_path: Path) -> None:
    data = gguf(LLAMA, TENSORS)
    chance = random.Random(0)
    refused = 0
    for _ in range(500):
        bad = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(700)
            bad[at : at + 8] = chance.choice(
                [b"\xff" * 8, bytes(8), struct.pack("<Q", 2**63), chance.randbytes(8), chance.randbytes(1)]
            )
        path = write(tmp_path, bytes(bad))
        try:
            open_model(path).shape()
            open_model(path).facts()
        except ModelUnreadableError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 250


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 a zip file", "not a GGUF file"),
        (b"ggml", "not a GGUF file"),
        (b"GGUF", "ends in the middle"),
        (gguf(LLAMA, TENSORS, version=1), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "big-endian"),
        (gguf(LLAMA, {}), "has no model in it"),
        (gguf({}, TENSORS), "has no model in it"),
        (gguf(LLAMA, {"x": ((256,), 200, 4)}), "tensors of type 200"),
        (gguf(LLAMA, {"x": ((100, 2), Q8_0, 0)}), "impossible dimensions"),
        (gguf(LLAMA, {"x": ((32, 0), Q8_0, 0)}), "impossible dimensions"),
        (gguf(LLAMA, {"x": ((), F32, 0)}), "has 0 dimensions"),
        (gguf(LLAMA, {"x": ((1, 1, 1, 1, 1), F32, 4)}), "has 5 dimensions"),
        (gguf(LLAMA | {"general.alignment": 0}, TENSORS), "alignment is not a size"),
        (gguf(LLAMA | {"general.alignment": "x"}, TENSORS), "alignment is not a size"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63), "ends in the middle"),
        (gguf(LLAMA, TENSORS)[:-1], "1 bytes of its weights are missing"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(ModelUnreadableError, match=what) as caught:
        read_facts(write(tmp_path, data))
    assert caught.value.advice
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelUnreadableError, match="cannot be read"):
            read_facts(path)


def split(folder: Path, number: int, tensors: dict[str, tuple[tuple[int, ...], int, int]]) -> Path:
    entries: dict[str, Value] = (LLAMA if number == 1 else {}) | {"split.no": number - 1, "split.count": 2}
    return write(folder, gguf(entries, tensors), f"big-{number:05d}-of-00002.gguf")


def test_a_model_in_parts_is_read_whole(tmp_path: Path) -> None:
    first, second = split(tmp_path, 1, TENSORS), split(tmp_path, 2, {"rest": ((64, 2), F32, 512)})
    facts = read_facts(first)
    both = first.read_bytes() + second.read_bytes()
    assert facts.name == "big"
    assert facts.parameters == 256 * 12 + 128
    assert facts.file_bytes == len(both)
    assert facts.digest == f"sha256:{hashlib.sha256(both).hexdigest()}"


def test_a_part_that_is_missing_or_not_the_first_is_named(tmp_path: Path) -> None:
    first = split(tmp_path, 1, TENSORS)
    with pytest.raises(ModelUnreadableError, match=r"big-00002-of-00002\.gguf is not beside it"):
        read_facts(first)
    second = write(tmp_path, gguf(LLAMA | {"split.no": 1, "split.count": 2}, TENSORS), "big-00002-of-00002.gguf")
    with pytest.raises(ModelUnreadableError, match=r"not the first part.*Name big-00001-of-00002\.gguf"):
        read_facts(second)
    first.rename(tmp_path / "renamed.gguf")
    with pytest.raises(ModelUnreadableError, match="its name does not tell which"):
        read_facts(tmp_path / "renamed.gguf")


def test_the_digest_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = write(tmp_path, gguf(LLAMA, TENSORS)), tmp_path / "cache"
    hashed: list[Sequence[Path]] = []
    real = digest._hash

    def counted(paths: Sequence[Path]) -> str:
        hashed.append(paths)
        return real(paths)

    monkeypatch.setattr(digest, "_hash", counted)
    first = read_facts(path, cache).digest
    assert read_facts(path, cache).digest == first
    assert len(hashed) == 1
    os.utime(path, ns=(1, 1))
    assert read_facts(path, cache).digest == first
    assert len(hashed) == 2


def test_a_damaged_or_closed_cache_costs_time_only(tmp_path: Path) -> None:
    path, cache = write(tmp_path, gguf(LLAMA, TENSORS)), tmp_path / "cache"
    known = read_facts(path).digest
    cache.mkdir()
    (cache / "digests.json").write_text("{not json")
    assert read_facts(path, cache).digest == known
    blocked = write(tmp_path, b"a file, no folder", "blocked")
    assert read_facts(path, blocked).digest == known
