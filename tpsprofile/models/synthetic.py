"""Writing synthetic twins: files of a real model's exact shape and size, filled with random weights.

A twin is a GGUF file, or the folder that MLX takes, as its recipe says.

A twin runs at the real model's speed, because speed does not depend on what the weights say, and it comes at the
speed of the disk instead of the network. Its text means nothing.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter

from tpsprofile import units
from tpsprofile.errors import ProfileError
from tpsprofile.models import blocks, cache, safetensors_twin
from tpsprofile.models.gguf_header import Entry, Items
from tpsprofile.models.recipes import Recipe, padded
from tpsprofile.models.safetensors_twin import FolderRecipe
from tpsprofile.models.tensors import Tensor

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, bytes done, and bytes in all."""

Twin = Recipe | FolderRecipe

FOLDER = "twins"
_FILE, _FOLDER, _PART = ".gguf", ".mlx", ".part"
_ONE = {"F32": b"\0\0\x80\x3f", "F16": b"\0\x3c", "BF16": b"\x80\x3f"}
"""The number 1 in the types that norms are stored in."""
_SPARE = 64 * 1024**2
"""Bytes of disk to leave free, so that the rest of the system can go on."""


def path_of(recipe: Twin, folder: Path) -> Path:
    """Where a twin lies in the cache folder, written or not: its file, or its folder."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", f"{recipe.name}-{recipe.quantisation}")
    suffix = _FOLDER if isinstance(recipe, FolderRecipe) else _FILE
    return folder / FOLDER / f"{plain}-{recipe.digest.removeprefix('sha256:')[:12]}{suffix}"


def written(recipe: Twin, folder: Path) -> bool:
    """The twin is in the cache folder, whole."""
    path = path_of(recipe, folder)
    weights = path / safetensors_twin.WEIGHTS if isinstance(recipe, FolderRecipe) else path
    try:
        return weights.stat().st_size == recipe.file_bytes()
    except OSError:
        return False


def prepare(recipe: Twin, folder: Path, *, keep: bool, progress: Progress) -> Path:
    """The twin's file or folder in the cache folder, written now unless it is there already.

    Unless ``keep``, every other twin is removed first, so that there is never more than one. Raises ProfileError
    where there is no room or the file cannot be written.
    """
    path = path_of(recipe, folder)
    cache.made(path.parent)
    try:
        _clear(path, everything=not keep)
        if not written(recipe, folder):
            write(recipe, path, progress)
    except OSError as error:
        raise ProfileError(
            f"The synthetic twin of {recipe.name} cannot be written to {path.parent}: {error.strerror or error}.",
            "Make the folder writable.",
        ) from error
    return path


def remove(recipe: Twin, folder: Path) -> None:
    """Delete the twin from the cache folder, if it is there."""
    _delete(path_of(recipe, folder))


def write(recipe: Twin, path: Path, progress: Progress) -> None:
    """Write a twin to ``path``: under another name first, so that what has the right name is always whole.

    Raises ProfileError for tensors of a type that cannot be made, or where the disk has no room, before or during
    the work; OSError otherwise.
    """
    if isinstance(recipe, Recipe):
        for kind in {tensor.type for tensor in recipe.tensors}:
            blocks.block_bytes(kind)
    needed = recipe.file_bytes()
    _check_room(recipe, path.parent, needed)
    part = path.with_name(path.name + _PART)
    try:
        if isinstance(recipe, FolderRecipe):
            _write_folder(recipe, part, needed, progress)
            _delete(path)
        else:
            _write(recipe, part, needed, progress)
        part.replace(path)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _no_room(recipe, path.parent, needed) from error
        raise
    finally:
        _delete(part)


def _clear(path: Path, *, everything: bool) -> None:
    """Remove what a broken-off run left and, if ``everything``, all twins but the one at ``path``."""
    for other in path.parent.iterdir():
        if other.suffix == _PART or (everything and other.suffix in {_FILE, _FOLDER} and other != path):
            _delete(other)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _check_room(recipe: Twin, folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed + _SPARE:
        raise _no_room(recipe, folder, needed)


def _no_room(recipe: Twin, folder: Path, needed: int) -> ProfileError:
    free = shutil.disk_usage(folder).free
    return ProfileError(
        f"The synthetic twin of {recipe.name} needs {units.memory(needed)} of disk, and {folder} has "
        f"{units.memory(free)} free.",
        "Free some, or leave the model out.",
    )


def _write_folder(recipe: FolderRecipe, part: Path, needed: int, progress: Progress) -> None:
    _delete(part)
    part.mkdir()
    safetensors_twin.write_files(recipe, part, lambda done: progress(_doing(recipe), done, needed))


def _doing(recipe: Twin) -> str:
    return f"writing the synthetic twin of {recipe.name}"


def _write(recipe: Recipe, part: Path, needed: int, progress: Progress) -> None:
    what = _doing(recipe)
    progress(what, 0, needed)
    _write_header(recipe, part)
    with part.open("ab") as file:
        file.write(bytes(padded(file.tell()) - file.tell()))
        for tensor in recipe.tensors:
            for piece in _data(recipe, tensor):
                file.write(piece)
                progress(what, file.tell(), needed)
            file.write(bytes(padded(tensor.bytes) - tensor.bytes))


def _write_header(recipe: Recipe, part: Path) -> None:
    writer = GGUFWriter(part, recipe.architecture)
    for entry in recipe.metadata():
        if entry.key != "general.architecture":  # The writer puts this one in by itself.
            _add(writer, entry)
    for tensor in recipe.tensors:
        kind = GGMLQuantizationType[tensor.type]
        writer.add_tensor_info(tensor.name, tensor.dims[::-1], np.dtype(np.float32), tensor.bytes, raw_dtype=kind)
    try:
        writer.write_header_to_file(part)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        with suppress(OSError):  # What could not be written has been told by the lines above.
            writer.close()


def _add(writer: GGUFWriter, entry: Entry) -> None:
    kind, value = GGUFValueType(entry.kind), entry.value
    if isinstance(value, Items):
        writer.add_key_value(entry.key, value.values, kind, GGUFValueType(value.kind))
    else:
        writer.add_key_value(entry.key, value, kind)


def _data(recipe: Recipe, tensor: Tensor) -> Iterator[bytes | memoryview]:
    """The bytes of one tensor: ones for norms and rotary factors, random blocks for all else."""
    if tensor.type in _ONE and ("norm" in tensor.name or tensor.name.startswith("rope_")):
        yield _ONE[tensor.type] * tensor.elements
        return
    silent = recipe.silent_rows * tensor.row_bytes if tensor.name == recipe.head else 0
    yield from blocks.cut(tensor.type, tensor.name, tensor.bytes, silent)
