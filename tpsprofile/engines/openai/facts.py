"""What servers say of their models, as records. What one does not say is None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tpsprofile.engines import numbers
from tpsprofile.records import ModelFacts, Record

_FTYPE = re.compile(r"^(?:mostly )?(\w+?)(?:,? (?:- )?(Small|Medium|Large))?(?: \(guessed\))?$", re.IGNORECASE)
_IN_NAME = re.compile(
    r"(?:^|[-_.@:])((?:IQ|TQ|Q)\d(?:_[A-Z0-9]+)*|BF16|FP?16|F32|FP8|[MN]V?XFP4|NVFP4|AWQ|GPTQ|INT[48]|\d-?bit)(?=$|[-.@:])",
    re.IGNORECASE,
)
_FORMATS = {"gguf": "gguf", "mlx": "safetensors", "safetensors": "safetensors"}


class Model(Record, frozen=True, kw_only=True):
    """A model of a server."""

    id: str
    """As the server wants to hear it; it may be a path, which may name a person."""
    facts: ModelFacts
    loaded: bool | None = None
    """It is in memory; None where the server does not say."""
    context_tokens: int | None = None
    """Context length that the server gives it."""

    def is_called(self, name: str) -> bool:
        """Whether a user who says ``name`` means it: its id, or the end of the path that the id is."""
        said, own = _plain(name), _plain(self.id)
        return said in {own, _plain(self.facts.name)} or own.endswith(f"/{said}")


def model(
    listed: Mapping[str, Any],
    *,
    format: str | None = None,  # noqa: A002 - the field's word
    loaded: bool | None = None,
    context_tokens: int | None = None,
) -> Model:
    """A model from its entry in ``/v1/models``, and from ``meta`` there, which llama-server adds."""
    told = listed.get("meta")
    meta: Mapping[str, Any] = told if isinstance(told, dict) else {}
    ident = str(listed["id"])
    name = text(short_name(ident)) or "unnamed"
    kind = listed.get("compatibility_type")
    return Model(
        id=ident,
        loaded=loaded,
        context_tokens=context_tokens,
        facts=ModelFacts(
            name=name,
            parameters=count(meta.get("n_params")),
            quantisation=quantisation(meta.get("ftype") or listed.get("quantization")) or of_name(name),
            file_bytes=count(meta.get("size")),
            architecture=text(listed.get("arch")),
            format=_FORMATS.get(str(kind), format),
            longest_context=count(meta.get("n_ctx_train")) or count(listed.get("max_context_length")),
        ),
    )


def short_name(ident: str) -> str:
    """An id without folders, which may name a person: a path becomes its file's name, ``maker/model`` stays.

    >>> short_name("/home/ann/models/tiny.Q8_0.gguf"), short_name("maker/tiny"), short_name("C:\\\\m\\\\t.gguf")
    ('tiny.Q8_0', 'maker/tiny', 't')
    """
    parts = [part for part in re.split(r"[/\\]", ident) if part]
    is_path = ident[:1] in "/\\~." or ident[1:2] == ":" or len(parts) > 2 or ident.lower().endswith(".gguf")
    name = parts[-1] if is_path and parts else ident
    if name.startswith("models--"):  # a folder of Hugging Face's cache
        name = name.removeprefix("models--").replace("--", "/")
    return name[:-5] if name.lower().endswith(".gguf") else name


def quantisation(told: object) -> str | None:
    """llama.cpp's long names as people write them: ``Q4_K - Medium`` is ``Q4_K_M``; None where nothing is told."""
    said = text(told)
    found = _FTYPE.match(said) if said else None
    if said is None or found is None or said.lower() in {"unknown", "none"}:
        return None
    return _spelt(f"{found[1]}_{found[2][0]}" if found[2] else found[1])


def of_name(name: str) -> str | None:
    """The quantisation that stands in a model's name, if one does: the last, as makers put it at the end."""
    found = _IN_NAME.findall(name)
    return _spelt(found[-1]) if found else None


def count(value: object) -> int | None:
    """A positive whole number; None for anything else."""
    return numbers.whole(value) or None


def text(value: object, longest: int = 120) -> str | None:
    """A text with something in it, on one line, at most ``longest`` characters; None for anything else."""
    if not isinstance(value, str):
        return None
    return "".join(sign for sign in value if sign.isprintable()).strip()[:longest] or None


def _spelt(word: str) -> str:
    if word.lower().endswith("bit"):
        return word.lower().replace("-", "")
    return re.sub(r"^FP(16|32)$", r"F\1", word.upper())


def _plain(name: str) -> str:
    folded = name.replace("\\", "/").rstrip("/").casefold()
    return folded.removesuffix(".gguf")
