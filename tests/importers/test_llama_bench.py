"""llama-bench in all of its formats and builds: right, or refused with the line and the reason."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.importers.bench_rows import as_csv, as_json, as_json_lines, as_sql, row
from tpsprofile import importers
from tpsprofile.importers import Part, Refused
from tpsprofile.records import ModelFacts, Trial

FIXTURES = Path(__file__).parent / "fixtures" / "llama_bench"
HEADING = (
    "| model | size | params | backend | ngl | test | t/s |\n| --- | ---: | ---: | --- | --: | ---: | ---: |\n"
)
BUILT = "\nbuild: abcdef12 (9000)\n"


def read(text: str) -> tuple[Part, ...]:
    return importers.read(text, "theirs", "llama-bench")


def trials(parts: tuple[Part, ...]) -> list[Trial]:
    return [trial for part in parts for trial in part.trials]


def told(trial: Trial) -> tuple[str, float]:
    """The test as llama-bench names it, and its rate to a hundredth."""
    work = trial.workload
    name = f"pp{work.prompt_tokens}" if work.prompt_tokens else f"tg{work.tokens_out}"
    rate = trial.prefill_tok_s if work.prompt_tokens else trial.decode_tok_s
    assert rate is not None
    return name + (f" @ d{work.depth_tokens}" if work.depth_tokens else ""), round(rate, 2)


def remarks(parts: tuple[Part, ...]) -> str:
    return "\n".join(remark for part in parts for remark in part.remarks)


def table_row(test: str, rate: str, model: str = "llama 1B Q4_K - Medium", backend: str = "CUDA") -> str:
    return f"| {model} | 762.94 MiB | 1.24 B | {backend} | 99 | {test} | {rate} |\n"


# ------------------------------------------------------------------------------------- what a run becomes


def test_a_repetition_is_a_trial_and_nothing_is_made_up() -> None:
    [part] = read(as_json(row(1000.0, 1010.0, n_prompt=512, n_gen=0), row(50.0, 51.0)))
    first, _, third, fourth = part.trials
    assert first.model == ModelFacts(
        name="tiny-1B-Q4_K_M",
        parameters=1_235_814_432,
        parameters_active=1_235_814_432,
        quantisation="Q4_K_M",
        file_bytes=800_000_000,
        architecture="llama",
        format="gguf",
    )
    assert (first.tokens_in, first.tokens_cached, first.prefill_s) == (512, 0, 0.512)
    assert (first.decode_tok_s, first.tokens_out, first.ttft_s) == (None, None, None)
    assert (third.decode_tok_s, third.reported_decode_tok_s, third.tokens_out) == (50.0, 50.0, 128)
    assert (third.prefill_tok_s, third.tokens_in, third.decode_engine_s) == (None, None, None)
    assert [trial.number for trial in part.trials] == [1, 2, 1, 2]
    assert (fourth.workload.prompt, fourth.workload.prompt_mode) == ("llama-bench", "raw")
    assert (fourth.workload.prompt_tokens, fourth.workload.tokens_out, fourth.workload.depth_tokens) == (0, 128, 0)
    assert fourth.workload.context_tokens is None
    assert part.method == "llama-bench (empty cache, no sampling, no server)"
    assert part.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_engine_and_its_options_have_the_tools_names() -> None:
    [part] = read(as_json_lines(row()))
    assert (part.engine.name, part.engine.version, part.engine.build, part.engine.devices) == (
        "llama.cpp",
        "b9000",
        "CUDA, commit abcdef12",
        ("A Card",),
    )
    assert part.options == {
        "threads": 8,
        "n_batch": 2048,
        "n_ubatch": 512,
        "type_k": "f16",
        "type_v": "f16",
        "n_gpu_layers": 99,
        "split_mode": "layer",
        "flash_attn": 1,
        "use_mmap": True,
    }
    assert "By its own word it ran on: A Processor, A Card." in part.remarks


@pytest.mark.parametrize(
    "write",
    [as_json, as_json_lines, as_csv, as_sql, lambda *rows: as_sql(*rows, table="test")],
    ids=["JSON", "JSON Lines", "CSV", "SQL", "SQL of 2023"],
)
def test_every_form_tells_the_same(write: Callable[..., str]) -> None:
    rows = (row(1000.0, n_prompt=512, n_gen=0), row(50.0), row(45.0, n_depth=4096))
    parts = read(write(*rows))
    assert [told(trial) for trial in trials(parts)] == [
        ("pp512", 1000.0),
        ("tg128", 50.0),
        ("tg128 @ d4096", 45.0),
    ]
    assert parts[0].options == read(as_json(*rows))[0].options
    assert parts[0].engine == read(as_json(*rows))[0].engine


def test_each_build_and_set_of_options_is_a_part() -> None:
    parts = read(as_json(row(), row(n_threads=4), row(build_number=9001, build_commit="fedcba98"), row(60.0)))
    assert [len(part.trials) for part in parts] == [4, 3, 3]
    assert [trial.number for trial in parts[0].trials] == [1, 2, 3, 4]


@pytest.mark.parametrize(("value", "meant"), [(True, 1), (False, 0), (1, 1), (0, 0), (-1, -1), ("auto", -1)])
def test_flash_attention_is_one_thing_however_a_build_tells_it(value: Any, meant: int) -> None:
    [part] = read(as_json(row(flash_attn=value)))
    assert part.options["flash_attn"] == meant


@pytest.mark.parametrize(("number", "version"), [(0, None), (1, None), (9000, "b9000")])
def test_a_build_without_a_number_has_no_version(number: int, version: str | None) -> None:
    [part] = read(as_json(row(build_number=number, build_commit="unknown")))
    assert (part.engine.version, part.engine.build) == (version, "CUDA")


def test_keys_of_builds_to_come_are_options() -> None:
    [part] = read(as_json(row(warp_drive="on", shields=3, cloak=False, crew=["a", "b"], hold={"a": 1})))
    assert [part.options[key] for key in ("warp_drive", "shields", "cloak")] == ["on", 3, False]
    assert not {"crew", "hold"} & part.options.keys()


def test_an_export_of_our_own_is_no_run_of_theirs() -> None:
    with pytest.raises(Refused, match=r"line 1: It is an export of this program's own\. Take the results file"):
        read(as_json_lines(row(tpsprofile={"version": "0.1.0", "provenance": "measured"})))


def test_a_build_from_before_depths_measured_at_none() -> None:
    changes = {"n_depth": None, "backends": None, "n_ubatch": None, "type_k": None, "type_v": None}
    old = row(**changes, build_number=1275, cuda=True, metal=False, f16_kv=True)
    [part] = read(as_json(old))
    assert part.trials[0].workload.depth_tokens == 0
    assert part.engine.build == "CUDA, commit abcdef12"
    assert part.options["f16_kv"] is True


def test_a_build_that_knows_depths_has_to_tell_it() -> None:
    with pytest.raises(Refused, match=r"line 2: A row without n_depth, though with no_op_offload"):
        read(as_json(row(n_depth=None, no_op_offload=0)))


@pytest.mark.parametrize(
    ("backends", "cards", "devices"),
    [
        ("CPU", "", ()),
        ("BLAS", "", ()),
        ("Metal", "", None),
        ("Vulkan", "Card One, Card Two", ("Card One", "Card Two")),
    ],
)
def test_devices_are_none_only_where_a_build_uses_none(
    backends: str, cards: str, devices: tuple[str, ...] | None
) -> None:
    [part] = read(as_json(row(backends=backends, gpu_info=cards)))
    assert part.engine.devices == devices


def test_metal_has_one_name() -> None:
    parts = read(as_json(row(backends="BLAS,MTL"))) + read(as_json(row(backends="Metal,BLAS")))
    assert {part.engine.build for part in parts} == {"BLAS,Metal, commit abcdef12"}


@pytest.mark.parametrize(
    ("description", "active"),
    [
        ("llama 1B Q4_K - Medium", 1_235_814_432),
        ("qwen3moe 30B.A0.5B Q4_K - Medium", 500_000_000),
        ("granitemoe 3B.A800M Q4_K - Medium", 800_000_000),
        ("hunyuan-moe A1B Q4_K - Medium", 1_000_000_000),
        ("llama 8x7B Q4_K - Medium", None),
        ("gpt-oss ?B F16", None),
    ],
)
def test_a_mixture_of_experts_is_none_that_uses_all_of_it(description: str, active: int | None) -> None:
    parts = read(as_json(row(model_type=description)))
    assert parts[0].trials[0].model.parameters_active == active
    assert ("mixture" in remarks(parts)) == (active is None)


def test_a_name_that_names_nothing_gives_way_to_the_description() -> None:
    [part] = read(as_json(row(model_filename="models/7B/ggml-model-q4_0.gguf", model_type="llama 7B mostly Q4_0")))
    assert (part.trials[0].model.name, part.trials[0].model.quantisation) == ("llama 7B", "Q4_0")


# ----------------------------------------------------------------------------- what is left out, and told


def test_prompt_and_generation_in_one_rate_are_neither() -> None:
    parts = read(as_json(row(), row(400.0, n_prompt=512, n_gen=128)))
    assert [told(trial)[0] for trial in trials(parts)] == ["tg128"] * 3
    assert "Left out: pp512+tg128, prompt and generation in one rate." in remarks(parts)


def test_combined_tests_alone_are_no_results() -> None:
    with pytest.raises(Refused, match=r"no row that counts.*pp512"):
        read(as_json(row(400.0, n_prompt=512, n_gen=128)))


def test_a_row_that_stands_there_twice_counts_once() -> None:
    parts = read(as_json_lines(row(), row(), row(60.0)))
    assert len(trials(parts)) == 4
    assert "Left out: 1 row that stand" in remarks(parts)


@pytest.mark.parametrize(
    ("tests", "left"),
    [
        ([(0, 512, 10.2), (0, 4096, 11.8), (0, 8192, 1133.0)], ["tg512", "tg4096"]),
        ([(512, 0, 94.5), (4096, 0, 96.5), (8192, 0, 1849.0)], ["pp512", "pp4096"]),
        ([(1, 0, 20.0), (512, 0, 1500.0)], ["pp1", "pp512"]),
        ([(512, 0, 7889.0), (4096, 0, 16462.0)], ["pp512", "pp4096"]),
        ([(0, 16, 10.0), (0, 128, 30.0)], ["tg16", "tg128"]),
    ],
)
def test_a_longer_test_that_is_many_times_faster_did_not_run(
    tests: list[tuple[int, int, float]], left: list[str]
) -> None:
    parts = read(as_json(*(row(rate, n_prompt=prompt, n_gen=gen) for prompt, gen, rate in tests)))
    assert [told(trial)[0] for trial in trials(parts)] == left
    assert ("out" in remarks(parts)) == (len(left) < len(tests))


def test_a_deeper_test_that_is_many_times_faster_did_not_run() -> None:
    parts = read(as_json(row(50.0), row(900.0, n_depth=32768)))
    assert [told(trial)[0] for trial in trials(parts)] == ["tg128"]
    assert "tg128 @ d32768 (line 42) at 900 tok/s, 18 times" in remarks(parts)


def test_other_models_and_options_are_no_measure() -> None:
    small = {"model_filename": "small.gguf", "model_size": 80_000_000, "model_n_params": 130_000_000}
    parts = read(as_json(row(5.0), row(500.0, n_gen=256, **small), row(200.0, n_gen=256, n_gpu_layers=0)))
    assert len(trials(parts)) == 3


def test_more_than_any_memory_can_give_is_told() -> None:
    assert "more than any chip known here" in remarks(read(as_json(row(50_000.0))))
    assert "more than any chip known here" not in remarks(read(as_json(row(500.0))))


def test_wide_spreads_are_told() -> None:
    assert "tg128 ±" in remarks(read(as_json(row(50.0, 30.0, 55.0))))
    assert "±" not in remarks(read(as_json(row(50.0, 50.5, 49.5))))


def test_means_are_one_trial_and_told_to_be_means() -> None:
    parts = read(as_csv(row(50.0, 51.0, 49.0)))
    assert [told(trial) for trial in trials(parts)] == [("tg128", 50.0)]
    assert "Means alone" in remarks(parts)


# ------------------------------------------------------------------------------ files that contradict themselves

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"avg_ts": 51.0}, "avg_ts is 51, but 50"),
    ({"avg_ns": 2_000_000_000}, "avg_ns is 2e"),
    ({"stddev_ts": 3.0}, "stddev_ts is 3, but 0.5"),
    ({"samples_ts": [50.0, 50.5, 59.5]}, r"samples_ts \(3\) is 59.5, but 49.5"),
    ({"samples_ts": [50.0, 50.5]}, "3 samples_ns and 2 samples_ts"),
    ({"samples_ts": None}, "samples_ts is None, not a list"),
    ({"samples_ns": []}, r"samples_ns is \[\], not a list"),
    ({"samples_ns": [2_560_000_000, True, 2_585_858_586]}, "samples_ns is True, not a whole number"),
    ({"avg_ts": 0}, "avg_ts is 0, which cannot be"),
    ({"avg_ts": -50.0}, "avg_ts is -50.0, which cannot be"),
    ({"avg_ts": "fast"}, "avg_ts is 'fast', not a number"),
    ({"avg_ts": None}, "A row without avg_ts"),
    ({"n_gen": None}, "A row without n_gen"),
    ({"n_gen": 0}, "A test without tokens"),
    ({"n_gen": 128.5}, "n_gen is 128.5, not a whole number"),
    ({"n_gen": 10**9}, "n_gen is 1000000000, which cannot be"),
    ({"n_depth": -1}, "n_depth is -1, which cannot be"),
    ({"model_size": 8_000_000}, "0.0518 bits each"),
    ({"model_size": 80_000_000_000}, "518 bits each"),
    ({"model_n_params": -5}, "model_n_params is -5"),
    ({"model_type": 5}, "model_type is 5, not a plain text"),
    ({"model_filename": None, "model_type": None}, "does not name its model"),
    ({"test_time": "yesterday"}, "test_time is 'yesterday', not a time"),
    ({"test_time": "2026-02-31T00:00:00Z"}, "not a time"),
    ({"flash_attn": 7}, "flash_attn is 7, which cannot be"),
    ({"use_mmap": "maybe"}, "use_mmap is 'maybe'"),
    ({"n_batch": {"a": 1}}, "n_batch is {'a': 1}"),
    ({"build_number": "b9000"}, "build_number is 'b9000'"),
]


@pytest.mark.parametrize(("changes", "reason"), CONTRADICTIONS, ids=lambda value: str(value)[:40])
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    bad = {key: value for key, value in (row() | changes).items() if value is not None}
    with pytest.raises(Refused, match=rf"^theirs, line 2: .*{reason}"):
        read("warning: a line of the log\n" + as_json_lines(bad))


EXACT = row(999.8, 1000.3, 1003.5)


@pytest.mark.parametrize(("key", "digits"), [("avg_ts", 0), ("avg_ts", 2), ("stddev_ts", 1), ("stddev_ts", 3)])
def test_a_figure_rounded_for_a_post_passes_and_one_digit_changed_does_not(key: str, digits: int) -> None:
    rounded = round(EXACT[key], digits)
    text = as_json(EXACT).replace(f'"{key}": {EXACT[key]}', f'"{key}": {rounded:.{digits}f}')
    assert f'"{key}": {rounded:.{digits}f}' in text
    assert len(trials(read(text))) == 3
    with pytest.raises(Refused, match=f"{key} is") as refused:
        read(text.replace(f'"{key}": {rounded:.{digits}f}', f'"{key}": {rounded + 2 * 10**-digits:.{digits}f}'))
    assert "Take the file as llama-bench wrote it" in (refused.value.advice or "")


def test_repetitions_rounded_for_a_post_pass() -> None:
    assert len(trials(read(as_json(EXACT | {"samples_ts": [999.8, 1000.3, 1003]})))) == 3
    with pytest.raises(Refused, match=r"samples_ts \(3\) is"):
        read(as_json(EXACT | {"samples_ts": [999.8, 1000.3, 1005]}))


def test_a_chip_that_is_processor_and_graphics_is_named_once() -> None:
    [part] = read(as_json(row(cpu_info="Apple M2 Max", gpu_info="Apple M2 Max")))
    assert part.ran_on == "Apple M2 Max"
    assert "By its own word it ran on: Apple M2 Max." in part.remarks


@pytest.mark.parametrize("key", ["avg_ts", "avg_ns", "n_gen"])
@pytest.mark.parametrize("write", [as_csv, as_sql])
def test_means_are_held_against_each_other_where_there_are_no_samples(write: Callable[..., str], key: str) -> None:
    changed = row()
    changed[key] = round(changed[key] * 1.02)
    with pytest.raises(Refused, match=r"line \d+: avg_ts is .*, but .* by avg_ns"):
        read(write(row(45.0, n_depth=512), changed))


def test_means_of_repetitions_far_apart_are_no_contradiction() -> None:
    stalled = row(*[100.0] * 49, 20.0, n_depth=1024)
    parts = read(as_csv(row(20.0, 80.0, 30.0), row(10.0, 11.0, 12.0, n_depth=512), stalled))
    known = [("tg128", 43.33), ("tg128 @ d512", 11.0), ("tg128 @ d1024", 98.4)]
    assert [told(trial) for trial in trials(parts)] == known


def test_one_model_is_described_once() -> None:
    with pytest.raises(Refused, match=r"line 2: model_n_params is 1235814433, but 1235814432 .* in line 1"):
        read(as_json_lines(row(), row(60.0, model_n_params=1_235_814_433)))


def test_rows_of_one_build_have_the_same_keys() -> None:
    with pytest.raises(Refused, match=r"line 2: Of this row and the one of line 1 only one has n_threads"):
        read(as_json_lines(row(), row(60.0, n_threads=None)))


def test_a_key_that_stands_twice_is_refused() -> None:
    text = as_json_lines(row()).replace('"n_gen": 128', '"n_gen": 128, "n_gen": 64')
    with pytest.raises(Refused, match="line 1: The key 'n_gen' stands there twice"):
        read(text)


def test_a_csv_with_more_values_than_names_is_refused() -> None:
    text = as_csv(row()).replace("backends,", "", 1)
    with pytest.raises(Refused, match=r"line 2: 32 values under 31 names: which is which cannot be told"):
        read(text)


@pytest.mark.parametrize("part", ["backends, ", "'CUDA', "])
def test_an_sql_statement_with_other_values_than_names_is_refused(part: str) -> None:
    statement = as_sql(row()).splitlines()[-1]
    with pytest.raises(Refused, match=r"line 1: 3[12] values under 3[12] names: which is which cannot be told"):
        read(statement.replace(part, "", 1))


def test_commas_and_quotes_inside_values_are_part_of_them() -> None:
    text = as_csv(row(gpu_info='Accelerate, Apple ""M9""'))
    assert read(text)[0].engine.devices == ("Accelerate", 'Apple "M9"')


# -------------------------------------------------------------------------------------------- cut off, mixed


@pytest.mark.parametrize("write", [as_json, as_json_lines, as_csv, as_sql])
def test_a_file_cut_off_anywhere_keeps_its_whole_rows(write: Callable[..., str]) -> None:
    rows = [row(1000.0, n_prompt=512, n_gen=0), row(50.0), row(45.0, n_depth=512)]
    whole = write(*rows)
    known = [told(trial) for trial in trials(read(whole))]
    kept = set()
    for end in range(0, len(whole) - 2, 3):
        try:
            parts = read(whole[:end])
        except Refused as refused:
            assert "no row" in str(refused), end
            continue
        found = [told(trial) for trial in trials(parts)]
        assert found == known[: len(found)], end
        kept.add(len(found))
        if whole[:end].count("avg_ts") > 0 and write is as_json:
            assert "cut off" in remarks(parts), end
    assert kept >= {1, 2}


def test_a_log_around_and_between_rows_is_passed_over() -> None:
    lines = as_json_lines(row(), row(60.0)).splitlines()
    text = "\n".join(["ggml_init: found {1} device", lines[0], "a [warning]: slow", "", lines[1], "done."])
    assert len(trials(read(text))) == 4


def test_an_array_in_the_middle_of_a_log_is_found() -> None:
    assert len(trials(read("warning: debug build\n" + as_json(row(), row(60.0)) + "done\n"))) == 4


def test_the_form_that_tells_most_counts() -> None:
    text = HEADING + table_row("tg128", "50.00 ± 0.50") + BUILT + as_json(row())
    parts = read(text)
    assert len(trials(parts)) == 3
    assert "Left out: the table beside the JSON, rows: 1." in remarks(parts)


def test_part_of_a_row_is_refused_where_it_is_not_the_end() -> None:
    lines = as_json_lines(row(), row(60.0)).splitlines()
    with pytest.raises(Refused, match="line 2: Part of a row, without its beginning"):
        read("\n".join([lines[0], lines[1][400:]]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[\n", "no row"),
        ('main: error: failed to load model "x"\nllama-bench: bye', "could not be loaded"),
        (HEADING, "ended before its first result"),
        (HEADING + "cudaMalloc failed: out of memory\n", "memory ran out"),
        ("llama-bench: benchmark 1/6: starting\n", "no row"),
        ('{"bench_raw": {"build_commit": "x"}}', "no row"),
    ],
)
def test_a_run_without_a_result_is_refused_with_what_is_known(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=f"^theirs: .*{reason}"):
        importers.read(text, "theirs")


# -------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("pp512", "pp512"),
        ("pp 512", "pp512"),
        ("tg128", "tg128"),
        ("tg 128", "tg128"),
        ("pp2048 @ d16384", "pp2048 @ d16384"),
        ("tg32 @ d32768", "tg32 @ d32768"),
    ],
)
def test_a_test_has_many_spellings(test: str, name: str) -> None:
    [part] = read(HEADING + table_row(test, "94.48 ± 0.13") + BUILT)
    assert told(part.trials[0]) == (name, 94.48)
    assert part.engine.version == "b9000"


@pytest.mark.parametrize(
    "rate", ["94.48 ± 0.13", "94.48 ┬▒ 0.13", "94.48 Â± 0.13", "94.48 +/- 0.13", "**94.48 ± 0.13**"]
)
def test_the_sign_between_may_have_suffered(rate: str) -> None:
    assert told(read(HEADING + table_row("tg128", rate) + BUILT)[0].trials[0]) == ("tg128", 94.48)


def test_a_table_tells_less_of_model_and_options() -> None:
    text = (
        "| model | size | params | backend | ngl | fa | mmap | moe-cache | test | t/s |\n"
        "| qwen3moe 235B.A22B Q3_K - Medium |  96.99 GiB | 235.09 B | BLAS,MTL | 99 | 1 | 0 | lru | tg64 "
        "| 9.50 ± 0.10 |\n"
    )
    [part] = read(text + BUILT)
    model = part.trials[0].model
    assert (model.name, model.quantisation, model.architecture) == ("qwen3moe 235B.A22B", "Q3_K_M", "qwen3moe")
    assert (model.parameters, model.parameters_active) == (235_090_000_000, 22_000_000_000)
    assert model.file_bytes == round(96.99 * 2**30)
    assert part.options == {"n_gpu_layers": 99, "flash_attn": 1, "use_mmap": False, "moe-cache": "lru"}
    assert (part.engine.build, part.engine.devices) == ("BLAS,Metal, commit abcdef12", None)


def test_tables_of_two_runs_in_one_post_may_have_other_columns() -> None:
    other = HEADING.replace(" ngl |", " threads | fa |", 1)
    line = "| llama 1B Q4_K - Medium | 762.94 MiB | 1.24 B | CPU | 8 | 0 | tg128 | 12.00 ± 0.01 |\n"
    post = f"First:\n\n{HEADING}{table_row('tg128', '50.00 ± 0.10')}{BUILT}\nThen:\n"
    first, second = read(f"{post}{other}{line}\nbuild: 12345678 (9001)\n")
    assert (first.engine.version, second.engine.version) == ("b9000", "b9001")
    assert second.options == {"threads": 8, "flash_attn": 0}
    assert "cut off" not in remarks((first, second))


def test_other_tables_and_lines_are_passed_over() -> None:
    mine = HEADING + "SYCL | warning: | something\n" + table_row("tg128", "50.00 ± 0.10") + BUILT
    text = f"| card | price |\n| --- | --- |\n| A | 5 |\n\n> nice\n{mine}\n| verdict |\n| good |\n"
    assert [told(trial) for trial in trials(read(text))] == [("tg128", 50.0)]


def test_a_quoted_and_indented_table_is_a_table() -> None:
    text = "".join(f"> {line}\n" for line in (HEADING + table_row("tg128", "50.00 ± 0.10") + BUILT).splitlines())
    assert [told(trial) for trial in trials(read(text))] == [("tg128", 50.0)]


def test_a_table_without_its_build_is_told() -> None:
    parts = read(HEADING + table_row("tg128", "50.00 ± 0.10"))
    assert parts[0].engine.version is None
    assert "It was cut off: 1 whole row (no line names the build" in remarks(parts)


def test_a_table_cut_off_anywhere_keeps_its_whole_rows() -> None:
    whole = HEADING + table_row("pp512", "999.00 ± 1.00") + table_row("tg128", "50.00 ± 0.10") + BUILT
    known = [told(trial) for trial in trials(read(whole))]
    for end in range(len(HEADING), len(whole) - 1):
        try:
            parts = read(whole[:end])
        except Refused as refused:
            assert "no row" in str(refused), end
            continue
        found = [told(trial) for trial in trials(parts)]
        assert found == known[: len(found)], end
        assert "cut off" in remarks(parts), end


BAD_ROWS = [
    (table_row("xx512", "50.00 ± 0.10"), "The test is 'xx512'"),
    (table_row("tg", "50.00 ± 0.10"), "The test is 'tg'"),
    (table_row("tg128", "50.00"), "t/s is '50.00'"),
    (table_row("tg128", "5O.00 ± 0.10"), "t/s is '5O.00"),
    (table_row("tg128", "0.00 ± 0.00"), "t/s is '0.00', which cannot be"),
    (table_row("tg128", "50,00 ± 0,10"), "t/s is '50,00"),
    (table_row("tg128", "50.00 ± 0.10").replace("MiB", "MB"), "size is '762.94 MB'"),
    (table_row("tg128", "50.00 ± 0.10").replace("MiB", "GiB"), "bits each"),
    (table_row("tg128", "50.00 ± 0.10").replace("1.24 B", "many"), "params is 'many'"),
    (table_row("tg128", "50.00 ± 0.10").replace("| 99 |", "|"), "6 cells under 7 names"),
    (table_row("tg128", "50.00 ± 0.10").replace("| 99 |", "| 9 9 | 9 |"), "8 cells under 7 names"),
    (table_row("tg128", "50.00 ± 0.10")[1:], "A damaged row"),
    (table_row("tg128", "50.00 ± 0.10", model="Q4_0"), "does not name its model"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_ROWS, ids=[reason for _, reason in BAD_ROWS])
def test_a_damaged_row_of_a_table_is_refused(line: str, reason: str) -> None:
    with pytest.raises(Refused, match=rf"theirs, line 4: .*{reason}"):
        read(HEADING + table_row("pp512", "999.00 ± 1.00") + line + BUILT)


def test_rows_without_a_heading_are_refused() -> None:
    with pytest.raises(Refused, match="line 1: A row without its heading above it"):
        read(table_row("tg128", "50.00 ± 0.10") + BUILT)


def test_a_heading_with_a_column_twice_is_refused() -> None:
    with pytest.raises(Refused, match="line 1: The column 'ngl' stands there twice"):
        read(HEADING.replace("| ngl |", "| ngl | ngl |") + BUILT)


# ----------------------------------------------------------------------------------------- recorded first-hand

RECORDED = [
    ("smollm2-r3-p64n16-d0-256.json", 12, ("pp64", 21.08), False),
    ("smollm2-r3-p64n16-d0-256.jsonl", 12, ("pp64", 353.06), False),
    ("smollm2-r3-p64n16-d0-256.csv", 4, ("pp64", 21.92), False),
    ("smollm2-r3-p64n16-d0-256.sql", 4, ("pp64", 299.82), False),
    ("smollm2-r3-p64n16-d0-256.md", 4, ("pp64", 79.03), False),
    ("smollm2-r3-p64n16.json", 6, ("pp64", 21.4), False),
    ("smollm2-r3-p64n16.md", 2, ("pp64", 21.11), False),
    ("smollm2-fa-sweep.csv", 6, ("pp16", 329.56), False),
    ("smollm2-means.sql", 6, ("pp16", 329.56), False),
    ("smollm2-fa-ctkv-q8_0-loadmode.md", 4, ("pp32", 298.81), False),
    ("smollm2-threads1-2-pg32-8.md", 4, ("pp32", 180.8), False),
    ("smollm2-tg-only-r1.jsonl", 1, ("tg8", 135.92), False),
    ("two-models-r1.jsonl", 4, ("pp16", 122.78), False),
    ("smollm2-killed.json", 4, ("pp64", 156.5), True),
    ("smollm2-killed.jsonl", 4, ("pp64", 136.77), False),
    ("smollm2-killed.csv", 3, ("pp64", 167.97), False),
    ("smollm2-killed.sql", 2, ("pp64", 159.23), False),
    ("smollm2-killed.md", 2, ("pp64", 117.06), True),
    ("second-model-missing.json.stdout.txt", 2, ("pp16", 269.03), True),
]


@pytest.mark.parametrize(("file", "count", "first", "cut"), RECORDED, ids=[file for file, *_ in RECORDED])
def test_recorded_runs_are_read_as_they_were(file: str, count: int, first: tuple[str, float], cut: bool) -> None:
    parts = importers.read(FIXTURES / file, file)
    found = trials(parts)
    assert len(found) == count
    assert told(found[0]) == first
    assert ("cut off" in remarks(parts)) == cut
    assert {trial.model.quantisation for trial in found} <= {"Q4_1", "Q4_0"}
    assert all(part.engine.devices == () for part in parts)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("missing-model.json.stdout.txt", "no row"),
        ("missing-model.stderr.txt", "model could not be loaded"),
        ("bad-format.stdout.txt", "no row"),
        ("smollm2-threads1-2-pg32-8.progress.stderr.txt", "no row"),
        ("version.txt", "no file that can be imported"),
    ],
)
def test_what_has_no_result_is_refused(file: str, reason: str) -> None:
    with pytest.raises(Refused, match=rf"^{file}: .*{reason}"):
        importers.read(FIXTURES / file, file)


def test_every_recorded_file_is_tested() -> None:
    tested = {file for file, *_ in RECORDED} | {
        "missing-model.json.stdout.txt",
        "missing-model.stderr.txt",
        "bad-format.stdout.txt",
        "smollm2-threads1-2-pg32-8.progress.stderr.txt",
        "version.txt",
    }
    assert {file.name for file in FIXTURES.iterdir()} == tested


def test_samples_of_json_lines_are_those_of_the_file() -> None:
    text = (FIXTURES / "smollm2-r3-p64n16-d0-256.jsonl").read_text()
    samples = [rate for line in text.splitlines() for rate in json.loads(line)["samples_ts"]]
    found = [trial.prefill_tok_s or trial.decode_tok_s for trial in trials(read(text))]
    assert found == pytest.approx(samples, rel=1e-5)
