"""What Ollama's error texts mean, from 0.5 to 0.33, as errors of this program with one line each."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
    ProfileError,
)

_NOT_INSTALLED = re.compile(r"model .*not found", re.IGNORECASE)


class _Meaning(NamedTuple):
    """A kind of failure: how its texts are recognised, and what is said of it."""

    pattern: str
    error: type[ProfileError]
    what: str
    """With ``model``, ``why`` (the telling line) and ``end`` (what stands after its last colon)."""
    advice: str | None = None


_MEANINGS = (
    _Meaning(
        r"pull model manifest: file does not exist",
        ModelNotInstalledError,
        "Ollama's library has no model {model!r}.",
        "Look for its name at ollama.com/library.",
    ),
    _Meaning(
        r"more system memory|(insufficient|out of) memory|OutOfMemory|(unable|failed) to allocate"
        r"|cudaMalloc failed|unable to load full model|memory layout cannot be allocated",
        DoesNotFitError,
        "{model} does not fit in memory: {why}.",
    ),
    _Meaning(
        r"timed out waiting for",
        EngineTimedOutError,
        "Ollama gave up loading {model}: {why}.",
        "Start the server with a longer OLLAMA_LOAD_TIMEOUT.",
    ),
    _Meaning(
        r"unable to load model|(error|failed) loading model|failed to load model|unknown model architecture"
        r"|invalid (file )?magic|may be incompatible|unsupported (model|format)",
        ModelUnreadableError,
        "Ollama cannot read {model}: {why}.",
        "Pull the model again, or update Ollama.",
    ),
    _Meaning(
        r"(pull model manifest|max retries exceeded|registry\.).*(dial tcp|no such host|timeout|TLS|unreachable)",
        EngineError,
        "Ollama could not download {model}: {end}.",
        "Check the network of the computer that runs it.",
    ),
    _Meaning(
        r"\bEOF\b|has terminated|no longer running|connection (refused|reset)|forcibly closed"
        r"|exit status|signal: ",
        EngineDiedError,
        "Ollama's process for {model} ended: {why}.",
        "Look at Ollama's log for the reason; a system short of memory ends processes, too.",
    ),
    _Meaning(
        r"server busy|maximum pending requests",
        EngineError,
        "Ollama is busy: {why}.",
        "Wait until nobody else uses this server.",
    ),
    _Meaning(r"", EngineError, "Ollama says: {why}."),
)
"""In order of precedence: a process that ended for lack of memory did not just end."""

_WRAPPING = re.compile(r"^.*?(has terminated|running the model): (exit status \d+: )?(?=.)")
_BLOB = re.compile(r"\S*(sha256-[0-9a-f]{12})[0-9a-f]*")
_LONGEST = 200


def of_answer(answer: object, status: int, model: str | None) -> ProfileError:
    """The error that an answer of the server amounts to.

    ``status`` is its HTTP status, or not positive for an error in the middle of a stream.
    """
    text = _sentence(answer) or f"HTTP status {status}"
    if _NOT_INSTALLED.search(text):
        return not_installed(model or "of that name")
    meaning = next(each for each in _MEANINGS if re.search(each.pattern, text, re.IGNORECASE))
    why, end = _line(text, meaning.pattern), _line(text.rpartition(": ")[2], "")
    return meaning.error(meaning.what.format(model=model or "the model", why=why, end=end), meaning.advice)


def not_installed(name: str) -> ModelNotInstalledError:
    """The error for a model that the server does not have."""
    return ModelNotInstalledError(f"Ollama has no model {name!r}.", f"Get it with `ollama pull {name}` or --pull.")


def _sentence(answer: object) -> str:
    """The text inside an error. Some servers put the JSON of another server's answer inside their own."""
    while True:
        if isinstance(answer, dict):
            answer = answer.get("error") or answer.get("message") or ""
        elif isinstance(answer, str) and isinstance(inner := _parsed(answer), dict):
            answer = inner
        else:
            return str(answer).strip()


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _line(text: str, about: str) -> str:
    """The line that says why, without what is wrapped around it and without paths, which may name a person."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [text]
    line = next((line for line in lines if re.search(about, line, re.IGNORECASE)), lines[0])
    line = _BLOB.sub(r"\1", _WRAPPING.sub("", line)).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
