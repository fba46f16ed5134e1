"""One test of llama-bench: what was run and what came out, from a raw row, with all that it says twice compared.

What llama-bench computes (``struct test`` in its source): the rate of a repetition is (n_prompt + n_gen) / time;
``avg_ts`` is the mean of the rates, ``avg_ns`` the mean of the times cut to a whole number, and ``stddev_ts`` the
standard deviation of the rates as a sample. Its ``stddev_ns`` overflows from some seconds on: nobody looks at it.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tpsprofile.importers import figures, names
from tpsprofile.importers.llama_bench_options import engine, options
from tpsprofile.importers.llama_bench_rows import Raw
from tpsprofile.importers.reported import Option, Refused
from tpsprofile.records import EngineInfo, ModelFacts, Record

LATER_THAN_DEPTH = frozenset(
    {"no_op_offload", "devices", "no_host", "n_cpu_moe", "load_mode", "use_direct_io", "fit_target", "repack"}
)
"""Keys that came after ``n_depth``: a row with one of them has it."""
MOST_SAMPLES = 100_000
_PRINTED = 1e-5
"""Rates of samples are printed with six digits."""
_ROUNDED = 2e-6
"""Means are printed with six decimals."""
_FOR_A_POST = 1e-3
"""Share of a rate up to which it may be rounded to fewer."""
_AS_PRINTED = "One of the two was changed. Take the file as llama-bench wrote it."
_FARTHEST = 7
"""Deviations of the sample by which one of 51 repetitions can be off their mean: (r - 1) / r^(1/2), less of fewer.

P. A. Samuelson, How Deviant Can You Be?, Journal of the American Statistical Association 63 (1968).
"""
_ACTIVE = re.compile(r"[ .]A(\d+(?:\.\d+)?)([MB])\b", re.ASCII)
_MIXTURE = re.compile(r"moe\b|\d+x\d+B|[ .]A\d|^(?:gpt-oss|deepseek|grok|dbrx|llama4|arctic)", re.IGNORECASE)
_NAMES_NOTHING = re.compile(r"(?:ggml-)?model(?:[-_.][A-Za-z0-9_.-]+)?", re.IGNORECASE)
"""What converters call a file unless told otherwise."""
_BITS = (0.8, 40.0)
"""Bits of a file for each parameter: from ternary weights to whole floats with something beside them."""


class Rates(NamedTuple):
    """What came out of a test."""

    rates: tuple[float, ...]
    """tok/s"""
    seconds: tuple[float, ...]
    deviation: float | None
    """tok/s"""


class Measured(Record, frozen=True, kw_only=True):
    """One test: a model, options, how many tokens, and the rate of each repetition, or the mean of them."""

    line: int
    model: ModelFacts
    engine: EngineInfo
    options: dict[str, Option]
    n_prompt: int
    n_gen: int
    depth: int
    rates: tuple[float, ...]
    """tok/s, one for each repetition; the mean alone where the file has no more."""
    seconds: tuple[float, ...]
    """For each rate the time that it stands for."""
    is_mean: bool
    deviation: float | None
    """Standard deviation of the repetitions, tok/s."""
    began: datetime | None = None
    ran_on: str | None = None
    """Processor and graphics, as llama-bench found them."""

    @property
    def name(self) -> str:
        """As llama-bench's tables call it: ``pp512``, ``tg128 @ d4096``."""
        parts = [f"pp{self.n_prompt}" if self.n_prompt else "", f"tg{self.n_gen}" if self.n_gen else ""]
        return "+".join(filter(None, parts)) + (f" @ d{self.depth}" if self.depth else "")


def checked(raw: Raw) -> Measured:
    """The test of a row of JSON, CSV or SQL. Raises Refused where the row contradicts itself."""
    line, cells = raw
    n_prompt = figures.tokens(cells["n_prompt"], "n_prompt", line)
    n_gen = figures.tokens(cells["n_gen"], "n_gen", line)
    if n_prompt + n_gen == 0:
        raise Refused("A test without tokens.", line)
    measured = _measured(cells, n_prompt + n_gen, line)
    return Measured(
        line=line,
        model=_model(cells, line),
        engine=engine(cells, line),
        options=options(cells, line),
        n_prompt=n_prompt,
        n_gen=n_gen,
        depth=_depth(cells, line),
        rates=measured.rates,
        seconds=measured.seconds,
        is_mean="samples_ts" not in cells,
        deviation=measured.deviation,
        began=_moment(cells.get("test_time"), line),
        ran_on=_ran_on(cells, line),
    )


def check_alike(rows: Sequence[Raw]) -> None:
    """Raises Refused where two rows of one build have other keys, or name one model and describe two."""
    keys: dict[Any, Raw] = {}
    models: dict[Any, Raw] = {}
    for raw in rows:
        build = figures.shown((raw.cells.get("build_commit"), raw.cells.get("build_number")))
        first = keys.setdefault(build, raw)
        if odd := sorted(first.cells.keys() ^ raw.cells.keys()):
            raise Refused(f"Of this row and the one of line {first.line} only one has {odd[0]}.", raw.line)
        if path := raw.cells.get("model_filename"):
            other = models.setdefault(figures.shown(path, 500), raw)
            for key in ("model_type", "model_size", "model_n_params"):
                _check_same(key, raw, other)


def _check_same(key: str, raw: Raw, other: Raw) -> None:
    mine, others = figures.shown(raw.cells.get(key)), figures.shown(other.cells.get(key))
    if mine != others:
        raise Refused(f"{key} is {mine}, but {others} for the same model in line {other.line}.", raw.line)


def plausible_size(size: int | None, parameters: int | None, line: int) -> None:
    """Raises Refused where a file of so many bytes cannot hold so many parameters."""
    if size and parameters and not _BITS[0] <= size * 8 / parameters <= _BITS[1]:
        raise Refused(
            f"{size:,} bytes for {parameters:,} parameters: {size * 8 / parameters:.3g} bits each.", line
        )


def active(description: str, parameters: int | None) -> int | None:
    """Parameters that work on each token: of a mixture of experts as its description rounds them (``30B.A3B``)."""
    if found := _ACTIVE.search(description):
        rounded = round(float(found[1]) * (1e9 if found[2] == "B" else 1e6))
        return rounded if parameters is None else min(rounded, parameters)
    return None if is_mixture(description) else parameters


def is_mixture(description: str) -> bool:
    """A mixture of experts, by its description."""
    return bool(_MIXTURE.search(description))


# ------------------------------------------------------------------------------------------------- figures


def _measured(cells: Mapping[str, Any], tokens: int, line: int) -> Rates:
    """Rates, times and the deviation of a row, held against each other."""
    mean_ns = figures.whole(cells["avg_ns"], "avg_ns", line, least=1, most=figures.SECONDS_MOST * 10**9)
    mean = figures.rate(cells["avg_ts"], "avg_ts", line)
    deviation = _deviation(cells, line)
    if "samples_ts" not in cells and "samples_ns" not in cells:
        _check_mean(mean, deviation, tokens / mean_ns * 1e9, line)
        return Rates((mean,), (tokens / mean,), deviation)
    times = [figures.whole(one, "samples_ns", line, least=1) for one in _samples(cells, "samples_ns", line)]
    rates = [figures.rate(one, "samples_ts", line) for one in _samples(cells, "samples_ts", line)]
    if len(times) != len(rates):
        raise Refused(f"{len(times)} samples_ns and {len(rates)} samples_ts.", line)
    exact = [tokens / one * 1e9 for one in times]
    for place, by_time in enumerate(exact):
        slack = min(_half_unit(cells["samples_ts"][place]), _FOR_A_POST * by_time)
        name = f"samples_ts ({place + 1})"
        _agree(name, rates[place], by_time, line, by="samples_ns", share=_PRINTED, slack=slack)
    _agree("avg_ns", mean_ns, sum(times) / len(times), line, by="samples_ns", slack=1.001)
    slack = max(_ROUNDED, min(_half_unit(cells["avg_ts"]), _FOR_A_POST * mean))
    _agree("avg_ts", mean, statistics.fmean(exact), line, by="samples_ns", share=1e-8, slack=slack)
    if deviation is not None:
        spread = statistics.stdev(exact) if len(exact) > 1 else 0.0
        slack = max(_ROUNDED + 1e-6 * mean, _half_unit(cells["stddev_ts"]))
        _agree("stddev_ts", deviation, spread, line, by="samples_ns", share=1e-4, slack=slack)
    return Rates(tuple(rates), tuple(one / 1e9 for one in times), deviation)


def _check_mean(mean: float, deviation: float | None, of_time: float, line: int) -> None:
    """The mean of rates, held against the rate in the mean of times, where the single ones are not told.

    With times t = n / x of rates x with mean a: a * mean(t) / n - 1 = mean((x - a)^2 / x) / a, which is never
    below 0, and for rates within k deviations of their mean at most v / (1 - k v^(1/2)), v the square of their
    relative deviation. From a relative deviation of about an eighth on, only the first can be said.
    """
    excess = mean / of_time - 1
    relative = (deviation or 0.0) / mean
    slack = 2e-6 + _ROUNDED / mean
    most = relative**2 / (1 - _FARTHEST * relative) if _FARTHEST * relative < 0.9 else math.inf
    if not -slack <= excess <= most + slack:
        raise Refused(f"avg_ts is {mean:.6g}, but {of_time:.6g} by avg_ns.", line, _AS_PRINTED)


def _deviation(cells: Mapping[str, Any], line: int) -> float | None:
    told = cells.get("stddev_ts")
    return None if told is None else figures.real(told, "stddev_ts", line, zero=True, most=figures.RATE_MOST)


def _samples(cells: Mapping[str, Any], key: str, line: int) -> list[Any]:
    found = cells.get(key)
    if not isinstance(found, list) or not 0 < len(found) <= MOST_SAMPLES:
        raise Refused(f"{key} is {figures.shown(found)}, not a list of numbers.", line)
    return found


def _agree(
    what: str, said: float, found: float, line: int, *, by: str, share: float = 0.0, slack: float = 0.0
) -> None:
    if abs(said - found) > share * abs(found) + slack:
        raise Refused(f"{what} is {said:.9g}, but {found:.9g} by {by}.", line, _AS_PRINTED)


def _half_unit(printed: Any) -> float:
    """Half a unit of the last place that a number is printed with: what rounding it may have taken."""
    exponent = Decimal(str(printed).strip()).as_tuple().exponent
    return 0.5001 * 10.0**exponent if isinstance(exponent, int) else 0.0


# ---------------------------------------------------------------------------------------- model, depth, time


def _model(cells: Mapping[str, Any], line: int) -> ModelFacts:
    size = _count(cells, "model_size", figures.BYTES_MOST, line)
    parameters = _count(cells, "model_n_params", figures.PARAMETERS_MOST, line)
    plausible_size(size, parameters, line)
    description = figures.word(cells.get("model_type", ""), "model_type", line)
    path = figures.word(cells.get("model_filename", ""), "model_filename", line)
    name = names.file_name(path)
    if not name or (description and _NAMES_NOTHING.fullmatch(name)):
        name = names.described(description)[0]
    if not name:
        raise Refused("A row that does not name its model.", line)
    return ModelFacts(
        name=name,
        parameters=parameters,
        parameters_active=active(description, parameters),
        quantisation=names.quantisation(description),
        file_bytes=size,
        architecture=description.split(" ")[0].lower() or None,
        format="gguf",
    )


def _count(cells: Mapping[str, Any], key: str, most: int, line: int) -> int | None:
    """A size; 0 is what llama-bench prints for one that it does not know."""
    return figures.whole(cells[key], key, line, most=most) or None if key in cells else None


def _depth(cells: Mapping[str, Any], line: int) -> int:
    """Builds from before there were depths measured at none."""
    if "n_depth" in cells:
        return figures.tokens(cells["n_depth"], "n_depth", line)
    if later := sorted(LATER_THAN_DEPTH & cells.keys()):
        raise Refused(f"A row without n_depth, though with {later[0]}, which came later.", line)
    return 0


def _moment(value: Any, line: int) -> datetime | None:
    if value is None:
        return None
    text = figures.word(value, "test_time", line)
    if not re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII):
        raise Refused(f"test_time is {figures.shown(value)}, not a time.", line)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise Refused(f"test_time is {figures.shown(value)}, not a time.", line) from None


def _ran_on(cells: Mapping[str, Any], line: int) -> str | None:
    told = [figures.word(cells.get(key, ""), key, line) for key in ("cpu_info", "gpu_info")]
    return ", ".join(dict.fromkeys(filter(None, told))) or None
