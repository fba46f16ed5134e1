"""The lines of a model while a sweep runs, and the screen that shows them."""

import io
from typing import Any

import pytest
from rich.console import Console

from tests.support import header, trial
from tpsprofile import plan, trust
from tpsprofile.cli import screen
from tpsprofile.records import ModelFacts, Outcome, Trial, Workload
from tpsprofile.render.advice import advice
from tpsprofile.render.lines import HEADINGS, ModelLine, case_lines, fitting, share
from tpsprofile.sources import Candidate


def at(rate: float, number: int = 1, **changes: Any) -> Trial:
    fields: dict[str, Any] = {"decode_engine_s": 10 / rate, "warnings": ()}
    return trial(number=number, **fields | changes)


def work(**changes: Any) -> Workload:
    fields: dict[str, Any] = {"prompt": "csvs-to-sqlite", "tokens_out": 11, "context_tokens": 4096}
    return Workload(**fields | changes)


def model_line(trials: list[Trial], line_tok_s: float, precision: float | None = None) -> ModelLine:
    (line,) = case_lines(trials, line_tok_s, precision)
    return line


def test_the_median_its_interval_and_the_number_of_trials() -> None:
    line = model_line([at(19), at(20), at(21)], line_tok_s=10)
    assert (line.rate, line.width, line.trials, line.below_line, line.remark) == ("20.0", "16%", "3", False, "")
    assert model_line([trial()], line_tok_s=11).below_line


def test_one_trial_has_no_interval() -> None:
    assert model_line([trial()], line_tok_s=10).width == "–"


def test_the_grade_is_that_of_trials_and_case_against_the_aim() -> None:
    steady = [at(rate, number) for number, rate in enumerate((20, 20.1, 19.9, 20, 20.1, 20), start=1)]
    assert (model_line(steady, 10, 0.02).grade, model_line(steady, 10, 0.001).grade) == ("A", "B")
    assert model_line(steady, 10, 0.001).warnings == (trust.Warning.NOT_CONVERGED,)
    busy = [at(20, number, warnings=("busy",)) for number in (1, 2)]
    assert (model_line(busy, 10).grade, model_line(busy, 10).warnings) == ("C", (trust.Warning.BUSY,))
    assert model_line([trial(), trial(number=2)], 10).grade == "–"


@pytest.mark.parametrize(
    ("width", "told"), [(None, "–"), (0.0043, "0.4%"), (0.0996, "10%"), (0.31, "31%"), (1.6, ">100%")]
)
def test_shares_are_short(width: float | None, told: str) -> None:
    assert share(width) == told


def test_each_workload_has_a_line_in_the_order_of_appearance() -> None:
    rows = [at(20, workload=work(depth_tokens=0)), at(15, workload=work(depth_tokens=4096))]
    rows += [at(16, 2, workload=work(depth_tokens=4096)), at(18, workload=work(prompt_tokens=512))]
    lines = case_lines(rows, 10, 0.02)
    assert [(line.model, line.rate, line.trials) for line in lines] == [
        ("llama3.2:1b", "20.0", "1"),
        ("llama3.2:1b · depth 4096", "15.5", "2"),
        ("llama3.2:1b · prompt 512", "18.0", "1"),
    ]


def test_a_workload_is_named_only_where_the_run_has_several() -> None:
    deep = [at(15, workload=work(depth_tokens=4096))]
    assert case_lines(deep, 10)[0].model == "llama3.2:1b"
    assert case_lines(deep, 10, several=True)[0].model == "llama3.2:1b · depth 4096"


def test_each_warning_is_one_line_with_its_models_and_its_advice() -> None:
    busy, hot = trust.Warning.BUSY, trust.Warning.HOT
    names = ("a", "b", "c", "d", "e", "f")
    assert advice([("a", [busy]), ("b", [busy, hot]), ("c", [])]) == (
        "busy (a and b): other programs used more than 10% of the processors. Close other programs and run again.",
        "hot (b): a processor sensor at 95 °C or above. Give it air; see --sustain 10m.",
    )
    assert advice([("a", [busy])])[0].startswith("busy: other")
    assert advice([(name, [busy]) for name in names])[0].startswith("busy (all): ")
    assert advice([(name, [busy] * (name != "f")) for name in names])[0].startswith("busy (a, b, c and 2 more): ")


def test_the_grade_is_among_the_last_columns_to_go() -> None:
    line = model_line([at(20), at(20.4, 2)], 10)
    assert "memory" not in fitting(HEADINGS, [line], 200)
    assert fitting(HEADINGS, [line], 25) == ("model", "rate", "grade")
    assert fitting(HEADINGS, [line], 10) == ("model", "rate")


def test_without_a_figure_there_is_a_reason() -> None:
    line = model_line([trial(outcome=Outcome.DOES_NOT_FIT, reason="Too large.")], line_tok_s=10)
    assert (line.rate, line.remark) == ("", "does not fit: Too large.")


def test_what_lacked_time_and_was_measured_later_is_not_mentioned() -> None:
    lacking = trial(outcome=Outcome.NO_TIME, reason="No time.")
    assert model_line([lacking, trial()], line_tok_s=10).remark == ""
    assert model_line([trial(), lacking], line_tok_s=10).remark == "skipped: out of time: No time."


def test_a_trial_that_failed_among_good_ones_is_mentioned() -> None:
    early = trial(outcome=Outcome.ENDED_EARLY, reason="3 of 11 tokens.")
    assert model_line([early, trial(number=2)], line_tok_s=10).remark == "ended early: 3 of 11 tokens."


def candidate(name: str = "llama3.2:1b") -> Candidate:
    facts = ModelFacts(name=name, parameters=1_235_814_400, quantisation="Q8_0")
    return Candidate(name=name, facts=facts, origin="engine", installed=True)


def plain(width: int = 80, **changes: Any) -> tuple[screen.Screen, io.StringIO]:
    out = io.StringIO()
    aim = plan.override(plan.load("quick"), **changes)
    return screen.screen(Console(file=out, width=width), aim, [candidate(), candidate("phi4:14b")], []), out


def live(**changes: Any) -> screen.LiveScreen:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    aim = plan.override(plan.load("quick"), **changes)
    return screen.LiveScreen(console, aim, [candidate(), candidate("phi4:14b")], [])


def shown(display: screen.LiveScreen) -> str:
    with display.console.capture() as capture:
        display.console.print(display._picture())
    return capture.get()


def test_a_plain_screen_says_once_why_it_waits() -> None:
    display, out = plain()
    for why in ("cooling down: 81 °C", "cooling down: 78 °C"):
        display.waiting(why)
    display.trial_started(1, 3, None)
    display.waiting("cooling down: 80 °C")
    assert out.getvalue().splitlines() == ["cooling down: 81 °C", "cooling down: 80 °C"]


def test_a_plain_screen_names_the_case_of_each_trial() -> None:
    display, out = plain(depth=[0, 2048])
    display.recorded(at(20, workload=work(depth_tokens=2048), ttft_s=0.1))
    display.recorded(at(20, outcome=Outcome.TIMED_OUT, reason="Silent.", workload=work(depth_tokens=0)))
    assert out.getvalue().splitlines() == [
        "llama3.2:1b · depth 2048: trial 1: 20.0 tok/s, TTFT 100 ms",
        "llama3.2:1b: timed out: Silent.",
    ]


def test_the_live_line_tells_the_trial_and_how_narrow_the_interval_is() -> None:
    display = live()
    display.waiting("cooling down: 81 °C")
    assert "cooling down: 81 °C" in shown(display)
    display.model_started(candidate())
    display.trial_started(2, 3, None)
    assert "trial 2 of 3" in shown(display)
    display.trial_started(4, 3, 0.031)
    assert "trial 4 · ±3.1%" in shown(display)
    assert "1 more" in shown(display)
    display.waiting("cooling down: 80 °C")
    assert "cooling down: 80 °C" in shown(display)


def test_a_model_that_comes_again_keeps_one_line() -> None:
    display = live(order="rounds")
    for number in (1, 2):
        display.model_started(candidate())
        display.recorded(at(20, number))
        display.model_finished(candidate())
    assert [(line.model, line.trials) for line in display.lines] == [("llama3.2:1b", "2")]
    assert "1 more" in shown(display)


@pytest.mark.parametrize("width", [60, 80])
def test_the_table_of_several_workloads_fits(width: int) -> None:
    display, out = plain(width, depth=[0, 2048])
    display.model_started(candidate())
    for depth in (0, 2048):
        display.recorded(at(20, workload=work(depth_tokens=depth), warnings=("busy",), ttft_s=0.1, load_first_s=9))
    display.console.print(display.table())
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "trust" in lines[-3]
    assert "llama3.2:1b · depth 2048" in lines[-1]
    assert " C " in lines[-1]
    assert screen.remarks(display.lines) == [
        "one trial (llama3.2:1b and llama3.2:1b · depth 2048): a single trial, so nothing is known of its "
        "spread. Let it run longer.",
        "busy (llama3.2:1b and llama3.2:1b · depth 2048): other programs used more than 10% of the processors. "
        "Close other programs and run again.",
    ]


def test_the_heading_tells_aim_and_cases() -> None:
    aim = plan.override(plan.load("quick"), depth=[0, 2048], prompt_tokens=[128, 512], precision=0.015)
    told = screen.heading(header(), aim).splitlines()[-1]
    assert " · prompt 128, 512 · depth 0, 2048 · " in told
    assert "until ±1.5%" in told
