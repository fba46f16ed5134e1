"""What one source knows of a machine; several sources make up a Machine."""

from __future__ import annotations

import msgspec

from tpsprofile.records import CoreGroup, Gpu, Record


class Facts(Record, frozen=True, kw_only=True):
    """The fields of ``Machine`` that a source may know; what it does not know is None or empty."""

    chip: str | None = None
    model: str | None = None
    arch: str | None = None
    cores_physical: int | None = None
    cores_logical: int | None = None
    core_groups: tuple[CoreGroup, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    ram_bytes: int | None = None
    unified_memory: bool | None = None
    os: str | None = None
    virtual: bool | None = None
    translated: bool | None = None
    cpu_features: tuple[str, ...] = ()


def merge(*sources: Facts) -> Facts:
    """Field by field the first source that knows it."""
    best: dict[str, object] = {}
    for source in sources:
        for name, value in msgspec.structs.asdict(source).items():
            if value not in (None, ()) and name not in best:
                best[name] = value
    return msgspec.structs.replace(Facts(), **best)
