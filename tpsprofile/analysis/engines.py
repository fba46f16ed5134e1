"""The same model through several engines of one machine: how their speeds relate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tpsprofile.analysis.courses import plainest
from tpsprofile.analysis.differences import Difference, differences, values
from tpsprofile.analysis.limits import Estimate, Limit
from tpsprofile.analysis.ratios import mean_ratio, ratio
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.records import Record
from tpsprofile.trust import Grade

OF_THE_ENGINE = frozenset({Difference.ENGINE, Difference.VERSION, Difference.OPTIONS, Difference.BUILD})
"""Differences that are what is compared here, and named; any other makes two figures unlike."""
_LIMIT = Limit.line(10.0)


class Engine(NamedTuple):
    """One engine as it was run: another version or other options are another."""

    name: str
    version: str | None
    options: str | None
    """As JSON, without those that follow from the machine."""


class Through(Record, frozen=True, kw_only=True):
    """A model through one engine."""

    engine: Engine
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
    engine: Engine
    reference: Engine
    models: int
    ratio: Estimate
    """Geometric mean of the ratios (``ratios.mean_ratio``)."""

    @property
    def is_known(self) -> bool:
        """The two differ for more than chance: the interval of the ratio does not hold 1."""
        low, high = self.ratio.low, self.ratio.high
        return low is None or high is None or not low <= 1 <= high


def beside(summary: Summary) -> tuple[Beside, ...]:
    """Every model that a machine ran through two engines or more, machine by machine, by size.

    The plainest case counts; invented figures stand beside invented ones alone. A machine's reference engine is
    the one with most such models, of equals the first in the table. Of several figures of one model and engine
    those count that are most alike.
    """
    found = []
    for (machine_id, _), models in _models(plainest(summary)).items():
        order = _engines(models)
        found += [_beside(machine_id, model, engines, order) for model, engines in models.items()]
    return tuple(found)


def against(rows: Sequence[Beside]) -> tuple[Against, ...]:
    """How each engine stands to the reference of its machine, over the models where nothing else differs.

    Figures of grade D are left out.
    """
    pairs: dict[tuple[str, Engine, Engine], list[tuple[Point, Point]]] = {}
    machines = {row.machine_id: row.machine for row in rows}
    for row in rows:
        first = row.through[0]
        for one in row.through[1:]:
            if one.ratio is not None and not one.unlike and Grade.D not in {first.point.grade, one.point.grade}:
                pairs.setdefault((row.machine_id, first.engine, one.engine), []).append((first.point, one.point))
    found = []
    for (machine_id, reference, engine), points in pairs.items():
        mean = mean_ratio(tuple(points), _LIMIT)
        if mean is not None:
            machine = machines[machine_id]
            count = len(points)
            found.append(Against(machine=machine, engine=engine, reference=reference, models=count, ratio=mean))
    return tuple(found)


_Engines = dict[Engine, list[Point]]


def _models(summary: Summary) -> dict[tuple[str, bool], dict[str, _Engines]]:
    """Machine, and whether figures are invented -> model, by size -> engine -> its points with a decode rate.

    Of models with two engines or more.
    """
    found: dict[tuple[str, bool], dict[str, _Engines]] = {}
    for point in sorted(summary.points, key=lambda one: one.parameters or 0):
        if point.decode is not None:
            series = point.series
            models = found.setdefault((series.machine_id, series.simulated), {})
            models.setdefault(point.model, {}).setdefault(_engine(point), []).append(point)
    several = {
        machine: {model: engines for model, engines in models.items() if len(engines) > 1}
        for machine, models in found.items()
    }
    return {machine: models for machine, models in several.items() if models}


def _engine(point: Point) -> Engine:
    return Engine(point.series.engine, point.engine_version, values(point).get(Difference.OPTIONS))


def _engines(models: Mapping[str, _Engines]) -> list[Engine]:
    """The engines of a machine, the reference first; of equals those that were measured here."""
    often = Counter(engine for engines in models.values() for engine in engines)
    points = {engine: found[0] for engines in models.values() for engine, found in engines.items()}
    return sorted(often, key=lambda one: (-often[one], points[one].series.provenance != "measured"))


def _beside(machine_id: str, model: str, engines: _Engines, order: Sequence[Engine]) -> Beside:
    ran = [engine for engine in order if engine in engines]
    first = _most_alike(engines[ran[0]], [engines[engine] for engine in ran[1:]])
    through = [Through(engine=ran[0], point=first, ratio=None, unlike=())]
    for engine in ran[1:]:
        point = _most_alike(engines[engine], [[first]])
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


def _most_alike(mine: Sequence[Point], others: Sequence[Sequence[Point]]) -> Point:
    """The point that differs least from the nearest of each of the others, measured ones first."""

    def rank(point: Point) -> tuple[int, bool, bool]:
        apart = sum(min(len(_unlike(point, other)) for other in points) for points in others)
        return apart, point.series.provenance != "measured", point.synthetic

    return min(mine, key=rank)


def _unlike(a: Point, b: Point) -> tuple[Difference, ...]:
    return tuple(one for one in differences(a, b) if one not in OF_THE_ENGINE)
