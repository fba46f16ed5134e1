"""Names of processors as people say them, and which vector instructions are worth telling."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VIRTUAL = re.compile(r"\s*\(Virtual\)", re.IGNORECASE)
_NOISE = (
    re.compile(r"\((?:R|TM|C)\)|[®™©]", re.IGNORECASE),
    re.compile(r"@.*$"),  # the clock, which the machine does not run at anyway
    re.compile(r"\bw(?:/|ith) Radeon.*$", re.IGNORECASE),
    # the whole chip's cores, of which a virtual machine may have a few
    re.compile(r"\b(?:\w+-Core )?Processor\b|\b\d+-Cores?\b", re.IGNORECASE),
    re.compile(r"\bCPU\b"),
    re.compile(r"^\d+th Gen "),
)
# Names that say no more than "a processor": other sources do better.
_NO_NAME = re.compile(
    r"^(?:-|0x[0-9a-f]+|unknown|ARMv\d.*(?:rev|compatible).*|VirtualApple.*|Apple processor|.*unknown cpu.*)$",
    re.IGNORECASE,
)
_CASES = {"RYZEN": "Ryzen", "MAX+": "Max+", "MAX": "Max", "PRO": "PRO", "AI": "AI"}


def is_virtual(brand: str) -> bool:
    """The chip's name itself says that this is a virtual machine: ``Apple M1 (Virtual)``."""
    return _VIRTUAL.search(brand) is not None


def chip(brand: str | None) -> str | None:
    """A brand string without its ornaments; None where it does not name a chip.

    ``Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz`` becomes ``Intel Core i7-8650U``.
    """
    text = " ".join((brand or "").split())
    if not text or _NO_NAME.match(text):
        return None
    text = _VIRTUAL.sub("", text)
    for noise in _NOISE:
        text = noise.sub(" ", text)
    words = [_CASES.get(word, word) if "RYZEN" in text else word for word in text.split()]
    if words and words[0] == "Snapdragon":  # "Snapdragon X Elite - X1E80100 - Qualcomm Oryon"
        words = " ".join(words).replace(" - ", " ", 1).split(" - ")[0].split()
    return " ".join(words) or None


# What a source calls it -> what we call it. Linux says asimd for Advanced SIMD, the rest of the world neon.
_FEATURES = {
    **{
        name: name for name in ("avx", "avx2", "fma", "f16c", "neon", "sve", "sve2", "sme", "sme2", "i8mm", "bf16")
    },
    **{name: name for name in ("avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16")},
    **{name: name for name in ("rvv", "altivec", "vsx", "lasx", "lsx")},
    "avx1.0": "avx",
    "avx512vnni": "avx512_vnni",
    "asimd": "neon",
    "advsimd": "neon",
    "asimddp": "dotprod",
    "feat_dotprod": "dotprod",
    "asimdhp": "fp16",
    "feat_fp16": "fp16",
    "feat_bf16": "bf16",
    "feat_i8mm": "i8mm",
    "feat_sme": "sme",
    "feat_sme2": "sme2",
}


def vector_features(flags: Iterable[str]) -> tuple[str, ...]:
    """Of a processor's flags, those that decide how fast a model runs, under one name each, sorted.

    ``sme`` is ARM's matrix extension only on ARM: AMD's processors have a flag of that name for encrypted memory.
    """
    found = {_FEATURES[flag.lower()] for flag in flags if flag.lower() in _FEATURES}
    return tuple(sorted(found if "neon" in found else found - {"sme", "sme2"}))


def architecture(machine: str) -> str | None:
    """One name for each instruction set: ``AMD64`` is ``x86_64``, ``aarch64`` is ``arm64``."""
    return {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}.get(machine.lower(), machine.lower()) or None
