"""What the errors of these servers mean, as errors of this program with one line each."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from tpsprofile.engines.openai.facts import text as one_line
from tpsprofile.errors import (
    CaseTooLongError,
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineMissingError,
    ModelNotInstalledError,
    ModelUnreadableError,
    ProfileError,
)

_LONGEST = 200


class _Meaning(NamedTuple):
    """A kind of failure: how its texts are recognised, and what is said of it."""

    pattern: str
    error: type[ProfileError]
    what: str
    """With ``why``, the server's own words."""
    advice: str | None = None


_MEANINGS = (
    _Meaning(
        r"\btemperature\b",
        EngineError,
        "The model refuses the temperature: {why}.",
        "Put one that it takes into the plan, such as `temperature: 1`.",
    ),
    _Meaning(
        r"loading model",
        EngineError,
        "The server is still loading its model.",
        "Try again when it has.",
    ),
    _Meaning(
        r"context_length_exceeded|exceeds? the (available )?context|context (length|size|window)"
        r"|input length exceeds|prompt is too long",
        CaseTooLongError,
        "It does not fit in the server's context: {why}.",
        "Start the server with a longer context.",
    ),
    _Meaning(
        r"out of memory|OutOfMemory|insufficient (system )?(memory|resources)|(unable|failed) to allocate"
        r"|more system memory",
        DoesNotFitError,
        "The server has no memory for the model: {why}.",
    ),
    _Meaning(
        r"model\b.*\b(not found|does ?n.t exist|does not exist|not available)|(no such|unknown|invalid) model\b"
        r"|not a valid model|snapshot folder|model_not_found|could not find .*model",
        ModelNotInstalledError,
        "The server does not have the model: {why}.",
        "`tpsprofile models` lists what it has.",
    ),
    _Meaning(
        r"crashed|has terminated|thread died|no longer running|unexpected EOF|exit (code|status)|signal: ",
        EngineDiedError,
        "The server's process for the model ended: {why}.",
        "Look at the server's log for the reason.",
    ),
    _Meaning(
        r"(unable to|failed to|error|could not) load(ing)? (the )?model|unknown model architecture|invalid magic",
        ModelUnreadableError,
        "The server cannot load the model: {why}.",
        "Look at the server's log for the reason.",
    ),
    _Meaning(
        r"rate limit|too many requests|\bbusy\b|maximum pending|overloaded|quota",
        EngineError,
        "The server takes no more requests now: {why}.",
        "Wait until nobody else uses it, or until its limits allow more.",
    ),
    _Meaning(r"", EngineError, "The server says: {why}."),
)
"""In order of precedence: a process that ended for lack of memory did not just end."""


def of_answer(status: int, body: str, *, variable: str | None = None, route: str = "") -> ProfileError:
    """The error that an answer amounts to; the key has been taken out of ``body``.

    ``status`` is its HTTP status, 0 for an error in the middle of a stream. ``variable`` is the environment
    variable of the key that was sent, or ``""`` for one of the keyring.
    """
    why = words(body) or f"HTTP status {status}"
    if 300 <= status < 400:
        return EngineError(
            "The server sends to another address, which is not followed.", "Give the address that it really has."
        )
    if status in {401, 403}:
        return _of_key(status, variable)
    if status == 429 and not re.search(_MEANINGS[-2].pattern, why, re.IGNORECASE):
        why = f"too many requests, {why}"
    meaning = next(each for each in _MEANINGS if re.search(each.pattern, why, re.IGNORECASE))
    if status in {404, 405} and meaning is _MEANINGS[-1] and route:
        return _of_route(route)
    return meaning.error(meaning.what.format(why=why.rstrip(".")), meaning.advice)


def _of_route(route: str) -> EngineError:
    if route.endswith("/models"):
        return EngineMissingError(
            "What answers there has no list of models, as OpenAI's servers have.",
            "Give the address of one that does.",
        )
    advice = "Use --chat: some servers have that route alone." if route == "/v1/completions" else None
    return EngineError(f"The server has no route {route}.", advice)


def _of_key(status: int, variable: str | None) -> EngineError:
    if variable is None:
        return EngineError(
            f"The server wants a key (HTTP status {status}).",
            "Put it into an environment variable and name that: --key-env NAME.",
        )
    whose = f"in the environment variable {variable}" if variable else "in the keyring"
    return EngineError(f"The server refuses the key {whose} (HTTP status {status}).", "Check the key.")


def words(body: str) -> str | None:
    """The sentence inside an error, on one line; None where there is none, as in a page for people."""
    found: object = body
    for _ in range(8):  # some servers put another's JSON inside their own
        if isinstance(found, str) and found.lstrip()[:1] in {"{", "["}:
            try:
                found = json.loads(found)
            except (ValueError, RecursionError):
                break
        if isinstance(found, list):
            found = found[0] if found else None
        elif isinstance(found, dict):
            keys = ("error", "message", "detail", "msg")
            found = next((found[key] for key in keys if found.get(key)), None)
        else:
            break
    if not isinstance(found, str) or found.lstrip()[:1] in {"<", "{", "["}:
        return None
    first = next((line for line in found.splitlines() if line.strip()), "")
    told = one_line(first, _LONGEST + 1)
    return told if told is None or len(told) <= _LONGEST else f"{told[:_LONGEST]}…"
