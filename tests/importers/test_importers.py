"""What all formats share: who reads a file, what is no text, and how a part becomes a run."""

import codecs
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tpsprofile import importers, schema
from tpsprofile.errors import UsageError
from tpsprofile.importers import Part, Refused, texts
from tpsprofile.records import EngineInfo, Machine, ModelFacts, Outcome, Provenance, Trial, Workload

MACHINE = Machine(id="m4", chip="Apple M4")
TRIAL = Trial(model=ModelFacts(name="tiny"), workload=Workload(prompt="theirs"), outcome=Outcome.OK)


def test_a_part_becomes_a_run_that_says_who_reported_it() -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    part = Part(
        method="their tool (cold)",
        engine=EngineInfo(name="an engine", version="7"),
        options={"threads": 2},
        started_at=when,
        trials=(TRIAL,),
    )
    [run], [again] = (importers.as_runs([part], MACHINE, "a friend") for _ in range(2))
    assert run.header.provenance == Provenance(kind="as reported", source="a friend", method="their tool (cold)")
    assert (run.header.machine, run.header.engine, run.header.options) == (MACHINE, part.engine, {"threads": 2})
    assert (run.header.started_at, run.header.format, run.trials) == (when, schema.FORMAT, (TRIAL,))
    assert run.header.run != again.header.run
    assert schema.decode(schema.encode(run.header)) == run.header


def test_a_file_that_is_nobodys_is_told_what_there_is(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear all,\n")
    with pytest.raises(Refused, match=r"letter\.txt: It is no file that can be imported.*llama-bench"):
        importers.read(file, "letter.txt")


FIXTURES = Path(__file__).parent
TABLE = """
| model | size | params | backend | ngl | test | t/s |
| --- | ---: | ---: | --- | --: | ---: | ---: |
| llama 7B Q4_0 | 3.56 GiB | 6.74 B | Metal | 99 | tg32 | 60.50 ± 0.10 |

build: abcdef12 (4000)
"""


@pytest.mark.parametrize("file", ["ollama_bench/0.33.0-rc2-csv.csv", "ollama_verbose/session.txt"])
def test_the_output_of_two_tools_in_one_file_is_refused_unless_one_is_named(file: str) -> None:
    first = (FIXTURES / file).read_text() + "\n"
    with pytest.raises(Refused, match=r"output of several tools: ollama-.*, llama-bench") as refused:
        importers.read(first + TABLE)
    assert "Make a file of each" in (refused.value.advice or "")
    assert importers.read(first + TABLE, format_name="llama-bench")[0].trials[0].decode_tok_s == 60.5


def test_the_name_of_another_tool_alone_is_no_output_of_it() -> None:
    text = (FIXTURES / "ollama_verbose" / "session.txt").read_text()
    assert importers.read(text.replace("Once upon a time", "There was a llama-bench")) == importers.read(text)


def test_a_format_that_there_is_not_is_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'llama-bench'"):
        importers.read("text", format_name="lama-bench")


def test_a_format_may_be_named_for_a_text_that_it_does_not_claim() -> None:
    with pytest.raises(Refused, match=r"^x\.md: .*row"):
        importers.read("Dear all,\n", "x.md", format_name="llama-bench")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"none: It cannot be read: No such file"):
        importers.read(tmp_path / "none", "none")


@pytest.mark.parametrize(
    "content",
    [
        "one\nt ± wo".encode(),
        codecs.BOM_UTF8 + "one\nt ± wo".encode(),
        codecs.BOM_UTF16_LE + "one\nt ± wo".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "one\r\nt ± wo".encode("utf-16-be"),
        "one\r\nt ± wo".encode() + "±".encode()[:1],
    ],
    ids=["UTF-8", "UTF-8 with a mark", "UTF-16 LE", "UTF-16 BE", "a character torn at the end"],
)
def test_text_is_text_however_it_was_saved(content: bytes) -> None:
    assert texts.decoded(content) == "one\nt ± wo"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("one\nt ± wo and more\n".encode("latin-1"), 2),
        ("one\ntwo".encode("utf-16-le"), 1),
        (b"one\ntwo\n\0", 3),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(200)), 1),
    ],
    ids=["Latin-1", "UTF-16 without a mark", "NUL", "a picture"],
)
def test_what_is_no_text_is_refused_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(Refused) as refused:
        texts.decoded(content)
    assert (refused.value.line, refused.value.advice) == (line, "Save it as UTF-8.")


def test_a_file_beyond_all_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "LARGEST", 100)
    with pytest.raises(Refused, match="more than"):
        texts.decoded(b"x" * 101)


@pytest.mark.parametrize(
    "text",
    ["", " ", '{"a": 1', '{"a": [1, 2', '{"a": "b', '{"a": tr', '{"a": -', '{"a": 1,', '{"a"', "[", '{"a": 12'],
    ids=repr,
)
def test_json_that_ends_too_early_is_cut_off(text: str) -> None:
    assert texts.json_at(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1 "b": 2}', "No valid JSON"),
        ('{"a": 1]', "No valid JSON"),
        ('{"a": "b\n"}', "No valid JSON"),
        ('{"a": truly}', "No valid JSON"),
        ('{"a": NaN}', "'NaN'"),
        ('{"a": -Infinity}', "'-Infinity'"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands there twice"),
        ('{"a": ' + "9" * 5000 + "}", "number"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 100_000, "nested"),
    ],
    ids=lambda value: value[:20],
)
def test_json_that_cannot_mean_a_figure_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        texts.json_at("\n" + text, 1)
    assert refused.value.line in {2, 3}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[\n{"a": 1},\n{"b": 2,\n"a": 3,\n"a": 4}]', 5),
        ('{"a": {"b": 1,\n"c": "b\\": {"},\n"b": 2,\n"a": 3}', 4),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_own_line(text: str, line: int) -> None:
    with pytest.raises(Refused, match="'a' stands there twice") as refused:
        texts.json_at("\n" + text, 1)
    assert refused.value.line == line + 1


def test_json_is_found_with_its_line_and_end() -> None:
    assert texts.json_at('noise\n{"a": 1}, more', 6) == ({"a": 1}, 2, 14)
