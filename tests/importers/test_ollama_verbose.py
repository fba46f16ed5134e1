"""What ``ollama run --verbose`` prints, as people paste it."""

from pathlib import Path

import pytest

from tests.importers.judging import faults, rates_and_tokens
from tpsprofile import importers
from tpsprofile.importers import Part, Refused, ollama_verbose, reported
from tpsprofile.records import Trial

FILES = sorted((Path(__file__).parent / "ollama_verbose").iterdir())
BLOCK = """\
total duration:       2.581208416s
load duration:        41.2µs
prompt eval count:    31 token(s)
prompt eval duration: 155ms
prompt eval rate:     200.00 tokens/s
eval count:           120 token(s)
eval duration:        2.4s
eval rate:            50.00 tokens/s
"""


def only(text: str) -> Trial:
    [part] = importers.read(text, "paste.txt")
    [trial] = part.trials
    return trial


def names(text: str) -> list[str]:
    return [trial.model.name for part in importers.read(text) for trial in part.trials]


@pytest.mark.parametrize(
    ("file", "tokens", "rates"),
    [
        ("0.5.11-verbose", (15, 40), (28.15, 34.48)),
        ("0.5.11-verbose-again", (15, 60), (25.96, 394.74)),
        ("0.13.0-verbose", (15, 71), (27.25, 32.77)),
        ("0.13.0-verbose-again", (15, 12), (25.08, 434.03)),
        ("0.13.0-verbose-think", (16, 91), (26.15, 50.52)),
    ],
)
def test_a_recorded_block_is_read_through_its_control_codes(
    file: str, tokens: tuple[int, int], rates: tuple[float, float]
) -> None:
    trial = only((Path(__file__).parent / "ollama_verbose" / f"{file}.txt").read_text())
    assert (trial.tokens_in, trial.tokens_out) == tokens
    assert trial.decode_tok_s == rates[0]
    assert trial.prefill_tok_s == pytest.approx(rates[1], abs=0.005)
    assert not trial.prefill_verified
    assert trial.model.name == ollama_verbose.NO_NAME


def test_a_session_gives_a_trial_for_each_answer_under_the_model_that_the_shell_was_asked_for() -> None:
    [part] = importers.read(Path(__file__).parent / "ollama_verbose" / "session.txt")
    assert [(one.model.name, one.number, one.decode_tok_s) for one in part.trials] == [
        ("llama3.2:3b", 1, 50.0),
        ("llama3.2:3b", 2, 40.0),
    ]
    assert part.remarks == ("Line 36: a single token has no rate; left out.", reported.UNVERIFIED)
    assert part.method == "ollama run --verbose"


def test_the_load_of_a_model_that_may_be_warm_is_not_taken_for_one() -> None:
    assert (only(BLOCK).load_first_s, only(BLOCK).load_later_s) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "    " + BLOCK.replace("\n", "\n    "),
        "".join(f"- {line}\n" for line in BLOCK.splitlines()),
        "".join(f"{place}. {line}\n" for place, line in enumerate(BLOCK.splitlines(), 1)),
        "".join(f"> {line}\n" for line in BLOCK.splitlines()),
        "".join(f"* **{line.replace(':', ':**', 1)}\n" for line in BLOCK.splitlines()),
        "```\n" + BLOCK + "```\n",
        BLOCK.replace("\n", "\n\n"),
        BLOCK.replace("\n", "\r\n"),
        "pulling 4f659a1e86d7:  12%\rpulling 4f659a1e86d7: 100%\r\nsuccess\n" + BLOCK,
        "\x1b[?25l\x1b[2K\x1b[1G⠹ \x1b[2K\x1b[1G\x1b[?25h" + BLOCK + "\x1b[?25l\x1b[?25h",
        "Its eval rate: fine.\neval count: I lost it.\n" + BLOCK + "Well.\n",
        BLOCK.partition("\n")[2],
        BLOCK.replace("µs", "us"),
        BLOCK.replace("µ", "μ"),
    ],
    ids=[
        "indented",
        "a list",
        "a numbered list",
        "a quotation",
        "bold labels",
        "a fence",
        "blank lines",
        "CRLF",
        "progress bars",
        "control codes",
        "words that begin alike",
        "no total",
        "us",
        "the Greek letter",
    ],
)
def test_however_it_is_pasted_the_figures_are_the_same(text: str) -> None:
    trial = only(text)
    assert (trial.tokens_in, trial.tokens_out, trial.prefill_s, trial.decode_tok_s) == (31, 120, 0.155, 50.0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("5m6.946729681s", 306.946729681),
        ("1h0m0.5s", 3600.5),
        ("2.4s", 2.4),
        ("155ms", 0.155),
        ("12.5µs", 12.5e-6),
    ],
)
def test_durations_are_read_as_go_prints_them(said: str, seconds: float) -> None:
    text = BLOCK.replace("155ms", said).replace("200.00", f"{31 / seconds:.2f}")
    trial = only(text.partition("\n")[2])
    assert trial.prefill_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("before", "after", "line", "reason"),
    [
        ("120 token", "12 token", 8, "12 tokens in 2.4 s are 5.00 tokens/s, and 50.00 are told"),
        ("2.4s", "2.5s", 8, "and 50.00 are told"),
        ("50.00", "500.00", 8, "500.00 are told"),
        ("31 token", "30 token", 5, "and 200.00 are told"),
        ("2.581208416s", "2.5s", 1, "The parts take 2.55504 s, and the total duration is 2.5 s"),
        ("eval rate:            50.00 tokens/s\n", "", 7, "has no eval rate"),
        ("eval count:           120 token(s)\n", "", 7, "has no eval count"),
        ("prompt eval count:    31 token(s)\n", "", 7, "has no prompt eval count"),
        ("50.00", "50,00", 8, "eval rate is '50,00 tokens/s', not a number"),
        ("2.4s", "2.4", 7, "eval duration is '2.4', not a duration"),
        ("2.4s", "1m75.0s", 7, "which cannot be"),
        ("120 token(s)", "-120 token(s)", 6, "eval count is '-120 token"),
        ("120 token(s)", "0 token(s)", 6, "which cannot be"),
    ],
)
def test_a_block_that_contradicts_itself_or_is_not_whole_is_refused_with_its_line(
    before: str, after: str, line: int, reason: str
) -> None:
    assert before in BLOCK
    with pytest.raises(Refused, match=reason) as refused:
        importers.read(BLOCK.replace(before, after, 1))
    assert refused.value.line == line


def test_an_answer_without_prompt_figures_has_no_prefill() -> None:
    lines = [line for line in BLOCK.splitlines() if not line.startswith("prompt")]
    trial = only("\n".join(lines))
    assert (trial.prefill_s, trial.tokens_in, trial.decode_tok_s) == (None, None, 50.0)


def test_one_token_alone_is_refused_as_it_has_no_rate() -> None:
    text = BLOCK.replace("120 token", "1 token").replace("2.4s", "1µs").replace("50.00", "1000000.00")
    with pytest.raises(Refused, match="one token has no rate"):
        importers.read(text)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("$ ollama run llama3.2:1b --verbose", "llama3.2:1b"),
        ("ollama run --verbose hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M 'hi'", "hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M"),
        ("C:\\> ollama.exe run --format json --verbose phi4", "phi4"),
        ("root@box:~# /usr/local/bin/ollama run --think=false gemma3:4b", "gemma3:4b"),
        ("ollama run mistral", "mistral"),
        ("You could say ollama run mistral here", ollama_verbose.NO_NAME),
        ("ollama run mistral\nollama run phi4", ollama_verbose.NO_NAME),
        ("$ ollama run mistral\nollama run phi4", "mistral"),
        ("", ollama_verbose.NO_NAME),
    ],
)
def test_the_model_is_the_one_that_the_command_names(command: str, name: str) -> None:
    assert names(f"{command}\n{BLOCK}") == [name]


def test_each_block_has_the_model_of_the_last_command_before_it() -> None:
    text = f"$ ollama run a --verbose x\n{BLOCK}$ ollama run b --verbose x\n{LATER}"
    assert names(text) == ["a", "b"]


LATER = BLOCK.replace("2.581208416s", "12.6s").replace("2.4s", "12s").replace("50.00", "10.00")


@pytest.mark.parametrize(
    "text",
    [
        f"$ ollama run m --verbose 'what does it print?'\nFor example:\n{BLOCK}That is it.\n{LATER}",
        f"$ ollama run m --verbose\n>>> what does it print?\n```\n{BLOCK}```\n\n{LATER}",
        f"It prints:\n{BLOCK}That is it.\n{LATER}",
        f"ollama run m --verbose\n>>> what?\neval rate:   50.00 tokens/s\nand so on\n{LATER}",
    ],
    ids=["text behind it", "a fence around it", "no command", "a line of one"],
)
def test_figures_inside_an_answer_are_no_measurement(text: str) -> None:
    [part] = importers.read(text)
    assert [trial.decode_tok_s for trial in part.trials] == [10.0]
    assert "may be part of an answer; left out" in part.remarks[0]


def test_blocks_alone_one_after_the_other_are_trials() -> None:
    [part] = importers.read(f"{BLOCK}\n\n{LATER}")
    assert [trial.decode_tok_s for trial in part.trials] == [50.0, 10.0]


def test_a_block_that_is_pasted_twice_counts_once() -> None:
    [part] = importers.read(f"$ ollama run a --verbose x\n{BLOCK}" * 2)
    assert len(part.trials) == 1
    assert "Line 11: the same figures as from line 2; left out." in part.remarks


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("$ ollama run a:1b --verbose\n>>> how?\n$ ollama run b:70b\nok\n", "a:1b"),
        ("ollama run a:1b --verbose x\n$ ollama run b:8b x\n", "a:1b"),
        ("$ ollama run a:1b --verbose\n>>> /load b:8b\n>>> hi\n", "b:8b"),
        ("$ ollama run a:1b --verbose\n>>> /bye\n$ ollama run b:8b --verbose\n>>> hi\n", "b:8b"),
        ("$ ollama run a:1b --verbose\n>>> how?\n$ ollama run b:70b --verbose\nok\n", ollama_verbose.NO_NAME),
        ("$ ollama run a:1b --verbose x\n$ ollama run b:8b --verbose x\n", ollama_verbose.NO_NAME),
        ("$ ollama run a:1b\n>>> how?\n$ ollama run b:70b\nok\n", ollama_verbose.NO_NAME),
        ("$ ollama run a:1b --verbose\n>>> /set verbose\n>>> hi\n", "a:1b"),
    ],
)
def test_a_command_inside_an_answer_names_no_model(before: str, name: str) -> None:
    assert names(f"{before}{BLOCK}") == [name]


@pytest.mark.parametrize("text", ["Dear all,\n", "The eval rate of our staff\n", "medieval rate: none\n", ""])
def test_other_texts_are_not_claimed(text: str) -> None:
    assert not ollama_verbose.claims(text)


def test_a_format_that_is_named_but_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="no figures of ollama run --verbose"):
        importers.read("Dear all,\n", format_name="ollama-verbose")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_thousand_damaged_copies_are_right_or_refused(file: Path) -> None:
    assert list(faults(file.read_bytes(), "ollama-verbose", rates_and_tokens)) == []


def test_the_part_says_nothing_that_the_file_does_not() -> None:
    [part] = importers.read(BLOCK)
    assert isinstance(part, Part)
    assert (part.engine.name, part.engine.version, part.machine, part.started_at) == ("ollama", None, None, None)
