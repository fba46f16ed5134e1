"""What a machine would run a model at: from its chip and published figures, or from two sizes measured on it."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

from tpsprofile import units
from tpsprofile.analysis.limits import LIKELY_S
from tpsprofile.chips import Chip, catalogue
from tpsprofile.errors import UsageError
from tpsprofile.predict import measured as told
from tpsprofile.predict import model
from tpsprofile.predict.published import Figure, engine_of, figures, native, year_of
from tpsprofile.predict.weights import Weights
from tpsprofile.records import Record

_TENTH = 1.2816
"""The 90th percentile of the normal distribution: an interval of 80% ends a tenth on each side."""
_ROOM = 0.88
"""Share of a graphics card's memory that weights may take, before the rest goes to the processor's."""
_CELL = 3
"""Figures of one chip from one source that count in full; more of them share their weight."""
_CROWD = 0.1
"""What a figure of a crowd weighs beside one that was made with care."""
_TOO_LARGE = "does not fit in the chip's memory: it would run far slower, or not at all"
_ENGINES = {"llama.cpp", "ollama", "mlx", "llamafile", "lm studio"}
"""Engines that published figures of several chips are of."""
_BUILD = re.compile(r"\(?(build|b\d+|v?\d[\w.+-]*|(?=\w*\d)[0-9a-f]{7,40})\)?", re.IGNORECASE)
"""A word that tells a build: its number, a version, a date or a hash."""


class Prediction(Record, frozen=True, kw_only=True):
    """A decode rate that nobody measured."""

    decode_tok_s: float
    """Generated tokens a second at little context, one request at a time."""
    low: float
    """Lower end of the 80% interval, tok/s."""
    high: float
    """Upper end of it, tok/s."""
    rests_on: tuple[str, ...]
    """Where it comes from, a line each."""
    caveats: tuple[str, ...]
    """Why it may be further off than the interval says, a line each."""


def predict(chip: Chip, weights: Weights, engine: str | None = None) -> Prediction:
    """What ``chip`` would run ``weights`` at, from the published figures; formula and errors: docs/prediction.md.

    ``engine`` is llama.cpp with the chip's usual backend where None. Its build or the build's date may follow the
    name (``llama.cpp b4008``, ``llama.cpp 2024-11``): engines get faster, and without it the middle of the
    published builds is taken. Never above bandwidth / bytes read a token.

    Raises UsageError where the chip's bandwidth is unknown.
    """
    if chip.bandwidth_bytes_s is None:
        raise UsageError(
            f"The memory bandwidth of {chip.name} is not known, so nothing can be predicted for it.",
            "Name a chip with a bandwidth, or measure two model sizes on that machine.",
        )
    name, build = named(engine or "llama.cpp")
    case = _case(chip, chip.bandwidth_bytes_s, weights, name, build)
    used = training()
    log_seconds, spread = model.width(_fitted(), case)
    roofline = chip.bandwidth_bytes_s / weights.bytes_read
    rate = min(math.exp(-log_seconds), roofline)
    return Prediction(
        decode_tok_s=rate,
        low=rate * math.exp(-_TENTH * spread),
        high=min(rate * math.exp(_TENTH * spread), roofline),
        rests_on=_rests_on(chip, case, used),
        caveats=(*_caveats(chip, weights, case, engine), *_of_age(case, build)),
    )


def third(
    measured: Sequence[tuple[float | Weights, float]], weights: Weights, chip: Chip | None = None
) -> Prediction:
    """What a machine would run ``weights`` at, from two or more sizes measured on it.

    ``measured`` is (weights, tok/s) of each, or (bytes read a token, tok/s), which is less exact because layers
    count too; formula: ``measured.seconds``. Better with the machine's ``chip``, whose bandwidth bounds what two
    noisy figures may say.

    The interval holds whatever the rates may have been before they were rounded, where all are whole numbers or
    have one decimal.

    Rates beyond all measure (``limits.LIKELY_S``) are no figures. Raises UsageError for fewer than two different
    sizes, and for a larger model that is not the slower one.
    """
    sizes = [_size(what, rate) for what, rate in measured if LIKELY_S[0] <= 1 / max(rate, 1e-300) <= LIKELY_S[1]]
    if len({one.bytes_read for one in sizes}) < 2:
        raise UsageError("A third size needs figures of two different sizes.", "Measure another one.")
    bandwidth = chip.bandwidth_bytes_s if chip is not None else None
    rate = 1 / told.seconds(sizes, weights, bandwidth)
    width = _TENTH * told.spread(sizes, weights.bytes_read)
    least, most = told.unrounded(sizes, weights, bandwidth)
    low, high = min(rate * math.exp(-width), least), max(rate * math.exp(width), most)
    lines = list(_of_weights(weights))
    if chip is not None and not fits(chip.name, weights):
        lines.append(_TOO_LARGE)
    return Prediction(
        decode_tok_s=rate,
        low=low,
        high=high if bandwidth is None else max(rate, min(high, bandwidth / weights.bytes_read)),
        rests_on=(_measured(sizes),),
        caveats=tuple(lines),
    )


def _measured(sizes: told.Sizes) -> str:
    """How many sizes were measured, and the ends of them."""
    ends = sorted(sizes, key=lambda one: one.bytes_read)
    first, last = (
        f"{units.rate(1 / one.seconds)} tok/s at {units.memory(one.bytes_read)}" for one in ends[:: len(ends) - 1]
    )
    return f"measured: {len(ends)} sizes from {first} to {last}"


def _size(what: float | Weights, rate: float) -> told.Size:
    if isinstance(what, Weights):
        return told.Size(bytes_read=what.bytes_read, seconds=1 / rate, layers=what.layers)
    return told.Size(bytes_read=what, seconds=1 / rate, layers=None)


def named(engine: str) -> tuple[str, str]:
    """An engine's one name, and the build or date after it: ``LM Studio 0.3`` is ``lm studio`` and ``0.3``."""
    words = engine.split()
    first = len(words)
    while first > 1 and _BUILD.fullmatch(words[first - 1]):
        first -= 1
    return engine_of(" ".join(words[:first])), re.sub(r"[()]", "", " ".join(words[first:]))


def _case(chip: Chip, bandwidth: float, weights: Weights, engine: str, build: str) -> model.Case:
    backend = native(chip.name)
    if backend == "metal" and engine in {"mlx", "vllm"}:
        backend = "mlx"
    like = _of_build(backend, engine, build)
    return model.Case(
        chip=chip.name,
        bandwidth_bytes_s=bandwidth,
        backend=backend,
        engine=engine,
        weights=weights,
        source=like.source if like else None,
        year=like.year if like else _within(year_of(build)),
    )


def _of_build(backend: str, engine: str, build: str) -> model.Case | None:
    """A case of that build of the engine; None where no figure is of it."""
    words = {word for word in build.lower().split() if not re.fullmatch(r"build|\d+", word)}
    alike = (one for one in training() if (one.backend, one.engine) == (backend, engine) and one.version)
    first = next((one for one in alike if words & set(re.split(r"[\s()/]+", (one.version or "").lower()))), None)
    return model.case_of(first) if first else None


def _within(year: float | None) -> float | None:
    """No earlier and no later than the published figures are."""
    least, most = _years()
    return None if year is None else min(max(year, least), most)


@lru_cache(maxsize=1)
def _years() -> tuple[float, float]:
    every = [one.year for one in training() if one.year is not None]
    return min(every), max(every)


@lru_cache(maxsize=1)
def training() -> tuple[Figure, ...]:
    """The figures that the model is fitted to: a chip, source, build and model once."""
    return medians([figure for figure in figures() if useful(figure) or crowd(figure)])


def crowd(figure: Figure) -> bool:
    """A figure of LocalScore's, of a dense model in the memory of a chip that is no processor."""
    if figure.weights is None or not figure.crowd or figure.engine != model.CROWD or figure.backend == "cpu":
        return False
    return fits(figure.chip, figure.weights)


def useful(figure: Figure) -> bool:
    """Made with care: dense, unflagged, at little context, and its weights lie in the chip's own memory."""
    if figure.weights is None or not figure.dense or figure.flag or not figure.shallow:
        return False
    return figure.evidence != "table-scrape" and fits(figure.chip, figure.weights)


def fits(chip: str, weights: Weights) -> bool:
    """The weights fit in the most memory that the chip is sold with; an unknown amount speaks against nothing."""
    most = _memory().get(chip)
    return most is None or weights.file_bytes < _ROOM * most


def medians(found: Sequence[Figure]) -> tuple[Figure, ...]:
    """Of the figures of one case (settings, days, repeats) the one in the middle."""
    cells: dict[object, list[Figure]] = defaultdict(list)
    for figure in found:
        cells[model.case_of(figure).effects, figure.model].append(figure)
    return tuple(sorted(cell, key=lambda one: one.tok_s)[len(cell) // 2] for cell in cells.values())


def shares(found: Sequence[Figure]) -> list[float]:
    """What each figure weighs: many figures of one chip from one source less than as many of several."""
    many = Counter((figure.chip, figure.backend, figure.group) for figure in found)
    return [
        (_CROWD if crowd(one) else 1.0) * min(1.0, (_CELL / many[one.chip, one.backend, one.group]) ** 0.7)
        for one in found
    ]


def fitted_to(found: Sequence[Figure]) -> model.Fitted:
    """The model of these figures."""
    return model.fit([model.case_of(one) for one in found], [1 / one.tok_s for one in found], shares(found))


@lru_cache(maxsize=1)
def _fitted() -> model.Fitted:
    return fitted_to(training())


@lru_cache(maxsize=1)
def _memory() -> dict[str, int | None]:
    return {chip.name: chip.most_memory_bytes for chip in catalogue()}


def _rests_on(chip: Chip, case: model.Case, used: Sequence[Figure]) -> tuple[str, ...]:
    family = model.family_of(chip.name)
    own = [one for one in used if one.chip == chip.name and one.backend == case.backend]
    near = [one for one in used if model.family_of(one.chip) == family and one.backend == case.backend]
    alike = [one for one in used if one.backend == case.backend]
    assert chip.bandwidth_bytes_s is not None
    lines = [f"memory bandwidth {units.bandwidth(chip.bandwidth_bytes_s)} ({chip.source.partition(';')[0]})"]
    if own:
        lines.append(f"{_count(len(own))} of this chip ({case.backend})")
    if near and family != "other":
        lines.append(f"{_count(len(near))} of {_chips(near)}, {family} ({case.backend})")
    lines.append(f"{_count(len(alike))} of {_chips(alike)} ({case.backend})")
    if case.weights.shape:
        lines.append(f"tables and layers of {case.weights.shape}")
    return tuple(lines)


def _count(many: int) -> str:
    return f"{many} published figure" + ("" if many == 1 else "s")


def _chips(found: Sequence[Figure]) -> str:
    many = len({one.chip for one in found})
    return f"{many} chip" + ("" if many == 1 else "s")


def _caveats(chip: Chip, weights: Weights, case: model.Case, engine: str | None) -> tuple[str, ...]:
    lines = list(_of_weights(weights))
    if not fits(chip.name, weights):
        lines.append(_TOO_LARGE)
    if case.engine not in _ENGINES:
        taken = "MLX" if case.backend == "mlx" else "llama.cpp"
        lines.append(f"few or no published figures of {engine}: taken as {taken}")
    elif case.engine == "mlx" and case.backend != "mlx":
        lines.append("MLX runs on Apple's chips: taken as llama.cpp")
    alike = {one.chip for one in training() if one.backend == case.backend}
    if len(alike) < 3:
        lines.append(f"published figures of only {len(alike)} chips with this backend ({case.backend})")
    if model.family_of(chip.name) not in {model.family_of(one) for one in alike}:
        lines.append("no published figures of this generation of chips")
    if case.crowd:
        slow = "" if case.backend == "metal" else "; one in four is far lower, partly run on the processor"
        lines.append(f"rests on LocalScore's figures, a crowd's, all of one old build{slow}")
    elif case.year is None and case.backend != "mlx":
        lines.append("for a build of mid 2025; older ones are slower, newer ones faster on small models")
    return tuple(lines)


def _of_age(case: model.Case, build: str) -> tuple[str, ...]:
    """What was made of a build that no figure is of."""
    if not build or case.source is not None:
        return ()
    if case.year is None:
        return (f"nothing tells how old {build} is, so no build is taken: write its date, as 2025-07",)
    if case.year == year_of(build):
        return ()
    least, most = (f"{int(year)}-{int(year % 1 * 12) + 1:02d}" for year in _years())
    return (f"published figures are of {least} to {most}, and {build} lies outside: the nearest is taken",)


def _of_weights(weights: Weights) -> tuple[str, ...]:
    lines = []
    if weights.experts:
        lines.append("a mixture of experts: what it reads is estimated from its active parameters")
    if weights.quantisation in {"IQ1_S", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "Q2_K", "F32"}:
        lines.append(f"few published figures with {weights.quantisation}")
    return tuple(lines)
