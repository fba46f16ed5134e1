"""A model in an ``mlx_lm.server`` that the profiler has started."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from types import TracebackType
from typing import Any, Protocol, Self

from tpsprofile.engines.base import Event, LoadedFacts, Request, Token
from tpsprofile.engines.openai.session import COMPLETION, Account
from tpsprofile.engines.openai.wire import Wire
from tpsprofile.engines.program import Wording
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    EngineTimedOutError,
    ModelUnreadableError,
    ProfileError,
)

NAME = "mlx_lm.server"
WORDING = Wording(
    name=NAME,
    no_memory=(
        "insufficient memory",
        "unable to allocate",
        "attempting to allocate",
        "out of memory",
        "bad_alloc",
    ),
    not_a_model=(),
    before=r"[\d-]{10} [\d:,]+ - [A-Z]+ - ",
)
GAVE_UP = "generation thread died"
_WHY = re.compile(rf"{GAVE_UP}: (.+)")
_TOO_OLD = "unrecognized arguments"
_LONGEST = 160


class Server(Protocol):
    """The process that serves the model."""

    @property
    def pid(self) -> int:
        """Its process id on this host."""
        ...

    def log(self) -> str:
        """What it has printed so far."""
        ...

    def how_it_ended(self) -> str:
        """``signal 9``, ``exit status 1``, or that it still runs."""
        ...

    def end(self) -> None:
        """End it."""
        ...


class MlxSession:
    """A server with one model, spoken to through ``wire``. Leaving it ends the server."""

    def __init__(self, server: Server, wire: Wire, bias: Mapping[str, float]) -> None:
        self.load_s: float | None = None
        self._server = server
        self._wire = wire
        self._bias = bias

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's process."""
        return (self._server.pid,)

    def facts(self) -> LoadedFacts:
        """Nothing: MLX reserves no context, and its server does not tell what a model takes."""
        return LoadedFacts()

    def generate(self, request: Request) -> Iterator[Event]:
        """Stream one completion.

        Raises EngineDiedError, EngineTimedOutError, DoesNotFitError or another EngineError; ModelUnreadableError
        where the server gave up loading the model, which it does when it is first asked.
        """
        account = Account()
        try:
            with closing(self._wire.stream(COMPLETION, self._body(request), request.silence_s)) as chunks:
                for chunk in chunks:
                    if (text := account.take(chunk)) is not None:
                        yield Token(text=text)
        except EngineTimedOutError:
            raise EngineTimedOutError(f"{NAME} was silent for too long.") from None
        except EngineError as error:
            raise self._of_work(error) from None
        yield account.finished()

    def _body(self, request: Request) -> dict[str, Any]:
        """The request. A seed has no part in the likeliest token, but would have it served in another way."""
        body: dict[str, Any] = {
            "prompt": request.prompt,
            "max_tokens": request.tokens_out,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._bias:
            body["logit_bias"] = self._bias
        if request.temperature:
            body["seed"] = request.seed
        return body

    def of_start(self, error: ProfileError) -> ProfileError:
        """What the log makes of a failure to start; the failure itself where that says no more."""
        log = self._server.log()
        if found := _WHY.search(log):
            return _of_thread(found[1].strip().rstrip("."), loading=self.load_s is None)
        if _TOO_OLD in log:
            what = f"This {NAME} does not know an option that it is given."
            return EngineMissingError(what, "Get a newer one: pip install -U mlx-lm.")
        return error

    def _of_work(self, error: EngineError) -> ProfileError:
        """What the log makes of a failure to answer: a server that ended, or whose working thread did."""
        if isinstance(error, EngineDiedError | EngineMissingError):
            when = "while loading" if self.load_s is None else "in the middle of the work"
            what = f"{NAME} ended {when} ({self._server.how_it_ended()})"
            return self.of_start(WORDING.explained(what, self._server.log()))
        return self.of_start(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()
        self._server.end()


def _of_thread(why: str, *, loading: bool) -> ProfileError:
    """The thread that works ends at its first error; the server goes on, and answers that it died."""
    if any(word in why.lower() for word in WORDING.no_memory):
        return DoesNotFitError(f"{NAME} found no memory for the model.")
    if loading:
        return ModelUnreadableError(
            f"{NAME} could not load the model: {why[:_LONGEST]}.", "Choose another, or a newer mlx-lm."
        )
    return EngineDiedError(f"{NAME} broke off in the middle of the work: {why[:_LONGEST]}.")
