"""An engine that computes nothing: a speed curve, a clock of its own, and faults on demand.

For tests, and for demonstrations with ``--engine fake``. Its records say ``simulated``, and every table and chart
that shows them says so too. Time passes only on its own clock, so a sweep of hours takes a blink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self

from tpsprofile.clock import Clock
from tpsprofile.engines.base import (
    Capabilities,
    Event,
    Finished,
    LoadedFacts,
    Request,
    Setup,
    Token,
    Weights,
)
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelRefusedError,
    RepeatedOutputError,
    UsageError,
)
from tpsprofile.models import catalogue
from tpsprofile.records import EngineInfo, ModelFacts

_VERSION = "1"
_FREE_CONTEXT = 1000
_KV_BYTES = 100_000


class Fault(StrEnum):
    """What can be made to go wrong with a model."""

    DOES_NOT_FIT = "does not fit"
    NOT_INSTALLED = "not installed"
    IN_THE_CLOUD = "in the cloud"
    DIES_LOADING = "dies loading"
    DIES = "dies"
    HANGS = "hangs"
    GARBAGE = "garbage"
    REPEATS = "repeats"
    ENDS_EARLY = "ends early"
    OTHER_CONTEXT = "other context"
    SLEEPS = "sleeps"
    """The machine sleeps for a minute and a half in the middle of every trial."""
    CLOCK_SET_BACK = "clock set back"
    """Somebody sets the date back by an hour in the middle of every trial."""
    RESTARTS = "restarts"
    """After the second trial the engine is another version."""
    SLOWS_DOWN = "slows down"
    """Every generation is slower than the one before, as on a laptop that grows hot."""


class VirtualClock:
    """A clock that stands still until somebody sleeps."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed = 0.0
        self._asleep_s = 0.0
        self._set_by_s = 0.0

    def now(self) -> datetime:
        """The date and time that its sleepers have reached."""
        return self._start + timedelta(seconds=self._passed + self._asleep_s + self._set_by_s)

    def monotonic(self) -> float:
        """Seconds slept since it was made."""
        return self._passed

    def uptime(self) -> float | None:
        """The same, and the seconds that the machine slept."""
        return self._passed + self._asleep_s

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: dates go on, the steady clock stands still."""
        self._asleep_s += seconds

    def set_date(self, seconds: float) -> None:
        """Set the date forward, or back below 0."""
        self._set_by_s += seconds

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._passed += seconds


class FakeEngine:
    """Time per token = ``overhead_s`` + bytes / ``bandwidth_bytes_s``, and a ripple from trial to trial.

    Bytes are those of the weights and of the KV cache, 100 kB for each token in it beyond the first thousand. The
    ripple is ``ripple`` of the time a token either way, in turns.
    """

    can = Capabilities(lists_models=True, pulls_models=True, ignores_end=True, reports_cached=True)

    def __init__(
        self,
        clock: Clock,
        setup: Setup | None = None,
        *,
        bandwidth_bytes_s: float = 200e9,
        overhead_s: float = 0.002,
        ripple: float = 0.005,
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        self.clock = VirtualClock(clock.now())
        self.bandwidth_bytes_s = bandwidth_bytes_s
        self.overhead_s = overhead_s
        self.ripple = ripple
        self.faults = dict(faults or {})

    def info(self) -> EngineInfo:
        """Says that it is simulated."""
        return EngineInfo(name="fake", version=_VERSION, build="simulated", simulated=True)

    def options(self) -> dict[str, str | int | float | bool | None]:
        """The speed curve."""
        return {"bandwidth_bytes_s": self.bandwidth_bytes_s, "overhead_s": self.overhead_s}

    def models(self) -> tuple[Weights, ...]:
        """Every model of the catalogue that has no fault at being found."""
        missing = {Fault.NOT_INSTALLED, Fault.IN_THE_CLOUD}
        names = (shape.name for shape in catalogue.SHAPES)
        return tuple(_weights(name) for name in names if self.faults.get(name) not in missing)

    def find(self, name: str) -> Weights:
        """Raises ModelNotInstalledError for what the catalogue lacks, ModelRefusedError on that fault."""
        if self.faults.get(name) is Fault.NOT_INSTALLED:
            raise ModelNotInstalledError(f"The fake engine does not have {name}.", "Use --pull.")
        if self.faults.get(name) is Fault.IN_THE_CLOUD:
            raise ModelRefusedError(f"{name} runs in the cloud, not on this machine.")
        try:
            return _weights(name)
        except UsageError as error:
            raise ModelNotInstalledError(error.what, error.advice) from None

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Take away the fault of not being installed."""
        self.faults.pop(name, None)
        progress(1, 1)

    def adopt(
        self, weights: Weights, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Weights]:
        """The weights as they are: there is nothing to take."""
        return nullcontext(weights)

    def make_room(self) -> None:
        """Nothing is in memory."""

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> FakeSession:
        """Take as long as reading the file at 2 GB/s."""
        fault = self.faults.get(weights.facts.name)
        if fault is Fault.DOES_NOT_FIT:
            raise DoesNotFitError("The fake engine found no memory for the model.")
        if fault is Fault.DIES_LOADING:
            raise EngineDiedError("The fake engine died while loading.")
        return FakeSession(self, weights, context_tokens, fault)


class FakeSession:
    """A loaded model that exists in name only."""

    pids: tuple[int, ...] = ()

    def __init__(self, engine: FakeEngine, weights: Weights, context_tokens: int, fault: Fault | None) -> None:
        self._clock = engine.clock
        self._bytes = weights.facts.file_bytes or 0
        self._engine = engine
        self._context_tokens = context_tokens // 2 if fault is Fault.OTHER_CONTEXT else context_tokens
        self._fault = fault
        self._generations = 0
        self._before = ""
        self.load_s = self._bytes / 2e9
        self._clock.sleep(self.load_s)

    def facts(self) -> LoadedFacts:
        """The size of the file, all of it in GPU memory."""
        restarted = self._fault is Fault.RESTARTS and self._generations > 3  # the warm-up is one
        return LoadedFacts(
            context_tokens=self._context_tokens,
            size_bytes=self._bytes,
            vram_bytes=self._bytes,
            version="2" if restarted else _VERSION,
        )

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield a token a step. Raises what its fault says, after the third token."""
        self._generations += 1
        tokens_in = len(request.prompt) // 4
        cached = _shared(self._before, request.prompt) // 4 if request.reuse else 0
        self._before = request.prompt
        step_s = self._step_s(tokens_in)
        prefill_s = (tokens_in - cached) * step_s / 20
        self._clock.sleep(prefill_s)
        tokens = request.tokens_out // 2 if self._fault is Fault.ENDS_EARLY else request.tokens_out
        for number in range(tokens):
            if number:
                self._clock.sleep(step_s)
            yield Token(text="lorem ")
            if number == 2:
                self._fail(request)
        yield Finished(
            tokens_in=tokens_in,
            tokens_cached=cached,
            tokens_out=tokens,
            prefill_s=prefill_s,
            decode_s=(tokens - 1) * step_s,
            stopped_by="end" if tokens < request.tokens_out else "limit",
        )

    def _step_s(self, context: int) -> float:
        """Seconds a token in this generation."""
        engine = self._engine
        kv_bytes = max(0, context - _FREE_CONTEXT) * _KV_BYTES
        step_s = engine.overhead_s + (self._bytes + kv_bytes) / engine.bandwidth_bytes_s
        heat = 1.04**self._generations if self._fault is Fault.SLOWS_DOWN else 1.0
        return step_s * heat * (1 + engine.ripple * (self._generations % 3 - 1))

    def _fail(self, request: Request) -> None:
        if self._fault is Fault.SLEEPS:
            self._clock.suspend(90.0)
        if self._fault is Fault.CLOCK_SET_BACK:
            self._clock.set_date(-3600.0)
        if self._fault is Fault.DIES:
            raise EngineDiedError("The fake engine died in the middle of the work.")
        if self._fault is Fault.HANGS:
            self._clock.sleep(request.silence_s)
            raise EngineTimedOutError("The fake engine was silent for too long.")
        if self._fault is Fault.GARBAGE:
            raise EngineError("The fake engine sent something that is not JSON.")
        if self._fault is Fault.REPEATS:
            raise RepeatedOutputError("The fake engine stopped because the text repeated itself.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""


def _shared(one: str, other: str) -> int:
    """Characters that both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _weights(name: str) -> Weights:
    shape = catalogue.find(name)
    size = round(shape.parameters * 0.6)
    facts = ModelFacts(
        name=shape.name,
        parameters=shape.parameters,
        parameters_active=shape.parameters,
        quantisation=shape.quantisation,
        file_bytes=size,
        architecture=shape.architecture,
        format="fake",
        longest_context=shape.context_length,
    )
    return Weights(facts=facts)
