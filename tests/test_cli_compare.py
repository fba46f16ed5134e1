from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.comparisons import absent, estimate
from tests.comparisons import compared as by_hand
from tests.test_comparison import TEN, compared, fast, gone, rows, slow
from tests.test_controls import service
from tests.test_docs import ROOT
from tests.test_like import on
from tpsprofile import schema
from tpsprofile.analysis.like import Who
from tpsprofile.analysis.limits import Estimate, Limit, What
from tpsprofile.analysis.speed import Crossing, End
from tpsprofile.analysis.summary import Summary
from tpsprofile.analysis.tasks import READING_TOK_S
from tpsprofile.cli import main
from tpsprofile.cli.limits import allowed, chosen_limit
from tpsprofile.errors import UsageError
from tpsprofile.records import EngineInfo, ModelFacts, Outcome, Run
from tpsprofile.render import beside, charts
from tpsprofile.render.compared import end, ends, short_names, subject, table
from tpsprofile.render.gains import gains
from tpsprofile.render.verdicts import lead, notes, verdict


def call(*arguments: str | Path, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["compare", *map(str, arguments)])


def write(folder: Path, *runs: Run) -> None:
    folder.mkdir(exist_ok=True)
    for number, run in enumerate(runs):
        content = schema.encode(run.header) + b"".join(map(schema.encode, run.trials))
        (folder / f"{number}.jsonl").write_bytes(content)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "results", slow(*rows(14, 8)), fast(*rows(14, 12)))
    return tmp_path


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_two_laptops_by_parts_of_their_names(shipped: None) -> None:
    found = call("M2 Max", "M4 Max")
    assert found.exit_code == 0
    assert found.stdout.startswith("Apple M2 Max → Apple M4 Max 128 GB\n")
    lines = [line.split() for line in found.stdout.splitlines()]
    assert ["model", "size", "M2", "Max", "M4", "Max", "faster", "by", "10", "tok/s"] in lines
    assert ["llama3.2:1b", "1.2B", "160", "200", "1.25×", "both"] in lines
    assert ["qwen2.5-coder:32b", "32.8B", "14.0", "20.0", "1.43×", "both"] in lines
    assert ["qwen2.5:72b", "class", "72.7B", "7.00", "9.00", "1.29×", "neither"] in lines
    said = " ".join(found.stdout.split())
    assert "all 1.32× [" in said
    assert "M4 Max is 25% faster than M2 Max at 1.2B (least) and 43% faster at 32.8B (most)" in said
    assert "It gains and loses no model: qwen2.5:72b class is too slow on either, at 7.00 and 9.00 tok/s." in said
    assert "1 to 2 trials a point, as reported: a published comparison of two laptops." in said
    assert "quantisation not reported" in said


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_and_is_plain_where_there_is_no_terminal(shipped: None, width: int) -> None:
    found = call("M2 Max", "M4 Max", width=width)
    assert max(map(len, found.stdout.splitlines())) <= width
    assert "\x1b" not in found.stdout
    assert "qwen2.5-coder" in found.stdout
    assert "1.32× [1.21 1.45]" in found.stdout


def test_without_names_the_two_machines_there_are(here: Path) -> None:
    found = call()
    assert found.exit_code == 0
    assert found.stdout.startswith("A, 16 GB → B, 16 GB\n")
    assert "It gains m14 (was too slow)." in " ".join(found.stdout.split())


def test_the_first_name_is_the_machine_that_one_has(here: Path) -> None:
    said = " ".join(call("B", "A").stdout.split())
    assert said.startswith("B, 16 GB → A, 16 GB")
    assert "It loses m14 (is too slow)." in said


def test_of_several_machines_each_is_compared_with_the_first(here: Path) -> None:
    write(here / "results", slow(), fast(), on("C", *rows(1, 50)), on("D", *rows(9, 50)))
    found = call("A", "B", "C", "D")
    heads = [line for line in found.stdout.splitlines() if "→" in line]
    assert heads == ["A, 16 GB → B, 16 GB", "A, 16 GB → C, 16 GB"]
    assert found.exit_code == 3
    assert found.stderr.startswith("Left out: A, 16 GB and D, 16 GB have no model in common.")


def test_json_is_nothing_but_the_comparisons_without_their_draws(here: Path) -> None:
    (document,) = json.loads(call("A", "B", "--json").stdout)
    assert document["a"]["machine"] == "A, 16 GB"
    assert document["overall"]["value"] == pytest.approx(1.5, rel=0.01)
    assert [change["model"] for change in document["gained"]] == ["m14"]
    assert document["fit_a"]["draws"] == []


def test_other_results_than_those_here(here: Path) -> None:
    write(here / "more", on("C", *rows(1, 50)))
    found = call("A", "C", "--results", "results", "-r", "more")
    assert found.stdout.startswith("A, 16 GB → C, 16 GB")


def test_a_damaged_file_is_named_and_the_rest_goes_on(here: Path) -> None:
    (here / "results" / "bad.jsonl").write_text("not ours\n")
    found = call("A", "B")
    assert found.exit_code == 3
    assert found.stderr.startswith("Left out: results/bad.jsonl")
    assert "It gains m14" in found.stdout


def test_charts_are_drawn_from_the_stem_one_set_a_comparison(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(comparison: object, summary: object, path: Path) -> tuple[Path, ...]:
        return (path.with_stem(f"{path.stem}-ratio"),)

    monkeypatch.setattr(charts, "draw_comparison", draw)
    assert call("A", "B", "-o", "us.png").stdout.splitlines()[-1] == "us-ratio.png"
    assert call("A", "B", "-o", "us.png", "--json").stderr == "us-ratio.png\n"
    write(here / "results", slow(), fast(), on("C", *rows(1, 50)))
    assert call("A", "B", "C", "-o", "us.png").stdout.splitlines()[-2:] == ["us-1-ratio.png", "us-2-ratio.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["A"], 2, "Two machines or more are to be named, the one you have first. There is: A, 16 GB; B, 16 GB."),
        (
            ["results/0.jsonl", "results/1.jsonl"],
            2,
            "results/0.jsonl is no machine but a path.",
        ),
        (["results/0.jsonl"], 2, "-r results/0.jsonl."),
        (["A" * 300, "B"], 2, "There is no machine"),
        (["A", "M7"], 2, "There is no machine 'M7'. There is: A, 16 GB; B, 16 GB."),
        (["A", "16"], 2, "'16' fits several machines"),
        (["A", "A"], 2, "A, 16 GB is named twice"),
        (["A", "B", "--line", "fast"], 2, "'fast' is not a rate in tok/s. Write a number above 0, or reading."),
        (["A", "B", "--line", "0"], 2, "'0' is not a rate"),
        (["A", "B", "--line", "nan"], 2, "'nan' is not a rate"),
        (["A", "B", "--line", "5", "--ttft", "2s"], 2, "two limits"),
        (["A", "B", "--ttft", "soon"], 2, "'soon' is not a duration"),
        (["A", "B", "--ttft", "2s"], 3, "has a figure for a limit on ttft"),
        (["A", "B", "--allow", "quantization"], 2, "Did you mean 'quantisation'?"),
        (["A", "B", "-r", "nowhere"], 3, "nowhere does not exist"),
    ],
)
def test_what_cannot_be_done_is_said_on_one_line(here: Path, arguments: list[str], code: int, says: str) -> None:
    found = call(*arguments)
    assert (found.exit_code, found.stdout) == (code, "")
    (line,) = found.stderr.splitlines()
    assert says in line


def test_a_machine_is_meant_also_where_a_file_has_its_name(here: Path) -> None:
    (here / "A").mkdir()
    assert call("A", "B").exit_code == 0


def test_differences_are_allowed_one_by_one_or_with_commas(here: Path) -> None:
    write(here / "results", slow(), on("B", *rows(1, 150), engine=EngineInfo(name="another", version="1")))
    refused = call("A", "B")
    assert refused.exit_code == 3
    assert "--allow engine." in refused.stderr
    found = call("A", "B", "--allow", "depth, engine")
    assert found.exit_code == 0
    assert "Allowed: m1 differs in engine (llama.cpp, another)." in " ".join(found.stdout.split())
    assert allowed(["depth,engine"]) == allowed(["engine", "Depth"])


@pytest.mark.parametrize(
    ("line", "ttft", "limit"),
    [
        (None, None, Limit.line(10)),
        ("5", None, Limit.line(5)),
        ("reading", None, Limit.line(READING_TOK_S)),
        (None, "2s", Limit(what=What.TTFT, seconds=2)),
        (None, "1m", Limit(what=What.TTFT, seconds=60)),
    ],
)
def test_limits(line: str | None, ttft: str | None, limit: Limit) -> None:
    assert chosen_limit(line, ttft) == limit


def test_a_reader_takes_in_five_tokens_a_second() -> None:
    assert pytest.approx(5.29, abs=0.01) == READING_TOK_S
    with pytest.raises(UsageError):
        chosen_limit("-1", None)


def test_another_line_makes_other_models_usable(here: Path) -> None:
    said = " ".join(call("A", "B", "--line", "20").stdout.split())
    assert "20 tok/s" in said
    assert "It gains m8 (was too slow)." in said


def test_a_limit_on_the_first_token_shows_times() -> None:
    sizes = [one for size in (1, 3, 8) for one in rows(size, 20, ttft_s=3.0)]
    quicker = [one for size in (1, 3, 8) for one in rows(size, 20, ttft_s=1.5)]
    found = compared(on("A", *sizes), on("B", *quicker), limit=Limit(what=What.TTFT, seconds=2))
    told = table(found)
    assert (told.headings["usable"], told.lines[0].a, told.lines[0].b) == ("2.0 s", "3.0 s", "1.5 s")
    assert told.lines[0].usable == "B"
    assert subject(found).startswith("time to first token · llama.cpp b1 · Q4_K_M")
    assert "first token" not in dict(ends(found))


def test_where_sizes_end_and_what_that_gains() -> None:
    told = ends(compared(slow(*rows(14, 8)), fast(*rows(14, 12))))
    assert [label for label, _ in told] == ["usable up to", "", "gained"]
    assert told[0][1].endswith("on A")
    assert told[2][1].endswith("was too slow")
    back = dict(ends(compared(on("A", *fast(*rows(14, 12)).trials), on("B", *slow(*rows(14, 8)).trials))))
    assert back["lost"].endswith("is too slow")


def test_memory_as_the_end_of_sizes_is_told() -> None:
    told = ends(compared(slow(*gone(10)), fast(*rows(10, 20), *rows(14, 12), *rows(20, 8))))
    assert told[0][1] == "8.0B (10.0B does not fit) on A"
    assert told[2] == ("gained", told[2][1])
    assert told[2][1].startswith("8.0B to ")
    assert told[2][1].endswith("did not fit")


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ((4, 4.4), "no measured size on A"),
        ((400, 410), "far beyond 8.0B (the largest measured) on A"),
    ],
)
def test_sizes_that_end_beyond_what_was_measured(rates: tuple[float, float], says: str) -> None:
    machines = [on(name, *rows(1, rate), *rows(8, rate * 0.9)) for name, rate in zip("AB", rates, strict=True)]
    assert ends(compared(*machines))[0] == ("usable up to", says)


def test_one_size_says_nothing_of_how_far_beyond_it_sizes_go() -> None:
    assert ends(compared(on("A", *rows(1, 20)), on("B", *rows(1, 30))))[0][1] == (
        "beyond 1.0B (the largest measured) on A"
    )


def test_the_verdict_says_what_is_real() -> None:
    first, second, third = verdict(compared(slow(*rows(24, 5)), fast(*rows(24, 7.5))))
    assert first.startswith("B is 50% faster than A at ")
    assert first.endswith("significant.")
    assert "not significant" not in first
    assert second.startswith(
        "It gains and loses no model that ran on both: m24 is too slow on either, at 5.00 and 7.50 tok/s. "
        "By the lines through the measured sizes it gains "
    )
    assert third == "At 10 tok/s B runs sizes that were out of reach."


def test_a_range_without_a_common_size_is_told_as_one_in_which_no_model_ran() -> None:
    _, gains, meaning = verdict(by_hand({1.0: 100.0, 8.0: 30.0}, {1.0: 130.0, 8.0: 39.0}, cross=(49, 65)))
    assert gains == "It gains and loses no model."
    assert meaning == "At 10 tok/s that is the same models, faster; between 49.0B and 65.0B no model ran on both."


@pytest.mark.parametrize(
    ("before", "after", "first", "third"),
    [
        (
            rows(1, 100, (0.8, 1, 1.2)),
            rows(1, 110, (0.8, 1, 1.2)),
            "B is 10% faster than A at 1.0B, not significant.",
            "On these figures the two cannot be told apart.",
        ),
        (
            rows(1, 100, (1,)),
            rows(1, 310, (1,)),
            "B is 3.1× as fast as A at 1.0B; too few models and trials to say whether that is chance.",
            "How sure that is, more models or trials would tell.",
        ),
        (
            rows(1, 100),
            rows(1, 80),
            "B is 20% slower than A at 1.0B, significant.",
            "At 10 tok/s that is the same models, slower.",
        ),
        (
            [*rows(1, 100), *rows(3, 40, (1,))],
            [*rows(1, 130), *rows(3, 50)],
            "B is 25% faster than A at 3.0B (least) and 30% faster at 1.0B (most), significant for 1 of 2 models.",
            "At 10 tok/s that is the same models, faster.",
        ),
        (
            [*rows(1, 100), *rows(3, 40, (0.8, 1, 1.2))],
            [*rows(1, 130), *rows(3, 44, (0.8, 1, 1.2))],
            "B is 10% faster than A at 3.0B (least) and 30% faster at 1.0B (most), significant for 1 of 2 models.",
            "At 10 tok/s that is the same models, faster.",
        ),
    ],
    ids=["noise", "once", "slower", "once in part", "noise in part"],
)
def test_the_verdict_on_few_models(before: list[Any], after: list[Any], first: str, third: str) -> None:
    said = verdict(compared(on("A", *before), on("B", *after)))
    assert (said[0], said[2]) == (first, third)


def test_the_verdict_tells_gains_from_losses() -> None:
    before = slow(*gone(14), *rows(2, 50))
    gains = verdict(compared(before, fast(*rows(14, 12), *rows(2, 5))))
    assert gains[1] == "It gains m14 (did not fit). It loses m2 (is too slow)."
    assert gains[2] == "At 10 tok/s each runs models that the other does not."
    losses = verdict(compared(slow(*rows(14, 12)), fast(*gone(14))))
    assert losses[1:] == ("It loses m14 (does not fit).", "At 10 tok/s B takes models away.")


def test_many_gained_models_are_counted() -> None:
    sizes = range(20, 28)
    before = slow(*(one for size in sizes for one in gone(size)))
    said = verdict(compared(before, fast(*(one for size in sizes for one in rows(size, 12)))))
    assert said[1].endswith("m24 (did not fit) and 3 more.")


@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        (1.25, "25% faster"),
        (0.87, "13% slower"),
        (1.001, "as fast"),
        (3.14, "3.1× as fast"),
        (0.3, "0.3× as fast"),
    ],
)
def test_how_a_ratio_is_said(ratio: float, says: str) -> None:
    assert lead(ratio) == says


def test_sizes_that_are_gained_by_the_lines_are_told_as_a_decision_tells_them() -> None:
    old, new = {1.0: 100.0, 8.0: 30.0}, {1.0: 130.0, 8.0: 39.0}
    _, gains, meaning = verdict(by_hand(old, new, cross=(20, 40)))
    assert gains.endswith("By the lines through the measured sizes it gains qwen2.5-coder:32b.")
    assert meaning == "At 10 tok/s new runs sizes that were out of reach."


def test_a_control_is_no_machine_to_compare_and_is_told_as_one(tmp_path: Path) -> None:
    for number, run in enumerate(
        [service(ModelFacts(name="large-1")), on("A", *rows(1, 9)), on("B", *rows(1, 9))]
    ):
        place = tmp_path / f"{number}.jsonl"
        place.write_bytes(schema.encode(run.header) + b"".join(map(schema.encode, run.trials)))
    for call in (["compare", "A", "service"], ["decide", "--from", "A", "--to", "a service"]):
        found = CliRunner().invoke(main, [*call, "-r", str(tmp_path)])
        assert found.exit_code == 2
        assert "a service is a control" in found.stderr
        assert "tpsprofile plot" in found.stderr


def test_nothing_follows_the_last_comparison_and_a_blank_line_parts_two() -> None:
    found = call("M2", "M4").stdout
    assert found.endswith(".\n")
    assert not found.endswith("\n\n")


@pytest.mark.parametrize(
    ("old", "changes", "dashed", "kinds"),
    [
        ({8.0: 20.0}, {}, "trials.", "Filled points: measured and usable."),
        (
            {8.0: 20.0, 14.0: 5.0},
            {},
            "Dashed: geometric mean over the models.",
            "usable. Hollow: measured, too slow.",
        ),
        (
            {1.0: 50.0, 8.0: 20.0},
            {"overall": estimate(1.2, 1.1, 1.3), "wall": (14, 14)},
            "and its 95% interval.",
            "usable. Crosses: do not fit.",
        ),
    ],
)
def test_legends_explain_what_is_drawn(
    old: dict[float, float], changes: dict[str, Any], dashed: str, kinds: str
) -> None:
    found = by_hand(old, {size: 1.2 * rate for size, rate in old.items()}, **changes)
    holes = [absent(14, name) for name in ("old", "new") if "wall" in changes]
    points = tuple(point for row in found.rows for point in (row.pair.a, row.pair.b))
    assert beside.ratios(found).foot[0].endswith(dashed)
    assert gains(found, Summary(points=points, absent=tuple(holes))).foot[1].endswith(kinds)


def test_a_figure_of_grade_d_is_named_below_the_chart_and_not_drawn() -> None:
    bad = rows(8, 2, (0.2, 1, 1.8), warnings=())
    found = compared(on("A", *rows(1, 100, warnings=()), *bad), on("B", *rows(1, 120, warnings=()), *rows(8, 90)))
    drawn = beside.ratios(found)
    assert [mark.x for mark in drawn.traces[0].marks] == [1e9]
    assert "Not compared: m8 (grade D)." in drawn.foot


def test_sizes_between_one_that_runs_and_one_that_swaps_are_not_gained() -> None:
    swaps = rows(8, 2, warnings=("swapping",))
    found = compared(
        on("A", *rows(1, 100, warnings=()), *swaps), on("B", *rows(1, 120, warnings=()), *rows(8, 90))
    )
    assert verdict(found)[1] == "It gains and loses no model.", "nobody knows where memory ends between the two"


def test_what_is_of_grade_d_is_named_and_in_no_sentence() -> None:
    bad = rows(8, 2, (0.2, 1, 1.8), warnings=())
    found = compared(on("A", *rows(1, 100, warnings=()), *bad), on("B", *rows(1, 120, warnings=()), *rows(8, 90)))
    assert notes(found)[-1] == "Grade D, so in no mean and no gain: m8."
    assert verdict(found)[:2] == ("B is 20% faster than A at 1.0B, significant.", "It gains and loses no model.")


def test_the_notes_name_grades_and_their_causes() -> None:
    said = notes(compared(on("A", *rows(1, 100, warnings=("busy",))), on("B", *rows(1, 120, warnings=()))))
    assert said == ("3 trials a point. Worst grade C (busy).",)


def test_the_notes_name_what_was_left_out_and_how_to_take_it_in() -> None:
    other = ModelFacts(name="m14", parameters=14 * 10**9, quantisation="Q8_0")
    said = notes(compared(slow(*rows(14, 8, model=other)), fast(*rows(14, 12))))
    assert "Not compared: m14 differs in quantisation (Q8_0, Q4_K_M)." in said
    assert not any(line.startswith("Allowed") for line in said)
    assert said[-1] == "To compare them in spite of it: --allow quantisation"
    assert any(line.startswith("Sizes differ in quantisation (Q4_K_M, Q8_0)") for line in said)


def test_an_unlike_model_is_a_row_without_a_ratio() -> None:
    other = ModelFacts(name="m14", parameters=14 * 10**9, quantisation="Q8_0")
    told = table(compared(slow(*rows(14, 8, model=other)), fast(*rows(14, 12))))
    assert [line.ratio for line in told.lines][3:] == ["not alike", told.lines[4].ratio]
    assert told.lines[4].model == "all"


@pytest.mark.parametrize(
    ("a", "b", "short"),
    [
        (("Apple M2 Max", "Apple M2 Max"), ("Apple M4 Max 128 GB", "Apple M4 Max"), ("M2 Max", "M4 Max")),
        (("Apple M2 16 GB", "Apple M2"), ("Apple M2 24 GB", "Apple M2"), ("M2 16 GB", "M2 24 GB")),
        (("AMD EPYC, 2 cores, 24 GB", "EPYC 7"), ("Apple M1 8 GB", "Apple M1"), ("AMD EPYC", "Apple M1")),
        (("Mac", None), ("Mac [beef]", None), ("Mac", "Mac [beef]")),
    ],
)
def test_names_are_as_short_as_tells_machines_apart(
    a: tuple[str, str | None], b: tuple[str, str | None], short: tuple[str, str]
) -> None:
    who = [Who(machine_id=label, machine=label, chip=chip, ram_bytes=None) for label, chip in (a, b)]
    assert short_names(*who) == short


def test_a_skipped_model_says_too_slow() -> None:
    before = slow(*rows(14, 8), *gone(20, Outcome.BELOW_LINE))
    found = compared(before, fast(*rows(14, 12), *rows(20, 11)), limit=TEN)
    assert verdict(found)[1] == "It gains m14 (was too slow) and m20 (was too slow)."


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(40e9, 60e9, "50.0B [40.0B 60.0B]"), (40e9, None, "50.0B [40.0B ∞]"), (None, None, "50.0B")],
)
def test_an_end_is_told_with_its_interval(low: float | None, high: float | None, says: str) -> None:
    crossing = compared(slow(), fast()).crossing_a
    assert crossing is not None
    at = Estimate(value=50e9, low=low, high=high)
    assert end(msgspec.structs.replace(crossing, end=End.CROSSES, parameters=at, extrapolated=False)) == says
    beyond = msgspec.structs.replace(crossing, end=End.CROSSES, parameters=at, extrapolated=True)
    assert end(beyond) == f"{says} (beyond the measured sizes)"


def test_intervals_that_overlap_are_told() -> None:
    found = compared(slow(), fast())
    assert found.crossing_a is not None

    def ending(value: float, low: float, high: float | None) -> Crossing:
        assert found.crossing_a is not None
        at = Estimate(value=value * 1e9, low=low * 1e9, high=high and high * 1e9)
        return msgspec.structs.replace(found.crossing_a, end=End.CROSSES, parameters=at)

    for first, second, overlap in (((10, 8, 14), (12, 11, 15), True), ((10, 8, 11), (13, 12, None), False)):
        moved = msgspec.structs.replace(found, crossing_a=ending(*first), crossing_b=ending(*second))
        assert dict(ends(moved))["gained"].endswith("; the intervals overlap") is overlap
