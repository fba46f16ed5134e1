"""What an importer gives back, and how it refuses."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tpsprofile.errors import ResultsError
from tpsprofile.records import EngineInfo, Machine, Record, Trial

Option = str | int | float | bool | None


class Part(Record, frozen=True, kw_only=True):
    """Results of one engine under one set of options: what becomes one run."""

    method: str
    """The tool and its way of measuring, for ``Provenance.method``: ``llama-bench``, ``ollama run --verbose``."""
    engine: EngineInfo
    options: dict[str, Option] = msgspec.field(default_factory=dict)
    """What the engine was told beside the workload, by the tool's own names."""
    started_at: datetime | None = None
    machine: Machine | None = None
    """What the file says of the machine, without an id; None where it says nothing."""
    ran_on: str | None = None
    """Processor and graphics in the file's words, where they do not make a machine."""
    trials: tuple[Trial, ...]
    remarks: tuple[str, ...] = ()
    """What was left out of the file, and why, for people."""


UNVERIFIED = "Prefill is not verified: nothing tells how much of a prompt came from a cache."
"""The remark of a tool that does not say."""


class Refused(ResultsError):  # noqa: N818  (said of a file)
    """A foreign file that cannot be imported. ``line`` counts from 1; None where it is the file as a whole."""

    def __init__(self, reason: str, line: int | None = None, advice: str | None = None, *, file: str = "") -> None:
        where = ", ".join(filter(None, [file, None if line is None else f"line {line}"]))
        super().__init__(f"{where}: {reason}" if where else reason, advice)
        self.reason = reason
        self.line = line

    def of(self, file: str) -> Refused:
        """The same with the file's name in front."""
        return Refused(self.reason, self.line, self.advice, file=file)
