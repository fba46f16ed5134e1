"""A llama-server for tests: a real one where there is one, and always one that replays what a real one said."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
REAL = os.environ.get("TPSPROFILE_LLAMA_SERVER")
"""Path of a real llama-server."""
CONTEXT_TOKENS = 1024
_BEGINNING = "7919\nOnce upon a time"
PROMPTS = (
    (_BEGINNING, 16, False),
    (_BEGINNING, 2, True),
    (f"{_BEGINNING}, 5838\nthere was a keeper of a lighthouse", 2, True),
)
"""What was asked of the real one, in this order: prompt, tokens to generate, and whether it may use its cache."""


def replaying(folder: Path, *options: str) -> Path:
    """A program in ``folder`` that behaves as a real llama-server did; ``options`` are those of ``replay``."""
    path = folder / "llama-server"
    command = shlex.join([sys.executable, str(Path(__file__).with_name("replay.py")), *options, "--"])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
    return path
