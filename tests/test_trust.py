"""Each warning has its cause, its advice and its grade, and none is given without its cause."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial
from tpsprofile import trust
from tpsprofile.machine import names
from tpsprofile.records import (
    Conditions,
    During,
    EngineInfo,
    Gpu,
    Machine,
    Memory,
    ModelFacts,
    Trial,
    Workload,
)
from tpsprofile.trust import Grade

W = trust.Warning
DOC = (Path(__file__).parents[1] / "docs" / "measurement.md").read_text()
MACHINE: dict[str, Any] = {
    "id": "m",
    "chip": "c",
    "cores_logical": 8,
    "ram_bytes": 16 * 10**9,
    "bandwidth_bytes_s": 100e9,
    "cpu_features": ("avx2", "avx512f"),
}
ENGINE: dict[str, Any] = {"name": "e", "version": "1", "devices": (), "cpu_features": ("avx2", "avx512f")}
MODEL = ModelFacts(name="m", parameters=8 * 10**9, parameters_active=8 * 10**9, file_bytes=8 * 10**9)
CALM: dict[str, Any] = {
    "model": MODEL,
    "context_tokens": 4096,
    "before": Conditions(power_source="mains", power_mode="automatic", cpu_busy=0.01),
    "during": During(others_cpu=0.1, stolen_cpu=0.0, swapped_bytes=0, throttled=0, temperature_most_c=60.0),
    "after": Conditions(power_source="mains", speed_limit=1.0),
}


def warned(
    machine: dict[str, Any] | None = None, engine: dict[str, Any] | None = None, **changes: Any
) -> tuple[W, ...]:
    row: Trial = trial(**CALM | changes)
    return trust.of_trial(row, Machine(**MACHINE | (machine or {})), EngineInfo(**ENGINE | (engine or {})))


def during(**changes: Any) -> dict[str, During]:
    return {"during": During(**{"others_cpu": 0.1} | changes)}


DEEP = Workload(prompt="p", tokens_out=11, context_tokens=4096, depth_tokens=2048)
CAUSES: dict[W, dict[str, Any]] = {
    W.BUSY: during(others_cpu=0.9),
    W.HOST_BUSY: during(stolen_cpu=0.05),
    W.BATTERY: {"after": Conditions(power_source="battery")},
    W.LOW_POWER: {"before": Conditions(power_mode="low")},
    W.THROTTLED: during(throttled=3),
    W.HOT: during(temperature_most_c=97.0),
    W.MEMORY_SHORT: during(available_least_bytes=10**8),
    W.SWAPPING: during(swapped_bytes=10**9),
    W.SPILLED: {
        "machine": {"gpus": (Gpu(name="g", vram_bytes=6 * 10**9),)},
        "memory": Memory(engine_bytes=8 * 10**9, engine_vram_bytes=5 * 10**9),
    },
    W.TOO_FAST: {"decode_engine_s": 0.5, "decode_client_s": 0.5},
    W.SPECULATIVE: {"tokens_drafted": 4},
    W.SLOW_BUILD: {"engine": {"cpu_features": ("avx2",)}},
    W.TRANSLATED: {"machine": {"translated": True}},
    W.SIMULATED: {"engine": {"simulated": True}},
    W.PROMPT_CACHED: {"tokens_cached": 40},
    W.DEPTH_READ: {"workload": DEEP, "tokens_cached": 0},
    W.DEPTH_UNVERIFIED: {"workload": DEEP, "tokens_cached": None},
    W.OTHER_CONTEXT: {"context_tokens": 8192},
    W.CONTEXT_UNVERIFIED: {"context_tokens": None},
    W.CLOCKS_DISAGREE: {"decode_client_s": 1.2},
    W.CLOCK_CHANGED: during(clock_step_s=-3600.0),
    W.BUNDLED: {"decode_engine_s": None, "chunks": 9},
    W.FEW_CHUNKS: {"decode_engine_s": None, "chunks": 4},
    W.UNSEEN: {"before": Conditions(), "during": During()},
}
OF_CASES = {
    W.ONE_TRIAL: [10.0],
    W.NOT_CONVERGED: [10.0, 10.2, 9.9],
    W.UNSTEADY: [10.0, 10.8, 9.4],
    W.ERRATIC: [10.0, 14.0, 7.0],
    W.OUTLIERS: [10.0, 10.01, 9.99, 10.0, 8.0, 10.01, 9.99, 10.02, 10.0],
    W.SLOWING: [10.0, 9.7, 9.4, 9.1, 8.8, 8.5],
}


def test_a_calm_trial_has_no_warning() -> None:
    assert warned() == ()
    assert trust.of_case([10.0, 10.01, 9.99], 0.02) == ()
    assert trust.grade(()) is Grade.A


@pytest.mark.parametrize("warning", CAUSES, ids=str)
def test_each_cause_gives_its_warning_and_no_other(warning: W) -> None:
    assert warned(**CAUSES[warning]) == (warning,)


@pytest.mark.parametrize("warning", OF_CASES, ids=str)
def test_each_spread_of_a_case_gives_its_warning(warning: W) -> None:
    assert warning in trust.of_case(OF_CASES[warning], 0.02)
    assert len(trust.of_case(OF_CASES[warning], 0.02)) <= 2


def test_every_warning_has_a_cause_that_is_tested() -> None:
    assert {*CAUSES, *OF_CASES} == set(W) == set(trust.RULES)


def test_what_is_unknown_warns_of_nothing_but_itself() -> None:
    bare = trial(before=Conditions(), during=During(), model=ModelFacts(name="m"), tokens_cached=None)
    found = trust.of_trial(bare, Machine(id="m", chip="c"), EngineInfo(name="e"))
    assert found == (W.CONTEXT_UNVERIFIED, W.UNSEEN)


def test_bundles_say_nothing_against_an_engine_s_own_clock() -> None:
    assert warned(chunks=1) == ()
    assert warned(decode_engine_s=None, chunks=11) == ()
    assert warned(decode_engine_s=None, chunks=None) == ()


def test_a_model_gets_no_longer_a_context_than_it_was_made_for() -> None:
    short = ModelFacts(name="m", parameters=8, longest_context=2048)
    assert warned(model=short, context_tokens=2048) == ()
    assert warned(model=short, context_tokens=4096) == (W.OTHER_CONTEXT,)
    assert warned(workload=Workload(prompt="p", tokens_out=11), context_tokens=4096) == ()


def test_a_busy_moment_before_counts_where_the_time_within_is_unknown() -> None:
    assert W.BUSY in warned(before=Conditions(cpu_busy=0.6), during=During())
    assert W.BUSY not in warned(before=Conditions(cpu_busy=0.6))


def test_physics_knows_what_a_token_reads() -> None:
    experts = ModelFacts(name="x", parameters=8 * 10**9, parameters_active=10**9, file_bytes=8 * 10**9)
    assert W.TOO_FAST not in warned(model=experts, decode_engine_s=0.5, decode_client_s=0.5)
    untold = ModelFacts(name="x", parameters=8 * 10**9, file_bytes=8 * 10**9)
    assert warned(model=untold, decode_engine_s=0.5, decode_client_s=0.5) == (), "it may be a mixture of experts"
    small = ModelFacts(name="x", parameters=10**8, parameters_active=10**8, file_bytes=10**8)
    assert warned(model=small, decode_engine_s=0.005, decode_client_s=0.005) == (), "it may lie in caches"
    spec = {"bandwidth_spec_bytes_s": 400e9}
    assert warned(machine=spec, decode_engine_s=0.5, decode_client_s=0.5) == (), "measured too low"
    card = {"gpus": (Gpu(name="g"),), "unified_memory": False}
    elsewhere = warned(machine=card, engine={"devices": ("g",)}, decode_engine_s=0.5, decode_client_s=0.5)
    assert elsewhere == (), "graphics memory has a bandwidth of its own"


def test_fast_instruction_sets_have_the_machines_names() -> None:
    assert set(names._FEATURES.values()) >= trust.FAST_SETS


def test_a_graphics_processor_does_not_mind_the_build() -> None:
    assert warned(engine={"devices": ("g",), "cpu_features": ()}) == ()
    assert warned(engine={"cpu_features": None}) == ()
    wide = {"cpu_features": ("avx_vnni", "avx512_vnni")}
    assert warned(machine=wide, engine={"cpu_features": ("avx512_vnni",)}) == (), "the same instruction, wider"


def test_a_depth_that_came_from_the_cache_is_as_it_should_be() -> None:
    assert warned(workload=DEEP, tokens_cached=2040) == warned(workload=DEEP, tokens_cached=2060) == ()
    assert warned(workload=DEEP, tokens_cached=2100) == (W.PROMPT_CACHED,)


def test_half_of_the_trials_make_a_warning_of_the_point() -> None:
    rates = [10.0, 10.01, 9.99, 10.0]
    assert trust.of_point([["busy"], ["busy"], [], []], rates, 0.02) == (W.BUSY,)
    assert trust.of_point([["busy"], [], [], []], rates, 0.02) == ()
    assert trust.of_point([["a word of tomorrow"]] * 4, rates, 0.02) == ()


def test_the_worst_warning_makes_the_grade() -> None:
    assert trust.grade([W.OUTLIERS]) is Grade.B
    assert trust.grade([W.OUTLIERS, W.SWAPPING, W.BUSY]) is Grade.D


def test_a_fall_must_be_far_and_steady() -> None:
    assert not trust.is_slowing([10.0, 9.9, 9.8, 9.7]), "3% only"
    assert not trust.is_slowing([10.0, 8.0, 9.9, 8.1, 9.8]), "by chance"
    assert not trust.is_slowing([10.0, 8.0, 6.0]), "three values can always be in order"


def test_the_table_for_people_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([A-D]) \| (.+?) \| (.+?) \|$", DOC, re.MULTILINE)
    expected = [(str(w), str(rule.grade), rule.when, rule.advice) for w, rule in trust.RULES.items()]
    assert rows == expected
