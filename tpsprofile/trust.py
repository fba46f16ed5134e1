"""How far a figure can be trusted: a closed list of warnings, and a grade from A to D.

``of_trial`` looks at what was recorded of one trial, ``of_case`` at how far the trials of one case agree; the
grade of a point is that of its worst warning. ``docs/measurement.md`` holds the same table for people, and a test
compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from tpsprofile import stats
from tpsprofile.records import EngineInfo, Machine, Trial
from tpsprofile.units import MIB


class Grade(StrEnum):
    """How far to trust a figure."""

    A = "A"
    """Nothing speaks against it."""
    B = "B"
    """A matter of per cents, or something that could not be checked."""
    C = "C"
    """It may be off by tens of per cent, or is not that of the machine at its best."""
    D = "D"
    """Not to be used for a decision."""


class Warning(StrEnum):  # noqa: A001  (the field's word; Python's is not used here)
    """Why a figure is doubtful: a closed set."""

    ONE_TRIAL = "one trial"
    NOT_CONVERGED = "not converged"
    UNSTEADY = "unsteady"
    ERRATIC = "erratic"
    OUTLIERS = "outliers"
    SLOWING = "slowing down"
    BUSY = "busy"
    HOST_BUSY = "host busy"
    BATTERY = "on battery"
    LOW_POWER = "low-power mode"
    THROTTLED = "throttled"
    HOT = "hot"
    MEMORY_SHORT = "memory short"
    SWAPPING = "swapping"
    SPILLED = "spilled to the CPU"
    TOO_FAST = "faster than memory"
    SPECULATIVE = "speculative decoding"
    SLOW_BUILD = "slow build"
    TRANSLATED = "translated"
    SIMULATED = "simulated"
    PROMPT_CACHED = "prompt cached"
    DEPTH_READ = "context read anew"
    DEPTH_UNVERIFIED = "cache unverified"
    OTHER_CONTEXT = "another context length"
    CONTEXT_UNVERIFIED = "context unverified"
    CLOCKS_DISAGREE = "clocks disagree"
    CLOCK_CHANGED = "clock changed"
    BUNDLED = "bundled tokens"
    FEW_CHUNKS = "few chunks"
    UNSEEN = "conditions unseen"


class Rule(NamedTuple):
    """What follows from one warning."""

    grade: Grade
    """The best grade that a figure with it can have."""
    when: str
    """When it is given."""
    advice: str
    """What to do about it."""


ROUGH, WILD = 0.10, 0.30
"""Half-widths of the 95% interval, as shares of the median, beyond which a rate is unsteady and erratic."""
FALL = 0.05
"""Share of its speed that a case must lose from first to last trial to count as slowing down."""
CHANCE = 0.05
"""How improbable such a fall must be."""
MOST_COMPARED = 200
OTHERS = 0.10
"""Share of all processors that others may keep busy."""
IDLE = 0.25
"""Share of processor time that may be in use before a trial, where nothing is known of the time within."""
STOLEN = 0.02
HOT_C = 95.0
SHORT = 0.03
"""Share of memory that should stay available."""
SWAPPED = 64 * MIB
CACHES = 256 * MIB
"""Models smaller than this may lie in a processor's caches, where the bandwidth of memory is no limit."""
PHYSICS = 1.15
"""Multiple of memory bandwidth beyond which a rate is impossible; embeddings need not be read each time."""
CLOCK_GAP = 0.05
CLOCK_STEP_S = 2.0
CACHED_TOKENS = 8
SENTENCE_SLACK = 32
"""Depths are met by whole sentences, which may end a little beyond."""
LOW_MODES = frozenset({"low", "low-power", "power-saver", "power saver", "quiet", "cool"})
LEAD, LEAD_MOST = 0.02, 0.10
"""Shares by which a rate from bundled tokens may be too high before it is doubtful, and before it is no use."""
FAST_SETS = frozenset(
    ("avx", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "dotprod", "i8mm", "sve"),
)
"""Instruction sets that change the speed of quantised models by more than a few per cent and that builds tell."""

RULES: Mapping[Warning, Rule] = {
    Warning.ONE_TRIAL: Rule(Grade.C, "a single trial, so nothing is known of its spread", "Let it run longer."),
    Warning.NOT_CONVERGED: Rule(
        Grade.B,
        "the 95% interval of the median is wider than the plan's precision",
        "Close other programs, or give it more time: --case-budget 5m.",
    ),
    Warning.UNSTEADY: Rule(
        Grade.C, "the interval is wider than ±10%", "Close other programs, and measure again on mains power."
    ),
    Warning.ERRATIC: Rule(
        Grade.D, "the interval is wider than ±30%", "Find out what else the machine is doing, and measure again."
    ),
    Warning.OUTLIERS: Rule(
        Grade.B,
        "a trial lies far from the others (modified z-score above 3.5)",
        "Look at the single trials; the median does not mind a few.",
    ),
    Warning.SLOWING: Rule(
        Grade.C,
        "trials became slower by more than 5%, too steadily for chance (Mann-Kendall, p < 0.05)",
        "Heat, most likely: see the lasting speed with --sustain 10m.",
    ),
    Warning.BUSY: Rule(
        Grade.C, "other programs used more than 10% of the processors", "Close other programs and run again."
    ),
    Warning.HOST_BUSY: Rule(
        Grade.C,
        "a virtual machine's host took more than 2% of its processor time",
        "Run again at a quieter time, or on a machine of your own.",
    ),
    Warning.BATTERY: Rule(Grade.C, "on battery", "Plug in and run again."),
    Warning.LOW_POWER: Rule(Grade.C, "a power mode that saves energy", "Choose another power mode and run again."),
    Warning.THROTTLED: Rule(
        Grade.C, "the system slowed the processor down because of heat", "Let it cool, give it air, and run again."
    ),
    Warning.HOT: Rule(Grade.B, "a processor sensor at 95 °C or above", "Give it air; see --sustain 10m."),
    Warning.MEMORY_SHORT: Rule(
        Grade.C, "less than 3% of memory stayed available", "Close other programs, or use a smaller quantisation."
    ),
    Warning.SWAPPING: Rule(
        Grade.D,
        "more than 64 MiB went to or from swap",
        "The model does not fit beside the rest: close other programs.",
    ),
    Warning.SPILLED: Rule(
        Grade.C,
        "part of the model is not in the graphics processor's memory",
        "Use a smaller quantisation or a shorter context.",
    ),
    Warning.TOO_FAST: Rule(
        Grade.D,
        "tokens/s times bytes a token exceeds memory bandwidth by more than 15%",
        "Something is wrong with the rate or the size: check both.",
    ),
    Warning.SPECULATIVE: Rule(
        Grade.C, "a draft guessed tokens ahead", "Switch it off to see the speed of the machine."
    ),
    Warning.SLOW_BUILD: Rule(
        Grade.C,
        "the engine's build lacks vector instructions that the processor has",
        "Use a build made for this processor; prefill gains most.",
    ),
    Warning.TRANSLATED: Rule(Grade.D, "the program ran under Rosetta", "Use a native Python."),
    Warning.SIMULATED: Rule(Grade.D, "the figures are invented", "Use a real engine."),
    Warning.PROMPT_CACHED: Rule(
        Grade.B, "more than 8 tokens of a fresh prompt came from a cache", "Only prefill and TTFT are concerned."
    ),
    Warning.DEPTH_READ: Rule(
        Grade.B,
        "the engine read the context before the prompt once more",
        "TTFT holds the time to read it; decode is not concerned.",
    ),
    Warning.DEPTH_UNVERIFIED: Rule(
        Grade.B,
        "the engine does not say whether the context before the prompt came from its cache",
        "TTFT may hold the time to read it; decode is not concerned.",
    ),
    Warning.OTHER_CONTEXT: Rule(
        Grade.B,
        "the server reserved a context length of its own, not the plan's",
        "Start the server with the plan's length; memory depends on it, and speed a little.",
    ),
    Warning.CONTEXT_UNVERIFIED: Rule(
        Grade.B,
        "the engine does not say which context length it reserved",
        "Look at how it was started; some versions tell. Memory depends on it, and speed a little.",
    ),
    Warning.CLOCKS_DISAGREE: Rule(
        Grade.B,
        "decode by the engine's clock and by the client's differ by more than 5%",
        "Something between the two is slow: network, proxy or a busy machine.",
    ),
    Warning.CLOCK_CHANGED: Rule(
        Grade.B, "the date was set by more than 2 s during a trial", "Durations are right; dates may not be."
    ),
    Warning.BUNDLED: Rule(
        Grade.C,
        "several tokens came in one chunk, so decode by the client's clock is 2 to 10% too high",
        "Have the server send token by token, without a draft or a proxy (vLLM: --stream-interval 1).",
    ),
    Warning.FEW_CHUNKS: Rule(
        Grade.D,
        "tokens came in so few chunks that decode by the client's clock is more than 10% too high",
        "Have the server send token by token, or ask for more: `tokens_out: 1024` in a plan.",
    ),
    Warning.UNSEEN: Rule(
        Grade.B,
        "it could not be seen what else the machine did",
        "Run tpsprofile on that machine itself.",
    ),
}
"""Every warning, worst ways to be wrong first within its kind."""


def of_trial(trial: Trial, machine: Machine, engine: EngineInfo) -> tuple[Warning, ...]:
    """What speaks against one trial's figures, in the order of ``Warning``. Judged alone, without its fellows."""
    lead = _lead(trial)
    found = {
        Warning.BUSY: _is_busy(trial, machine),
        Warning.HOST_BUSY: _above(trial.during.stolen_cpu, STOLEN),
        Warning.BATTERY: "battery" in {trial.before.power_source, trial.after.power_source},
        Warning.LOW_POWER: bool(LOW_MODES & {trial.before.power_mode, trial.after.power_mode}),
        Warning.THROTTLED: _above(trial.during.throttled, 0) or _below(trial.after.speed_limit, 1.0),
        Warning.HOT: _above(trial.during.temperature_most_c, HOT_C - 0.1),
        Warning.MEMORY_SHORT: machine.ram_bytes is not None
        and _below(trial.during.available_least_bytes, SHORT * machine.ram_bytes),
        Warning.SWAPPING: _above(trial.during.swapped_bytes, SWAPPED),
        Warning.SPILLED: _is_spilled(trial, machine),
        Warning.TOO_FAST: _is_too_fast(trial, machine, engine),
        Warning.SPECULATIVE: _above(trial.tokens_drafted, 0),
        Warning.SLOW_BUILD: bool(missing_features(machine, engine)),
        Warning.TRANSLATED: bool(machine.translated),
        Warning.SIMULATED: engine.simulated,
        Warning.PROMPT_CACHED: _above(trial.tokens_cached, _kept(trial.workload.depth_tokens or 0)),
        Warning.DEPTH_READ: _below(trial.tokens_cached, 0.9 * (trial.workload.depth_tokens or 0)),
        Warning.DEPTH_UNVERIFIED: bool(trial.workload.depth_tokens) and trial.tokens_cached is None,
        Warning.OTHER_CONTEXT: _is_other_context(trial),
        Warning.CONTEXT_UNVERIFIED: trial.context_tokens is None,
        Warning.CLOCKS_DISAGREE: _disagree(trial),
        Warning.CLOCK_CHANGED: _above(abs(trial.during.clock_step_s or 0.0), CLOCK_STEP_S),
        Warning.BUNDLED: LEAD < lead <= LEAD_MOST,
        Warning.FEW_CHUNKS: lead > LEAD_MOST,
        Warning.UNSEEN: not engine.simulated and trial.during.others_cpu is None and trial.before.cpu_busy is None,
    }
    return tuple(warning for warning in Warning if found.get(warning))


def of_case(rates: Sequence[float], precision: float | None) -> tuple[Warning, ...]:
    """What the decode rates of a case, in the order of measurement, say against their median.

    ``precision`` is the half-width that was aimed at, as a share; None where there was no aim.
    """
    found = []
    width = stats.relative_half_width(rates)
    if len(rates) == 1:
        found.append(Warning.ONE_TRIAL)
    elif width is not None:
        limits = [(WILD, Warning.ERRATIC), (ROUGH, Warning.UNSTEADY)]
        if precision is not None:
            limits.append((precision, Warning.NOT_CONVERGED))
        found += [warning for limit, warning in limits if width > limit][:1]
    if any(stats.outliers(rates)):
        found.append(Warning.OUTLIERS)
    if is_slowing(rates):
        found.append(Warning.SLOWING)
    return tuple(found)


def is_slowing(rates: Sequence[float]) -> bool:
    """Whether rates, in the order of measurement, fall too far and too steadily for chance.

    Of more than 200 an even sample is looked at: all pairs are compared, and this is asked after every trial.
    """
    if len(rates) < 4:
        return False
    few = rates[:: -(-len(rates) // MOST_COMPARED)]
    lost = -stats.slope(few) * (len(few) - 1) / max(few)
    return lost > FALL and stats.falling(few) < CHANCE


def of_point(
    trials: Iterable[Iterable[str]], rates: Sequence[float], precision: float | None
) -> tuple[Warning, ...]:
    """The warnings of a point: those that at least half of its trials bear, and those of the case."""
    told = [set(words) for words in trials]
    counts = {warning: sum(warning in words for words in told) for warning in Warning}
    common = {warning for warning, count in counts.items() if count and count * 2 >= len(told)}
    all_of = common | set(of_case(rates, precision))
    return tuple(warning for warning in Warning if warning in all_of)


def grade(warnings: Iterable[Warning]) -> Grade:
    """The worst grade that any of them allows; A without any."""
    return max((RULES[warning].grade for warning in warnings), default=Grade.A)


def missing_features(machine: Machine, engine: EngineInfo) -> tuple[str, ...]:
    """Fast vector instructions of the processor that the engine's build leaves unused.

    Empty where the engine computes on a graphics processor or does not tell.
    """
    if engine.cpu_features is None or engine.devices or engine.remote:
        return ()
    missing = (FAST_SETS & set(machine.cpu_features)) - set(engine.cpu_features)
    if "avx512_vnni" in engine.cpu_features:
        missing -= {"avx_vnni"}  # the same instruction in a wider form
    return tuple(sorted(missing))


def bytes_read(
    file_bytes: float | None, parameters: float | None, parameters_active: float | None
) -> float | None:
    """Bytes of weights that each generated token reads: the file, or the active share of a mixture of experts.

    Cache and buffers come on top, embeddings that are only looked up go off: a few per cent either way. None where
    the size of the file is not known, or whether the model is a mixture.
    """
    if file_bytes is None:
        return None
    if parameters and parameters_active:
        return file_bytes * parameters_active / parameters
    return None if parameters_active is None and parameters is None else float(file_bytes)


def _is_busy(trial: Trial, machine: Machine) -> bool:
    others = trial.during.others_cpu
    if others is not None and machine.cores_logical:
        return others / machine.cores_logical > OTHERS
    return _above(trial.before.cpu_busy, IDLE)


def _is_spilled(trial: Trial, machine: Machine) -> bool:
    size, vram = trial.memory.engine_bytes, trial.memory.engine_vram_bytes
    roomy = bool(machine.unified_memory) or any(gpu.vram_bytes for gpu in machine.gpus)
    return roomy and size is not None and vram is not None and vram < size


def _is_too_fast(trial: Trial, machine: Machine, engine: EngineInfo) -> bool:
    """Only where the weights are known to lie in the memory whose bandwidth is known, and how many a token reads.

    Servers that tell how many parameters a model has do not tell whether it is a mixture of experts.
    """
    known = [one for one in (machine.bandwidth_bytes_s, machine.bandwidth_spec_bytes_s) if one]
    model, rate = trial.model, trial.decode_tok_s
    read = bytes_read(model.file_bytes, model.parameters, model.parameters_active)
    elsewhere = machine.gpus and not machine.unified_memory and engine.may_use_gpu
    if (
        not known
        or read is None
        or model.parameters_active is None
        or rate is None
        or read < CACHES
        or elsewhere
        or engine.remote
        or engine.simulated
    ):
        return False
    return rate * read > PHYSICS * max(known)


def _is_other_context(trial: Trial) -> bool:
    """A model that was made for less than the plan's length is given what it was made for."""
    told, asked = trial.context_tokens, trial.workload.context_tokens
    if told is None or asked is None:
        return False
    return told != min(asked, trial.model.longest_context or asked)


def _kept(depth: int) -> int:
    """Tokens that may come from a cache: a few of a fresh prompt; of a deep one its depth and a sentence."""
    return depth + SENTENCE_SLACK if depth else CACHED_TOKENS


def _disagree(trial: Trial) -> bool:
    engine, client = trial.decode_engine_tok_s, trial.decode_client_tok_s
    return engine is not None and client is not None and abs(engine / client - 1) > CLOCK_GAP


def _lead(trial: Trial) -> float:
    """By what share decode by the client's clock is too high where n tokens came evenly in c chunks.

    (n - 1) / t is printed, and n - n / c tokens came in the time t from the first chunk to the last. 0 where
    the engine has a clock of its own, and where nobody counted.
    """
    tokens, chunks = trial.tokens_out, trial.chunks
    if trial.decode_engine_tok_s is not None or not tokens or chunks is None or chunks >= tokens:
        return 0.0
    return (tokens - 1) / (tokens - tokens / chunks) - 1 if chunks > 1 else math.inf


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit
