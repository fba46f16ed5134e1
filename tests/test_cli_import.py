"""``tpsprofile import``: other tools' files as results that are marked as reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.importers.bench_rows import as_json, row
from tpsprofile import importers, merge, store
from tpsprofile.analysis.courses import plainest
from tpsprofile.analysis.points import summarise
from tpsprofile.cli import main
from tpsprofile.errors import ResultsError
from tpsprofile.records import EngineInfo, Run, Trial
from tpsprofile.units import GIB

FIXTURES = Path(__file__).parent / "importers"
SESSION = FIXTURES / "ollama_verbose" / "session.txt"
NAMELESS = FIXTURES / "ollama_verbose" / "0.13.0-verbose.txt"
BENCH = FIXTURES / "ollama_bench" / "0.33.0-rc2-csv.csv"
SCORE = FIXTURES / "localscore" / "made-up-m2-max.json"
BENCHY = FIXTURES / "llama_benchy" / "pp64-tg16-cached.json"
M2 = ("--machine", "M2 Max 64GB")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str | Path, given: bytes = b"", command: str = "import") -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, [command, *map(str, arguments)], input=given)


def imported(*arguments: str | Path) -> list[Run]:
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return [store.read(path) for path in store.find([Path("results")])]


def refused(result: Result, status: int, *words: str) -> None:
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr
    assert not Path("results").exists()


def test_an_import_is_a_results_file_marked_as_reported(here: Path) -> None:
    [run] = imported(SESSION, *M2, "--source", "Jo, by mail")
    header = run.header
    assert (header.provenance.kind, header.provenance.source) == ("as reported", "Jo, by mail")
    assert header.provenance.method == "ollama run --verbose"
    assert (header.machine.label, header.machine.chip) == ("M2 Max 64GB", "Apple M2 Max")
    assert header.machine.ram_bytes == 64 * GIB
    assert [trial.decode_tok_s for trial in run.trials] == [50.0, 40.0]
    assert run.path is not None
    path = Path(run.path)
    assert path.parent == Path("results/m2-max-64gb")
    assert path.name.startswith("undated-001-ollama-run-verbose-")


def test_what_was_imported_is_shown_with_what_is_to_be_said_of_it() -> None:
    result = call(BENCH, *M2)
    lines = result.stdout.splitlines()
    assert lines[:2] == ["M2 Max 64GB", "as reported: ollama bench"]
    assert lines[2].split() == ["model", "size", "weights", "prefill", "tok/s", "trials"]
    assert lines[3].split() == ["smollm2:135m", "135M", "Q4_1", "241", "101", "3"]
    assert "Prefill is not verified" in result.stdout
    assert "tpsprofile plot results" in result.stdout
    assert max(map(len, (line for line in lines if "results/" not in line))) <= 80


def test_importing_the_same_file_twice_makes_no_second_copy() -> None:
    first = imported(BENCH, *M2)
    again = call(BENCH, *M2)
    assert again.exit_code == 0
    assert "there    results" in again.stdout
    assert "tpsprofile plot" not in again.stdout
    assert [store.read(path) for path in store.find([Path("results")])] == first


def test_another_import_of_a_file_shows_what_is_there_not_what_is_said_now() -> None:
    call(NAMELESS, *M2, "--model", "first:1b")
    again = call(NAMELESS, *M2, "--model", "other:7b")
    assert "first:1b" in again.stdout
    assert "other:7b" not in again.stdout


def test_a_source_that_nobody_named_is_not_the_tool() -> None:
    [run] = imported(BENCH, *M2)
    assert (run.header.provenance.source, run.header.provenance.method) == (None, "ollama bench")


def test_a_copy_imported_into_another_folder_counts_once() -> None:
    for folder in ("one", "two"):
        assert call(BENCH, *M2, "--out", folder).exit_code == 0
    assert len(merge.gather([Path("one"), Path("two")]).table) == 3


def test_standard_input_is_a_file_like_any_other() -> None:
    result = call("-", *M2, "--model", "smollm2:135m", given=NAMELESS.read_bytes())
    assert result.exit_code == 0, result.output
    [run] = [store.read(path) for path in store.find([Path("results")])]
    assert {trial.model.name for trial in run.trials} == {"smollm2:135m"}
    assert imported(NAMELESS, *M2, "--model", "smollm2:135m") == [run]


def test_what_the_file_says_of_its_machine_is_taken_where_none_is_described() -> None:
    [run] = imported(SCORE)
    assert (run.header.machine.label, run.header.machine.ram_bytes) == ("Apple M2 Max 64 GB", 64 * GIB)
    assert run.header.machine.bandwidth_spec_bytes_s == 400e9
    assert run.header.machine.id.startswith("named-")


def test_the_machine_that_is_described_goes_before_the_file() -> None:
    [run] = imported(SCORE, "--machine", "RTX 4090")
    assert run.header.machine.chip == "NVIDIA GeForce RTX 4090"


def test_the_user_fills_in_what_the_file_does_not_say() -> None:
    said = ("--model", "smollm2:135m", "--parameters", "135M", "--quant", "Q4_1", "--engine", "vllm")
    [run] = imported(BENCHY, *M2, *said, "--engine-version", "0.9")
    model = run.trials[0].model
    assert (model.name, model.parameters, model.quantisation) == ("smollm2:135m", 135_000_000, "Q4_1")
    assert run.header.engine == EngineInfo(name="vllm", version="0.9")


def test_a_size_that_only_the_name_tells_is_said_to_be_from_there() -> None:
    result = call(SESSION, *M2)
    assert "llama3.2:3b: parameters as the name tells them." in result.stdout
    [run] = [store.read(path) for path in store.find([Path("results")])]
    assert run.trials[0].model.parameters == 3_212_749_824


def test_a_model_without_any_size_is_told_how_to_get_one() -> None:
    result = call(NAMELESS, *M2, "--model", "mystery")
    assert "mystery: size not known, so on no chart. Give it: --parameters 8.03B." in " ".join(
        result.stdout.split()
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((BENCH,), ["0.33.0-rc2-csv.csv: It does not say which machine", '--machine "M2 Max 64GB"']),
        ((NAMELESS, *M2), ["It does not say which model", "--model llama3.2:1b"]),
        ((BENCH, *M2, "--quant", "Q8_0"), ["The quantisation is Q4_1 in it, not Q8_0"]),
        ((BENCH, *M2, "--engine", "vllm"), ["The engine is ollama in it, not vllm"]),
        ((SCORE, "--engine-version", "1.0"), ["The version of the engine is 0.9.3 in it, not 1.0"]),
        ((BENCH, "--machine", " "), ["--machine is empty"]),
        ((BENCH, *M2, "--source", "a\nb"), ["--source is empty, or has signs that do not print"]),
        ((BENCH, "--machine", "A100"), ["fits several chips"]),
        ((BENCH, *M2, "--parameters", "many"), ["is not a parameter count"]),
        ((BENCH, *M2, "--format", "ollama-bnch"), ["Did you mean 'ollama-bench'"]),
    ],
)
def test_what_is_not_said_or_contradicts_the_file_is_asked_for(
    arguments: tuple[str | Path, ...], words: list[str]
) -> None:
    refused(call(*arguments), 2, *words)


def test_a_processor_that_the_file_names_is_suggested_as_the_machine(here: Path) -> None:
    (here / "bench.json").write_text(as_json(row(cpu_info="Apple M2 Max", gpu_info="Apple M2 Max")))
    refused(call("bench.json"), 2, "bench.json: It ran on Apple M2 Max", '--machine "Apple M2 Max, 64GB"')


def test_one_model_cannot_be_named_for_several(here: Path) -> None:
    text = BENCH.read_text()
    both = here / "both.csv"
    both.write_text(text + text.partition("\n")[2].replace("smollm2:135m", "other:1b"))
    refused(call(both, *M2, "--model", "x"), 2, "several models: smollm2:135m, other:1b", "Leave out --model")


@pytest.mark.parametrize("said", [(), ("--model", "x")])
def test_figures_without_a_model_beside_others_are_to_be_parted(here: Path, said: tuple[str, ...]) -> None:
    again = "$ ollama run a --verbose x\n$ ollama run b --verbose x\n"
    (here / "two.txt").write_text(SESSION.read_text() + again + NAMELESS.read_text())
    refused(call("two.txt", *M2, *said), 2, "which model some of its figures are of", "Make a file of each model")


def test_a_question_about_one_file_leaves_nothing_of_the_others() -> None:
    refused(call(SESSION, NAMELESS, *M2), 2, "0.13.0-verbose.txt: It does not say which model")


def test_a_damaged_file_is_named_with_its_line_and_the_others_go_on(here: Path) -> None:
    damaged = here / "damaged.csv"
    damaged.write_text(BENCH.read_text().replace("119.71", "191.71"))
    result = call(damaged, SESSION, *M2)
    assert result.exit_code == 3
    assert result.stderr.startswith(f"Left out: {damaged}, line 4: generate: 8.35354e+06 ns a token are not")
    assert len(store.find([Path("results")])) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"Dear all,\n", "no file that can be imported"), (b"", "no file that can be imported"), (b"\0", "NUL")],
)
def test_other_files_are_refused(here: Path, content: bytes, reason: str) -> None:
    file = here / "letter.txt"
    file.write_bytes(content)
    refused(call(file, *M2), 3, "letter.txt", reason)


@pytest.mark.parametrize("name", ["none.txt", "."])
def test_a_path_that_is_no_file_is_refused(name: str) -> None:
    refused(call(name, *M2), 3, f"Left out: {name}: It cannot be read")


def test_remarks_on_several_files_say_which() -> None:
    result = call(BENCH, SESSION, *M2)
    assert "session.txt: Line 36: a single token has no rate; left out." in result.stdout


def test_imported_figures_are_kept_apart_from_measured_ones() -> None:
    measured = Path(__file__).parents[1] / "results" / "amd-epyc-2-cores-24-gb"
    imported(BENCH, "--machine", "EPYC 24GB")
    summary = summarise(merge.gather([Path("results"), measured]).table)
    kinds = {series.machine: series.provenance for series in summary.series}
    assert kinds["EPYC 24GB"] == "as reported"
    result = call("EPYC, 2 cores", "EPYC 24GB", "-r", "results", "-r", measured, command="compare")
    assert result.exit_code != 0
    assert "differs in" in result.output
    assert "source" in result.output


def test_the_nine_tests_of_a_score_are_one_place_of_a_chart() -> None:
    imported(SCORE)
    summary = summarise(merge.gather([Path("results")]).table)
    assert len(summary.points) == 9
    [point] = plainest(summary).points
    assert (point.series.prompt_tokens, point.series.tokens_asked) == (16, 1536)


def markdown(*rows: str) -> str:
    """A table of llama-bench."""
    heading = (
        "| model | size | params | backend | ngl | test | t/s |\n| --- | ---: | ---: | --- | --: | ---: | ---: |"
    )
    return "\n".join([heading, *rows, "", "build: abcdef12 (4000)", ""])


SEVEN = "| llama 7B Q4_0 | 3.56 GiB | 6.74 B | Metal | 99 | {} | {} ± 0.10 |"
THIRTEEN = "| llama 13B Q4_0 | 6.86 GiB | 13.02 B | Metal | 99 | {} | {} ± 0.10 |"


def test_models_that_others_tested_otherwise_are_on_the_chart_all_the_same(here: Path) -> None:
    rows = [SEVEN.format("tg32", "60.50"), SEVEN.format("tg128", "60.00"), THIRTEEN.format("tg128", "33.00")]
    (here / "table.md").write_text(markdown(*rows, THIRTEEN.format("pp512", "400.00")))
    imported("table.md", *M2)
    points = plainest(summarise(merge.gather([Path("results")]).table)).points
    assert [(point.model, point.series.tokens_asked) for point in points] == [("llama 7B", 32), ("llama 13B", 128)]


def test_each_run_has_figures_of_its_own_on_the_screen_and_what_tells_them_apart(here: Path) -> None:
    table = markdown(SEVEN.format("tg32", "60.00"))
    (here / "one.md").write_text(table)
    (here / "two.md").write_text(table.replace("60.00", "20.00").replace("4000", "5000"))
    (here / "three.md").write_text(table.replace("60.00", "40.00").replace("99", "0"))
    result = call("one.md", "two.md", "three.md", *M2)
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("llama 7B")]
    assert [line[-2] for line in lines] == ["60.0", "20.0", "40.0"]
    shown = " ".join(result.stdout.split())
    for words in ("b5000", "n_gpu_layers 0"):
        assert words in shown
    assert max(map(len, (line for line in result.stdout.splitlines() if "results/" not in line))) <= 80


def test_runs_that_nothing_tells_apart_are_numbered(here: Path) -> None:
    for name, rate in (("one.md", "60.00"), ("two.md", "20.00")):
        (here / name).write_text(markdown(SEVEN.format("tg32", rate)))
    result = call("one.md", "two.md", *M2)
    assert re.search(r"run 1 +\S* *60\.0 +1\n.*run 2 +\S* *20\.0 +1\n", result.stdout)


@pytest.mark.parametrize("order", [("60.00", "20.00", "40.00"), ("40.00", "20.00", "60.00")])
def test_of_undated_imports_of_one_test_the_last_counts_and_that_is_said(
    here: Path, order: tuple[str, ...]
) -> None:
    for rate in order:
        (here / "table.md").write_text(markdown(SEVEN.format("tg32", rate)))
        result = call("table.md", *M2)
        shown = " ".join(result.stdout.split())
        assert ("without dates the one imported last counts, this one" in shown) == (rate != order[0])
    [point] = summarise(merge.gather([Path("results")]).table).points
    assert point.decode is not None
    assert point.decode.median == float(order[-1])


def test_a_damaged_file_beside_an_import_does_not_matter_to_it(here: Path) -> None:
    (here / "results" / "m2-max-64gb").mkdir(parents=True)
    (here / "results" / "m2-max-64gb" / "broken.jsonl").write_text("{}\n")
    assert call(BENCH, *M2).exit_code == 0


def test_of_dated_imports_of_one_test_the_newer_counts_and_that_is_said(here: Path) -> None:
    for year, rate in ((2026, 60.0), (2025, 20.0)):
        (here / f"{year}.json").write_text(as_json(row(rate, rate, test_time=f"{year}-01-02T03:04:05Z")))
    assert "Tests of it" not in call("2026.json", *M2).stdout
    assert "the newer one counts, that one" in " ".join(call("2025.json", *M2).stdout.split())


@pytest.mark.parametrize(
    ("name", "said", "sizes"),
    [
        ("llama 8x7B", (), (None, None)),
        ("llama 8x7B", ("--model", "mixtral-47b-a13b"), (46_700_000_000, 13_000_000_000)),
        ("granitemoe 47B.A800M", (), (46_700_000_000, 800_000_000)),
        ("llama 47B", (), (46_700_000_000, 46_700_000_000)),
    ],
)
def test_a_mixture_of_unknown_active_size_is_on_no_curve(
    here: Path, name: str, said: tuple[str, ...], sizes: tuple[int | None, int | None]
) -> None:
    table = markdown(f"| {name} Q4_0 | 24.63 GiB | 46.70 B | Metal | 99 | tg128 | 40.00 ± 0.10 |")
    (here / "table.md").write_text(table)
    result = call("table.md", *M2, *said)
    [run] = [store.read(path) for path in store.find([Path("results")])]
    model = run.trials[0].model
    assert (model.parameters, model.parameters_active) == sizes
    shown = " ".join(result.stdout.split())
    assert ("so on no chart. Give it in the name: --model NAME-30b-a3b" in shown) == (sizes[0] is None)


@pytest.mark.parametrize(
    ("said", "sizes"),
    [
        (("--model", "qwen3:30b-a3b", "--parameters", "30.5B"), (30_500_000_000, 3_350_000_000)),
        (("--model", "mine-30B-A3B", "--parameters", "30.5B"), (30_500_000_000, 3_000_000_000)),
        (("--model", "mixtral:8x7b", "--parameters", "46.7B"), (None, None)),
        (("--model", "mystery", "--parameters", "8.03B"), (8_030_000_000, None)),
    ],
)
def test_a_mixture_whose_total_is_given_keeps_what_its_name_tells(
    said: tuple[str, ...], sizes: tuple[int | None, int | None]
) -> None:
    [run] = imported(NAMELESS, *M2, *said)
    model = run.trials[0].model
    assert (model.parameters, model.parameters_active) == sizes


@pytest.mark.parametrize("command", ["merge", "plot"])
def test_imports_can_be_merged_and_drawn(command: str) -> None:
    imported(SCORE)
    imported(BENCH, *M2)
    result = call("results", command=command)
    assert result.exit_code == 0, result.output


def test_a_folder_that_cannot_be_made_is_told(here: Path) -> None:
    (here / "results").mkdir()
    (here / "results" / "m2-max-64gb").write_text("in the way")
    result = call(BENCH, *M2)
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: results/m2-max-64gb/")


def test_a_full_disk_leaves_no_part_of_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: store.ResultsFile, trial: Trial) -> None:
        raise ResultsError("No space left.")

    monkeypatch.setattr(store.ResultsFile, "append", full)
    assert call(BENCH, *M2).exit_code == 3
    assert store.find([here / "results"]) == []


def test_an_export_of_this_program_is_not_taken_for_somebody_elses_figures(here: Path) -> None:
    imported(SCORE)
    exported = call("results", "--format", "localscore", "-o", "out.json", command="export")
    assert exported.exit_code == 0, exported.output
    result = call("out.json")
    assert result.exit_code == 3
    assert "an export of this program's own" in result.stderr


def test_the_documentation_lists_the_formats_that_there_are() -> None:
    text = (Path(__file__).parents[1] / "docs" / "importing.md").read_text()
    assert set(re.findall(r"^\| `([a-z]+-?[a-z]+)` \|", text, re.MULTILINE)) == set(importers.FORMATS)
