"""Any server that speaks as OpenAI's do: llama-server, llamafile, LM Studio, mlx_lm.server, vLLM, and services.

What these cannot do shapes this engine. None can be told to load, so a load is not timed: one token is asked for
first, which has those that load on request do so. None takes a context length: each has its own, which is recorded
and compared with the plan's. Prompts go to the completion route as they are; with ``Setup.chat`` they go through
the model's template, thinking switched off where the server can be told. Only llama-server times itself; for the
others the client's clock stands, and their own count of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Capabilities, Setup, Weights
from tpsprofile.engines.openai import address, keys, process, servers
from tpsprofile.engines.openai.facts import Model
from tpsprofile.engines.openai.servers import MODEST, Server
from tpsprofile.engines.openai.session import ServerSession
from tpsprofile.engines.openai.wire import Wire
from tpsprofile.errors import EngineError, ModelNotInstalledError, did_you_mean
from tpsprofile.records import EngineInfo

_NAMED = 8
"""Models that are named at most where one is not found."""


class OpenAI:
    """A server at ``Setup.server``, or at the usual address on this computer. Creating this touches nothing.

    Raises UsageError for an address that is none, for an environment variable without a key, and for a key that
    would go through other networks without encryption.
    """

    def __init__(self, clock: Clock, setup: Setup | None = None) -> None:
        self.clock = clock
        self._setup = setup or Setup()
        self._address = address.parse(self._setup.server)
        self._key = keys.of_environment(self._setup.key_env) if self._setup.key_env else None
        self._line = Wire(self._address, clock, self._key, self._setup.key_env) if self._key else None
        self._server: Server | None = None

    @property
    def can(self) -> Capabilities:
        """What the server can do, once it has been asked who it is; until then what all can."""
        return self._server.can if self._server else MODEST

    def info(self) -> EngineInfo:
        """Which server, under which version. Raises EngineMissingError where none answers, or no such one."""
        self._server = server = self._wire.identify()
        service = self._setup.cloud or self._address.service
        return EngineInfo(
            name=server.kind,
            version=server.version,
            build=self._address.service_name or server.build,
            remote=service or not self._address.local or process.is_tunnel(self._address.port),
            cloud=service,
        )

    def options(self) -> dict[str, str | int | float | bool | None]:
        """Whether the end of text is ignored, and thinking switched off, as far as this server can be told."""
        dialect = self._server.dialect if self._server else servers.OTHER
        thinking = False if self._setup.chat and dialect.no_thinking else None
        return {"ignore_eos": dialect.can.ignores_end, "thinking": thinking}

    def models(self) -> tuple[Weights, ...]:
        """The models that the server lists, those in memory first, else in its order."""
        listed = sorted(self._listed(), key=lambda one: one.loaded is not True)
        return tuple(Weights(facts=one.facts, loaded=one.loaded) for one in listed)

    def find(self, name: str) -> Weights:
        """The model whose id it is, or the end of a path that the id is. Raises ModelNotInstalledError."""
        return Weights(facts=self._model(name).facts)

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Raises EngineError: models come into these servers by ways of their own."""
        raise EngineError("This server cannot be told to download a model.", "Use its own program for that.")

    def adopt(
        self, weights: Weights, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Weights]:
        """The weights as they are: the server has models of its own."""
        return nullcontext(weights)

    def make_room(self) -> None:
        """Nothing to do: these servers cannot be told to unload."""

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> ServerSession:
        """Have one token generated, for servers that load a model when it is asked for.

        Raises EngineMissingError, ModelNotInstalledError, ModelUnreadableError, DoesNotFitError, CaseTooLongError,
        EngineDiedError, EngineTimedOutError or another EngineError.
        """
        model = self._model(weights.facts.name)
        assert self._server is not None
        if not self._setup.chat and not self._server.dialect.raw:
            raise EngineError(
                "This server puts prompts through the model's chat template on every route.",
                "Use --chat, or the engine of its own that it has here.",
            )
        pids = process.server_pids(self._address.port) if self._address.local else ()
        chat = self._setup.chat
        session = ServerSession(self.clock, self._wire, self._server, model, pids=pids, chat=chat)
        session.probe(silence_s)
        return session

    @property
    def _wire(self) -> Wire:
        """The line to the server, with the keyring's key where no variable was named."""
        if self._line is None:
            key = keys.of_keyring(self._address.host)
            self._line = Wire(self._address, self.clock, key, None if key is None else "")
        return self._line

    def _listed(self) -> tuple[Model, ...]:
        self._server = self._wire.identify()
        return self._server.models

    def _model(self, name: str) -> Model:
        listed = self._listed()
        exact = (one for one in listed if name in {one.id, one.facts.name})
        model = next(exact, None) or next((one for one in listed if one.is_called(name)), None)
        if model is None:
            raise ModelNotInstalledError(f"The server has no model {name!r}.", _instead(name, listed))
        return model


def _instead(name: str, listed: tuple[Model, ...]) -> str:
    names = [one.facts.name for one in listed]
    if not names:
        return "It lists none: load one there first."
    advice = did_you_mean(name, names)
    if len(names) <= _NAMED or advice.startswith("Did"):
        return advice
    return f"It has {len(names)}: {', '.join(sorted(names)[:_NAMED])}, ..."
