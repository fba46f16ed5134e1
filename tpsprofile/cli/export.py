"""``tpsprofile export``: results in the formats of others."""

from __future__ import annotations

from pathlib import Path

import click

from tpsprofile.errors import ResultsError

_FORMATS = ("llama-bench", "localscore", "prometheus")


@click.command(
    short_help="Write results in the formats of other tools.",
    epilog="""\b
Examples:
  tpsprofile export --format llama-bench             ./results, to read on
  tpsprofile export mine/ --format localscore -o us.json
  tpsprofile export --format prometheus -o tpsprofile.prom
""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES|FOLDERS]...")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    required=True,
    metavar="NAME",
    help=f"{', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Where to; else to the screen.")
def export(*, paths: tuple[Path, ...], format_name: str, out: Path | None) -> None:
    """Write results files as llama-bench's JSON Lines, LocalScore's JSON, or Prometheus' text.

    Takes results files and folders of them, not the tables that merge saves. Only trials that ended well are
    written. What is not known is null or left out, never 0. The two JSON formats name this program in a key of
    their own, so that figures taken another way are not mixed unseen.
    """
    from tpsprofile import exporters, store
    from tpsprofile.files import replacing

    runs = []
    damaged = []
    for path in store.find(paths or (Path("results"),)):
        try:
            runs.append(store.read(path))
        except ResultsError as error:
            damaged.append(error)
            click.echo(f"Left out: {error}", err=True)
    found = exporters.write(runs, format_name)
    for remark in found.remarks:
        click.echo(remark, err=True)
    if not found.figures:
        why = "no trial of a machine ended well" if not found.remarks else "nothing is left"
        raise ResultsError(f"There is nothing to write: {why}.", "Measure first: tpsprofile sweep.")
    if out is None:
        click.echo(found.text, nl=False)
    else:
        with replacing(out) as part:
            part.write_text(found.text, encoding="utf-8")
        click.echo(f"{out}: {found.figures} {found.what}{'s' * (found.figures != 1)}.")
    if damaged:
        click.get_current_context().exit(ResultsError.exit_code)
