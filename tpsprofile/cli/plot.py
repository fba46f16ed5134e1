"""``tpsprofile plot``: charts of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tpsprofile.cli.limits import rate
from tpsprofile.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from tpsprofile.render.predicted import Curve

_METRICS = ("tokens", "load", "ttft", "memory", "depth", "depth-ttft", "prompt-ttft", "sustained", "engines")


@click.command(
    short_help="Draw tokens/s against parameter count.",
    epilog="""\b
Examples:
  tpsprofile plot                             ./results as tpsprofile.png
  tpsprofile plot results/ all.csv -o us.svg  folders, files, merged tables
  tpsprofile plot --metric load -o load.pdf   load times instead
  tpsprofile plot --metric depth              what a long context costs
  tpsprofile plot --metric sustained          whether models keep their speed
  tpsprofile plot --metric engines            one model on several engines
  tpsprofile plot --metric all -o us.png      us-tokens.png, us-load.png, ...
  tpsprofile plot --line 5                    another line for "too slow"
  tpsprofile plot --predict "M4 Max 40-core"  a chip beside what was measured
""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES|FOLDERS]...")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("tpsprofile.png"),
    show_default=True,
    metavar="FILE",
    help="Where to: .png, .svg or .pdf.",
)
@click.option(
    "--metric",
    type=click.Choice([*_METRICS, "all"]),
    default="tokens",
    show_default=True,
    metavar="NAME",
    help=f"What to draw: {', '.join(_METRICS)} or all.",
)
@click.option(
    "--line",
    default="10",
    show_default=True,
    metavar="TOK/S",
    help='Below it a model is too slow: a number, or "reading" (5.3, what a reader takes in).',
)
@click.option(
    "--predict", "chips", multiple=True, metavar="CHIP", help="Add what a chip would run at, dashed (tokens only)."
)
def plot(*, paths: tuple[Path, ...], out: Path, metric: str, line: str, chips: tuple[str, ...]) -> None:
    """Draw tokens/s, load time, time to first token or memory against parameter count, a curve a machine.

    Other metrics draw models against themselves: tokens/s (depth) or time to first token (depth-ttft) against
    the tokens in the context, time to first token against the length of the prompt (prompt-ttft), tokens/s
    against time (sustained), and one engine against another (engines).

    Takes results files, folders of them, and tables that "tpsprofile merge -o" saved; without an argument,
    ./results. A damaged file is named and left out; the exit status is then 3.
    """
    from tpsprofile.analysis.points import summarise
    from tpsprofile.cli.merge import report
    from tpsprofile.merge import gather
    from tpsprofile.render import charts

    if chips and metric != "tokens":
        raise UsageError(f"--metric {metric} cannot be predicted.", "Only tokens can: leave --metric out.")
    line_tok_s = rate(line)
    predicted = _predicted(chips, line_tok_s)
    found = gather(paths)
    report(found.errors)
    summary = summarise(found.table)
    every = metric == "all"
    for one in (charts.drawable(summary) or ("tokens",)) if every else (metric,):
        path = out.with_stem(f"{out.stem}-{one}") if every else out
        click.echo(charts.draw(summary, path, metric=one, line_tok_s=line_tok_s, predicted=predicted))
    if found.errors:
        click.get_current_context().exit(ResultsError.exit_code)


def _predicted(chips: Sequence[str], line_tok_s: float) -> tuple[Curve, ...]:
    """The curve of each chip. Raises UsageError for a name that is none, or several."""
    if not chips:
        return ()
    from tpsprofile.predict import sizes, subject
    from tpsprofile.render.predicted import curve

    curves = []
    for chip in chips:
        one = subject.of_chip(chip)
        spots = sizes.curve(one.ask)
        largest = sizes.largest(spots, line_tok_s, one.room_bytes)
        curves.append(curve(one.name, one.room, spots, largest))
    return tuple(curves)
