"""Sudden death, of the profiler and of the engine, at many moments: nothing measured is lost, nothing is left."""

from __future__ import annotations

import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.llama_server import REAL, replaying
from tests.support import Ear
from tpsprofile import sources, store
from tpsprofile.engines import registry
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, Machine, Outcome
from tpsprofile.store import ResultsFile
from tpsprofile.sweep import Host, Sweep, begin

MOMENTS = 20
TRIALS = 16


def plan_file(folder: Path) -> Path:
    path = folder / "kill.yaml"
    path.write_text(
        "models: [x]\ntokens_out: 64\ncontext_tokens: 512\nloads: 2\nstop_below: 0\ncooldown: 0\n"
        f"trials: {TRIALS}\nmost_trials: {TRIALS}\n"
    )
    return path


def start(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tpsprofile", "sweep", "--no-chart", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_to_its_end(arguments: list[str]) -> None:
    sweep = start(arguments)
    output, _ = sweep.communicate(timeout=300)
    assert sweep.returncode == 0, output


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=10)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def until_its_moment(sweep: subprocess.Popen[str], chance: random.Random) -> list[str]:
    """Wait for a random moment: in start-up, in loading, or shortly after some trial. The lines so far."""
    assert sweep.stdout is not None
    lines: list[str] = []
    trials = chance.choice([0, 1, 1, 2, 3])
    while sum(": trial " in line for line in lines) < trials:
        line = sweep.stdout.readline()
        if not line:
            break
        lines.append(line)
    time.sleep(chance.uniform(0.0, 0.4) if trials else chance.uniform(0.0, 3.0))
    return lines


def test_killing_the_profiler_loses_no_trial_and_leaves_no_process(
    tmp_path: Path, tiny_models: tuple[Path, Path]
) -> None:
    """One sweep, killed and resumed 20 times at random moments, from start-up to the last trial."""
    chance = random.Random(20)
    models = [argument for path in tiny_models for argument in ("--model", str(path))]
    results = tmp_path / "results"
    results.mkdir()
    fresh = [str(plan_file(tmp_path)), *models, "--out", str(results)]
    told: set[str] = set()
    cut_short = 0
    for _ in range(MOMENTS):
        sweep = start(["--resume", str(store.find([results])[0]), *models] if store.find([results]) else fresh)
        lines = until_its_moment(sweep, chance)
        children = psutil.Process(sweep.pid).children(recursive=True) if sweep.poll() is None else []
        cut_short += sweep.poll() is None
        sweep.kill()
        lines += sweep.communicate()[0].splitlines()
        told |= {line.rsplit(":", 1)[0] for line in lines if ": trial " in line}
        assert gone(children), "an engine outlived the profiler"
        kept = {
            f"{row.model.name}: trial {row.number}" for f in store.find([results]) for row in store.read(f).trials
        }
        assert told <= kept, "a trial that was told as finished is lost"
    assert cut_short >= MOMENTS // 2, "the kills came too late to prove anything"

    (file,) = store.find([results])
    run_to_its_end(["--resume", str(file), *models])
    rows = [(row.model.name, row.number, row.outcome) for row in store.read(file).trials]
    names = [path.stem for path in tiny_models]
    assert rows == [(name, number, Outcome.OK) for name in names for number in range(1, TRIALS + 1)]


class Assassin(Ear):
    """Kills the first model's engine at a moment drawn by chance: while it loads, or at some token."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._loads_left = chance.choice([1, 2, 0])
        self._wait_s = chance.uniform(0.0, 0.25)
        self._tokens_left = chance.randrange(1, 2 * 64)
        self._by_load = chance.random() < 0.4
        self.killed = False

    def loading(self) -> None:
        if self._by_load and not self.killed:
            self._loads_left -= 1
            if self._loads_left <= 0:
                threading.Timer(self._wait_s, self.strike).start()
                self._by_load = False

    def token(self, count: int, seconds: float) -> None:
        if not self._by_load and not self.killed:
            self._tokens_left -= 1
            if self._tokens_left <= 0:
                self.strike()

    def strike(self) -> None:
        if self.killed or self.finished:
            return
        for child in psutil.Process().children():
            if "tpsprofile.engines.llama.child" in child.cmdline():
                child.send_signal(signal.SIGKILL)
                self.killed = True


def test_killing_the_engine_is_an_outcome_and_the_sweep_goes_on(
    tmp_path: Path, tiny_models: tuple[Path, Path]
) -> None:
    chance = random.Random(4)
    deaths = 0
    for moment in range(MOMENTS):
        plan = SweepPlan(
            name="kill",
            models=tuple(map(str, tiny_models)),
            tokens_out=64,
            context_tokens=512,
            trials=3,
            most_trials=3,
            loads=2,
            stop_below=0,
            cooldown=0,
        )
        engine = registry.create("llama.cpp")
        file, _ = begin(
            plan, engine, engine.info(), Machine(id="m", chip="c"), Conditions(), out=tmp_path / str(moment)
        )
        found = sources.candidates(plan.models, engine, context_tokens=512, cache=tmp_path)
        ear = Assassin(chance)
        host = Host(machine=Machine(id="m", chip="c"), engine=engine.info())
        with file:
            Sweep(plan, engine, host=host, cache=tmp_path, keep=True, listen=ear).run(found, file)
        rows = store.read(file.path).trials
        first = [row for row in rows if row.model.name == tiny_models[0].stem]
        second = [row for row in rows if row.model.name == tiny_models[1].stem]
        assert [row.outcome for row in second] == [Outcome.OK] * 3, "the sweep did not go on"
        if [row.outcome for row in first] != [Outcome.OK] * 3:  # else it struck after the last answer was sent
            deaths += 1
            assert ear.killed
            assert first[-1].outcome is Outcome.ENGINE_DIED, first[-1]
            assert "signal 9" in (first[-1].reason or "")
            assert all(row.outcome is Outcome.OK for row in first[:-1])
    assert deaths >= MOMENTS * 3 // 4, "the kills came too late to prove anything"


SERVED = """
import sys
from tpsprofile.engines import registry
from tpsprofile.engines.base import Request, Setup, Weights
from tpsprofile.records import ModelFacts
engine = registry.create("llama-server", setup=Setup(server=sys.argv[1]))
weights = Weights(facts=ModelFacts(name="m"), path=sys.argv[2])
print("ready", flush=True)
while True:
    with engine.load(weights, context_tokens=512, silence_s=60) as session:
        print(session.pids[0], flush=True)
        for _ in session.generate(Request(prompt="hello", tokens_out=32)):
            pass
"""


@pytest.mark.parametrize("kind", ["recorded", *(["real"] if REAL else [])])
def test_killing_the_profiler_leaves_no_server_of_the_users_own(
    kind: str, tmp_path: Path, tiny_models: tuple[Path, Path]
) -> None:
    """Killed 5 times at random moments: while the server starts, loads, answers, and ends."""
    chance = random.Random(5)
    server = str(REAL if kind == "real" else replaying(tmp_path, "--pace", "0.005"))
    seen = 0
    for _ in range(5):
        command = [sys.executable, "-c", SERVED, server, str(tiny_models[0])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as profiler:
            assert profiler.stdout is not None
            assert profiler.stdout.readline() == "ready\n"
            if chance.random() < 0.5:
                profiler.stdout.readline()
            time.sleep(chance.uniform(0.0, 1.0))
            children = psutil.Process(profiler.pid).children(recursive=True)
            profiler.kill()
        seen += bool(children)
        assert gone(children), "a server outlived the profiler"
    assert seen >= 3, "the kills came too late to prove anything"


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="needs Unix signals")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_is_measured_and_says_how_to_go_on(
    tmp_path: Path, tiny_models: tuple[Path, Path], asked: signal.Signals
) -> None:
    # Whoever runs the tests in the background may have had Ctrl-C ignored, which children would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    models = ["--model", str(tiny_models[0])]
    sweep = start([str(plan_file(tmp_path)), *models, "--out", str(tmp_path / "results")])
    assert sweep.stdout is not None
    for line in sweep.stdout:
        if "trial 2" in line:
            break
    children = psutil.Process(sweep.pid).children(recursive=True)
    sweep.send_signal(asked)
    rest, _ = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    (file,) = store.find([tmp_path / "results"])
    kept = len(store.read(file).trials)
    assert 2 <= kept < TRIALS
    assert f"Stopped. {kept} rows are kept" in rest
    assert f"tpsprofile sweep --resume {file} {shlex.join(models)}" in rest
    assert gone(children)


def test_resuming_twice_finds_nothing_left_to_do(tmp_path: Path, tiny_models: tuple[Path, Path]) -> None:
    models = ["--model", str(tiny_models[0])]
    run_to_its_end([str(plan_file(tmp_path)), *models, "--out", str(tmp_path / "results")])
    (file,) = store.find([tmp_path / "results"])
    before = file.read_bytes()
    with ResultsFile.resume(file)[1]:
        pass
    run_to_its_end(["--resume", str(file), *models])
    assert file.read_bytes() == before
