"""What people do with a model, each as the limit that it must keep: one closed table.

``docs/decision.md`` holds the same table for people, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable

from tpsprofile.analysis.speed import Limit, What
from tpsprofile.analysis.summary import Point
from tpsprofile.errors import UsageError, did_you_mean
from tpsprofile.records import Record

WORDS_A_MINUTE = 238
"""Silent reading of English non-fiction by adults: M. Brysbaert, "How many words do we read per minute?",
Journal of Memory and Language 109, 2019."""
WORDS_A_TOKEN = 0.75
"""English text in the vocabularies of common models, as a rule of thumb."""
READING_TOK_S = WORDS_A_MINUTE / 60 / WORDS_A_TOKEN


class Task(Record, frozen=True, kw_only=True):
    """One use of a model."""

    name: str
    limit: Limit
    what: str
    """The limit in words."""
    why: str


TASKS: tuple[Task, ...] = (
    Task(
        name="reading",
        limit=Limit.line(READING_TOK_S),
        what="5.3 tok/s while it writes",
        why="as fast as one reads: 238 words a minute, 0.75 words a token",
    ),
    Task(
        name="chat",
        limit=Limit.line(10),
        what="10 tok/s while it writes",
        why="twice the speed of reading, so that one can skim",
    ),
    Task(
        name="coding",
        limit=Limit(what=What.TASK, seconds=30, tokens_out=500),
        what="500 tokens within 30 s",
        why="a function and its test, before the mind is elsewhere",
    ),
    Task(
        name="completion",
        limit=Limit(what=What.TASK, seconds=1, tokens_out=40),
        what="40 tokens within 1 s",
        why="two lines of code, before they are typed by hand",
    ),
    Task(
        name="agent",
        limit=Limit(what=What.TASK, seconds=60, tokens_out=2000),
        what="2,000 tokens within 60 s",
        why="one step of many, each of which is waited for",
    ),
    Task(
        name="summarise",
        limit=Limit(what=What.TTFT, seconds=10),
        what="first token within 10 s",
        why="a long text is read first; sweep with --prompt-tokens 4096 to measure it",
    ),
)


def task(name: str) -> Task:
    """The task of that name. Raises UsageError with the nearest one."""
    for one in TASKS:
        if one.name == name:
            return one
    raise UsageError(f"There is no task {name!r}.", did_you_mean(name, (one.name for one in TASKS)))


def within_data(limit: Limit, points: Iterable[Point]) -> Limit:
    """The limit itself, or what is left of it where the points of a machine hold no time to the first token.

    A TASK then becomes the decode rate that takes as long for its tokens, ``tokens_out / seconds`` tok/s: the
    time until the first one is left out, so the limit is a little too kind.
    """
    if limit.what is not What.TASK or limit.tokens_out is None:
        return limit
    timed: dict[str, bool] = {}
    for point in points:
        timed[point.series.machine_id] = timed.get(point.series.machine_id, False) or point.ttft is not None
    return limit if all(timed.values()) else Limit.line(limit.tokens_out / limit.seconds)
