"""Does a figure depend on the way to llama.cpp? One model, one machine, three ways, taking turns.

    python benchmarks/three_ways.py [--server PATH] [--rounds 20] [--tokens 128] [--model FILE.gguf ...]

The ways are the embedded engine; a llama-server of the user's own, which PATH names, as a managed engine; and that
same process through its OpenAI route. All get the same prompt, of which nothing is cached, and go on past the end
of text. Without PATH the second way is the wheel's own server in a second process: the same build by construction,
so that what differs is the way alone. With it, the first ratio shows what the build is worth.

In each round every way has one turn, in an order drawn by chance. A row is the median of each round's own ratio,
with a bootstrap interval of 95% over rounds: by the engine's clock; by the client's, from the first chunk to the
last; and by the processor time that the server used for all of the turn, which other programs disturb least, as
long as the engine has one thread and no other to wait for (``taskset -c 0 python benchmarks/three_ways.py``). Exit
status 1 if the OpenAI route lies outside 0.98 to 1.02 of the managed one, or the managed one
outside that of the embedded where both are the same build.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil
from ratios import heading, ratio, row
from serving import CONTEXT_TOKENS, LARGE, SMALL, model, serve, weights_of

from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Finished, Request, Session, Setup
from tpsprofile.engines.llama.embedded import LlamaCpp
from tpsprofile.engines.llama.session import LlamaCppSession
from tpsprofile.engines.openai.engine import OpenAI

LOW, HIGH = 0.98, 1.02
PAUSE_S = 0.5
"""Before each turn: threads that have nothing to do spin for some milliseconds."""
EMBEDDED, MANAGED, ROUTE = "embedded", "managed", "openai"
PAIRS = ((EMBEDDED, MANAGED), (MANAGED, ROUTE), (EMBEDDED, ROUTE))


class Rates(NamedTuple):
    """Decode of one turn, in tok/s."""

    engine: float
    """By the server's clock."""
    client: float
    """By this process's clock, from the first chunk to the last."""
    processor: float
    """Tokens a second of the server's processor time, prompt and all."""


class Way:
    """A session, and the process that does the work."""

    def __init__(self, session: Session, pid: int | None = None) -> None:
        self.session = session
        self._process = psutil.Process(pid or session.pids[0])

    def processor_s(self) -> float:
        """Processor time that the server has used so far, in seconds."""
        times = self._process.cpu_times()
        return float(times.user + times.system)


def main() -> int:
    """Measure, print a table a model, and return the exit status."""
    asked = _arguments()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for path in asked.model or (model(name, Path(folder)) for name in (SMALL, LARGE)):
            with ExitStack() as running:
                embedded, managed = (running.enter_context(one) for one in _servers(path, asked.server))
                route = running.enter_context(_through_openai(managed))
                ways = {EMBEDDED: Way(embedded), MANAGED: Way(managed), ROUTE: Way(route, managed.pids[0])}
                rounds = _measured(ways, asked.rounds, asked.tokens)
            good &= _told(path.name, rounds, same_build=asked.server is None)
    return 0 if good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--server", type=Path, help="a llama-server (default: the wheel's own, once more)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each way, on each model (default 20)")
    parser.add_argument("--tokens", type=int, default=128, help="steps of decoding in a turn (default 128)")
    parser.add_argument("--model", type=Path, action="append", help="a GGUF file, again for more")
    return parser.parse_args()


def _servers(path: Path, server: Path | None) -> tuple[LlamaCppSession, LlamaCppSession]:
    wheel, weights = LlamaCpp(SystemClock()), weights_of(path)
    embedded = wheel.load(weights, context_tokens=CONTEXT_TOKENS, silence_s=600.0)
    try:
        if server is not None:
            return embedded, serve(server, path)
        return embedded, wheel.load(weights, context_tokens=CONTEXT_TOKENS, silence_s=600.0)
    except BaseException:
        with embedded:
            raise


def _through_openai(managed: LlamaCppSession) -> Session:
    engine = OpenAI(SystemClock(), Setup(server=managed.url))
    engine.info()
    (only,) = engine.models()
    return engine.load(only, context_tokens=CONTEXT_TOKENS, silence_s=600.0)


def _measured(ways: dict[str, Way], rounds: int, tokens: int) -> list[dict[str, Rates]]:
    chance = random.Random(0)
    for way in ways.values():
        _turn(way, "0", tokens)
    found = []
    for number in range(1, rounds + 1):
        order = chance.sample(sorted(ways), len(ways))
        found.append({name: _turn(ways[name], f"{number} {place}", tokens) for place, name in enumerate(order)})
    return found


def _turn(way: Way, nonce: str, tokens: int) -> Rates:
    time.sleep(PAUSE_S)
    arrivals: list[float] = []
    account, used = None, way.processor_s()
    for event in way.session.generate(Request(prompt=f"{nonce}\nOnce upon a time", tokens_out=tokens + 1)):
        arrivals.append(time.perf_counter())
        account = event
    assert isinstance(account, Finished)
    assert (account.tokens_cached, account.tokens_out) == (0, tokens + 1), account
    assert account.decode_s
    used = way.processor_s() - used
    return Rates(tokens / account.decode_s, tokens / (arrivals[-2] - arrivals[0]), tokens / used)


def _told(name: str, rounds: list[dict[str, Rates]], *, same_build: bool) -> bool:
    """Print the table of one model; whether what is the same build agrees."""
    print(f"{name}, {len(rounds)} rounds, {'one build' if same_build else 'a build of its own'}", flush=True)
    good = True
    for first, second in PAIRS:
        print(heading(first, second))
        for clock in Rates._fields:
            turns = [(getattr(one[first], clock), getattr(one[second], clock)) for one in rounds]
            print(row(clock, turns, LOW, HIGH), flush=True)
            if same_build or (first, second) == (MANAGED, ROUTE):
                good &= LOW <= ratio(turns) <= HIGH
    return good


if __name__ == "__main__":
    sys.exit(main())
