"""How long `tpsprofile --help` takes beside `python -c "import click"`, interleaved.

The ratio must stay at 2 or below.

python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ratios import interval, ratio

LIMIT = 2.0
HELP = [str(Path(sys.executable).with_name("tpsprofile")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def timed(command: Sequence[str]) -> float:
    """Seconds of wall time of one run."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    """Run, print, and fail above the limit."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    timed(HELP), timed(CLICK)
    rounds = [(timed(CLICK), timed(HELP)) for _ in range(count)]
    theirs, ours = (statistics.median(one[index] for one in rounds) for index in (0, 1))
    found, (low, high) = ratio(rounds), interval(rounds)
    print(f"tpsprofile --help          {ours * 1000:6.0f} ms, median of {count}")
    print(f"python -c 'import click'   {theirs * 1000:6.0f} ms")
    print(f"ratio                      {found:6.2f}  [{low:.2f} {high:.2f}], limit {LIMIT}")
    return found > LIMIT


if __name__ == "__main__":
    sys.exit(main())
