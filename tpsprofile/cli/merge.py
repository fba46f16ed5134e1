"""``tpsprofile merge``: results of several machines as one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tpsprofile.errors import ResultsError

if TYPE_CHECKING:
    from rich.console import Console

    from tpsprofile.analysis.summary import Summary
    from tpsprofile.render.tables import Block


@click.command(
    short_help="Put results of several machines into one table.",
    epilog="""\b
Examples:
  tpsprofile merge                            what is in ./results
  tpsprofile merge mine/ theirs.jsonl         folders and files
  tpsprofile merge results/ -o all.csv        save one row a trial
  tpsprofile merge results/ --json            the summary, for a program
  tpsprofile merge --explain                  which models can be compared
""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES|FOLDERS]...")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the table: .csv, .parquet or .json."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON: points, and models without one.")
@click.option("--explain", is_flag=True, help="Say instead what is comparable on which machines, and why not.")
def merge(*, paths: tuple[Path, ...], out: Path | None, as_json: bool, explain: bool) -> None:
    """Put the results files of several machines into one table, and show what it says.

    Folders are searched to any depth; without an argument, ./results is. A run that is there twice counts once.
    Only trials that ended well enter a figure, and a model that several runs of a machine hold counts as the
    newest has it. A damaged file is named and left out; the exit status is then 3.

    --explain goes through each two machines: models that were measured alike can be compared, and for the others
    it says in what they differ.
    """
    from tpsprofile import merge as merging
    from tpsprofile.analysis.points import summarise

    found = merging.gather(paths)
    report(found.errors)
    if found.errors and not found.files:
        click.get_current_context().exit(ResultsError.exit_code)
    if out is not None:
        merging.save(found.table, out)
    summary = summarise(found.table)
    if explain:
        _explain(summary, as_json=as_json)
    elif as_json:
        _print_json(summary)
    else:
        _print_summary(summary, trials=len(found.table), files=found.files)
    if out is not None and not as_json:
        click.echo(f"Saved {len(found.table)} rows to {out}")
    if found.errors:
        click.get_current_context().exit(ResultsError.exit_code)


def report(errors: tuple[ResultsError, ...]) -> None:
    """Name files that could not be read, one line each, on standard error."""
    for error in errors:
        click.echo(f"Left out: {error}", err=True)


def _explain(summary: Summary, *, as_json: bool) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from tpsprofile.analysis.like import matches
    from tpsprofile.render import unlike

    found = matches(summary)
    if as_json:
        _print_json(unlike.document(found))
        return
    console = Console(highlight=False, markup=False, emoji=False)
    for one in unlike.explained(found):
        console.print(Text(one.heading, style="bold"))
        for line in one.lines:
            console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
    if not found:
        console.print("There is one machine: nothing to compare.")
    for line in filter(None, [*unlike.curves(summary), unlike.advice(found)]):
        console.print(Text(line, style="dim"))


def _print_json(summary: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode())


def _print_summary(summary: Summary, *, trials: int, files: int) -> None:
    from rich.console import Console

    from tpsprofile.render.lines import SYNTHETIC_MARK
    from tpsprofile.render.tables import blocks

    console = Console(highlight=False, markup=False, emoji=False)
    for block in blocks(summary):
        _print_block(console, block)
    if any(point.synthetic for point in summary.points):
        console.print(f"{SYNTHETIC_MARK} synthetic weights", style="dim")
    machines = len({series.machine_id for series in summary.series})
    console.print(f"{_count(trials, 'row')} from {_count(files, 'file')}, {_count(machines, 'machine')}.")


def _print_block(console: Console, block: Block) -> None:
    from rich.text import Text

    from tpsprofile.cli.figures import figures
    from tpsprofile.render.tables import HEADINGS

    console.print(Text(block.heading, style="bold"), Text(block.origin, style="dim"), sep="\n")
    if block.rows:
        console.print(figures(HEADINGS, block.rows, console.width, slow=lambda row: row.slow))
    for line in (*block.without, *block.advice):
        console.print(line, style="dim")
    console.print()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
