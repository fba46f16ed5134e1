"""Machines that a user describes in a few words."""

import pytest

from tpsprofile.errors import UsageError
from tpsprofile.machine import named
from tpsprofile.records import Gpu, Machine
from tpsprofile.units import GB, GIB


@pytest.mark.parametrize(
    ("text", "chip", "gib", "gb_s"),
    [
        ("M2 Max 64GB", "Apple M2 Max", 64, 400),
        ("  apple m2 max,  64 gb ", "Apple M2 Max", 64, 400),
        ("Mac Studio M2 Ultra 192GB", "Apple M2 Ultra", 192, 800),
        ("MacBook Pro M4 Max 40-core 128 GB", "Apple M4 Max", 128, 546),
        ("M4 Max 128GB", "Apple M4 Max", 128, None),
        ("M1", "Apple M1", None, 68.25),
        ("Ryzen AI Max+ 395 128GB RAM", "AMD Ryzen AI Max+ 395", 128, 256),
        ("Ryzen 9 7950X 64GB", "Ryzen 9 7950X", 64, None),
        ("my PC", "my PC", None, None),
        ("PC", "PC", None, None),
        ("64GB", "64GB", 64, None),
    ],
)
def test_words_tell_chip_memory_and_bandwidth(text: str, chip: str, gib: int | None, gb_s: float | None) -> None:
    machine = named.described(text)
    assert machine.chip == chip
    assert machine.ram_bytes == (None if gib is None else gib * GIB)
    assert machine.bandwidth_spec_bytes_s == (None if gb_s is None else gb_s * GB)
    assert machine.label == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "ram_gib"), [("RTX 4090", None), ("RTX 4090 24GB", None), ("RTX 4090, 64 GB", 64)]
)
def test_a_card_has_memory_of_its_own(text: str, ram_gib: int | None) -> None:
    machine = named.described(text)
    assert machine.gpus == (Gpu(name="NVIDIA GeForce RTX 4090", vram_bytes=24 * GIB),)
    assert (machine.unified_memory, machine.bandwidth_spec_bytes_s) == (False, None)
    assert machine.ram_bytes == (None if ram_gib is None else ram_gib * GIB)


def test_cores_are_told_where_one_bin_is_meant() -> None:
    assert named.described("M4 Max 40-core").gpus[0].cores == 40
    assert named.described("M2 Max").gpus[0].cores is None


def test_words_for_several_chips_list_them() -> None:
    with pytest.raises(UsageError, match=r"'A100' fits several chips: NVIDIA A100 PCIe 80GB; .*Name one"):
        named.described("A100")


def test_the_same_words_are_the_same_machine_as_a_tag_is() -> None:
    assert (
        named.described("M2 Max 64GB").id == named.described(" M2 Max  64GB").id == named.named("M2 Max 64GB").id
    )
    assert named.described("M2 Max 32GB").id != named.described("M2 Max 64GB").id


def test_a_machine_from_a_file_is_the_one_that_is_called_so() -> None:
    machine = named.told(Machine(id="", chip="Apple M2 Max", ram_bytes=64 * GIB))
    assert machine.id == named.described("M2 Max 64GB").id
    assert machine.bandwidth_spec_bytes_s == 400 * GB


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Apple M2 Max 64 GB", "M2 Max 64GB"),
        ("m2 max, 64 GB RAM", "M2 Max 64GB"),
        ("AMD Ryzen 9 7950X, 64 GB", "Ryzen 9 7950X 64GB"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
    ],
)
def test_one_chip_and_memory_are_one_machine_however_they_are_written(one: str, other: str) -> None:
    assert named.named(one).id == named.named(other).id
    assert named.described(one).id == named.described(other).id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AMD box 1", "Intel box 1"),
        ("M2 Max 64GB", "M2 Max 32GB"),
        ("Mac Studio M2 Max 64GB", "MacBook Pro M2 Max 64GB"),
        ("M4 Max 32-core 36GB", "M4 Max 40-core 36GB"),
    ],
)
def test_other_words_are_another_machine(one: str, other: str) -> None:
    assert named.named(one).id != named.named(other).id
