"""Two or more sizes measured on a machine give another size on the same machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from tpsprofile.errors import UsageError
from tpsprofile.predict.weights import Weights
from tpsprofile.records import Record


class Size(Record, frozen=True, kw_only=True):
    """One model that was measured."""

    bytes_read: float
    """Bytes of weights a token."""
    seconds: float
    """Seconds a token."""
    layers: float | None
    """None where only its size is known."""


Sizes = Sequence[Size]

_FIXED, _FIXED_SPREAD = math.log(0.003), 0.8
"""What 32 layers take besides reading, seconds: prior, as logarithm, and its standard deviation."""
_INVERSE, _INVERSE_SPREAD = math.log(1 / 0.85), 0.25
"""Bandwidth over the rate at which weights are read: the same."""
_NOISE = 0.02
"""Standard deviation of a measured time, as a logarithm."""
_STEPS = 40
_EXACT = 1e-6


def seconds(sizes: Sizes, weights: Weights, bandwidth_bytes_s: float | None) -> float:
    """Seconds a token of ``weights``, from other sizes on the same machine.

    Without a bandwidth the line through the sizes: fixed + bytes x seconds a byte, least squares of relative
    errors, fixed not below 0; exact where the sizes lie on a line. With one: fixed x layers/32 + inverse
    efficiency x bytes / bandwidth, the posterior mode under wide priors (a fixed part around 3 ms, 85% of the
    bandwidth), which two noisy sizes need; never less than bytes / bandwidth. Layers that are not known count as
    those of ``weights``.

    Raises UsageError where the larger model is not the slower one.
    """
    if bandwidth_bytes_s is not None:
        return max(_with_bandwidth(sizes, weights, bandwidth_bytes_s), weights.bytes_read / bandwidth_bytes_s)
    fixed, slope = line(sizes)
    if slope <= 0:
        raise UsageError("The larger model is not the slower one: sizes tell nothing.", "Measure again.")
    return fixed + slope * weights.bytes_read


def unrounded(sizes: Sizes, weights: Weights, bandwidth_bytes_s: float | None) -> tuple[float, float]:
    """Least and most tok/s of ``weights``, where each measured rate may be half of its last digit off.

    Each rate is moved to the end that lowers (raises) the answer; rates of many digits leave it where it is.
    Raises UsageError where the larger model is not the slower one.
    """
    half = _half_digit([1 / one.seconds for one in sizes])
    middle = 1 / seconds(sizes, weights, bandwidth_bytes_s)
    if half == 0:
        return middle, middle
    signs = []
    for place in range(len(sizes)):
        other = [_moved(one, half / 100 if at == place else 0.0) for at, one in enumerate(sizes)]
        signs.append(1 if 1 / seconds(other, weights, bandwidth_bytes_s) >= middle else -1)
    ends = []
    for way in (-1, 1):
        other = [_moved(one, way * sign * half) for one, sign in zip(sizes, signs, strict=True)]
        with suppress(UsageError):
            ends.append(1 / seconds(other, weights, bandwidth_bytes_s))
    return min(middle, *ends), max(middle, *ends)


def _half_digit(rates: Sequence[float]) -> float:
    """Half of the last digit that rates are written with, tok/s: 0.5 for whole numbers; 0 for many digits."""
    for half, times in ((0.5, 1), (0.05, 10)):
        if all(abs(rate * times - round(rate * times)) < _EXACT for rate in rates):
            return half
    return 0.0


def _moved(one: Size, by: float) -> Size:
    rate = 1 / one.seconds
    return msgspec.structs.replace(one, seconds=1 / max(rate + by, rate / 2))


def line(sizes: Sizes) -> tuple[float, float]:
    """Fixed seconds and seconds a byte, by least squares of relative errors, fixed not below 0."""
    weighed = [(1 / one.seconds**2, one.bytes_read, one.seconds) for one in sizes]
    whole = sum(w for w, _, _ in weighed)
    middle = sum(w * read for w, read, _ in weighed) / whole
    height = sum(w * time for w, _, time in weighed) / whole
    across = sum(w * (read - middle) ** 2 for w, read, _ in weighed)
    slope = sum(w * (read - middle) * (time - height) for w, read, time in weighed) / across
    fixed = height - slope * middle
    if fixed >= 0:
        return fixed, slope
    return 0.0, sum(w * read * time for w, read, time in weighed) / sum(w * read**2 for w, read, _ in weighed)


def _with_bandwidth(sizes: Sizes, weights: Weights, bandwidth: float) -> float:
    """The posterior mode by Gauss-Newton steps in the two logarithms."""
    every = [
        ((one.layers or weights.layers) / 32, one.bytes_read / bandwidth, math.log(one.seconds)) for one in sizes
    ]
    fixed, inverse = _FIXED, _INVERSE
    for _ in range(_STEPS):
        a, d, both = _FIXED_SPREAD**-2, _INVERSE_SPREAD**-2, 0.0
        right, left = -(fixed - _FIXED) * a, -(inverse - _INVERSE) * d
        for layers, ideal, log in every:
            still, read = layers * math.exp(fixed), ideal * math.exp(inverse)
            share, residual = still / (still + read), log - math.log(still + read)
            a += (share / _NOISE) ** 2
            d += ((1 - share) / _NOISE) ** 2
            both += share * (1 - share) / _NOISE**2
            right += share * residual / _NOISE**2
            left += (1 - share) * residual / _NOISE**2
        determinant = a * d - both**2
        steps = (d * right - both * left) / determinant, (a * left - both * right) / determinant
        fixed += max(-0.5, min(0.5, steps[0]))
        inverse += max(-0.5, min(0.5, steps[1]))
    still, read = weights.layers / 32 * math.exp(fixed), weights.bytes_read / bandwidth * math.exp(inverse)
    return still + read


def spread(sizes: Sizes, read: float) -> float:
    """Standard deviation of the logarithm of a time told: more beyond the sizes, and the nearer they lie."""
    logs = sorted(math.log(one.bytes_read) for one in sizes)
    beyond = max(0.0, math.log(read) - logs[-1], logs[0] - math.log(read))
    return 0.045 + 0.045 * beyond / max(0.3, logs[-1] - logs[0])
