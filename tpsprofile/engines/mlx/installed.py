"""Where mlx_lm is installed, and what it says of itself. Nothing of it is ever imported into this process."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tpsprofile.engines.program import answer_of
from tpsprofile.errors import EngineMissingError

SCRIPT = "mlx_lm.server"
GET_ONE = (
    "Install it beside tpsprofile: pip install mlx-lm; or name the Python that has it: --server /path/to/python. "
    "MLX is made for Macs with Apple silicon."
)
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONSAFEPATH": "1"}
"""Nothing is fetched, and no file of the folder that the profiler runs in is taken for a module."""
_SHEBANG = re.compile(rb"#!\s*(\S*python[\d.]*)\s*\n")
_PROBE = """
import importlib.metadata, json, platform
import mlx.core as mx
about = getattr(mx, "device_info", None) or mx.metal.device_info
known = {"mlx_lm": importlib.metadata.version("mlx-lm"), "mlx": mx.__version__}
gpu = str(about().get("device_name", "GPU")) if "gpu" in str(mx.default_device()) else None
print(json.dumps({**known, "python": platform.python_version(), "gpu": gpu}))
"""


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of anything of mlx_lm's: this process's own, and offline."""
    return {**own, **_OFFLINE}


def find_python(asked_for: str | None) -> str:
    """Path of the Python that has mlx_lm: this one, that of the ``mlx_lm.server`` on the PATH, or the one named.

    Whether it is really there, ``about`` finds out. Raises EngineMissingError.
    """
    if asked_for is None:
        if importlib.util.find_spec("mlx_lm") is not None:
            return sys.executable
        if script := shutil.which(SCRIPT):
            return _python_of(Path(script))
        raise EngineMissingError("mlx_lm is not installed here.", GET_ONE)
    path = Path(asked_for).expanduser().absolute()
    found = shutil.which(path) or shutil.which(asked_for)
    if found is None:
        raise EngineMissingError(f"There is no program {asked_for}.", GET_ONE)
    program = Path(found).absolute()
    return str(program) if program.name.startswith("python") else _python_of(program)


def about(python: str) -> dict[str, Any]:
    """Versions of mlx_lm (``mlx_lm``), ``mlx`` and ``python``, and the name of the ``gpu`` in use, None for none.

    Raises EngineMissingError where that Python does not have them.
    """
    text = answer_of([python, "-c", _PROBE], environment(os.environ))
    lines = text.strip().splitlines()
    try:
        told = json.loads(lines[-1])
    except (IndexError, ValueError):
        told = None
    if isinstance(told, dict) and isinstance(told.get("mlx_lm"), str):
        return told
    why = f": {lines[-1][:120]}" if lines else ""
    raise EngineMissingError(f"{python} has no mlx_lm that runs{why}.", GET_ONE)


def _python_of(script: Path) -> str:
    """The Python that a script of pip's belongs to: its first line names it, or else it lies beside it."""
    with script.open("rb") as file:
        found = _SHEBANG.match(file.read(4096))
    if found and (named := Path(os.fsdecode(found[1]))).is_file():
        return str(named)
    beside = script.resolve().parent
    for name in ("python3", "python", "python.exe"):
        if (beside / name).is_file():
            return str(beside / name)
    raise EngineMissingError(f"{script.name} does not tell which Python it belongs to.", GET_ONE)
