from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support import header, trial
from tpsprofile import merge, schema
from tpsprofile.analysis.points import summarise
from tpsprofile.cli import main
from tpsprofile.records import Machine, Memory, ModelFacts, Outcome, Provenance, Run, Trial
from tpsprofile.render.tables import HEADINGS, blocks, fitting

LONG = ModelFacts(
    name="qwen2.5-coder:32b-instruct", parameters=32_760_000_000, quantisation="Q4_K_M", synthetic=True
)
TRIALS = (
    trial(ttft_s=0.061, load_first_s=1.2, memory=Memory(rss_bytes=2 * 1024**3), warnings=()),
    trial(number=2, decode_engine_s=0.5, warnings=("busy",)),
    trial(model=LONG, decode_engine_s=4.0, warnings=("busy",)),
    trial("qwen2.5:72b", outcome=Outcome.DOES_NOT_FIT, reason="needs 46.1 GiB, 21.9 GiB free"),
)


def write(path: Path, *trials: Trial, **changes: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(schema.encode(header(**changes)) + b"".join(map(schema.encode, trials)))
    return path


def call(*arguments: str | Path, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["merge", *map(str, arguments)])


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "results" / "mine" / "run.jsonl", *TRIALS)


def test_the_summary_of_the_results_here(results: Path) -> None:
    found = call(width=120)
    assert found.exit_code == 0
    lines = [line.split() for line in found.stdout.splitlines()]
    assert ["Test", "Chip,", "16", "GB"] in lines
    assert [
        "llama3.2:1b",
        "1.2B",
        "Q8_0",
        "15.0",
        ">100%",
        "2",
        "D",
        "61",
        "ms",
        "1.2",
        "s",
        "2.0",
        "GiB",
    ] in lines
    assert "qwen2.5:72b (1.2B): does not fit: needs 46.1 GiB, 21.9 GiB free" in found.stdout
    assert "◦ synthetic weights" in found.stdout
    assert "4 rows from 1 file, 1 machine." in found.stdout


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_summary_fits_and_is_plain_where_there_is_no_terminal(results: Path, width: int) -> None:
    found = call(width=width)
    assert max(map(len, found.stdout.splitlines())) <= width
    assert "\x1b" not in found.stdout
    assert "qwen2.5-coder:32b-instruct" in found.stdout
    assert "2.50" in found.stdout


def test_a_saved_table_holds_a_row_a_trial(results: Path) -> None:
    found = call("results", "-o", "all.csv")
    assert found.exit_code == 0
    assert "Saved 4 rows to all.csv" in found.stdout
    assert len(merge.load(Path("all.csv"))) == 4


def test_json_is_nothing_but_the_summary(results: Path) -> None:
    found = call("results", "--json", "-o", "all.json")
    document = json.loads(found.stdout)
    assert [point["model"] for point in document["points"]] == ["llama3.2:1b", LONG.name]
    assert document["points"][0]["decode"] == {"median": 15.0, "low": 10.0, "high": 20.0, "n": 2}
    assert document["points"][1]["ttft"] is None
    assert document["absent"][0]["outcome"] == "does not fit"
    assert Path("all.json").exists()


def test_a_damaged_file_is_named_on_one_line_and_the_rest_goes_on(results: Path) -> None:
    Path("results/bad.jsonl").write_text("not ours\n")
    found = call("-o", "all.csv")
    assert found.exit_code == 3
    (line,) = found.stderr.splitlines()
    assert line.startswith("Left out: results/bad.jsonl")
    assert "llama3.2:1b" in found.stdout
    assert len(merge.load(Path("all.csv"))) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere"], 3, "nowhere does not exist"),
        (["results", "-o", "all.xlsx"], 2, "all.xlsx cannot be written as .xlsx"),
        (["results", "-o", "no/all.csv"], 3, "no/all.csv cannot be written"),
        (["empty"], 3, "tpsprofile sweep"),
        (["results", "--nonsense"], 2, "--nonsense"),
    ],
)
def test_what_cannot_be_done_is_said_on_one_line(
    results: Path, arguments: list[str], code: int, says: str
) -> None:
    Path("empty").mkdir()
    found = call(*arguments)
    assert found.exit_code == code
    assert says in found.stderr.splitlines()[-1]
    assert "Traceback" not in found.output


def test_without_any_results_a_sweep_is_advised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = call()
    assert found.exit_code == 3
    assert "tpsprofile sweep" in found.stderr


def test_help_has_examples() -> None:
    found = call("--help")
    assert "tpsprofile merge results/ -o all.csv" in found.stdout


SIZES = ((1, "Q8_0"), (3, "Q4_K_M"))
QUANTISED = ModelFacts(name="llama3.2:1b", parameters=1_235_814_400, quantisation="Q4_K_M")
THREE = ModelFacts(name="llama3.2:3b", parameters=3_212_749_824, quantisation="Q4_K_M")


def three_machines(results: Path) -> None:
    """A machine like that of ``results``, one with another quantisation, and one with another model."""
    both = (trial(), trial(model=THREE))
    results.unlink()
    write(results.parent.parent / "a" / "run.jsonl", *both)
    for name, rows in {"b": both, "c": (trial(model=QUANTISED),), "d": (trial("phi4:14b"),)}.items():
        machine = Machine(id=name, chip=f"Chip {name.upper()}", ram_bytes=16 * 1024**3)
        write(results.parent.parent / name / "run.jsonl", *rows, run=name, machine=machine)


def test_what_can_be_compared_is_explained_for_each_two_machines(results: Path) -> None:
    three_machines(results)
    found = call("--explain", width=200)
    assert found.exit_code == 0
    assert found.stdout.splitlines() == [
        "Test Chip, 16 GB / Chip B, 16 GB: 2 models alike",
        "  alike: llama3.2:1b, llama3.2:3b",
        "Test Chip, 16 GB / Chip C, 16 GB: no model alike",
        "  llama3.2:1b differs in quantisation (Q8_0, Q4_K_M)",
        "  only on Test Chip, 16 GB: llama3.2:3b",
        "Chip B, 16 GB / Chip C, 16 GB: no model alike",
        "  llama3.2:1b differs in quantisation (Q8_0, Q4_K_M)",
        "  only on Chip B, 16 GB: llama3.2:3b",
        "Test Chip, 16 GB / Chip D, 16 GB: no model in common",
        "Chip B, 16 GB / Chip D, 16 GB: no model in common",
        "Chip C, 16 GB / Chip D, 16 GB: no model in common",
        "Test Chip, 16 GB: sizes differ in quantisation (Q8_0, Q4_K_M); a fit by parameters may be off.",
        "Chip B, 16 GB: sizes differ in quantisation (Q8_0, Q4_K_M); a fit by parameters may be off.",
        "To measure alike, run the same plan on both machines: tpsprofile sweep. "
        "To compare all the same: tpsprofile compare A B --allow quantisation",
    ]


@pytest.mark.parametrize("width", [60, 80])
def test_the_explanation_fits(results: Path, width: int) -> None:
    three_machines(results)
    assert max(map(len, call("--explain", width=width).stdout.splitlines())) <= width


def test_the_explanation_for_a_program(results: Path) -> None:
    three_machines(results)
    document = {(pair["a"], pair["b"]): pair for pair in json.loads(call("--explain", "--json").stdout)}
    assert document["Test Chip, 16 GB", "Chip B, 16 GB"]["alike"] == ["llama3.2:1b", "llama3.2:3b"]
    assert document["Chip B, 16 GB", "Chip C, 16 GB"] == {
        "a": "Chip B, 16 GB",
        "b": "Chip C, 16 GB",
        "alike": [],
        "unlike": [{"model": "llama3.2:1b", "differences": {"quantisation": ["Q8_0", "Q4_K_M"]}}],
        "only_a": ["llama3.2:3b"],
        "only_b": [],
    }


def test_what_a_reporter_left_out_is_said_of_models_alike(results: Path) -> None:
    silent = trial(model=ModelFacts(name="llama3.2:1b", parameters=10**9))
    for name in ("x", "y"):
        machine = Machine(id=name, chip=f"Chip {name}")
        write(
            results.parent.parent / "told" / f"{name}.jsonl",
            silent,
            run=name,
            machine=machine,
            provenance=Provenance(kind="as reported", source="a paper"),
        )
    found = call("results/told", "--explain").stdout
    assert found.startswith("Chip x / Chip y: 1 model alike\n  alike: llama3.2:1b\n  quantisation not known")
    assert "--allow" not in found


def test_one_machine_alone_says_which_quantisations_its_fit_mixes(results: Path) -> None:
    facts = [ModelFacts(name=f"m{n}", parameters=n * 10**9, quantisation=q, file_bytes=n) for n, q in SIZES]
    write(results, *(trial(model=one) for one in facts))
    assert call("--explain", width=120).stdout.splitlines() == [
        "There is one machine: nothing to compare.",
        "Test Chip, 16 GB: sizes differ in quantisation (Q8_0, Q4_K_M); the fit works in bytes.",
    ]


def test_many_models_are_counted(results: Path) -> None:
    write(results, *(trial(f"m{n}") for n in range(9)), trial())
    machine = Machine(id="b", chip="Chip B")
    write(results.parent.parent / "b" / "run.jsonl", trial(), run="b", machine=machine)
    assert "  only on Test Chip, 16 GB: m0, m1, m2, m3, m4, m5, 3 more" in call("--explain", width=120).stdout


def test_columns_are_dropped_by_importance_and_when_all_unknown() -> None:
    run = Run(header=header(), trials=TRIALS)
    (block,) = blocks(summarise(merge.table([run])))
    assert set(HEADINGS) - set(fitting(block.rows, 200)) == {"prefill"}
    assert set(HEADINGS) - set(fitting(block.rows, 80)) == {"memory", "load", "prefill"}
    assert fitting(block.rows, 60) == ("model", "rate", "width", "grade", "ttft")
    assert fitting(block.rows, 40) == ("model", "rate", "grade")
    assert fitting(block.rows, 10) == ("model", "rate")
    silent = Run(header=header(), trials=(trial(),))
    (block,) = blocks(summarise(merge.table([silent])))
    assert not {"memory", "grade"} & set(fitting(block.rows, 200))


def test_warnings_stand_below_their_block_with_advice(results: Path) -> None:
    found = " ".join(call(width=80).stdout.split())
    advised = "other programs used more than 10% of the processors. Close other programs and run again."
    assert f"busy (llama3.2:1b and {LONG.name}): {advised}" in found
    assert "erratic (llama3.2:1b): the interval is wider than ±30%. " in found
    assert found.count("busy") == 1


def test_a_model_below_the_line_is_marked() -> None:
    run = Run(header=header(), trials=TRIALS)
    (block,) = blocks(summarise(merge.table([run])), line_tok_s=10.0)
    assert [row.slow for row in block.rows] == [False, True]


def test_foreign_files_alone_make_no_table(tmp_path: Path) -> None:
    foreign = tmp_path / "README.md"
    foreign.write_text("# Hello")
    out = tmp_path / "x.csv"
    result = CliRunner().invoke(main, ["merge", str(foreign), "-o", str(out)])
    assert result.exit_code == 3
    assert "README.md" in result.stderr
    assert not out.exists()
