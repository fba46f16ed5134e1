"""Columns of the merged table: the one place that says what each is called, holds and means.

The order here is the order in the table. Quantities are in base units, which the name of the column ends in.
Unknown is empty (NA), never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from tpsprofile.records import RunHeader, Trial

TEXT = "string"
WHOLE = "Int64"
REAL = "Float64"
FLAG = "boolean"
MOMENT = "datetime64[us, UTC]"


class Column(NamedTuple):
    """One column: its pandas type, its meaning with the unit, and where its value comes from."""

    dtype: str
    meaning: str
    value: Callable[[RunHeader, Trial], object]


def _options(run: RunHeader) -> str | None:
    """Options as JSON with sorted keys, so that equal options are equal text."""
    return msgspec.json.encode(run.options, order="sorted").decode() if run.options else None


def _precision(run: RunHeader) -> float | None:
    """What the plan aimed at; runs before there was an aim, and figures of others, have none."""
    aim = run.settings.get("precision")
    return float(aim) if isinstance(aim, int | float) else None


def _listed(names: Iterable[str] | None) -> str | None:
    """With commas between; ``none`` for an empty list, NA for an unknown one. (CSV knows no empty text.)"""
    return None if names is None else ", ".join(names) or "none"


def _clock(trial: Trial) -> str | None:
    """Which of the three figures ``Trial.decode_tok_s`` is."""
    if trial.decode_tok_s is None:
        return None
    if trial.decode_engine_tok_s is not None:
        return "engine"
    return "client" if trial.decode_client_tok_s is not None else "reported"


_WHO: Mapping[str, Column] = {
    "machine": Column(TEXT, "machine: its tag, or chip and memory", lambda r, t: r.machine.label),
    "machine_id": Column(TEXT, "machine: stable id", lambda r, t: r.machine.id),
    "chip": Column(TEXT, "machine: processor or system chip", lambda r, t: r.machine.chip),
    "machine_model": Column(TEXT, "machine: maker's model name", lambda r, t: r.machine.model),
    "arch": Column(TEXT, "machine: instruction set", lambda r, t: r.machine.arch),
    "cores_physical": Column(WHOLE, "machine: physical cores", lambda r, t: r.machine.cores_physical),
    "cores_logical": Column(WHOLE, "machine: logical cores", lambda r, t: r.machine.cores_logical),
    "gpus": Column(
        TEXT, "machine: graphics processors", lambda r, t: ", ".join(gpu.name for gpu in r.machine.gpus) or None
    ),
    "ram_bytes": Column(WHOLE, "machine: memory the system manages, bytes", lambda r, t: r.machine.ram_bytes),
    "unified_memory": Column(
        FLAG, "machine: processor and graphics share one memory", lambda r, t: r.machine.unified_memory
    ),
    "os": Column(TEXT, "machine: operating system and version", lambda r, t: r.machine.os),
    "virtual": Column(FLAG, "machine: virtual machine or container", lambda r, t: r.machine.virtual),
    "translated": Column(FLAG, "machine: the program ran under Rosetta", lambda r, t: r.machine.translated),
    "bandwidth_bytes_s": Column(
        REAL, "machine: memory bandwidth measured, bytes/s", lambda r, t: r.machine.bandwidth_bytes_s
    ),
    "bandwidth_spec_bytes_s": Column(
        REAL,
        "machine: memory bandwidth as its maker states it, bytes/s",
        lambda r, t: r.machine.bandwidth_spec_bytes_s,
    ),
    "engine": Column(TEXT, "engine: name", lambda r, t: r.engine.name),
    "engine_version": Column(TEXT, "engine: version", lambda r, t: r.engine.version),
    "engine_build": Column(TEXT, "engine: what it says of its build", lambda r, t: r.engine.build),
    "engine_devices": Column(
        TEXT,
        "engine: graphics processors it can use, with commas between; none for a build that uses none",
        lambda r, t: _listed(r.engine.devices),
    ),
    "engine_remote": Column(
        FLAG, "engine: it runs on another computer, named by the user", lambda r, t: r.engine.remote
    ),
    "simulated": Column(FLAG, "engine: figures are invented", lambda r, t: r.engine.simulated),
    "options": Column(TEXT, "engine: options beside the workload, as JSON", lambda r, t: _options(r)),
    "provenance": Column(TEXT, "run: measured, or as reported", lambda r, t: r.provenance.kind),
    "source": Column(TEXT, "run: who reported the figures", lambda r, t: r.provenance.source),
    "method": Column(TEXT, "run: how reported figures were taken", lambda r, t: r.provenance.method),
    "run": Column(TEXT, "run: random id", lambda r, t: r.run),
    "run_started_at": Column(MOMENT, "run: when it began, UTC", lambda r, t: r.started_at),
    "plan": Column(TEXT, "run: name of the sweep plan", lambda r, t: r.plan),
    "line_tok_s": Column(
        REAL, "run: decode rate below which a model is too slow, tok/s", lambda r, t: r.line_tok_s
    ),
    "precision": Column(
        REAL, "run: half-width of the 95% interval that was aimed at, share", lambda r, t: _precision(r)
    ),
    "tpsprofile": Column(TEXT, "run: version of tpsprofile", lambda r, t: r.tpsprofile),
}

_WORK: Mapping[str, Column] = {
    "model": Column(TEXT, "model: name", lambda r, t: t.model.name),
    "parameters": Column(WHOLE, "model: all weights, count", lambda r, t: t.model.parameters),
    "parameters_active": Column(
        WHOLE, "model: weights used a token, count", lambda r, t: t.model.parameters_active
    ),
    "quantisation": Column(TEXT, "model: quantisation", lambda r, t: t.model.quantisation),
    "file_bytes": Column(WHOLE, "model: size of its file, bytes", lambda r, t: t.model.file_bytes),
    "digest": Column(TEXT, "model: hash of its file, or of its recipe", lambda r, t: t.model.digest),
    "architecture": Column(TEXT, "model: architecture", lambda r, t: t.model.architecture),
    "model_format": Column(TEXT, "model: file format", lambda r, t: t.model.format),
    "longest_context": Column(
        WHOLE, "model: context that it was made for, tokens", lambda r, t: t.model.longest_context
    ),
    "synthetic": Column(FLAG, "model: random weights of a real model's shape", lambda r, t: t.model.synthetic),
    "prompt": Column(TEXT, "workload: name of the prompt", lambda r, t: t.workload.prompt),
    "tokens_asked": Column(WHOLE, "workload: tokens to generate", lambda r, t: t.workload.tokens_out),
    "context_asked": Column(
        WHOLE, "workload: context length asked for, tokens", lambda r, t: t.workload.context_tokens
    ),
    "prompt_tokens": Column(
        WHOLE, "workload: length the prompt is brought to, tokens", lambda r, t: t.workload.prompt_tokens
    ),
    "depth_tokens": Column(
        WHOLE, "workload: tokens in the context before the prompt", lambda r, t: t.workload.depth_tokens
    ),
    "temperature": Column(REAL, "workload: sampling temperature", lambda r, t: t.workload.temperature),
    "seed": Column(WHOLE, "workload: sampling seed", lambda r, t: t.workload.seed),
    "prompt_mode": Column(TEXT, "workload: how the prompt goes in", lambda r, t: t.workload.prompt_mode),
}

_TRIAL: Mapping[str, Column] = {
    "number": Column(WHOLE, "trial: counts from 1 within the case", lambda r, t: t.number),
    "started_at": Column(MOMENT, "trial: when it began, UTC", lambda r, t: t.started_at),
    "outcome": Column(TEXT, "trial: how it ended; only ok enters a figure", lambda r, t: t.outcome.value),
    "reason": Column(TEXT, "trial: why, for any outcome but ok", lambda r, t: t.reason),
    "decode_tok_s": Column(REAL, "decode rate of an ok trial, tok/s", lambda r, t: t.decode_tok_s),
    "decode_clock": Column(TEXT, "decode rate: engine, client or reported", lambda r, t: _clock(t)),
    "decode_engine_tok_s": Column(
        REAL, "decode rate by the engine's clock, tok/s", lambda r, t: t.decode_engine_tok_s
    ),
    "decode_client_tok_s": Column(
        REAL, "decode rate by the client's clock, tok/s", lambda r, t: t.decode_client_tok_s
    ),
    "decode_reported_tok_s": Column(
        REAL, "decode rate as somebody else printed it, tok/s", lambda r, t: t.reported_decode_tok_s
    ),
    "prefill_tok_s": Column(REAL, "uncached prompt tokens a second, tok/s", lambda r, t: t.prefill_tok_s),
    "prefill_verified": Column(
        FLAG, "the prompt is known not to have come from a cache", lambda r, t: t.prefill_verified
    ),
    "ttft_s": Column(REAL, "time to first token, s", lambda r, t: t.ttft_s),
    "load_first_s": Column(REAL, "load, the first of the run, s", lambda r, t: t.load_first_s),
    "load_later_s": Column(REAL, "load, a later one of the run, s", lambda r, t: t.load_later_s),
    "tokens_in": Column(WHOLE, "prompt tokens, cached ones included", lambda r, t: t.tokens_in),
    "tokens_cached": Column(WHOLE, "prompt tokens from a cache", lambda r, t: t.tokens_cached),
    "tokens_out": Column(WHOLE, "generated tokens by the engine's count", lambda r, t: t.tokens_out),
    "tokens_drafted": Column(
        WHOLE, "tokens proposed by a draft (speculative decoding)", lambda r, t: t.tokens_drafted
    ),
    "prefill_s": Column(REAL, "time for the uncached prompt tokens, s", lambda r, t: t.prefill_s),
    "decode_engine_s": Column(
        REAL, "first token to last by the engine's clock, s", lambda r, t: t.decode_engine_s
    ),
    "decode_client_s": Column(
        REAL, "first chunk to last by the client's clock, s", lambda r, t: t.decode_client_s
    ),
    "context_tokens": Column(WHOLE, "context length the engine reports, tokens", lambda r, t: t.context_tokens),
    "needed_bytes": Column(WHOLE, "memory the model was expected to need, bytes", lambda r, t: t.needed_bytes),
    "available_bytes": Column(WHOLE, "memory there was before the load, bytes", lambda r, t: t.available_bytes),
    "rss_bytes": Column(
        WHOLE, "peak resident set of the engine's processes, bytes", lambda r, t: t.memory.rss_bytes
    ),
    "available_fall_bytes": Column(
        WHOLE, "largest fall in available memory, bytes", lambda r, t: t.memory.available_fall_bytes
    ),
    "engine_bytes": Column(WHOLE, "size the engine reports, bytes", lambda r, t: t.memory.engine_bytes),
    "engine_vram_bytes": Column(WHOLE, "part of it in GPU memory, bytes", lambda r, t: t.memory.engine_vram_bytes),
    "swap_rise_bytes": Column(WHOLE, "largest rise in swap, bytes", lambda r, t: t.memory.swap_rise_bytes),
    "power_source": Column(TEXT, "before the trial: mains or battery", lambda r, t: t.before.power_source),
    "power_mode": Column(TEXT, "before the trial: power mode or governor", lambda r, t: t.before.power_mode),
    "load_1m": Column(REAL, "before the trial: load average, processes", lambda r, t: t.before.load_1m),
    "cpu_busy": Column(
        REAL, "before the trial: share of processor time in use, 0 to 1", lambda r, t: t.before.cpu_busy
    ),
    "swap_used_bytes": Column(
        WHOLE, "before the trial: swap in use, bytes", lambda r, t: t.before.swap_used_bytes
    ),
    "temperature_c": Column(
        REAL, "before the trial: hottest processor sensor, °C", lambda r, t: t.before.temperature_c
    ),
    "others_cpu": Column(
        REAL, "during the trial: processors kept busy by others, count", lambda r, t: t.during.others_cpu
    ),
    "stolen_cpu": Column(
        REAL,
        "during the trial: share of time taken by a virtual machine's host, 0 to 1",
        lambda r, t: t.during.stolen_cpu,
    ),
    "swapped_bytes": Column(
        WHOLE, "during the trial: moved to and from swap, bytes", lambda r, t: t.during.swapped_bytes
    ),
    "available_least_bytes": Column(
        WHOLE, "during the trial: least memory available, bytes", lambda r, t: t.during.available_least_bytes
    ),
    "cpu_mhz": Column(REAL, "during the trial: processor clock, MHz", lambda r, t: t.during.cpu_mhz),
    "temperature_most_c": Column(
        REAL, "during the trial: hottest processor sensor, °C", lambda r, t: t.during.temperature_most_c
    ),
    "throttled": Column(
        WHOLE, "during the trial: slow-downs because of heat, count", lambda r, t: t.during.throttled
    ),
    "asleep_s": Column(REAL, "during the trial: time the machine slept, s", lambda r, t: t.during.asleep_s),
    "clock_step_s": Column(REAL, "during the trial: step of the date, s", lambda r, t: t.during.clock_step_s),
    "speed_limit": Column(
        REAL,
        "after the trial: share of full speed that the system allows, 0 to 1",
        lambda r, t: t.after.speed_limit,
    ),
    "warnings": Column(
        TEXT,
        "trial: what makes it doubtful, with commas between; none for nothing",
        lambda r, t: _listed(t.warnings),
    ),
    "nonce": Column(
        TEXT, "text before the prompt that no cache can know", lambda r, t: t.nonce and t.nonce.strip()
    ),
}

COLUMNS: Mapping[str, Column] = {**_WHO, **_WORK, **_TRIAL}
"""Name -> column, in the order of the table."""

REQUIRED = ("machine", "machine_id", "engine", "run", "model", "outcome")
"""Columns without which a file is no merged table; others that it lacks are unknown."""
