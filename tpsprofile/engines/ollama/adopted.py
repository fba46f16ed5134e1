"""Model files that Ollama is given for as long as they are measured, and made to forget afterwards.

A file goes up as a blob, under its digest; a model with a name for the time being is made of it, and deleted in
the end. Ollama drops a blob together with the last model that is made of it, so its folder is then as before.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tpsprofile import units
from tpsprofile.engines.base import Weights
from tpsprofile.engines.ollama.wire import ANSWER_S, CHECK_S, Wire
from tpsprofile.errors import EngineError, ModelRefusedError, ModelUnreadableError, ProfileError
from tpsprofile.records import ModelFacts

PREFIX = "tpsprofile-twin-"
"""How the names of models for the time being begin. Nobody else's do."""
PIECE_BYTES = 1024**2
SPARE_BYTES = 64 * 1024**2
"""Bytes of the server's disk to leave free, so that the rest of the system can go on."""
_BLOB = re.compile(r"^FROM (.+)[/\\]sha256-[0-9a-f]{64}\s*$", re.MULTILINE)
_PART = re.compile(r"-\d{5}-of-(?!00001)\d{5}\.gguf$", re.IGNORECASE)

Progress = Callable[[str, int, int | None], None]


def is_ours(name: str) -> bool:
    """A model of that name was made here."""
    return name.startswith(PREFIX)


@contextmanager
def adopted(wire: Wire, weights: Weights, held: set[str], progress: Progress) -> Iterator[Weights]:
    """The file at ``weights.path`` as a model of the server; ``held`` are the names of those that are in use.

    Raises ModelRefusedError for a model in several files, ProfileError where there is no room on the server's
    disk, ModelUnreadableError and EngineError.
    """
    path = Path(weights.path or "")
    if _PART.search(path.name):
        raise ModelRefusedError(f"{path.name} is one of several files; Ollama takes models in one file only.")
    digest = _digest(path, weights.facts, progress)
    name = f"{PREFIX}{digest.removeprefix('sha256:')[:12]}:latest"
    if name in held:  # a copy of a file that is in use
        yield Weights(facts=weights.facts, name=name)
        return
    _forget_leftovers(wire, held | {name})
    held.add(name)
    wire.titles[name] = weights.facts.name
    try:
        _give(wire, path, digest, weights.facts.name, progress)
        with _made(wire, name, path.name, digest):
            yield Weights(facts=weights.facts, name=name)
    finally:
        held.discard(name)
        wire.titles.pop(name, None)


@contextmanager
def _made(wire: Wire, name: str, file: str, digest: str) -> Iterator[None]:
    """The model until the block is left. What cannot be deleted now is when the next one is made."""
    complete = False
    try:
        wire.create(name, file, digest, CHECK_S)
        complete = True
        yield
    finally:
        with suppress(ProfileError):
            if not complete:  # a blob goes with a model only, so there has to be one
                wire.create(name, file, digest, ANSWER_S)
            wire.delete(name)


def _forget_leftovers(wire: Wire, but: set[str]) -> None:
    for listed in wire.listed():
        if is_ours(listed["name"]) and listed["name"] not in but:
            with suppress(EngineError):
                wire.delete(listed["name"])


def _give(wire: Wire, path: Path, digest: str, title: str, progress: Progress) -> None:
    """Upload the file unless the server has it."""
    if wire.has_blob(digest):
        return
    size = path.stat().st_size
    _check_room(wire, title, size)
    wire.upload(digest, _pieces(path, f"giving {title} to Ollama", progress), size)


def _digest(path: Path, facts: ModelFacts, progress: Progress) -> str:
    """``sha256:`` and the hash of the file: a twin's facts have that of its recipe."""
    if facts.digest is not None and not facts.synthetic:
        return facts.digest
    sha = hashlib.sha256()
    for piece in _pieces(path, f"hashing {facts.name}", progress):
        sha.update(piece)
    return f"sha256:{sha.hexdigest()}"


def _pieces(path: Path, what: str, progress: Progress) -> Iterator[bytes]:
    """The file, piece by piece. Raises ModelUnreadableError."""
    try:
        size, done = path.stat().st_size, 0
        progress(what, 0, size)
        with path.open("rb", buffering=0) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
                done += len(piece)
                progress(what, done, size)
    except OSError as error:
        raise ModelUnreadableError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _check_room(wire: Wire, title: str, size: int) -> None:
    """Raise ProfileError where the disk of a server on this computer is too full for another copy of the file."""
    folder = _blob_folder(wire) if wire.local else None
    if folder is None:
        return
    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        raise ProfileError(
            f"Ollama keeps a copy of {title} while it is measured, {units.memory(size)}, and its disk has "
            f"{units.memory(free)} free.",
            "Free some, or leave the model out.",
        )


def _blob_folder(wire: Wire) -> Path | None:
    """Where the server keeps its files: as it says of a model it has, else as its setting and default have it."""
    folders = []
    with suppress(ProfileError, IndexError, KeyError):
        shown = wire.ask("POST", "/api/show", {"model": wire.listed()[0]["name"]})
        folders += [Path(found[1]) for found in [_BLOB.search(shown.get("modelfile") or "")] if found]
    if models := os.environ.get("OLLAMA_MODELS"):
        folders.append(Path(models))
    folders.append(Path.home() / ".ollama")
    return next((folder for folder in folders if folder.is_dir()), None)
