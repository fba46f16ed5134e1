"""What does watching cost? A model decodes with everything on, and for a bare request, taking turns.

    python benchmarks/observer_cost.py [--rounds 10] [--tokens 256] [--model smollm2:135m] [--model llama3.2:1b]

With everything on the text is streamed, memory and the machine are watched, and a live table is drawn twice a
second on what passes for a terminal. The bare request is one POST that waits for its answer, to the same embedded
server. Prompt, tokens and seed are the same, so is the clock: the server's, from first token to last. By the
client's clock, too, the observed text must arrive no slower.

The figure is the median of each round's ratio, observed to bare, with a bootstrap interval of 95% over rounds; the
cost is what it lacks of 1. Exit status 1 if it costs more than 3% on SmolLM2 135M, which makes some 150 tok/s on a
desktop processor, or more than 1% on the twin of llama3.2:1b at some 20.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
from ratios import heading, in_turns, interval, ratio, row
from rich.console import Console
from serving import CONTEXT_TOKENS, LARGE, SMALL, model

from tpsprofile import prompts, sources
from tpsprofile.cli.screen import LiveScreen
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Finished, Request, Token, Weights
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.models import cache
from tpsprofile.models.gguf_file import read_facts
from tpsprofile.plan import SweepPlan
from tpsprofile.records import ModelFacts, Outcome, Trial, Workload
from tpsprofile.watch import MemoryWatch

LIMITS = {SMALL: 0.03, LARGE: 0.01}
"""Most that watching may cost, as a share of the rate."""
PAUSE_S = 0.5
"""Before each turn: threads that have nothing to do spin for some milliseconds."""
LINES = 8
"""Finished models in the table that is drawn."""


class Rates(NamedTuple):
    """Of one turn, in tok/s; a bare request has one clock only, the server's."""

    server: float
    client: float


def main() -> int:
    """Measure, print a table a model, and return the exit status."""
    asked = _arguments()
    engine = LlamaCpp(SystemClock())
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.model or LIMITS:
            path = model(name, Path(folder))
            weights = Weights(facts=read_facts(path), path=str(path))
            with engine.load(weights, context_tokens=CONTEXT_TOKENS, silence_s=600.0) as session:
                good &= _compare(name, engine, session, asked.rounds, asked.tokens)
    return 0 if good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="turns of each, on each model (default 10)")
    parser.add_argument("--tokens", type=int, default=256, help="tokens to generate in a turn (default 256)")
    parser.add_argument("--model", choices=LIMITS, action="append", help="only this one (default: both)")
    return parser.parse_args()


def _compare(name: str, engine: LlamaCpp, session: LlamaCppSession, rounds: int, tokens: int) -> bool:
    """Print the table of one model; whether the cost is within its limit by both clocks."""
    plan = SweepPlan(name="observer-cost", models=(name,), tokens_out=tokens)
    request = Request(prompt=prompts.text(plan.prompt, 1), tokens_out=tokens, seed=plan.seed)
    bare = partial(_bare, session.url, request)
    observed = partial(_observed, session, request, _screen(plan, engine), engine)
    bare(), observed()  # to warm up
    pairs = in_turns(rounds, bare, observed)
    print(f"{name}, {rounds} rounds, {tokens} tokens, at most {LIMITS[name]:.0%} may be lost")
    print(heading("bare", "observed"))
    costs = []
    for clock in ("server", "client"):
        one = [(first.server, getattr(second, clock)) for first, second in pairs]
        low, high = interval(one)
        costs.append(1 - ratio(one))
        print(
            f"{row(clock, one, 1 - LIMITS[name], 2.0)}, cost {costs[-1]:.2%} ({1 - high:.2%} to {1 - low:.2%})",
            flush=True,
        )
    return max(costs) <= LIMITS[name]


def _screen(plan: SweepPlan, engine: LlamaCpp) -> LiveScreen:
    """The live table of a sweep in full swing, drawn to nowhere."""
    nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (open until the program ends)
    console = Console(file=nowhere, force_terminal=True, width=100, height=40)
    found = sources.candidates(plan.models, engine, context_tokens=plan.context_tokens, cache=cache.folder())
    screen = LiveScreen(console, plan, found, ())
    for number in range(LINES):
        screen.recorded(_trial(f"model-{number}", plan))
    screen.model_started(found[0])
    return screen


def _trial(name: str, plan: SweepPlan) -> Trial:
    """A row for the table."""
    return Trial(
        model=ModelFacts(name=name, quantisation="Q8_0"),
        workload=Workload(
            prompt=plan.prompt,
            tokens_out=plan.tokens_out,
            context_tokens=plan.context_tokens,
            temperature=plan.temperature,
            seed=plan.seed,
        ),
        outcome=Outcome.OK,
        number=1,
        tokens_out=plan.tokens_out,
        ttft_s=1.0,
        load_first_s=1.0,
        decode_engine_s=20.0,
        decode_client_s=20.0,
    )


def _bare(url: str, request: Request) -> Rates:
    """One request, one answer."""
    time.sleep(PAUSE_S)
    body = {
        "prompt": request.prompt,
        "n_predict": request.tokens_out,
        "temperature": request.temperature,
        "seed": request.seed,
        "cache_prompt": False,
        "ignore_eos": True,
    }
    answer = httpx.post(f"{url}/completion", json=body, timeout=600.0, trust_env=False).raise_for_status()
    timings = answer.json()["timings"]
    assert timings["predicted_n"] == request.tokens_out
    rate = (timings["predicted_n"] - 1) / timings["predicted_ms"] * 1000
    return Rates(rate, rate)


def _observed(session: LlamaCppSession, request: Request, screen: LiveScreen, engine: LlamaCpp) -> Rates:
    """A trial as a sweep runs it: streamed, watched and shown."""
    time.sleep(PAUSE_S)
    clock, times, account = engine.clock, [], Finished()
    with MemoryWatch() as watch, screen.drawing():
        watch.attach(session.pids)
        watch.begin(clock)
        screen.trial_started(1, 3, None)
        for event in session.generate(request):
            if isinstance(event, Token):
                times.append(clock.monotonic())
                screen.token(len(times), times[-1] - times[0])
            else:
                account = event
        watch.end()
    assert account.tokens_out == request.tokens_out and account.decode_s
    steps = account.tokens_out - 1
    return Rates(steps / account.decode_s, steps / (times[-1] - times[0]))


if __name__ == "__main__":
    sys.exit(main())
