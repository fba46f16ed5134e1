from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.support import header, trial
from tpsprofile import merge, schema
from tpsprofile.analysis.tasks import READING_TOK_S
from tpsprofile.cli import main
from tpsprofile.cli.plot import _METRICS
from tpsprofile.records import Outcome, Run
from tpsprofile.render import charts
from tpsprofile.render.charts import METRICS


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["plot", *map(str, arguments)])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    run = Run(header=header(), trials=(trial(ttft_s=0.1), trial(number=2, ttft_s=0.2)))
    content = schema.encode(run.header) + b"".join(map(schema.encode, run.trials))
    (tmp_path / "results" / "run.jsonl").write_bytes(content)
    merge.save(merge.table([run]), tmp_path / "all.csv")
    return tmp_path


def test_the_results_here_become_a_picture_here(here: Path) -> None:
    found = call()
    assert (found.exit_code, found.stdout) == (0, "tpsprofile.png\n")
    assert (here / "tpsprofile.png").read_bytes().startswith(b"\x89PNG")


def test_a_merged_table_is_drawn_as_its_results_are(here: Path) -> None:
    assert call("all.csv", "-o", "table.svg").exit_code == 0
    assert call("results", "-o", "results.svg").exit_code == 0
    assert Path("table.svg").read_bytes() == Path("results.svg").read_bytes()


def test_another_metric_and_line_change_the_picture(here: Path) -> None:
    for name, extra in {"a": [], "b": ["--line", "3"], "c": ["--metric", "ttft"]}.items():
        assert call("-o", f"{name}.svg", *extra).exit_code == 0
    assert len({Path(f"{name}.svg").read_bytes() for name in "abc"}) == 3


def test_the_line_may_be_what_a_reader_takes_in(here: Path) -> None:
    for line, name in (("reading", "a.svg"), ("Reading", "b.svg"), (str(READING_TOK_S), "c.svg")):
        assert call("--line", line, "-o", name).exit_code == 0
    assert (here / "a.svg").read_bytes() == (here / "b.svg").read_bytes() == (here / "c.svg").read_bytes()


def test_all_metrics_that_have_figures_get_a_file_each(here: Path) -> None:
    found = call("--metric", "all", "-o", "us.svg")
    assert found.stdout.split() == ["us-tokens.svg", "us-ttft.svg"]
    assert sorted(path.name for path in here.glob("us*")) == ["us-tokens.svg", "us-ttft.svg"]


def test_cases_of_a_model_are_drawn_against_each_other(here: Path) -> None:
    work = trial().workload
    rows = [trial(workload=msgspec.structs.replace(work, depth_tokens=depth)) for depth in (0, 2048)]
    (here / "results" / "run.jsonl").write_bytes(schema.encode(header()) + b"".join(map(schema.encode, rows)))
    assert call("--metric", "depth").stdout == "tpsprofile.png\n"
    assert call("--metric", "all", "-o", "us.svg").stdout.split() == ["us-tokens.svg", "us-depth.svg"]


def test_the_choice_of_metrics_is_that_of_the_charts() -> None:
    assert (*METRICS, charts.ENGINES) == _METRICS


def test_a_damaged_file_is_named_and_the_rest_drawn(here: Path) -> None:
    (here / "results" / "bad.jsonl").write_text("not ours\n")
    found = call()
    assert found.exit_code == 3
    assert "bad.jsonl" in found.stderr
    assert (here / "tpsprofile.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere"], 3, "nowhere does not exist"),
        (["-o", "chart.gif"], 2, ".gif"),
        (["-o", "no/chart.png"], 3, "cannot be written"),
        (["--metric", "speed"], 2, "speed"),
        (["--metric", "load"], 3, "nothing to draw"),
        (["--metric", "depth"], 3, "tpsprofile sweep --depth 0,4096"),
        (["--metric", "sustained"], 3, "tpsprofile sweep --sustain 10m"),
        (["--line", "0"], 2, "above 0"),
        (["--line", "nan"], 2, "above 0"),
        (["--line", "fast"], 2, "fast"),
    ],
)
def test_what_cannot_be_done_is_said_on_one_line(here: Path, arguments: list[str], code: int, says: str) -> None:
    found = call(*arguments)
    assert found.exit_code == code
    assert says in found.stderr.splitlines()[-1]
    assert "Traceback" not in found.output
    assert not list(here.glob("*.png"))


@pytest.mark.parametrize("metric", ["tokens", "all"])
def test_results_without_a_figure_say_why(here: Path, metric: str) -> None:
    bad = trial(outcome=Outcome.DOES_NOT_FIT, reason="needs 46 GiB")
    (here / "results" / "run.jsonl").write_bytes(schema.encode(header()) + schema.encode(bad))
    found = call("--metric", metric)
    assert found.exit_code == 3
    assert "needs 46 GiB" in found.stderr


def test_help_has_examples() -> None:
    assert "tpsprofile plot --metric load -o load.pdf" in call("--help").stdout
