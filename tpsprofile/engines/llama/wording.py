"""What any build of llama.cpp says, and in which words: of its failures and of the processor."""

from __future__ import annotations

from tpsprofile.engines.program import Wording
from tpsprofile.machine.names import vector_features

WORDING = Wording(
    name="llama.cpp",
    no_memory=("insufficient memory", "unable to allocate", "failed to allocate", "out of memory", "outofmemory"),
    not_a_model=("invalid magic", "failed to load model", "error loading model", "tensor"),
    before=r"[\d.]+ [A-Z] ",
)
_FLAGS = {
    "AVX512": "avx512f",
    "DOTPROD": "asimddp",
    "FP16_VA": "asimdhp",
    "MATMUL_INT8": "i8mm",
    "RISCV_V": "rvv",
}
"""Where llama.cpp's name of an instruction set (ggml_backend_cpu_get_features) is not the system's in capitals."""


def cpu_features(system: str) -> tuple[str, ...] | None:
    """Vector instruction sets that a build uses, named as in ``Machine``; None where it tells of no processor.

    ``system`` is what ``llama_print_system_info`` returns: for each backend its name, a colon, and its features,
    ``CPU : AVX2 = 1 | AVX512 = 1 | OPENMP = 1 | ``. A build with variants for several processors tells of the one
    that it has loaded. What is off is left out, or 0 in older versions.
    """
    features: dict[str, list[str]] = {}
    backend = ""
    for part in system.split("|"):
        before, colon, feature = part.rpartition(":")
        backend = before.strip() if colon else backend
        name, _, value = (word.strip() for word in feature.partition("="))
        features.setdefault(backend, []).extend([_FLAGS.get(name, name)] if value not in {"", "0"} else [])
    return vector_features(features["CPU"]) if "CPU" in features else None


def build_text(*first: str | None, system: str) -> str:
    """What is known of a build, in one line: ``first``, then what ``system`` (as above) says is on."""
    parts = [part.strip() for part in system.split("|")]
    on = [part for part in parts if part and not part.endswith("= 0")]
    return ", ".join([*filter(None, first), *(name.removesuffix(" = 1") for name in on)])
