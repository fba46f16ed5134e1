"""How long `tpsprofile --help` takes beside `python -c "import click"`, interleaved.

The ratio must stay at 2 or below.

python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT = 2.0
HELP = [str(Path(sys.executable).with_name("tpsprofile")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def timed(command: Sequence[str]) -> float:
    """Seconds of wall time of one run."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """95% interval of the ratio of medians, by a paired bootstrap over rounds."""
    chance = random.Random(0)
    rounds = range(len(ours))
    ratios = []
    for _ in range(2000):
        drawn = [chance.choice(rounds) for _ in rounds]
        ratios.append(statistics.median(ours[i] for i in drawn) / statistics.median(theirs[i] for i in drawn))
    ratios.sort()
    return ratios[50], ratios[1949]


def main() -> int:
    """Run, print, and fail above the limit."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    timed(HELP), timed(CLICK)
    pairs = [(timed(HELP), timed(CLICK)) for _ in range(count)]
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    low, high = interval(ours, theirs)
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"tpsprofile --help          {statistics.median(ours) * 1000:6.0f} ms, median of {count}")
    print(f"python -c 'import click'   {statistics.median(theirs) * 1000:6.0f} ms")
    print(f"ratio                      {ratio:6.2f}  [{low:.2f} {high:.2f}], limit {LIMIT}")
    return ratio > LIMIT


if __name__ == "__main__":
    sys.exit(main())
