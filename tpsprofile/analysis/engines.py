"""The same model through several engines of one machine: how their speeds relate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tpsprofile.analysis.courses import plainest
from tpsprofile.analysis.differences import Difference, differences
from tpsprofile.analysis.limits import Estimate, Limit
from tpsprofile.analysis.ratios import mean_ratio, ratio
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.records import Record

OF_THE_ENGINE = frozenset({Difference.ENGINE, Difference.VERSION, Difference.OPTIONS, Difference.BUILD})
"""Differences that are what is compared here; any other makes two figures unlike."""
_LIMIT = Limit.line(10.0)


class Through(Record, frozen=True, kw_only=True):
    """A model through one engine."""

    engine: str
    point: Point
    ratio: Estimate | None
    """Its decode rate over that of the machine's reference engine; None for that engine, or without its figure."""
    unlike: tuple[Difference, ...]
    """In what else the two differ: then the ratio is not that of the engines alone."""


class Beside(Record, frozen=True, kw_only=True):
    """One model of one machine through two engines or more."""

    machine_id: str
    machine: str
    model: str
    parameters: int | None
    through: tuple[Through, ...]
    """The reference engine first, then the others in the order of the machine's engines."""


class Against(Record, frozen=True, kw_only=True):
    """One engine of a machine against its reference engine, over the models that both ran alike."""

    machine: str
    engine: str
    reference: str
    models: int
    ratio: Estimate
    """Geometric mean of the ratios (``ratios.mean_ratio``)."""


def beside(summary: Summary) -> tuple[Beside, ...]:
    """Every model that a machine ran through two engines or more, machine by machine, by size.

    The plainest case counts. A machine's reference engine is the one with most such models, of equals the first in
    the table. Of several figures of one model and engine the one most like the reference's counts.
    """
    found = []
    for machine_id, models in _models(plainest(summary)).items():
        order = _engines(models)
        found += [_beside(machine_id, model, engines, order) for model, engines in models.items()]
    return tuple(found)


def against(rows: Sequence[Beside]) -> tuple[Against, ...]:
    """How each engine stands to the reference of its machine, over the models where nothing else differs."""
    pairs: dict[tuple[str, str, str], list[tuple[Point, Point]]] = {}
    machines = {row.machine_id: row.machine for row in rows}
    for row in rows:
        first = row.through[0]
        for one in row.through[1:]:
            if one.ratio is not None and not one.unlike:
                pairs.setdefault((row.machine_id, first.engine, one.engine), []).append((first.point, one.point))
    found = []
    for (machine_id, reference, engine), points in pairs.items():
        mean = mean_ratio(tuple(points), _LIMIT)
        if mean is not None:
            found.append(
                Against(
                    machine=machines[machine_id],
                    engine=engine,
                    reference=reference,
                    models=len(points),
                    ratio=mean,
                )
            )
    return tuple(found)


_Engines = dict[str, list[Point]]


def _models(summary: Summary) -> dict[str, dict[str, _Engines]]:
    """Machine -> model, by size -> engine -> its points with a decode rate; models of two engines or more."""
    found: dict[str, dict[str, _Engines]] = {}
    for point in sorted(summary.points, key=lambda one: one.parameters or 0):
        if point.decode is not None:
            models = found.setdefault(point.series.machine_id, {})
            models.setdefault(point.model, {}).setdefault(point.series.engine, []).append(point)
    several = {
        machine: {model: engines for model, engines in models.items() if len(engines) > 1}
        for machine, models in found.items()
    }
    return {machine: models for machine, models in several.items() if models}


def _engines(models: Mapping[str, _Engines]) -> list[str]:
    """The engines of a machine, the reference first."""
    often = Counter(engine for engines in models.values() for engine in engines)
    return [engine for engine, _ in often.most_common()]


def _beside(machine_id: str, model: str, engines: _Engines, order: Sequence[str]) -> Beside:
    ran = [engine for engine in order if engine in engines]
    first = engines[ran[0]][0]
    through = [Through(engine=ran[0], point=first, ratio=None, unlike=())]
    for engine in ran[1:]:
        point = min(engines[engine], key=lambda one: len(_unlike(first, one)))
        through.append(
            Through(engine=engine, point=point, ratio=ratio(first, point, _LIMIT), unlike=_unlike(first, point))
        )
    return Beside(
        machine_id=machine_id,
        machine=first.series.machine,
        model=model,
        parameters=first.parameters,
        through=tuple(through),
    )


def _unlike(a: Point, b: Point) -> tuple[Difference, ...]:
    return tuple(one for one in differences(a, b) if one not in OF_THE_ENGINE)
