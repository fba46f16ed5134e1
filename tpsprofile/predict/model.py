"""Seconds a token = fixed + bytes read / (efficiency x bandwidth), each part a product of effects that are shrunk.

    t = exp(c) x (layers/32 x exp(f) + bytes/bandwidth x exp(g))

f, g and c are sums of effects with normal priors around 0: of the backend, of the chip's family, of the
quantisation's group, of the source that the figures are from and of the chip itself. The fit is the posterior mode
with Huber's weights (P. J. Huber, Robust Estimation of a Location Parameter, 1964), by Gauss-Newton steps; the
interval is that of the normal approximation around it (Laplace), with a new chip's and a new source's own effects
added. Effects that the data say nothing of stay 0, with the prior's spread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tpsprofile.predict.published import Figure
from tpsprofile.predict.weights import KINDS, Weights
from tpsprofile.records import Record

Array = NDArray[np.float64]
Effect = tuple[str, str]
"""(part, name): part is ``f``, ``g`` or ``c``; the name begins with its kind."""

SPREAD = {
    "f:base": 1.0,
    "f:backend": 0.5,
    "f:family": 0.3,
    "f:source": 0.2,
    "f:age": 0.2,
    "f:blocks": 0.3,
    "g:base": 0.3,
    "g:kind": 0.15,
    "g:family": 0.15,
    "g:core": 0.1,
    "g:dies": 0.1,
    "f:engine": 0.5,
    "g:engine": 0.3,
    "f:experts": 0.4,
    "g:experts": 0.3,
    "c:chip": 0.05,
    "c:source": 0.05,
}
"""Prior standard deviations of the effects, as logarithms."""
NOW = 2025.5
"""The build of an engine that is not told, as a decimal year: the middle of the published ones."""
NOW_SPREAD = 1.0
"""Standard deviation of it, years."""
CROWD = "llamafile"
"""The engine whose figures a crowd sent in: LocalScore, all of one build of it. It has effects of its own."""
CROWD_NOISE = 0.15
"""Standard deviation of one of these, as a logarithm: the machines are unlike."""
NOISE = 0.05
"""Standard deviation of one figure, as a logarithm; what lies beyond 1.5 of it weighs less (Huber)."""
_HUBER = 1.5
_START = {"f:base": np.log(0.003), "g:base": np.log(1 / 0.9)}
_STEPS = 25
_SMALL = 1e-4


class Case(Record, frozen=True, kw_only=True):
    """What a time depends on."""

    chip: str
    bandwidth_bytes_s: float
    backend: str
    engine: str
    weights: Weights
    source: str | None = None
    """None for a machine that nobody has published a figure of."""
    year: float | None = None
    """When the engine was built, as a decimal year; None for the usual (``NOW``)."""

    @property
    def crowd(self) -> bool:
        """Of the engine whose figures are a crowd's."""
        return self.engine == CROWD

    @property
    def effects(self) -> tuple[tuple[Effect, float], ...]:
        """The effects that make this case's time, and how often each is in it."""
        family = family_of(self.chip)
        kind = KINDS[self.weights.quantisation].group
        blocks = blocks_of(self.weights.name or "")
        found = [
            ("f", "base"),
            ("f", f"backend {self.backend}"),
            ("f", f"family {family}"),
            ("g", "base"),
            ("g", f"kind {self.backend} {kind}"),
            ("g", f"family {family}"),
            ("c", f"chip {self.chip}"),
        ]
        if family.startswith("Apple"):
            found.append(("g", f"core {family} {kind}"))
        if "Ultra" in self.chip:
            found.append(("g", "dies Ultra"))
        if self.weights.experts:
            found += [("f", "experts"), ("g", "experts")]
        if self.crowd:
            found += [(part, f"engine {self.backend}") for part in "fg"]
        if blocks:
            found.append(("f", f"blocks {blocks}"))
        if self.source and not self.crowd:
            found += [(part, f"source {self.source} {self.backend}") for part in "fc"]
        age = (NOW if self.year is None else self.year) - NOW
        return (*((effect, 1.0) for effect in found), (("f", "age"), -age))


class Fitted(Record, frozen=True, kw_only=True):
    """The posterior mode and what surrounds it."""

    names: dict[tuple[str, str], int]
    mode: Array
    covariance: Array
    """Of the effects (Laplace)."""
    usual: dict[str, dict[str, tuple[float, float]]]
    """Of each backend: mean and spread of its sources' effects, for a figure of no source."""


_FAMILIES = (
    (r"Apple M\d", None),
    (r"A100|H100|H200|V100", "NVIDIA HBM"),
    (r"GB10", "NVIDIA GB10"),
    (r"Jetson", "NVIDIA Jetson"),
    (r"RTX 20|\bT4\b", "NVIDIA Turing"),
    (r"RTX 30|A\d000\b|A40\b", "NVIDIA Ampere"),
    (r"RTX 40|Ada|\bL40?S?\b", "NVIDIA Ada"),
    (r"RTX 50|Blackwell", "NVIDIA Blackwell"),
    (r"Ryzen|780M", "AMD integrated"),
    (r"RX 6", "AMD RDNA2"),
    (r"RX 7|W7", "AMD RDNA3"),
    (r"RX 9|R9", "AMD RDNA4"),
    (r"Intel", "Intel"),
)


@lru_cache(maxsize=512)
def family_of(chip: str) -> str:
    """The generation of chips that one belongs to: ``Apple M4``, ``NVIDIA Ada``, or ``other``."""
    for pattern, name in _FAMILIES:
        found = re.search(pattern, chip)
        if found:
            return name or found.group()
    return "other"


@lru_cache(maxsize=4096)
def blocks_of(model: str) -> str | None:
    """Models whose layers do more, or other, steps than Llama's."""
    text = model.lower()
    if "gemma" in text:
        return "gemma"
    return "qwen3.5" if re.search(r"qwen-?3\.[5678]", text) else None


def case_of(figure: Figure) -> Case:
    """The case of a published figure. The figure must have weights."""
    assert figure.weights is not None
    return Case(
        chip=figure.chip,
        bandwidth_bytes_s=figure.bandwidth_bytes_s,
        backend=figure.backend,
        engine=figure.engine,
        weights=figure.weights,
        source=f"{figure.group} {figure.version or ''}"
        if figure.year is None or figure.year < 2025
        else figure.group,
        year=figure.year,
    )


def fit(cases: Sequence[Case], seconds: Sequence[float], shares: Sequence[float] | None = None) -> Fitted:
    """The posterior mode for these times, in seconds a token; ``shares`` weigh them (1 by default)."""
    table = _table(cases)
    prior = np.array([_spread(*effect) ** -2 for effect in table.names])
    centre = np.array([_START.get(":".join(effect), 0.0) for effect in table.names])
    theta, logs = centre.copy(), np.log(np.asarray(seconds, dtype=float))
    share = np.ones(len(cases)) if shares is None else np.asarray(shares, dtype=float)
    precision = np.diag(prior)
    for _ in range(_STEPS):
        value, slopes = _times(theta, table)
        residual = logs - value
        weight = share / NOISE**2 / np.maximum(1.0, np.abs(residual) / (_HUBER * NOISE))
        precision = _products(table, slopes, weight) + np.diag(prior)
        pull = np.bincount(table.index.ravel(), (slopes * (weight * residual)[:, None]).ravel(), len(theta))
        step = _solved(precision, pull - prior * (theta - centre))
        theta = theta + np.clip(step, -0.5, 0.5)
        if np.max(np.abs(step)) < _SMALL:
            break
    usual = {backend: _usual(backend, table, theta, cases) for backend in {case.backend for case in cases}}
    return Fitted(names=table.names, mode=theta, covariance=np.linalg.inv(precision), usual=usual)


_WIDTH = {"metal": 0.85, "cuda": 1.1, "rocm": 1.2}
"""What the interval of a backend is wider by than the approximation has it: the 80th percentile of standardised
errors for chips that were left out, each chip counting as the root of its figures, drawn towards 1."""


def width(fitted: Fitted, case: Case) -> tuple[float, float]:
    """Logarithm of the seconds a token, and the standard deviation of one figure around it."""
    log_seconds, spread = log_time(fitted, case)
    noise = CROWD_NOISE if case.crowd else NOISE
    return log_seconds, _WIDTH.get(case.backend, 1.0) * float(np.hypot(spread, noise))


def log_time(fitted: Fitted, case: Case) -> tuple[float, float]:
    """Logarithm of the seconds a token, and its standard deviation without a single figure's noise."""
    effects = dict(case.effects)
    parts = {"f": 0.0, "g": 0.0, "c": 0.0}
    known = [effect for effect in effects if effect in fitted.names]
    for effect in known:
        parts[effect[0]] += effects[effect] * float(fitted.mode[fitted.names[effect]])
    spreads = [(effect[0], _spread(*effect)) for effect in effects if effect not in fitted.names]
    if case.year is None and not case.crowd and ("f", "age") in fitted.names:
        spreads.append(("f", NOW_SPREAD * float(fitted.mode[fitted.names["f", "age"]])))
    if case.source is None and not case.crowd:
        for part in "fc":
            mean, spread = fitted.usual.get(case.backend, {}).get(part, (0.0, SPREAD[f"{part}:source"]))
            parts[part] += mean
            spreads.append((part, spread))
    fixed = case.weights.layers / 32 * np.exp(parts["f"])
    read = case.weights.bytes_read / case.bandwidth_bytes_s * np.exp(parts["g"])
    slope = {"f": fixed / (fixed + read), "g": read / (fixed + read), "c": 1.0}
    row = np.array([effects[effect] * slope[effect[0]] for effect in known])
    places = [fitted.names[effect] for effect in known]
    variance = float(row @ fitted.covariance[np.ix_(places, places)] @ row)
    variance += sum((slope[part] * spread) ** 2 for part, spread in spreads)
    return parts["c"] + float(np.log(fixed + read)), variance**0.5


class _Table(Record, frozen=True, kw_only=True):
    """The effects of every case, as numbers; padded with an effect of no part."""

    names: dict[tuple[str, str], int]
    index: NDArray[np.intp]
    part: NDArray[np.intp]
    """0 for f, 1 for g, 2 for c, 3 for none."""
    times: Array
    """How often an effect is in a case."""
    layers: Array
    ideal: Array


def _table(cases: Sequence[Case]) -> _Table:
    effects = [case.effects for case in cases]
    names = {name: number for number, name in enumerate(dict.fromkeys(name for row in effects for name, _ in row))}
    most = max(len(row) for row in effects)
    shape = len(cases), most
    index, part, times = np.zeros(shape, dtype=np.intp), np.full(shape, 3, dtype=np.intp), np.zeros(shape)
    for number, row in enumerate(effects):
        index[number, : len(row)] = [names[name] for name, _ in row]
        part[number, : len(row)] = ["fgc".index(name[0]) for name, _ in row]
        times[number, : len(row)] = [often for _, often in row]
    layers = np.array([case.weights.layers / 32 for case in cases])
    ideal = np.array([case.weights.bytes_read / case.bandwidth_bytes_s for case in cases])
    return _Table(names=names, index=index, part=part, times=times, layers=layers, ideal=ideal)


def _times(theta: Array, table: _Table) -> tuple[Array, Array]:
    """Logarithms of the times, and their derivatives by the effects of each case."""
    values = theta[table.index] * table.times
    f, g, c = (np.where(table.part == number, values, 0.0).sum(axis=1) for number in range(3))
    fixed, read = table.layers * np.exp(f), table.ideal * np.exp(g)
    shares = np.stack([fixed / (fixed + read), read / (fixed + read), np.ones_like(fixed), np.zeros_like(fixed)])
    return c + np.log(fixed + read), np.take_along_axis(shares.T, table.part, axis=1) * table.times


def _products(table: _Table, slopes: Array, weight: Array) -> Array:
    """Sum over the cases of weight x outer product of the slopes."""
    many = len(table.names)
    pairs = table.index[:, :, None] * many + table.index[:, None, :]
    values = slopes[:, :, None] * slopes[:, None, :] * weight[:, None, None]
    sums: Array = np.bincount(pairs.ravel(), values.ravel(), many * many).astype(float)
    return sums.reshape(many, many)


def _solved(matrix: Array, right: Array) -> Array:
    """Solution of a symmetric positive system by conjugate gradients, scaled by the diagonal.

    M. R. Hestenes and E. Stiefel, Methods of Conjugate Gradients for Solving Linear Systems, 1952. A few hundred
    unknowns do not repay the threads that a linear algebra library would start for them.
    """
    scale = 1 / np.diag(matrix)
    found, left = np.zeros_like(right), right.copy()
    along = scale * left
    size = float((left * along).sum())
    enough = size * 1e-16
    for _ in range(2 * len(right)):
        if size <= enough:
            break
        image = np.einsum("ij,j->i", matrix, along)
        step = size / float((along * image).sum())
        found, left = found + step * along, left - step * image
        previous, size = size, float((left * scale * left).sum())
        along = scale * left + size / previous * along
    return found


def _usual(backend: str, table: _Table, theta: Array, cases: Sequence[Case]) -> dict[str, tuple[float, float]]:
    """Mean and spread of the sources' own effects on f and c, each source weighing as its chips do."""
    chips: dict[str, set[str]] = {}
    for case in cases:
        if case.backend == backend and case.source and not case.crowd:
            chips.setdefault(case.source, set()).add(case.chip)
    weight = np.array([len(found) for found in chips.values()], dtype=float)
    usual = {}
    for part in "fc" if chips else "":
        values = np.array([theta[table.names[part, f"source {source} {backend}"]] for source in chips])
        prior = SPREAD[f"{part}:source"]
        mean = float(weight @ values / (weight.sum() + 1))
        spread = (float(weight @ (values - mean) ** 2) + 2 * prior**2) / (weight.sum() + 2)
        usual[part] = (mean, spread**0.5)
    return usual


def _spread(part: str, name: str) -> float:
    return SPREAD[f"{part}:{name.partition(' ')[0]}"]
