"""The packaged figures: whole, with sources, and possible."""

from __future__ import annotations

from collections import Counter

import pytest

from tpsprofile.predict import estimate, model
from tpsprofile.predict.published import engine_of, figures, native, year_of


def test_every_figure_has_a_source_a_chip_and_a_rate() -> None:
    every = figures()
    assert len(every) > 2000
    assert len({one.row for one in every}) == len(every)
    for one in every:
        assert one.source and one.chip and "*" not in one.source.partition("/results/")[0].partition("/data/")[0]
        assert one.tok_s > 0 and one.bandwidth_bytes_s > 1e9
        assert one.evidence


def test_nothing_first_hand_is_above_the_roofline() -> None:
    """Tokens a second x bytes read a token is at most the memory's bandwidth."""
    above = [
        (one.row, one.chip, one.model)
        for one in figures()
        if one.weights is not None
        and one.evidence.startswith("primary")
        and one.flag is None
        and one.tok_s * one.weights.bytes_read > one.bandwidth_bytes_s
    ]
    assert above == []


def test_what_the_fit_uses_is_dense_unflagged_and_in_memory() -> None:
    used = estimate.training()
    assert len(used) > 250
    assert len({one.chip for one in used}) > 30
    assert all(one.flag is None and one.dense and (one.shallow or one.engine == model.CROWD) for one in used)
    assert not [one for one in used if one.evidence == "table-scrape" and one.engine != model.CROWD]
    assert not [
        one for one in used if one.chip.endswith("RTX 5070") and one.weights and one.weights.file_bytes > 12e9
    ]


def test_one_setting_of_a_machine_counts_once() -> None:
    cells = Counter((model.case_of(one).effects, one.model) for one in estimate.training())
    assert set(cells.values()) == {1}


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("LocalScore (llamafile/llama.cpp)", "llamafile"),
        ("Ollama", "ollama"),
        ("llama-server", "llama.cpp"),
        ("Rapid-MLX", "mlx"),
        ("mlx-vlm", "mlx-vlm"),
        ("LM_Studio", "lm studio"),
        ("sglang", "sglang"),
    ],
)
def test_one_name_for_an_engine_however_it_is_written(text: str, engine: str) -> None:
    assert engine_of(text) == engine


@pytest.mark.parametrize(
    ("chip", "backend"),
    [
        ("Apple M2 Max (38-core GPU)", "metal"),
        ("NVIDIA GeForce RTX 4090", "cuda"),
        ("AMD Radeon RX 7900 XTX", "rocm"),
        ("AMD Ryzen AI Max+ 395 (Radeon 8060S, Strix Halo)", "rocm"),
        ("Intel Arc 140V (Core Ultra 258V)", "vulkan"),
        ("DDR5-5600 dual-channel desktop", "cpu"),
        ("Raspberry Pi 5 (BCM2712, Cortex-A76)", "cpu"),
        ("LPDDR5X-8000 256-bit (Strix Halo CPU)", "cpu"),
    ],
)
def test_the_backend_that_a_chip_mostly_has(chip: str, backend: str) -> None:
    assert native(chip) == backend


@pytest.mark.parametrize(
    ("text", "year"),
    [("8e672ef (2023-11-21)", 2023.875), ("2025-03-19", 2025.208), ("b4008 (abc)", 2024.87), ("0.23.1", None)],
)
def test_a_build_tells_its_year(text: str, year: float | None) -> None:
    found = year_of(text)
    assert found == (None if year is None else pytest.approx(year, abs=0.02))


@pytest.mark.parametrize(
    ("chip", "family"),
    [
        ("Apple M2 Ultra (76-core GPU)", "Apple M2"),
        ("NVIDIA A100 SXM 80GB", "NVIDIA HBM"),
        ("NVIDIA RTX 6000 Ada", "NVIDIA Ada"),
        ("NVIDIA RTX PRO 6000 Blackwell", "NVIDIA Blackwell"),
        ("AMD Radeon Pro W7900", "AMD RDNA3"),
        ("DDR4-3200 dual-channel desktop", "other"),
    ],
)
def test_chips_of_one_generation_are_alike(chip: str, family: str) -> None:
    assert model.family_of(chip) == family
