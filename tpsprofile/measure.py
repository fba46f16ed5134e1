"""One model on one engine: load, warm up, repeat. Yields a Trial as soon as it is finished.

The engine yields events; the clock is held here, and all arithmetic that turns events into times is here, so
that every engine is measured the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

from tpsprofile import prompts
from tpsprofile.clock import Clock
from tpsprofile.engines.base import Engine, Finished, LoadedFacts, Request, Session, Token, Weights
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelRefusedError,
    ModelUnreadableError,
    ProfileError,
    RepeatedOutputError,
)
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, Memory, Outcome, Record, Trial, Workload
from tpsprofile.watch import MemoryWatch

WARM_UP_TOKENS = 8

_OUTCOMES: tuple[tuple[type[ProfileError], Outcome], ...] = (
    (DoesNotFitError, Outcome.DOES_NOT_FIT),
    (ModelNotInstalledError, Outcome.NOT_INSTALLED),
    (ModelRefusedError, Outcome.REFUSED),
    (ModelUnreadableError, Outcome.UNREADABLE),
    (EngineDiedError, Outcome.ENGINE_DIED),
    (EngineTimedOutError, Outcome.TIMED_OUT),
    (RepeatedOutputError, Outcome.REPEATED),
    (EngineError, Outcome.ENGINE_ERROR),
    (ProfileError, Outcome.NOT_PREPARED),
)


class OutOfTimeError(ProfileError):
    """The budget of the sweep was used up in the middle of a trial."""


class Case(Record, frozen=True, kw_only=True):
    """The work to do on one model."""

    weights: Weights
    plan: SweepPlan
    first_trial: int = 1
    """Where to begin: higher after a resumed run."""
    load_first_s: float | None = None
    """The first load of an earlier, resumed run; every load now is a later one."""
    needed_bytes: int | None = None
    available_bytes: int | None = None

    @property
    def workload(self) -> Workload:
        """The work of one trial, for its record."""
        return workload(self.plan)


def workload(plan: SweepPlan) -> Workload:
    """What a plan asks of each trial."""
    return Workload(
        prompt=plan.prompt,
        tokens_out=plan.tokens_out,
        context_tokens=plan.context_tokens,
        depth_tokens=0,
        temperature=plan.temperature,
        seed=plan.seed,
        prompt_mode="raw",
    )


class Listener(Protocol):
    """Who wants to know how the work goes on."""

    def loading(self) -> None:
        """The model is being loaded, or warmed up."""
        ...

    def trial_started(self, number: int, trials: int) -> None:
        """A trial begins."""
        ...

    def token(self, count: int, seconds: float) -> None:
        """``count`` chunks have arrived, ``seconds`` after the first. Called for each one: must be quick."""
        ...


class Deadline:
    """The moment at which the budget is used up; never, where there is none."""

    def __init__(self, clock: Clock, budget_s: float | None) -> None:
        self._clock = clock
        self._at = None if budget_s is None else clock.monotonic() + budget_s

    def left(self) -> float | None:
        """Seconds left, below 0 when it has passed; None without a budget."""
        return None if self._at is None else self._at - self._clock.monotonic()

    def allows(self, seconds: float) -> bool:
        """Whether something of that length would still be finished in time."""
        left = self.left()
        return left is None or left >= seconds

    def cap(self, seconds: float) -> float:
        """``seconds``, or what is left if that is less; at least one."""
        left = self.left()
        return seconds if left is None else max(1.0, min(seconds, left))


def outcome_of(error: ProfileError) -> Outcome:
    """The outcome that an engine's or a model's error becomes."""
    if isinstance(error, OutOfTimeError):
        return Outcome.NO_TIME
    return next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))


def measure(
    case: Case, engine: Engine, *, look: Callable[[], Conditions], listen: Listener, deadline: Deadline
) -> Iterator[Trial]:
    """Trials of one model, each as soon as it is finished; a failure is the last one, with its reason.

    Never raises for what the engine does. ``look`` tells the conditions just before each trial.
    """
    number = case.first_trial
    try:
        with MemoryWatch() as watch:
            load_first_s = case.load_first_s
            for _ in range(case.plan.loads - 1 if load_first_s is None else 0):
                listen.loading()
                with _load(case, engine, deadline) as session:
                    load_first_s = load_first_s or session.load_s
            listen.loading()
            with _load(case, engine, deadline) as session:
                bench = _Bench(
                    case, session, clock=engine.clock, watch=watch, deadline=deadline, load_first_s=load_first_s
                )
                bench.warm_up()
                for number in range(case.first_trial, case.plan.trials + 1):
                    bench.check_time(number)
                    listen.trial_started(number, case.plan.trials)
                    yield bench.trial(number, look(), listen)
    except ProfileError as error:
        yield _failed(case, number, error, deadline)


def _load(case: Case, engine: Engine, deadline: Deadline) -> Session:
    return engine.load(
        case.weights,
        context_tokens=case.plan.context_tokens,
        silence_s=deadline.cap(case.plan.silence),
    )


def _failed(case: Case, number: int, error: ProfileError, deadline: Deadline) -> Trial:
    outcome = outcome_of(error)
    reason = str(error)
    if outcome is Outcome.TIMED_OUT and not deadline.allows(0):
        outcome, reason = Outcome.NO_TIME, "The budget was used up in the middle of the work."
    return Trial(
        model=case.weights.facts,
        workload=case.workload,
        outcome=outcome,
        reason=reason,
        number=number,
        needed_bytes=case.needed_bytes,
        available_bytes=case.available_bytes,
    )


class _Bench:
    """A loaded model, ready for trials."""

    def __init__(
        self,
        case: Case,
        session: Session,
        *,
        clock: Clock,
        watch: MemoryWatch,
        deadline: Deadline,
        load_first_s: float | None,
    ) -> None:
        self._case = case
        self._clock = clock
        self._session = session
        self._watch = watch
        self._deadline = deadline
        self._load_first_s = session.load_s if load_first_s is None else load_first_s
        self._load_later_s = None if load_first_s is None else session.load_s
        self._loaded: LoadedFacts = session.facts()
        self._last_trial_s = 0.0
        watch.attach(session.pids)

    def warm_up(self) -> None:
        """Touch the weights and the code once; nothing of it is recorded."""
        with suppress(RepeatedOutputError):
            for _ in self._session.generate(self._request(0, WARM_UP_TOKENS)):
                pass
        # Ollama, for one, only tells the size of a model that has been used.
        self._loaded = self._session.facts()

    def check_time(self, number: int) -> None:
        """Raise OutOfTimeError where a trial as long as the last one would not be finished in time."""
        if not self._deadline.allows(self._last_trial_s):
            trials = self._case.plan.trials
            raise OutOfTimeError(f"{number - 1} of {trials} trials fitted into the budget.")

    def trial(self, number: int, before: Conditions, listen: Listener) -> Trial:
        """One generation, timed. Raises what the engine raises; text that repeated itself is a row, though."""
        try:
            return self._trial(number, before, listen)
        except RepeatedOutputError as error:
            return _failed(self._case, number, error, self._deadline)

    def _trial(self, number: int, before: Conditions, listen: Listener) -> Trial:
        plan = self._case.plan
        request = self._request(number, plan.tokens_out)
        started_at, sent = self._clock.now(), self._clock.monotonic()
        first = last = None
        chunks = 0
        account = Finished()
        for event in self._session.generate(request):
            now = self._clock.monotonic()
            if isinstance(event, Token):
                first, last, chunks = first or now, now, chunks + 1
                listen.token(chunks, now - first)
                if not self._deadline.allows(0):
                    raise OutOfTimeError(f"The budget was used up after {chunks} of {plan.tokens_out} tokens.")
            else:
                account = event
        self._last_trial_s = self._clock.monotonic() - sent
        outcome, reason = self._verdict(account)
        return Trial(
            model=self._case.weights.facts,
            workload=self._case.workload,
            outcome=outcome,
            reason=reason,
            number=number,
            started_at=started_at,
            nonce=prompts.nonce(number),
            load_first_s=self._load_first_s,
            load_later_s=self._load_later_s,
            ttft_s=None if first is None else first - sent,
            tokens_in=account.tokens_in,
            tokens_cached=account.tokens_cached,
            tokens_out=account.tokens_out,
            prefill_s=account.prefill_s,
            decode_engine_s=account.decode_s,
            decode_client_s=None if first is None or last is None or last <= first else last - first,
            context_tokens=self._loaded.context_tokens,
            needed_bytes=self._case.needed_bytes,
            available_bytes=self._case.available_bytes,
            memory=self._peak(),
            before=before,
        )

    def _request(self, number: int, tokens: int) -> Request:
        plan = self._case.plan
        return Request(
            prompt=prompts.text(plan.prompt, number),
            tokens_out=tokens,
            temperature=plan.temperature,
            seed=plan.seed,
            silence_s=self._deadline.cap(plan.silence),
        )

    def _peak(self) -> Memory:
        return self._watch.peak(engine_bytes=self._loaded.size_bytes, engine_vram_bytes=self._loaded.vram_bytes)

    def _verdict(self, account: Finished) -> tuple[Outcome, str | None]:
        wanted, got = self._case.plan.tokens_out, account.tokens_out
        if got is None or got < wanted:
            how = f" ({account.stopped_by})" if account.stopped_by else ""
            return (
                Outcome.ENDED_EARLY,
                f"{got if got is not None else 'An unknown number'} of {wanted} tokens{how}.",
            )
        context = self._loaded.context_tokens
        if context is not None and context != self._case.plan.context_tokens:
            asked = self._case.plan.context_tokens
            return Outcome.CONTEXT_CHANGED, f"The engine reserved {context} tokens of context, not {asked}."
        return Outcome.OK, None
