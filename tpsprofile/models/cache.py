"""Where models that tpsprofile fetches or writes are kept."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from tpsprofile.errors import ProfileError


def folder() -> Path:
    """The cache folder of this user, as the system wants it. It need not exist yet."""
    return platformdirs.user_cache_path("tpsprofile")


def forget(path: Path) -> None:
    """Ask the system to drop a file, or all in a folder, from its file cache: the next reader meets the disk.

    Only Linux has such a call; elsewhere, and where it fails, nothing happens.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    if path.is_dir():
        for inside in path.iterdir():
            if inside.is_file():
                forget(inside)
        return
    with suppress(OSError), path.open("rb") as file:
        os.fsync(file.fileno())  # pages that are not yet on the disk cannot be dropped
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def made(path: Path) -> Path:
    """That folder, created if it was not there.

    Raises ProfileError where it cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProfileError(
            f"The cache folder {path} cannot be created: {error.strerror or error}.",
            "Make it writable.",
        ) from error
    return path
