"""What builds of llama-server tell of themselves, old and new ones: read where told, None where not."""

from __future__ import annotations

import pytest

from tests.llama_server import FIXTURES
from tpsprofile.engines.llama import told
from tpsprofile.engines.llama.native import pinned
from tpsprofile.engines.llama.wording import build_text


def recorded(name: str) -> str:
    return (FIXTURES / name).read_text()


@pytest.mark.parametrize(
    ("text", "version", "commit"),
    [
        ("version: 11434 (1a2b3c4d)\nbuilt with x", "b11434", "1a2b3c4d"),
        ("version: 0 (unknown)", None, None),
        ("version: unknown (0)", None, None),
        ("version: 1 (7e4c0a9)", "7e4c0a9", "7e4c0a9"),
        ("version: 0.1.0-dev (build 1, commit 7e4c0a9)", "0.1.0-dev", "7e4c0a9"),
        ("version: 0 (1a2b3c4d)", "1a2b3c4d", "1a2b3c4d"),
        ("version: 0.6.0-dev (build 0, commit unknown)", "0.6.0-dev", None),
        ("version: 0.6.1 (build 12001, commit 1a2b3c4d)", "b12001", "1a2b3c4d"),
        ("ggml_cuda_init: found 1 CUDA devices:\n  Device 0: X\nversion: 4534 (ab)", "b4534", "ab"),
        ("error: unknown argument: --version", None, None),
        ("", None, None),
    ],
)
def test_the_version_is_the_number_of_the_build_where_there_is_one(
    text: str, version: str | None, commit: str | None
) -> None:
    assert (told.version(text), told.commit(text)) == (version, commit)


@pytest.mark.parametrize(
    ("text", "compiler"),
    [
        (recorded("version.txt"), "GNU 12.2.0 for Linux x86_64"),
        (
            "version: 1 (a)\nbuilt with Apple clang version 17.0.0 for arm64",
            "Apple clang version 17.0.0 for arm64",
        ),
        ("built with /home/ann/gcc/bin/cc (GCC) 14.1 for x", "cc (GCC) 14.1 for x"),
        ("version: 1 (a)", None),
    ],
)
def test_the_compiler_is_told_without_folders(text: str, compiler: str | None) -> None:
    assert told.compiler(text) == compiler


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        (recorded("list-devices.txt"), ()),
        ("Available devices:\n", ()),
        ("error: invalid argument: --list-devices\n", None),
        (
            "Available devices:\n  CUDA0: NVIDIA RTX (A) 4090 (24209 MiB, 23000 MiB free)\n",
            ("NVIDIA RTX (A) 4090",),
        ),
        (
            "load_backend: loaded BLAS backend from /x/y.so\nAvailable devices:\n"
            "  Metal: Apple M4 Max (49152 MiB, 49151 MiB free)\n  BLAS: Accelerate (0 MiB, 0 MiB free)\n",
            ("Apple M4 Max",),
        ),
        ("Available devices:\n  Vulkan0: AMD A\n  Vulkan1: AMD B (8 MiB, 7 MiB free)\n", ("AMD A", "AMD B")),
    ],
)
def test_devices_are_those_that_are_no_processor(text: str, devices: tuple[str, ...] | None) -> None:
    assert told.devices(text) == devices


def test_the_processors_features_are_in_the_log() -> None:
    assert told.system(recorded("log-no-model.txt")).startswith("CPU : SSE3 = 1 | SSSE3 = 1 | AVX = 1 |")
    assert told.system(recorded("log-loading.txt")) == ""


def test_a_build_is_told_in_one_line() -> None:
    assert (
        build_text("GNU 12", None, "", system="CPU : AVX = 1 | AVX2 = 0 | X = 16 | ")
        == "GNU 12, CPU : AVX, X = 16"
    )


def test_every_name_of_an_option_is_known_and_no_word_of_its_explanation() -> None:
    known = told.options(recorded("help.txt"))
    assert {"-c", "--ctx-size", "-cram", "--cache-ram", "--no-ui", "--no-webui", "--slots", "-lv"} <= known
    usage = "-a, --all N    see --other\n        or --none\n--b, --no-b\n            text\n"
    assert told.options(usage) == {"-a", "--all", "--b", "--no-b"}
    assert told.explained(usage, "--all") == "-a, --all N    see --other\n        or --none\n"
    assert told.explained(usage, "--other") == ""


@pytest.mark.parametrize(
    ("usage", "flags"),
    [
        (recorded("help.txt"), "-np 1 --no-cache-prompt -cram 0 --no-ui --slots"),
        ("-np, --parallel N\n--no-webui\n-ngl, --n-gpu-layers N   layers in VRAM\n", "-np 1 --no-webui -ngl 999"),
        ("--parallel N\n-ngl, --n-gpu-layers N   layers in VRAM (default: -1)\n", "--parallel 1"),
        ("", ""),
    ],
)
def test_what_a_build_can_be_told_is_pinned(usage: str, flags: str) -> None:
    assert pinned(usage) == flags.split()
