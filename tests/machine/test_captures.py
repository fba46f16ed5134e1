"""The parsers over outputs of real machines, where somebody collected them beside this repository.

The collection is other people's and no part of the project: without it these tests are skipped, and the small
invented outputs of the other tests remain.
"""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tpsprofile.machine import activity, apple, cgroup, gpu, linux, names, portable, windows
from tpsprofile.machine.facts import Facts
from tpsprofile.machine.shell import read

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures" / "machines"

pytestmark = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="no collection of real outputs beside the repository"
)

GIB = 1024**3


def text(path: str) -> str:
    file = CAPTURES / path
    if not file.exists():
        pytest.skip(f"{path} is not in this collection")
    return file.read_text()


def groups(facts: Facts) -> list[tuple[str, int]]:
    return [(group.name, group.count) for group in facts.core_groups]


# -------------------------------------------------------------------------------------------------- macOS


@pytest.mark.parametrize(
    ("file", "chip", "cores", "kinds", "virtual"),
    [
        ("intel_i7_4770hq_hw_machdep", "Intel Core i7-4770HQ", 4, [], None),
        ("intel_macbook_sysctl_a_macos10_14", "Intel Core i5-8279U", 4, [], None),
        ("intel_macmini_hw_machdep_10_6", "Intel Core 2 Duo P7550", None, [], None),
        ("intel_machdep_cpu_osx_10_9", "Intel Core i5-4440", None, [], True),
        ("intel_vm_runner_macos15", "Intel Core i7-8700B", None, [], None),
        ("m1_air_machdep_cpu_macos11", "Apple M1", None, [], None),
        ("m1_virtual_runner_macos26", "Apple M1", None, [], True),
        ("m2_max_profile", "Apple M2 Max", 12, [("Performance", 8), ("Efficiency", 4)], None),
        ("m2_pro_unknown_oid", "Apple M2 Pro", 12, [("Performance", 8), ("Efficiency", 4)], None),
        ("m3max_hw_all", None, 16, [("Performance", 12), ("Efficiency", 4)], None),
        ("m4_mini_machdep_cpu", "Apple M4", None, [], None),
        ("m5pro_nperflevels", None, None, [], None),
        ("m6_three_perflevels_macos27", None, 12, [("Super", 2), ("Performance", 4), ("Efficiency", 6)], None),
        ("m5pro_brand_ncpu_memsize_n", None, None, [], None),
        ("m2ultra_memsize_ncpu_brand_n", None, None, [], None),
    ],
)
def test_sysctl(
    file: str, chip: str | None, cores: int | None, kinds: list[tuple[str, int]], virtual: bool | None
) -> None:
    facts = apple.from_answers(apple.parse_sysctl(text(f"macos/sysctl/{file}.txt")), {})
    assert facts.chip == chip
    assert facts.cores_physical == cores
    assert groups(facts) == kinds
    assert facts.virtual is virtual


@pytest.mark.parametrize(
    ("file", "ram", "model", "os"),
    [
        ("m2_max_profile", 64 * GIB, "Mac14,6", "macOS 26.6.2"),
        ("m2_pro_unknown_oid", 16 * GIB, "Mac14,9", None),
        ("m3max_hw_all", 128 * GIB, None, None),
        ("m1_virtual_runner_macos26", 7 * GIB, "VirtualMac2,1", None),
        ("m4_brand_memsize_ncpu_and_displays", 24 * GIB, None, None),
    ],
)
def test_sysctl_memory_model_and_system(file: str, ram: int, model: str | None, os: str | None) -> None:
    facts = apple.from_answers(apple.parse_sysctl(text(f"macos/sysctl/{file}.txt")), {})
    assert (facts.ram_bytes, facts.model, facts.os) == (ram, model, os)


def test_sysctl_features_of_an_m3_max() -> None:
    facts = apple.from_answers(apple.parse_sysctl(text("macos/sysctl/m3max_hw_all.txt")), {})
    assert facts.cpu_features == ("bf16", "dotprod", "fp16", "i8mm", "neon")
    assert (facts.arch, facts.unified_memory) == ("arm64", True)


@pytest.mark.parametrize(("file", "limit"), [("m2pro_mini_iogpu_zero", None), ("iogpu_wired_limit_set", 118000)])
def test_wired_limit(monkeypatch: pytest.MonkeyPatch, file: str, limit: int | None) -> None:
    answer = text(f"macos/sysctl/{file}.txt")
    monkeypatch.setattr(apple, "run", lambda *command: answer)
    assert apple.wired_limit_mb() == limit


@pytest.mark.parametrize(
    ("file", "chip", "cores", "kinds", "virtual"),
    [
        ("m1_air_native", "Apple M1", 8, [("Performance", 4), ("Efficiency", 4)], None),
        ("m2_16gb", "Apple M2", 8, [("Performance", 4), ("Efficiency", 4)], None),
        ("m4max_48gb", "Apple M4 Max", 16, [("Performance", 12), ("Efficiency", 4)], None),
        ("m2ultra_64gb_macos26", "Apple M2 Ultra", 24, [], None),
        ("m5_24gb", "Apple M5", 10, [], None),
        ("m1_virtual_runner_macos26", "Apple M1", 3, [], True),
        ("m4max_virtual", "Apple M4 Max", 2, [], True),
        ("m1_air_under_rosetta", None, 8, [], None),
        ("intel_vm_runner_macos15", None, 4, [], None),
    ],
)
def test_hardware_profile(
    file: str, chip: str | None, cores: int, kinds: list[tuple[str, int]], virtual: bool | None
) -> None:
    facts = apple.from_answers({}, apple.parse_profile(text(f"macos/sp_hardware_json/{file}.json")))
    assert (facts.chip, facts.cores_physical, facts.virtual) == (chip, cores, virtual)
    assert groups(facts) == kinds


@pytest.mark.parametrize(
    ("file", "parts"), [("m2ultra_64gb_macos26", (16, 8, 0)), ("m5_24gb", (4, 6, 0)), ("m4max_48gb", (12, 4))]
)
def test_kinds_add_up_to_the_total(file: str, parts: tuple[int, ...]) -> None:
    (entry,) = apple.parse_profile(text(f"macos/sp_hardware_json/{file}.json"))["SPHardwareDataType"]
    assert apple.parse_processors(entry["number_processors"]) == (sum(parts), parts)


@pytest.mark.parametrize(
    ("file", "name", "cores", "vram"),
    [
        ("m3max_40c_trimmed", "Apple M3 Max", 40, None),
        ("m5_10core_gpu", "Apple M5", 10, None),
        ("m5max_40c_macos27", "Apple M5 Max", 40, None),
        ("intel_vm_runner_macos15", "Apple Paravirtualized Graphics Device", None, 64 * 1024**2),
    ],
)
def test_gpus_of_macs(file: str, name: str, cores: int | None, vram: int | None) -> None:
    (card,) = apple.gpus(apple.parse_profile(text(f"macos/sp_displays_json/{file}.json")))
    assert (card.name, card.cores, card.vram_bytes) == (name, cores, vram)


def test_an_intel_runner_that_claims_to_be_a_real_mac_is_virtual_by_its_gpu() -> None:
    answers = apple.parse_sysctl(text("macos/sysctl/intel_vm_runner_macos15.txt"))
    displays = apple.parse_profile(text("macos/sp_displays_json/intel_vm_runner_macos15.json"))
    facts = apple.from_answers(answers, displays)
    assert (facts.model, facts.virtual, facts.unified_memory) == ("Macmini6,2", True, None)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("ac_charged_spaces", "mains"),
        ("m5pro_ac_not_charging_80", "mains"),
        ("m1_battery19_macos26", "battery"),
        ("m1_pro13_battery_macos26", "battery"),
    ],
)
def test_pmset_batt(file: str, source: str) -> None:
    assert apple.parse_power_source(text(f"macos/pmset_g_batt/{file}.txt")) == source


@pytest.mark.parametrize(
    ("file", "on_mains", "on_battery"),
    [
        ("laptop_lpm_on_battery_only", "automatic", "low"),
        ("m1_pro13_lowpower_macos26", "low", "low"),
        ("m1_lowpower_displaysleep0_macos26", "low", "low"),
        ("mac17_7_m5_powermode0_macos26", "automatic", "automatic"),
        ("ac_section_powermode2_excerpt", "high", "high"),
    ],
)
def test_pmset_custom(file: str, on_mains: str, on_battery: str) -> None:
    custom = text(f"macos/pmset_g_custom/{file}.txt")
    assert apple.parse_power_mode(custom, "mains") == on_mains
    assert apple.parse_power_mode(custom, "battery") == on_battery


# -------------------------------------------------------------------------------------------------- Linux


@pytest.mark.parametrize(
    ("file", "count", "chip", "virtual"),
    [
        ("ampere_altra_max", 128, "Neoverse-N1", None),
        ("apple_m1_linux", 8, "Icestorm + Firestorm", None),
        ("apple_m1pro_asahi", 10, "Icestorm + Firestorm", None),
        ("graviton2_m6g_4xlarge", 16, "Neoverse-N1", None),
        ("intel_i7_4710mq", 8, "Intel Core i7-4710MQ", False),
        ("intel_i7_8650u", 8, "Intel Core i7-8650U", False),
        ("jetson_agx_orin", 12, "Cortex-A78AE", None),
        ("jetson_orin_nx", 6, "Cortex-A78AE", None),
        ("loongson_3a5000", 4, "Loongson-3A5000", None),
        ("odroid_c2", 4, "Cortex-A53", None),
        ("odroid_xu3", 8, "Cortex-A7 + Cortex-A15", None),
        ("pentium_g640_family0", 1, "Intel Pentium G640", False),
        ("ppc64le_rhel73", 16, "POWER8E (raw)", None),
        ("raspberry_pi_5", 4, "Cortex-A76", None),
        ("raspberry_pi_model_b", 1, "ARM1176", None),
        ("ryzen7_2700x", 16, "AMD Ryzen 7 2700X", False),
        ("ryzen7_2700x_kvm_guest", 1, "AMD Ryzen 7 2700X", True),
        ("ryzen9_7950x", 32, "AMD Ryzen 9 7950X", False),
        ("s390x_fedora", 4, None, None),
        ("sifive_unmatched_riscv64", 4, "sifive,u74-mc", None),
        ("snapdragon_8cx_gen3_wsl2", 8, "Cortex-A78C + Cortex-X1C", None),
        ("snapdragon_x1e80100", 12, "Oryon", None),
        ("thunderx_96core", 6, "ThunderX", None),
    ],
)
def test_cpuinfo(file: str, count: int, chip: str | None, virtual: bool | None) -> None:
    blocks = linux.parse_cpuinfo(text(f"linux/proc_cpuinfo/{file}.txt"))
    assert len(blocks) == count
    assert linux.chip_name(blocks, "", ()) == chip
    assert linux.is_virtual(blocks, {}, device_tree=False) is virtual


@pytest.mark.parametrize(
    ("file", "kinds"),
    [
        ("odroid_xu3", [("Cortex-A7", 4), ("Cortex-A15", 4)]),
        ("apple_m1pro_asahi", [("Icestorm", 2), ("Firestorm", 8)]),
        ("snapdragon_8cx_gen3_wsl2", [("Cortex-A78C", 4), ("Cortex-X1C", 4)]),
        ("raspberry_pi_5", []),
        ("ryzen9_7950x", []),
    ],
)
def test_kinds_of_cores(file: str, kinds: list[tuple[str, int]]) -> None:
    found = linux.core_groups(linux.parse_cpuinfo(text(f"linux/proc_cpuinfo/{file}.txt")))
    assert [(group.name, group.count) for group in found] == kinds


@pytest.mark.parametrize(
    ("file", "features"),
    [
        ("ryzen7_2700x", ("avx", "avx2", "f16c", "fma")),
        ("ryzen9_7950x", ("avx", "avx2", "avx512_bf16", "avx512_vnni", "avx512f", "f16c", "fma")),
        ("snapdragon_x1e80100", ("bf16", "dotprod", "fp16", "i8mm", "neon")),
        ("raspberry_pi_5", ("dotprod", "fp16", "neon")),
        ("raspberry_pi_model_b", ()),
    ],
)
def test_vector_features(file: str, features: tuple[str, ...]) -> None:
    assert linux.features(linux.parse_cpuinfo(text(f"linux/proc_cpuinfo/{file}.txt"))) == features


@pytest.mark.parametrize(
    ("file", "chips"),
    [
        ("gb10_dell_pro_max", ["Cortex-X925", None, "Cortex-A725", None]),
        ("jetson_orin_nano_8gb", [None]),
        ("macbook_pro_m1pro_asahi", [None, None]),
        ("epyc_7763_azure_4vcpu", ["AMD EPYC 7763"]),
        ("ryzen_ai_max_395_framework_desktop", ["AMD Ryzen AI Max+ 395"]),
        ("threadripper_pro_7965wx_indented", ["AMD Ryzen Threadripper PRO 7965WX"]),
        ("threadripper_3970x_decimal_comma", ["AMD Ryzen Threadripper 3970X"]),
        ("loongson_3a5000", [None]),
    ],
)
def test_brand_strings(file: str, chips: list[str | None]) -> None:
    """py-cpuinfo takes them from lscpu where /proc/cpuinfo has none."""
    lines = [line for line in text(f"linux/lscpu/{file}.txt").splitlines() if "Model name:" in line]
    assert [names.chip(line.partition(":")[2]) for line in lines] == chips


@pytest.mark.parametrize(
    ("file", "expected"),
    [("wsl2_5_15_133", True), ("wsl2_6_6_87_dmesg_line", True), ("ubuntu_20_10", False), ("centos7", False)],
)
def test_wsl(file: str, expected: bool) -> None:
    assert linux.is_wsl2(text(f"linux/proc_version/{file}.txt")) is expected


def test_a_limited_control_group(tmp_path: Path) -> None:
    if not (CAPTURES / "linux/cgroup_v2/limited_48cpu").is_dir():
        pytest.skip("this collection has no control groups")
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("0::/\n")
    root = CAPTURES / "linux/cgroup_v2/limited_48cpu"
    assert cgroup.cpu_limit(root, tmp_path) == 48
    assert cgroup.memory_limit_bytes(root, tmp_path) == 103079215104
    assert cgroup.memory_left_bytes(root, tmp_path) == 103079215104 - 13071106048


def test_a_laptop_on_battery() -> None:
    folders = sorted((CAPTURES / "linux/sys_class_power_supply/thinkpad_on_battery").glob("*"))
    keys = ("type", "online", "status", "scope")
    assert linux.power_source([{key: read(folder / key) for key in keys} for folder in folders]) == "battery"


def test_a_servers_model() -> None:
    folder = CAPTURES / "linux/sys_class_dmi_id/lenovo_or_other"
    board = {key: read(folder / key) for key in ("sys_vendor", "product_name")}
    assert linux.model_name("", board) == "Dell PowerEdge R6515"


# --------------------------------------------------------------------------------------------------- GPUs


def test_gb10_has_no_memory_figure() -> None:
    cards = gpu.parse_smi(text("nvidia/gb10_dgx_spark/query_gpu_noheader_nounits.csv"))
    assert [(card.name, card.vram_bytes) for card in cards] == [("NVIDIA GB10", None)]


def test_a_discrete_card_with_an_empty_product_name() -> None:
    folder = CAPTURES / "amd/sysfs/vega56_card0_device"
    found = gpu.from_sysfs({file.name: read(file) for file in folder.iterdir()})
    assert found is not None
    card, unified = found
    assert (card.name, card.vram_bytes, card.shared_bytes) == ("AMD GPU 1002:687f", 8573157376, 8573157376)
    assert unified is False


def test_strix_halo() -> None:
    lscpu = text("linux/lscpu/ryzen_ai_max_395_framework_desktop.txt")
    brand = next(line for line in lscpu.splitlines() if line.startswith("Model name:")).partition(":")[2]
    vram = re.search(r"VRAM.*: (\d+)", text("amd/strix_halo/rocm_smi_showmeminfo_bios512m_gtt120g.txt"))
    assert vram
    found = gpu.from_sysfs(
        {
            "vendor": "0x1002",
            "device": "0x1586",
            "mem_info_vram_total": vram[1],
            "mem_info_gtt_total": text("amd/strix_halo/sysfs_mem_info_gtt_total.txt"),
        },
        brand,
    )
    assert found is not None
    card, unified = found
    assert (card.name, card.vram_bytes, card.shared_bytes) == ("AMD Radeon 8060S", GIB // 2, 120 * GIB)
    assert unified is True


# --------------------------------------------------------------------------------------- Python libraries


@pytest.mark.parametrize(
    ("file", "chip", "features"),
    [
        ("i5_4590t_windows_dict_v8", "Intel Core i5-4590T", ("avx", "avx2", "f16c", "fma")),
        ("m1_dict_v8_pprint", "Apple M1", ()),
        ("m1_dict_v9", "Apple M1", ()),
        ("m2pro_dict_v9", "Apple M2 Pro", ()),
    ],
)
def test_py_cpuinfo(file: str, chip: str, features: tuple[str, ...]) -> None:
    info = ast.literal_eval(text(f"python/py_cpuinfo/{file}.txt"))
    assert portable.brand(info) == chip
    assert portable.features(info) == features


@pytest.mark.parametrize(
    ("file", "source"), [("discharging", "battery"), ("full_unlimited", "mains"), ("plugged_none", None)]
)
def test_psutil_battery(file: str, source: str | None) -> None:
    plugged = re.search(r"power_plugged=(\w+)", text(f"python/psutil/sensors_battery_{file}.txt"))
    assert plugged
    assert portable.power_source(SimpleNamespace(power_plugged=ast.literal_eval(plugged[1]))) == source


@pytest.mark.parametrize(
    ("file", "plan"),
    [
        ("getactivescheme_de_ausbalanciert", "automatic"),
        ("getactivescheme_en_balanced", "automatic"),
        ("getactivescheme_it_prestazioni_elevate", "high"),
    ],
)
def test_power_plan(file: str, plan: str) -> None:
    assert windows.parse_power_plan(text(f"windows/powercfg/{file}.txt")) == plan


# ---------------------------------------------------------------------------------------------- heat, swap


@pytest.mark.parametrize(
    ("file", "limit"),
    [
        ("intel_12cpu_full_speed", 1.0),
        ("intel_8cpu_throttled_23", 0.23),
        ("intel_macpro_note_and_limits", 1.0),
        ("m1_none_recorded_macos26", None),
    ],
)
def test_speed_limit(file: str, limit: float | None) -> None:
    assert apple.parse_speed_limit(text(f"macos/pmset_g_therm/{file}.txt")) == limit


def test_speed_limits_over_time_end_with_the_last() -> None:
    log = text("macos/pmset_g_thermlog/intel_throttled_sequence.txt")
    last = re.findall(r"CPU_Speed_Limit.*?(\d+)", log)[-1]
    assert apple.parse_speed_limit(log) == int(last) / 100


@pytest.mark.parametrize("file", ["mac_24gb_2025", "macmini_32gb_2026"])
def test_swap_of_vm_stat(file: str) -> None:
    answer = text(f"macos/vm_stat/{file}.txt")
    pages = sum(int(n) for n in re.findall(r"Swap(?:in|out)s:\s*(\d+)", answer))
    assert apple.parse_swapped(answer) == pages * 16384


def parse_sensors(answer: str) -> dict[str, list[SimpleNamespace]]:
    """The printed dictionary of sensors, whose readings are written as calls."""
    tree = ast.parse(answer, mode="eval").body
    assert isinstance(tree, ast.Dict)
    sensors = {}
    for name, readings in zip(tree.keys, tree.values, strict=True):
        assert isinstance(name, ast.Constant)
        assert isinstance(readings, ast.List)
        calls = [call for call in readings.elts if isinstance(call, ast.Call)]
        words = [{str(word.arg): ast.literal_eval(word.value) for word in call.keywords} for call in calls]
        sensors[str(name.value)] = [SimpleNamespace(**each) for each in words]
    return sensors


@pytest.mark.parametrize(
    ("file", "hottest"), [("dell_laptop", 71.0), ("dual_xeon", 49.0), ("intel_nouveau_amdgpu", 45.0)]
)
def test_processor_sensors(file: str, hottest: float) -> None:
    answer = text(f"python/psutil/sensors_temperatures_{file}.txt")
    sensors = parse_sensors(" ".join(answer.split()))
    assert activity.hottest(sensors) == hottest
