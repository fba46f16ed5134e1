"""What llama-bench was told, by its own names, and of which build it is.

Names are those of its JSON, whatever a table abbreviates them to. Options that stand where builds without them are
are left out: that a newer build says so makes no other setting of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from tpsprofile.importers import figures
from tpsprofile.importers.reported import Option
from tpsprofile.records import EngineInfo

ENGINE = "llama.cpp"
_TOLD_ELSEWHERE = frozenset(
    {
        "build_commit", "build_number", "cpu_info", "gpu_info", "backends", "model_filename", "model_type",
        "model_size", "model_n_params", "n_prompt", "n_gen", "n_depth", "test_time", "avg_ns", "stddev_ns",
        "avg_ts", "stddev_ts", "samples_ns", "samples_ts",
    }
)  # fmt: skip
_BACKENDS = {
    "cuda": "CUDA", "opencl": "OpenCL", "vulkan": "Vulkan", "kompute": "Kompute", "metal": "Metal", "sycl": "SYCL",
    "gpu_blas": "GPU BLAS", "blas": "BLAS",
}  # fmt: skip
"""Flags of 2023's builds -> what they say of the backends."""
_WITHOUT_GRAPHICS = frozenset({"CPU", "BLAS"})
_SWITCHES = frozenset(
    {
        "cpu_strict", "no_kv_offload", "use_mmap", "use_direct_io", "embeddings", "no_op_offload", "no_host",
        "repack", "f16_kv", "mul_mat_q", "low_vram",
    }
)  # fmt: skip
_RENAMED = {"n_threads": "threads"}
"""A thread a core is the machine's doing; analysis knows the option by this name, which tables have as well."""
_IDLE: Mapping[str, Option] = {
    "cpu_mask": "0x0", "cpu_strict": False, "poll": 50, "n_cpu_moe": 0, "main_gpu": 0, "no_kv_offload": False,
    "devices": "auto", "tensor_buft_overrides": "none", "defrag_thold": -1, "use_direct_io": False,
    "embeddings": False, "no_op_offload": False, "no_host": False, "fit_target": 0, "fit_min_ctx": 0,
    "lazy_mode": "auto", "repack": True, "low_vram": False,
}  # fmt: skip

_KNOWN = frozenset(
    {
        *_SWITCHES, *_IDLE, "n_batch", "n_ubatch", "n_threads", "type_k", "type_v", "n_gpu_layers", "split_mode",
        "flash_attn", "tensor_split", "load_mode",
    }
)  # fmt: skip
"""Options that are plain values: of others, lists and objects are passed over."""


def engine(cells: Mapping[str, Any], line: int) -> EngineInfo:
    """The build, and the graphics processors that it found."""
    commit = figures.word(cells.get("build_commit", ""), "build_commit", line)
    number = figures.whole(cells.get("build_number", 0), "build_number", line, most=10**7)
    backends = _backends(cells, line)
    cards = [card for card in figures.word(cells.get("gpu_info", ""), "gpu_info", line).split(", ") if card]
    return engine_of(commit, number, backends, tuple(cards))


def engine_of(commit: str, number: int, backends: tuple[str, ...], cards: tuple[str, ...] = ()) -> EngineInfo:
    """The build; number 0 and 1 are those of builds without their history, and name none."""
    known = f"commit {commit}" if commit and commit != "unknown" else ""
    return EngineInfo(
        name=ENGINE,
        version=f"b{number}" if number > 1 else None,
        build=", ".join(filter(None, [",".join(backends), known])) or None,
        devices=cards or (() if backends and _WITHOUT_GRAPHICS.issuperset(backends) else None),
    )


def backend_names(text: str) -> tuple[str, ...]:
    """Backends in a fixed order, under one name each: ``BLAS,MTL`` and ``Metal,BLAS`` are the same."""
    found = {"Metal" if name.strip() == "MTL" else name.strip() for name in text.split(",")}
    return tuple(sorted(found - {""}))


def options(cells: Mapping[str, Any], line: int) -> dict[str, Option]:
    """Options of a row, keys that are not known yet included."""
    found: dict[str, Option] = {}
    for key, cell in cells.items():
        is_plain = key in _KNOWN or isinstance(cell, str | int | float)
        if is_plain and key not in _TOLD_ELSEWHERE and key not in _BACKENDS:
            value = option(key, cell, line)
            if not is_idle(key, value):
                found[_RENAMED.get(key, key)] = value
    return found


def option(key: str, cell: Any, line: int) -> Option:
    """One option as a plain value: CSV and SQL quote all of them, and a switch may be a bool or 0 and 1."""
    if key == "flash_attn":
        return _flash(cell, line)
    if key in _SWITCHES:
        return bool(figures.whole(int(cell) if isinstance(cell, bool) else cell, key, line, most=1))
    if isinstance(cell, str) and not re.fullmatch(r"-?\d{1,15}", cell, re.ASCII):
        return figures.word(cell, key, line)
    if cell is None or isinstance(cell, bool):
        return bool(cell) if cell is not None else None
    if isinstance(cell, float) and math.isfinite(cell):
        return int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell
    return figures.whole(cell, key, line, least=-(2**53))


def _flash(cell: Any, line: int) -> int:
    """1 for on, 0 for off, -1 for whatever the engine chooses."""
    words = {"on": 1, "off": 0, "auto": -1}
    if isinstance(cell, bool):
        return int(cell)
    return words[cell] if cell in words else figures.whole(cell, "flash_attn", line, least=-1, most=1)


def is_idle(key: str, value: Option) -> bool:
    """The option stands where builds without it are."""
    if key == "tensor_split":
        return not re.search("[1-9]", str(value))
    return key in _IDLE and value == _IDLE[key]


def _backends(cells: Mapping[str, Any], line: int) -> tuple[str, ...]:
    if "backends" in cells:
        return backend_names(figures.word(cells["backends"], "backends", line))
    flags = {name: cells[key] for key, name in _BACKENDS.items() if key in cells}
    if not flags:
        return ()
    on = {name for name, cell in flags.items() if option("mul_mat_q", cell, line)}
    return tuple(sorted(on or {"CPU"}))
