"""Where models that tpsprofile fetches or writes are kept."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from tpsprofile.errors import ProfileError


def folder() -> Path:
    """The cache folder of this user, as the system wants it. It need not exist yet."""
    return platformdirs.user_cache_path("tpsprofile")


def made(path: Path) -> Path:
    """That folder, created if it was not there.

    Raises ProfileError where it cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProfileError(
            f"The cache folder {path} cannot be created: {error.strerror or error}.",
            "Make it writable, or name another.",
        ) from error
    return path
