"""``tpsprofile decide``: whether another machine is worth buying."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tpsprofile.cli.limits import allow_option, allowed, chosen_limit, limit_options, results_option
from tpsprofile.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from tpsprofile.analysis.claim import Claim
    from tpsprofile.analysis.comparison import Comparison
    from tpsprofile.analysis.cost import Costs
    from tpsprofile.analysis.decision import Decision
    from tpsprofile.analysis.like import Who
    from tpsprofile.analysis.speed import Limit
    from tpsprofile.analysis.summary import Summary
    from tpsprofile.render.decided import Page, Section

_CLAIM = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*%?\s*(?:(?:-|–|to)\s*(\d+(?:\.\d+)?)\s*%?)?\s*$")
_MOST_CAVEATS = 3
_COLOURS = {"Upgrade": "bold green", "Undecided": "bold yellow"}


class ClaimType(click.ParamType["Claim"]):
    """``15-25%`` or ``20%`` as a claim."""

    name = "claim"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Claim:
        """The claim, low end first."""
        from tpsprofile.analysis.claim import Claim

        found = _CLAIM.match(str(value))
        if found is None:
            self.fail(f"{value!r} is not a claim. Write it as 15-25% or 20%.", param, ctx)
        ends = sorted(float(end) / 100 for end in (found[1], found[2] or found[1]))
        return Claim(low=ends[0], high=ends[1])


class _Amount(click.FloatRange):
    """A number of 0 or more, as an amount of money or power is: neither nan nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not an amount. Write a number, as 1499.", param, ctx)
        return found


_AMOUNT = _Amount(min=0)


@click.command(
    short_help="Say whether another machine is worth buying.",
    epilog="""\b
Examples:
  tpsprofile decide --from "M2 Max" --to "M4 Max"
  tpsprofile decide --from M2 --to M4 --task coding   500 tokens in 30 s
  tpsprofile decide --from M2 --to M4 --claim 15-25%  is that so?
  tpsprofile decide --from M2 --to "M4 Pro" --ram 48  predicted
  tpsprofile decide --from M2 --to M4 --price 4699 --resale 1500
  tpsprofile decide --from M2 --to M4 --watts 60 --kwh-price 0.30
  tpsprofile decide --from M2 --to M4 -r mine/ -r theirs.jsonl --json
""",
)
@click.option("--from", "old", required=True, metavar="NAME", help="The machine you have: a part of its name.")
@click.option("--to", "new", required=True, metavar="NAME", help="The one you think of; either may be a chip.")
@click.option("--ram", metavar="GB", help="Memory of a predicted chip.  [default: the most it is sold with]")
@limit_options
@click.option(
    "--task", metavar="NAME", help="Instead, what you do: reading, chat, coding, completion, agent or summarise."
)
@click.option(
    "--claim", type=ClaimType(), metavar="LOW-HIGH%", help="Somebody says it is so much faster: check that."
)
@click.option("--price", type=_AMOUNT, metavar="AMOUNT", help="What the new machine costs.")
@click.option("--resale", type=_AMOUNT, metavar="AMOUNT", help="What the old one brings.")
@click.option("--kwh-price", type=_AMOUNT, metavar="AMOUNT", help="What a kilowatt-hour costs.")
@click.option("--watts", type=_AMOUNT, metavar="W", help="What the new machine draws while it generates.")
@allow_option
@results_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def decide(
    *,
    old: str,
    new: str,
    ram: str | None,
    line: str | None,
    ttft: str | None,
    task: str | None,
    claim: Claim | None,
    price: float | None,
    resale: float | None,
    kwh_price: float | None,
    watts: float | None,
    allow: tuple[str, ...],
    results: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Say whether the machine --to is worth buying for someone who has --from: upgrade, wait, no difference, or
    undecided where the figures do not reach. Every reason is a rule of docs/decision.md.

    One of the two may be a chip that nobody measured; its figures are predicted then, and the verdict says so.

    Prices are plain numbers in your currency. They change no verdict; they say what a gain costs.
    """
    from tpsprofile import merge as merging
    from tpsprofile.analysis import cost, decision
    from tpsprofile.analysis.points import summarise
    from tpsprofile.cli.merge import report
    from tpsprofile.render import decided

    asked = _limit(line, ttft, task)
    found = merging.gather(results)
    report(found.errors)
    summary = summarise(found.table)
    a, b = _machine(summary, old), _machine(summary, new)
    limit = _within_data(asked, summary, a, b)
    compared, caveats = _compared(summary, (old, a), (new, b), limit, ram=ram, allow=allow)
    answer = decision.decide(compared, claim)
    prices = cost.Prices(price=price, resale=resale, kwh_price=kwh_price, watts=watts)
    costs = cost.costs(compared, prices)
    notes = [("limit", _fallback(asked, limit))] if limit != asked else []
    notes += [("prediction", f"{one}.") for one in caveats]
    if as_json:
        _print_json(answer, compared, costs, [text for _, text in notes])
    else:
        notes = notes[: _MOST_CAVEATS + (limit != asked)]
        _print(
            lambda width: decided.page(
                answer, compared, costs=costs, prices=prices, claim=claim, notes=notes, width=width
            )
        )
    if found.errors:
        click.get_current_context().exit(ResultsError.exit_code)


def _limit(line: str | None, ttft: str | None, task: str | None) -> Limit:
    """The limit that was asked for. Raises UsageError for two of them."""
    from tpsprofile.analysis import tasks

    if task is None:
        return chosen_limit(line, ttft)
    if line is not None or ttft is not None:
        raise UsageError("--task is a limit of its own.", "Leave out --line and --ttft.")
    return tasks.task(task).limit


def _machine(summary: Summary, text: str) -> Who | None:
    """The machine of that name; None for a chip that nobody measured. Raises UsageError for neither."""
    from tpsprofile import chips
    from tpsprofile.analysis import like

    try:
        return like.find(summary, text)
    except UsageError:
        fits = any(text.casefold() in who.machine.casefold() for who in like.machines(summary))
        if fits or not chips.find(text):
            raise
    chips.one(text)
    return None


def _compared(
    summary: Summary,
    old: tuple[str, Who | None],
    new: tuple[str, Who | None],
    limit: Limit,
    *,
    ram: str | None,
    allow: tuple[str, ...],
) -> tuple[Comparison, tuple[str, ...]]:
    """Both machines, and what is to be said of a prediction. Raises UsageError where both would be predicted."""
    from tpsprofile import units
    from tpsprofile.analysis import comparison as comparing
    from tpsprofile.predict import stand_in

    if old[1] is not None and new[1] is not None:
        if ram is not None:
            raise UsageError("--ram is for a chip that nobody measured.", "Leave it out.")
        return comparing.compare(summary, old[1], new[1], limit, allowed(allow)), ()
    who, chip = (old[1], new[0]) if old[1] is not None else (new[1], old[0])
    if who is None:
        raise UsageError(
            f"Nobody measured {old[0]} or {new[0]}.", "One of them must have figures: tpsprofile sweep there."
        )
    ram_bytes = None if ram is None else units.parse_memory(ram)
    found = stand_in.foresee(summary, who, chip, limit, ram_bytes=ram_bytes, old=old[1] is None)
    return found.comparison, found.caveats


def _within_data(limit: Limit, summary: Summary, *machines: Who | None) -> Limit:
    """What is left of a limit where figures, or a prediction, hold less than it needs."""
    from msgspec import structs

    from tpsprofile.analysis import tasks

    ids = {who.machine_id for who in machines if who is not None}
    mine = [point for point in summary.points if point.series.machine_id in ids]
    if None in machines:
        mine = [structs.replace(point, ttft=None) for point in mine]
    return tasks.within_data(limit, mine)


def _fallback(asked: Limit, limit: Limit) -> str:
    from tpsprofile.render.decided import limit_text

    return (
        f"No times to the first token on one of the machines: instead of {limit_text(asked)}, "
        f"decode alone at {limit_text(limit)}."
    )


def _print_json(answer: Decision, compared: Comparison, costs: Costs, notes: Sequence[str]) -> None:
    """All of it but the draws behind the intervals; every note, where a page shows the first."""
    import msgspec

    comparison = msgspec.to_builtins(msgspec.structs.replace(compared, fit_a=None, fit_b=None))
    del comparison["fit_a"], comparison["fit_b"]
    document = {"decision": answer, "comparison": comparison, "costs": costs, "notes": notes}
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _print(paged: Callable[[int], Page]) -> None:
    """A page for the width that there is."""
    from rich.console import Console
    from rich.text import Text

    from tpsprofile.cli.figures import figures

    console = Console(highlight=False, markup=False, emoji=False)
    page = paged(console.width)
    style = _COLOURS.get(page.verdict.partition(" (")[0], "bold")
    console.print(Text(f"{page.verdict}.", style=style), page.sentence)
    console.print()
    console.print(figures(page.table.headings, page.table.lines, console.width, slow=lambda row: row.neither))
    for section in page.sections:
        console.print()
        _print_section(console, section)


def _print_section(console: Any, section: Section) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text(section.title, style="bold"))
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column()
    for label, text in section.lines:
        lines.add_row(f"  {label}", Text(text))
    console.print(lines)
