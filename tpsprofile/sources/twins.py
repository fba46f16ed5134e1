"""Names of the catalogue: synthetic twins in the format that an engine takes, and the packaged real model."""

from __future__ import annotations

import re
from pathlib import Path

from tpsprofile.errors import UsageError
from tpsprofile.models import catalogue, packaged, recipes, safetensors_twin, synthetic
from tpsprofile.models.memory import needed
from tpsprofile.sources.candidate import PACKAGE, SYNTHETIC, Candidate


def recipe_of(name: str, kind: str = "gguf") -> synthetic.Twin:
    """The twin that a name of the catalogue means, with the quantisation after ``@`` if it has one.

    ``kind`` is the format, ``gguf`` or ``safetensors``. Raises UsageError for an unknown name or quantisation.
    """
    tag, _, quantisation = name.partition("@")
    if kind == "safetensors":
        return safetensors_twin.of_shape(catalogue.find(tag), quantisation or None)
    return recipes.of_shape(catalogue.find(tag), quantisation.upper() or None)


def twin_name(name: str, kind: str) -> str:
    """The name of the same model's twin in another format, its quantisation said: ``llama3.2:1b@Q8_0``.

    In ``gguf`` it is the file that every engine for such files is given; in ``safetensors`` the twin whose
    weights take about as many bits. A name that the catalogue lacks is left as it is.
    """
    try:
        quantisation = recipe_of(name).quantisation or ""
    except UsageError:
        return name
    return f"{name.partition('@')[0]}@{quantisation if kind == 'gguf' else _in_bits(quantisation)}"


def _in_bits(quantisation: str) -> str:
    """The nearest of MLX's: those of GGUF take 4.5 to 8.5 bits a weight, ``4bit`` 4.5 and ``8bit`` 8.5."""
    bits = re.match(r"I?Q(\d)", quantisation)
    if bits is None:
        return "BF16"
    return "4bit" if int(bits[1]) <= 5 else "8bit"


def from_package(name: str, context_tokens: int, cache: Path) -> Candidate:
    """The real small model that comes as a Python package."""
    path = packaged.present(cache)
    size = packaged.FACTS.file_bytes or 0
    return Candidate(
        name=name,
        facts=packaged.FACTS,
        need=needed(catalogue.find(name), size, context_tokens),
        origin=PACKAGE,
        installed=path is not None,
        path=None if path is None else str(path),
        disk_bytes=size,
    )


def from_catalogue(name: str, kind: str, context_tokens: int, cache: Path) -> Candidate:
    """The twin of that name. Raises UsageError for an unknown name or quantisation."""
    recipe = recipe_of(name, kind)
    facts = recipe.facts()
    size = facts.file_bytes or 0
    return Candidate(
        name=name,
        facts=facts,
        need=needed(catalogue.find(name.partition("@")[0]), size, context_tokens),
        origin=SYNTHETIC,
        installed=synthetic.written(recipe, cache),
        path=str(synthetic.path_of(recipe, cache)),
        disk_bytes=size,
    )
