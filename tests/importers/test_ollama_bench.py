"""Ollama's bench tool: both of its forms, in all they print."""

from pathlib import Path

import pytest

from tests.importers.judging import faults
from tpsprofile import importers
from tpsprofile.importers import Part, Refused, ollama_bench
from tpsprofile.records import Memory, Trial

FOLDER = Path(__file__).parent / "ollama_bench"
FILES = sorted(FOLDER.iterdir())
LATER = (FOLDER / "0.33.0-rc2-csv.csv").read_text()
FIRST = (FOLDER / "0.13.0-csv.csv").read_text()
TABLE = (FOLDER / "0.13.0-markdown.txt").read_text()
STAT = (FOLDER / "0.33.0-rc2-benchstat.txt").read_text()


def only(source: Path | str) -> Part:
    [part] = importers.read(source, "bench")
    return part


def figures(part: Part) -> list[tuple[int, int | None, float | None]]:
    return [(one.number, one.tokens_out, one.decode_tok_s) for one in part.trials]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("0.13.0-csv.csv", [(1, 24, 28.36), (2, 24, 26.74), (3, 24, 28.57)]),
        ("0.13.0-benchstat.txt", [(1, 24, 27.41), (2, 24, 29.42), (3, 24, 26.94)]),
        ("0.13.0-markdown.txt", [(1, 24, 26.10), (2, 24, 28.99), (3, 24, 27.12)]),
        ("0.13.0-missing-model-verbose.txt", [(1, 8, 32.83), (2, 8, 32.44)]),
        ("0.33.0-rc2-csv.csv", [(1, 24, 119.71), (2, 24, 100.93), (3, 24, 90.85)]),
        ("0.33.0-rc2-benchstat.txt", [(1, None, 101.84), (2, None, 99.34), (3, None, 93.54)]),
        ("0.33.0-rc2-missing-model-verbose.txt", [(1, None, 110.54), (2, None, 102.42)]),
    ],
)
def test_every_epoch_is_a_trial(file: str, told: list[tuple[int, int | None, float]]) -> None:
    assert figures(only(FOLDER / file)) == told


def test_the_later_form_tells_the_model_its_memory_and_the_first_token() -> None:
    trial = only(LATER).trials[0]
    model = trial.model
    assert (model.name, model.parameters, model.quantisation) == ("smollm2:135m", 134_520_000, "Q4_1")
    assert trial.memory == Memory(engine_bytes=210690374, engine_vram_bytes=0)
    assert (trial.context_tokens, trial.ttft_s, trial.tokens_in) == (4096, 0.03646514, 8)
    assert trial.prefill_tok_s == pytest.approx(250.23, abs=0.005)
    assert not trial.prefill_verified


@pytest.mark.parametrize("text", [FIRST, TABLE, (FOLDER / "0.13.0-benchstat.txt").read_text()])
def test_prompts_that_a_cache_answers_for_give_no_prefill_rate(text: str) -> None:
    part = only(text)
    assert [one.prefill_tok_s for one in part.trials] == [None, None, None]
    assert any("cache" in remark for remark in part.remarks)


def test_lines_without_counts_give_no_prefill_rate_and_say_where_there_are_some() -> None:
    part = only(STAT)
    assert [(one.prefill_tok_s, one.tokens_out) for one in part.trials] == [(None, None)] * 3
    assert part.trials[0].ttft_s == 0.043068824
    assert "-format csv" in part.remarks[0]


def test_the_load_of_a_warm_model_is_not_taken_for_one() -> None:
    trials: list[Trial] = [one for file in FILES for one in only(file).trials]
    assert {(one.load_first_s, one.load_later_s) for one in trials} == {(None, None)}


def test_a_model_that_failed_is_named() -> None:
    assert "Line 14: nope:1b has no figures." in only(FOLDER / "0.33.0-rc2-missing-model-verbose.txt").remarks


def test_several_models_are_numbered_apart() -> None:
    both = LATER + LATER.partition("\n")[2].replace("smollm2:135m", "other:1b")
    assert [(one.model.name, one.number) for one in only(both).trials] == [
        (name, number) for name in ("smollm2:135m", "other:1b") for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("text", "before", "after", "line", "reason"),
    [
        (LATER, "119.71", "119.91", 4, "not 119.91 tokens a second"),
        (LATER, "8353541.67", "8353541670", 4, "not 119.71 tokens a second"),
        (LATER, "generate,24,8353541.67", "generate,94,8353541.67", 7, "The parts of the epoch take"),
        (LATER, "ttft,1,36465140", "ttft,1,3646514", 5, "The first token came after"),
        (LATER, "ttft,1,36465140", "ttft,1,364651400", 5, "The first token came after"),
        (LATER, "load,1,1463323,0", "load,1,1463323,7", 6, "has a rate"),
        (LATER, "load,1,", "load,2,", 6, "not 1"),
        (LATER, "smollm2:135m,load,1,1463323,0\n", "", 3, "lacks a step"),
        (LATER, "smollm2:135m,generate", "smollm:135m,generate", 3, "lacks a step"),
        (LATER, "smollm2:135m,total,1,237149990,0\n", "smollm2:135m,total,1\n", 7, "no line of the tool"),
        (LATER, "134.52M", "134.52X", 2, "not a number of parameters"),
        (LATER, "VRAM: 0", "VRAM: 999999999999", 2, "more than the Size"),
        (LATER, "NumCtx: 4096", "NumCtx: 4k", 2, "NumCtx is '4k'"),
        (FIRST, "generate,24,35254909.96", "generate,1e2,35254909.96", 3, "not a whole number"),
        (FIRST, "28.36", "NaN", 3, "not a number"),
        (TABLE, "919.372126ms", "819.372126ms", 4, "24 times"),
        (TABLE, "919.372126ms", "919.372126", 4, "not a duration"),
        (STAT, "step=generate 1 ", "step=generate 10 ", 2, "no counts but 1"),
        (STAT, "9819041.67 ns/token", "9819041.67 ns/op", 3, "not in ns/token"),
        (STAT, "43068824 ns/op", "430688240 ns/op", 4, "The first token came after"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_its_line(
    text: str, before: str, after: str, line: int, reason: str
) -> None:
    assert before in text
    with pytest.raises(Refused, match=reason) as refused:
        only(text.replace(before, after, 1))
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("generate,24,8353541.67,119.71", "generate,1,1000.00,1000000.00"),
        ("generate,24,8353541.67,119.71", "generate,0,0.00,0.00"),
    ],
    ids=["one token", "none"],
)
def test_an_epoch_of_a_token_or_none_is_left_out_and_counted(before: str, after: str) -> None:
    part = only(LATER.replace(before, after, 1))
    assert [one.decode_tok_s for one in part.trials] == [100.93, 90.85]
    assert part.remarks[0].startswith("1 of 3 epochs gave a single token or none")


def test_a_header_alone_is_refused() -> None:
    with pytest.raises(Refused, match="no row of figures"):
        only("NAME,STEP,COUNT,NS_PER_COUNT,TOKEN_PER_SEC\n")


def test_a_table_without_its_header_is_still_known() -> None:
    assert figures(only(FIRST.partition("\n")[2])) == figures(only(FIRST))


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3\n", "BenchmarkSort-8 1 2 ns/op\n", ""])
def test_other_texts_are_not_claimed(text: str) -> None:
    assert not ollama_bench.claims(text)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_thousand_damaged_copies_are_right_or_refused(file: Path) -> None:
    assert list(faults(file.read_bytes(), "ollama-bench", together=False)) == []


@pytest.mark.parametrize("text", [FIRST, LATER, TABLE, STAT], ids=["first", "later", "table", "benchstat"])
def test_epochs_that_are_pasted_twice_count_once(text: str) -> None:
    part = only(text + text)
    assert [one.number for one in part.trials] == [1, 2, 3]
    assert "Left out: 3 epochs that stand there twice." in part.remarks
