"""Do tpsprofile's rates agree with llama-bench's? Both on the same build and model, taking turns.

    python benchmarks/vs_llama_bench.py --build DIR [--rounds 10] [--model FILE.gguf ...] [--embedded | --null]

DIR is a build folder of llama.cpp, with llama-bench and llama-server in it. One llama-server a model is started
and idles while llama-bench runs; it is driven through the same session as the embedded engine. A turn of either is
a prompt of 512 tokens, then 128 steps of decoding from an empty context, each after a warm-up as llama-bench does
it: the whole prompt once, one token once. Threads, batches, flash attention and types are the same; loading from
a map of the file, repacking and the rest are left at the defaults, which the two programs share.

The figure is the median of each round's ratio, ours to llama-bench's, with a bootstrap interval of 95% over
rounds. Exit status 1 if a ratio lies outside 0.97 to 1.03. With --embedded ours is the embedded engine, which is
another build of llama.cpp: that ratio shows what the build costs, and is no reason to fail. With --null it is
llama-bench that is compared with itself: that shows the noise.
"""

from __future__ import annotations

import argparse
import bisect
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
from ratios import heading, in_turns, ratio, row
from serving import CONTEXT_TOKENS, LARGE, SMALL, model, program, run, serve

from tpsprofile import prompts
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Weights
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.models.gguf_file import read_facts

LOW, HIGH = 0.97, 1.03
PROMPT_TOKENS, STEPS = 512, 128
PAUSE_S = 1.0
"""Before each turn: threads that have nothing to do spin for some milliseconds, and heat spreads."""
BUSY = 0.01
"""Processors that the server may use while it idles."""


class Rates(NamedTuple):
    """Of one turn, in tok/s."""

    prefill: float
    decode: float


def main() -> int:
    """Measure, print a table a model, and return the exit status."""
    asked = _arguments()
    engine = LlamaCpp(SystemClock())
    threads = int(engine.options()["threads"] or 1)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for path in asked.model or (model(name, Path(folder)) for name in (SMALL, LARGE)):
            theirs = partial(_llama_bench, program(asked.build, "llama-bench"), path, threads)
            if asked.null:
                session = None
            elif asked.embedded:
                weights = Weights(facts=read_facts(path), path=str(path))
                session = engine.load(weights, context_tokens=CONTEXT_TOKENS, silence_s=600.0)
            else:
                session = serve(program(asked.build, "llama-server"), path)
            with session or nullcontext():
                good &= _compare(path.name, theirs, session, asked.rounds)
    return 0 if good or asked.embedded else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="folder of a llama.cpp build")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each, on each model (default 10)")
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        help=f"a GGUF file, again for more (default {SMALL}, {LARGE}'s twin)",
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--embedded", action="store_true", help="compare the embedded engine; never fails")
    other.add_argument("--null", action="store_true", help="compare llama-bench with itself")
    return parser.parse_args()


def _compare(name: str, theirs: Callable[[], Rates], session: LlamaCppSession | None, rounds: int) -> bool:
    """Print the table of one model; whether both ratios are within bounds."""
    if session is None:
        pairs, about = in_turns(rounds, theirs, theirs), "llama-bench twice"
    else:
        prompt = _prompt(session.url)
        idle = _Idle(session.pids[0])
        pairs = in_turns(rounds, partial(idle.during, theirs), partial(_ours, session, prompt))
        about = f"prompt of {run(session, prompt, 1).tokens_in} tokens, server {idle.most:.1%} busy while it idled"
        if idle.most > BUSY:
            about += ": TOO MUCH"
    print(f"{name}, {rounds} rounds, {about}")
    print(heading("llama-bench", "ours" if session else "again"))
    prefill = [(first.prefill, second.prefill) for first, second in pairs]
    decode = [(first.decode, second.decode) for first, second in pairs]
    print(row("prefill", prefill, LOW, HIGH), row("decode", decode, LOW, HIGH), sep="\n", flush=True)
    return all(LOW <= ratio(one) <= HIGH for one in (prefill, decode))


class _Idle:
    """Watches that a process idles while something else is measured."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.most = 0.0
        """Processors that it used, in the worst turn."""

    def during(self, work: Callable[[], Rates]) -> Rates:
        time.sleep(PAUSE_S)
        used, started = self._used(), time.perf_counter()
        found = work()
        self.most = max(self.most, (self._used() - used) / (time.perf_counter() - started))
        return found

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _llama_bench(program: Path, path: Path, threads: int) -> Rates:
    """One run, warm-ups included; its own clock."""
    time.sleep(PAUSE_S)
    command = [
        *(str(program), "-m", str(path), "-t", str(threads), "-p", str(PROMPT_TOKENS), "-n", str(STEPS)),
        *("-b", "2048", "-ub", "512", "-fa", "auto", "-r", "1", "-o", "json"),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seconds = {(test["n_prompt"], test["n_gen"]): test["avg_ns"] / 1e9 for test in json.loads(done.stdout)}
    return Rates(PROMPT_TOKENS / seconds[PROMPT_TOKENS, 0], STEPS / seconds[0, STEPS])


def _ours(session: LlamaCppSession, prompt: str) -> Rates:
    """The same work through tpsprofile's session, counted as ``records.Trial`` does; the server's clock."""
    time.sleep(PAUSE_S)
    run(session, prompt, 1)
    read = run(session, prompt, 1)
    run(session, "1", 2)
    written = run(session, "1", STEPS + 1)
    assert read.tokens_in and read.prefill_s and written.tokens_out and written.decode_s
    return Rates(read.tokens_in / read.prefill_s, (written.tokens_out - 1) / written.decode_s)


def _prompt(url: str) -> str:
    """A text of 512 tokens; of a few less if the vocabulary has no way to 512, but never of more."""

    def tokens(text: str) -> int:
        body = {"content": text, "add_special": True}
        answer = httpx.post(f"{url}/tokenize", json=body, timeout=30.0, trust_env=False)
        return len(answer.json()["tokens"])

    words = prompts.PROMPTS["csvs-to-sqlite"].split(" ") * 30
    count = bisect.bisect_right(range(len(words)), PROMPT_TOKENS, key=lambda n: tokens(" ".join(words[:n]))) - 1
    text = " ".join(words[:count])
    while tokens(text + " a") <= PROMPT_TOKENS:
        text += " a"
    return text


if __name__ == "__main__":
    sys.exit(main())
