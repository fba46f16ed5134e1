"""Documents that cannot drift: formats, commands and files that they name exist, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.test_layers import ROOMS
from tpsprofile.cli import COMMANDS, main
from tpsprofile.records import (
    Conditions,
    CoreGroup,
    During,
    EngineInfo,
    Gpu,
    Machine,
    Memory,
    ModelFacts,
    Outcome,
    Provenance,
    RunHeader,
    Trial,
    Workload,
)

ROOT = Path(__file__).parents[1]
FORMAT = (ROOT / "docs" / "results-format.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    "record",
    [
        RunHeader,
        Machine,
        CoreGroup,
        Gpu,
        Conditions,
        EngineInfo,
        Provenance,
        Trial,
        ModelFacts,
        Workload,
        Memory,
        During,
    ],
)
def test_every_field_of_a_results_file_is_documented(record: type[msgspec.Struct]) -> None:
    missing = [field for field in record.__struct_fields__ if f"`{field}`" not in FORMAT]
    assert not missing


def test_every_outcome_is_documented() -> None:
    table = FORMAT.partition("### Outcomes")[2]
    assert set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)) == {str(outcome) for outcome in Outcome}


def test_every_room_is_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.partition("## Rooms")[2].partition("## Where")[0]
    named = [
        name.strip("`/ ") for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in row.split(",")
    ]
    assert [*named, "__main__"] == list(ROOMS)


def test_every_dependency_is_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    declared = re.findall(r'^  "([a-zA-Z0-9-]+)[>=]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(declared) > 20
    assert [name for name in declared if name not in text] == []


def test_the_help_of_the_group_is_that_of_the_commands() -> None:
    for name, (_, line) in COMMANDS.items():
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.short_help == line


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself_with_examples(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"], terminal_width=80)
    assert result.exit_code == 0
    assert f"tpsprofile {name}" in result.output.partition("Examples:")[2]
    assert max(map(len, result.output.splitlines())) <= 80


def test_the_readme_shows_commands_and_files_that_exist() -> None:
    used = set(re.findall(r"tpsprofile (\w+)", README)) & set(
        re.findall(r"^tpsprofile (\w+)", README, re.MULTILINE)
    )
    assert used <= set(COMMANDS)
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_no_document_names_a_package_index() -> None:
    hosts = re.compile(r"pypi\.org|pythonhosted|crates\.io|npmjs|proxy\.golang", re.IGNORECASE)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "requirements.lock", ROOT / "Makefile"]:
        assert not hosts.search(path.read_text()), path


MEASUREMENT = (ROOT / "docs" / "measurement.md").read_text()


def test_every_rule_and_fault_names_a_test_that_exists() -> None:
    rules = re.findall(r"^\| (\d+) \| .+ \| `([^`]+)::(\w+)` \|$", MEASUREMENT, re.MULTILINE)
    assert [int(number) for number, _, _ in rules] == list(range(1, 23))
    faults = re.findall(r"^\| [^|]+ \| [^|]+ \| `([^`]+)::(\w+)` \|$", MEASUREMENT, re.MULTILINE)
    assert len(faults) >= 11
    for file, name in [*(rule[1:] for rule in rules), *faults]:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(), f"{file}::{name}"
