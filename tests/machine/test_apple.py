"""Parsers of what macOS prints, against small invented outputs of the same shape."""

import platform
from pathlib import Path

import pytest

from tpsprofile.machine import apple
from tpsprofile.records import CoreGroup
from tpsprofile.trust import LOW_MODES

FIXTURES = Path(__file__).parent / "fixtures"
MIB = 1024**2


def sysctl(name: str = "sysctl_two_levels.txt") -> dict[str, str]:
    return apple.parse_sysctl((FIXTURES / name).read_text())


def profile(name: str) -> dict[str, object]:
    return apple.parse_profile((FIXTURES / name).read_text())


def test_a_whole_mac() -> None:
    facts = apple.from_answers(sysctl(), profile("profile_native.json"))
    assert facts.chip == "Apple M9 Max"
    assert facts.model == "Mac99,1"
    assert (facts.arch, facts.os) == ("arm64", "macOS 33.1")
    assert (facts.cores_physical, facts.cores_logical) == (14, 14)
    assert facts.core_groups == (CoreGroup(name="Performance", count=10), CoreGroup(name="Efficiency", count=4))
    assert facts.ram_bytes == 36 * 1024**3
    assert facts.unified_memory is True
    assert (facts.virtual, facts.translated) == (False, False)
    assert facts.cpu_features == ("dotprod", "neon")
    assert [(gpu.name, gpu.cores, gpu.vram_bytes) for gpu in facts.gpus] == [("Apple M9 Max", 32, None)]
    assert facts.gpus[0].shared_bytes == 30000 * MIB


def test_nothing_answered() -> None:
    assert apple.from_answers({}, apple.parse_profile("")) == apple.from_answers({}, {})
    facts = apple.from_answers({}, {})
    assert facts.chip is None
    assert facts.cores_physical is None
    assert facts.gpus == ()
    assert facts.unified_memory is None
    assert facts.virtual is None


def test_sysctl_keeps_what_came_with_a_complaint() -> None:
    answers = sysctl()
    assert answers["hw.model"] == "Mac99,1"
    assert not any("oid" in name or name == "sysctl" for name in answers)


def levels(*named: tuple[str | None, int]) -> dict[str, str]:
    answers = {"hw.nperflevels": str(len(named))}
    for n, (name, count) in enumerate(named):
        answers[f"hw.perflevel{n}.physicalcpu"] = str(count)
        if name:
            answers[f"hw.perflevel{n}.name"] = name
    return answers


def test_three_kinds_of_cores_keep_their_own_names() -> None:
    groups = apple.core_groups(levels(("Super", 2), ("Performance", 4), ("Efficiency", 6)))
    assert [(g.name, g.count) for g in groups] == [("Super", 2), ("Performance", 4), ("Efficiency", 6)]


def test_the_first_level_need_not_be_performance() -> None:
    groups = apple.core_groups(levels(("Super", 6), ("Performance", 12)))
    assert [g.name for g in groups] == ["Super", "Performance"]


def test_one_level_is_no_group() -> None:
    assert apple.core_groups(levels(("Standard", 3))) == ()


def test_levels_without_names_are_those_of_the_first_chips_only() -> None:
    nameless = levels((None, 8), (None, 2))
    assert [g.name for g in apple.core_groups(nameless, "Apple M1 Max")] == ["Performance", "Efficiency"]
    assert [g.name for g in apple.core_groups(nameless, "Apple M5 Max")] == ["Level 0", "Level 1"]


def test_names_without_counts_are_no_groups() -> None:
    assert apple.core_groups({"hw.nperflevels": "2", "hw.perflevel0.name": "Super"}) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("proc 8:4:4", (8, (4, 4))),
        ("proc 24:16:8:0", (24, (16, 8, 0))),
        ("proc 18:6:0:12", (18, (6, 0, 12))),
        ("proc 12:0:8:4", (12, (0, 8, 4))),
        ("proc 8:4:5", (8, ())),  # the parts do not add up: only the total is believed
        (3, (3, ())),
        (None, (None, ())),
        ("", (None, ())),
    ],
)
def test_the_four_shapes_of_number_processors(value: object, expected: object) -> None:
    assert apple.parse_processors(value) == expected


def test_two_kinds_come_from_the_profile_where_levels_are_not_counted() -> None:
    old = apple.parse_profile('{"SPHardwareDataType": [{"number_processors": "proc 8:4:4"}]}')
    assert [(g.name, g.count) for g in apple.from_answers({}, old).core_groups] == [
        ("Performance", 4),
        ("Efficiency", 4),
    ]


def test_a_virtual_chip_keeps_its_name_and_a_flag() -> None:
    facts = apple.from_answers({"machdep.cpu.brand_string": "Apple M9 (Virtual)"}, {})
    assert (facts.chip, facts.virtual) == ("Apple M9", True)


@pytest.mark.parametrize(
    "answers",
    [
        {"hw.model": "VirtualMac9,1"},
        {"kern.hv_vmm_present": "1"},
        {"machdep.cpu.features": "FPU VME SSE VMM"},
    ],
)
def test_a_guest_that_says_it_is_a_real_model(answers: dict[str, str]) -> None:
    assert apple.from_answers(
        {"machdep.cpu.brand_string": "Intel(R) Core(TM) i7-1 CPU @ 1GHz"} | answers, {}
    ).virtual


def test_a_paravirtual_gpu_gives_a_guest_away() -> None:
    found = apple.parse_profile(
        '{"SPDisplaysDataType": [{"sppci_model": "Apple Paravirtualized Graphics Device"}]}'
    )
    assert apple.from_answers({}, found).virtual is True


def test_rosetta_hides_the_chip_but_not_the_gpu() -> None:
    answers = {"machdep.cpu.brand_string": "VirtualApple @ 2.50GHz processor", "sysctl.proc_translated": "1"}
    hidden = apple.parse_profile('{"SPHardwareDataType": [{"cpu_type": "Unknown", "number_processors": 8}]}')
    facts = apple.from_answers(answers, hidden)
    assert (facts.chip, facts.arch, facts.translated) == ("Apple silicon", "arm64", True)
    assert facts.cores_physical == 8
    with_gpu = hidden | {"SPDisplaysDataType": [{"sppci_model": "Apple M9", "sppci_cores": "8"}]}
    assert apple.from_answers(answers, with_gpu).chip == "Apple M9"


def test_two_cards_have_memory_as_text() -> None:
    cards = apple.gpus(profile("profile_two_cards.json"), wired_limit=1000)
    assert [(gpu.name, gpu.cores, gpu.vram_bytes, gpu.shared_bytes) for gpu in cards] == [
        ("Intel Graphics 999", None, 1536 * MIB, None),
        ("Radeon Pro 999", None, 4096 * MIB, None),
    ]


def test_a_wired_limit_of_zero_is_no_limit() -> None:
    assert apple.gpus(profile("profile_native.json"), wired_limit=0)[0].shared_bytes is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Now drawing from 'AC Power'\n", "mains"),
        (
            "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t80%; AC attached; not charging",
            "mains",
        ),
        (
            "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t19%; discharging; (no estimate)",
            "battery",
        ),
        ("Currently drawing from 'Battery Power'\n", "battery"),
        ("", None),
    ],
)
def test_power_source(text: str, expected: str | None) -> None:
    assert apple.parse_power_source(text) == expected


def test_the_block_of_the_active_source_decides() -> None:
    custom = (FIXTURES / "pmset_custom.txt").read_text()
    assert apple.parse_power_mode(custom, "battery") == "low"
    assert apple.parse_power_mode(custom, "mains") == "automatic"
    assert apple.parse_power_mode(custom, None) is None


@pytest.mark.parametrize(("value", "expected"), [("0", "automatic"), ("1", "low"), ("2", "high"), ("7", None)])
def test_machines_with_a_high_power_mode(value: str, expected: str | None) -> None:
    assert apple.parse_power_mode(f"AC Power:\n powermode            {value}\n sleep 0", "mains") == expected


def test_a_remark_in_brackets_is_no_part_of_the_value() -> None:
    assert apple.parse_power_mode("AC Power:\n powermode   2 (set by a profile)\n", "mains") == "high"


def test_no_key_is_unknown_and_not_normal() -> None:
    assert apple.parse_power_mode("AC Power:\n sleep                1\n", "mains") is None


@pytest.mark.parametrize("custom", ["AC Power:\n lowpowermode         1\n", " lowpowermode  1\n"])
def test_low_power_is_a_word_that_warns(custom: str) -> None:
    assert apple.parse_power_mode(custom, "mains") in LOW_MODES


# ------------------------------------------------------------------------------------------- heat and swap

THERM = """Note: No thermal warning level has been recorded
2099-01-02 03:04:05 +0100 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 4
\tCPU_Speed_Limit \t= {}
"""


@pytest.mark.parametrize(("percent", "expected"), [("100", 1.0), ("23", 0.23), ("0", 0.0), ("101", 1.0)])
def test_speed_limit_of_an_intel_mac(percent: str, expected: float) -> None:
    assert apple.parse_speed_limit(THERM.format(percent)) == expected


def test_the_last_speed_limit_holds() -> None:
    assert apple.parse_speed_limit(THERM.format(50) + THERM.format(75)) == 0.75


@pytest.mark.parametrize("text", ["", "Note: No CPU power status has been recorded\n", THERM.format("-")])
def test_no_limit_told_is_not_full_speed(text: str) -> None:
    assert apple.parse_speed_limit(text) is None


def test_apple_silicon_is_not_asked_for_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apple, "run", lambda *command: THERM.format(50))
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert apple.speed_limit() is None
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert apple.speed_limit() == 0.5


VM_STAT = """Mach Virtual Memory Statistics: (page size of 4096 bytes)
Pages free:                    10.
"Translation faults":          11.
Pageins:                       12.
Pageouts:                      13.
Swapins:                        5.
Swapouts:                       2.
"""


def test_swapping_is_not_reading_files() -> None:
    assert apple.parse_swapped(VM_STAT) == 7 * 4096


@pytest.mark.parametrize("text", ["", VM_STAT.replace("Swapouts", "Other"), VM_STAT.replace("page size", "size")])
def test_swapping_is_unknown_where_a_part_of_it_is(text: str) -> None:
    assert apple.parse_swapped(text) is None
