"""The catalogue of chips: every row has a source, and a name means one chip or is asked about."""

from __future__ import annotations

import pytest

from tpsprofile import chips
from tpsprofile.chips import Chip
from tpsprofile.errors import UsageError
from tpsprofile.units import GIB

EVERY = pytest.mark.parametrize("chip", chips.catalogue(), ids=lambda chip: chip.name)


@EVERY
def test_a_row_has_a_source_and_no_unknown_as_zero(chip: Chip) -> None:
    assert chip.source.strip()
    assert chip.bandwidth_bytes_s is None or 10e9 < chip.bandwidth_bytes_s < 10e12
    assert chip.most_memory_bytes is None or chip.most_memory_bytes >= 5 * GIB
    assert chip.fp16_tflops is None or chip.fp16_tflops > 0
    assert chip.year is None or 2017 < chip.year < 2100


@EVERY
def test_a_bandwidth_left_blank_says_why(chip: Chip) -> None:
    assert chip.bandwidth_bytes_s is not None or "left blank" in (chip.note or "")


@EVERY
def test_a_whole_name_means_that_chip(chip: Chip) -> None:
    assert chips.one(chip.name) == chip
    assert chips.one(f"  {chip.name.upper()} ") == chip


def test_names_are_not_given_twice() -> None:
    names = [chip.name for chip in chips.catalogue()]
    assert len(names) == len(set(names)) >= 100


def test_units_are_base_units() -> None:
    chip = chips.one("Apple M4 Max (40-core GPU)")
    assert chip.bandwidth_bytes_s == 546e9
    assert chip.most_memory_bytes == 128 * GIB
    assert (chip.year, chip.gpu_cores, chip.vendor, chip.family) == (2024, 40, "Apple", "Apple M4 Max")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("M4 Max", ["Apple M4 Max (32-core GPU)", "Apple M4 Max (40-core GPU)"]),
        ("M4", ["Apple M4 (8-core GPU)", "Apple M4 (10-core GPU)"]),
        ("max m4", ["Apple M4 Max (32-core GPU)", "Apple M4 Max (40-core GPU)"]),
        ("M4 Max 40-core", ["Apple M4 Max (40-core GPU)"]),
        ("m4 max (40-core gpu)", ["Apple M4 Max (40-core GPU)"]),
        ("40 cores M4 Max", ["Apple M4 Max (40-core GPU)"]),
        ("m4max", ["Apple M4 Max (32-core GPU)", "Apple M4 Max (40-core GPU)"]),
        ("4090", ["NVIDIA GeForce RTX 4090"]),
        ("RTX4090", ["NVIDIA GeForce RTX 4090"]),
        ("4090 laptop", []),
        ("RTX 4070", ["NVIDIA GeForce RTX 4070"]),
        ("RTX 4070 Ti", ["NVIDIA GeForce RTX 4070 Ti"]),
        ("3060", ["NVIDIA GeForce RTX 3060 12GB"]),
        ("3060 12 GB", ["NVIDIA GeForce RTX 3060 12GB"]),
        ("7900", ["AMD Radeon RX 7900 XTX", "AMD Radeon RX 7900 XT"]),
        ("orin nano", ["NVIDIA Jetson Orin Nano 8GB Super", "NVIDIA Jetson Orin Nano 8GB (pre-Super)"]),
        ("DGX Spark", ["NVIDIA GB10 (DGX Spark)"]),
        ("strix halo", ["AMD Ryzen AI Max+ 395 (Radeon 8060S, Strix Halo)"]),
        ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", ["AMD Ryzen AI Max+ 395 (Radeon 8060S, Strix Halo)"]),
        ("M3 Max 128 GB", ["Apple M3 Max (40-core GPU)"]),
        ("3090 24GB", ["NVIDIA GeForce RTX 3090"]),
        ("3090 48GB", []),
        ("", []),
    ],
)
def test_a_name_finds_what_it_may_mean(text: str, names: list[str]) -> None:
    assert [chip.name for chip in chips.find(text)] == names


def test_the_name_of_a_series_alone_finds_all_of_it() -> None:
    assert len(chips.find("Apple")) == sum(chip.vendor == "Apple" for chip in chips.catalogue())


@pytest.mark.parametrize(
    ("text", "name"),
    [("M1 Max", "Apple M1 Max (32-core GPU)"), ("M4", "Apple M4 (10-core GPU)")],
)
def test_bins_of_one_bandwidth_are_not_asked_about(text: str, name: str) -> None:
    assert chips.one(text).name == name


def test_bins_of_different_bandwidth_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        chips.one("M4 Max")
    assert str(caught.value) == (
        "Apple M4 Max is sold as: Apple M4 Max (32-core GPU), 410 GB/s; "
        "Apple M4 Max (40-core GPU), 546 GB/s. Name one."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7900", "'7900' fits several chips: AMD Radeon RX 7900 XTX, 960 GB/s; AMD Radeon RX 7900 XT, 800 GB/s."),
        ("ddr5 5600", "fits several chips"),
        ("A100", "NVIDIA A100 PCIe 80GB, bandwidth unknown;"),
        ("Apple", "; and 25 more. Name one."),
        ("4090 laptop", "There is no chip '4090 laptop' in the catalogue. Near it: NVIDIA GeForce RTX 4090."),
        ("M3 Max 14-core", "Near it: Apple M3 Max, "),
        ("M6 Max", "Near it: Apple M5 Max"),
        ("abacus", "Names are like"),
        ("", "There is no chip ''"),
    ],
)
def test_a_name_that_is_not_one_chip_says_what_there_is(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        chips.one(text)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2
