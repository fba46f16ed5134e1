"""The line of a model while a sweep runs."""

from tests.support import trial
from tpsprofile.records import Outcome
from tpsprofile.render.lines import model_line


def test_the_median_and_half_the_range() -> None:
    line = model_line([trial(decode_engine_s=seconds) for seconds in (1.0, 0.5, 2.0)], line_tok_s=10)
    assert (line.rate, line.spread, line.below_line, line.remark) == ("10.0", "75.0%", False, "")
    assert model_line([trial()], line_tok_s=11).below_line


def test_one_trial_has_no_spread() -> None:
    assert model_line([trial()], line_tok_s=10).spread == "–"


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
