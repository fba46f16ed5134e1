"""How far predictions are off for chips that they have not seen; and which published figures physics rules out.

    python benchmarks/prediction.py             the table of docs/prediction.md
    python benchmarks/prediction.py --chips     and each chip's own error
    python benchmarks/prediction.py --physics   figures above bandwidth / bytes read a token

Every figure is predicted by a model that was fitted without its chip and without that chip's other bins (all of
Apple M2 Max go together). It needs the packaged figures alone and takes a minute or two.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np

from tpsprofile.errors import UsageError
from tpsprofile.predict import estimate, measured, model
from tpsprofile.predict.published import Figure, figures
from tpsprofile.predict.weights import KINDS

FLAT = 0.55
"""The efficiency that is often taken for granted."""
TENTH = 1.2816
APART, UPWARD = (2.5, 30.0), (1.3, 2.5)
"""Between what ratios of bytes two measured sizes lie, and the third above them."""


class Guess(NamedTuple):
    """One figure and what was told of it."""

    figure: Figure
    tok_s: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """Share by which it is off."""
        return abs(self.tok_s / self.figure.tok_s - 1)


Set = dict[str, list[Guess]]


def ours(train: Sequence[Figure], tests: Iterable[Figure], *, dated: bool = False) -> list[Guess]:
    """Our model fitted to ``train``; with ``dated`` it is told when a figure's engine was built."""
    fitted = estimate.fitted_to(estimate.medians(train))
    return [_guess(fitted, figure, dated) for figure in tests]


def _guess(fitted: model.Fitted, figure: Figure, dated: bool) -> Guess:
    case = model.case_of(figure)
    case = msgspec.structs.replace(case, source=None, year=case.year if dated else None)
    log_seconds, spread = model.width(fitted, case)
    roofline = case.bandwidth_bytes_s / case.weights.bytes_read
    rate = min(math.exp(-log_seconds), roofline)
    return Guess(figure, rate, rate * math.exp(-TENTH * spread), rate * math.exp(TENTH * spread))


def flat(_train: Sequence[Figure], tests: Iterable[Figure]) -> list[Guess]:
    """0.55 of bandwidth / bytes read a token."""
    return [Guess(one, FLAT * one.bandwidth_bytes_s / _read(one)) for one in tests]


def scaled(train: Sequence[Figure], tests: Iterable[Figure]) -> list[Guess]:
    """The figure of the chip nearest in bandwidth (same backend) at the nearest size, scaled by both."""
    return [_scaled(train, one) for one in tests]


def _scaled(train: Sequence[Figure], figure: Figure) -> Guess:
    own = [one for one in train if estimate.crowd(one) == estimate.crowd(figure)]
    alike = [one for one in own if one.backend == figure.backend] or own

    def distance(one: Figure) -> tuple[float, float]:
        return abs(math.log(one.bandwidth_bytes_s / figure.bandwidth_bytes_s)), abs(
            math.log(_read(one) / _read(figure))
        )

    near = min(alike, key=distance)
    speed = figure.bandwidth_bytes_s / near.bandwidth_bytes_s * _read(near) / _read(figure)
    return Guess(figure, near.tok_s * speed)


def _read(figure: Figure) -> float:
    assert figure.weights is not None
    return figure.weights.bytes_read


def unseen(
    tests: Sequence[Figure], method: Callable[[Sequence[Figure], Iterable[Figure]], list[Guess]]
) -> list[Guess]:
    """Each figure as told without its chip and that chip's other bins."""
    useful = [one for one in figures() if estimate.useful(one) or estimate.crowd(one)]
    found = []
    for family in sorted({one.family for one in tests}):
        train = [one for one in useful if one.family != family]
        found += method(train, [one for one in tests if one.family == family])
    return found


def sets() -> dict[str, list[Figure]]:
    """What is scored: figures of one build, clean ones, and those of crowds. All dense, unflagged, in memory."""
    fitting = [one for one in figures() if one.weights is not None and estimate.fits(one.chip, one.weights)]
    return {
        "one build: Apple, llama.cpp 8e672ef": [one for one in fitting if "8e672ef" in (one.version or "")],
        "one build: llama.cpp of May 2024": [
            one for one in fitting if "May 2024" in (one.version or "") and one.shallow and one.dense
        ],
        "all clean figures": [one for one in fitting if one.clean],
        "LocalScore's figures, the engine told": [one for one in fitting if estimate.crowd(one)],
        "other crowd figures": [
            one for one in fitting if one.crowd and one.backend != "cpu" and not estimate.crowd(one)
        ],
        "mixtures of experts, first-hand": [
            one
            for one in fitting
            if one.weights is not None
            and one.weights.experts
            and one.shallow
            and one.flag is None
            and one.evidence.startswith("primary")
        ],
    }


def row(name: str, guesses: Sequence[Guess]) -> str:
    """One line: median and 90th percentile of the error, share of figures inside the 80% interval."""
    errors = [guess.error for guess in guesses]
    inside = [g.low <= g.figure.tok_s <= g.high for g in guesses if g.low is not None and g.high is not None]
    held = f"{sum(inside) / len(inside):6.0%}" if inside else "     –"
    return f"  {name:38} {median(errors):6.1%} {np.percentile(errors, 90):7.1%} {held}"


def table(*, chips: bool) -> Iterator[str]:
    """Lines of the whole table."""
    yield f"{'':40} {'median':>6} {'90th':>7} {'in 80%':>6}"
    for name, tests in sets().items():
        yield f"{name}: {len(tests)} figures of {len({one.chip for one in tests})} chips"
        own = unseen(tests, ours)
        yield row("tpsprofile, the date of the build told", unseen(tests, lambda a, b: ours(a, b, dated=True)))
        yield row("tpsprofile", own)
        yield row(f"flat {FLAT} of the bandwidth", unseen(tests, flat))
        yield row("nearest chip, scaled by bandwidth", unseen(tests, scaled))
        if chips:
            yield from each_chip(own)
    for name, triples in (("clean", thirds(clean=True)), ("crowd", thirds(clean=False))):
        machines = {(one.source, one.machine) for *_, one in triples}
        yield f"two sizes give a third, {name}: {len(triples)} of {len(machines)} machines"
        yield row("tpsprofile, with the bandwidth", [_third(*triple, known=True) for triple in triples])
        yield row("tpsprofile, without", [_third(*triple, known=False) for triple in triples])
        yield row("second size scaled by bytes", [_by_bytes(*triple) for triple in triples])


def each_chip(guesses: Sequence[Guess]) -> Iterator[str]:
    """A line a chip."""
    by_chip: dict[str, list[Guess]] = defaultdict(list)
    for guess in guesses:
        by_chip[guess.figure.chip].append(guess)
    for chip, own in sorted(by_chip.items()):
        bias = median(guess.tok_s / guess.figure.tok_s - 1 for guess in own)
        yield f"    {chip[:40]:40} {len(own):4} {median(g.error for g in own):6.1%} {bias:+7.1%}"


def thirds(*, clean: bool) -> list[tuple[Figure, Figure, Figure]]:
    """Three sizes of one machine and engine, alike quantised, the third above two that lie well apart."""
    series: dict[object, dict[str, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    for one in figures():
        if one.weights is None or not (one.clean if clean else one.crowd and "localscore" in one.test):
            continue
        if estimate.fits(one.chip, one.weights):
            kind = KINDS[one.weights.quantisation].group, model.blocks_of(one.model)
            series[one.source if clean else "", one.machine, one.engine, one.backend, one.version, kind][
                one.model
            ].append(one)
    return [triple for models in series.values() for triple in _triples(models)]


def _triples(models: dict[str, list[Figure]]) -> Iterator[tuple[Figure, Figure, Figure]]:
    middle = [sorted(found, key=lambda one: one.tok_s)[len(found) // 2] for found in models.values()]
    for first, second, last in combinations(sorted(middle, key=_read), 3):
        apart, upward = _read(second) / _read(first), _read(last) / _read(second)
        if APART[0] <= apart <= APART[1] and UPWARD[0] <= upward <= UPWARD[1]:
            yield first, second, last


def _third(first: Figure, second: Figure, last: Figure, *, known: bool) -> Guess:
    assert last.weights is not None
    sizes = [_size(one) for one in (first, second)]
    try:
        rate = 1 / measured.seconds(sizes, last.weights, last.bandwidth_bytes_s if known else None)
    except UsageError:
        return _by_bytes(first, second, last)
    width = math.exp(TENTH * measured.spread(sizes, _read(last)))
    return Guess(last, rate, rate / width, rate * width)


def _size(one: Figure) -> measured.Size:
    assert one.weights is not None
    return measured.Size(bytes_read=one.weights.bytes_read, seconds=1 / one.tok_s, layers=one.weights.layers)


def _by_bytes(_first: Figure, second: Figure, last: Figure) -> Guess:
    return Guess(last, second.tok_s * _read(second) / _read(last))


def impossible() -> Iterator[tuple[float, Figure]]:
    """Figures above the roofline, bandwidth / bytes read a token, and how many times above."""
    for one in figures():
        if one.weights is not None and one.tok_s * _read(one) > one.bandwidth_bytes_s:
            yield one.tok_s * _read(one) / one.bandwidth_bytes_s, one


def physics() -> Iterator[str]:
    """A line for each figure above the roofline, furthest first."""
    found = sorted(impossible(), key=lambda pair: -pair[0])
    for times, one in found:
        why = one.flag or one.evidence
        yield f"{times:5.2f}x  row {one.row:<5} {one.chip[:27]:27} {one.model[-30:]:30}"
        yield f"        {why}; {one.source[:66]}"
    first_hand = sum(one.evidence.startswith("primary") and one.flag is None for _, one in found)
    yield f"{len(found)} of {len(figures())} figures above the roofline; first-hand and unflagged: {first_hand}"


def main() -> None:
    """Show what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", action="store_true", help="each chip's own error")
    parser.add_argument("--physics", action="store_true", help="figures above the roofline")
    given = parser.parse_args()
    for line in physics() if given.physics else table(chips=given.chips):
        print(line, flush=True)


if __name__ == "__main__":
    main()
