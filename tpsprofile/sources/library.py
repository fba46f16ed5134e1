"""Models of an engine's own, by name: what it has, and what it lacks or refuses."""

from __future__ import annotations

from tpsprofile.engines.base import Engine
from tpsprofile.errors import ModelNotInstalledError, ModelRefusedError, ProfileError, UsageError
from tpsprofile.models import catalogue, recipes
from tpsprofile.records import ModelFacts, Outcome
from tpsprofile.sources.candidate import ENGINE, Candidate, need_of

MOST = 8
"""So many models that a server has are measured without being named."""


def from_engine(name: str, engine: Engine, context_tokens: int) -> Candidate:
    """The engine's own model. Raises EngineMissingError where the engine does not answer."""
    try:
        facts = engine.find(name).facts
    except ModelNotInstalledError as error:
        return absent(name, Outcome.NOT_INSTALLED, _or_twin(name, engine, error), context_tokens)
    except ModelRefusedError as error:
        return absent(name, Outcome.REFUSED, error, context_tokens)
    # What somebody else loaded has its memory already.
    need = need_of(_known(name), facts.file_bytes, context_tokens) if engine.can.loads else None
    return Candidate(name=name, facts=facts, need=need, origin=ENGINE, installed=True, disk_bytes=facts.file_bytes)


def _or_twin(name: str, engine: Engine, error: ProfileError) -> ProfileError:
    """The error, and that the model's twin can be had at once."""
    shape = _known(name)
    if shape is None or "gguf" not in engine.can.takes:
        return error
    return ModelNotInstalledError(f"{error} Or measure its twin: {name}@{shape.quantisation}.")


def absent(name: str, outcome: Outcome, error: ProfileError, context_tokens: int) -> Candidate:
    """A model that the engine does not have or that says nothing, with what the catalogue knows of it."""
    shape = _known(name)
    facts, need, size = ModelFacts(name=name), None, None
    if shape and outcome is Outcome.NOT_INSTALLED:
        usual = recipes.of_shape(shape).facts()
        size = usual.file_bytes
        need = need_of(shape, size, context_tokens)
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


def served(engine: Engine, *, cloud: bool) -> tuple[str, ...]:
    """The models that a server has loaded, for a sweep that names none; all that it lists where it does not say.

    Raises ModelNotInstalledError where it has none, and UsageError where none is loaded, or so many are (or it is
    a service that costs money) that one should be named.
    """
    listed = engine.models()
    if not listed:
        raise ModelNotInstalledError("The server has no model.", "Load one there first.")
    loaded = [one for one in listed if one.loaded is not False]
    few = ", ".join(one.facts.name for one in (loaded or listed)[:3])
    if not loaded:
        more = ", …" if len(listed) > 3 else ""
        raise UsageError(
            f"The server has no model loaded; it could load {few}{more}.",
            f"Name one: --model {listed[0].facts.name}.",
        )
    if len(loaded) > (1 if cloud else MOST):
        raise UsageError(
            f"The server has {len(loaded)} models: {few}, …", f"Name one: --model {loaded[0].facts.name}."
        )
    return tuple(one.facts.name for one in loaded)


def _known(name: str) -> catalogue.Shape | None:
    try:
        return catalogue.find(name)
    except UsageError:
        return None
