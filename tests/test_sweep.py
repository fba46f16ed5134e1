"""The sweep on the fake engine: every decision, every outcome, and what resuming repeats (nothing)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import WHEN, Ear, outcomes, trial
from tpsprofile import cases, sources, stats, store, trust
from tpsprofile.climb import Climb
from tpsprofile.deadline import Deadline
from tpsprofile.engines import registry
from tpsprofile.engines.base import Engine, Event, LoadedFacts, Request, Weights
from tpsprofile.engines.fake import FakeEngine, FakeSession, Fault, VirtualClock
from tpsprofile.errors import EngineDiedError, EngineError, ProfileError, ResultsError
from tpsprofile.plan import SweepPlan
from tpsprofile.records import Conditions, Machine, ModelFacts, Outcome, Run, RunHeader, Trial
from tpsprofile.store import ResultsFile
from tpsprofile.sweep import Host, Sweep, begin, check_resumable, without_private_names

LADDER = ("qwen2.5:0.5b", "llama3.2:1b", "llama3.2:3b", "llama3.1:8b", "qwen2.5-coder:32b", "qwen2.5:72b")
MACHINE = Machine(id="m1", chip="Test Chip", ram_bytes=128 * 1024**3)


def plan(**changes: object) -> SweepPlan:
    fields: dict[str, object] = {
        "name": "test",
        "engine": "fake",
        "models": LADDER,
        "tokens_out": 16,
        "stop_below": 0,
    }
    return SweepPlan(**fields | changes)  # type: ignore[arg-type]


def engine(**changes: object) -> FakeEngine:
    return FakeEngine(VirtualClock(WHEN), **changes)  # type: ignore[arg-type]


def begun(the_plan: SweepPlan, out: Path) -> tuple[ResultsFile, RunHeader]:
    return begin(the_plan, engine(), engine().info(), MACHINE, Conditions(), out=out)


def swept(
    tmp_path: Path,
    the_plan: SweepPlan,
    the_engine: Engine,
    *,
    usable: int | None = None,
    ear: Ear | None = None,
    prior: Sequence[Trial] = (),
    file: ResultsFile | None = None,
) -> Run:
    ear = ear or Ear()
    host = Host(machine=MACHINE, engine=the_engine.info(), usable_bytes=lambda: usable)
    if file is None:
        file, _ = begin(the_plan, the_engine, the_engine.info(), MACHINE, Conditions(), out=tmp_path)
    found = sources.candidates(
        the_plan.models, the_engine, context_tokens=the_plan.context_tokens, cache=tmp_path / "cache"
    )
    with file:
        Sweep(the_plan, the_engine, host=host, cache=tmp_path / "cache", keep=False, listen=ear).run(
            found, file, prior
        )
    return store.read(file.path)


def test_a_sweep_records_every_trial_from_small_to_large(tmp_path: Path) -> None:
    ear = Ear()
    run = swept(tmp_path, plan(models=tuple(reversed(LADDER))), engine(), ear=ear)
    assert outcomes(run.trials) == [(name, Outcome.OK) for name in LADDER for _ in range(3)]
    assert ear.started == ear.finished == list(LADDER)
    assert ear.rows == list(run.trials)
    rates = [trial.decode_tok_s or 0 for trial in run.trials]
    assert rates[0] > rates[5] > rates[-1] > 0


def test_figures_are_those_of_the_engine(tmp_path: Path) -> None:
    the_engine = engine(bandwidth_bytes_s=100e9, overhead_s=0.01)
    run = swept(tmp_path, plan(models=("llama3.2:1b",)), the_engine)
    first, _, last = run.trials
    size = first.model.file_bytes or 0
    step = 0.01 + size / 100e9
    assert last.decode_engine_tok_s == pytest.approx(1 / step) == pytest.approx(last.decode_client_tok_s)
    assert first.load_first_s == first.load_later_s == pytest.approx(size / 2e9)
    assert last.prefill_s == pytest.approx((last.tokens_in or 0) * step / 20)
    assert last.ttft_s == pytest.approx(last.prefill_s)
    assert (first.context_tokens, first.tokens_out, first.memory.engine_bytes) == (4096, 16, size)
    assert first.memory.rss_bytes is None, "the fake engine has no process"
    assert [trial.nonce for trial in run.trials] == ["791917\n", "583834\n", "375751\n"]


def test_one_load_leaves_later_loads_unknown(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("llama3.2:1b",), loads=1), engine())
    assert run.trials[0].load_first_s
    assert run.trials[0].load_later_s is None


@pytest.mark.parametrize(
    ("fault", "outcome", "rows"),
    [
        (Fault.DOES_NOT_FIT, Outcome.DOES_NOT_FIT, 1),
        (Fault.NOT_INSTALLED, Outcome.NOT_INSTALLED, 1),
        (Fault.IN_THE_CLOUD, Outcome.REFUSED, 1),
        (Fault.DIES_LOADING, Outcome.ENGINE_DIED, 1),
        (Fault.DIES, Outcome.ENGINE_DIED, 1),
        (Fault.HANGS, Outcome.TIMED_OUT, 1),
        (Fault.GARBAGE, Outcome.ENGINE_ERROR, 1),
        (Fault.REPEATS, Outcome.REPEATED, 3),
        (Fault.ENDS_EARLY, Outcome.ENDED_EARLY, 3),
        (Fault.OTHER_CONTEXT, Outcome.CONTEXT_CHANGED, 3),
        (Fault.SLEEPS, Outcome.SLEPT, 3),
    ],
)
def test_a_fault_is_a_row_with_a_reason_and_the_sweep_goes_on(
    tmp_path: Path, fault: Fault, outcome: Outcome, rows: int
) -> None:
    models = ("llama3.2:1b", "llama3.2:3b", "llama3.1:8b")
    run = swept(tmp_path, plan(models=models), engine(faults={"llama3.2:3b": fault}))
    by_model = {name: [row for row in run.trials if row.model.name == name] for name in models}
    assert [row.outcome for row in by_model["llama3.2:1b"]] == [Outcome.OK] * 3
    assert [row.outcome for row in by_model["llama3.2:3b"]] == [outcome] * rows
    assert [row.outcome for row in by_model["llama3.1:8b"]] == [Outcome.OK] * 3
    for row in by_model["llama3.2:3b"]:
        assert row.reason
        assert row.decode_tok_s is None


def test_what_does_not_fit_is_never_started(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(), engine(), usable=10 * 1024**3)
    large = [row for row in run.trials if row.outcome is Outcome.DOES_NOT_FIT]
    assert [row.model.name for row in large] == ["qwen2.5-coder:32b", "qwen2.5:72b"]
    assert large[0].available_bytes == 10 * 1024**3
    assert (large[0].needed_bytes or 0) > 10 * 1024**3
    assert "GiB" in (large[0].reason or "")


def test_a_twin_that_the_disk_has_no_room_for_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise ProfileError("The twin needs 1.2 GiB of disk, and there are 3 MiB.", "Free some.")

    monkeypatch.setattr("tpsprofile.models.synthetic.prepare", full)
    run = swept(tmp_path, plan(models=("llama3.2:1b",)), registry.create("llama.cpp"))
    assert outcomes(run.trials) == [("llama3.2:1b", Outcome.NOT_PREPARED)]
    assert "Free some" in (run.trials[0].reason or "")


def test_well_under_the_line_the_climb_ends(tmp_path: Path) -> None:
    slow = engine(bandwidth_bytes_s=10e9)
    run = swept(tmp_path, plan(stop_below=0.5), slow)
    skipped = [row.model.name for row in run.trials if row.outcome is Outcome.BELOW_LINE]
    measured = [row for row in run.trials if row.outcome is Outcome.OK]
    assert skipped == ["qwen2.5-coder:32b", "qwen2.5:72b"]
    assert (measured[-1].decode_tok_s or 0) < 5
    assert all("llama3.1:8b ran at" in (row.reason or "") for row in run.trials if row.model.name in skipped)


def test_under_the_line_but_not_well_under_it_the_climb_goes_on(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(stop_below=0.1), engine(bandwidth_bytes_s=20e9), usable=30 * 1024**3)
    assert Outcome.BELOW_LINE not in {row.outcome for row in run.trials}


def test_a_slow_model_says_nothing_of_one_whose_size_nobody_tells(tmp_path: Path) -> None:
    def told(name: str, **facts: Any) -> sources.Candidate:
        size = facts.get("file_bytes")
        model = ModelFacts(name=name, **facts)
        return sources.Candidate(name=name, facts=model, origin="engine", installed=True, disk_bytes=size)

    def skipped(slow: sources.Candidate, other: sources.Candidate) -> bool:
        climb = Climb(plan(stop_below=0.5, trials=1), Deadline(VirtualClock(WHEN), None))
        workload = cases.workloads(plan())[0]
        climb.learn([trial(model=slow.facts, workload=workload, tokens_out=2, decode_engine_s=10.0)])
        return climb.obstacle(other, begun=False) is not None

    assert not skipped(told("a"), told("b"))
    assert not skipped(told("a", parameters=8), told("b"))
    assert not skipped(told("a", parameters=8), told("b", parameters=7))
    assert not skipped(told("a", parameters=8), told("b", file_bytes=9))
    assert skipped(told("a", parameters=8), told("b", parameters=9))
    assert skipped(told("a", file_bytes=8), told("b", file_bytes=9))
    assert not skipped(told("a", parameters=8), told("a", parameters=8))


def test_a_budget_ends_the_sweep_and_says_so(tmp_path: Path) -> None:
    the_engine = engine(bandwidth_bytes_s=20e9)
    run = swept(tmp_path, plan(budget=20.0), the_engine)
    assert the_engine.clock.monotonic() <= 20.0 + 1.0
    kinds = [row.outcome for row in run.trials]
    assert kinds[0] is Outcome.OK
    assert kinds[-1] is Outcome.NO_TIME
    assert {row.model.name for row in run.trials} == set(LADDER), "what was skipped stays as a row"


def test_a_budget_cuts_a_trial_in_the_middle(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("qwen2.5:72b",), budget=100.0, loads=1), engine(bandwidth_bytes_s=10e9))
    assert run.trials[-1].outcome is Outcome.NO_TIME
    assert "of 16 tokens" in (run.trials[-1].reason or "")


def test_resuming_measures_nothing_twice(tmp_path: Path) -> None:
    whole = swept(tmp_path / "whole", plan(), engine())
    for kept in range(len(whole.trials) + 1):
        the_engine = engine()
        file, _ = begin(plan(), the_engine, the_engine.info(), MACHINE, Conditions(), out=tmp_path / str(kept))
        with file:
            for row in whole.trials[:kept]:
                file.append(row)
        run, again = ResultsFile.resume(file.path)
        ear = Ear()
        done = swept(tmp_path, plan(), the_engine, ear=ear, prior=run.trials, file=again)
        assert [(row.model.name, row.number) for row in done.trials] == [
            (row.model.name, row.number) for row in whole.trials
        ]
        assert len(ear.rows) == len(whole.trials) - kept


def test_a_slow_model_is_finished_on_resume_and_only_larger_ones_are_skipped(tmp_path: Path) -> None:
    slow = {"bandwidth_bytes_s": 10e9}
    whole = swept(tmp_path / "whole", plan(stop_below=0.5), engine(**slow))
    for kept in range(len(whole.trials) + 1):
        prior = whole.trials[:kept]
        rest = swept(tmp_path / str(kept), plan(stop_below=0.5), engine(**slow), prior=prior)
        numbered = [(row.model.name, row.number, row.outcome) for row in (*prior, *rest.trials)]
        assert numbered == [(row.model.name, row.number, row.outcome) for row in whole.trials]


def test_resuming_in_the_middle_of_a_model_loads_it_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_plan = plan(models=("llama3.2:1b",), loads=3)
    whole = swept(tmp_path / "whole", the_plan, engine())
    the_engine = engine()
    loads: list[str] = []
    real = the_engine.load

    def counted(weights: Weights, **options: Any) -> FakeSession:
        loads.append(weights.facts.name)
        return real(weights, **options)

    monkeypatch.setattr(the_engine, "load", counted)
    run = swept(tmp_path / "rest", the_plan, the_engine, prior=whole.trials[:1])
    assert loads == ["llama3.2:1b"]
    assert [row.number for row in run.trials] == [2, 3]
    assert run.trials[0].load_first_s == whole.trials[0].load_first_s
    assert run.trials[0].load_later_s


def test_a_trial_that_would_not_be_finished_in_time_is_not_begun(tmp_path: Path) -> None:
    the_engine = engine(bandwidth_bytes_s=10e9)
    run = swept(tmp_path, plan(models=("llama3.1:8b",), loads=1, budget=20.0), the_engine)
    assert [row.outcome for row in run.trials] == [Outcome.OK, Outcome.NO_TIME]
    assert [row.number for row in run.trials] == [1, 2]
    assert run.trials[1].reason == "1 of 3 trials fitted into the budget."
    assert the_engine.clock.monotonic() < 20.0


def test_an_engine_that_hangs_past_the_budget_lacked_time(tmp_path: Path) -> None:
    the_engine = engine(faults={"llama3.2:1b": Fault.HANGS})
    run = swept(tmp_path, plan(models=("llama3.2:1b",), budget=30.0), the_engine)
    assert [row.outcome for row in run.trials] == [Outcome.NO_TIME]
    assert the_engine.clock.monotonic() < 32.0


def test_resuming_gives_more_time_to_what_lacked_it(tmp_path: Path) -> None:
    short = swept(tmp_path, plan(budget=10.0), engine(bandwidth_bytes_s=20e9))
    assert short.path
    run, file = ResultsFile.resume(Path(short.path))
    done = swept(tmp_path, plan(), engine(bandwidth_bytes_s=20e9), prior=run.trials, file=file)
    finished = {(row.model.name, row.number) for row in done.trials if row.outcome is Outcome.OK}
    assert finished == {(name, number) for name in LADDER for number in (1, 2, 3)}


def test_a_failed_model_is_not_tried_again_on_resume(tmp_path: Path) -> None:
    faults = {"llama3.2:3b": Fault.DIES}
    first = swept(tmp_path, plan(), engine(faults=faults))
    assert first.path
    run, file = ResultsFile.resume(Path(first.path))
    again = swept(tmp_path, plan(), engine(), prior=run.trials, file=file)
    assert again.trials == first.trials


def test_a_file_of_another_machine_or_engine_is_not_resumed(tmp_path: Path) -> None:
    _, header = begun(plan(), tmp_path)
    check_resumable(header, engine(), engine().info(), MACHINE)
    with pytest.raises(ResultsError, match="another machine"):
        check_resumable(header, engine(), engine().info(), Machine(id="m2", chip="Other"))
    with pytest.raises(ResultsError, match="fake 1; here is fake 2"):
        check_resumable(header, engine(), msgspec.structs.replace(engine().info(), version="2"), MACHINE)
    with pytest.raises(ResultsError, match="other options"):
        check_resumable(header, engine(overhead_s=1.0), engine().info(), MACHINE)


def test_the_header_tells_the_whole_plan_but_no_folder(tmp_path: Path) -> None:
    the_plan = plan(models=("llama3.2:1b", "/home/somebody/models/x.gguf"))
    _, header = begun(the_plan, tmp_path)
    assert header.settings["models"] == ("llama3.2:1b", "x.gguf")
    assert header.settings["tokens_out"] == 16
    assert header.engine.simulated
    assert "somebody" not in str(header)


def test_a_disk_that_fills_ends_the_sweep_with_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = begun(plan(), tmp_path)
    real = ResultsFile.append

    def fill_up(self: ResultsFile, trial: Trial) -> None:
        if trial.model.name == "llama3.2:3b":
            raise ResultsError("x.jsonl cannot be written: No space left on device.")
        real(self, trial)

    monkeypatch.setattr(ResultsFile, "append", fill_up)
    with pytest.raises(ResultsError, match="No space left"):
        swept(tmp_path, plan(), engine(), file=file)
    assert len(store.read(file.path).trials) == 6


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("It needs 5.3 GiB of memory; there is 4.0 GiB.", "It needs 5.3 GiB of memory; there is 4.0 GiB."),
        ("/srv/anna/models/x.gguf is cut off.", "x.gguf is cut off."),
        ("failed to open '/home/anna/My/x.gguf' (No such file)", "failed to open 'x.gguf' (No such file)"),
        (r"C:\Users\Anna\x.gguf ends too early.", "x.gguf ends too early."),
        (
            "No Ollama server answers at http://anna.example:11434. Start one.",
            "No Ollama server answers at the server. Start one.",
        ),
        ("~/secret/x.gguf", "x.gguf"),
        (r"C:\Users\Ann Smith\models\t.gguf is cut off.", "t.gguf is cut off."),
        (r"failed to open 'D:\Big Models\Ann Smith\t.gguf'", "failed to open 't.gguf'"),
        (r"\\box\Ann Smith\t.gguf is cut off.", "t.gguf is cut off."),
        ("/Users/Ann Smith/My Models/t.gguf is cut off.", "t.gguf is cut off."),
        ("/home/ann: no space left", "~: no space left"),
        ("/home/ann/models: no space left", "models: no space left"),
        ("No write to /home/ann/t.gguf and/or to /srv.", "No write to t.gguf and/or to srv."),
        ("10.0.0.5:8000 does not answer.", "the server does not answer."),
        ("No route to 10.0.0.5.", "No route to the server."),
        ("[fd00::5]:8000 does not answer.", "the server does not answer."),
        ("Connection to anns-box.lan:8000 refused", "Connection to the server refused"),
        ("Connection to gpu:11434 refused", "Connection to the server refused"),
        ("limit of organization org-AbC123xy on tokens", "limit of organization (left out) on tokens"),
        (
            "qwen3:30b, llama3.2:1b and user-generated text stay.",
            "qwen3:30b, llama3.2:1b and user-generated text stay.",
        ),
        ("/build/src/ggml.c:1234: assert in b6123.2.3", "ggml.c:1234: assert in b6123.2.3"),
        ("llama3.1:8b ran at 2.18 tok/s already.", "llama3.1:8b ran at 2.18 tok/s already."),
        ("3 of 16 tokens (end).", "3 of 16 tokens (end)."),
    ],
)
def test_a_reason_names_no_folder_and_no_host(told: str, kept: str) -> None:
    assert without_private_names(trial(outcome=Outcome.ENGINE_ERROR, reason=told)).reason == kept


def test_what_lacked_disk_is_tried_again_on_resume(tmp_path: Path) -> None:
    lacked = swept(tmp_path / "a", plan(models=("llama3.2:1b",)), engine())
    row = msgspec.structs.replace(lacked.trials[0], outcome=Outcome.NOT_PREPARED, reason="No disk.")
    run = swept(tmp_path / "b", plan(models=("llama3.2:1b",)), engine(), prior=[row])
    assert outcomes(run.trials) == [("llama3.2:1b", Outcome.OK)] * 3


def of(run: Run, name: str) -> list[Trial]:
    return [row for row in run.trials if row.model.name == name]


def widths(rows: Sequence[Trial]) -> list[float]:
    """The half-width of the interval after each trial from the third on."""
    rates = [row.decode_tok_s or 0 for row in rows]
    return [stats.relative_half_width(rates[:n]) or 0 for n in range(3, len(rates) + 1)]


def test_trials_are_repeated_until_the_median_is_known(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("llama3.2:1b",)), engine(ripple=0.015))
    found = widths(run.trials)
    assert len(run.trials) > 3
    assert found[-1] <= 0.02
    assert min(found[:-1]) > 0.02, "it went on although the median was known"


def test_a_finer_precision_takes_more_trials(tmp_path: Path) -> None:
    coarse, fine = (
        swept(tmp_path / str(n), plan(models=("llama3.2:1b",), precision=n), engine(ripple=0.015)).trials
        for n in (0.1, 0.016)
    )
    assert 3 == len(coarse) < len(fine)


def test_what_does_not_converge_ends_with_its_time_and_says_so(tmp_path: Path) -> None:
    the_plan = plan(models=("llama3.2:1b", "llama3.2:3b"), case_budget=3.0, most_trials=1000)
    run = swept(tmp_path, the_plan, engine(ripple=0.3))
    for name in the_plan.models:
        rows = of(run, name)
        spent = [sum(row.seconds for row in rows[:n]) for n in range(len(rows) + 1)]
        assert spent[-1] >= 3.0 > spent[-2] or len(rows) == 3
        rates = [row.decode_tok_s or 0 for row in rows]
        assert {trust.Warning.UNSTEADY, trust.Warning.ERRATIC} & set(trust.of_case(rates, the_plan.precision))


def test_trials_end_at_the_most_there_may_be(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("llama3.2:1b",), most_trials=7), engine(ripple=0.3))
    assert len(run.trials) == 7


def test_trials_beyond_the_least_number_do_not_use_up_the_budget(tmp_path: Path) -> None:
    the_engine = engine(ripple=0.3, bandwidth_bytes_s=20e9)
    run = swept(tmp_path, plan(models=("llama3.2:1b",), budget=10.0, most_trials=1000), the_engine)
    assert {row.outcome for row in run.trials} == {Outcome.OK}, "a trial too many is not worth a row"
    assert the_engine.clock.monotonic() <= 10.0


def test_a_sustained_case_goes_on_for_its_time_however_well_it_is_known(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("llama3.2:1b",), sustain=60.0, most_trials=5), engine())
    spent = sum(row.seconds for row in run.trials)
    assert 60.0 <= spent < 61.0
    assert len(run.trials) > 100


def test_a_machine_that_slows_down_is_noticed_and_left_to_cool(tmp_path: Path) -> None:
    ear = Ear()
    the_plan = plan(models=("llama3.2:1b", "llama3.2:3b"), most_trials=8, cooldown=45.0)
    run = swept(tmp_path, the_plan, engine(faults={"llama3.2:1b": Fault.SLOWS_DOWN}), ear=ear)
    rates = [row.decode_tok_s or 0 for row in of(run, "llama3.2:1b")]
    assert trust.Warning.SLOWING in trust.of_case(rates, 0.02)
    assert ear.waits == ["cooling down for 45 s"]


def test_rounds_take_a_trial_of_each_model_in_turn(tmp_path: Path) -> None:
    ear = Ear()
    models = ("llama3.2:1b", "llama3.2:3b", "llama3.1:8b")
    the_plan = plan(models=models, order="rounds")
    run = swept(tmp_path, the_plan, engine(), ear=ear)
    assert [(row.number, row.model.name) for row in run.trials] == [(n, m) for n in (1, 2, 3) for m in models]
    assert ear.finished == list(models)
    assert [row.load_first_s for row in of(run, models[0])] == [run.trials[0].load_first_s] * 3


def test_rounds_are_resumed_without_measuring_twice(tmp_path: Path) -> None:
    the_plan = plan(models=("llama3.2:1b", "llama3.2:3b"), order="rounds")
    whole = swept(tmp_path / "whole", the_plan, engine())
    for kept in range(len(whole.trials) + 1):
        prior = whole.trials[:kept]
        rest = swept(tmp_path / str(kept), the_plan, engine(), prior=prior)
        both = sorted((row.model.name, row.number) for row in (*prior, *rest.trials))
        assert both == sorted((row.model.name, row.number) for row in whole.trials)


def test_a_failure_in_rounds_ends_that_model_alone(tmp_path: Path) -> None:
    models = ("llama3.2:1b", "llama3.2:3b")
    run = swept(tmp_path, plan(models=models, order="rounds"), engine(faults={models[0]: Fault.DIES}))
    assert [row.outcome for row in of(run, models[0])] == [Outcome.ENGINE_DIED]
    assert [row.outcome for row in of(run, models[1])] == [Outcome.OK] * 3


DEEP = {"models": ("llama3.2:1b",), "context_tokens": 8192, "depth": (0, 4096), "prompt_tokens": (128, 512)}


def test_each_depth_and_prompt_length_is_a_case_of_its_own(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(**DEEP), engine())
    cases = {(row.workload.prompt_tokens, row.workload.depth_tokens) for row in run.trials}
    assert cases == {(128, 0), (512, 0), (128, 4096), (512, 4096)}
    assert [row.number for row in run.trials] == [1, 2, 3] * 4
    assert len({row.nonce for row in run.trials}) == 12


def test_texts_have_the_length_that_was_asked_for(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(**DEEP), engine())
    for row in run.trials:
        work = row.workload
        assert row.tokens_in == pytest.approx((work.depth_tokens or 0) + (work.prompt_tokens or 0), abs=16)


def test_a_depth_is_read_once_and_costs_decode_its_share(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(**DEEP), engine(overhead_s=0.0))
    flat, deep = ([row for row in run.trials if row.workload.depth_tokens == depth] for depth in (0, 4096))
    assert {row.tokens_cached for row in flat} == {0}
    assert min(row.tokens_cached or 0 for row in deep) > 0.95 * 4096
    assert (deep[0].decode_tok_s or 0) < (flat[0].decode_tok_s or 0)
    assert {row.warnings for row in run.trials} == {("simulated",)}, (
        "the context came from the cache, as it should"
    )


def test_a_failure_at_one_depth_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FakeSession.generate

    def fragile(self: FakeSession, request: Request) -> Iterator[Event]:
        if len(request.prompt) > 4 * 4000:
            raise EngineDiedError("No memory for so long a prompt.")
        return real(self, request)

    monkeypatch.setattr(FakeSession, "generate", fragile)
    run = swept(tmp_path, plan(**DEEP | {"depth": (6000, 4096, 0), "prompt_tokens": (128,)}), engine())
    assert [(row.workload.depth_tokens, row.outcome) for row in run.trials] == [
        *[(0, Outcome.OK)] * 3,
        (4096, Outcome.ENGINE_DIED),
        (6000, Outcome.ENGINE_DIED),
    ]


def test_a_server_that_comes_back_as_another_version_ends_the_comparison(tmp_path: Path) -> None:
    models = ("llama3.2:1b", "llama3.2:3b")
    run = swept(tmp_path, plan(models=models), engine(faults={models[0]: Fault.RESTARTS}))
    assert [row.outcome for row in of(run, models[0])] == [Outcome.OK, Outcome.OK, Outcome.ENGINE_CHANGED]
    assert "version 2 now" in (run.trials[2].reason or "")
    assert [row.outcome for row in of(run, models[1])] == [Outcome.OK] * 3


def test_a_date_set_back_spoils_no_figure_and_is_told(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("llama3.2:1b",)), engine(faults={"llama3.2:1b": Fault.CLOCK_SET_BACK}))
    assert [row.outcome for row in run.trials] == [Outcome.OK] * 3
    assert [row.during.clock_step_s for row in run.trials] == pytest.approx([-3600.0] * 3)
    assert all("clock changed" in (row.warnings or ()) for row in run.trials)
    calm = swept(tmp_path / "calm", plan(models=("llama3.2:1b",)), engine())
    assert [row.decode_tok_s for row in run.trials] == [row.decode_tok_s for row in calm.trials]


def test_the_sleep_of_a_machine_is_in_no_figure(tmp_path: Path) -> None:
    run = swept(tmp_path, plan(models=("llama3.2:1b",)), engine(faults={"llama3.2:1b": Fault.SLEEPS}))
    assert [row.during.asleep_s for row in run.trials] == pytest.approx([90.0] * 3)
    assert {row.decode_tok_s for row in run.trials} == {None}
    assert "slept for 90 s" in (run.trials[0].reason or "")


def test_other_models_leave_memory_before_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    the_engine = engine()
    monkeypatch.setattr(the_engine, "make_room", lambda: order.append("room"))
    host = Host(machine=MACHINE, engine=the_engine.info(), usable_bytes=lambda: order.append("look"))
    the_plan = plan(models=("llama3.2:1b",))
    file, _ = begun(the_plan, tmp_path)
    found = sources.candidates(the_plan.models, the_engine, context_tokens=4096, cache=tmp_path)
    with file:
        Sweep(the_plan, the_engine, host=host, cache=tmp_path, keep=False, listen=Ear()).run(found, file)
    assert order == ["room", "look"]


def test_sustained_work_that_only_repeats_itself_ends(tmp_path: Path) -> None:
    the_engine = engine(faults={"llama3.2:1b": Fault.REPEATS})
    run = swept(tmp_path, plan(models=("llama3.2:1b",), sustain=600.0), the_engine)
    assert [row.outcome for row in run.trials] == [Outcome.REPEATED] * 3


def test_three_rates_are_wanted_not_three_rows(tmp_path: Path) -> None:
    the_plan = plan(models=("llama3.2:1b",))
    good = swept(tmp_path / "good", the_plan, engine()).trials
    slept = msgspec.structs.replace(good[0], outcome=Outcome.SLEPT, reason="It slept.")
    rest = swept(tmp_path / "rest", the_plan, engine(), prior=[slept, good[1]])
    assert len(rest.trials) == 2


def test_a_depth_that_a_model_was_not_made_for_is_said_so_and_the_others_run(tmp_path: Path) -> None:
    the_plan = plan(models=("phi4:14b",), depth=(0, 8192, 16384), context_tokens=16896)
    run = swept(tmp_path, the_plan, engine())
    assert [(row.workload.depth_tokens, row.outcome) for row in run.trials] == [
        (16384, Outcome.TOO_LONG),
        *[(0, Outcome.OK)] * 3,
        *[(8192, Outcome.OK)] * 3,
    ]
    assert {row.context_tokens for row in run.trials if row.outcome is Outcome.OK} == {16384}


def test_deeper_cases_are_no_slowing_down(tmp_path: Path) -> None:
    ear = Ear()
    the_plan = plan(**DEEP | {"models": ("llama3.2:1b", "llama3.2:3b"), "cooldown": 45.0})
    swept(tmp_path, the_plan, engine(overhead_s=0.0), ear=ear)
    assert ear.waits == []


@pytest.mark.parametrize("order", ["models", "rounds"])
@pytest.mark.parametrize("budget", [None, 15.0, 40.0])
def test_depths_orders_and_budgets_are_resumed_without_measuring_twice(
    tmp_path: Path, order: str, budget: float | None
) -> None:
    the_plan = plan(**DEEP | {"models": ("llama3.2:1b", "llama3.2:3b"), "order": order, "budget": budget})
    short = swept(tmp_path / "short", the_plan, engine(bandwidth_bytes_s=50e9))
    patient = msgspec.structs.replace(the_plan, budget=None)
    for kept in range(len(short.trials) + 1):
        prior = short.trials[:kept]
        rest = swept(tmp_path / str(kept), patient, engine(bandwidth_bytes_s=50e9), prior=prior)
        done = [row for row in (*prior, *rest.trials) if row.outcome is Outcome.OK]
        keys = [(row.model.name, row.workload, row.number) for row in done]
        assert len(keys) == len(set(keys)) == 24
        assert {row.outcome for row in rest.trials} <= {Outcome.OK}


def test_in_rounds_what_lacks_time_is_not_begun_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    the_engine = engine(bandwidth_bytes_s=20e9)
    real = the_engine.load

    def counted(weights: Weights, **options: Any) -> FakeSession:
        loads.append(weights.facts.name)
        return real(weights, **options)

    monkeypatch.setattr(the_engine, "load", counted)
    models = ("llama3.2:1b", "qwen2.5:72b")
    run = swept(tmp_path, plan(models=models, order="rounds", budget=25.0, loads=1), the_engine)
    assert [row.outcome for row in of(run, models[1])] == [Outcome.NO_TIME]
    assert loads.count(models[1]) <= 1
    assert the_engine.clock.monotonic() < 27.0


def test_what_ran_before_a_failure_is_in_its_row(tmp_path: Path) -> None:
    for fault, outcome in ((Fault.RESTARTS, Outcome.ENGINE_CHANGED), (Fault.REPEATS, Outcome.REPEATED)):
        run = swept(tmp_path / fault, plan(models=("llama3.2:1b",)), engine(faults={"llama3.2:1b": fault}))
        row = run.trials[-1]
        assert (row.number, row.outcome) == (3, outcome)
        assert row.started_at is not None
        assert row.nonce
        assert row.ttft_s
        assert row.during.asleep_s == 0.0


def test_what_cannot_run_at_all_is_one_row_for_all_depths(tmp_path: Path) -> None:
    the_plan = plan(**DEEP | {"models": ("llama3.2:1b", "qwen2.5:72b")})
    run = swept(tmp_path, the_plan, engine(), usable=10 * 1024**3)
    assert [row.outcome for row in of(run, "qwen2.5:72b")] == [Outcome.DOES_NOT_FIT]
    again = swept(tmp_path / "again", the_plan, engine(), usable=10 * 1024**3, prior=run.trials)
    assert again.trials == ()


def test_a_look_at_the_model_that_fails_costs_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = FakeSession.facts

    def fragile(self: FakeSession) -> LoadedFacts:
        asked.append(1)
        if len(asked) > 2:  # once loaded and once warm it answered
            raise EngineError("What it answered cannot be understood.")
        return real(self)

    monkeypatch.setattr(FakeSession, "facts", fragile)
    run = swept(tmp_path, plan(models=("llama3.2:1b",), loads=1), engine())
    assert len(asked) == 5
    assert outcomes(run.trials) == [("llama3.2:1b", Outcome.OK)] * 3


def test_a_trial_cut_off_beyond_the_owed_ones_is_no_row_of_the_next_workload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FakeSession.generate
    calls: list[int] = []

    def slow_in_the_end(self: FakeSession, request: Request) -> Iterator[Event]:
        calls.append(1)
        for event in real(self, request):
            if len(calls) == 6:  # two to warm up, three trials, and one more
                self._clock.sleep(30.0)
            yield event

    monkeypatch.setattr(FakeSession, "generate", slow_in_the_end)
    the_plan = plan(**DEEP | {"models": ("llama3.2:1b",), "prompt_tokens": (128,), "budget": 60.0})
    run = swept(tmp_path, the_plan, engine(ripple=0.3))
    cases = [(row.workload.depth_tokens, row.number, row.outcome) for row in run.trials]
    assert cases == [(0, 1, Outcome.OK), (0, 2, Outcome.OK), (0, 3, Outcome.OK), (4096, 1, Outcome.NO_TIME)]
