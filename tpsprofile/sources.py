"""From the names in a plan to models that an engine can load: the one place that knows where they come from.

name in the plan             engine                      where from
a path, or ending in .gguf   takes files                 the file
any                          has models of its own       the engine
smollm2:135m                 takes files                 a Python package, fetched when it is needed
a name of the catalogue      takes files                 a synthetic twin, written when it is needed
name@Q4_0                    takes files                 a twin in that quantisation
"""

from __future__ import annotations

import os
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
    did_you_mean,
)
from tpsprofile.models import catalogue, packaged, recipes, synthetic
from tpsprofile.models.cache import forget
from tpsprofile.models.gguf_file import open_model
from tpsprofile.models.memory import Dimensions, Need, at_least, needed
from tpsprofile.models.synthetic import Progress
from tpsprofile.records import ModelFacts, Outcome, Record

FILE, PACKAGE, SYNTHETIC, ENGINE = "file", "package", "synthetic", "engine"
_ERRORS = {
    Outcome.NOT_INSTALLED: ModelNotInstalledError,
    Outcome.REFUSED: ModelRefusedError,
    Outcome.UNREADABLE: ModelUnreadableError,
}


class Candidate(Record, frozen=True, kw_only=True):
    """A model of the plan, and what is known before it is loaded."""

    name: str
    """As the plan has it."""
    facts: ModelFacts
    need: Need | None = None
    """Memory at the plan's context length; None where the dimensions are unknown."""
    origin: str
    """``file``, ``package``, ``synthetic`` or ``engine``."""
    installed: bool
    """Nothing has to be fetched or written first."""
    path: str | None = None
    """The file, where there is one or will be one."""
    disk_bytes: int | None = None
    """What it takes on disk, or will take."""
    problem: tuple[Outcome, str] | None = None
    """Why it cannot be loaded, for its row in the results."""


def candidates(names: Sequence[str], engine: Engine, *, context_tokens: int, cache: Path) -> list[Candidate]:
    """One candidate for each name, in order. Nothing is fetched, written or loaded.

    What is wrong with one model becomes its ``problem``. Raises UsageError for a name that means nothing, and
    EngineMissingError where an engine with models of its own does not answer.
    """
    return [_candidate(name, engine, context_tokens, cache) for name in names]


@contextmanager
def ready(
    candidate: Candidate, engine: Engine, *, cache: Path, keep: bool, progress: Progress
) -> Iterator[Weights]:
    """The model as the engine takes it: a twin is written now, a packaged file fetched.

    A twin is removed afterwards unless ``keep``. Raises the error of the candidate's problem if it has one, and
    ProfileError where fetching or writing fails.
    """
    if candidate.problem is not None:
        outcome, reason = candidate.problem
        raise _ERRORS.get(outcome, ProfileError)(reason)
    with _on_disk(candidate, cache, keep, progress) as weights, engine.adopt(weights, progress) as own:
        yield own


@contextmanager
def _on_disk(candidate: Candidate, cache: Path, keep: bool, progress: Progress) -> Iterator[Weights]:
    """The model's file, written or fetched where it has to be; without one, what the engine calls its own."""
    if candidate.origin == SYNTHETIC:
        recipe = recipe_of(candidate.name)
        path = synthetic.prepare(recipe, cache, keep=keep, progress=progress)
        try:
            yield _from_disk(candidate, path)
        finally:
            if not keep:
                with suppress(OSError):  # an engine that is slow to end may still hold it; the next sweep clears
                    synthetic.remove(recipe, cache)
    elif candidate.origin == PACKAGE:
        yield _from_disk(candidate, packaged.prepare(cache, progress))
    elif candidate.path is not None:
        yield _from_disk(candidate, Path(candidate.path))
    else:
        yield Weights(facts=candidate.facts)


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


def recipe_of(name: str) -> recipes.Recipe:
    """The twin that a name of the catalogue means, with the quantisation after ``@`` if it has one.

    Raises UsageError for an unknown name or quantisation.
    """
    tag, _, quantisation = name.partition("@")
    return recipes.of_shape(catalogue.find(tag), quantisation.upper() or None)


def _candidate(name: str, engine: Engine, context_tokens: int, cache: Path) -> Candidate:
    if name.lower().endswith(".gguf") or (_has_separator(name) and Path(name).expanduser().exists()):
        return _from_file(name, engine, context_tokens, cache)
    if engine.can.lists_models:
        return _from_engine(name, engine, context_tokens)
    if not engine.can.takes:
        raise UsageError(f"{name!r} is no model that this engine could be given.", "Choose another engine.")
    if name.lower() == packaged.FACTS.name:
        return _from_package(name, context_tokens, cache)
    return _from_catalogue(name, context_tokens, cache)


def _has_separator(name: str) -> bool:
    return os.sep in name or (os.altsep or os.sep) in name


def _from_file(name: str, engine: Engine, context_tokens: int, cache: Path) -> Candidate:
    path = Path(name).expanduser()
    if not path.exists():
        near = [other.name for other in path.parent.glob("*.gguf")] if path.parent.is_dir() else []
        raise UsageError(f"There is no file {name!r}.", did_you_mean(path.name, near) or None)
    unknown = ModelFacts(name=path.stem, format="gguf")
    if not engine.can.takes:
        problem = (Outcome.REFUSED, "This engine takes models by name only, not from a file.")
        return Candidate(name=name, facts=unknown, origin=FILE, installed=True, path=str(path), problem=problem)
    try:
        model = open_model(path)
        facts, shape = model.facts(cache=cache), model.shape()
    except ModelUnreadableError as error:
        problem = (Outcome.UNREADABLE, str(error))
        return Candidate(name=name, facts=unknown, origin=FILE, installed=True, path=str(path), problem=problem)
    need = _need(shape, model.header.file_bytes, context_tokens)
    return Candidate(
        name=name,
        facts=facts,
        need=need,
        origin=FILE,
        installed=True,
        path=str(path),
        disk_bytes=model.header.file_bytes,
    )


def _from_engine(name: str, engine: Engine, context_tokens: int) -> Candidate:
    if "@" in name:
        raise UsageError(
            f"{name!r} asks for a synthetic twin in a quantisation of its own, and this engine has real models.",
            "Name one of the engine's models.",
        )
    try:
        facts = engine.find(name).facts
    except ModelNotInstalledError as error:
        return _absent(name, Outcome.NOT_INSTALLED, error, context_tokens)
    except ModelRefusedError as error:
        return _absent(name, Outcome.REFUSED, error, context_tokens)
    shape = _known(name)
    need = _need(shape, facts.file_bytes, context_tokens)
    return Candidate(name=name, facts=facts, need=need, origin=ENGINE, installed=True, disk_bytes=facts.file_bytes)


def _absent(name: str, outcome: Outcome, error: ProfileError, context_tokens: int) -> Candidate:
    """A model that the engine does not have or that says nothing, with what the catalogue knows of it."""
    shape = _known(name)
    facts, need, size = ModelFacts(name=name), None, None
    if shape and outcome is Outcome.NOT_INSTALLED:
        usual = recipes.of_shape(shape).facts()
        size = usual.file_bytes
        need = _need(shape, size, context_tokens)
        facts = ModelFacts(
            name=name,
            parameters=shape.parameters,
            parameters_active=shape.parameters,
            quantisation=usual.quantisation,
            architecture=shape.architecture,
            longest_context=shape.context_length,
        )
    return Candidate(
        name=name,
        facts=facts,
        need=need,
        origin=ENGINE,
        installed=False,
        disk_bytes=size,
        problem=(outcome, str(error)),
    )


def _need(dimensions: Dimensions | None, file_bytes: int | None, context_tokens: int) -> Need | None:
    """By formula; where the dimensions are unknown, at least what the weights take."""
    if file_bytes is None:
        return None
    return at_least(file_bytes) if dimensions is None else needed(dimensions, file_bytes, context_tokens)


def _known(name: str) -> catalogue.Shape | None:
    try:
        return catalogue.find(name)
    except UsageError:
        return None


def _from_package(name: str, context_tokens: int, cache: Path) -> Candidate:
    path = packaged.present(cache)
    size = packaged.FACTS.file_bytes or 0
    return Candidate(
        name=name,
        facts=packaged.FACTS,
        need=needed(catalogue.find(name), size, context_tokens),
        origin=PACKAGE,
        installed=path is not None,
        path=None if path is None else str(path),
        disk_bytes=size,
    )


def _from_catalogue(name: str, context_tokens: int, cache: Path) -> Candidate:
    recipe = recipe_of(name)
    facts = recipe.facts()
    size = facts.file_bytes or 0
    return Candidate(
        name=name,
        facts=facts,
        need=needed(catalogue.find(name.partition("@")[0]), size, context_tokens),
        origin=SYNTHETIC,
        installed=synthetic.written(recipe, cache),
        path=str(synthetic.path_of(recipe, cache)),
        disk_bytes=size,
    )
