"""Services of others are controls: shown beside the machines, and never one of them."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from tests.support import header, trial
from tpsprofile import merge
from tpsprofile.analysis.like import machines
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Summary
from tpsprofile.records import EngineInfo, Machine, ModelFacts, Outcome, Run
from tpsprofile.render import charts
from tpsprofile.render.tables import blocks

CLOUD = EngineInfo(name="openai-compatible", remote=True, cloud=True)
SERVICE = Machine(id="cloud-1", chip="cloud service", tag="a service")


def service(*models: ModelFacts) -> Run:
    rows = tuple(trial(model=model, decode_engine_s=0.1, ttft_s=0.4) for model in models)
    return Run(header=header(run="c", machine=SERVICE, engine=CLOUD), trials=rows)


def summary(*runs: Run) -> Summary:
    mine = Run(header=header(), trials=(trial(ttft_s=0.2), trial("llama3.1:8b", decode_engine_s=5.0)))
    return summarise(merge.table((mine, *runs)))


UNKNOWN = ModelFacts(name="large-1")
KNOWN = ModelFacts(name="open-70b", parameters=70_000_000_000)


def figure(metric: str, *models: ModelFacts) -> Figure:
    return charts.figure(summary(service(*models)), metric=metric)


def stars(drawn: Figure) -> list[Any]:
    return [line for line in drawn.axes[0].lines if line.get_gid() == "control" and line.get_marker() == "*"]


def test_a_control_is_no_machine_and_on_no_curve() -> None:
    found = summary(service(UNKNOWN))
    assert [who.machine_id for who in machines(found)] == ["m1"]
    assert [point.model for point in found.controls] == ["large-1"]
    assert all(not point.series.cloud for point in found.points)
    assert found.points == summary().points


def test_a_service_and_a_machine_of_one_id_stay_apart() -> None:
    """Whatever the ids in a file say."""
    mine = header().machine
    runs = service(UNKNOWN)
    odd = Run(header=header(run="c", machine=mine, engine=CLOUD), trials=runs.trials)
    found = summary(odd)
    assert ([p.model for p in found.controls], found.points) == (["large-1"], summary().points)


def test_a_control_that_failed_is_no_absence_of_a_machine() -> None:
    failed = Run(
        header=header(run="c", machine=SERVICE, engine=CLOUD),
        trials=(trial(outcome=Outcome.ENGINE_ERROR, reason="no"),),
    )
    assert summary(failed).absent == ()


def test_a_control_of_known_size_is_a_star_at_its_size() -> None:
    (star,) = stars(figure("tokens", KNOWN))
    assert list(star.get_xdata()) == [70e9]
    assert list(star.get_ydata()) == [100.0]


def test_a_control_of_unknown_size_is_a_star_at_the_edge() -> None:
    drawn = figure("tokens", UNKNOWN)
    (star,) = stars(drawn)
    at, _ = star.get_transform().transform((star.get_xdata()[0], star.get_ydata()[0]))
    assert at == drawn.axes[0].get_window_extent().x1
    low, high = drawn.axes[0].get_xlim()
    assert high / low < 1e4, "an unknown size does not stretch the axis"


def test_controls_are_told_with_their_figure_on_speed_and_first_token_alone() -> None:
    def told(metric: str) -> str:
        return " ".join(text.get_text() for text in figure(metric, UNKNOWN).texts)

    assert "large-1, a service: 100 tok/s" in told("tokens")
    assert "Stars: models of services" in told("tokens")
    assert "large-1, a service: 400 ms" in told("ttft")


def test_the_table_of_a_merge_calls_it_a_control() -> None:
    *machine, control = blocks(summary(service(UNKNOWN)))
    assert [block.heading for block in machine] == [block.heading for block in blocks(summary())]
    assert control.heading.endswith("(control)")
    assert [row.model for row in control.rows] == ["large-1"]
