"""``tpsprofile sweep``: measure the models of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tpsprofile.cli.choose import Counts, Duration, Share, plan_options
from tpsprofile.plan import ORDERS


@click.command(
    short_help="Measure the models of a plan, one after the other.",
    epilog="""\b
Examples:
  tpsprofile sweep                       135M to 8B, at most 5 minutes
  tpsprofile sweep laptop --pull         1B to 72B, through Ollama
  tpsprofile sweep --model model.gguf    a file of your own
  tpsprofile sweep --depth 0,4096        what a long context costs
  tpsprofile sweep --sustain 10m         whether models keep their speed
  tpsprofile sweep --engine ollama --engine llama-server --server PATH
                                         the same files on two engines
  tpsprofile sweep --engine openai --server http://127.0.0.1:1234
                                         what that server has loaded
  tpsprofile sweep --resume FILE         go on where FILE was cut off
""",
)
@plan_options
@click.option("--line", type=float, metavar="TOK/S", help="Speed below which a model counts as too slow.  [10]")
@click.option(
    "--budget", type=Duration(), metavar="TIME", help="Stop in time: 90s, 5m, 1h. Downloads do not count."
)
@click.option(
    "--precision",
    type=Share(),
    metavar="SHARE",
    help="Repeat until the median is known to this, at 95%.  [2%]",
)
@click.option("--trials", type=int, metavar="N", help="Repeat at least so often.  [3]")
@click.option(
    "--case-budget", type=Duration(), metavar="TIME", help="Repeat no more after so much time on a model.  [2m]"
)
@click.option("--depth", type=Counts(), metavar="N,N", help="Tokens in the context before the prompt.  [0]")
@click.option("--prompt-tokens", type=Counts(), metavar="N,N", help="Bring the prompt to these lengths.")
@click.option("--sustain", type=Duration(), metavar="TIME", help="Keep each model at work for so long: 10m.")
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    help="One model after the other, or a trial of each in rounds, so that drift hits all alike.  [models]",
)
@click.option(
    "--cooldown", type=Duration(), metavar="TIME", help="Longest wait for a hot processor between models.  [1m]"
)
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
    engines: Sequence[str],
    models: Sequence[str],
    servers: Sequence[str],
    key_env: str | None,
    chat: bool,
    cloud: bool,
    budget: float | None,
    out: Path,
    resume: Path | None,
    tag: str | None,
    pull: bool,
    keep: bool,
    chart: bool,
    **work: Any,
) -> None:
    """Measure how fast models run here: trials are repeated until the median is known, each one a row on the disk.

    PLAN is a file, or the name of one that comes with tpsprofile: quick (the default), laptop, synthetic.
    Options override it. Models that do not fit in memory are never started; models far below the line end
    the climb. Ctrl-C keeps what is measured.

    With several engines a model of the catalogue is the same synthetic file on all of them, and the budget is
    for all together: each gets an equal share of what is left.
    """
    from tpsprofile.cli import together
    from tpsprofile.cli.session import Session
    from tpsprofile.cli.targets import plans_of

    if resume is not None:
        if plan or tag or engines or chat or cloud or any(value is not None for value in work.values()):
            raise click.UsageError("--resume goes on with the file's own plan, engine and tag.")
        if len(servers) > 1:
            raise click.UsageError("--resume goes on with one engine, which has one --server.")
        server = servers[0] if servers else None
        session = Session.resume(resume, models=models, budget=budget, server=server, key_env=key_env, pull=pull)
        failed = session.run(keep=keep)
    else:
        setup: dict[str, Any] = {"servers": servers, "key_env": key_env, "chat": chat, "cloud": cloud}
        chosen = plans_of(plan, engines=engines, models=models, budget=budget, **setup, **work)
        if len(chosen) == 1:
            session = together.alone(chosen[0], out=out, tag=tag, pull=pull)
            failed = session.run(keep=keep)
        else:
            failed, session = together.run(chosen, out=out, tag=tag, pull=pull, keep=keep)
    if chart:
        session.draw(out)
    if failed:
        raise SystemExit(1)
