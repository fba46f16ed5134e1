"""A loaded model and its trials: the clock is held here, and all arithmetic that turns events into times is here.

The engine yields events, so every engine is measured the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, Protocol

import msgspec

from tpsprofile import cases, prompts
from tpsprofile.clock import Clock
from tpsprofile.deadline import Deadline, OutOfTimeError
from tpsprofile.engines.base import Finished, Request, Session, Weights
from tpsprofile.errors import (
    CaseTooLongError,
    DoesNotFitError,
    EngineChangedError,
    EngineDiedError,
    EngineError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelRefusedError,
    ModelUnreadableError,
    ProfileError,
    RepeatedOutputError,
)
from tpsprofile.machine.activity import Activity
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, During, Memory, Outcome, Record, Trial, Workload
from tpsprofile.watch import MemoryWatch

WARM_UP_TOKENS = 8
RULER_SENTENCES = 32
"""Sentences by which the length of one is measured, in tokens of the model."""
PROMPT_TOKENS = 60.0
"""Usual length of the fixed prompt, for engines that do not count."""
NONCES_A_CASE = 10_000
_UNCOUNTED = (
    "The server tells no token counts, and chunks are no tokens, so there is no rate. "
    "Use a version of it that sends `usage` at the end of a stream, or its own engine here: tpsprofile engines."
)
_ONE_BY_ONE = "Have the server send token by token, and leave out proxies that collect."
NOT_YET = During()
APART_S = 0.0002
"""Chunks that come closer after one another than this came together: no client sees 5,000 tokens/s one by one."""
FEWEST_CHUNKS = 3
"""So many have to arrive apart for a rate by the client's clock, where they hold more than a token each."""
MOST_EVENTS, SPARE_EVENTS = 4, 64
"""Chunks for each token that was asked for, and beside them, after which a generation does not end by itself."""
ASLEEP_S = 1.0
"""From so many seconds of sleep on a trial is not used."""


_OUTCOMES: tuple[tuple[type[ProfileError], Outcome], ...] = (
    (DoesNotFitError, Outcome.DOES_NOT_FIT),
    (ModelNotInstalledError, Outcome.NOT_INSTALLED),
    (ModelRefusedError, Outcome.REFUSED),
    (ModelUnreadableError, Outcome.UNREADABLE),
    (EngineDiedError, Outcome.ENGINE_DIED),
    (EngineTimedOutError, Outcome.TIMED_OUT),
    (CaseTooLongError, Outcome.TOO_LONG),
    (EngineChangedError, Outcome.ENGINE_CHANGED),
    (RepeatedOutputError, Outcome.REPEATED),
    (EngineError, Outcome.ENGINE_ERROR),
    (ProfileError, Outcome.NOT_PREPARED),
)


class Case(Record, frozen=True, kw_only=True):
    """The work to do on one model."""

    weights: Weights
    plan: SweepPlan
    known: tuple[Trial, ...] = ()
    """The model's rows so far, of an earlier visit or of the run that is resumed."""
    most: int | None = None
    """Trials of each workload in this visit at most; None for as many as it takes."""
    needed_bytes: int | None = None
    available_bytes: int | None = None
    engine_version: str | None = None
    """The version that the results are of."""
    sets_context: bool = True
    """The engine reserves the context length that it is told to; else it has one of its own."""

    @property
    def context_tokens(self) -> int:
        """The context length to reserve: the plan's, as far as the model was made for it."""
        longest = self.weights.facts.longest_context
        return self.plan.context_tokens if longest is None else min(self.plan.context_tokens, longest)


class Senses(Record, frozen=True, kw_only=True):
    """How to see what the machine does; handed in, so that tests and other computers can answer differently."""

    look: Callable[[], Conditions]
    """The conditions at this moment. Takes a tenth of a second."""
    read: Callable[[], Activity]
    """Counters and sensors. Takes a millisecond."""


class Listener(Protocol):
    """Who wants to know how the work goes on."""

    def loading(self) -> None:
        """The model is being loaded, or warmed up."""
        ...

    def trial_started(self, number: int, at_least: int, width: float | None) -> None:
        """A trial begins; ``width`` is half of the 95% interval so far, as a share of the median."""
        ...

    def token(self, count: int, seconds: float) -> None:
        """``count`` chunks have arrived, ``seconds`` after the first. Called for each one: must be quick."""
        ...


def outcome_of(error: ProfileError) -> Outcome:
    """The outcome that an engine's or a model's error becomes."""
    if isinstance(error, OutOfTimeError):
        return Outcome.NO_TIME
    return next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))


def failed(case: Case, workload: Workload, error: ProfileError, deadline: Deadline) -> Trial:
    """The row of a workload that came to nothing before a trial of it had begun."""
    outcome = outcome_of(error)
    reason = str(error)
    if outcome is Outcome.TIMED_OUT and not deadline.allows(0):
        outcome, reason = Outcome.NO_TIME, "The budget was used up in the middle of the work."
    return Trial(
        model=case.weights.facts,
        workload=workload,
        outcome=outcome,
        reason=reason,
        number=cases.next_number(cases.of(case.known, workload)),
        needed_bytes=case.needed_bytes,
        available_bytes=case.available_bytes,
    )


class Stopwatch:
    """When the chunks of one generation arrived, by the client's clock."""

    def __init__(self, clock: Clock) -> None:
        self.chunks = 0
        self.apart = 0
        """Those that arrived apart; what comes within ``APART_S`` of the one before came with it."""
        self._clock = clock
        self._sent = clock.monotonic()
        self._first = self._last = self._sent

    def chunk(self) -> tuple[int, float]:
        """One more has arrived: how many there are, and seconds since the first."""
        before, self._last = self._last, self._clock.monotonic()
        if not self.chunks:
            self._first = self._last
        if not self.chunks or self._last - before >= APART_S:
            self.apart += 1
        self.chunks += 1
        return self.chunks, self._last - self._first

    def so_far_s(self) -> float:
        """Seconds since the request was sent."""
        return self._clock.monotonic() - self._sent

    @property
    def ttft_s(self) -> float | None:
        """Seconds from the request to the first chunk; None before there is one."""
        return self._first - self._sent if self.chunks else None

    @property
    def decode_s(self) -> float | None:
        """Seconds from the first chunk to the last; None where that is no time."""
        return self._last - self._first if self._last > self._first else None


class Around(NamedTuple):
    """What a bench stands in."""

    clock: Clock
    watch: MemoryWatch
    senses: Senses
    listen: Listener
    deadline: Deadline


class Bench:
    """A loaded model, ready for trials."""

    def __init__(self, case: Case, session: Session, around: Around, load_first_s: float | None) -> None:
        self.number: int | None = None
        """The trial in work; None between workloads."""
        self._case = case
        self._session = session
        self._clock, self._watch, self._senses, self._listen, self._deadline = around
        self._load_first_s = session.load_s if load_first_s is None else load_first_s
        self._load_later_s = None if load_first_s is None else session.load_s
        self._prompt_tokens = PROMPT_TOKENS
        self._sentence_tokens = prompts.SENTENCE_TOKENS
        self._last_trial_s = case.known[-1].seconds if case.known else 0.0
        self._begun: Trial | None = None
        self._stopwatch = Stopwatch(self._clock)
        self._loaded = session.facts()
        self._check_version()
        self._watch.attach(session.pids)

    def warm_up(self) -> None:
        """Touch the weights and the code once, and find out how long texts are; nothing of it is recorded."""
        plan, known = self._case.plan, self._case.known
        try:
            self._measure_texts()
        except RepeatedOutputError:
            pass
        except OutOfTimeError:
            if any(len(cases.of(known, work)) < plan.trials for work in cases.workloads(plan)):
                raise
        # Ollama, for one, only tells the size of a model that has been used.
        self._loaded = self._session.facts()
        self._check_version()

    def _measure_texts(self) -> None:
        """Find out how many tokens the prompt and a sentence take."""
        plan = self._case.plan
        short = self._say(prompts.text(plan.prompt, 0), WARM_UP_TOKENS).tokens_in
        if any(work.depth_tokens or work.prompt_tokens for work in cases.workloads(plan)):
            long = self._say(prompts.context(RULER_SENTENCES) + prompts.text(plan.prompt, 0), 2).tokens_in
            if short is not None and long is not None and long > short:
                self._prompt_tokens = short
                self._sentence_tokens = (long - short) / RULER_SENTENCES

    def trials(self, workload: Workload) -> Iterator[Trial]:
        """Trials of one workload until there are enough, or no time is left for one more than the least number."""
        plan, rows = self._case.plan, cases.of(self._case.known, workload)
        seen = len(rows)
        self.number = cases.next_number(rows)
        if not self._fill(workload, seen):
            self.number = None
            return
        before = self._senses.look()
        while not cases.enough(rows, plan) and (self._case.most is None or len(rows) - seen < self._case.most):
            self.number = cases.next_number(rows)
            if not self._time_left(len(rows)):
                break
            self._listen.trial_started(self.number, plan.trials, cases.width(rows))
            try:
                row = self._trial(workload, self.number, before)
            except OutOfTimeError:
                if len(rows) < plan.trials:
                    raise
                self._begun = None  # one more than was owed: no row
                break
            before = self._senses.look()
            rows.append(msgspec.structs.replace(row, after=before))
            yield rows[-1]
        self.number = None

    def _time_left(self, trials: int) -> bool:
        """Whether a trial as long as the last one fits in the budget. OutOfTimeError where one is owed."""
        if self._deadline.allows(self._last_trial_s):
            return True
        if trials < self._case.plan.trials:
            raise OutOfTimeError(f"{trials} of {self._case.plan.trials} trials fitted into the budget.")
        return False

    def _fill(self, workload: Workload, trials: int) -> bool:
        """Have the context before the prompt read once, so that trials find it there. False for no time left.

        OutOfTimeError where a trial is owed, so ``trials`` there are.
        """
        if workload.depth_tokens:
            self._listen.loading()
            try:
                self._say(prompts.context(self._sentences(workload.depth_tokens)), 2, reuse=True)
            except RepeatedOutputError:
                pass
            except OutOfTimeError:
                if trials < self._case.plan.trials:
                    raise
                return False
        return True

    def _trial(self, workload: Workload, number: int, before: Conditions) -> Trial:
        """One generation, timed. Raises what the engine raises; text that repeated itself is a row, though."""
        nonce = number + NONCES_A_CASE * cases.workloads(self._case.plan).index(workload)
        text, reuse = self._text(workload, nonce), bool(workload.depth_tokens)
        request = self._request(text, self._case.plan.tokens_out, reuse=reuse)
        self._watch.begin(self._clock)
        self._begun = Trial(
            model=self._case.weights.facts,
            workload=workload,
            outcome=Outcome.ENGINE_ERROR,
            number=number,
            started_at=self._clock.now(),
            nonce=prompts.nonce(nonce),
            load_first_s=self._load_first_s,
            load_later_s=self._load_later_s,
            needed_bytes=self._case.needed_bytes,
            available_bytes=self._case.available_bytes,
            before=before,
            during=NOT_YET,
        )
        self._stopwatch = Stopwatch(self._clock)
        try:
            account = self._generate(request, self._stopwatch, self._listen.token)
        except RepeatedOutputError as error:
            return self.failed(workload, error)
        self._last_trial_s = self._stopwatch.so_far_s()
        row = self._told()
        with suppress(EngineError):  # this trial went well; the next will say what is wrong
            self._loaded = self._session.facts()
        self._check_version()
        outcome, reason = self._verdict(account, row.during.asleep_s)
        self._begun = None
        return msgspec.structs.replace(
            row,
            outcome=outcome,
            reason=reason,
            tokens_in=account.tokens_in,
            tokens_cached=account.tokens_cached,
            tokens_out=account.tokens_out,
            tokens_drafted=account.tokens_drafted,
            prefill_s=account.prefill_s,
            decode_engine_s=account.decode_s,
            context_tokens=self._loaded.context_tokens,
            memory=self._peak(),
        )

    def _generate(self, request: Request, stopwatch: Stopwatch, tell: Callable[[int, float], None]) -> Finished:
        """One generation. Raises OutOfTimeError where the budget is over, EngineError where it does not end."""
        account = Finished()
        most = MOST_EVENTS * request.tokens_out + SPARE_EVENTS
        for number, event in enumerate(self._session.generate(request), 1):
            if isinstance(event, Finished):
                account = event
            elif event.text:
                tell(*stopwatch.chunk())
            if not self._deadline.allows(0) and not isinstance(event, Finished):
                done = f"{stopwatch.chunks} of {request.tokens_out} tokens"
                raise OutOfTimeError(f"The budget was used up after {done}.")
            if number > most:
                raise EngineError(
                    f"The engine was asked for {request.tokens_out} tokens and did not stop after {most} chunks.",
                    "It does not heed the limit: see whether a newer version does.",
                )
        return account

    def failed(self, workload: Workload, error: ProfileError) -> Trial:
        """The row of the trial in work after an error, with all that was seen until then; of none, without."""
        lost = failed(self._case, workload, error, self._deadline)
        if self._begun is None:
            return lost if self.number is None else msgspec.structs.replace(lost, number=self.number)
        row, self._begun = self._told(), None
        return msgspec.structs.replace(row, outcome=lost.outcome, reason=lost.reason, memory=self._peak())

    def _told(self) -> Trial:
        """The trial in work with what clock and watch say of it, once its generation has ended."""
        assert self._begun is not None
        if self._begun.during is NOT_YET:
            self._begun = msgspec.structs.replace(
                self._begun,
                ttft_s=self._stopwatch.ttft_s,
                decode_client_s=self._stopwatch.decode_s,
                chunks=self._stopwatch.apart,
                during=self._watch.end(),
            )
        return self._begun

    def _peak(self) -> Memory:
        return self._watch.peak(engine_bytes=self._loaded.size_bytes, engine_vram_bytes=self._loaded.vram_bytes)

    def _text(self, workload: Workload, nonce: int) -> str:
        longer = max(0.0, (workload.prompt_tokens or 0) - self._prompt_tokens)
        return prompts.text(
            workload.prompt,
            nonce,
            before=self._sentences(workload.depth_tokens or 0),
            longer=self._sentences(longer),
        )

    def _sentences(self, tokens: float) -> int:
        return round(tokens / self._sentence_tokens)

    def _say(self, prompt: str, tokens: int, *, reuse: bool = False) -> Finished:
        """One generation that is not recorded. Raises as ``_generate``."""
        request = self._request(prompt, tokens, reuse=reuse)
        return self._generate(request, Stopwatch(self._clock), lambda count, seconds: None)

    def _request(self, prompt: str, tokens: int, *, reuse: bool) -> Request:
        plan = self._case.plan
        return Request(
            prompt=prompt,
            tokens_out=tokens,
            temperature=plan.temperature,
            seed=plan.seed,
            reuse=reuse,
            silence_s=self._deadline.cap(plan.silence),
            chat=plan.chat,
        )

    def _check_version(self) -> None:
        """Raise EngineChangedError where it is no longer the engine that the results are of."""
        begun, now = self._case.engine_version, self._loaded.version
        if begun is not None and now is not None and now != begun:
            raise EngineChangedError(
                f"The engine is version {now} now; the sweep began with {begun}.", "Begin a new sweep."
            )

    def _verdict(self, account: Finished, asleep_s: float | None) -> tuple[Outcome, str | None]:
        wanted, got = self._case.plan.tokens_out, account.tokens_out
        if asleep_s is not None and asleep_s >= ASLEEP_S:
            return Outcome.SLEPT, f"The machine slept for {asleep_s:.0f} s in the middle of the trial."
        if got is None and account.stopped_by != "thinking":
            return Outcome.ENGINE_ERROR, _UNCOUNTED
        if got is None or got < wanted:
            how = f" ({account.stopped_by})" if account.stopped_by else ""
            return (
                Outcome.ENDED_EARLY,
                f"{got if got is not None else 'An unknown number'} of {wanted} tokens{how}.",
            )
        context = self._loaded.context_tokens
        asked = self._case.context_tokens
        if context is not None and context != asked and self._case.sets_context:
            return Outcome.CONTEXT_CHANGED, f"The engine reserved {context} tokens of context, not {asked}."
        apart = self._stopwatch.apart
        if not account.decode_s and apart < min(got, FEWEST_CHUNKS):
            came = ("without text", "in one piece", "in two pieces")[apart]
            return Outcome.ENGINE_ERROR, f"All {got} tokens came {came}: no rate follows from that. {_ONE_BY_ONE}"
        return Outcome.OK, None
