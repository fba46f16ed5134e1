"""Memory bandwidth of this machine, measured in about a second.

Generating a token reads the whole model once, so bandwidth is what bounds it. The kernel is STREAM's ADD,
``a = b + c`` over doubles: one numpy call, and numpy lets the other threads run meanwhile. Bytes are counted as
STREAM counts them, 24 an element: two reads and one write, without the extra read that many processors do
before a write. STREAM's TRIAD counts the same and runs at the same speed wherever memory is the limit; in numpy
it would need two passes and move more than it counts.

Source: J. D. McCalpin, STREAM: Sustainable Memory Bandwidth in High Performance Computers,
https://www.cs.virginia.edu/stream/ref.html (bytes per kernel; arrays several times larger than the caches).
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil

from tpsprofile.clock import Clock, SystemClock
from tpsprofile.machine.portable import available_bytes, tolerant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BYTES_PER_ELEMENT = 24
MOST_BYTES = 1024**3
"""All three arrays together, and never more than an eighth of the memory there is."""
LEAST_BYTES = 96 * 1024**2
"""Below this the caches of a common machine hold the arrays, and the figure would be theirs."""
_CHUNK = 256 * 1024  # elements a thread takes at a time: 6 MiB moved, some hundred microseconds
_PASS_S = 0.03  # long enough for starting threads not to count


def measure(*, threads: int | None = None, seconds: float = 1.0, clock: Clock | None = None) -> float | None:
    """Bytes per second, the best of the passes that fit in ``seconds``.

    ``threads`` is the number of physical cores unless told. None where memory is too small for a figure that
    means anything.
    """
    clock = clock or SystemClock()
    size = array_bytes(available_bytes())
    if size is None:
        return None
    workers = threads or tolerant(lambda: psutil.cpu_count(logical=False)) or 1
    return _best_pass(size // BYTES_PER_ELEMENT, workers, seconds, clock)


def array_bytes(available: int | None) -> int | None:
    """Bytes for the three arrays together, given the memory that is available; None if that is too little."""
    size = min(MOST_BYTES, (available or 0) // 8)
    return size if size >= LEAST_BYTES else None


def _best_pass(elements: int, workers: int, seconds: float, clock: Clock) -> float:
    """The fastest of many passes over three arrays of so many doubles, in bytes a second."""
    import numpy as np

    arrays = tuple(np.empty(elements) for _ in range(3))
    edges = [elements * n // workers for n in range(workers + 1)]
    shares = [_chunks(first, last) for first, last in itertools.pairwise(edges)]

    with ThreadPoolExecutor(workers) as pool:

        def one_pass(rounds: int) -> float:
            queues = [deque(share * rounds) for share in shares]
            start = clock.monotonic()
            list(pool.map(functools.partial(_add, arrays, queues), range(workers)))
            return clock.monotonic() - start

        list(pool.map(functools.partial(_touch, arrays), shares))
        rounds = max(1, math.ceil(_PASS_S / max(one_pass(1), 1e-6)))
        times, end = [one_pass(rounds)], clock.monotonic() + seconds
        while clock.monotonic() < end:
            times.append(one_pass(rounds))
    return BYTES_PER_ELEMENT * elements * rounds / min(times)


def _chunks(first: int, last: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, last)) for start in range(first, last, _CHUNK)]


def _touch(arrays: tuple[Array, ...], share: list[slice]) -> None:
    """Each thread is the first to write a share, so that its memory is near a processor that uses it."""
    for part in share:
        for value, array in enumerate(arrays):
            array[part] = value


def _add(arrays: tuple[Array, ...], queues: list[deque[slice]], worker: int) -> None:
    """``a = b + c`` over a thread's own share, then over what slower cores have not got to."""
    import numpy as np

    a, b, c = arrays
    for queue in queues[worker:] + queues[:worker]:
        with contextlib.suppress(IndexError):  # it is empty: on to the next
            while True:
                part = queue.popleft()
                np.add(b[part], c[part], out=a[part])
