"""Results in the formats of others, for the tools that read those.

Each format is a module with ``write(runs)``, which gives its text and says what it left out. Only trials that
ended OK are written, and what is not known is null or absent, never 0.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.exporters.measured import Exported
from tpsprofile.records import Run

__all__ = ["FORMATS", "Exported", "write"]

FORMATS: Mapping[str, str] = {
    "llama-bench": "tpsprofile.exporters.llama_bench",
    "localscore": "tpsprofile.exporters.localscore",
    "prometheus": "tpsprofile.exporters.prometheus",
}
"""Name of a format -> its module."""


class Format(Protocol):
    """What a module of a format has."""

    def write(self, runs: Sequence[Run]) -> Exported:
        """The runs in this format."""
        ...


def write(runs: Sequence[Run], format_name: str) -> Exported:
    """The runs as text in a format of ``FORMATS``. Raises UsageError for one that there is not."""
    if format_name not in FORMATS:
        raise UsageError(f"There is no format {format_name!r}.", did_you_mean(format_name, FORMATS))
    return cast(Format, importlib.import_module(FORMATS[format_name])).write(runs)
