"""llama-bench's outputs as people posted them, where somebody collected them beside this repository.

The collection is other people's and no part of the project: without it these tests are skipped, and recorded and
made-up outputs of the other tests remain. Counts and rates were read off the files by hand.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.importers.test_llama_bench import remarks, told, trials
from tpsprofile import importers
from tpsprofile.importers import Refused

BESIDE = Path(__file__).parents[2].parent / "shared" / "captures"
CAPTURES = Path(os.environ.get("TPSPROFILE_CAPTURES") or BESIDE) / "tools" / "llama-bench"

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="no collection of outputs beside the repository")


class Run(NamedTuple):
    """What a file holds."""

    file: str
    trials: int
    model: str
    quantisation: str
    first: tuple[str, float]
    last: tuple[str, float] | None
    """The last test, where it was looked up."""
    version: str | None
    """None for one that was cut off before it named its build."""


RUNS = [
    Run("kyuz0-b10269-vulkan-generation-curve.jsonl", 27, "DeepSeek-V4-Flash-0731-UD-IQ3_XXS", "IQ3_XXS",
        ("tg128", 8.95), None, "b10269"),
    Run("kyuz0-b10273-rocm-3rows.jsonl", 9, "Qwen3.6-35B-A3B-UD-Q4_K_XL", "Q4_K_M",
        ("pp2048", 1559.58), None, "b10273"),
    Run("kyuz0-b9927-prefill-curve.jsonl", 27, "Qwen3.6-35B-A3B-UD-Q8_K_XL", "Q8_0",
        ("pp2048", 1505.77), None, "b9927"),
    Run("lhl-glm45air-b6111-3rows.jsonl", 15, "GLM-4.5-Air-UD-Q4_K_XL", "Q4_K_M",
        ("pp1", 20.39), None, "b6111"),
    Run("lhl-gpt-oss-20b-hip.jsonl", 10, "gpt-oss-20b-F16", "F16",
        ("pp512", 1472.01), None, "b6865"),
    Run("lhl-quick-test-stderr-mixed.jsonl", 6, "Llama-3.2-1B-Instruct-Q4_K_M", "Q4_K_M",
        ("pp512", 5007.64), None, "b6865"),
    Run("lhl-unphi4-14b-8of10-rows.jsonl", 8, "shisa-v2-unphi4-14b.i1-IQ3_M", "IQ3_M",
        ("pp512", 694.39), None, "b6867"),
    Run("kyuz0-cut-1row-backtrace-rocm.txt", 1, "qwen3moe 235B.A22B", "Q3_K_M",
        ("pp2048 @ d16384", 73.22), None, None),
    Run("kyuz0-cut-1row-hsa-memfault-rocm.txt", 1, "qwen3moe 235B.A22B", "Q3_K_M",
        ("pp2048 @ d16384", 69.68), None, None),
    Run("kyuz0-cut-1row-qwen3next-depth-rocm.txt", 1, "qwen3next 80B.A3B", "Q8_0",
        ("pp2048 @ d16384", 464.91), None, None),
    Run("kyuz0-hipblaslt-noise-llama70b.txt", 2, "llama 70B", "Q8_0",
        ("pp512", 98.0), ("tg128", 2.77), "b6736"),
    Run("kyuz0-rocblas-noise-no-fa-column.txt", 2, "qwen3moe 30B.A3B", "Q4_K_M",
        ("pp512", 614.24), ("tg128", 66.41), "b6736"),
    Run("kyuz0-rocm-723-fa1.txt", 2, "deepseek2 30B.A3B", "BF16",
        ("pp512", 422.28), ("tg128", 23.17), "b9187"),
    Run("kyuz0-rocm-longctx32768.txt", 2, "deepseek2 30B.A3B", "BF16",
        ("pp2048 @ d32768", 91.33), ("tg32 @ d32768", 16.56), "b9187"),
    Run("kyuz0-rpc-fa.txt", 2, "glm4moe 355B.A32B", "Q4_K_M",
        ("pp512", 97.96), ("tg128", 9.09), "b7938"),
    Run("kyuz0-rpc-longctx32768.txt", 2, "glm4moe 355B.A32B", "Q4_K_M",
        ("pp2048 @ d32768", 18.17), ("tg32 @ d32768", 3.73), "b7938"),
    Run("xjd-LLaMA-3-3090-6-v3-cell17.txt", 5, "llama 70B", "F16",
        ("pp512", 579.0), ("tg4096", 5.76), None),
    Run("xjd-LLaMA-3-4080-v3-cell13.txt", 3, "llama 8B", "F16",
        ("pp512", 7159.54), ("pp4096", 4704.76), None),
    Run("xjd-LLaMA-3-4090-8-v3-cell13.txt", 8, "llama 8B", "F16",
        ("pp512", 7889.26), ("tg8192", 48.72), "b2824"),
    Run("xjd-LLaMA-3-A100-SXM-4-v3-cell11.txt", 8, "llama 8B", "Q4_K_M",
        ("pp512", 4850.88), ("tg8192", 86.27), "b2837"),
    Run("xjd-LLaMA-3-H100-PCIe-v3-cell11.txt", 8, "llama 8B", "Q4_K_M",
        ("pp512", 8125.45), ("tg8192", 126.83), "b2843"),
    Run("xjd-LLaMA-3-M1-8GB-cell9.txt", 8, "llama 8B", "Q4_K_M",
        ("pp512", 94.48), ("tg4096", 11.77), "b2797"),
    Run("xjd-LLaMA-3-M1max-64GB-cell13.txt", 10, "llama 70B", "Q4_K_M",
        ("pp512", 34.96), None, "b2797"),
    Run("xjd-LLaMA-3-M2ultra-192GB-cell15.txt", 10, "llama 70B", "F16",
        ("pp512", 147.58), None, "b2796"),
]  # fmt: skip

WITHOUT_A_RESULT = {
    "kyuz0-campaign-run_metadata.txt": "no file that can be imported",
    "kyuz0-cut-0row-hsa-aperture.txt": "ended before its first result. It looks as if the graphics processor",
    "kyuz0-cut-0row-load-failed.txt": "ended before its first result. It looks as if the model could not be",
    "kyuz0-cut-0row-vulkan-oom.txt": "ended before its first result. It looks as if memory ran out",
    "kyuz0-gpu-hang-no-table.txt": "no row that counts. It looks as if the graphics processor gave up",
    "kyuz0-rpc-connect-failed.txt": "no row that counts. It looks as if a worker",
    "kyuz0-vk-devicelost-no-table.txt": "no row that counts. It looks as if the graphics processor gave up",
    "lhl-system_info.json": "no file that can be imported",
    "lhl-wrapper-record-failed.json": "no file that can be imported",
    "lhl-wrapper-record-vulkan-rpc.json": "no row that counts",
    "self-bad-format.stderr.txt": "no file that can be imported",
    "self-bad-format.stdout.txt": "no row that counts",
    "self-list-devices.txt": "no file that can be imported",
    "self-missing-model.json.stdout.txt": "no row that counts",
    "self-missing-model.stderr.txt": "no row that counts. It looks as if the model could not be loaded",
    "self-second-model-missing.stderr.txt": "no row that counts. It looks as if the model could not be loaded",
    "self-smollm2-threads1,2-pg32,8.progress.stderr.txt": "no row that counts",
    "self-version.txt": "no file that can be imported",
}


def path_of(file: str) -> Path:
    path = CAPTURES / file
    if not path.exists():
        pytest.skip(f"{file} is not in this collection")
    return path


@pytest.mark.parametrize("run", RUNS, ids=[run.file for run in RUNS])
def test_what_people_posted_is_read_as_it_stands(run: Run) -> None:
    parts = importers.read(path_of(run.file), run.file)
    found = trials(parts)
    assert len(found) == run.trials
    assert (found[0].model.name, found[0].model.quantisation) == (run.model, run.quantisation)
    assert told(found[0]) == run.first
    assert run.last is None or told(found[-1]) == run.last
    assert parts[0].engine.version == run.version
    assert ("cut off" in remarks(parts)) == (run.version is None)


@pytest.mark.parametrize("file", WITHOUT_A_RESULT)
def test_what_has_no_result_is_refused_with_what_is_known(file: str) -> None:
    with pytest.raises(Refused) as refused:
        importers.read(path_of(file), file)
    assert WITHOUT_A_RESULT[file] in str(refused.value)


def test_figures_that_cannot_be_true_are_left_out_and_told() -> None:
    file = "xjd-LLaMA-3-M1-8GB-cell9.txt"
    parts = importers.read(path_of(file), file)
    assert "pp8192 (line 7) at 1,849 tok/s, 18 times" in remarks(parts)
    assert "tg8192 (line 12) at 1,133 tok/s, 96 times" in remarks(parts)
    assert all((trial.decode_tok_s or 0) < 12 for trial in trials(parts))


def test_every_file_is_read_or_refused_with_a_reason() -> None:
    known = {run.file for run in RUNS} | WITHOUT_A_RESULT.keys()
    others = sorted(file for file in CAPTURES.iterdir() if file.name not in known)
    for file in others:
        try:
            assert trials(importers.read(file, file.name))
        except Refused as refused:
            assert str(refused).startswith(f"{file.name}")
