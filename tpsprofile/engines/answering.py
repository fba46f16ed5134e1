"""Who answers at an address: which engine, under which version, with which models, or who else.

What a server is, it says itself (``openai.servers``); its port tells nothing. Routes that list are asked, none
that would load a model, as LM Studio and Ollama do on request.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tpsprofile.engines import knock, registry
from tpsprofile.engines.base import Capabilities
from tpsprofile.engines.found import Found, State, sweep
from tpsprofile.engines.installed import PORTS, PRODUCTS
from tpsprofile.engines.knock import Answer
from tpsprofile.engines.openai import process, servers
from tpsprofile.engines.openai.address import Address, parse
from tpsprofile.engines.openai.servers import Server
from tpsprofile.errors import ProfileError

ANY_SERVER = "openai"
"""The registered engine that measures any server but Ollama, which has one of its own."""
_NAMES: Mapping[str, str] = {
    **{product.kind: product.name for product in reversed(PRODUCTS)},
    servers.OTHER.kind: "unnamed server",
    servers.KOBOLDCPP.kind: "KoboldCpp",
}
_OLLAMA_DEFAULT = "http://127.0.0.1:11434"
_WANTS_KEY, _NOT_YET = 401, 503


def ask(address: Address) -> tuple[Found, ...]:
    """Who answers at this address, at most one; empty where nobody accepts a connection."""
    if not knock.is_open(address.host, address.port):
        return ()
    with knock.asking(address.root) as asking:
        get = functools.cache(lambda route: asking(address.url(route)))
        listing = get("/v1/models")
        if listing.failure is not None:
            return (stranger(address, listing.failure),)
        server = servers.identify(lambda route: get(route).json(), ask_more=not address.service)
        if server is None:
            return (stranger(address, _described(listing), listing.status),)
        return (engine_at(address, server),)


def stranger(address: Address, what: str, status: int | None = None) -> Found:
    """Somebody who is no engine, as far as can be told, and what might help."""
    usual = next((each.usual for each in PORTS if each.number == address.port), ())
    note = f"Usual on this port: {', '.join(usual)}." if usual else None
    command = None
    if status == _WANTS_KEY:
        note = "It wants a key: put it into an environment variable, and name that."
        command = sweep(ANY_SERVER, "--server", _written(address), "--key-env", "NAME")
    elif status == _NOT_YET:
        note = "It may still be loading its model: look again in a moment."
    return Found(name=what, state=State.OTHER, address=address.root, note=note, command=command)


def ollama_host() -> Address:
    """Where Ollama is unless told otherwise: at ``OLLAMA_HOST``, read as its client does, else on this computer.

    Raises ProfileError where ``OLLAMA_HOST`` is no address.
    """
    if not os.environ.get("OLLAMA_HOST"):
        return parse(_OLLAMA_DEFAULT)
    from tpsprofile.engines.ollama.wire import Wire

    return parse(Wire().address)


def engine_of(kind: str) -> str:
    """Name of the registered engine that measures servers of this kind."""
    return kind if kind == servers.OLLAMA.kind else ANY_SERVER


def can_of(kind: str) -> Capabilities:
    """What a server of this kind reports, measured by its engine."""
    if kind == servers.OLLAMA.kind:
        return registry.create(engine_of(kind)).can
    return next((one.can for one in servers.DIALECTS if one.kind == kind), servers.OTHER.can)


def engine_at(address: Address, server: Server) -> Found:
    """A server that can be measured, and the command line that does."""
    names = tuple(one.facts.name for one in server.models)
    engine = engine_of(server.kind)
    place: tuple[str, ...] = ("--server", _written(address))
    if engine == servers.OLLAMA.kind:
        place = () if _is_usual(address) else ("--server", address.root)
    owner = ("--tag", "NAME") if not address.local or process.is_tunnel(address.port) else ()
    model = _likely([*(server.loaded or ()), *names])
    notes = ["" if names else "It has no model yet.", "NAME is yours for that computer." if owner else ""]
    return Found(
        name=_NAMES.get(server.kind, server.kind),
        state=State.READY,
        engine=engine,
        version=server.version,
        address=address.root,
        loaded=server.loaded,
        models=names,
        can=can_of(server.kind),
        command=sweep(engine, *place, *owner, model=model),
        note=" ".join(filter(None, notes)) or None,
    )


def _written(address: Address) -> str:
    """The address as it has to be given, so that OpenAI's routes are found."""
    return address.root if address.api == f"{address.root}/v1" else address.api


def _is_usual(address: Address) -> bool:
    with suppress(ProfileError):
        return address.root == ollama_host().root
    return False


def _likely(names: Sequence[str]) -> str | None:
    """The first that could be measured here: not in a cloud, and none that only embeds, as far as names tell."""
    unlikely = re.compile(r"[:-]cloud$|embed|rerank", re.IGNORECASE)
    return next((name for name in names if not unlikely.search(name)), None)


def _described(answer: Answer) -> str:
    return ", ".join(filter(None, [f"HTTP {answer.status}", answer.kind]))
