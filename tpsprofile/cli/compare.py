"""``tpsprofile compare``: machines beside each other, like with like."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tpsprofile.cli.limits import allow_option, allowed, chosen_limit, limit_options, results_option
from tpsprofile.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from tpsprofile.analysis.comparison import Comparison
    from tpsprofile.analysis.like import Difference, Who
    from tpsprofile.analysis.limits import Limit
    from tpsprofile.analysis.summary import Summary

_LABEL = 14
"""Characters before the lines below the table."""


@click.command(
    short_help="Say how much faster another machine is, and what it gains.",
    epilog="""\b
Examples:
  tpsprofile compare "M2 Max" "M4 Max"        by any part of a machine's name
  tpsprofile compare m1 "m2 max" "m4 max"     each against the first
  tpsprofile compare m2 m4 --line reading     usable: as fast as one reads
  tpsprofile compare m2 m4 --ttft 2s          usable: an answer begins in time
  tpsprofile compare m2 m4 --allow version    in spite of a difference
  tpsprofile compare m2 m4 -r mine/ -r theirs.jsonl -o m2-m4.png
""",
)
@click.argument("machines", nargs=-1, metavar="[MACHINE]...")
@results_option
@limit_options
@allow_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Draw it too: .png, .svg or .pdf."
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparisons as JSON, one a pair.")
def compare(
    *,
    machines: tuple[str, ...],
    results: tuple[Path, ...],
    line: str | None,
    ttft: str | None,
    allow: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare the machines of ./results, each with the first, by the models that both ran alike.

    A model counts where weights, engine, work and source are the same on both ("tpsprofile merge --explain"
    says what is not, and --allow takes it in all the same). Brackets hold 95% intervals; a difference whose
    interval holds 1 is not significant. Without names, the two machines that there are.
    """
    from tpsprofile.analysis.points import summarise
    from tpsprofile.cli.merge import report
    from tpsprofile.merge import gather

    limit, differences = chosen_limit(line, ttft), allowed(allow)
    found = gather(results)
    report(found.errors)
    summary = summarise(found.table)
    done, failed = _comparisons(summary, _chosen(summary, machines), limit, differences)
    if as_json:
        _print_json(done)
    else:
        for number, one in enumerate(done):
            click.echo("\n" * (number > 0), nl=False)
            _print(one)
    report(failed)
    if out is not None:
        _draw(done, summary, out, err=as_json)
    if found.errors or failed:
        click.get_current_context().exit(ResultsError.exit_code)


def _chosen(summary: Summary, names: Sequence[str]) -> tuple[Who, ...]:
    """The machines that are named, else the two that there are."""
    from tpsprofile.analysis import like

    found = tuple(dict.fromkeys(_found(summary, name) for name in names))
    if len(names) > 1:
        return found
    every = like.machines(summary)
    if not names and len(every) == 2:
        return every
    there = "; ".join(who.machine for who in every[: like.MOST_LISTED])
    raise UsageError("Two machines or more are to be named, the one you have first.", f"There is: {there}.")


def _found(summary: Summary, name: str) -> Who:
    """The machine of that name. Raises UsageError for none or several, and says how results are named."""
    from tpsprofile.analysis import like

    try:
        return like.find(summary, name)
    except UsageError:
        with suppress(OSError):
            if Path(name).exists():
                raise UsageError(f"{name} is no machine but a path.", f"Results are named by -r {name}.") from None
        raise


def _comparisons(
    summary: Summary, machines: Sequence[Who], limit: Limit, allow: AbstractSet[Difference]
) -> tuple[tuple[Comparison, ...], tuple[ResultsError, ...]]:
    """Each machine against the first, and why others could not be. Raises ResultsError where none could be."""
    from tpsprofile.analysis.comparison import compare as compare_two

    first, *others = machines
    done: list[Comparison] = []
    failed: list[ResultsError] = []
    for other in others or [first]:
        try:
            done.append(compare_two(summary, first, other, limit, allow))
        except ResultsError as error:
            failed.append(error)
    if not done:
        raise failed[0]
    return tuple(done), tuple(failed)


def _draw(done: Sequence[Comparison], summary: Summary, out: Path, *, err: bool) -> None:
    """One set of charts a comparison; their names on standard error where the output is for a program."""
    from tpsprofile.render import charts

    for number, one in enumerate(done, start=1):
        path = out if len(done) == 1 else out.with_stem(f"{out.stem}-{number}")
        for drawn in charts.draw_comparison(one, summary, path):
            click.echo(drawn, err=err)


def _print_json(done: Sequence[Comparison]) -> None:
    """Without the draws behind an interval, which are thousands."""
    import msgspec

    def light(one: Comparison) -> Comparison:
        fits = {
            name: msgspec.structs.replace(fit, draws=())
            for name, fit in (("fit_a", one.fit_a), ("fit_b", one.fit_b))
            if fit
        }
        return msgspec.structs.replace(one, **fits)

    click.echo(msgspec.json.format(msgspec.json.encode([light(one) for one in done]), indent=2).decode())


def _print(comparison: Comparison) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from tpsprofile.cli.figures import figures
    from tpsprofile.render import compared, verdicts
    from tpsprofile.render.narrow import narrowed

    console = Console(highlight=False, markup=False, emoji=False)
    console.print(Text(compared.heading(comparison), style="bold"))
    console.print(Text(compared.subject(comparison), style="dim"))
    console.print()
    told = narrowed(comparison, console.width - 2)
    shown = figures(told.headings, told.lines, console.width - 2, slow=lambda line: line.neither)
    console.print(Padding(shown, (0, 0, 0, 2), expand=False))
    console.print()
    ends = Table(box=None, show_header=False, padding=(0, 0), pad_edge=False)
    ends.add_column(width=_LABEL, style="dim", no_wrap=True)
    ends.add_column()
    for label, text in compared.ends(comparison):
        ends.add_row(label, Text(text))
    console.print(Padding(ends, (0, 0, 0, 2), expand=False))
    console.print()
    console.print(Text(" ".join(verdicts.verdict(comparison))))
    for line in verdicts.notes(comparison):
        console.print(line, style="dim")
