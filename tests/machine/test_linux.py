"""Parsers of what Linux keeps in /proc and /sys, against small invented files of the same shape."""

from pathlib import Path

import pytest

from tpsprofile.machine import arm, linux
from tpsprofile.machine.facts import Facts
from tpsprofile.records import Gpu
from tpsprofile.trust import LOW_MODES

FIXTURES = Path(__file__).parent / "fixtures"


def blocks(name: str) -> list[dict[str, str]]:
    return linux.parse_cpuinfo((FIXTURES / name).read_text())


ARM = "cpuinfo_two_kinds_of_arm.txt"
X86 = "cpuinfo_virtual_x86.txt"


def test_two_kinds_of_arm_cores_in_order_of_speed() -> None:
    groups = linux.core_groups(blocks(ARM), {0: 700, 1: 700, 2: 1024})
    assert [(g.name, g.count) for g in groups] == [("Cortex-X925", 1), ("Cortex-A725", 2)]


def test_without_speeds_cores_stay_in_the_order_of_the_file() -> None:
    assert [g.name for g in linux.core_groups(blocks(ARM))] == ["Cortex-A725", "Cortex-X925"]


def test_features_are_those_of_every_core() -> None:
    assert linux.features(blocks(ARM)) == ("dotprod", "fp16", "neon")


def test_an_x86_flag_for_encrypted_memory_is_no_matrix_extension() -> None:
    assert linux.features(blocks(X86)) == ("avx", "avx2", "f16c", "fma")


def test_an_arm_chip_is_named_by_tree_then_gpu_then_cores() -> None:
    found = blocks(ARM)
    gb = (Gpu(name="NVIDIA GB10"),)
    assert linux.chip_name(found, "raspberrypi,5-model-b\nbrcm,bcm2712", ()) == "Broadcom BCM2712"
    assert linux.chip_name(found, "", gb) == "NVIDIA GB10"
    assert linux.chip_name(found, "", ()) == "Cortex-A725 + Cortex-X925"


def test_a_revision_is_no_name() -> None:
    text = "processor : 0\nmodel name : ARMv8 Processor rev 1 (v8l)\nCPU implementer : 0x41\nCPU part : 0xd42\n"
    assert linux.chip_name(linux.parse_cpuinfo(text), "", ()) == "Cortex-A78AE"
    assert linux.chip_name(linux.parse_cpuinfo(text), "nvidia,p3737\nnvidia,tegra234", ()) == "NVIDIA Orin"


def test_a_core_nobody_named_keeps_its_numbers() -> None:
    assert arm.core(0x99, 0x123) == "ARM 0x99:0x123"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nModel Name : Invented-3A\n\nprocessor : 1\nModel Name : Invented-3A\n", "Invented-3A"),
        ("processor : 0\ncpu : POWER99, altivec supported\nclock : 1MHz\n", "POWER99"),
        ("processor : 0\nhart : 1\nuarch : maker,u99\n", "maker,u99"),
    ],
)
def test_other_architectures_use_other_keys(text: str, expected: str) -> None:
    assert linux.chip_name(linux.parse_cpuinfo(text), "", ()) == expected


def test_one_line_a_processor() -> None:
    text = "vendor_id : IBM/S390\n# processors : 2\nprocessor 0: version = FF\nprocessor 1: version = FF\n"
    assert len(linux.parse_cpuinfo(text)) == 2


def test_an_empty_file_is_one_unknown_processor() -> None:
    found = linux.parse_cpuinfo("")
    assert linux.chip_name(found, "", ()) is None
    assert linux.features(found) == ()
    assert linux.is_virtual(found, {}, device_tree=False) is None


def test_hybrid_cores_are_counted_without_their_threads() -> None:
    siblings = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3", 4: "4", 5: "5", 6: "6"}
    groups = linux.hybrid_groups({"Performance": range(4), "Efficiency": (4, 5, 6), "Low power": ()}, siblings)
    assert [(g.name, g.count) for g in groups] == [("Performance", 2), ("Efficiency", 3)]


def test_all_cores_alike_are_no_groups() -> None:
    assert linux.core_groups(blocks(X86)) == ()
    assert linux.hybrid_groups({"Performance": (), "Efficiency": ()}, {}) == ()


# ------------------------------------------------------------------------------------------ what it runs in


def test_the_hypervisor_flag() -> None:
    assert linux.is_virtual(blocks(X86), {}, device_tree=False) is True


@pytest.mark.parametrize(
    ("board", "tree", "expected"),
    [
        ({"sys_vendor": "QEMU", "product_name": "KVM Virtual Machine"}, False, True),
        ({"sys_vendor": "Amazon EC2", "product_name": "m9g.large"}, False, True),
        ({"sys_vendor": "Amazon EC2", "product_name": "m9g.metal"}, False, False),
        ({"sys_vendor": "Invented Inc.", "product_name": "Desk 1"}, False, False),
        ({}, True, False),
        ({}, False, None),
    ],
)
def test_an_arm_machine_is_virtual_by_its_maker(board: dict[str, str], tree: bool, expected: bool | None) -> None:
    assert linux.is_virtual(blocks(ARM), board, device_tree=tree) is expected


def test_wsl_is_told_by_its_kernel_and_not_by_the_hypervisor() -> None:
    assert linux.is_wsl2("Linux version 9.9.1-microsoft-standard-WSL2 (root@x) (gcc) #1 SMP")
    assert not linux.is_wsl2("Linux version 4.4.0-19041-Microsoft (x@microsoft.com) (gcc) #1")  # version 1
    assert not linux.is_wsl2("Linux version 9.9.0-azure (buildd@x) (gcc) #1 SMP")


@pytest.mark.parametrize(
    ("tree", "board", "expected"),
    [
        ("Raspberry Pi 9 Model B Rev 1.0\n", {}, "Raspberry Pi 9 Model B Rev 1.0"),
        ("", {"sys_vendor": "Invented Inc.", "product_name": "Desk 1"}, "Invented Desk 1"),
        ("", {"sys_vendor": "Invented", "product_name": "INVENTED Desk 1"}, "INVENTED Desk 1"),
        ("", {"sys_vendor": "x", "product_name": "To Be Filled By O.E.M."}, None),
        ("", {"sys_vendor": "x", "product_name": "System Product Name"}, None),
        ("", {}, None),
    ],
)
def test_model_name(tree: str, board: dict[str, str], expected: str | None) -> None:
    assert linux.model_name(tree, board) == expected


def test_a_container_may_use_less_than_the_host_has() -> None:
    host = Facts(cores_physical=96, cores_logical=192, ram_bytes=768)
    assert linux.limited(host, 4, 32) == Facts(cores_physical=4, cores_logical=4, ram_bytes=32)
    assert linux.limited(host, None, None) == host
    assert linux.limited(host, 500, 9999) == host


# ---------------------------------------------------------------------------------------------------- power


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ([{"type": "Mains", "online": "0"}, {"type": "Battery", "status": "Discharging"}], "battery"),
        ([{"type": "Mains", "online": "1"}, {"type": "Battery", "status": "Not charging"}], "mains"),
        ([{"type": "USB", "online": "1"}, {"type": "Battery", "status": "Charging"}], "mains"),
        ([{"type": "Battery", "status": "Discharging"}], "battery"),
        ([{"type": "Battery", "status": "Discharging", "scope": "Device"}], None),  # a mouse
        ([{"type": "Battery", "status": "Unknown"}], None),
        ([], None),
    ],
)
def test_power_source(supplies: list[dict[str, str]], expected: str | None) -> None:
    assert linux.power_source(supplies) == expected


@pytest.mark.parametrize(
    ("profile", "governor", "driver", "preference", "expected"),
    [
        ("low-power", "powersave", "intel_pstate", "balance_power", "low-power"),
        ("quiet", "schedutil", "acpi-cpufreq", "", "quiet"),
        ("cool", "", "", "", "cool"),
        ("balanced", "powersave", "intel_pstate", "balance_performance", "balanced"),
        ("balanced", "powersave", "amd-pstate-epp", "power", "low"),
        ("", "powersave", "intel_pstate", "balance_performance", "powersave"),
        ("", "powersave", "intel_pstate", "", "powersave"),
        ("", "powersave", "amd-pstate-epp", "balance_power", "powersave"),
        ("", "powersave", "intel_pstate", "power", "low"),
        ("", "performance", "intel_pstate", "power", "performance"),
        ("", "powersave", "acpi-cpufreq", "", "low"),
        ("", "powersave", "intel_cpufreq", "", "low"),
        ("", "powersave", "", "", "powersave"),
        ("", "schedutil", "intel_cpufreq", "", "schedutil"),
        ("", "", "", "", None),
    ],
)
def test_a_mode_that_saves_energy_is_told_from_a_governor_of_that_name(
    profile: str, governor: str, driver: str, preference: str, expected: str | None
) -> None:
    mode = linux.power_mode(profile, governor, driver, preference)
    assert mode == expected
    assert (mode in LOW_MODES) == (mode in {"low", "low-power", "quiet", "cool"})
