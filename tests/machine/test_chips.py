"""Specified memory bandwidth: only where the chip's name, and for some its GPU cores, leaves no doubt."""

import pytest

from tpsprofile.machine import names
from tpsprofile.machine.chips import specified_bandwidth


@pytest.mark.parametrize(
    ("chip", "gpu_cores", "gb_s"),
    [
        ("Apple M1", 7, 68.25),
        ("Apple M1", None, 68.25),
        ("Apple M2 Pro", 19, 200),
        ("Apple M3 Pro", 14, 150),
        ("Apple M3 Max", 30, 300),
        ("Apple M3 Max", 40, 400),
        ("Apple M3 Ultra", 80, 819),
        ("Apple M4 Max", 32, 410),
        ("Apple M4 Max", 40, 546),
        ("Apple M5", 10, 153.6),
        ("Apple M5 Max", 32, 460),
        ("Apple M5 Max", 40, 614),
        ("NVIDIA GB10", None, 273),
        ("Broadcom BCM2712", None, 17.1),
    ],
)
def test_chips_of_the_table(chip: str, gpu_cores: int | None, gb_s: float) -> None:
    assert specified_bandwidth(chip, gpu_cores) == pytest.approx(gb_s * 1e9)


@pytest.mark.parametrize(
    ("chip", "gpu_cores"),
    [
        ("Apple M4 Max", None),
        ("Apple M4 Max", 36),
        ("Apple M9 Max", 40),
        ("Apple silicon", 10),
        ("NVIDIA Orin", None),
        ("NVIDIA GeForce RTX 4090", None),
        ("AMD Radeon RX 7900 XTX", None),
        ("DDR5-5600 dual-channel desktop", None),
        ("Raspberry Pi 5", None),
        ("Intel Core i7-8650U", None),
        ("AMD EPYC 7763", None),
        ("", None),
    ],
)
def test_any_other_is_unknown(chip: str, gpu_cores: int | None) -> None:
    assert specified_bandwidth(chip, gpu_cores) is None


@pytest.mark.parametrize(
    "brand",
    [
        "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S",
        "AMD Ryzen AI Max+ 395",
        "AMD RYZEN AI MAX+ PRO 395 w/ Radeon 8060S",
    ],
)
def test_a_chip_is_found_however_its_system_spells_it(brand: str) -> None:
    assert specified_bandwidth(names.chip(brand) or "") == 256e9
