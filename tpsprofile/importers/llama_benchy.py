"""llama-benchy's JSON: requests to a server of any kind, timed by the client, with the value of every run.

A run's prefill rate is prompt tokens / (time to the first response - the network's latency), its decode rate
(n - 1) / (end - first token) (``src/llama_benchy/results.py``). Nothing tells how much of a prompt came from the
server's cache, and with one a single value may be ten times the others: prefill stays unverified.

What a file says twice is compared: means and deviations with their values, rates of all requests with those of
each, prompt time with the time to the first response, and rate times time makes a whole number of tokens.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from tpsprofile.importers import documents, figures
from tpsprofile.importers.reported import UNVERIFIED, Part, Refused
from tpsprofile.records import EngineInfo, ModelFacts, Outcome, Trial, Workload

METHOD = "llama-benchy"
NO_ENGINE = "unknown server"

_METRICS = ("pp_throughput", "tg_throughput", "ttfr", "est_ppt", "e2e_ttft")
_SAME = 1e-9
"""Share by which sums of the same numbers may differ."""
_WHOLE = 1e-4
"""Tokens by which rate times time may differ from a whole number."""
_TEMPLATE = 128
"""Tokens that a chat template takes at most."""
_CACHED = 2.0
"""A prefill rate so many times the lowest of its row is that of a cache, if anything."""


class _Row(NamedTuple):
    """One test: its size, and its values run by run."""

    concurrency: int
    depth: int
    prompt: int
    answer: int
    loads_context: bool
    values: Mapping[str, Sequence[float]]
    line: int | None


def claims(text: str) -> bool:
    """There are at least two of the keys that no other tool has together."""
    keys = ("benchmarks", "pp_throughput", "is_context_prefill_phase", "latency_mode", "est_ppt", "e2e_ttft")
    return sum(f'"{key}"' in text for key in keys) >= 2


def read(text: str) -> tuple[Part, ...]:
    """One part; a trial for each value of a single request at a time. Raises Refused."""
    whole = documents.document(text)
    entries = documents.table(whole, "benchmarks")
    lines = documents.lines_of(text, "prompt_size", entries)
    latency_ms = figures.real(whole.get("latency_ms"), "latency_ms", None, zero=True)
    model, caching = figures.word(whole.get("model"), "model", None), whole.get("prefix_caching_enabled") is True
    rows = [_row(entry, line, latency_ms, caching=caching) for entry, line in zip(entries, lines, strict=True)]
    _check_pairs(rows)
    alone = [row for row in rows if row.concurrency == 1 and not row.loads_context]
    trials: list[Trial] = []
    same: Counter[Workload] = Counter()
    for row in alone:
        for trial in _trials(row, model, caching=caching):
            same[trial.workload] += 1
            trials.append(msgspec.structs.replace(trial, number=same[trial.workload]))
    if not trials:
        raise Refused("It has no figures of one request at a time.")
    return (
        Part(
            method=METHOD,
            engine=EngineInfo(name=NO_ENGINE),
            options={"latency_mode": _plain(whole, "latency_mode"), "prefix_caching_enabled": caching},
            started_at=_started(whole.get("timestamp")),
            trials=tuple(trials),
            remarks=(*_remarks(rows, alone, caching=caching), UNVERIFIED),
        ),
    )


def _row(entry: Mapping[str, Any], line: int | None, latency_ms: float, *, caching: bool) -> _Row:
    concurrency = figures.whole(entry.get("concurrency"), "concurrency", line, least=1)
    depth, prompt, answer = (
        figures.tokens(entry.get(key), key, line) for key in ("context_size", "prompt_size", "response_size")
    )
    loads = entry.get("is_context_prefill_phase")
    if not isinstance(loads, bool):
        raise Refused(f"is_context_prefill_phase is {figures.shown(loads)}, not true or false.", line)
    values = {key: _values(entry.get(key), key, line) for key in _METRICS}
    row = _Row(concurrency, depth, prompt, answer, loads, values, line)
    if concurrency == 1:
        _check_twice(entry, row)
        _check_times(row, latency_ms)
        _check_size(row, caching=caching)
    return row


def _values(metric: object, what: str, line: int | None) -> tuple[float, ...]:
    """The values of a metric, held against their mean and deviation; empty where it does not apply."""
    if metric is None:
        return ()
    if not isinstance(metric, dict) or not isinstance(metric.get("values"), list) or not metric["values"]:
        raise Refused(f"{what} is {figures.shown(metric)}, not a mean with its values.", line)
    values = tuple(figures.real(value, what, line, most=figures.RATE_MOST) for value in metric["values"])
    mean = figures.real(metric.get("mean"), f"the mean of {what}", line)
    spread = figures.real(metric.get("std"), f"the deviation of {what}", line, zero=True)
    of_values, spread_of = statistics.fmean(values), statistics.pstdev(values)
    if not math.isclose(mean, of_values, rel_tol=_SAME):
        raise Refused(f"The mean of {what} is {mean:.7g}, and its values make {of_values:.7g}.", line)
    if not math.isclose(spread, spread_of, rel_tol=1e-6, abs_tol=mean * _SAME):
        raise Refused(f"The deviation of {what} is {spread:.7g}, and its values make {spread_of:.7g}.", line)
    return values


def _check_twice(entry: Mapping[str, Any], row: _Row) -> None:
    """With one request at a time, the rates of all are those of each."""
    for key, again in (("pp_throughput", "pp_req_throughput"), ("tg_throughput", "tg_req_throughput")):
        if entry.get(again) is not None and _values(entry[again], again, row.line) != row.values[key]:
            raise Refused(f"{key} and {again} differ, with one request at a time.", row.line)


def _check_times(row: _Row, latency_ms: float) -> None:
    """Prompt times are those to the first response without the latency, and hold a whole number of tokens."""
    response, prompt, first, rates = (row.values[key] for key in ("ttfr", "est_ppt", "e2e_ttft", "pp_throughput"))
    if not len(response) == len(prompt) == len(first) == len(rates):
        raise Refused("The metrics of the prompt have unlike numbers of values.", row.line)
    for all_ms, own_ms, token_ms, rate in zip(response, prompt, first, rates, strict=True):
        if not math.isclose(max(0.0, all_ms - latency_ms), own_ms, rel_tol=1e-6):
            said = f"{all_ms:.6g} ms to the first response, {latency_ms:.6g} ms of them latency"
            raise Refused(f"est_ppt is {own_ms:.6g} ms: {said}.", row.line)
        if token_ms < all_ms:
            said = f"The first token, after {token_ms:.6g} ms, is before the response, after {all_ms:.6g} ms."
            raise Refused(said, row.line)
        tokens = rate * own_ms / 1000
        if abs(tokens - round(tokens)) > _WHOLE * max(1.0, tokens * 1e-2) or round(tokens) < 1:
            raise Refused(f"{rate:.6g} tok/s in {own_ms:.6g} ms are {tokens:.6g} tokens.", row.line)


def _check_size(row: _Row, *, caching: bool) -> None:
    """Prompts are about as long as asked for: less a chat template, and the server's count within 20%."""
    asked = row.depth if row.loads_context else row.prompt if caching else row.depth + row.prompt
    for rate, own_ms in zip(row.values["pp_throughput"], row.values["est_ppt"], strict=True):
        tokens = round(rate * own_ms / 1000)
        if not 0.8 * asked - _TEMPLATE <= tokens <= 1.2 * asked + _TEMPLATE:
            raise Refused(f"A prompt of {tokens} tokens is not one of {asked}.", row.line)


def _check_pairs(rows: Sequence[_Row]) -> None:
    """A context that is put into the cache is one that the test behind it goes on from."""
    for load, test in pairwise([*rows, None]):
        if load is not None and load.loads_context and (test is None or _size(load) != _size(test)):
            raise Refused(f"No test goes on from the context of {load.depth} tokens.", load.line)


def _size(row: _Row) -> tuple[int, int, int, int]:
    return row.concurrency, row.depth, row.prompt, row.answer


def _trials(row: _Row, model: str, *, caching: bool) -> Iterator[Trial]:
    decode = row.values["tg_throughput"]
    times, firsts, rates = (row.values[key] for key in ("est_ppt", "e2e_ttft", "pp_throughput"))
    if len(decode) != len(times):
        return
    for rate, own_ms, first_ms, fill in zip(decode, times, firsts, rates, strict=True):
        yield Trial(
            model=ModelFacts(name=model),
            workload=Workload(
                prompt=METHOD,
                prompt_tokens=row.prompt,
                depth_tokens=row.depth,
                tokens_out=row.answer,
                prompt_mode="chat",
            ),
            outcome=Outcome.OK,
            ttft_s=first_ms / 1000,
            tokens_in=None if caching and row.depth else round(fill * own_ms / 1000),
            prefill_s=own_ms / 1000,
            reported_decode_tok_s=rate,
        )


def _remarks(rows: Sequence[_Row], alone: Sequence[_Row], *, caching: bool) -> Iterator[str]:
    many = sum(row.concurrency > 1 for row in rows)
    if many:
        yield f"{many} of {len(rows)} tests are of several requests at once: left out."
    loads = sum(row.loads_context and row.concurrency == 1 for row in rows)
    if loads:
        yield f"{loads} of {len(rows)} tests put the context into the cache: left out."
    for row in alone:
        where = f"pp{row.prompt}" + (f" @ d{row.depth}" if row.depth else "")
        fill = row.values["pp_throughput"]
        if len(row.values["tg_throughput"]) != len(fill):
            yield f"{where}: not every run gave a decode rate, and which ones did is not told: left out."
        elif fill and max(fill) > _CACHED * min(fill):
            told = ", ".join(f"{value:.0f}" for value in fill)
            yield f"{where}: prefill of {told} tok/s: the server has prompts in a cache."
        tokens = {round(rate * ms / 1000) for rate, ms in zip(fill, row.values["est_ppt"], strict=True)}
        if not caching and not row.depth and tokens and tokens != {row.prompt}:
            yield f"{where}: prompts had {', '.join(map(str, sorted(tokens)))} tokens."


def _started(text: object) -> datetime | None:
    """``2026-11-21 18:21:07Z``"""
    if text is None:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?", text):
        raise Refused(f"timestamp is {figures.shown(text)}, not a date and time.")
    try:
        return msgspec.convert(text.removesuffix("Z") + "Z", datetime)
    except msgspec.ValidationError:
        raise Refused(f"timestamp is {figures.shown(text)}, not a date and time.") from None


def _plain(whole: Mapping[str, Any], key: str) -> str | None:
    value = whole.get(key)
    return None if value is None else figures.word(value, key, None)
