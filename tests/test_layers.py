"""The rules of the house, as absences. ARCHITECTURE.md lists the same rooms in the same order."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tpsprofile"

# In the order in which data flows: a room imports only from rooms above it, and from itself.
ROOMS = (
    "errors",
    "clock",
    "units",
    "stats",
    "records",
    "chips",
    "prompts",
    "plan",
    "machine",
    "models",
    "engines",
    "sources",
    "trust",
    "watch",
    "deadline",
    "cases",
    "bench",
    "measure",
    "cool",
    "climb",
    "schema",
    "store",
    "sweep",
    "importers",
    "columns",
    "files",
    "merge",
    "analysis",
    "exporters",
    "predict",
    "render",
    "cli",
    "__main__",
)

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def users_of(library: str) -> set[str]:
    return {name_of(path) for path in MODULES if any(module.split(".")[0] == library for module in imports(path))}


def test_every_room_is_in_the_list() -> None:
    rooms = {room_of(name_of(path)) for path in MODULES} - {""}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    room = room_of(name_of(path))
    if not room:
        return
    for module in imports(path):
        other = room_of(module) if module.startswith("tpsprofile.") else ""
        if other in ROOMS:
            assert ROOMS.index(other) <= ROOMS.index(room), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("click", {"cli"}),
        ("rich", {"cli"}),
        ("matplotlib", {"render"}),
        ("subprocess", {"engines", "machine", "models"}),
        ("pandas", {"merge", "analysis", "render"}),
        ("ollama", {"engines"}),
        ("xllamacpp", {"engines"}),
        ("httpx", {"engines"}),
        ("time", {"clock", "machine", "engines", "cli"}),
        ("datetime", {"clock", "records", "engines", "importers", "merge", "analysis", "render", "exporters"}),
        ("pickle", set()),
        ("marshal", set()),
    ],
)
def test_libraries_stay_in_their_rooms(library: str, rooms: set[str]) -> None:
    assert {room_of(module) for module in users_of(library)} <= rooms


def test_only_one_module_of_models_runs_a_command() -> None:
    inside = {module for module in users_of("subprocess") if room_of(module) == "models"}
    assert inside <= {"tpsprofile.models.packaged"}


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_eval_and_no_yaml_tags(path: Path) -> None:
    forbidden = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.putenv", "os.system"}
    assert not forbidden & set(calls(path))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_environment_is_never_written(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"os\.environ\[[^]]+\]\s*=|os\.environ\.(update|setdefault|pop)|os\.putenv", text)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_results_are_opened_in_the_store_alone(path: Path) -> None:
    if "jsonl" in path.read_text().lower():
        room = room_of(name_of(path))
        text = re.sub(r'"""[\s\S]*?"""', "", path.read_text())
        assert room in {"store", "cli"} or ".jsonl" not in text, f"{name_of(path)} knows the suffix"


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if room_of(name_of(path)) not in {"engines", "plan", ""}],
    ids=name_of,
)
def test_engine_names_stay_in_engines(path: Path) -> None:
    """Ask an engine for its capabilities. Texts may name engines; code may not compare their names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare):
            for part in [node.left, *node.comparators]:
                assert not (isinstance(part, ast.Constant) and part.value in {"llama.cpp", "ollama", "fake"})


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(name_of(p)) == "cli"], ids=name_of)
def test_commands_are_light_to_import(path: Path) -> None:
    """Start-up must not pay for what one command needs."""
    if "@click.command" in path.read_text() or path.name == "__init__.py":
        heavy = {"pandas", "matplotlib", "numpy", "httpx", "ollama", "psutil", "rich", "gguf"}
        assert not heavy & {module.split(".")[0] for module in imports(path, top_level=True)}
