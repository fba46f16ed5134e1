"""SHA-256 of model files, computed once: a file of the same path, size and time has the same digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tpsprofile.errors import ModelUnreadableError

_NAME = "digests.json"


def of_files(paths: Sequence[Path], cache: Path | None = None) -> str:
    """``sha256:`` and the hash of the files' bytes, one after the other.

    ``cache`` is the folder where it is looked up and noted; one that cannot be used costs time only. Raises
    ModelUnreadableError where a file cannot be read.
    """
    try:
        key = _key(paths)
        known = _load(cache)
        if key in known:
            return known[key]
        found = "sha256:" + _hash(paths)
    except OSError as error:
        raise ModelUnreadableError(
            f"{paths[0]} cannot be read: {error.strerror or error}.", "Check the path and your rights to it."
        ) from error
    _note(cache, key, found)
    return found


def _key(paths: Sequence[Path]) -> str:
    stats = [(str(path.resolve()), path.stat()) for path in paths]
    return "|".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)


def _hash(paths: Sequence[Path]) -> str:
    sha = hashlib.sha256()
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(4 * 1024**2):
                sha.update(piece)
    return sha.hexdigest()


def _load(cache: Path | None) -> dict[str, str]:
    if cache is None:
        return {}
    try:
        return msgspec.json.decode((cache / _NAME).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def _note(cache: Path | None, key: str, found: str) -> None:
    if cache is None:
        return
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        fresh = cache / f"{_NAME}.new"
        fresh.write_bytes(msgspec.json.encode({**_load(cache), key: found}))
        fresh.replace(cache / _NAME)
