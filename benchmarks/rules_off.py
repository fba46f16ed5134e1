"""Does each rule of docs/measurement.md have a test that fails without it? Switches them off, one at a time.

    python benchmarks/rules_off.py [RULE ...]

Works in a copy of this checkout. A line a rule: the change, and whether its tests failed as they should. Exit
status 1 if one of them passed, or if they do not all pass with every rule on.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PARTS = ("tpsprofile", "tests", "configs", "docs", "results", "notebooks", "pyproject.toml", "README.md")


class Switch(NamedTuple):
    """One way to switch a rule off."""

    rule: int
    file: str
    """Below ``tpsprofile/``."""
    on: str
    off: str
    test: str
    """Below ``tests/``: a file and, after ``::``, a name."""


SWITCHES = (
    Switch(1, "prompts.py", "{number * 791_917 % 1_000_000:06d}", "000000", "test_sweep.py::test_each_depth"),
    Switch(1, "records.py", "- (self.tokens_cached or 0)", "", "test_records.py::test_prefill_leaves"),
    Switch(1, "engines/llama/session.py", '"cache_prompt": request.reuse', '"cache_prompt": True', "test_llamacpp.py::test_the_beginning"),
    Switch(2, "bench.py", "context != asked", "False", "test_sweep.py::test_a_fault"),
    Switch(2, "engines/ollama/session.py", '"num_ctx": self._context_tokens,', "", "ollama/test_sessions.py::test_the_request"),
    Switch(3, "engines/ollama.py", "        self._clear(name)\n", "", "ollama/test_sessions.py::test_a_load_is_cold"),
    Switch(3, "bench.py", "load_later_s=self._load_later_s", "load_later_s=self._load_first_s", "test_sweep.py::test_one_load"),
    Switch(4, "engines/ollama/facts.py", "nanoseconds / 1e9 if nanoseconds else None", "(nanoseconds or 0) / 1e9", "ollama/test_sessions.py::test_absent"),
    Switch(5, "bench.py", "if got is None or got < wanted:", "if False:", "test_sweep.py::test_a_fault"),
    Switch(6, "engines/ollama/session.py", "len(set(recent)) == 1", "False", "ollama/test_sessions.py::test_the_guard"),
    Switch(6, "bench.py", "except RepeatedOutputError as error:", "except ZeroDivisionError as error:", "test_sweep.py::test_a_fault"),
    Switch(7, "engines/ollama/session.py", '"think": False', '"think": True', "ollama/test_sessions.py::test_the_request"),
    Switch(7, "engines/ollama/session.py", 'line.get("response")', 'line.get("response") or line.get("thinking")', "ollama/test_sessions.py::test_thinking"),
    Switch(8, "analysis/points.py", '    "speculative",\n]', "]", "test_analysis.py::test_speculative"),
    Switch(8, "trust.py", "_above(trial.tokens_drafted, 0)", "False", "test_trust.py::test_each_cause"),
    Switch(9, "engines/ollama.py", "if host := facts.remote_host(listed):", "if host := None:", "ollama/test_models.py::test_cloud"),
    Switch(9, "engines/ollama/facts.py", "digest=_digest(listed, shown)", "digest=None", "ollama/test_models.py::test_facts_come"),
    Switch(10, "machine/processes.py", "found.update(root.children(recursive=True))", "pass", "test_watch.py::test_the_whole_tree"),
    Switch(11, "trust.py", "vram < size", "False", "test_trust.py::test_each_cause"),
    Switch(12, "stats.py", "(a < b) - (a > b)", "0", "test_sweep.py::test_a_machine_that_slows"),
    Switch(12, "trust.py", '"battery" in {', '"gas" in {', "test_trust.py::test_each_cause"),
    Switch(12, "cool.py", "if slowed and longest_s > 0:", "if False:", "test_sweep.py::test_a_machine_that_slows"),
    Switch(13, "watch.py", "max(0.0, busy - start - engine_s", "0 * max(0.0, busy - start - engine_s", "test_watch.py::test_a_stranger"),
    Switch(13, "trust.py", "others / machine.cores_logical > OTHERS", "False", "test_trust.py::test_each_cause"),
    Switch(14, "analysis/points.py", '    "provenance",\n    "source",\n    "method",\n', "", "test_analysis.py::test_unlike_figures"),
    Switch(15, "analysis/points.py", '    "depth_tokens",\n', "", "test_analysis.py::test_unlike_figures"),
    Switch(16, "engines/ollama/facts.py", 'info.get("general.parameter_count")', "None", "ollama/test_models.py::test_facts_come"),
    Switch(16, "models/gguf_file.py", 'header.integer("general.parameter_count") or ', "", "models/test_gguf_file.py::test_the_files_own"),
    Switch(17, "records.py", "return (tokens - 1) / seconds", "return tokens / seconds", "test_records.py::test_decode_rate_counts"),
    Switch(18, "sweep.py", "        if obstacle is not None:\n", "        if False:\n", "test_sweep.py::test_what_does_not_fit"),
    Switch(19, "cases.py", "(stats.relative_half_width(rates) or 0.0) <= plan.precision", "True", "test_sweep.py::test_trials_are_repeated"),
    Switch(19, "trust.py", "if width > limit][:1]", "if False][:1]", "test_trust.py::test_each_spread"),
    Switch(19, "stats.py", "distance / scale > _FAR", "False", "test_stats.py::test_outliers_are_far"),
    Switch(20, "cli/screen.py", "        self._tokens, self._tokens_s = count, seconds\n", "        self._picture()\n", "test_observer.py::test_a_token"),
    Switch(20, "watch.py", "INTERVAL_S = 0.5", "INTERVAL_S = 0.001", "test_observer.py::test_between"),
    Switch(21, "trust.py", "rate * read > PHYSICS * max(known)", "False", "test_trust.py::test_each_cause"),
    Switch(22, "trust.py", "(FAST_SETS & set(machine.cpu_features)) - set(engine.cpu_features)", "set()", "test_trust.py::test_each_cause"),
    Switch(22, "engines/llama/embedded.py", 'cpu_features=cpu_features(answer["system"])', "cpu_features=None", "test_llamacpp.py::test_this_build"),
)  # fmt: skip


def main() -> int:
    """Switch them off in turn; exit status 1 where a test did not notice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rules", nargs="*", type=int, help="rules to switch off (default: all)")
    wanted = parser.parse_args().rules
    chosen = [one for one in SWITCHES if not wanted or one.rule in wanted]
    with tempfile.TemporaryDirectory() as folder:
        copy = _copy(Path(folder))
        if _fails(copy, sorted({one.test for one in chosen})):
            print("The tests do not pass with every rule on; mend that first.")
            return 1
        missed = [one for one in chosen if not _noticed(copy, one)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} switches were noticed")
    return 1 if missed else 0


def _copy(folder: Path) -> Path:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


def _noticed(copy: Path, switch: Switch) -> bool:
    file = copy / "tpsprofile" / switch.file
    before = file.read_text()
    if switch.on not in before:
        print(f"rule {switch.rule:2}  {switch.file}: {switch.on.strip()!r} is not there any more")
        return False
    file.write_text(before.replace(switch.on, switch.off))
    try:
        noticed = _fails(copy, [switch.test])
    finally:
        file.write_text(before)
    print(f"rule {switch.rule:2}  {'noticed' if noticed else 'MISSED '}  {switch.file}: {switch.test}", flush=True)
    return noticed


def _fails(copy: Path, tests: Sequence[str]) -> bool:
    """Whether the tests, given by the beginnings of their names, fail in the copy. ValueError where there are none."""
    files = sorted({f"tests/{test.partition('::')[0]}" for test in tests})
    names = " or ".join(sorted({test.partition("::")[2] for test in tests}))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files, "-k", names]
    done = subprocess.run(
        command, cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1}:
        raise ValueError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main())
