"""``tpsprofile machine``: what this computer is, on one screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tpsprofile.records import Conditions, Gpu, Machine

_BUSY = 0.25


@click.command(
    short_help="Show what this machine is, and measure its memory bandwidth.",
    epilog="""\b
Examples:
  tpsprofile machine                   look, and measure bandwidth
  tpsprofile machine --tag "M2 Max"    under a name of your own
  tpsprofile machine --json            for a program
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: machine and conditions.")
@click.option("--tag", metavar="NAME", help="Your own name for this machine, shown in charts and tables.")
@click.option("--no-bandwidth", is_flag=True, help="Do not measure memory bandwidth (it takes a second).")
def machine(as_json: bool, tag: str | None, no_bandwidth: bool) -> None:
    """Show what this machine is, and measure its memory bandwidth.

    Everything a sweep writes down about the machine, and nothing else: no host name, no serial number. What
    cannot be found out is shown as a dash.
    """
    from rich.console import Console

    from tpsprofile.machine import conditions, fit, identify

    now = conditions.look(sample_s=0.2)
    with Console(stderr=True).status("Looking at this machine…"):
        found = identify(tag=tag, bandwidth=not no_bandwidth)
    if as_json:
        import msgspec

        document = msgspec.json.encode({"machine": found, "conditions": now})
        click.echo(msgspec.json.format(document, indent=2).decode())
    else:
        Console(highlight=False).print(_screen(found, now, fit.usable_bytes()))


def _screen(machine: Machine, now: Conditions, usable_bytes: int | None) -> RenderableType:
    """The whole answer: what it is, how it is doing, and a remark if its figures cannot be trusted."""
    from rich.console import Group
    from rich.text import Text

    from tpsprofile import units

    chip = [("chip", machine.chip), ("model", machine.model), ("cores", _cores(machine))]
    chip += [("vectors", " ".join(machine.cpu_features)), *_graphics(machine)]
    memory = [("memory", _memory(machine)), ("bandwidth", _bandwidth(machine))]
    system = [("system", _system(machine)), ("id", machine.id)]
    state = [
        ("power", ", ".join(filter(None, [now.power_source, now.power_mode]))),
        ("load", _load(now)),
        ("free", units.memory(now.available_bytes)),
        ("for a model", units.memory(usable_bytes)),
        ("swap", "none in use" if now.swap_used_bytes == 0 else units.memory(now.swap_used_bytes)),
        *_speed(now),
    ]
    return Group(
        Text(machine.label, style="bold"),
        "",
        _rows([*chip, *memory, *system]),
        "",
        Text("right now", style="bold"),
        "",
        _rows(state),
        *(Text(f"\n{remark}", style="yellow") for remark in _remarks(machine, now)),
    )


def _remarks(machine: Machine, now: Conditions) -> list[str]:
    """Why figures from here may not be this machine's."""
    remarks = []
    if machine.translated:
        remarks.append(
            "This Python runs under Rosetta: use a native one, or figures say little about the machine."
        )
    if (now.cpu_busy or 0) > _BUSY and machine.bandwidth_bytes_s is not None:
        remarks.append("Other programs keep the processor busy: the bandwidth is at least what is shown.")
    return remarks


def _rows(pairs: Iterable[tuple[str, str | None]]) -> RenderableType:
    """Names to the left, dim; values in one column; a dash for what is unknown."""
    from rich.table import Table
    from rich.text import Text

    from tpsprofile import units

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, min_width=13)
    table.add_column()
    for name, value in pairs:
        table.add_row(f"  {name}", Text(value or units.UNKNOWN))
    return table


def _cores(machine: Machine) -> str | None:
    """``16: 12 Performance + 4 Efficiency``, or ``8, 16 threads``."""
    if machine.cores_physical is None:
        return None
    kinds = " + ".join(f"{group.count} {group.name}" for group in machine.core_groups)
    threads = machine.cores_logical
    more = f", {threads} threads" if threads is not None and threads != machine.cores_physical else ""
    return f"{machine.cores_physical}{f': {kinds}' if kinds else ''}{more}"


def _graphics(machine: Machine) -> list[tuple[str, str | None]]:
    """A line a GPU; the name stands before the first only."""
    lines = [_gpu(gpu) for gpu in machine.gpus] or ["none found"]
    return [("graphics" if n == 0 else "", line) for n, line in enumerate(lines)]


def _gpu(gpu: Gpu) -> str:
    from tpsprofile import units

    parts = [
        gpu.name,
        None if gpu.cores is None else f"{gpu.cores} cores",
        None if gpu.vram_bytes is None else f"{units.memory(gpu.vram_bytes)} of its own",
        None if gpu.shared_bytes is None else f"{units.memory(gpu.shared_bytes)} shared",
    ]
    return ", ".join(filter(None, parts))


def _memory(machine: Machine) -> str | None:
    from tpsprofile import units

    if machine.ram_bytes is None:
        return None
    shared = ", shared with graphics" if machine.unified_memory else ""
    return f"{units.memory(machine.ram_bytes)} (sold as {machine.ram_label}){shared}"


def _bandwidth(machine: Machine) -> str | None:
    """``35 GB/s measured, of 546 GB/s specified``, as far as either is known."""
    from tpsprofile import units

    measured, specified = machine.bandwidth_bytes_s, machine.bandwidth_spec_bytes_s
    if specified is None:
        return units.bandwidth(measured)
    stated = f"{units.bandwidth(specified)} specified"
    return stated if measured is None else f"{units.bandwidth(measured)} measured, of {stated}"


def _speed(now: Conditions) -> list[tuple[str, str | None]]:
    """Lines on clock, heat and limit, of which a system tells few: those that are known."""
    lines = [
        ("clock", None if now.cpu_mhz is None else f"{now.cpu_mhz / 1000:.2f} GHz"),
        ("temperature", None if now.temperature_c is None else f"{now.temperature_c:.0f} °C"),
        ("speed limit", None if now.speed_limit is None else f"{now.speed_limit:.0%} of full speed"),
    ]
    return [(name, value) for name, value in lines if value is not None]


def _system(machine: Machine) -> str:
    kind = {True: "virtual", False: None, None: None}[machine.virtual]
    return ", ".join(filter(None, [machine.os, machine.arch, kind]))


def _load(now: Conditions) -> str:
    parts = [
        None if now.cpu_busy is None else f"{now.cpu_busy:.0%} busy",
        None if now.load_1m is None else f"{now.load_1m:.2f} over the last minute",
    ]
    return ", ".join(filter(None, parts))
