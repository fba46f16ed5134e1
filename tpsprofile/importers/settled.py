"""What the user says of imported figures where their file does not: the model, its size, the engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tpsprofile.errors import UsageError
from tpsprofile.importers.llama_benchy import NO_ENGINE
from tpsprofile.importers.ollama_verbose import NO_NAME
from tpsprofile.importers.reported import Part
from tpsprofile.records import EngineInfo, ModelFacts, Record


class Said(Record, frozen=True, kw_only=True):
    """What the user says; None where nothing."""

    model: str | None = None
    parameters: int | None = None
    quantisation: str | None = None
    engine: str | None = None
    engine_version: str | None = None


SizeOf = Callable[[str], tuple[int, int | None] | None]
"""The parameters that a model's name tells of, and those that a token uses; None where it tells none."""


def settled(parts: Sequence[Part], said: Said, size_of: SizeOf) -> tuple[Part, ...]:
    """Parts with what the user says, and sizes by the models' names where the file has none.

    Raises UsageError where the file does not name its model and the user does not either, where one is named for
    several, and where the user contradicts the file.
    """
    names = list(dict.fromkeys(trial.model.name for part in parts for trial in part.trials))
    if said.model is None and names == [NO_NAME]:
        raise UsageError("It does not say which model its figures are of.", "Name it: --model llama3.2:1b.")
    if NO_NAME in names and len(names) > 1:
        raise UsageError("It does not say which model some of its figures are of.", "Make a file of each model.")
    single = [what for what in ("model", "parameters", "quantisation") if getattr(said, what) is not None]
    if single and len(names) > 1:
        listed = ", ".join(name or "one without a name" for name in names[:6])
        raise UsageError(
            f"It has several models: {listed}.", f"Leave out {', '.join(_OPTIONS[w] for w in single)}."
        )
    return tuple(_settled(part, said, size_of) for part in parts)


_OPTIONS = {"model": "--model", "parameters": "--parameters", "quantisation": "--quant"}


def _settled(part: Part, said: Said, size_of: SizeOf) -> Part:
    models = {trial.model: _model(trial.model, said, size_of) for trial in part.trials}
    trials = tuple(msgspec.structs.replace(one, model=models[one.model]) for one in part.trials)
    guessed = [new.name for old, new in models.items() if old.parameters is None and new.parameters is not None]
    remarks = part.remarks if said.parameters is not None else (*part.remarks, *_by_name(guessed))
    mixtures = {one.name for one in models.values() if one.parameters is None and _is_mixture(one)}
    if mixtures:
        remarks = (*remarks, f"{', '.join(sorted(mixtures))}: {_NO_ACTIVE}")
    unsized = list(dict.fromkeys(one.name for one in models.values() if one.parameters is None))
    unsized = [name for name in unsized if name not in mixtures]
    if unsized:
        remarks = (*remarks, f"{', '.join(unsized)}: size not known, so on no chart. Give it: --parameters 8.03B.")
    return msgspec.structs.replace(part, engine=_engine(part.engine, said), trials=trials, remarks=remarks)


def _by_name(names: Iterable[str]) -> Iterable[str]:
    told = ", ".join(dict.fromkeys(names))
    return (f"{told}: parameters as the name tells them.",) if told else ()


def _model(model: ModelFacts, said: Said, size_of: SizeOf) -> ModelFacts:
    _agree("quantisation", model.quantisation, said.quantisation)
    name = said.model or model.name
    told = size_of(name)
    total = model.parameters or said.parameters or (told and told[0])
    active = model.parameters_active or _active(name, total, told)
    new = msgspec.structs.replace(
        model,
        name=name,
        parameters=total,
        parameters_active=active,
        quantisation=model.quantisation or said.quantisation,
    )
    is_unknown = active is None and (_is_mixture(model) or _is_mixture(new))
    return msgspec.structs.replace(new, parameters=None) if is_unknown else new


_MIXTURE = re.compile(
    r"(?<![a-z])moe|moe(?![a-z])|mixtral|\d+x\d+(?:\.\d+)?b|[-_ .]a\d+(?:\.\d+)?[bm]\b|gpt-?oss|dbrx|grok|llama-?4"
    r"|deepseek2|deepseek-(?:v[23]|r1:671b)|arctic",
    re.IGNORECASE,
)
_ACTIVE = re.compile(r"[-_ .]a(\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)
_NO_ACTIVE = (
    "a mixture of experts, and what a token uses of it is not known, so on no chart. "
    "Give it in the name: --model NAME-30b-a3b."
)
_NEAR = 4 / 3
"""Ratio of a size to a name's up to which they are one model."""


def _is_mixture(model: ModelFacts) -> bool:
    """By its name not all of it works on each token; llama-bench says of every dense model that all of it does."""
    by_tool = model.format == "gguf" and model.parameters is not None and model.parameters_active is None
    return by_tool or bool(_MIXTURE.search(f"{model.name} {model.architecture or ''}"))


def _active(name: str, total: int | None, told: tuple[int, int | None] | None) -> int | None:
    """Parameters that a token uses, as the name tells them; None where it does not, or tells of another size."""
    if total is None:
        return None
    if told is not None and told[1] is not None and 1 / _NEAR < told[0] / total < _NEAR:
        return told[1]
    found = _ACTIVE.search(name) if told is None else None
    active = round(float(found[1]) * 1e9) if found else None
    return active if active is not None and active < total else None


def _engine(engine: EngineInfo, said: Said) -> EngineInfo:
    known = None if engine.name == NO_ENGINE else engine.name
    _agree("engine", known, said.engine)
    _agree("version of the engine", engine.version, said.engine_version)
    return msgspec.structs.replace(
        engine, name=known or said.engine or NO_ENGINE, version=engine.version or said.engine_version
    )


def _agree(what: str, told: str | None, said: str | None) -> None:
    if told is not None and said is not None and told.casefold() != said.casefold():
        raise UsageError(f"The {what} is {told} in it, not {said}.", "Leave that out.")
