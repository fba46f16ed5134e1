"""How often 95% intervals hold the truth, on simulated machines whose truth is known: 93 to 97% is as promised.

Crossings, ratios of one model and mean ratios over several, each for several designs, with half of the interval's
width where both ends are told. About five minutes for 2,000 machines a design.

python benchmarks/coverage.py [MACHINES]
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import NamedTuple

from tpsprofile.analysis.speed import Estimate, Limit, crossing, mean_ratio, ratio
from tpsprofile.analysis.summary import Point, Sample, Series, Spread, Summary

SIZES = {3: (1, 8, 32), 4: (1, 8, 32, 72), 5: (0.5, 3, 8, 32, 72), 6: (0.5, 1, 3, 8, 32, 72)}
"""Billions of parameters, by their number."""
EACH_S = 0.002
"""Time a token and billion parameters."""
FASTER = 1.3
LEAST, MOST = 0.93, 0.97
SERIES = Series(
    machine_id="m",
    machine="simulated",
    chip=None,
    ram_bytes=None,
    engine="simulated",
    simulated=True,
    options=None,
    provenance="measured",
    source=None,
    method=None,
    prompt=None,
    tokens_asked=None,
    context_asked=None,
    depth_tokens=None,
    prompt_tokens=None,
    speculative=False,
)


class Design(NamedTuple):
    """One kind of machine."""

    sizes: int
    trials: int
    noise: float
    """Standard deviation of the log of a trial's time."""
    scatter: float
    """That of a model about the line."""
    fixed_s: float = 0.004


CROSSINGS = [
    Design(sizes, *rest)
    for sizes in SIZES
    for rest in ((1, 0.03, 0.0), (3, 0.01, 0.0), (3, 0.05, 0.0), (5, 0.02, 0.03), (9, 0.01, 0.05))
] + [Design(4, 3, 0.02, 0.04, fixed) for fixed in (0.0, 0.0001, 0.0005)]
RATIOS = [
    (trials, noise)
    for trials in ((3, 3), (3, 5), (3, 9), (5, 5), (9, 9))
    for noise in ((0.01, 0.01), (0.05, 0.05), (0.05, 0.01), (0.02, 0.01))
]
MEANS = [(models, scatter) for models in SIZES for scatter in (0.0, 0.05)]


def point(chance: random.Random, size: float, seconds: float, trials: int, noise: float) -> Point:
    """One model with trials of log-normal noise about a time for a token."""
    rates = [math.exp(chance.gauss(0, noise)) / seconds for _ in range(trials)]
    return Point(
        series=SERIES,
        model=f"{size:g}B",
        parameters=int(size * 1e9),
        parameters_active=None,
        quantisation=None,
        synthetic=False,
        engine_version=None,
        trials=trials,
        decode=Spread(median=median(rates), low=min(rates), high=max(rates), n=trials),
        interval=None,
        samples=tuple(Sample(after_s=None, tok_s=rate, far=False) for rate in rates),
        warnings=(),
        grade=None,
        prefill=None,
        ttft=None,
        load_first=None,
        load_later=None,
        rss=None,
        available_fall=None,
        engine_size=None,
    )


def holds_crossing(chance: random.Random, design: Design) -> tuple[Estimate | None, float]:
    """What is said of one machine, and where its line crosses a limit between its two largest sizes."""
    sizes = SIZES[design.sizes]
    truth = math.sqrt(sizes[-1] * sizes[-2])
    points = []
    for size in sizes:
        seconds = (design.fixed_s + EACH_S * size) * math.exp(chance.gauss(0, design.scatter))
        points.append(point(chance, size, seconds, design.trials, design.noise))
    limit = Limit(seconds=design.fixed_s + EACH_S * truth)
    found = crossing(Summary(points=tuple(points), absent=()), SERIES, limit)
    return found.parameters if found else None, truth * 1e9


def holds_ratio(
    chance: random.Random, trials: tuple[int, int], noise: tuple[float, float]
) -> tuple[Estimate | None, float]:
    """What is said of one model on two machines, of which the second is ``FASTER``."""
    a = point(chance, 8, FASTER, trials[0], noise[0])
    b = point(chance, 8, 1.0, trials[1], noise[1])
    return ratio(a, b, Limit.line(10)), FASTER


def holds_mean(chance: random.Random, models: int, scatter: float) -> tuple[Estimate | None, float]:
    """What is said of several models, whose ratios scatter about ``FASTER``; three trials each, with 2% noise."""
    pairs = []
    for size in SIZES[models]:
        off = math.exp(chance.gauss(0, scatter))
        pairs.append((point(chance, size, FASTER * off, 3, 0.02), point(chance, size, 1.0, 3, 0.02)))
    return mean_ratio(tuple(pairs), Limit.line(10)), FASTER


def row(name: str, machines: int, one: Callable[[random.Random], tuple[Estimate | None, float]]) -> str:
    """How often the interval held the truth, half its width, and how often it had no upper end, or was none."""
    chance = random.Random(name)
    hits = unbounded = missing = 0
    widths = []
    for _ in range(machines):
        found, truth = one(chance)
        if found is None or found.low is None:
            missing += 1
            continue
        unbounded += found.high is None
        hits += found.low <= truth <= (found.high or math.inf)
        if found.high is not None:
            widths.append((found.high - found.low) / 2 / truth)
    share = hits / max(1, machines - missing)
    width = f"{median(widths):9.1%}" if widths else f"{'—':>9}"
    told = f"{share:.1%}"
    verdict = "" if LEAST <= float(told[:-1]) / 100 <= MOST else "  outside"
    return f"{name:50}{told:>7}{width}{unbounded / machines:9.1%}{missing / machines:7.1%}{verdict}"


def rows(machines: int) -> Iterator[str]:
    """One line a design."""
    yield f"{'':50}{'holds':>7}{'± about':>9}{'no end':>9}{'none':>7}"
    for design in CROSSINGS:
        name = (
            f"crossing: {design.sizes} sizes, {design.trials} × {design.noise:.0%}, "
            f"scatter {design.scatter:.0%}, {design.fixed_s * 1000:g} ms"
        )
        yield row(name, machines, partial(holds_crossing, design=design))
    for trials, noise in RATIOS:
        name = f"ratio: {trials[0]} × {noise[0]:.0%} and {trials[1]} × {noise[1]:.0%}"
        yield row(name, machines, partial(holds_ratio, trials=trials, noise=noise))
    for models, scatter in MEANS:
        name = f"mean ratio: {models} models, scatter {scatter:.0%}"
        yield row(name, machines, partial(holds_mean, models=models, scatter=scatter))


if __name__ == "__main__":
    for told in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
        print(told, flush=True)
