"""Sizes of well-known models: what of them is read for a token cannot be told from the parameter count alone.

A token reads every weight once, except the input embedding, of which it reads one row. Where input and output
table are one (tied), that table is read; where they are two, the input table is not. All numbers follow from the
models' published configurations: vocabulary x width of the table, and layers.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tpsprofile.records import Record


class Known(Record, frozen=True, kw_only=True):
    """A model whose configuration is published."""

    name: str
    pattern: str
    """Regular expression that its names match: words in order, whatever stands between."""
    parameters: float
    """All of them, 10^9."""
    table: float
    """Parameters of the output table (vocabulary x width), 10^9."""
    tied: bool
    """The output table is the input embedding too."""
    layers: int
    active: float | None = None
    """Parameters that a token uses, 10^9, of a mixture of experts; None for a dense model."""


def _known(
    name: str, pattern: str, parameters: float, table: float, layers: int, *, tied: bool = False, active: float = 0
) -> Known:
    return Known(
        name=name,
        pattern=pattern,
        parameters=parameters,
        table=table,
        tied=tied,
        layers=layers,
        active=active or None,
    )


MODELS: tuple[Known, ...] = (
    _known("DeepSeek R1 Distill Qwen 1.5B", r"r1.*distill.*qwen.*1\.5b", 1.777, 0.233, 28),
    _known("Llama 2 7B", r"llama-?2-?7b", 6.738, 0.131, 32),
    _known("Llama 2 13B", r"llama-?2-?13b", 13.016, 0.164, 40),
    _known("Llama 2 70B", r"llama-?2-?70b", 68.977, 0.262, 80),
    _known("Llama 3.2 1B", r"llama-?3\.2-?1b", 1.236, 0.263, 16, tied=True),
    _known("Llama 3.2 3B", r"llama-?3\.2-?3b", 3.213, 0.394, 28, tied=True),
    _known("Llama 3.1 8B", r"llama-?3(\.[13])?-?8b|distill-?llama-?8b|nemotron-nano-8b", 8.030, 0.525, 32),
    _known("Llama 3.3 70B", r"llama-?3(\.[13])?-?70b|distill-?llama-?70b", 70.554, 1.051, 80),
    _known("Llama 3.1 405B", r"llama-?3(\.1)?-?405b", 405.853, 2.101, 126),
    _known("Mistral 7B", r"mistral-?7b", 7.248, 0.131, 32),
    _known("Mistral Nemo 12B", r"mistral-?nemo", 12.248, 0.671, 40),
    _known("Mistral Small 24B", r"mistral-?small|magistral-?small|devstral-?small", 23.572, 0.671, 40),
    _known("Codestral 22B", r"codestral-?22b", 22.247, 0.201, 56),
    _known("Ministral 8B", r"ministral-?8b", 8.020, 0.537, 36),
    _known("Ministral 3 14B", r"ministral-?3-?14b", 13.510, 0.671, 40),
    _known("TinyLlama 1.1B", r"tinyllama", 1.100, 0.066, 22),
    _known("SmolLM2 135M", r"smollm2-?135m", 0.135, 0.028, 30, tied=True),
    _known("SmolLM2 360M", r"smollm2-?360m", 0.362, 0.047, 32, tied=True),
    _known("SmolLM2 1.7B", r"smollm2-?1\.7b", 1.711, 0.101, 24, tied=True),
    _known("SmolLM3 3B", r"smollm3-?3b", 3.075, 0.263, 36, tied=True),
    _known("Qwen2.5 0.5B", r"qwen2\.5(-?coder)?-?0\.5b", 0.494, 0.136, 24, tied=True),
    _known("Qwen2.5 1.5B", r"qwen2\.5(-?coder)?-?1\.5b", 1.544, 0.233, 28, tied=True),
    _known("Qwen2.5 3B", r"qwen2\.5(-?coder)?-?3b", 3.086, 0.311, 36, tied=True),
    _known("Qwen2.5 7B", r"qwen2\.5(\.1)?(-?coder)?-?7b|distill-?qwen-?7b", 7.616, 0.545, 28),
    _known("Qwen2.5 14B", r"qwen2\.5(-?coder)?-?14b|distill-?qwen-?14b", 14.770, 0.779, 48),
    _known("Qwen2.5 32B", r"qwen2\.5(-?coder)?-?32b|distill-?qwen-?32b|qwq-?32b", 32.764, 0.779, 64),
    _known("Qwen2.5 72B", r"qwen2\.5-?72b", 72.706, 1.245, 80),
    _known("Qwen3 0.6B", r"qwen3-?0\.6b", 0.596, 0.156, 28, tied=True),
    _known("Qwen3 1.7B", r"qwen3-?1\.7b", 1.721, 0.311, 28, tied=True),
    _known("Qwen3 4B", r"qwen3-?4b", 4.022, 0.389, 36, tied=True),
    _known("Qwen3 8B", r"qwen3-?8b", 8.191, 0.622, 36),
    _known("Qwen3 14B", r"qwen3-?14b", 14.768, 0.778, 40),
    _known("Qwen3 32B", r"qwen3-?32b", 32.762, 0.778, 64),
    _known("Qwen3 30B-A3B", r"qwen3-?(coder-?)?30b-?a3b", 30.532, 0.311, 48, active=3.35),
    _known("Qwen3.6 27B", r"qwen3\.[568]-?27b", 27.321, 1.271, 64),
    _known("Gemma 2 2B", r"gemma-?2-?2b", 2.614, 0.590, 26, tied=True),
    _known("Gemma 2 9B", r"gemma-?2-?9b", 9.242, 0.918, 42, tied=True),
    _known("Gemma 2 27B", r"gemma-?2-?27b", 27.227, 1.180, 46, tied=True),
    _known("Gemma 3 1B", r"gemma-?3-?1b", 1.000, 0.302, 26, tied=True),
    _known("Gemma 3 4B", r"gemma-?3-?4b", 3.880, 0.671, 34, tied=True),
    _known("Gemma 3 12B", r"gemma-?3-?12b", 11.766, 1.007, 48, tied=True),
    _known("Gemma 3 27B", r"gemma-?3-?27b", 27.009, 1.410, 62, tied=True),
    _known("Gemma 4 31B", r"gemma-?4-?31b", 30.700, 1.410, 60, tied=True),
    _known("Phi-3 mini", r"phi-?3(\.5)?-?mini", 3.821, 0.099, 32),
    _known("Phi-4 mini", r"phi-?4-?mini", 3.836, 0.615, 32, tied=True),
    _known("Phi-3 medium", r"phi-?3-?medium", 13.960, 0.164, 40),
    _known("Phi-4 14B", r"phi-?4(?!-?mini)", 14.660, 0.514, 40),
    _known("Falcon3 7B", r"falcon3-?7b", 7.456, 0.403, 28),
    _known("Falcon3 10B", r"falcon3-?10b", 10.306, 0.403, 40),
    _known("Yi 1.5 9B", r"yi-?1\.5-?9b", 8.829, 0.262, 48),
    _known("Aya Expanse 8B", r"aya-?expanse-?8b", 8.028, 1.049, 32, tied=True),
    _known("EXAONE 3.5 7.8B", r"exaone-?3\.5-?7\.8b", 7.818, 0.419, 32),
    _known("Granite 3 8B", r"granite-?3\.\d-?8b", 8.171, 0.201, 40, tied=True),
    _known("Apertus 8B", r"apertus-?8b", 8.053, 0.537, 32),
    _known("gpt-oss 20B", r"gpt-?oss-?20b", 20.915, 0.579, 24, active=3.61),
    _known("gpt-oss 120B", r"gpt-?oss-?120b", 116.829, 0.579, 36, active=5.13),
    _known("DeepSeek Coder V2 Lite", r"deepseek-?coder-?v2-?lite", 15.706, 0.210, 27, active=2.66),
)

_NEAR = 0.004
"""Share by which a parameter count may differ and still mean the model."""


@lru_cache(maxsize=4096)
def of_name(name: str) -> Known | None:
    """The model that a name (a file's, a repository's, a tag's) tells of."""
    plain = re.sub(r"meta-|-?instruct|hf-|[_ :]+", lambda m: "-" if m.group()[0] in "_ :" else "", name.lower())
    plain = re.sub(r"-+", "-", plain)
    return next((model for model in MODELS if re.search(model.pattern, plain)), None)


def of_count(parameters: float) -> Known | None:
    """The dense model that has that many parameters; of several the first, None where there is none.

    A round count (7, 8) names a class of sizes and no model, and finds none.
    """
    billions = parameters / 1e9
    dense = [model for model in MODELS if model.active is None]
    return next((model for model in dense if abs(billions / model.parameters - 1) < _NEAR), None)
