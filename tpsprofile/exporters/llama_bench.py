"""JSON Lines in the shape of ``llama-bench -o jsonl``: an object a test, prefill and decode apart, with samples.

A decode test here has ``n_gen`` steps, one fewer than tokens, since the first token belongs to the prefill; so
``n_gen`` over the time is the rate, as it is there. The object says who measured, under the key ``tpsprofile``:
our figures are a server's, with sampling, and not to be put beside llama-bench's own without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tpsprofile.exporters.measured import (
    Case,
    Exported,
    cases,
    decode_times,
    deviation,
    mean,
    passed_over,
    prefill_times,
    warnings_of,
)
from tpsprofile.records import Run

_OPTIONS = ("n_threads", "n_batch", "n_ubatch", "n_gpu_layers", "type_k", "type_v", "flash_attn")
"""Keys of llama-bench that an engine's options may answer; ours calls the first ``threads``."""


def write(runs: Sequence[Run]) -> Exported:
    """One line a test. Prefill that a cache may have helped is left out."""
    lines = [msgspec.json.encode(test).decode() for case in cases(runs) for test in _tests(case)]
    return Exported(
        text="".join(f"{line}\n" for line in lines), figures=len(lines), what="test", remarks=passed_over(runs)
    )


def _tests(case: Case) -> list[dict[str, Any]]:
    """The prefill test and the decode test of a case, as far as there are figures; samples of one length each."""
    prefill, decode = prefill_times(case), decode_times(case)
    found = []
    if prefill:
        found.append(_test(case, prefill, lambda count: {"n_prompt": count, "n_gen": 0}))
    if decode:
        found.append(_test(case, decode, lambda count: {"n_prompt": 0, "n_gen": count}))
    return found


def _test(case: Case, times: list[tuple[int, float]], size: Any) -> dict[str, Any]:
    """One object. Trials whose counts differ share the usual count; their times are as for that many tokens."""
    counts = sorted(count for count, _ in times)
    usual = counts[len(counts) // 2]
    seconds = [spent * usual / count for count, spent in times]
    rates = [usual / spent for spent in seconds]
    return {
        **_head(case),
        **size(usual),
        "n_depth": case.workload.depth_tokens,
        "test_time": _moment(case.trials[0].started_at or case.header.started_at),
        "avg_ns": round((mean(seconds) or 0.0) * 1e9),
        "stddev_ns": round(deviation(seconds) * 1e9),
        "avg_ts": mean(rates),
        "stddev_ts": deviation(rates),
        "samples_ns": [round(spent * 1e9) for spent in seconds],
        "samples_ts": rates,
        "tpsprofile": _origin(case),
    }


def _head(case: Case) -> dict[str, Any]:
    header, model = case.header, case.model
    options: dict[str, Any] = dict(header.options)
    options.setdefault("n_threads", options.get("threads"))
    size = f"{model.parameters / 1e9:.2f} B" if model.parameters else None
    return {
        "build_commit": None,
        "build_number": None,
        "cpu_info": header.machine.chip,
        "gpu_info": ", ".join(gpu.name for gpu in header.machine.gpus) or None,
        "backends": ", ".join(header.engine.devices or ()) or None,
        "model_filename": model.name,
        "model_type": " ".join(filter(None, [model.architecture, size, model.quantisation])) or None,
        "model_size": model.file_bytes,
        "model_n_params": model.parameters,
        **{key: options.get(key) for key in _OPTIONS},
    }


def _origin(case: Case) -> dict[str, Any]:
    """Who measured, with what: what llama-bench has no place for."""
    header, machine = case.header, case.header.machine
    return {
        "version": header.tpsprofile,
        "run": header.run,
        "machine": machine.label,
        "ram_bytes": machine.ram_bytes,
        "engine": header.engine.name,
        "engine_version": header.engine.version,
        "provenance": header.provenance.kind,
        "source": header.provenance.source,
        "method": header.provenance.method,
        "warnings": warnings_of(case),
        "synthetic": case.model.synthetic,
        "prompt": case.workload.prompt,
        "context_tokens": case.workload.context_tokens,
    }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
