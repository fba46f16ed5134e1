"""``tpsprofile machine`` from end to end, on whatever host runs the tests."""

import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from tpsprofile.cli import main
from tpsprofile.cli.machine import _screen
from tpsprofile.records import Conditions, CoreGroup, Gpu, Machine
from tpsprofile.units import GIB, UNKNOWN


def test_json_on_this_host() -> None:
    done = CliRunner().invoke(main, ["machine", "--json", "--tag", "mine"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert set(document) == {"machine", "conditions"}
    assert document["machine"]["tag"] == "mine"
    assert document["machine"]["chip"]
    assert document["machine"]["cores_logical"] >= 1
    assert document["machine"]["ram_bytes"] > 2**28
    bandwidth = document["machine"]["bandwidth_bytes_s"]
    assert bandwidth is None or bandwidth > 1e8
    assert document["conditions"]["available_bytes"] > 0


def test_the_screen_on_this_host() -> None:
    done = CliRunner().invoke(main, ["machine", "--no-bandwidth"])
    assert done.exit_code == 0, done.output
    assert "measured" not in done.stdout
    assert "right now" in done.stdout


def test_help_shows_examples() -> None:
    done = CliRunner().invoke(main, ["machine", "--help"])
    assert 'tpsprofile machine --tag "M2 Max"' in done.stdout


def screen(machine: Machine, now: Conditions, width: int = 80, usable: int | None = None) -> list[str]:
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(_screen(machine, now, usable))
    return [line.rstrip() for line in capture.get().splitlines()]


MAC = Machine(
    id="0123456789ab",
    chip="Apple M9 Max",
    model="Mac99,1",
    arch="arm64",
    cores_physical=16,
    cores_logical=16,
    core_groups=(CoreGroup(name="Super", count=12), CoreGroup(name="Performance", count=4)),
    gpus=(Gpu(name="Apple M9 Max", cores=40),),
    ram_bytes=128 * GIB,
    unified_memory=True,
    os="macOS 33.1",
    virtual=False,
    cpu_features=("bf16", "dotprod", "fp16", "i8mm", "neon"),
    bandwidth_bytes_s=412e9,
    bandwidth_spec_bytes_s=546e9,
)
NOW = Conditions(
    power_source="battery",
    power_mode="low",
    cpu_mhz=3248.0,
    temperature_c=71.4,
    speed_limit=0.85,
    load_1m=1.5,
    cpu_busy=0.125,
    available_bytes=100 * GIB,
    swap_used_bytes=3 * GIB,
)


def test_a_whole_screen() -> None:
    assert screen(MAC, NOW, usable=96 * GIB) == [
        "Apple M9 Max 128 GB",
        "",
        "  chip         Apple M9 Max",
        "  model        Mac99,1",
        "  cores        16: 12 Super + 4 Performance",
        "  vectors      bf16 dotprod fp16 i8mm neon",
        "  graphics     Apple M9 Max, 40 cores",
        "  memory       128.0 GiB (sold as 128 GB), shared with graphics",
        "  bandwidth    412 GB/s measured, of 546 GB/s specified",
        "  system       macOS 33.1, arm64",
        "  id           0123456789ab",
        "",
        "right now",
        "",
        "  power        battery, low",
        "  load         12% busy, 1.50 over the last minute",
        "  free         100.0 GiB",
        "  for a model  96.0 GiB",
        "  swap         3.0 GiB",
        "  clock        3.25 GHz",
        "  temperature  71 °C",
        "  speed limit  85% of full speed",
    ]


def test_what_is_unknown_is_a_dash_and_never_a_zero() -> None:
    lines = screen(Machine(id="0123456789ab", chip="x86_64 processor"), Conditions())
    text = "\n".join(lines)
    assert "0 " not in text.replace("0123456789ab", "")
    for name in ("model", "cores", "vectors", "memory", "bandwidth", "system", "power", "load", "free", "swap"):
        assert any(line.split() == [name, UNKNOWN] for line in lines), name


@pytest.mark.parametrize(
    ("measured", "specified", "line"),
    [
        (35e9, 546e9, "35 GB/s measured, of 546 GB/s specified"),
        (35e9, None, "35 GB/s"),
        (None, 68.25e9, "68.2 GB/s specified"),
        (None, None, UNKNOWN),
    ],
)
def test_bandwidth_as_far_as_it_is_known(measured: float | None, specified: float | None, line: str) -> None:
    machine = Machine(id="0", chip="x", bandwidth_bytes_s=measured, bandwidth_spec_bytes_s=specified)
    assert f"  bandwidth    {line}" in screen(machine, Conditions())


def test_clock_and_heat_are_shown_only_where_they_are_known() -> None:
    text = "\n".join(screen(MAC, Conditions(temperature_c=60.0)))
    assert "temperature  60 °C" in text
    assert "clock" not in text
    assert "speed limit" not in text


def test_rosetta_is_remarked_upon() -> None:
    machine = Machine(id="0123456789ab", chip="Apple silicon", translated=True)
    assert any("Rosetta" in line for line in screen(machine, Conditions()))


def test_a_busy_processor_is_remarked_upon_where_bandwidth_was_measured() -> None:
    busy = Conditions(cpu_busy=0.9)
    assert any("busy: the bandwidth" in line for line in screen(MAC, busy, width=120))
    assert not any("busy: the bandwidth" in line for line in screen(MAC, NOW, width=120))
    assert not any("busy: the bandwidth" in line for line in screen(Machine(id="0", chip="x"), busy, width=120))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_width_is_kept(width: int) -> None:
    assert max(map(len, screen(MAC, NOW, width))) <= width


def test_several_gpus_have_a_line_each() -> None:
    gpus = (
        Gpu(name="NVIDIA RTX 9", vram_bytes=24 * GIB),
        Gpu(name="AMD Radeon 9", vram_bytes=GIB // 2, shared_bytes=120 * GIB),
    )
    lines = screen(Machine(id="0123456789ab", chip="x", gpus=gpus), Conditions())
    assert "  graphics     NVIDIA RTX 9, 24.0 GiB of its own" in lines
    assert "               AMD Radeon 9, 0.5 GiB of its own, 120.0 GiB shared" in lines
