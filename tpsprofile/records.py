"""The records that everything else passes on: frozen, plain, every field with its unit and meaning.

Rules for all of them: quantities are in base units (s, bytes, tok/s, parameters); unknown is None, never 0;
what one room measured, no later room changes. ``docs/results-format.md`` is the same list for readers of files.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A value: compared by content, never changed in place."""


# ---------------------------------------------------------------------------------------------- the machine


class CoreGroup(Record, frozen=True, kw_only=True):
    """Cores of one kind, named as the system names them (``Performance``, ``Super``, ``Cortex-X925``)."""

    name: str
    count: int
    """Physical cores."""


class Gpu(Record, frozen=True, kw_only=True):
    """A graphics processor."""

    name: str
    cores: int | None = None
    """GPU cores as the vendor counts them (Apple's 10, 40); None where the vendor does not say."""
    vram_bytes: int | None = None
    """Dedicated memory; None where there is none of its own (unified memory) or it is unknown."""
    shared_bytes: int | None = None
    """System memory that the GPU may use besides (AMD's GTT, Apple's wired limit where one is set)."""


class Machine(Record, frozen=True, kw_only=True):
    """What a computer is. Nothing here names its owner, host or serial number."""

    id: str
    """Stable for one installation of a system; a keyed hash, so the number behind it cannot be read back."""
    chip: str
    """Marketing name of the processor or system chip, blanks normalised."""
    tag: str | None = None
    """The user's own name for it (``--tag``)."""
    model: str | None = None
    """The maker's model name (``Mac16,5``)."""
    arch: str | None = None
    """Instruction set: ``x86_64``, ``arm64``."""
    cores_physical: int | None = None
    cores_logical: int | None = None
    core_groups: tuple[CoreGroup, ...] = ()
    """Kinds of cores, fastest first where the system says so; empty where all are alike or it is unknown."""
    gpus: tuple[Gpu, ...] = ()
    ram_bytes: int | None = None
    """Memory that the system manages (a little less than is installed)."""
    unified_memory: bool | None = None
    """Processor and graphics share one memory."""
    os: str | None = None
    """Name and version: ``macOS 26.6.2``, ``Linux 6.1.0``."""
    virtual: bool | None = None
    """A virtual machine or a container."""
    translated: bool | None = None
    """This process runs under Rosetta; its figures say little about the machine."""
    cpu_features: tuple[str, ...] = ()
    """Vector instruction sets of interest, in lower case (``avx2``, ``avx512f``, ``neon``)."""
    bandwidth_bytes_s: float | None = None
    """Memory bandwidth measured here, best of a few passes over more than the caches hold."""
    bandwidth_spec_bytes_s: float | None = None
    """Memory bandwidth as the maker states it; None for a chip that is not in the table of ``machine.chips``."""

    @property
    def ram_label(self) -> str | None:
        """Memory as it is sold (``128 GB``), None where unknown."""
        from tpsprofile.units import nominal_ram

        return None if self.ram_bytes is None else nominal_ram(self.ram_bytes)

    @property
    def label(self) -> str:
        """What charts and tables call it: the tag, or chip and memory (``AMD EPYC, 2 cores, 24 GB``)."""
        if self.tag:
            return self.tag
        apple = self.chip.startswith("Apple")
        cores = None if apple or self.cores_physical is None else f"{self.cores_physical} cores"
        if apple:
            return " ".join(filter(None, [self.chip, self.ram_label]))
        return ", ".join(filter(None, [self.chip, cores, self.ram_label]))


class Conditions(Record, frozen=True, kw_only=True):
    """What may disturb a measurement, at one moment."""

    power_source: str | None = None
    """``mains`` or ``battery``."""
    power_mode: str | None = None
    """``low``, ``automatic``, ``high``, or the name of the governor or power profile."""
    load_1m: float | None = None
    """Load average over one minute: runnable processes."""
    cpu_busy: float | None = None
    """Share of all processor time in use, 0 to 1, over the moment it was looked at."""
    available_bytes: int | None = None
    """Memory that programs could still get without swapping."""
    swap_used_bytes: int | None = None
    cpu_mhz: float | None = None
    """Clock of the processor, mean over its cores."""
    temperature_c: float | None = None
    """The hottest sensor of the processor, degrees Celsius."""
    speed_limit: float | None = None
    """Share of its full speed that the system allows the processor because of heat or power, 0 to 1."""


class During(Record, frozen=True, kw_only=True):
    """What happened on the machine while a trial ran."""

    others_cpu: float | None = None
    """Processors kept busy by programs other than the engine and this one, on average (1.0 is one core)."""
    stolen_cpu: float | None = None
    """Share of processor time that a virtual machine's host took for others, 0 to 1."""
    swapped_bytes: int | None = None
    """Memory moved to and from swap, by anybody."""
    available_least_bytes: int | None = None
    """The least memory that was available."""
    cpu_mhz: float | None = None
    """Clock of the processor, mean over its cores and over the trial."""
    temperature_most_c: float | None = None
    throttled: int | None = None
    """How often a processor core was slowed down because of heat."""
    asleep_s: float | None = None
    """Seconds that the machine slept. The steady clock stands still meanwhile, but not on every system."""
    clock_step_s: float | None = None
    """By how much the date was set forward (or back, below 0) beside the time that passed."""


# ------------------------------------------------------------------------------------------------ the model


class ModelFacts(Record, frozen=True, kw_only=True):
    """What is known of a model, from its file where there is one."""

    name: str
    """As engines and people call it: ``llama3.2:1b``."""
    parameters: int | None = None
    """All weights, from the file (``general.parameter_count`` or the sum of its tensors)."""
    parameters_active: int | None = None
    """Weights used for each token; equals ``parameters`` except for a mixture of experts."""
    quantisation: str | None = None
    """``Q4_K_M``, ``Q8_0``, ``F16``; ``4bit`` of MLX, in groups of 64."""
    file_bytes: int | None = None
    digest: str | None = None
    """``sha256:`` and the file's hash; for a synthetic twin a hash of its recipe."""
    architecture: str | None = None
    """``llama``, ``qwen2``: the name in the model file."""
    format: str | None = None
    """``gguf``, ``safetensors``."""
    longest_context: int | None = None
    """Tokens of context that it was made for; engines reserve no more."""
    synthetic: bool = False
    """Random weights of a real model's shape: speed means something, text does not."""

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        """What makes it the same model: name, quantisation and digest."""
        return (self.name, self.quantisation, self.digest)


# ---------------------------------------------------------------------------------------------- the engine


class EngineInfo(Record, frozen=True, kw_only=True):
    """Which engine, and which build of it."""

    name: str
    """``llama.cpp``, ``ollama``."""
    version: str | None = None
    build: str | None = None
    """What the engine says of its build: compiler, instruction sets, devices."""
    simulated: bool = False
    """Figures are invented (the fake engine). Never to be shown as a measurement."""
    devices: tuple[str, ...] | None = None
    """Graphics processors that it can use; empty for a build that uses none, None where it does not say."""
    cpu_features: tuple[str, ...] | None = None
    """Vector instruction sets that the build uses, named as in ``Machine``; None where it does not say."""
    remote: bool = False
    """It runs on another computer: the machine is the one that the user named, and nothing else of it is known."""
    cloud: bool = False
    """A service of somebody else's: a control to hold machines against, never a machine."""

    @property
    def may_use_gpu(self) -> bool:
        """It uses a graphics processor, or does not say that it does not."""
        return self.devices is None or bool(self.devices)


# ----------------------------------------------------------------------------------------------- the trial


class Outcome(StrEnum):
    """How a trial ended: a closed set. Only OK enters any figure."""

    OK = "ok"
    ENDED_EARLY = "ended early"
    """Fewer tokens than were asked for: kept, not averaged with the others."""
    REPEATED = "stopped repeating"
    """The engine's guard against repetition stopped the text; it sends no metrics then."""
    CONTEXT_CHANGED = "another context"
    """The engine ran with a context length other than the one that was asked for."""
    TOO_LONG = "beyond its context"
    """The case needs a longer context than the model was made for."""
    ENGINE_CHANGED = "another engine"
    """The server came back under another version in the middle of the work."""
    SLEPT = "machine slept"
    """The machine went to sleep in the middle of the trial: what the clocks say of it is not to be used."""
    DOES_NOT_FIT = "does not fit"
    NOT_INSTALLED = "not installed"
    NOT_PREPARED = "not prepared"
    """Its file could not be downloaded or written: no network, no disk space."""
    UNREADABLE = "unreadable model"
    REFUSED = "refused"
    """A cloud model, or one that the engine serves from elsewhere."""
    ENGINE_DIED = "engine died"
    ENGINE_ERROR = "engine error"
    TIMED_OUT = "timed out"
    BELOW_LINE = "skipped: below the line"
    NO_TIME = "skipped: out of time"


class Workload(Record, frozen=True, kw_only=True):
    """The work of one trial, the same on every machine. None only where somebody else reported without saying."""

    prompt: str
    """Name of the prompt: ``csvs-to-sqlite`` is the fixed one."""
    tokens_out: int | None = None
    """Tokens to generate."""
    context_tokens: int | None = None
    """Context length that the engine is told to reserve."""
    prompt_tokens: int | None = None
    """Length to which the prompt is brought by text before it; None for the prompt as it is."""
    depth_tokens: int | None = None
    """Tokens already in the context before the prompt."""
    temperature: float | None = None
    seed: int | None = None
    prompt_mode: str | None = None
    """``raw``: no chat template and no thinking; the text goes in as it is. ``chat``: through the template."""


class Memory(Record, frozen=True, kw_only=True):
    """Peak memory of the engine by four measures.

    None replaces another: the resident set, for one, counts of a mapped file what was touched, and a build that
    rearranges weights holds both copies until the system takes the mapped one back.
    """

    rss_bytes: int | None = None
    """Resident set, summed over the engine's whole process tree. None for a server on another host."""
    available_fall_bytes: int | None = None
    """How far the system's available memory fell since before the load."""
    engine_bytes: int | None = None
    """Size that the engine reports for the loaded model."""
    engine_vram_bytes: int | None = None
    """The part of it in GPU memory; less than ``engine_bytes`` means the rest runs on the CPU."""
    swap_rise_bytes: int | None = None
    """How far swap in use rose since before the load."""


class Trial(Record, frozen=True, kw_only=True, tag_field="record", tag="trial"):
    """One row: one model, one attempt, and how it ended. A model that never ran has one row with its reason."""

    model: ModelFacts
    workload: Workload
    outcome: Outcome
    number: int = 1
    """Counts from 1 within the case: the model and its workload."""
    reason: str | None = None
    """For any outcome but OK, one line for the user."""
    started_at: datetime | None = None
    nonce: str | None = None
    """Text put before the prompt so that no cache can know it."""

    load_first_s: float | None = None
    """Seconds from asking for the model until it could answer, the first time in this run."""
    load_later_s: float | None = None
    """The same for the load that this trial ran on, if a later one: the file cache of the system helps it."""
    ttft_s: float | None = None
    """Seconds from sending the request to the first token of content, by the client's clock."""
    tokens_in: int | None = None
    """Prompt tokens, cached ones included."""
    tokens_cached: int | None = None
    """Prompt tokens taken from a cache; None where the engine does not say."""
    tokens_out: int | None = None
    """Generated tokens by the engine's count."""
    tokens_drafted: int | None = None
    """Tokens that a draft proposed (speculative decoding); None where the engine says nothing of it."""
    prefill_s: float | None = None
    """Seconds the engine took for the prompt's uncached tokens, by its own clock."""
    decode_engine_s: float | None = None
    """Seconds by the engine's clock from the first generated token to the last: ``tokens_out - 1`` steps."""
    decode_client_s: float | None = None
    """The same interval by the client's clock: first chunk to last chunk."""
    chunks: int | None = None
    """Chunks with text that arrived; one less than 0.2 ms after the one before came with it: it does not count."""
    context_tokens: int | None = None
    """Context length as the engine reports it after loading."""
    needed_bytes: int | None = None
    """Memory the model was expected to need (weights, KV cache, overhead)."""
    available_bytes: int | None = None
    """Memory there was before it was loaded."""
    memory: Memory = Memory()
    before: Conditions = Conditions()
    """The machine just before the trial."""
    during: During = During()
    """The machine while the trial ran."""
    after: Conditions = Conditions()
    """The machine just after the trial."""
    warnings: tuple[str, ...] | None = None
    """What makes the figures doubtful, as words of ``trust.Warning``; None where nobody looked."""
    reported_decode_tok_s: float | None = None
    """A figure somebody else printed, where there are no counts and times to compute one from."""

    @property
    def seconds(self) -> float:
        """How long the trial took, as far as it is known; 0.0 for one that never ran."""
        return (self.ttft_s or 0.0) + (self.decode_client_s or 0.0)

    @property
    def prefill_tok_s(self) -> float | None:
        """Prompt tokens that were really processed, a second: (tokens_in - tokens_cached) / prefill_s.

        None where part of the prompt was meant to come from a cache, and nobody says how much did.
        """
        if self.tokens_in is None or not self.prefill_s or self._is_partly_cached():
            return None
        fresh = self.tokens_in - (self.tokens_cached or 0)
        return fresh / self.prefill_s if fresh > 0 else None

    @property
    def prefill_verified(self) -> bool:
        """The prefill rate is that of fresh work: cached tokens were counted, or a nonce kept any cache out."""
        return self.tokens_cached is not None or (self.nonce is not None and not self._is_partly_cached())

    def _is_partly_cached(self) -> bool:
        return bool(self.workload.depth_tokens) and self.tokens_cached is None

    @property
    def decode_engine_tok_s(self) -> float | None:
        """Decode rate by the engine's clock: (n - 1) / seconds between first and last token."""
        return _rate_between(self.tokens_out, self.decode_engine_s)

    @property
    def decode_client_tok_s(self) -> float | None:
        """Decode rate by the client's clock: (n - 1) / seconds between first and last chunk, n from the engine."""
        return _rate_between(self.tokens_out, self.decode_client_s)

    @property
    def decode_tok_s(self) -> float | None:
        """The decode rate: engine's clock, else client's, else as reported. None unless the trial is OK."""
        if self.outcome is not Outcome.OK:
            return None
        rates = (self.decode_engine_tok_s, self.decode_client_tok_s, self.reported_decode_tok_s)
        return next((rate for rate in rates if rate is not None), None)


def _rate_between(tokens: int | None, seconds: float | None) -> float | None:
    if tokens is None or tokens < 2 or not seconds or seconds <= 0:
        return None
    return (tokens - 1) / seconds


# ------------------------------------------------------------------------------------------------- the run


class Provenance(Record, frozen=True, kw_only=True):
    """Where figures come from."""

    kind: str = "measured"
    """``measured`` by this program, or ``as reported`` by somebody else."""
    source: str | None = None
    """Who reported them, and where."""
    method: str | None = None
    """How they were taken, as far as the source says."""


class RunHeader(Record, frozen=True, kw_only=True, tag_field="record", tag="run"):
    """The first record of a results file: what all of its trials have in common."""

    format: int
    """Number of the results format."""
    run: str
    """Random id of this run."""
    started_at: datetime | None
    machine: Machine
    engine: EngineInfo
    plan: str
    """Name of the sweep plan."""
    settings: dict[str, Any] = {}
    """The whole plan as it was carried out, options included; model files by their names, without folders."""
    line_tok_s: float = 10.0
    """Below this decode rate a model counts as too slow to use."""
    options: dict[str, str | int | float | bool | None] = {}
    """What the engine was told beside the workload: threads, GPU layers."""
    conditions: Conditions = Conditions()
    provenance: Provenance = Provenance()
    tpsprofile: str | None = None
    """Version of this program."""


class Run(Record, frozen=True, kw_only=True):
    """One results file in memory."""

    header: RunHeader
    trials: tuple[Trial, ...] = ()
    path: str | None = None
