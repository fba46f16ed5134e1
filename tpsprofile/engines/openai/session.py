"""A model of a server that speaks as OpenAI's do."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from types import TracebackType
from typing import Any, Self, cast

import msgspec

from tpsprofile import units
from tpsprofile.clock import Clock
from tpsprofile.engines import numbers
from tpsprofile.engines.base import Event, Finished, LoadedFacts, Request, Token
from tpsprofile.engines.llama import timings
from tpsprofile.engines.llama.session import Bites
from tpsprofile.engines.openai.facts import Model
from tpsprofile.engines.openai.facts import text as one_line
from tpsprofile.engines.openai.servers import Dialect, Server
from tpsprofile.engines.openai.wire import Answer, Wire
from tpsprofile.errors import EngineError, EngineTimedOutError

COMPLETION, CHAT = "/v1/completions", "/v1/chat/completions"
_STOPS = {"length": "limit", "stop": "end"}
_REASONING = ("reasoning_content", "reasoning")
LIMITS = ("max_tokens", "max_completion_tokens")
"""What servers call the most tokens to generate; some of OpenAI's models know the second alone."""
CHUNKS_A_TOKEN, CHUNKS_MORE = 8, 256
"""Chunks that a stream has at most, for each token that was asked for and beside them."""


class Account:
    """What the chunks of one generation said, put together at its end."""

    def __init__(self) -> None:
        self._usage: Mapping[str, Any] = {}
        self._timings: object = None
        self._finish: object = None
        self._thought = False

    def take(self, chunk: Answer) -> str | None:
        """The text in a chunk; None for one without, such as thinking or the last."""
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = usage
        self._timings = chunk.get("timings") or self._timings
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return None
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta")
        told: Mapping[str, Any] = delta if isinstance(delta, dict) else choice
        self._thought = self._thought or any(told.get(key) for key in _REASONING)
        text = told.get("content") if told is delta else told.get("text")
        return text if isinstance(text, str) and text else None

    def finished(self) -> Finished:
        """The server's account.

        Counts are those of ``usage``, which no number of chunks can replace: a chunk may hold several tokens, or
        less than one. Times are those of ``timings``, which llama-server adds. Where the model thought, the time
        from the first token to the last is not that of the text, and its tokens are those that are left over.
        """
        finish = one_line(self._finish, 40)
        stopped_by = _STOPS.get(finish or "", finish)
        account = timings.account(self._timings, stopped_by)
        tokens_in, tokens_out = _count(self._usage, "prompt_tokens"), _count(self._usage, "completion_tokens")
        cached = _count(self._usage.get("prompt_tokens_details"), "cached_tokens")
        account = msgspec.structs.replace(
            account,
            tokens_in=account.tokens_in if tokens_in is None else tokens_in,
            tokens_cached=account.tokens_cached if cached is None else cached,
            tokens_out=account.tokens_out if tokens_out is None else tokens_out,
        )
        thoughts = _count(self._usage.get("completion_tokens_details"), "reasoning_tokens")
        if not self._thought and not thoughts:
            return account
        left = None if thoughts is None or tokens_out is None else max(0, tokens_out - thoughts)
        return msgspec.structs.replace(account, tokens_out=left, decode_s=None, stopped_by="thinking")


class ServerSession:
    """A model that a server has in memory, or brings there when it is asked for. Leaving it leaves it there."""

    load_s: float | None = None

    def __init__(
        self, clock: Clock, wire: Wire, server: Server, model: Model, *, pids: tuple[int, ...], chat: bool
    ) -> None:
        self.pids = pids
        self._chat = chat
        self.limit = LIMITS[0]
        self._clock = clock
        self._wire = wire
        self._server = server
        self._model = model

    def facts(self) -> LoadedFacts:
        """Context length and version as the server tells them now. Raises EngineError where it does not answer."""
        now = self._wire.identify()
        mine = next((one for one in now.models if one.id == self._model.id), None)
        return LoadedFacts(context_tokens=mine.context_tokens if mine else None, version=now.version)

    def generate(self, request: Request) -> Iterator[Event]:
        """Yield a Token for each chunk with text, then one Finished.

        Raises CaseTooLongError, EngineDiedError, EngineTimedOutError or another EngineError.
        """
        chat = request.chat or self._chat
        yield from self._events(self._body(request, chat=chat), request)

    def _body(self, request: Request, *, chat: bool) -> Answer:
        return body_of(self._server.dialect, self._model.id, request, chat=chat, limit=self.limit)

    def _events(self, body: Answer, request: Request) -> Iterator[Event]:
        own_clock = self._server.can.times_itself and self._wire.address.local
        bites = Bites(request.tokens_out, self._clock) if own_clock else None
        account, last_s = Account(), self._clock.monotonic()
        with closing(self._chunks(body, request)) as chunks:
            for chunk in chunks:
                if (text := account.take(chunk)) is not None:
                    yield Token(text=text)
                    if bites:
                        bites.taken()
                    last_s = self._clock.monotonic()
                elif self._clock.monotonic() - last_s > request.silence_s:
                    raise EngineTimedOutError(f"No text came for {units.seconds(request.silence_s)}.")
        yield account.finished()

    def _chunks(self, body: Answer, request: Request) -> Generator[Answer]:
        """The chunks of a stream. Raises EngineError for one that goes on and on."""
        route = CHAT if "messages" in body else COMPLETION
        most = CHUNKS_A_TOKEN * request.tokens_out + CHUNKS_MORE
        with closing(self._wire.stream(route, body, request.silence_s)) as chunks:
            for number, chunk in enumerate(chunks):
                if number == most:
                    raise EngineError(
                        f"The server did not stop after the tokens asked for, {request.tokens_out} at most.",
                        "It takes no notice of max_tokens.",
                    )
                yield chunk

    def probe(self, silence_s: float) -> None:
        """Generate one token, which has a server that loads on request load the model.

        Finds out, too, what the model calls the most tokens to generate. Raises as ``generate`` does, and
        EngineTimedOutError where it takes longer than ``silence_s`` in all.
        """
        try:
            self._one_token(silence_s)
            return
        except EngineError as error:
            if LIMITS[1] not in str(error) or self.limit == LIMITS[1]:
                raise
        self.limit = LIMITS[1]
        self._one_token(silence_s)

    def _one_token(self, silence_s: float) -> None:
        """At the model's own temperature: some refuse any other, and that is the plan's affair."""
        request = Request(prompt="1", tokens_out=1, silence_s=silence_s)
        body = self._body(request, chat=self._chat)
        del body["temperature"]
        ends_s = self._clock.monotonic() + silence_s
        for _ in self._events(body, request):
            if self._clock.monotonic() > ends_s:
                raise EngineTimedOutError(f"One token was not there after {units.seconds(silence_s)}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()


def body_of(dialect: Dialect, model: str, request: Request, *, chat: bool, limit: str) -> Answer:
    """The body of a request: what all servers take, and what this one does.

    A seed has no part in the likeliest token, and some services refuse one.
    """
    body: Answer = {
        "model": model,
        limit: request.tokens_out,
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
        **dialect.always,
    }
    if dialect.reuse:
        body[dialect.reuse] = request.reuse
    if request.temperature == 0:
        body.update(dialect.greedy)
    else:
        body["seed"] = request.seed
    if chat:
        return {**body, "messages": [{"role": "user", "content": request.prompt}], **dialect.no_thinking}
    return {**body, "prompt": request.prompt}


def _count(told: object, key: str) -> int | None:
    """A whole number at a key of what may be no object; None where there is none."""
    value = cast("Mapping[str, Any]", told).get(key) if isinstance(told, dict) else None
    return numbers.tokens(value)
