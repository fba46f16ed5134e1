"""From the names in a plan to models that an engine can load: the one place that knows where they come from.

name in the plan             engine                      where from
a path, or ending in .gguf   takes files                 the file or folder (``files``)
name@Q4_0                    takes files                 a twin in that quantisation (``twins``)
any                          has models of its own       the engine (``library``)
smollm2:135m                 takes GGUF files            a Python package, fetched when it is needed
a name of the catalogue      takes files                 a synthetic twin, written when it is needed
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tpsprofile.engines.base import Engine, Weights
from tpsprofile.errors import (
    ModelNotInstalledError,
    ModelRefusedError,
    ModelUnreadableError,
    ProfileError,
    UsageError,
)
from tpsprofile.models import packaged, synthetic
from tpsprofile.models.cache import forget
from tpsprofile.models.synthetic import Progress
from tpsprofile.records import Outcome
from tpsprofile.sources.candidate import ENGINE, FILE, PACKAGE, SYNTHETIC, Candidate
from tpsprofile.sources.files import from_disk, is_path
from tpsprofile.sources.library import absent, from_engine, served
from tpsprofile.sources.twins import from_catalogue, from_package, recipe_of, twin_name

__all__ = [
    "ENGINE",
    "FILE",
    "PACKAGE",
    "SYNTHETIC",
    "Candidate",
    "candidates",
    "fetch",
    "is_path",
    "ready",
    "recipe_of",
    "served",
    "twin_name",
]

_ERRORS = {
    Outcome.NOT_INSTALLED: ModelNotInstalledError,
    Outcome.REFUSED: ModelRefusedError,
    Outcome.UNREADABLE: ModelUnreadableError,
}


def candidates(
    names: Sequence[str], engine: Engine, *, context_tokens: int, cache: Path, forgiving: bool = False
) -> list[Candidate]:
    """One candidate for each name, in order. Nothing is fetched, written or loaded.

    What is wrong with one model becomes its ``problem``. Raises UsageError for a name that means nothing, unless
    ``forgiving``: then that is a problem as well, because another engine knows the name. Raises
    EngineMissingError where an engine with models of its own does not answer.
    """
    found = []
    for name in names:
        try:
            found.append(_candidate(name, engine, context_tokens, cache))
        except UsageError as error:
            if not forgiving:
                raise
            found.append(absent(name, Outcome.NOT_INSTALLED, UsageError(error.what), context_tokens))
    return found


@contextmanager
def ready(
    candidate: Candidate, engine: Engine, *, cache: Path, keep: bool, progress: Progress
) -> Iterator[Weights]:
    """The model as the engine takes it: a twin is written now, a packaged file fetched.

    A twin is removed afterwards unless ``keep``, and at once where the engine has made it its own: then it would
    take the disk twice. Raises the error of the candidate's problem if it has one, and ProfileError where
    fetching or writing fails.
    """
    if candidate.problem is not None:
        outcome, reason = candidate.problem
        raise _ERRORS.get(outcome, ProfileError)(reason)
    with _on_disk(candidate, cache, keep, progress) as weights, engine.adopt(weights, progress) as own:
        if own.path is None and candidate.origin == SYNTHETIC and not keep:
            _remove(candidate, cache)
        yield own


@contextmanager
def _on_disk(candidate: Candidate, cache: Path, keep: bool, progress: Progress) -> Iterator[Weights]:
    """The model's file, written or fetched where it has to be; without one, what the engine calls its own."""
    if candidate.origin == SYNTHETIC:
        path = synthetic.prepare(_recipe(candidate), cache, keep=keep, progress=progress)
        try:
            yield _from_disk(candidate, path)
        finally:
            if not keep:
                _remove(candidate, cache)
    elif candidate.origin == PACKAGE:
        yield _from_disk(candidate, packaged.prepare(cache, progress))
    elif candidate.path is not None:
        yield _from_disk(candidate, Path(candidate.path))
    else:
        yield Weights(facts=candidate.facts)


def _recipe(candidate: Candidate) -> synthetic.Twin:
    return recipe_of(candidate.name, candidate.facts.format or "gguf")


def _remove(candidate: Candidate, cache: Path) -> None:
    with suppress(OSError):  # an engine that is slow to end may still hold it; the next sweep clears
        synthetic.remove(_recipe(candidate), cache)


def _from_disk(candidate: Candidate, path: Path) -> Weights:
    """Just written, checked or hashed, the file lies in the file cache: a first load would not be one."""
    forget(path)
    return Weights(facts=candidate.facts, path=str(path))


def fetch(chosen: Sequence[Candidate], cache: Path, progress: Progress) -> None:
    """Fetch beforehand what would otherwise be fetched in the middle of a sweep.

    Raises ProfileError where that fails.
    """
    if any(candidate.origin == PACKAGE for candidate in chosen):
        packaged.prepare(cache, progress)


def _candidate(name: str, engine: Engine, context_tokens: int, cache: Path) -> Candidate:
    can = engine.can
    if can.lists_models and not can.takes:
        return _of_names(name, engine, context_tokens, cache)
    if is_path(name):
        return from_disk(name, engine, context_tokens, cache)
    if can.lists_models and not ("@" in name and can.takes):
        return from_engine(name, engine, context_tokens)
    if not can.takes:
        raise UsageError(f"{name!r} is no model that this engine could be given.", "Choose another engine.")
    if name.lower() == packaged.FACTS.name and "gguf" in can.takes:
        return from_package(name, context_tokens, cache)
    return from_catalogue(name, can.takes[0], context_tokens, cache)


def _of_names(name: str, engine: Engine, context_tokens: int, cache: Path) -> Candidate:
    """A model of an engine that takes no files: its own, whatever is called so here; else a file is told so."""
    own = from_engine(name, engine, context_tokens)
    if own.problem is not None and own.problem[0] is Outcome.NOT_INSTALLED and is_path(name):
        return from_disk(name, engine, context_tokens, cache) if Path(name).expanduser().exists() else own
    return own
