"""The two ways in which the room asks the system."""

import os
import sys
from pathlib import Path

import pytest

from tpsprofile.machine.shell import number, read, run


def python(code: str, timeout_s: float = 20.0) -> str:
    return run(sys.executable, "-c", code, timeout_s=timeout_s)


def test_an_exit_status_of_one_does_not_spoil_the_answer() -> None:
    assert python("import sys; print('hw.ncpu: 8'); sys.exit(1)").strip() == "hw.ncpu: 8"


def test_standard_error_is_kept_apart() -> None:
    assert python("import sys; print('a log line', file=sys.stderr); print('answer')").strip() == "answer"


def test_the_locale_is_plain_and_the_environment_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    before = dict(os.environ)
    assert python("import os; print(os.environ['LC_ALL'])").strip() == "C"
    assert dict(os.environ) == before


def test_a_missing_command_is_no_answer() -> None:
    assert run("there-is-no-such-command-here") == ""


def test_a_command_that_hangs_is_no_answer() -> None:
    assert python("import time; time.sleep(60)", timeout_s=0.2) == ""


def test_files_of_the_device_tree_end_in_zero(tmp_path: Path) -> None:
    (tmp_path / "compatible").write_bytes(b"maker,board\0maker,chip\0")
    assert read(tmp_path / "compatible") == "maker,board\nmaker,chip"
    assert read(tmp_path / "missing") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", 12), (" 0x1586\n", 0x1586), ("max", None), ("N/A", None), ("", None), (None, None)],
)
def test_number(text: str | None, expected: int | None) -> None:
    assert number(text) == expected
