"""Another program in the way, for real: the embedded engine, real weights, and processes that burn processors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import Ear
from tpsprofile import machine, merge, sources, store, trust
from tpsprofile.analysis.points import summarise
from tpsprofile.engines import registry
from tpsprofile.machine import activity, conditions
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions
from tpsprofile.sweep import Host, Sweep, begin

BURN = """
import random, time
chance, end = random.Random(), time.monotonic() + 120
while time.monotonic() < end:
    until = time.monotonic() + chance.uniform(0.1, 0.6)
    while time.monotonic() < until:
        pass
    time.sleep(chance.uniform(0.1, 0.6))
"""
"""Works and rests at random, for two minutes at most."""


@contextmanager
def burners() -> Iterator[None]:
    """One a processor."""
    running = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def test_a_sweep_beside_a_burner_says_that_it_did_not_converge(tmp_path: Path, smollm2: Path) -> None:
    plan = SweepPlan(
        name="burner",
        models=(str(smollm2),),
        tokens_out=64,
        context_tokens=256,
        most_trials=5,
        loads=1,
        cooldown=0,
    )
    engine = registry.create("llama.cpp")
    info, here = engine.info(), machine.identify(bandwidth=False)
    file, _ = begin(plan, engine, info, here, Conditions(), out=tmp_path)
    found = sources.candidates(plan.models, engine, context_tokens=256, cache=tmp_path)
    host = Host(machine=here, engine=info, look=conditions.look, read=activity.read)
    with file, burners():
        Sweep(plan, engine, host=host, cache=tmp_path, keep=True, listen=Ear()).run(found, file)
    run = store.read(file.path)
    others = [row.during.others_cpu for row in run.trials]
    assert len(others) >= plan.trials
    (point,) = summarise(merge.table([run])).points
    assert point.grade in {trust.Grade.C, trust.Grade.D}, point.warnings
    assert trust.Warning.BUSY in point.warnings, others
    assert {trust.Warning.NOT_CONVERGED, trust.Warning.UNSTEADY, trust.Warning.ERRATIC} & set(point.warnings), (
        point.samples
    )
