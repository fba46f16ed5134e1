"""``tpsprofile engines``: which engines are here, how to measure them, and what each can report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from tpsprofile.engines.found import Found
    from tpsprofile.render.found import Line


@click.command(
    short_help="Show which engines are here, and what each can report.",
    epilog="""\b
Examples:
  tpsprofile engines                                look on this computer
  tpsprofile engines --server http://10.0.0.5:8000  and at this address
  tpsprofile engines --json                         for a program
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: engines found, and the ports that were asked.")
@click.option(
    "--server", "servers", multiple=True, metavar="URL", help="Ask this address as well; may be repeated."
)
def engines(*, as_json: bool, servers: Sequence[str]) -> None:
    """Show which engines are installed, which answer and with which models, and how to measure each.

    A few ports of this computer are asked who is there, and OLLAMA_HOST if it is set. Nothing is started, no
    model is loaded, no key is sent. The second table says what a sweep can learn from each engine: a dash is a
    column that stays empty.
    """
    from rich.console import Console

    from tpsprofile.engines import discover
    from tpsprofile.engines.installed import PORTS

    with Console(stderr=True).status("Looking for engines…"):
        found = discover.look(servers)
    if as_json:
        import msgspec

        document = {"engines": found, "ports": [port.number for port in PORTS]}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    console = Console(highlight=False, markup=False, emoji=False)
    for part in _screen(found, console):
        console.print(part)


def _screen(found: Sequence[Found], console: Console) -> Iterator[RenderableType]:
    """The engines by how near they are, what is missing, and what each can report."""
    from rich.text import Text

    from tpsprofile.engines.installed import PORTS
    from tpsprofile.render import found as words

    width = console.width
    for group in words.groups(found):
        yield Text(group.heading, style="bold")
        for line in group.lines:
            yield from _line(line, width)
        yield ""
    for remark in words.remarks(found, [port.number for port in PORTS]):
        yield Text(words.wrapped(remark, width), style="dim")
    yield ""
    yield from _tables(found, console)


def _line(line: Line, width: int) -> Iterator[RenderableType]:
    """The name and what is known; below it the command, then what else there is to know."""
    from rich.text import Text

    from tpsprofile.render.found import folded, wrapped

    first = Text(wrapped(f"{line.name}  {line.about}", width, indent=2), style="dim")
    first.stylize("not dim bold", 2, 2 + len(line.name))
    yield first
    if line.command:
        yield Text(folded(line.command, width, indent=4), style="cyan")
    if line.note:
        yield Text(wrapped(line.note, width, indent=4), style="dim")


def _tables(found: Sequence[Found], console: Console) -> Iterator[RenderableType]:
    """What each engine reports, as many engines beside each other as fit."""
    from rich.table import Table
    from rich.text import Text

    from tpsprofile import units
    from tpsprofile.render import found as words

    def shown(sign: str) -> str:
        return sign if console.encoding.startswith("utf") else words.PLAIN.get(sign, sign)

    for columns in words.beside(words.capabilities(found), console.width):
        table = Table(box=None, pad_edge=False, collapse_padding=True, padding=(0, 2), header_style="dim")
        table.add_column(words.LEARNED, no_wrap=True)
        for name in columns:
            table.add_column(Text(name), justify="center", no_wrap=True)
        for first, *cells in words.reports(columns):
            styled = [Text(shown(cell), style="dim" if cell == units.UNKNOWN else "") for cell in cells]
            table.add_row(first, *styled)
        yield table
        yield ""
    legend = " ".join(shown(word) for word in words.LEGEND.split())
    yield Text(words.wrapped(legend, console.width), style="dim")
