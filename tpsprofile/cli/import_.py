"""``tpsprofile import``: results of other tools, as others reported them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from tpsprofile.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tpsprofile.importers import Part
    from tpsprofile.importers.settled import Said
    from tpsprofile.records import Machine, Run

STDIN = "-"


@click.command(
    name="import",
    short_help="Take in results of other tools, as they were reported.",
    epilog="""\b
Examples:
  tpsprofile import bench.json --machine "M2 Max 64GB"
  tpsprofile import run.txt --machine "M4 Pro 48GB" --model qwen3:8b
  ollama run llama3.2:1b --verbose "Why?" 2>&1 |
    tpsprofile import - --machine "RTX 4090" --model llama3.2:1b
  tpsprofile import score.json --source "a friend's LocalScore"
""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option(
    "--machine",
    metavar="TEXT",
    help='Whose figures they are, chip and memory: "M2 Max 64GB", "RTX 4090".',
)
@click.option("--model", metavar="NAME", help="The model, where the file names none or another way.")
@click.option("--parameters", metavar="N", help="Its size, where the file has none: 8.03B, 135M.")
@click.option("--quant", metavar="NAME", help="Its quantisation, where the file has none: Q4_K_M.")
@click.option("--engine", metavar="NAME", help="The engine, where the file has none.")
@click.option("--engine-version", metavar="TEXT", help="Its version, where the file has none.")
@click.option("--source", metavar="TEXT", help="Who reported it, and where.")
@click.option("--format", "format_name", metavar="NAME", help="What the files are.  [default: as they look]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    metavar="FOLDER",
    help="Where results go.  [default: results]",
)
def import_(
    *,
    files: tuple[str, ...],
    machine: str | None,
    model: str | None,
    parameters: str | None,
    quant: str | None,
    engine: str | None,
    engine_version: str | None,
    source: str | None,
    format_name: str | None,
    out: Path,
) -> None:
    """Make results of what other tools print: llama-bench (JSON, JSON Lines, CSV, SQL, tables), Ollama's bench
    tool, ollama run --verbose, LocalScore, llama-benchy. "-" reads standard input.

    What a file says twice is compared, and a file that contradicts itself is refused with its line; the others go
    on, and the exit status is then 3. Imported figures are marked as reported, and kept apart from measured ones.
    A file that was imported before is not imported again.
    """
    from tpsprofile.importers.settled import Said
    from tpsprofile.predict import sizes

    said = Said(
        model=_word("--model", model),
        parameters=None if parameters is None else sizes.parameters(parameters),
        quantisation=_word("--quant", quant),
        engine=_word("--engine", engine),
        engine_version=_word("--engine-version", engine_version),
    )
    whose = None if machine is None else _described(machine)
    ask = _Ask(said, whose, _word("--source", source), format_name, out)
    ready: list[_Ready] = []
    for name in files:
        try:
            ready.append(_read(name, ask))
        except ResultsError as error:
            click.echo(f"Left out: {error}", err=True)
    _show([_written(one, out) for one in ready], out)
    if len(ready) < len(files):
        click.get_current_context().exit(ResultsError.exit_code)


class _Ask(NamedTuple):
    """What the user asks for."""

    said: Said
    machine: Machine | None
    source: str | None
    format_name: str | None
    out: Path


class _Ready(NamedTuple):
    """One file before anything of it is written."""

    name: str
    content: bytes
    runs: Sequence[Run]
    remarks: Sequence[str]


class _Done(NamedTuple):
    """One file after its import."""

    name: str
    runs: Sequence[Run]
    """As they are on the disk: what was imported before stays as it was."""
    remarks: Sequence[str]
    written: Sequence[Path]
    there: Sequence[Path]


def _read(name: str, ask: _Ask) -> _Ready:
    from tpsprofile import importers
    from tpsprofile.importers import settled

    shown = "standard input" if name == STDIN else name
    content = _content(name)
    parts = importers.read(content, shown, ask.format_name)
    try:
        parts = settled.settled(parts, ask.said, _size_of)
        runs = [run for part in parts for run in _runs(part, ask)]
    except UsageError as error:
        raise UsageError(f"{shown}: {error.what}", error.advice) from None
    return _Ready(
        Path(shown).name, content, runs, tuple(dict.fromkeys(remark for part in parts for remark in part.remarks))
    )


def _written(one: _Ready, out: Path) -> _Done:
    from tpsprofile import store
    from tpsprofile.importers import filed

    written, there = filed.write(one.runs, one.content, out)
    on_disk = [store.read(path) for path in (*there, *written)]
    remarks = [*one.remarks, *(said for path in written for said in filed.superseding(path))] if written else []
    return _Done(one.name, on_disk, remarks, written, there)


def _runs(part: Part, ask: _Ask) -> Sequence[Run]:
    from tpsprofile import importers

    return importers.as_runs([part], _whose(part, ask.machine), ask.source)


def _content(name: str) -> bytes:
    from tpsprofile.importers import Refused, texts

    try:
        if name == STDIN:
            return sys.stdin.buffer.read(texts.LARGEST + 1)
        with Path(name).open("rb") as file:
            return file.read(texts.LARGEST + 1)
    except OSError as error:
        raise Refused(f"It cannot be read: {error.strerror}.", file=name) from error


def _whose(part: Part, machine: Machine | None) -> Machine:
    """The machine that the user describes, else the one that the file does."""
    from tpsprofile.machine import named

    if machine is not None:
        return machine
    if part.machine is None:
        if part.ran_on:
            advice = f'Describe it, with its memory: --machine "{part.ran_on}, 64GB".'
            raise UsageError(f"It ran on {part.ran_on}, and does not say with how much memory.", advice)
        raise UsageError(
            "It does not say which machine its figures are of.", 'Describe it: --machine "M2 Max 64GB".'
        )
    return named.told(part.machine)


def _described(text: str) -> Machine:
    from tpsprofile.machine import named

    return named.described(_word("--machine", text) or "")


def _word(option: str, text: str | None) -> str | None:
    """A word of the user's on one line. Raises UsageError for one that is empty."""
    if text is not None and not (text.strip() and text.isprintable()):
        raise UsageError(
            f"{option} is empty, or has signs that do not print.", "Write a few plain words, or leave it out."
        )
    return None if text is None else " ".join(text.split())


def _size_of(name: str) -> tuple[int, int | None] | None:
    """Parameters that the name of a model tells of, and those that a token uses."""
    from tpsprofile.predict import sizes

    told = sizes.of_name(name)
    return None if told is None else (round(told.parameters), None if told.active is None else round(told.active))


def _show(done: Sequence[_Done], out: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    from tpsprofile.cli.figures import figures
    from tpsprofile.render import imported

    console = Console(highlight=False, markup=False, emoji=False)
    by_machine: dict[str, list[Run]] = {}
    for run in (run for one in done for run in one.runs):
        by_machine.setdefault(run.header.machine.label, []).append(run)
    for label, runs in by_machine.items():
        rows = imported.rows(runs)
        tools = " and ".join(dict.fromkeys(run.header.provenance.method or "" for run in runs))
        console.print(Text(label, style="bold"), Text(f"as reported: {tools}", style="dim"), sep="\n")
        console.print(figures(imported.HEADINGS, rows, console.width, slow=lambda row: False))
        console.print()
    for one in done:
        for remark in one.remarks:
            console.print(Text(f"{one.name}: {remark}" if len(done) > 1 else remark, style="dim"))
    for path in (path for one in done for path in one.written):
        console.print(Text(f"results  {path}"), soft_wrap=True)
    there = [path for one in done for path in one.there]
    for path in there:
        console.print(Text(f"there    {path}"), soft_wrap=True)
    if there:
        console.print("What was imported before is left as it is: remove the file to import it anew.")
    if any(one.written for one in done):
        console.print(f"See them: tpsprofile plot {shlex.quote(str(out))}", soft_wrap=True)
