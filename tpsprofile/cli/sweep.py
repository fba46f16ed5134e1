"""``tpsprofile sweep``: measure the models of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tpsprofile.cli.choose import chosen_plan, plan_options


@click.command(
    short_help="Measure the models of a plan, one after the other.",
    epilog="""\b
Examples:
  tpsprofile sweep                       135M to 8B, at most 5 minutes
  tpsprofile sweep laptop --pull         1B to 72B, through Ollama
  tpsprofile sweep --model model.gguf    a file of your own
  tpsprofile sweep --resume FILE         go on where FILE was cut off
""",
)
@plan_options
@click.option("--line", type=float, metavar="TOK/S", help="Speed below which a model counts as too slow.  [10]")
@click.option("--budget", metavar="TIME", help="Stop in time: 90s, 5m, 1h. Downloads do not count.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder for results.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Continue the sweep in this results file; nothing is measured twice.",
)
@click.option("--tag", metavar="TEXT", help='Your own name for this machine: "M4 Max 128GB".')
@click.option("--pull", is_flag=True, help="Let the engine download models that it lacks.")
@click.option("--keep", is_flag=True, help="Keep the synthetic models in the cache (0.4 to 47 GB each).")
@click.option("--chart/--no-chart", default=True, show_default=True, help="Draw everything in --out afterwards.")
def sweep(
    *,
    plan: str | None,
    engine: str | None,
    models: Sequence[str],
    line: float | None,
    budget: str | None,
    out: Path,
    resume: Path | None,
    tag: str | None,
    pull: bool,
    keep: bool,
    chart: bool,
) -> None:
    """Measure how fast models run here: one row a trial, on the disk before the next begins.

    PLAN is a file, or the name of one that comes with tpsprofile: quick (the default), laptop, synthetic.
    Options override it. Models that do not fit in memory are never started; models far below the line end
    the climb. Ctrl-C keeps what is measured.
    """
    from tpsprofile.cli.session import Session

    if resume is None:
        chosen = chosen_plan(plan, engine=engine, models=models, line=line, budget=budget)
        session = Session.begin(chosen, out=out, tag=tag, pull=pull)
    else:
        if plan or engine or tag or line is not None:
            raise click.UsageError("--resume goes on with the file's own plan, engine, line and tag.")
        session = Session.resume(resume, models=models, budget=budget, pull=pull)
    failed = session.run(keep=keep)
    if chart:
        session.draw(out)
    if failed:
        raise SystemExit(1)
