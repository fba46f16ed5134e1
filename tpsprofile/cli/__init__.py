"""The command line: one file a command, imported only when that command runs."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Mapping

import click

from tpsprofile import __version__

# name -> (module:command, the line that `tpsprofile --help` shows). In the order of the work.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "machine": ("tpsprofile.cli.machine:machine", "Show what this machine is, and measure its memory bandwidth."),
    "engines": ("tpsprofile.cli.engines:engines", "Show which engines are here, and what each can report."),
    "models": ("tpsprofile.cli.models:models", "Show what a sweep would run here, and what fits in memory."),
    "sweep": ("tpsprofile.cli.sweep:sweep", "Measure the models of a plan, one after the other."),
    "import": ("tpsprofile.cli.import_:import_", "Take in results of other tools, as they were reported."),
    "merge": ("tpsprofile.cli.merge:merge", "Put results of several machines into one table."),
    "compare": ("tpsprofile.cli.compare:compare", "Say how much faster another machine is, and what it gains."),
    "decide": ("tpsprofile.cli.decide:decide", "Say whether another machine is worth buying."),
    "predict": ("tpsprofile.cli.predict:predict", "Predict tokens/s of a machine that you do not have."),
    "export": ("tpsprofile.cli.export:export", "Write results in the formats of other tools."),
    "plot": ("tpsprofile.cli.plot:plot", "Draw tokens/s against parameter count."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called.

    Start-up must not pay for pandas or matplotlib, so help for the whole group comes from ``COMMANDS``.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None for a name that does not exist."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one that is mistyped."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from tpsprofile.errors import did_you_mean

            ctx.fail(f"There is no command {args[0]!r}. {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what a user can act on becomes one line and an exit code of its own."""
        from tpsprofile.errors import ProfileError

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a console that lacks a sign shows another
        try:
            return super().invoke(ctx)
        except ProfileError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tpsprofile")
def main() -> None:
    """Profile local language models on this machine, and compare machines.

    \b
    tpsprofile sweep                    measure this machine
    tpsprofile merge results/           put the results of several machines together
    tpsprofile plot results/ -o out.png see them beside each other
    """
