"""Columns of the merged table: the one place that says what each is called, holds and means.

The order here is the order in the table. Quantities are in base units, which the name of the column ends in.
Unknown is empty (NA), never 0. A saved Parquet file holds text, 64-bit integers and floats, booleans and UTC
timestamps in microseconds; text that many rows share is a category in pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter as at
from typing import Any, NamedTuple

import msgspec

from tpsprofile.records import RunHeader

TEXT = "string"
"""Text that is another in nearly every row."""
LABEL = "category"
"""Text that many rows share: each is held once, in the order in which they come."""
WHOLE = "Int64"
REAL = "Float64"
FLAG = "boolean"
MOMENT = "datetime64[us, UTC]"


class Column(NamedTuple):
    """One column: its pandas type, its meaning with the unit, and where its value comes from."""

    dtype: str
    meaning: str
    value: Callable[[Any], object] | None = None
    """Of the record that ``RECORDS`` names; None for a column that follows from others (``merge.rates``)."""


def _options(run: RunHeader) -> str | None:
    """Options as JSON with sorted keys, so that equal options are equal text."""
    return msgspec.json.encode(run.options, order="sorted").decode() if run.options else None


def _precision(run: RunHeader) -> float | None:
    """What the plan aimed at; runs before there was an aim, and figures of others, have none."""
    aim = run.settings.get("precision")
    return float(aim) if isinstance(aim, int | float) else None


def _gpus(run: RunHeader) -> str | None:
    return ", ".join(gpu.name for gpu in run.machine.gpus) or None


def _listed(names: Iterable[str] | None) -> str | None:
    """With commas between; ``none`` for an empty list, NA for an unknown one. (CSV knows no empty text.)"""
    return None if names is None else ", ".join(names) or "none"


_RUN: Mapping[str, Column] = {
    "machine": Column(LABEL, "machine: its tag, or chip and memory", at("machine.label")),
    "machine_id": Column(LABEL, "machine: stable id", at("machine.id")),
    "chip": Column(LABEL, "machine: processor or system chip", at("machine.chip")),
    "machine_model": Column(LABEL, "machine: maker's model name", at("machine.model")),
    "arch": Column(LABEL, "machine: instruction set", at("machine.arch")),
    "cores_physical": Column(WHOLE, "machine: physical cores", at("machine.cores_physical")),
    "cores_logical": Column(WHOLE, "machine: logical cores", at("machine.cores_logical")),
    "gpus": Column(LABEL, "machine: graphics processors", _gpus),
    "ram_bytes": Column(WHOLE, "machine: memory the system manages, bytes", at("machine.ram_bytes")),
    "unified_memory": Column(
        FLAG, "machine: processor and graphics share one memory", at("machine.unified_memory")
    ),
    "os": Column(LABEL, "machine: operating system and version", at("machine.os")),
    "virtual": Column(FLAG, "machine: virtual machine or container", at("machine.virtual")),
    "translated": Column(FLAG, "machine: the program ran under Rosetta", at("machine.translated")),
    "bandwidth_bytes_s": Column(
        REAL, "machine: memory bandwidth measured, bytes/s", at("machine.bandwidth_bytes_s")
    ),
    "bandwidth_spec_bytes_s": Column(
        REAL,
        "machine: memory bandwidth as its maker states it, bytes/s",
        at("machine.bandwidth_spec_bytes_s"),
    ),
    "engine": Column(LABEL, "engine: name", at("engine.name")),
    "engine_version": Column(LABEL, "engine: version", at("engine.version")),
    "engine_build": Column(LABEL, "engine: what it says of its build", at("engine.build")),
    "engine_devices": Column(
        LABEL,
        "engine: graphics processors it can use, with commas between; none for a build that uses none",
        lambda run: _listed(run.engine.devices),
    ),
    "engine_remote": Column(FLAG, "engine: it runs on another computer, named by the user", at("engine.remote")),
    "cloud": Column(FLAG, "engine: a service of somebody else's, a control", at("engine.cloud")),
    "simulated": Column(FLAG, "engine: figures are invented", at("engine.simulated")),
    "options": Column(LABEL, "engine: options beside the workload, as JSON", _options),
    "provenance": Column(LABEL, "run: measured, or as reported", at("provenance.kind")),
    "source": Column(LABEL, "run: who reported the figures", at("provenance.source")),
    "method": Column(LABEL, "run: how reported figures were taken", at("provenance.method")),
    "run": Column(LABEL, "run: random id", at("run")),
    "run_started_at": Column(MOMENT, "run: when it began, UTC", at("started_at")),
    "plan": Column(LABEL, "run: name of the sweep plan", at("plan")),
    "line_tok_s": Column(REAL, "run: decode rate below which a model is too slow, tok/s", at("line_tok_s")),
    "precision": Column(REAL, "run: half-width of the 95% interval that was aimed at, share", _precision),
    "tpsprofile": Column(LABEL, "run: version of tpsprofile", at("tpsprofile")),
}

_MODEL: Mapping[str, Column] = {
    "model": Column(LABEL, "model: name", at("name")),
    "parameters": Column(WHOLE, "model: all weights, count", at("parameters")),
    "parameters_active": Column(WHOLE, "model: weights used a token, count", at("parameters_active")),
    "quantisation": Column(LABEL, "model: quantisation", at("quantisation")),
    "file_bytes": Column(WHOLE, "model: size of its file, bytes", at("file_bytes")),
    "digest": Column(LABEL, "model: hash of its file, or of its recipe", at("digest")),
    "architecture": Column(LABEL, "model: architecture", at("architecture")),
    "model_format": Column(LABEL, "model: file format", at("format")),
    "longest_context": Column(WHOLE, "model: context that it was made for, tokens", at("longest_context")),
    "synthetic": Column(FLAG, "model: random weights of a real model's shape", at("synthetic")),
}

_WORKLOAD: Mapping[str, Column] = {
    "prompt": Column(LABEL, "workload: name of the prompt", at("prompt")),
    "tokens_asked": Column(WHOLE, "workload: tokens to generate", at("tokens_out")),
    "context_asked": Column(WHOLE, "workload: context length asked for, tokens", at("context_tokens")),
    "prompt_tokens": Column(WHOLE, "workload: length the prompt is brought to, tokens", at("prompt_tokens")),
    "depth_tokens": Column(WHOLE, "workload: tokens in the context before the prompt", at("depth_tokens")),
    "temperature": Column(REAL, "workload: sampling temperature", at("temperature")),
    "seed": Column(WHOLE, "workload: sampling seed", at("seed")),
    "prompt_mode": Column(LABEL, "workload: how the prompt goes in", at("prompt_mode")),
}

_TRIAL: Mapping[str, Column] = {
    "number": Column(WHOLE, "trial: counts from 1 within the case", at("number")),
    "started_at": Column(MOMENT, "trial: when it began, UTC", at("started_at")),
    "outcome": Column(LABEL, "trial: how it ended; only ok enters a figure", at("outcome")),
    "reason": Column(LABEL, "trial: why, for any outcome but ok", at("reason")),
    "decode_tok_s": Column(REAL, "decode rate of an ok trial, tok/s"),
    "decode_clock": Column(LABEL, "decode rate: engine, client or reported"),
    "decode_engine_tok_s": Column(REAL, "decode rate by the engine's clock, tok/s"),
    "decode_client_tok_s": Column(REAL, "decode rate by the client's clock, tok/s"),
    "decode_reported_tok_s": Column(
        REAL, "decode rate as somebody else printed it, tok/s", at("reported_decode_tok_s")
    ),
    "prefill_tok_s": Column(REAL, "uncached prompt tokens a second, tok/s"),
    "prefill_verified": Column(FLAG, "the prompt is known not to have come from a cache"),
    "ttft_s": Column(REAL, "time to first token, s", at("ttft_s")),
    "load_first_s": Column(REAL, "load, the first of the run, s", at("load_first_s")),
    "load_later_s": Column(REAL, "load, a later one of the run, s", at("load_later_s")),
    "tokens_in": Column(WHOLE, "prompt tokens, cached ones included", at("tokens_in")),
    "tokens_cached": Column(WHOLE, "prompt tokens from a cache", at("tokens_cached")),
    "tokens_out": Column(WHOLE, "generated tokens by the engine's count", at("tokens_out")),
    "tokens_drafted": Column(WHOLE, "tokens proposed by a draft (speculative decoding)", at("tokens_drafted")),
    "prefill_s": Column(REAL, "time for the uncached prompt tokens, s", at("prefill_s")),
    "decode_engine_s": Column(REAL, "first token to last by the engine's clock, s", at("decode_engine_s")),
    "decode_client_s": Column(REAL, "first chunk to last by the client's clock, s", at("decode_client_s")),
    "chunks": Column(WHOLE, "chunks with text that arrived apart, count", at("chunks")),
    "context_tokens": Column(WHOLE, "context length the engine reports, tokens", at("context_tokens")),
    "needed_bytes": Column(WHOLE, "memory the model was expected to need, bytes", at("needed_bytes")),
    "available_bytes": Column(WHOLE, "memory there was before the load, bytes", at("available_bytes")),
    "rss_bytes": Column(WHOLE, "peak resident set of the engine's processes, bytes", at("memory.rss_bytes")),
    "available_fall_bytes": Column(
        WHOLE, "largest fall in available memory, bytes", at("memory.available_fall_bytes")
    ),
    "engine_bytes": Column(WHOLE, "size the engine reports, bytes", at("memory.engine_bytes")),
    "engine_vram_bytes": Column(WHOLE, "part of it in GPU memory, bytes", at("memory.engine_vram_bytes")),
    "swap_rise_bytes": Column(WHOLE, "largest rise in swap, bytes", at("memory.swap_rise_bytes")),
    "power_source": Column(LABEL, "before the trial: mains or battery", at("before.power_source")),
    "power_mode": Column(LABEL, "before the trial: power mode or governor", at("before.power_mode")),
    "load_1m": Column(REAL, "before the trial: load average, processes", at("before.load_1m")),
    "cpu_busy": Column(REAL, "before the trial: share of processor time in use, 0 to 1", at("before.cpu_busy")),
    "swap_used_bytes": Column(WHOLE, "before the trial: swap in use, bytes", at("before.swap_used_bytes")),
    "temperature_c": Column(REAL, "before the trial: hottest processor sensor, °C", at("before.temperature_c")),
    "others_cpu": Column(REAL, "during the trial: processors kept busy by others, count", at("during.others_cpu")),
    "stolen_cpu": Column(
        REAL,
        "during the trial: share of time taken by a virtual machine's host, 0 to 1",
        at("during.stolen_cpu"),
    ),
    "swapped_bytes": Column(WHOLE, "during the trial: moved to and from swap, bytes", at("during.swapped_bytes")),
    "available_least_bytes": Column(
        WHOLE, "during the trial: least memory available, bytes", at("during.available_least_bytes")
    ),
    "cpu_mhz": Column(REAL, "during the trial: processor clock, MHz", at("during.cpu_mhz")),
    "temperature_most_c": Column(
        REAL, "during the trial: hottest processor sensor, °C", at("during.temperature_most_c")
    ),
    "throttled": Column(WHOLE, "during the trial: slow-downs because of heat, count", at("during.throttled")),
    "asleep_s": Column(REAL, "during the trial: time the machine slept, s", at("during.asleep_s")),
    "clock_step_s": Column(REAL, "during the trial: step of the date, s", at("during.clock_step_s")),
    "speed_limit": Column(
        REAL,
        "after the trial: share of full speed that the system allows, 0 to 1",
        at("after.speed_limit"),
    ),
    "warnings": Column(
        LABEL,
        "trial: what makes it doubtful, with commas between; none for nothing",
        lambda trial: _listed(trial.warnings),
    ),
    "nonce": Column(
        TEXT, "text before the prompt that no cache can know", lambda trial: trial.nonce and trial.nonce.strip()
    ),
}

RECORDS: Mapping[str, Mapping[str, Column]] = {
    "run": _RUN,
    "model": _MODEL,
    "workload": _WORKLOAD,
    "trial": _TRIAL,
}
"""The record that a column is read from -> the columns: a run's header, or a trial, its model or its workload."""

COLUMNS: Mapping[str, Column] = {name: column for columns in RECORDS.values() for name, column in columns.items()}
"""Name -> column, in the order of the table."""

REQUIRED = ("machine", "machine_id", "engine", "run", "model", "outcome")
"""Columns without which a file is no merged table; others that it lacks are unknown."""
