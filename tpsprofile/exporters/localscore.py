"""JSON in the shape of LocalScore's: a document a model; an array where there are several.

A test there has a prompt and an answer, as a trial here has. Its score is 10 × (prompt rate × generation rate ×
1000 / ms until the first token)^(1/3), of the averages (localscore.ai). Tests that lack one of these three figures
cannot be told in this format and are left out. Nobody measures power here: those keys are null. Sizes of memory
are in GiB, as LocalScore has them, whatever its keys say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tpsprofile.exporters.measured import (
    Case,
    Exported,
    cases,
    decode_times,
    mean,
    passed_over,
    prefill_times,
    warnings_of,
)
from tpsprofile.records import Machine, ModelFacts, Run
from tpsprofile.units import GIB


def write(runs: Sequence[Run]) -> Exported:
    """One document a model of a run; cases at a depth are left out, since the score knows of none."""
    documents: dict[tuple[str, ModelFacts], list[tuple[Case, dict[str, Any]]]] = {}
    without: dict[str, None] = {}
    deep: dict[str, None] = {}
    for case in cases(runs):
        test = _test(case)
        if case.workload.depth_tokens:
            deep[case.model.name] = None
        elif test is None:
            without[case.model.name] = None
        else:
            documents.setdefault((case.header.run, case.model), []).append((case, test))
    whole = [_document(found[0][0], [test for _, test in found]) for found in documents.values()]
    told = whole[0] if len(whole) == 1 else whole
    left = (
        (without, "for want of a prefill rate or a first token"),
        (deep, "cases at a depth, which the score does not know"),
    )
    return Exported(
        text=msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n" if whole else "",
        figures=len(whole),
        what="document",
        remarks=(
            *passed_over(runs),
            *(f"Left out, {why}: {', '.join(names)}." for names, why in left if names),
        ),
    )


def _test(case: Case) -> dict[str, Any] | None:
    """One entry of ``results``; None where a figure is missing."""
    prefill, decode = prefill_times(case), decode_times(case)
    prompt_tps = mean(count / spent for count, spent in prefill)
    gen_tps = mean(count / spent for count, spent in decode)
    ttft_s = mean(trial.ttft_s for trial in case.trials if trial.ttft_s)
    if prompt_tps is None or gen_tps is None or ttft_s is None:
        return None
    n_prompt, n_gen = (sorted(count for count, _ in found)[len(found) // 2] for found in (prefill, decode))
    return {
        "name": f"pp{n_prompt}+tg{n_gen}",
        "model_name": case.model.name,
        "model_quant_str": case.model.quantisation,
        "model_params_str": None if case.model.parameters is None else f"{case.model.parameters / 1e9:.2f} B",
        "model_n_params": case.model.parameters,
        "n_prompt": n_prompt,
        "n_gen": n_gen,
        "avg_time_ms": 1000 * (n_prompt / prompt_tps + n_gen / gen_tps),
        "power_watts": None,
        "prompt_tps": prompt_tps,
        "gen_tps": gen_tps,
        "prompt_tps_watt": None,
        "gen_tps_watt": None,
        "ttft_ms": 1000 * ttft_s,
    }


def _document(case: Case, tests: list[dict[str, Any]]) -> dict[str, Any]:
    header, machine = case.header, case.header.machine
    return {
        "system_info": {
            "cpu_name": machine.chip,
            "cpu_arch": machine.arch,
            "ram_gb": None if machine.ram_bytes is None else machine.ram_bytes / GIB,
            "kernel_type": (machine.os or "").partition(" ")[0] or None,
            "kernel_release": (machine.os or "").partition(" ")[2] or None,
            "version": None,
        },
        "accelerator_info": _accelerator(machine, used=header.engine.may_use_gpu),
        "runtime_info": {"name": header.engine.name, "version": header.engine.version, "commit": None},
        "results_summary": _averages(tests),
        "results": tests,
        "tpsprofile": {
            "version": header.tpsprofile,
            "run": header.run,
            "provenance": header.provenance.kind,
            "source": header.provenance.source,
            "synthetic": case.model.synthetic,
            "warnings": warnings_of(case),
        },
    }


def _accelerator(machine: Machine, *, used: bool) -> dict[str, Any]:
    """The first graphics processor where the engine may use one, else the processor."""
    if used and machine.gpus:
        gpu = machine.gpus[0]
        memory = gpu.vram_bytes if gpu.vram_bytes is not None else machine.ram_bytes
        name, kind = gpu.name, "GPU"
    else:
        name, kind, memory = machine.chip, "CPU", machine.ram_bytes
    size = None if memory is None else memory / GIB
    return {"name": name, "type": kind, "memory_gb": size, "manufacturer": name.split(" ")[0]}


def _averages(tests: list[dict[str, Any]]) -> dict[str, float | None]:
    prompt, gen, ttft = (mean(test[key] for test in tests) or 0.0 for key in ("prompt_tps", "gen_tps", "ttft_ms"))
    return {
        "avg_prompt_tps": prompt,
        "avg_gen_tps": gen,
        "avg_ttft_ms": ttft,
        "performance_score": 10 * (prompt * gen * 1000 / ttft) ** (1 / 3),
    }
