"""How long a merge of ten thousand results files takes beside DuckDB, which reads and groups the same files.

Both begin as fresh processes, in turns. DuckDB reads the columns that its question needs with `read_json` and
groups trials by machine and model: count and median rate. tpsprofile reads every column, checks every value,
counts each run once and makes its whole summary. Time may be at most 3 times DuckDB's, and memory at most 1 GB.

python benchmarks/merge_million.py [--files 10000] [--trials 100] [--machines 1000] [--rounds 3] [--folder FOLDER]

The files (1.7 kB a trial) are written into a temporary folder, below FOLDER if one is named, and deleted. A child
process prints what it found and its own peak of memory.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from ratios import in_turns, interval, ratio

from tpsprofile import schema, store
from tpsprofile.records import Conditions, During, Run, RunHeader, Trial

LIMIT = 3.0
MOST_BYTES = 1e9
TRIAL_BYTES = 2_000
SAMPLE = Path(__file__).parents[1] / "results" / "amd-epyc-2-cores-24-gb"

THEIRS = """
import json, resource, sys, duckdb
files = sys.argv[1] + "/*.jsonl"
db = duckdb.connect()
db.execute("SET enable_progress_bar = false")
db.sql(f'''CREATE TEMP TABLE rows AS
    SELECT filename, record, machine.id AS machine, model.name AS model, (tokens_out - 1) / decode_engine_s AS rate
    FROM read_json('{files}', format='newline_delimited', filename=true)''')
found = db.sql('''SELECT run.machine, trial.model, count(*), median(trial.rate)
    FROM rows AS trial JOIN rows AS run USING (filename)
    WHERE trial.record = 'trial' AND run.record = 'run' GROUP BY ALL''').fetchall()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"groups": len(found), "rows": sum(row[2] for row in found), "peak": peak}))
"""
OURS = """
import json, pathlib, resource, sys
from tpsprofile import merge
from tpsprofile.analysis.points import summarise
found = merge.gather([pathlib.Path(sys.argv[1])])
summary = summarise(found.table)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert not found.errors, found.errors[0]
print(json.dumps({"groups": len(summary.points) + len(summary.absent), "rows": len(found.table), "peak": peak}))
"""


class Found(NamedTuple):
    """What one process took, and what it found."""

    seconds: float
    peak_bytes: float
    rows: int
    groups: int


def main() -> int:
    """Write the files, run both in turns, print, and fail above a limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=100, help="trials a file")
    parser.add_argument("--machines", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the temporary folder goes")
    asked = parser.parse_args()
    needed = asked.files * asked.trials * TRIAL_BYTES
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        if shutil.disk_usage(folder).free < 2 * needed:
            sys.exit(
                f"This needs {needed / 1e9:.1f} GB on the disk: name another --folder, or ask for fewer --files."
            )
        write(Path(folder), files=asked.files, trials=asked.trials, machines=asked.machines)
        rounds = in_turns(asked.rounds, lambda: measured(THEIRS, folder), lambda: measured(OURS, folder))
    return told(rounds)


def write(folder: Path, *, files: int, trials: int, machines: int) -> None:
    """Results files like the shipped one, each of another run, every trial with figures of its own."""
    chance = random.Random(0)
    sample = store.read(next(SAMPLE.glob("*.jsonl")))
    for number in range(files):
        header = _header(sample, number, machines)
        lines = [schema.encode(header)]
        lines += [schema.encode(_trial(sample, header, chance, row)) for row in range(trials)]
        (folder / f"{number:06}.jsonl").write_bytes(b"".join(lines))


def measured(program: str, folder: str) -> Found:
    """One program in a fresh process."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program, folder], check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - began
    found = json.loads(done.stdout)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes there, and KiB elsewhere
    return Found(seconds, found["peak"] * unit, found["rows"], found["groups"])


def told(rounds: Sequence[tuple[Found, Found]]) -> int:
    """Print a table of both, and the ratio; 1 where a limit is not kept."""
    print(f"{'':14}{'rows':>10}{'groups':>9}{'fastest':>10}{'slowest':>10}{'peak memory':>14}")
    for name, index in (("DuckDB", 0), ("tpsprofile", 1)):
        runs = [one[index] for one in rounds]
        seconds = sorted(run.seconds for run in runs)
        peak = max(run.peak_bytes for run in runs)
        print(
            f"{name:14}{runs[0].rows:10,}{runs[0].groups:9,}{seconds[0]:8.1f} s{seconds[-1]:8.1f} s"
            f"{peak / 1e6:11.0f} MB"
        )
    times = [(theirs.seconds, ours.seconds) for theirs, ours in rounds]
    low, high = interval(times)
    peak = max(ours.peak_bytes for _, ours in rounds)
    each = ", ".join(f"{ours / theirs:.2f}" for theirs, ours in times)
    print(f"ratio {ratio(times):.2f} [{low:.2f} {high:.2f}], limit {LIMIT}; round by round {each}")
    return int(ratio(times) > LIMIT or peak > MOST_BYTES)


def _header(sample: Run, number: int, machines: int) -> RunHeader:
    mine = number % machines
    machine = msgspec.structs.replace(sample.header.machine, id=f"{mine:012x}", tag=None, chip=f"Chip {mine % 40}")
    began = sample.header.started_at and sample.header.started_at + timedelta(minutes=number)
    return msgspec.structs.replace(sample.header, run=f"{number:012x}", machine=machine, started_at=began)


def _trial(sample: Run, header: RunHeader, chance: random.Random, row: int) -> Trial:
    one = sample.trials[row % len(sample.trials)]
    seconds = one.decode_engine_s and one.decode_engine_s * chance.uniform(0.95, 1.05)
    return msgspec.structs.replace(
        one,
        number=row // len(sample.trials) + 1,
        started_at=header.started_at and header.started_at + timedelta(seconds=row),
        nonce=f"{chance.randrange(10**6)}\n",
        decode_engine_s=seconds,
        decode_client_s=seconds,
        before=Conditions(load_1m=chance.random(), cpu_busy=chance.random() / 10, available_bytes=20 * 10**9),
        during=During(others_cpu=chance.random() / 5, cpu_mhz=chance.uniform(2000, 3000), swapped_bytes=0),
        warnings=("busy",) if chance.random() < 0.1 else (),
    )


if __name__ == "__main__":
    sys.exit(main())
