"""The same model through several engines of one machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from matplotlib.text import Text

from tests.support import header, trial
from tpsprofile import merge
from tpsprofile.analysis.engines import against, beside
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Summary
from tpsprofile.errors import ResultsError
from tpsprofile.records import EngineInfo, Machine, ModelFacts, Provenance, Run, Trial
from tpsprofile.render import charts
from tpsprofile.render.engines import dots

SIZES = {"tiny:1b": 1.2e9, "mid:3b": 3.2e9, "large:8b": 8.0e9}
JITTER = (0.99, 1.0, 1.01)


def trials(speed: float, models: Iterable[str] = SIZES, quantisation: str = "Q4_K_M") -> tuple[Trial, ...]:
    """Three trials of each model: ``speed`` over its billions of parameters, in tok/s."""
    return tuple(
        trial(
            name,
            number,
            model=ModelFacts(name=name, parameters=int(SIZES[name]), quantisation=quantisation),
            decode_engine_s=10 / (speed / (SIZES[name] / 1e9) * jitter),
        )
        for name in models
        for number, jitter in enumerate(JITTER, start=1)
    )


_ids = itertools.count()


def ran(engine: str, rows: tuple[Trial, ...], machine: str = "m1", **changes: Any) -> Run:
    """A run; ``version`` and ``simulated`` are the engine's, what else there is the header's."""
    host = Machine(id=machine, chip=f"Chip {machine}", ram_bytes=16 * 1024**3)
    told = {key: changes.pop(key) for key in ("version", "simulated") if key in changes}
    info = EngineInfo(name=engine, **told)
    return Run(header=header(run=f"r{next(_ids)}", machine=host, engine=info, **changes), trials=rows)


def summary(*runs: Run) -> Summary:
    return summarise(merge.table(runs))


def test_the_engine_with_most_models_is_the_reference() -> None:
    found = beside(summary(ran("ollama", trials(90.0, ("tiny:1b",))), ran("llama.cpp", trials(100.0))))
    assert [(row.model, [one.engine.name for one in row.through]) for row in found] == [
        ("tiny:1b", ["ollama", "llama.cpp"])
    ], "both have one model in common, and the first of the table counts"
    found = beside(
        summary(
            ran("ollama", trials(90.0, ("tiny:1b",))),
            ran("llama.cpp", trials(100.0)),
            ran("llama-server", trials(110.0)),
        )
    )
    assert [row.through[0].engine.name for row in found] == ["llama.cpp", "llama.cpp", "llama.cpp"]


def test_ratios_are_speeds_over_the_reference() -> None:
    rows = beside(summary(ran("llama.cpp", trials(100.0)), ran("ollama", trials(80.0))))
    assert [row.model for row in rows] == ["tiny:1b", "mid:3b", "large:8b"]
    for row in rows:
        assert row.through[0].ratio is None
        assert row.through[1].ratio is not None
        assert row.through[1].ratio.value == pytest.approx(0.8)
    (one,) = against(rows)
    assert (one.engine.name, one.reference.name, one.models) == ("ollama", "llama.cpp", 3)
    assert one.ratio.value == pytest.approx(0.8)
    assert one.ratio.low is not None


def test_what_else_differs_is_told_and_kept_out_of_the_mean() -> None:
    rows = beside(summary(ran("llama.cpp", trials(100.0)), ran("ollama", trials(50.0, quantisation="Q8_0"))))
    assert {one.unlike for row in rows for one in row.through[1:]} == {("quantisation",)}
    assert against(rows) == ()


def test_of_several_figures_the_one_most_alike_counts() -> None:
    other = ran("ollama", trials(50.0, quantisation="Q8_0"))
    rows = beside(summary(ran("llama.cpp", trials(100.0)), other, ran("ollama", trials(80.0))))
    assert all(row.through[1].point.quantisation == "Q4_K_M" for row in rows)


def test_the_reference_s_figure_is_the_one_most_alike_too() -> None:
    """Of a file in two quantisations, or of a reported figure beside a measured one."""
    other = ran("llama.cpp", trials(50.0, quantisation="Q8_0"))
    rows = beside(summary(other, ran("llama.cpp", trials(100.0)), ran("ollama", trials(80.0))))
    assert [round(one.ratio.value, 2) for one in against(rows)] == [0.8]
    reported = ran("llama.cpp", trials(50.0), provenance=Provenance(kind="as reported", source="them"))
    rows = beside(summary(reported, ran("llama.cpp", trials(100.0)), ran("ollama", trials(80.0))))
    assert [round(one.ratio.value, 2) for one in against(rows)] == [0.8]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"version": "b2"}, "llama-server b2"), ({"options": {"n_gpu_layers": 0}}, "llama-server, n_gpu_layers 0")],
)
def test_another_build_or_other_options_are_another_engine(changes: dict[str, Any], told: str) -> None:
    usual: dict[str, Any] = {"version": "b1", "options": {"n_gpu_layers": 99}}
    found = summary(
        ran("llama-server", trials(100.0, ("tiny:1b",)), **usual),
        ran("llama-server", trials(50.0, ("mid:3b",)), **usual | changes),
        ran("ollama", trials(80.0)),
    )
    assert {row.name for row in dots(found).rows} >= {told, "ollama"}
    assert {one.models for one in against(beside(found))} == {1}


def test_invented_figures_are_not_held_against_real_ones() -> None:
    found = summary(ran("fake", trials(100.0), simulated=True), ran("ollama", trials(80.0)))
    assert beside(found) == ()


def test_figures_that_are_not_to_be_trusted_give_no_mean() -> None:
    wild = tuple(
        msgspec.structs.replace(row, decode_engine_s=(row.decode_engine_s or 1) * factor, warnings=())
        for row, factor in zip(trials(80.0, ("tiny:1b",)), (0.2, 1.0, 5.0), strict=True)
    )
    found = summary(ran("llama.cpp", trials(100.0)), ran("ollama", wild))
    assert len(beside(found)) == 1
    assert against(beside(found)) == ()
    assert dots(found).answer == ("No two figures to be trusted differ in the engine alone.",)


def test_what_may_be_chance_is_not_called_a_difference() -> None:
    found = summary(ran("llama.cpp", trials(100.0)), ran("ollama", trials(100.2)))
    assert "cannot be told apart: 1.00×" in dots(found).answer[0]


def test_one_engine_on_two_machines_is_another_question() -> None:
    found = summary(ran("llama.cpp", trials(100.0)), ran("llama.cpp", trials(50.0), machine="m2"))
    assert beside(found) == ()
    with pytest.raises(ResultsError, match="two engines"):
        dots(found)
    assert charts.ENGINES not in charts.drawable(found)


def test_machines_are_not_mixed() -> None:
    found = summary(
        *(ran(engine, trials(speed)) for engine, speed in (("llama.cpp", 100.0), ("ollama", 80.0))),
        *(ran(engine, trials(speed), machine="m2") for engine, speed in (("llama.cpp", 50.0), ("ollama", 60.0))),
    )
    assert [(one.machine[:7], round(one.ratio.value, 2)) for one in against(beside(found))] == [
        ("Chip m1", 0.8),
        ("Chip m2", 1.2),
    ]
    assert all("Chip" in row.group for row in dots(found).rows)


def test_the_chart_has_a_line_a_figure_with_its_ratio() -> None:
    found = summary(ran("llama.cpp", trials(100.0)), ran("ollama", trials(80.0)))
    drawn = charts.figure(found, metric=charts.ENGINES)
    told = [text.get_text() for text in drawn.findobj(Text) if isinstance(text, Text) and text.get_gid() == "text"]
    assert len(told) == 6
    assert told[1].startswith("66.7   0.80× [")
    assert any("runs at 0.80×" in text.get_text().replace("\n", " ") for text in drawn.texts)
    assert charts.ENGINES in charts.drawable(found)


def test_names_and_texts_keep_apart_and_inside() -> None:
    long = "a server of a very long name that somebody wrote himself"
    found = summary(ran("llama.cpp", trials(100.0)), ran(long, trials(1.0)), ran("ollama", trials(9000.0)))
    drawn = charts.figure(found, metric=charts.ENGINES)
    drawn.canvas.draw()
    width = drawn.get_window_extent().width
    boxes = {
        (text.get_gid(), place): text.get_window_extent()
        for place, text in enumerate(drawn.findobj(Text))
        if isinstance(text, Text) and text.get_gid() in {"name", "text", "group"}
    }
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes.values())
    for (_, one), (_, other) in itertools.combinations(boxes.items(), 2):
        assert not one.overlaps(other)
