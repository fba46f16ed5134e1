"""Does the bandwidth that tpsprofile measures agree with STREAM's TRIAD in C? Both taking turns.

    python benchmarks/vs_stream.py [--rounds 10] [--threads N]

Compiles triad.c, which is beside this file, with cc -O3 -march=native -fopenmp. It works on arrays as large as
tpsprofile's, or four times the last cache each where that is more, on as many threads, for as many seconds. The
figure is the median of each round's ratio, tpsprofile's to TRIAD's, with a bootstrap interval of 95% over rounds.
Exit status 1 if it lies outside 0.85 to 1.15.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import psutil
from ratios import heading, in_turns, ratio, row

from tpsprofile.machine import bandwidth
from tpsprofile.machine.portable import available_bytes

LOW, HIGH = 0.85, 1.15
SECONDS = 1.0
CACHES = 4
"""Each array is at least so many times the last cache."""
GB = 1e9


def main() -> int:
    """Compile, measure, print, and return the exit status."""
    asked = _arguments()
    total = bandwidth.array_bytes(available_bytes())
    if total is None:
        sys.exit("There is too little memory to measure its bandwidth.")
    cache = _last_cache_bytes()
    each = max(total // 3, CACHES * cache)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "triad"
        source = Path(__file__).with_name("triad.c")
        subprocess.run(["cc", "-O3", "-march=native", "-fopenmp", str(source), "-o", str(program)], check=True)
        rounds = in_turns(
            asked.rounds, partial(_triad, program, each // 8, asked.threads), partial(_ours, asked.threads)
        )
    print(f"{asked.rounds} rounds, {asked.threads} threads, last cache {cache >> 20} MiB")
    print(f"arrays of {each >> 20} MiB each in C, {total // 3 >> 20} MiB in tpsprofile")
    print(heading("TRIAD", "tpsprofile", "GB/s"))
    print(row("bandwidth", rounds, LOW, HIGH))
    return 0 if LOW <= ratio(rounds) <= HIGH else 1


def _arguments() -> argparse.Namespace:
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="turns of each (default 10)")
    parser.add_argument("--threads", type=int, default=cores, help=f"default {cores}, the physical cores")
    return parser.parse_args()


def _triad(program: Path, elements: int, threads: int) -> float:
    """GB/s of the C program."""
    command = [str(program), str(elements), str(SECONDS)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    return float(subprocess.run(command, check=True, capture_output=True, env=environment).stdout) / GB


def _ours(threads: int) -> float:
    """GB/s of tpsprofile."""
    found = bandwidth.measure(threads=threads, seconds=SECONDS)
    assert found is not None
    return found / GB


def _last_cache_bytes() -> int:
    """The largest cache that the first processor has, as Linux or macOS tell; 0 where they do not."""
    sizes = [path.read_text().strip() for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")]
    if sys.platform == "darwin":
        answer = subprocess.run(["sysctl", "-n", "hw.l2cachesize"], capture_output=True, text=True, check=False)
        sizes = [f"{int(answer.stdout or 0) >> 10}K"]
    return max((int(size.removesuffix("K")) << 10 for size in sizes), default=0)


if __name__ == "__main__":
    sys.exit(main())
