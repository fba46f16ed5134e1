"""``tpsprofile predict``: what a machine that nobody measured would run at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tpsprofile.errors import UsageError

if TYPE_CHECKING:
    from tpsprofile.predict.sizes import Largest, Size
    from tpsprofile.predict.subject import Subject


@click.command(
    short_help="Predict tokens/s of a machine that you do not have.",
    epilog="""\b
Examples:
  tpsprofile predict --chip "M4 Max 40-core"      the usual models
  tpsprofile predict --chip "RTX 4090" --model llama3.1:8b
  tpsprofile predict --chip "M3 Pro" --ram 36 --parameters 8.03B --quant Q8_0
  tpsprofile predict --machine "M2 Max" --parameters 70B
  tpsprofile predict --chip "M5 Pro" -o m5.png    as a chart
  tpsprofile predict --chip "GB10" --json         for a program
""",
)
@click.option("--chip", metavar="NAME", help="A chip by its name: M4 Max 40-core, RTX 4090.")
@click.option("--machine", metavar="NAME", help="A machine in results, from the sizes measured there.")
@click.option("--parameters", metavar="N", help="Size of one model: 8.03B, 135M, 8030000000.")
@click.option("--active", metavar="N", help="Parameters a token uses, of a mixture of experts.")
@click.option("--model", metavar="NAME", help="One model by its name: llama3.1:8b.")
@click.option("--quant", metavar="NAME", help="Quantisation: Q4_K_M, Q8_0, F16, 4bit.  [default: the usual one]")
@click.option("--engine", metavar="NAME", help="Engine that runs it.  [default: llama.cpp]")
@click.option("--ram", metavar="GB", help="Memory of the machine.  [default: the most it is sold with]")
@click.option(
    "-r",
    "--results",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE|FOLDER",
    help="Where results are, for --machine.  [default: results]",
)
@click.option(
    "--line",
    metavar="TOK/S",
    help='Below it a model is too slow: a number, or "reading" (5.3, what a reader takes in).  [default: 10]',
)
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Draw it: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def predict(
    *,
    chip: str | None,
    machine: str | None,
    parameters: str | None,
    active: str | None,
    model: str | None,
    quant: str | None,
    engine: str | None,
    ram: str | None,
    results: tuple[Path, ...],
    line: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Predict tokens/s while generating, with an 80% interval, from memory bandwidth and published figures.

    For a chip of the catalogue, or (--machine) for sizes that were not measured on a machine that has figures of
    others. Without --model or --parameters, for the models that sweeps usually run.
    """
    from tpsprofile.cli.limits import chosen_limit
    from tpsprofile.predict import sizes

    line_tok_s = chosen_limit(line, None).tok_s
    subject = _subject(chip, machine, engine, ram, results)
    one = model is not None or parameters is not None
    asked = _asked(subject, model, parameters, active, quant)
    spots = () if one and out is None else sizes.curve(subject.ask, quant or sizes.QUANTISATION)
    largest = sizes.largest(spots, line_tok_s, subject.room_bytes) if spots else None
    if out is not None and largest is not None:
        from tpsprofile.render import charts, predicted

        drawn = predicted.curve(subject.name, subject.room, spots, largest)
        charts.draw_picture(predicted.compose(drawn, line_tok_s, predicted.rests_on(asked)), out)
    if as_json:
        _print_json(subject, asked, None if one else largest)
    else:
        _print(subject, asked, None if one else largest, line_tok_s)
        if out is not None:
            click.echo(f"Saved {out}")


def _subject(
    chip: str | None, machine: str | None, engine: str | None, ram: str | None, results: Sequence[Path]
) -> Subject:
    """Whose speed is asked for. Raises UsageError where that is not said."""
    from tpsprofile import units
    from tpsprofile.predict import subject

    if engine is not None and not engine.strip():
        raise UsageError("The engine has no name.", "Give one, as llama.cpp, or leave out --engine.")
    ram_bytes = None if ram is None else units.parse_memory(ram)
    if chip is not None and machine is None:
        return subject.of_chip(chip, engine or subject.ENGINE, ram_bytes)
    if machine is None or chip is not None:
        raise UsageError(
            "Name a chip (--chip) or a machine that was measured (--machine), not both.",
            'For example: tpsprofile predict --chip "M4 Max 40-core".',
        )
    from tpsprofile.analysis.points import summarise
    from tpsprofile.cli.merge import report
    from tpsprofile.merge import gather

    found = gather(results)
    report(found.errors)
    return subject.of_machine(summarise(found.table), machine, ram_bytes, engine, _cards(found.table))


def _cards(table: Any) -> dict[str, tuple[str, ...]]:
    """Graphics cards with memory of their own, by machine id, where an engine may have used them."""
    idle = (table["engine_vram_bytes"] == 0).fillna(value=False)
    apart = (table["unified_memory"] == False).fillna(value=False)  # noqa: E712
    found = table[apart & ~idle & table["gpus"].notna()].drop_duplicates("machine_id")
    return {
        str(one): tuple(str(names).split(", "))
        for one, names in zip(found["machine_id"], found["gpus"], strict=True)
    }


def _asked(
    subject: Subject, model: str | None, parameters: str | None, active: str | None, quant: str | None
) -> tuple[Size, ...]:
    """The one model that is asked for, else all of the usual list."""
    from tpsprofile.predict import sizes

    if model is None and parameters is None:
        if active is not None:
            raise UsageError("--active is of one model.", "Give --parameters too, or name it with --model.")
        return sizes.usual(subject.ask, quant, subject.room_bytes)
    counts = [None if text is None else sizes.parameters(text) for text in (parameters, active)]
    return (sizes.named(subject.ask, model, *counts, quantisation=quant, room_bytes=subject.room_bytes),)


def _print_json(subject: Subject, asked: Sequence[Size], largest: Largest | None) -> None:
    """One document for one model; for the whole list one with ``sizes``, and the largest usable."""
    import msgspec

    documents = [_document(subject, one) for one in asked]
    if largest is None:
        document = documents[0]
    else:
        from tpsprofile.render import predicted

        document = {
            "chip": subject.name,
            "engine": subject.engine,
            "interval": 0.8,
            "rests_on": predicted.rests_on(asked),
            "caveats": [*subject.caveats, *predicted.caveats(asked)],
            "largest_usable": _usable(largest),
            "sizes": documents,
        }
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _usable(largest: Largest) -> dict[str, Any]:
    """Parameters, and the ends of their 80% interval, no further than memory holds."""
    ends = {"parameters": largest.parameters, "low": largest.low, "high": largest.high}
    return {
        **{name: value if largest.held is None else min(value, largest.held) for name, value in ends.items()},
        "limited_by": "memory" if largest.walled else "speed",
        "quantisation": largest.quantisation,
    }


def _document(subject: Subject, one: Size) -> dict[str, Any]:
    told, of = one.prediction, one.weights
    return {
        "decode_tok_s": told.decode_tok_s,
        "low": told.low,
        "high": told.high,
        "interval": 0.8,
        "chip": subject.name,
        "model": of.name,
        "parameters": of.parameters,
        "parameters_active": of.parameters_active,
        "quantisation": of.quantisation,
        "engine": subject.engine,
        "bytes_read": of.bytes_read,
        "need_bytes": one.need_bytes,
        "fits": one.fits,
        "rests_on": told.rests_on,
        "caveats": [*subject.caveats, *told.caveats],
    }


def _print(subject: Subject, asked: Sequence[Size], largest: Largest | None, line: float) -> None:
    from rich.console import Console
    from rich.text import Text

    from tpsprofile.cli.figures import figures
    from tpsprofile.render import predicted

    console = Console(highlight=False, markup=False, emoji=False)
    heading = f"{subject.name}, {subject.about}: predicted for {subject.engine}, not measured"
    console.print(Text(heading, style="bold"))
    rows = predicted.rows(asked, line)
    console.print(figures(predicted.HEADINGS, rows, console.width, slow=lambda row: row.slow))
    console.print()
    if largest is not None:
        console.print(predicted.answer(largest, line, predicted.short(subject.room)))
    if subject.room:
        console.print(predicted.memory(subject.room, subject.ram_bytes, subject.room_bytes), style="dim")
    console.print(f"Rests on: {'; '.join(predicted.rests_on(asked))}.", style="dim")
    for text in (*subject.caveats, *predicted.caveats(asked)):
        console.print(f"Mind: {text}.", style="dim")
