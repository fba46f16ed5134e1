"""Models that lie on this disk: a GGUF file, or a folder of safetensors."""

from __future__ import annotations

import os
from pathlib import Path

from tpsprofile.engines.base import Engine
from tpsprofile.errors import ModelUnreadableError, UsageError, did_you_mean
from tpsprofile.models.gguf_file import ModelFile, open_model
from tpsprofile.models.safetensors_file import CONFIG, ModelFolder, name_of, open_folder
from tpsprofile.records import ModelFacts, Outcome
from tpsprofile.sources.candidate import FILE, Candidate, need_of

_KINDS = {"gguf": "GGUF files", "safetensors": "folders of safetensors"}
_SUFFIXES = (".gguf", ".safetensors")


def is_path(name: str) -> bool:
    """A model of a plan lies on the disk, or is meant to, rather than being known by its name."""
    path = Path(name).expanduser()
    if name.lower().endswith(_SUFFIXES) or name.endswith(_separators()):
        return True
    return (path / CONFIG).is_file() or (any(sign in name for sign in _separators()) and path.exists())


def from_disk(name: str, engine: Engine, context_tokens: int, cache: Path) -> Candidate:
    """The model there; what is wrong with it is its problem. Raises UsageError where nothing is there."""
    path = _existing(name)
    kind = "safetensors" if path.is_dir() else "gguf"
    title = name_of(path) if path.is_dir() else path.stem
    unknown = Candidate(
        name=name, facts=ModelFacts(name=title, format=kind), origin=FILE, installed=True, path=str(path)
    )
    if kind not in engine.can.takes:
        return _with_problem(unknown, Outcome.REFUSED, _takes(engine.can.takes, kind))
    try:
        model = open_folder(path) if kind == "safetensors" else open_model(path)
        facts, need = model.facts(cache=cache), need_of(model.shape(), _bytes(model), context_tokens)
    except ModelUnreadableError as error:
        return _with_problem(unknown, Outcome.UNREADABLE, str(error))
    return Candidate(
        name=name,
        facts=facts,
        need=need,
        origin=FILE,
        installed=True,
        path=str(path),
        disk_bytes=facts.file_bytes,
    )


def _existing(name: str) -> Path:
    """The file or folder; of a single file of safetensors the folder that it lies in."""
    path = Path(name).expanduser()
    if not path.exists():
        near = [other.name for other in path.parent.glob("*.gguf")] if path.parent.is_dir() else []
        what = "folder" if name.endswith(_separators()) else "file"
        raise UsageError(f"There is no {what} {name!r}.", did_you_mean(path.name, near) or None)
    return path.parent if path.suffix.lower() == ".safetensors" and path.is_file() else path


def _bytes(model: ModelFile | ModelFolder) -> int:
    return model.header.file_bytes if isinstance(model, ModelFile) else model.file_bytes


def _takes(takes: tuple[str, ...], kind: str) -> str:
    if not takes:
        return "This engine takes models by name only, not from a file."
    return f"This engine takes {' and '.join(_KINDS.get(each, each) for each in takes)}, not {_KINDS[kind]}."


def _with_problem(candidate: Candidate, outcome: Outcome, reason: str) -> Candidate:
    return Candidate(
        name=candidate.name,
        facts=candidate.facts,
        origin=candidate.origin,
        installed=True,
        path=candidate.path,
        problem=(outcome, reason),
    )


def _separators() -> tuple[str, ...]:
    return (os.sep, os.altsep or os.sep)
