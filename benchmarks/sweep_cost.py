"""What does a sweep to ±2% cost beside llama-bench's five fixed repetitions? Three sizes, taking turns.

    python benchmarks/sweep_cost.py --build DIR [--rounds 3] [--precision 0.02] [--burn]

``DIR`` is a build of llama.cpp. A round runs `llama-bench -p 512 -n 128 -r 5` on each model, and one sweep of the
same models with 128 tokens out. Prints wall time (loads, warm-ups and all), the ratio with its 95% interval, and
how narrow each model's interval became. ``--burn`` runs the sweep alone beside a process that keeps one processor
busy: it should say that it did not converge. Exit status 1 if a sweep takes longer, or if nothing is said beside a
burner.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import serving
from ratios import Round, interval, ratio

from tpsprofile import machine, merge, sources, store
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Point
from tpsprofile.clock import SystemClock
from tpsprofile.engines import registry
from tpsprofile.machine import activity, conditions
from tpsprofile.models import cache
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions
from tpsprofile.sweep import Host, Sweep, begin

MODELS = (serving.SMALL, "qwen2.5:0.5b", serving.LARGE)
BURN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Until this program ends, however it does."""


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="folder of a llama.cpp build")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs (default 3)")
    parser.add_argument("--precision", type=float, default=0.02, help="half-width to reach (default 0.02)")
    parser.add_argument("--burn", action="store_true", help="beside a process that keeps one processor busy")
    asked = parser.parse_args()
    bench = serving.program(asked.build, "llama-bench")
    with tempfile.TemporaryDirectory() as folder:
        paths = [serving.model(name, Path(folder)) for name in MODELS]
        if asked.burn:
            return _beside_a_burner(paths, Path(folder))
        rounds: list[Round] = []
        for number in range(asked.rounds):
            bench_s = _bench_s(bench, paths)
            sweep_s, points = _sweep(paths, Path(folder), precision=asked.precision)
            rounds.append((bench_s, sweep_s))
            print(
                f"round {number + 1}: llama-bench {bench_s:.0f} s, sweep {sweep_s:.0f} s: {_told(points)}",
                flush=True,
            )
    low, high = interval(rounds)
    times = [median(one[side] for one in rounds) for side in (0, 1)]
    told = f"ratio {ratio(rounds):.2f} ({low:.2f} to {high:.2f})"
    print(f"llama-bench {times[0]:.0f} s, sweep {times[1]:.0f} s; {told}")
    return 0 if ratio(rounds) < 1 else 1


def _bench_s(program: Path, paths: Sequence[Path]) -> float:
    threads = registry.create("llama.cpp").options()["threads"]
    clock = SystemClock()
    started = clock.monotonic()
    for path in paths:
        command = [str(program), "-m", str(path), "-p", "512", "-n", "128", "-r", "5", "-t", str(threads)]
        subprocess.run(command, check=True, capture_output=True)
    return clock.monotonic() - started


def _sweep(
    paths: Sequence[Path], folder: Path, *, tokens_out: int = 128, precision: float = 0.02
) -> tuple[float, Sequence[Point]]:
    """Seconds of a sweep of these files, and what it found."""
    names = tuple(map(str, paths))
    plan = SweepPlan(name="cost", models=names, tokens_out=tokens_out, precision=precision, stop_below=0)
    engine = registry.create("llama.cpp")
    info, here = engine.info(), machine.identify(bandwidth=False)
    host = Host(machine=here, engine=info, look=conditions.look, read=activity.read)
    found = sources.candidates(plan.models, engine, context_tokens=plan.context_tokens, cache=cache.folder())
    started = engine.clock.monotonic()
    file, _ = begin(plan, engine, info, here, Conditions(), out=folder)
    with file:
        Sweep(plan, engine, host=host, cache=folder, keep=True, listen=_silence()).run(found, file)
    seconds = engine.clock.monotonic() - started
    return seconds, summarise(merge.table([store.read(file.path)])).points


def _beside_a_burner(paths: Sequence[Path], folder: Path) -> int:
    burner = subprocess.Popen([sys.executable, "-c", BURN])
    try:
        seconds, points = _sweep(paths, folder, tokens_out=32)
    finally:
        burner.kill()
        burner.wait()
    print(f"beside a burner, {seconds:.0f} s: {_told(points)}")
    return 0 if all({"not converged", "unsteady", "erratic"} & set(point.warnings) for point in points) else 1


def _told(points: Sequence[Point]) -> str:
    return "; ".join(
        f"{point.model} {point.decode.median:.1f} tok/s ±{_width(point):.1%} of {point.decode.n}"
        f" [{point.grade}{''.join(f', {warning}' for warning in point.warnings)}]"
        for point in points
        if point.decode
    )


def _width(point: Point) -> float:
    if point.interval is None or point.decode is None:
        return float("inf")
    return (point.interval.high - point.interval.low) / 2 / point.decode.median


class Silence:
    """A listener that shows nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: None


def _silence() -> Any:
    return Silence()


if __name__ == "__main__":
    sys.exit(main())
