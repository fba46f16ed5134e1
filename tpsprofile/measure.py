"""One model on one engine: load, warm up, repeat each case. Yields a Trial as soon as it is finished."""

from __future__ import annotations

from collections.abc import Iterator

from tpsprofile import cases
from tpsprofile.bench import Around, Bench, Case, Listener, Senses, failed
from tpsprofile.deadline import Deadline, OutOfTimeError
from tpsprofile.engines.base import Engine, Session
from tpsprofile.errors import CaseTooLongError, EngineChangedError, ProfileError
from tpsprofile.records import Trial, Workload
from tpsprofile.watch import MemoryWatch


def measure(
    case: Case, engine: Engine, *, senses: Senses, listen: Listener, deadline: Deadline
) -> Iterator[Trial]:
    """Trials of one model, workload by workload, each as soon as it is finished.

    Never raises for what the engine does: a failure is the last row of its workload, with the reason, and the
    model is loaded again for the next workload. Where it cannot be loaded at all, or time is up, every workload
    that is left gets such a row.
    """
    plan = case.plan
    left = list(cases.missing(case.known, plan))
    load_first_s = next((row.load_first_s for row in case.known if row.load_first_s), None)
    for work in [work for work in left if cases.tokens(work) > case.context_tokens]:
        left.remove(work)
        yield failed(case, work, _too_long(case, work), deadline)
    with MemoryWatch(read=senses.read) as watch:
        while left:
            bench = None
            try:
                for _ in range(plan.loads - 1 if load_first_s is None and engine.can.loads else 0):
                    listen.loading()
                    with _load(case, engine, deadline) as session:
                        load_first_s = load_first_s or session.load_s
                listen.loading()
                with _load(case, engine, deadline) as session:
                    bench = Bench(
                        case, session, Around(engine.clock, watch, senses, listen, deadline), load_first_s
                    )
                    load_first_s = load_first_s or session.load_s
                    bench.warm_up()
                    while left:
                        yield from bench.trials(left[0])
                        left.pop(0)
            except ProfileError as error:
                if bench is not None and bench.number is not None:
                    yield bench.failed(left.pop(0), error)
                if bench is None or bench.number is None or isinstance(error, OutOfTimeError | EngineChangedError):
                    yield from (failed(case, work, error, deadline) for work in left)
                    return


def _load(case: Case, engine: Engine, deadline: Deadline) -> Session:
    return engine.load(
        case.weights,
        context_tokens=case.context_tokens,
        silence_s=deadline.cap(case.plan.silence),
    )


def _too_long(case: Case, workload: Workload) -> CaseTooLongError:
    made_for, needed = case.context_tokens, cases.tokens(workload)
    return CaseTooLongError(f"The model was made for {made_for} tokens of context; this case takes {needed}.")
