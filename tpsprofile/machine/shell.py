"""The two ways in which this room asks the system itself: run a command, read a small file.

Both answer with text, and with the empty string where there is no answer; parsers do the rest.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run(*command: str, timeout_s: float = 10.0) -> str:
    """Standard output of a command that only looks; ``""`` if it is missing or takes too long.

    The exit status is not judged: ``sysctl`` ends with 1 for one unknown name and still prints the others.
    Standard error is kept apart, because some tools write log lines there. The locale is C in a copy of the
    environment, so that numbers have points and words are English.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", errors="replace")


def read(path: Path | str) -> str:
    """A file of ``/proc`` or ``/sys`` without the blanks around it; ``""`` if it cannot be read.

    Device-tree files end in, and separate their parts by, a zero byte: it becomes a line end.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return text.replace("\0", "\n").strip()


def number(text: object) -> int | None:
    """A whole number from a file or an answer; None for words such as ``max``, ``N/A`` or nothing."""
    if not isinstance(text, str):
        return None
    try:
        return int(text.strip(), 0)
    except ValueError:
        return None
