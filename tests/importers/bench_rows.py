"""Rows as llama-bench writes them, made for tests: consistent unless a test says otherwise."""

from __future__ import annotations

import json
import statistics
from typing import Any

COMMON: dict[str, Any] = {
    "build_commit": "abcdef12",
    "build_number": 9000,
    "cpu_info": "A Processor",
    "gpu_info": "A Card",
    "backends": "CUDA",
    "model_filename": "/home/somebody/models/tiny-1B-Q4_K_M.gguf",
    "model_type": "llama 1B Q4_K - Medium",
    "model_size": 800_000_000,
    "model_n_params": 1_235_814_432,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_threads": 8,
    "cpu_mask": "0x0",
    "poll": 50,
    "type_k": "f16",
    "type_v": "f16",
    "n_gpu_layers": 99,
    "split_mode": "layer",
    "main_gpu": 0,
    "no_kv_offload": False,
    "flash_attn": True,
    "tensor_split": "0.00",
    "use_mmap": True,
    "embeddings": False,
    "n_prompt": 0,
    "n_gen": 128,
    "n_depth": 0,
    "test_time": "2026-01-02T03:04:05Z",
}


def row(*rates: float, **changes: Any) -> dict[str, Any]:
    """One row with a repetition of each rate (tok/s); a key that is changed to None is not in it."""
    cells = COMMON | {key: value for key, value in changes.items() if key in COMMON}
    tokens = cells["n_prompt"] + cells["n_gen"]
    times = [round(tokens / rate * 1e9) for rate in rates or (50.0, 50.5, 49.5)]
    exact = [tokens / time * 1e9 for time in times]
    cells |= {
        "avg_ns": sum(times) // len(times),
        "stddev_ns": 1,
        "avg_ts": round(statistics.fmean(exact), 6),
        "stddev_ts": round(statistics.stdev(exact), 6) if len(exact) > 1 else 0.0,
        "samples_ns": times,
        "samples_ts": [float(f"{rate:.6g}") for rate in exact],
    }
    return {key: value for key, value in (cells | changes).items() if value is not None}


def as_json(*rows: dict[str, Any]) -> str:
    """An array over many lines, as ``-o json``."""
    return json.dumps(list(rows), indent=2) + "\n"


def as_json_lines(*rows: dict[str, Any]) -> str:
    """An object a line, as ``-o jsonl``."""
    return "".join(json.dumps(one) + "\n" for one in rows)


def as_csv(*rows: dict[str, Any]) -> str:
    """A heading and quoted values, as ``-o csv``: without samples."""
    plain = [_plain(one) for one in rows]
    lines = [",".join(plain[0]), *(",".join(f'"{value}"' for value in one.values()) for one in plain)]
    return "\n".join(lines) + "\n"


def as_sql(*rows: dict[str, Any], table: str = "llama_bench") -> str:
    """Statements, as ``-o sql``."""
    plain = [_plain(one) for one in rows]
    kinds = ",\n".join(f"  {name} TEXT" for name in plain[0])
    made = f"CREATE TABLE IF NOT EXISTS {table} (\n{kinds}\n);\n\n"
    return made + "".join(
        f"INSERT INTO {table} ({', '.join(one)}) VALUES ({', '.join(repr(value) for value in one.values())});\n"
        for one in plain
    )


def _plain(cells: dict[str, Any]) -> dict[str, str]:
    told = {key: value for key, value in cells.items() if not key.startswith("samples")}
    return {key: str(int(value) if isinstance(value, bool) else value) for key, value in told.items()}
