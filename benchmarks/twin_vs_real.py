"""Does a synthetic twin run at the real model's speed? SmolLM2 135M against its twin, taking turns.

    python benchmarks/twin_vs_real.py [--rounds 10] [--tokens 256] [--model FILE.gguf]

Both models are loaded at once, each in an embedded server of its own. A round runs both, and each round the other
one goes first, so that whatever drifts drifts for both. The figure is the median of each round's ratio, twin to
real, with a bootstrap interval of 95% over rounds. Exit status 1 if decode or prefill lies outside 0.97 to 1.03.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from ratios import Round, interval, ratio

from tpsprofile import prompts
from tpsprofile.engines import registry
from tpsprofile.engines.base import Engine, Finished, Request, Session, Weights
from tpsprofile.models import cache, packaged, recipes, synthetic
from tpsprofile.models.gguf_file import read_facts

LOW, HIGH = 0.97, 1.03
CONTEXT_TOKENS = 4096
PREFILL_REPEATS = 8
"""The fixed prompt is repeated so often: prefill of 50 tokens is over too soon to be timed to a per cent."""


def main() -> int:
    """Measure, print a table, and return the exit status."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as loaded:
        real = asked.model or packaged.prepare(cache.folder(), _quiet)
        twin = Path(folder) / "twin.gguf"
        synthetic.write(recipes.twin_of(real), twin, _quiet)
        engine = registry.create("llama.cpp")
        sessions = [loaded.enter_context(_load(engine, path)) for path in (real, twin)]
        decode, prefill = _rounds(sessions, asked.rounds, asked.tokens)
    print(f"{real.name} and its twin, {asked.rounds} rounds, {asked.tokens} tokens")
    print(f"{'':8}{'real tok/s':>12}{'twin tok/s':>12}{'twin/real':>11}   95% interval")
    ratios = [_row("decode", decode), _row("prefill", prefill)]
    return 0 if all(LOW <= ratio <= HIGH for ratio in ratios) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often each model runs (default 10)")
    parser.add_argument("--tokens", type=int, default=256, help="tokens to generate each time (default 256)")
    parser.add_argument("--model", type=Path, help="another GGUF file than SmolLM2's")
    return parser.parse_args()


def _load(engine: Engine, path: Path) -> Session:
    weights = Weights(facts=read_facts(path), path=str(path))
    return engine.load(weights, context_tokens=CONTEXT_TOKENS, silence_s=600.0)


def _rounds(sessions: Sequence[Session], rounds: int, tokens: int) -> tuple[list[Round], list[Round]]:
    """Decode and prefill rates; the first round, a warm-up, is left out."""
    decode: list[Round] = []
    prefill: list[Round] = []
    for number in range(rounds + 1):
        rates = [(0.0, 0.0), (0.0, 0.0)]
        for index in (0, 1) if number % 2 else (1, 0):
            rates[index] = _decode(sessions[index], number, tokens), _prefill(sessions[index], number)
        if number:
            decode.append((rates[0][0], rates[1][0]))
            prefill.append((rates[0][1], rates[1][1]))
    return decode, prefill


def _decode(session: Session, number: int, tokens: int) -> float:
    done = _run(session, prompts.text("csvs-to-sqlite", number), tokens)
    assert done.tokens_out is not None
    assert done.decode_s
    return (done.tokens_out - 1) / done.decode_s


def _prefill(session: Session, number: int) -> float:
    done = _run(session, prompts.text("csvs-to-sqlite", number) * PREFILL_REPEATS, 2)
    assert done.tokens_in is not None
    assert done.prefill_s
    return (done.tokens_in - (done.tokens_cached or 0)) / done.prefill_s


def _run(session: Session, prompt: str, tokens: int) -> Finished:
    *_, last = session.generate(Request(prompt=prompt, tokens_out=tokens))
    assert isinstance(last, Finished)
    return last


def _row(name: str, rounds: Sequence[Round]) -> float:
    found, (low, high) = ratio(rounds), interval(rounds)
    real, twin = (median(one[index] for one in rounds) for index in (0, 1))
    print(f"{name:8}{real:12.1f}{twin:12.1f}{found:11.3f}   {low:.3f} to {high:.3f}")
    return found


def _quiet(_what: str, _done: int, _total: int | None) -> None:
    """A progress callback that says nothing."""


if __name__ == "__main__":
    sys.exit(main())
