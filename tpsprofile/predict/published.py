"""The published decode figures that predictions rest on: rows of ``data/published.csv``, each with its source."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib import resources

from tpsprofile.errors import UsageError
from tpsprofile.predict import known
from tpsprofile.predict.weights import Weights, weights
from tpsprofile.records import Record

_GB = 1e9
_GIB = 2.0**30
_EFFECTIVE = re.compile(r"(?:gemma-?4|gemma-?3n)[- ]?e(\d)", re.IGNORECASE)
"""Models with embeddings of each layer, which are looked up and not read; the number is what is effective."""
_EXPERTS = re.compile(
    r"moe|mixtral|-?a\d+(\.\d+)?b\b|granite-4\.0-h|deepseek-?v[234]|minimax|glm-4\.|laguna|ornith",
    re.IGNORECASE,
)
_ACTIVE = re.compile(r"-a(\d+(?:\.\d+)?)b\b", re.IGNORECASE)
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b\b", re.IGNORECASE)
_SHORT = re.compile(
    r"(tg(32|128|200|512)(@p(16|512))?|tg \(short prompt\)|decode(@short)?|eval_rate|llmfit_avg_tps)$"
)
"""Tests that generate at most 512 tokens on little context."""


class Figure(Record, frozen=True, kw_only=True):
    """One published figure."""

    row: int
    """Its number in the collection that it comes from."""
    chip: str
    bandwidth_bytes_s: float
    engine: str
    """In lower case, without its build: ``llama.cpp``, ``ollama``, ``mlx``, ``vllm``."""
    version: str | None
    year: float | None
    """When it was measured or, where that is told, the engine built; a decimal year."""
    backend: str
    """What computes: ``metal``, ``cuda``, ``rocm``, ``vulkan``, ``mlx``, ``cpu``."""
    model: str
    weights: Weights | None
    """None where the size, the quantisation or what is active of a mixture of experts is unknown."""
    test: str
    tok_s: float
    evidence: str
    flag: str | None
    source: str
    machine: int
    """The same for figures of one machine in one source."""

    @property
    def group(self) -> str:
        """Whose figures they are: the source without its pages. One group is made on like terms."""
        return self.source.split(" ")[0].split("/results/")[0].partition("/result/")[0][:60]

    @property
    def family(self) -> str:
        """The chip without its bin: ``Apple M2 Max``."""
        return self.chip.partition(" (")[0]

    @property
    def dense(self) -> bool:
        """Every weight is read for a token."""
        return self.weights is not None and not self.weights.experts and not _EFFECTIVE.search(self.model)

    @property
    def shallow(self) -> bool:
        """Few tokens generated on little context."""
        return bool(_SHORT.match(self.test))

    @property
    def clean(self) -> bool:
        """A first-hand table or file, nothing flagged, a dense model at shallow depth."""
        return self.evidence.startswith("primary") and self.flag is None and self.dense and self.shallow

    @property
    def crowd(self) -> bool:
        """Sent in by users and collected by others; unflagged, dense."""
        return self.evidence == "table-scrape" and self.flag is None and self.dense


@lru_cache(maxsize=1)
def figures() -> tuple[Figure, ...]:
    """All of them, in the order of the file."""
    sources = {row["number"]: row["source"] for row in _rows("published_sources.csv")}
    return tuple(_figure(row, sources) for row in _rows("published.csv"))


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("tpsprofile").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _figure(row: dict[str, str], sources: dict[str, str]) -> Figure:
    engine = engine_of(row["engine"])
    return Figure(
        row=int(row["row"]),
        chip=row["chip"],
        bandwidth_bytes_s=float(row["bandwidth_gb_s"]) * _GB,
        engine=engine,
        version=row["version"] or None,
        year=year_of(row["version"]) or year_of(row["date"]),
        backend=_backend(row, engine),
        model=row["model"],
        weights=_weights(row),
        test=row["test"],
        tok_s=float(row["tok_s"]),
        evidence=row["evidence"],
        flag=row["flag"] or None,
        source=sources[row["source"]].replace("*", row["page"]),
        machine=int(row["machine"]),
    )


_BUILDS = ((1500, 2023.87), (4006, 2024.87), (5348, 2025.37), (6918, 2025.87), (8038, 2026.12), (9187, 2026.37))
"""llama.cpp's build numbers and when they were current, as the figures tell."""


def year_of(text: str) -> float | None:
    """The decimal year of a date in the text, or of a build of llama.cpp; None where it tells neither."""
    found = re.search(r"(20\d\d)-(\d\d)", text)
    if found:
        return int(found[1]) + (int(found[2]) - 0.5) / 12
    build = re.search(r"\bb(?:uild )?(\d{4,5})\b", text, re.IGNORECASE)
    return _year_of_build(int(build[1])) if build else None


def _year_of_build(number: int) -> float:
    """Between the two builds around it, or on the line through the outer two."""
    last = len(_BUILDS) - 2
    place = next((i for i in range(last) if number < _BUILDS[i + 1][0]), last)
    (low, early), (high, late) = _BUILDS[place], _BUILDS[place + 1]
    return early + (number - low) / (high - low) * (late - early)


def engine_of(text: str) -> str:
    """One name for an engine however it is written; programs that embed llama.cpp's library keep their own."""
    name = text.lower().replace("_", "-")
    if "localscore" in name or "llamafile" in name:
        return "llamafile"
    if name in {"mlx-vlm", "vllm-mlx"}:
        return name
    for engine, marks in _ENGINES.items():
        if any(mark in name for mark in marks):
            return engine
    return name


_ENGINES = {
    "ollama": ("ollama",),
    "vllm": ("vllm",),
    "mlx": ("mlx", "rapid"),
    "llama.cpp": ("llama",),
    "lm studio": ("lm-studio", "lmstudio", "lm studio"),
}


def _backend(row: dict[str, str], engine: str) -> str:
    told = row["backend"].lower()
    if row["chip"].startswith("Apple"):
        if told == "cpu" or engine == "mlx-vlm":
            return "cpu" if told == "cpu" else engine
        return "mlx" if engine == "mlx" or "vllm" in engine else "metal"
    for backend in ("vulkan", "rocm", "cuda", "cpu", "ipex"):
        if backend in told:
            return "vulkan" if backend == "ipex" else backend
    return native(row["chip"])


def native(chip: str) -> str:
    """The backend that llama.cpp is mostly built with for a chip."""
    if chip.startswith("Apple"):
        return "metal"
    if chip.startswith("NVIDIA"):
        return "cuda"
    if chip.startswith("AMD Radeon") or "Radeon" in chip:
        return "rocm"
    return "vulkan" if chip.startswith("Intel Arc") else "cpu"


def _weights(row: dict[str, str]) -> Weights | None:
    name = row["model"]
    model = known.of_name(name)
    size = _SIZE.search(name)
    told = float(row["parameters_b"]) if row["parameters_b"] else float(size[1]) if size else None
    file_bytes = float(row["file_gib"]) * _GIB if row["file_gib"] else None
    close = model is not None and (told is None or 0.75 < told / model.parameters < 1.35)
    billions = model.parameters if model is not None and close else told
    if billions is None or not row["quantisation"]:
        return None
    active = _active(row)
    if active is None and _EXPERTS.search(name) and (model is None or model.active is None):
        return None
    try:
        return weights(
            billions * 1e9,
            row["quantisation"],
            parameters_active=None if active is None or active >= billions else active * 1e9,
            file_bytes=file_bytes,
            name=name,
        )
    except UsageError:
        return None


def _active(row: dict[str, str]) -> float | None:
    """Active parameters, 10^9: as told, or as the name tells (``30B-A3B``)."""
    effective = _EFFECTIVE.search(row["model"])
    if effective:
        return float(effective[1])
    if row["active_b"]:
        return float(row["active_b"])
    named = _ACTIVE.search(row["model"])
    return float(named[1]) if named else None
