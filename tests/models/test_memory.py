"""What a model needs, against figures that llama.cpp prints."""

from __future__ import annotations

import pytest

from tpsprofile.models.catalogue import find
from tpsprofile.models.memory import Need, fits, needed

MIB = 1024**2


@pytest.mark.parametrize(
    ("name", "context", "kv_mib"),
    # "KV buffer size" of llama.cpp build 11549.
    [("llama3.2:1b", 16384, 512), ("qwen2.5:0.5b", 16384, 192), ("llama3.2:1b", 4096, 128)],
)
def test_kv_cache_is_what_llama_cpp_reserves(name: str, context: int, kv_mib: int) -> None:
    assert needed(find(name), 0, context).kv_bytes == kv_mib * MIB


@pytest.mark.parametrize(
    ("name", "compute_mib"),
    # "compute buffer size" of llama.cpp build 11549 at 16,384 tokens of context.
    [("llama3.2:1b", 84.02), ("qwen2.5:0.5b", 53.27)],
)
def test_compute_buffer_is_what_llama_cpp_reserves(name: str, compute_mib: float) -> None:
    assert needed(find(name), 0, 16384).compute_bytes / MIB == pytest.approx(compute_mib, abs=0.1)


@pytest.mark.parametrize(
    ("name", "file_bytes", "rss_mib"),
    # Peak resident set of the embedded server at 4,096 tokens after a prompt of three micro-batches.
    [("smollm2:135m", 98_362_432, 270), ("qwen2.5:0.5b", 394_974_528, 571), ("llama3.2:1b", 1_315_884_832, 1527)],
)
def test_the_total_is_near_what_was_resident(name: str, file_bytes: int, rss_mib: int) -> None:
    assert needed(find(name), file_bytes, 4096).total / MIB == pytest.approx(rss_mib, rel=0.05)


def test_the_total_is_the_sum_of_its_parts() -> None:
    need = Need(weights_bytes=1, kv_bytes=20, compute_bytes=300, runtime_bytes=4000)
    assert need.total == 4321


def test_what_fits_just_fits() -> None:
    need = Need(weights_bytes=100, kv_bytes=0, compute_bytes=0, runtime_bytes=0)
    assert fits(need, 100)
    assert not fits(need, 99)
    assert fits(need, None)
