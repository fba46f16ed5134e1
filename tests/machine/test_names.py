"""Names of chips, features and systems."""

import pytest

from tpsprofile.machine import names, portable, windows


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Intel(R) Core(TM) i5 CPU       M 999  @ 2.53GHz", "Intel Core i5 M 999"),
        ("99th Gen Intel(R) Core(TM) i7-9960P", "Intel Core i7-9960P"),
        ("AMD EPYC 9999 64-Core Processor", "AMD EPYC 9999"),
        ("AMD EPYC 9999 64-Core Processor                ", "AMD EPYC 9999"),
        ("AMD Ryzen 7 9999X Eight-Core Processor", "AMD Ryzen 7 9999X"),
        ("AMD Ryzen Threadripper PRO 9999WX 24-Cores", "AMD Ryzen Threadripper PRO 9999WX"),
        ("AMD RYZEN AI MAX+ 999 w/ Radeon 9999S", "AMD Ryzen AI Max+ 999"),
        ("AMD Ryzen AI Max+ 999 w/ Radeon 9999S", "AMD Ryzen AI Max+ 999"),
        ("AMD Ryzen 7 9999G with Radeon Graphics", "AMD Ryzen 7 9999G"),
        ("Snapdragon(R) X Elite - X1E99999 - Qualcomm(R) Oryon(TM) CPU", "Snapdragon X Elite X1E99999"),
        ("Apple M9 Max (Virtual)", "Apple M9 Max"),
        ("Apple processor", None),
        ("VirtualApple @ 2.50GHz processor", None),
        ("ARMv8 Processor rev 1 (v8l)", None),
        ("ARMv6-compatible processor rev 7 (v6l)", None),
        ("GB10 Unknown CPU @ 3.9GHz", None),
        ("0x00", None),
        ("-", None),
        ("Unknown", None),
        ("", None),
        (None, None),
    ],
)
def test_chip(said: str | None, name: str | None) -> None:
    assert names.chip(said) == name


def test_features_have_one_name_each() -> None:
    assert names.vector_features(["asimd", "neon", "ASIMDDP", "FEAT_DotProd", "sme", "ssse3"]) == (
        "dotprod",
        "neon",
        "sme",
    )
    assert names.vector_features(["sme", "avx2", "AVX1.0"]) == ("avx", "avx2")


@pytest.mark.parametrize(
    ("said", "name"), [("AMD64", "x86_64"), ("aarch64", "arm64"), ("riscv64", "riscv64"), ("", None)]
)
def test_architecture(said: str, name: str | None) -> None:
    assert names.architecture(said) == name


@pytest.mark.parametrize(
    ("system", "release", "name"),
    [
        ("Linux", "6.8.0-71-generic", "Linux 6.8.0"),
        ("Linux", "5.15.133.1-microsoft-standard-WSL2", "Linux 5.15.133.1"),
        ("Plan9", "", "Plan9"),
        ("", "", None),
    ],
)
def test_os_name(system: str, release: str, name: str | None) -> None:
    assert portable.os_name(system, release) == name


def test_cpuinfo_of_apple_silicon_has_no_flags() -> None:
    info = {"arch": "ARM_8", "bits": 64, "count": 8, "brand_raw": "Apple M9"}
    assert portable.brand(info) == "Apple M9"
    assert portable.features(info) == ()
    assert portable.brand({}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GUID des Energieschemas: 381b4222-f694-41f0-9685-ff5bb260df2e  (Ausbalanciert)", "automatic"),
        ("Power Scheme GUID: 8C5E7FDA-e8bf-4a96-9a85-a6e23a8c635c  (High performance)", "high"),
        ("Power Scheme GUID: a1841308-3541-4fab-bc81-f71556f20b4a  (Power saver)", "low"),
        ("Power Scheme GUID: 12345678-1111-2222-3333-444444444444  (Mine)", None),
        ("", None),
    ],
)
def test_power_plans_are_told_by_number_in_any_language(text: str, expected: str | None) -> None:
    assert windows.parse_power_plan(text) == expected
