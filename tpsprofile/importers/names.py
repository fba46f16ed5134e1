"""Names of models and quantisations as other tools write them, brought to the ones used here."""

from __future__ import annotations

import re

_KIND = re.compile(
    r"(?:^|\s)(?:all |mostly )?(?P<base>(?:I?Q\d|TQ\d|MXFP\d|NVFP\d|BF16|F16|F32)[A-Z0-9_]*)(?P<mix> mix| MoE)?"
    r"(?: - (?P<grade>Small|Medium|Large|[\d.]+ bpw(?: ternary)?))?(?: \(guessed\))?$"
)
_GRADE = {"Small": "_S", "Medium": "_M", "Large": "_L"}
_OTHERWISE = {"Q2_K_M": "Q2_K", "IQ3_S mix": "IQ3_M"}
"""Where llama.cpp's description of a quantisation and the name of its file type part."""
_PARTS = re.compile(r"-\d{5}-of-\d{5}$")


def file_name(path: str) -> str:
    """The name of a model from the path of its file: no folder, no suffix, no number of a part.

    >>> file_name("/models/Qwen3-235B-Q3_K_M-00001-of-00003.gguf")
    'Qwen3-235B-Q3_K_M'
    """
    name = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    stem = name[: -len(".gguf")] if name.lower().endswith(".gguf") else name
    return _PARTS.sub("", stem) or name


def quantisation(description: str) -> str | None:
    """The quantisation at the end of a description, None where there is none that is known.

    >>> quantisation("qwen3moe 30B.A3B Q4_K - Medium"), quantisation("llama 7B mostly Q4_0")
    ('Q4_K_M', 'Q4_0')
    """
    return described(description)[1]


def described(description: str) -> tuple[str, str | None]:
    """What stands before the quantisation in a description, and the quantisation.

    >>> described("qwen3moe 30B.A3B Q4_K - Medium")
    ('qwen3moe 30B.A3B', 'Q4_K_M')
    """
    found = _KIND.search(description.strip())
    if not found:
        return description.strip(), None
    mix, grade = found["mix"] or "", _GRADE.get(found["grade"] or "", "")
    name = f"{found['base']}{mix}{grade}"
    kind = _OTHERWISE.get(name, name.replace(" MoE", "_MOE").replace(" mix", ""))
    return description.strip()[: found.start()].strip(), kind
