import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import header, trial
from tpsprofile import schema, store
from tpsprofile.errors import ResultsError
from tpsprofile.store import ResultsFile


def written(path: Path, rows: int = 3) -> Path:
    with ResultsFile.create(path, header()) as file:
        for number in range(1, rows + 1):
            file.append(trial(number=number))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    run = store.read(written(tmp_path / "deep" / "a.jsonl"))
    assert run.header == header()
    assert [row.number for row in run.trials] == [1, 2, 3]


def test_a_row_is_on_the_disk_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        real(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", watched)
    path = tmp_path / "a.jsonl"
    with ResultsFile.create(path, header()) as file:
        file.append(trial())
        assert synced[-1] == path.stat().st_size


def test_cut_off_anywhere_it_resumes_with_every_whole_row(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.jsonl").read_bytes()
    ends = [position + 1 for position, byte in enumerate(whole) if byte == ord("\n")]
    cut = tmp_path / "cut.jsonl"
    for length in range(ends[0], len(whole) + 1, 7):
        cut.write_bytes(whole[:length])
        kept = sum(end <= length for end in ends) - 1
        run, file = ResultsFile.resume(cut)
        with file:
            assert len(run.trials) == kept
            file.append(trial(number=99))
        assert [row.number for row in store.read(cut).trials] == [*range(1, kept + 1), 99]


def test_a_torn_last_line_is_left_out_when_reading(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    assert len(store.read(path).trials) == 2
    assert path.read_bytes()[-1:] != b"\n", "reading must not change the file"


def test_damage_in_the_middle_is_named_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b'{"record":"trial","outcome":"splendid"}\n'
    path.write_bytes(b"".join(lines))
    with pytest.raises(ResultsError, match=r"a\.jsonl, line 3: "):
        store.read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no whole line"),
        (b"hello\n", "does not begin with a run record"),
        (b'{"record":"trial"}\n', "does not begin with a run record"),
        (b'{"a":1}\n', "does not begin with a run record"),
        (b'{"record":"run","format":99}\n', "results format 99"),
        (b'{"record":"run","format":1}\n', "line 1: "),
        (schema.encode(header()) * 2, "two run records"),
        (b"\xff\xfe\x00\n", "does not begin with a run record"),
    ],
)
def test_foreign_files_are_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(content)
    for read in (store.read, ResultsFile.resume):
        with pytest.raises(ResultsError, match=words) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert "foreign.jsonl" in str(caught.value)
    assert path.read_bytes() == content, "a file that is not ours must not be changed"


@pytest.mark.parametrize(
    ("found", "damaged"),
    [
        (b'"tokens_out":11,"tokens_drafted"', b'"tokens_out":"11","tokens_drafted"'),
        (b'"tokens_out":11,"tokens_drafted"', b'"tokens_out":1.5,"tokens_drafted"'),
        (b'"prefill_s":0.5', b'"prefill_s":"0.5"'),
        (b'"prefill_s":0.5', b'"prefill_s":NaN'),
        (b'"prefill_s":0.5', b'"prefill_s":Infinity'),
        (b'"prefill_s":0.5', b'"prefill_s":1e999'),
        (b'"prefill_s":0.5', b'"prefill_s":true'),
        (b'"outcome":"ok"', b'"outcome":"splendid"'),
        (b'{"record":"trial"', b'{"record":"trail"'),
        (b'{"record":"trial",', b"{"),
        (b"{", b"\n{"),
    ],
)
def test_a_value_of_another_type_is_damage(tmp_path: Path, found: bytes, damaged: bytes) -> None:
    path = written(tmp_path / "a.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    assert found in lines[2]
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(found, damaged, 1), *lines[3:]]))
    with pytest.raises(ResultsError, match=r"a\.jsonl, line 3: "):
        store.read(path)


def test_an_older_format_is_brought_up_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "old.jsonl", rows=2)
    path.write_bytes(
        path.read_bytes().replace(b'"tokens_out":11,"tokens_drafted"', b'"made":"11","tokens_drafted"')
    )

    def to_2(raw: dict[str, Any]) -> dict[str, Any]:
        return raw | {"text": raw.pop("made")} if "made" in raw else raw

    def to_3(raw: dict[str, Any]) -> dict[str, Any]:
        return raw | {"tokens_out": int(raw.pop("text"))} if "text" in raw else raw

    monkeypatch.setattr(schema, "FORMAT", 3)
    monkeypatch.setattr(schema, "UPGRADES", {1: to_2, 2: to_3})
    assert [one.tokens_out for one in store.read(path).trials] == [11, 11]


def test_a_step_that_fails_is_damage_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "old.jsonl")
    monkeypatch.setattr(schema, "FORMAT", 2)
    monkeypatch.setattr(schema, "UPGRADES", {1: lambda raw: raw if raw["record"] == "run" else {}})
    with pytest.raises(ResultsError, match=r"old\.jsonl, line 2: "):
        store.read(path)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    with pytest.raises(ResultsError, match="exists already"):
        ResultsFile.create(path, header())
    assert len(store.read(path).trials) == 3


def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    real = os.write

    def half_then_full(fd: int, data: bytes) -> int:
        if len(data) < 300:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[: len(data) // 2])

    with ResultsFile.create(path, header()) as file:
        file.append(trial(number=1))
        monkeypatch.setattr(os, "write", half_then_full)
        with pytest.raises(ResultsError, match="No space left"):
            file.append(trial(number=2))
        monkeypatch.setattr(os, "write", real)
        file.append(trial(number=3))
    assert [row.number for row in store.read(path).trials] == [1, 3]


def test_a_header_that_cannot_be_written_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ResultsError, match="No space left"):
        ResultsFile.create(tmp_path / "a.jsonl", header())
    assert list(tmp_path.iterdir()) == []


def test_find_takes_files_and_folders(tmp_path: Path) -> None:
    one = written(tmp_path / "x" / "y" / "one.jsonl")
    two = written(tmp_path / "two.jsonl")
    (tmp_path / "x" / "chart.png").write_bytes(b"")
    assert store.find([tmp_path, two]) == [two, one]
    with pytest.raises(ResultsError, match="does not exist"):
        store.find([tmp_path / "nowhere"])
