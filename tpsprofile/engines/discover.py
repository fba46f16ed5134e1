"""Which engines are here: what is installed, what answers, under which version, with which models.

Looking changes nothing: no server is started, no model is loaded, no key is sent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import msgspec

from tpsprofile.engines import installed, knock, registry
from tpsprofile.engines.answering import ask, can_of, engine_of, ollama_host, stranger
from tpsprofile.engines.base import Engine
from tpsprofile.engines.found import Found, State, sweep
from tpsprofile.engines.installed import PORTS, Product
from tpsprofile.engines.openai import address
from tpsprofile.engines.openai.address import Address
from tpsprofile.engines.openai.servers import OLLAMA
from tpsprofile.errors import EngineMissingError, ProfileError

ADDRESSES_S = 1.4
"""Longest wait for all addresses together, in seconds."""
ENGINES_S = 2.5
"""Longest wait for what engines say of themselves, who may ask a program for its version, in seconds."""
NOBODY = "nobody answers"
"""What is found where somebody was expected."""


def look(servers: Sequence[str] = (), *, ports: Sequence[int] | None = None) -> tuple[Found, ...]:
    """What is here: ready engines first, then what is installed, who else answers, and what is not installed.

    Questions go to ``servers``, to ``OLLAMA_HOST`` where it is set, and to ``ports`` of this computer (those of
    ``PORTS`` unless told otherwise), all at the same time. Raises UsageError for a server that is no address.
    """
    host, found = _ollama_host()
    named = [*map(address.parse, servers), *host]
    numbers = [port.number for port in PORTS] if ports is None else ports
    usual = [address.parse(f"http://127.0.0.1:{number}") for number in numbers]
    places = list({place.root: place for place in [*named, *usual]}.values())
    names = registry.names()
    _prepare()
    answers = knock.at_once(
        [
            *((partial(own_word, name), ENGINES_S) for name in names),
            *((partial(ask, place), ADDRESSES_S) for place in places),
        ]
    )
    for name, answer in zip(names, answers, strict=False):
        late = Found(name=name, state=State.OTHER, engine=name, note="It did not answer in time.")
        found += (late,) if answer is None else answer
    for place, answer in zip(places, answers[len(names) :], strict=True):
        nobody = (stranger(place, NOBODY),) if place in named else ()
        found += (stranger(place, knock.SILENT),) if answer is None else answer or nobody
    met = {one.name for one in found}
    found += tuple(_product(each) for each in installed.PRODUCTS if not met & {each.name, each.engine})
    return tuple(sorted(_needed(found), key=lambda one: list(State).index(one.state)))


def _prepare() -> None:
    """Load what all questions need before any time is counted: on a busy computer it takes as long as a server."""
    knock.prepare()
    for name in registry.BUILT_IN:
        registry.create(name)


def own_word(name: str) -> tuple[Found, ...]:
    """What a registered engine says of itself; empty for one that invents its figures, and for Ollama's.

    Ollama is found by its address. What comes with this package is known without asking, which takes processes.
    """
    if name == OLLAMA.kind:
        return ()
    try:
        engine = registry.create(name)
        blank = Found(name=name, state=State.READY, engine=name, can=engine.can)
        known = _embedded(blank) or _for_any_server(blank) or _own_program(blank)
        return (known,) if known else _told(blank, engine)
    except Exception as error:  # noqa: BLE001  (a package of somebody else's may do anything)
        return (Found(name=name, state=State.OTHER, engine=name, note=f"It does not work: {error}"),)


def _ollama_host() -> tuple[tuple[Address, ...], tuple[Found, ...]]:
    """Where ``OLLAMA_HOST`` points, if it is set; else what is wrong with it."""
    try:
        return ((ollama_host(),) if os.environ.get("OLLAMA_HOST") else ()), ()
    except ProfileError as error:
        return (), (Found(name="OLLAMA_HOST", state=State.OTHER, note=str(error)),)


def _told(blank: Found, engine: Engine) -> tuple[Found, ...]:
    try:
        info = engine.info()
    except EngineMissingError as error:
        return (_but(blank, state=State.ABSENT, note=error.what, install=error.advice),)
    return () if info.simulated else (_but(blank, version=info.version, command=sweep(blank.name)),)


def _for_any_server(blank: Found) -> Found | None:
    if blank.can is None or blank.can.server != "url":
        return None
    start = sweep(blank.name, "--server", "URL", "--model", "NAME")
    return _but(blank, state=State.INSTALLED, start=start, note="It measures a server, once one runs.")


def _own_program(blank: Found) -> Found | None:
    """An engine that starts one of the known programs by itself."""
    product = next((product for product in installed.PRODUCTS if product.engine == blank.name), None)
    if product is None or blank.can is None or blank.can.server != "program":
        return None
    here = installed.find(product)
    if here is None:
        return _but(blank, state=State.ABSENT, install=product.install)
    return _but(blank, version=here.version, where=here.where, command=sweep(blank.name))


def _embedded(blank: Found) -> Found | None:
    """From its wheel alone."""
    if blank.name != registry.DEFAULT:
        return None
    module, distribution = installed.EMBEDDED
    version = installed.version_of(distribution) if installed.is_importable(module) else None
    if version is None:
        return _but(blank, state=State.ABSENT, install=f"pip install {distribution}")
    build = f"b{version.rsplit('.', 1)[-1]}"
    return _but(blank, version=build, where=f"{distribution} {version}", command="tpsprofile sweep")


def _product(product: Product) -> Found:
    here = installed.find(product)
    return Found(
        name=product.name,
        state=State.INSTALLED if here else State.ABSENT,
        engine=engine_of(product.kind),
        version=here.version if here else None,
        where=here.where if here else None,
        can=can_of(product.kind),
        start=product.start,
        install=product.install,
    )


def _needed(found: Sequence[Found]) -> list[Found]:
    """Without the engine for any server where it has one, or could have one that is installed."""
    served = {
        one.engine for one in found if one.engine != one.name and one.state in {State.READY, State.INSTALLED}
    }
    return [one for one in found if one.name != one.engine or one.engine not in served]


def _but(one: Found, **changes: object) -> Found:
    return msgspec.structs.replace(one, **changes)
