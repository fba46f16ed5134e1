"""``tpsprofile engines``: the screen at several widths, its tables, and JSON."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.strangers import listening, pages, status
from tpsprofile import units
from tpsprofile.cli import main
from tpsprofile.engines import discover, installed, knock, registry
from tpsprofile.engines.base import Capabilities
from tpsprofile.engines.found import Found, State, sweep
from tpsprofile.engines.openai import servers
from tpsprofile.render import found as words

URL = "http://127.0.0.1"
MODEL = "qwen/qwen3-4b-2507-instruct-mlx"
LONG = sweep("openai", "--server", f"{URL}:1234", model=MODEL)
FOUND = (
    Found(
        name="llama.cpp",
        state=State.READY,
        engine="llama.cpp",
        version="b1",
        can=Capabilities(takes=("gguf",)),
        command="tpsprofile sweep",
    ),
    Found(
        name="LM Studio",
        state=State.READY,
        engine="openai",
        address=f"{URL}:1234",
        loaded=("a", "/m/b.gguf", "c", "d", "e"),
        models=("a", "/m/b.gguf", "c", "d", "e", "f"),
        can=servers.LM_STUDIO.can,
        command=LONG,
    ),
    Found(
        name="vLLM",
        state=State.INSTALLED,
        engine="openai",
        where="/usr/bin/vllm",
        can=servers.VLLM.can,
        start="vllm serve NAME",
    ),
    Found(name="says nothing", state=State.OTHER, address=f"{URL}:8000", note="Usual on this port: vLLM."),
    Found(name="Jan", state=State.ABSENT, engine="openai", install="jan.ai", can=servers.OTHER.can),
)


@pytest.fixture(autouse=True)
def empty_computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(installed, "app_folders", lambda: (tmp_path,))
    monkeypatch.setattr(discover, "PORTS", ())
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    monkeypatch.setattr(knock, "ANSWER_S", 10.0)  # this one may be busy
    monkeypatch.setattr(discover, "ADDRESSES_S", 20.0)
    monkeypatch.setattr(discover, "ENGINES_S", 20.0)


def call(*arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["engines", *arguments])


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discover, "look", lambda servers: FOUND)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_screen_fits(scripted: None, width: int) -> None:
    shown = call(width=width)
    assert shown.exit_code == 0
    assert max(map(len, shown.stdout.splitlines())) <= width


def test_groups_stand_in_the_order_of_what_can_be_done(scripted: None) -> None:
    lines = call(width=100).stdout.splitlines()
    headings = ["Ready to measure", "Here, but not running", "Answers, but cannot be measured"]
    assert [line for line in lines if line in headings] == headings
    assert "  LM Studio  at http://127.0.0.1:1234 · 6 models, loaded: a, b.gguf, c and 2 more" in lines
    assert "  127.0.0.1:8000  says nothing" in lines
    assert any(line.startswith("Not installed: Jan (jan.ai).") for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_folded_command_is_the_same_command_to_a_shell(width: int) -> None:
    folded = words.folded(LONG, width, indent=4)
    assert shlex.split(folded.replace("\\\n", "")) == shlex.split(LONG)
    assert all(line.startswith("    ") for line in folded.splitlines())
    assert max(map(len, folded.splitlines())) <= max(width, len(f"      --model {MODEL} \\"))


def test_a_command_that_fits_is_on_one_line() -> None:
    assert "\n" not in words.folded(LONG, 200)


def test_the_table_follows_from_capabilities_alone() -> None:
    table = {name: cells for name, *cells in words.reports(words.capabilities(FOUND))}
    yes, no = words.REPORTED, units.UNKNOWN
    assert list(words.capabilities(FOUND)) == ["llama.cpp", "LM Studio", "vLLM"]
    assert table["load time"] == [yes, no, no]
    assert table["decode by its own clock"] == [yes, no, no]
    assert table["exactly as many tokens"] == [no, no, yes]
    assert table["files and twins"] == ["gguf", no, no]


@pytest.mark.parametrize(
    "change",
    [
        {"loads": False},
        {"times_itself": False},
        {"reports_cached": True},
        {"ignores_end": True},
        {"sets_context": False},
        {"reports_size": True},
        {"lists_models": True},
        {"takes": ("safetensors",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_capability_that_fills_a_column_changes_the_table(change: dict[str, object]) -> None:
    usual, changed = Capabilities(), Capabilities(**change)  # type: ignore[arg-type]
    rows = words.reports({"usual": usual, "changed": changed})
    assert [name for name, before, after in rows if before != after]


def test_a_terminal_without_the_signs_tells_them_apart_nevertheless(scripted: None) -> None:
    """They would both be a question mark."""
    shown = CliRunner(charset="ascii", env={"COLUMNS": "80"}).invoke(main, ["engines"])
    assert ["load", "time", "yes", "-", "-"] in [line.split() for line in shown.stdout.splitlines()]
    assert "yes it tells. - it does not" in shown.stdout


def test_two_of_a_name_that_report_differently_are_told_apart() -> None:
    own = Found(name="llama-server", state=State.READY, engine="llama-server", can=Capabilities(takes=("gguf",)))
    running = Found(
        name="llama-server",
        state=State.READY,
        engine="openai",
        address=f"{URL}:8080",
        can=servers.LLAMA_SERVER.can,
    )
    assert list(words.capabilities((own, running))) == ["llama-server", "llama-server:8080"]
    assert list(words.capabilities((running, own))) == ["llama-server:8080", "llama-server"]
    assert list(words.capabilities((running,))) == ["llama-server"]


def test_engines_that_do_not_fit_beside_each_other_get_a_table_below() -> None:
    many = {f"engine number {number}": Capabilities() for number in range(7)}
    groups = list(words.beside(many, 80))
    assert len(groups) > 1
    assert [name for group in groups for name in group] == list(many)
    assert all(words.beside(many, 10)), "each has one at least"


def test_the_document_holds_all_that_was_found() -> None:
    with listening(pages({"/v1/models": {"data": [{"id": "tiny", "owned_by": "vllm"}]}})) as port:
        document = json.loads(call("--json", "--server", f"127.0.0.1:{port}").stdout)
    assert {one["engine"] for one in document["engines"]} >= set(registry.names()) - {"fake"}
    ready = [one for one in document["engines"] if one["address"]]
    assert [(one["name"], one["state"], one["models"]) for one in ready] == [("vLLM", "ready", ["tiny"])]
    assert 11434 in document["ports"]


def test_what_answers_with_signs_of_control_is_shown_without_them() -> None:
    answer = b'{"data": [{"id": "evil\\u001b[31m\\u0007", "owned_by": "vllm"}]}'
    with listening(status(200, answer)) as port:
        shown = call("--server", f"http://127.0.0.1:{port}")
    assert shown.exit_code == 0
    assert "evil" in shown.stdout
    assert not {"\x1b", "\x07"} & set(shown.stdout)


def test_an_address_that_is_none_ends_it_in_one_line() -> None:
    refused = call("--server", "ftp://x")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: ")
    assert len(refused.stderr.splitlines()) == 1
