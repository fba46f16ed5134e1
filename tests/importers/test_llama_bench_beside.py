"""llama-bench's figures beside measured ones: on the same chart perhaps, on one curve never."""

import pytest

from tests.importers.bench_rows import as_json, row
from tests.support import header, trial
from tpsprofile import importers, merge
from tpsprofile.analysis.courses import plainest
from tpsprofile.analysis.like import Difference, differences
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Point, Summary
from tpsprofile.analysis.usable import curve
from tpsprofile.records import Machine, ModelFacts, Run
from tpsprofile.render.tables import blocks, fitting

MACHINE = Machine(id="m1", chip="Test Chip", ram_bytes=16 * 1024**3)
FACTS = ModelFacts(name="tiny-1B-Q4_K_M", parameters=1_235_814_432, quantisation="Q4_K_M", file_bytes=800_000_000)


def reported(*rows: dict[str, object], source: str = "a friend") -> list[Run]:
    return importers.as_runs(importers.read(as_json(*rows), "x"), MACHINE, source)


def measured() -> Run:
    trials = tuple(trial(number=number, model=FACTS) for number in (1, 2, 3))
    return Run(header=header(machine=MACHINE), trials=trials)


def summary(*runs: Run) -> Summary:
    return summarise(merge.table(runs))


def pair(points: Summary) -> tuple[Point, Point]:
    own, theirs = sorted(points.points, key=lambda point: point.series.provenance != "measured")
    return own, theirs


def test_measured_and_reported_figures_of_one_model_are_two_series() -> None:
    found = summary(measured(), *reported(row()))
    own, theirs = pair(found)
    assert (own.series.provenance, theirs.series.provenance) == ("measured", "as reported")
    assert theirs.series.source == "a friend"
    assert theirs.series.method == "llama-bench (empty cache, no sampling, no server)"
    for series in (own.series, theirs.series):
        assert len(curve(found, series)) == 1
    assert Difference.SOURCE in differences(own, theirs)


@pytest.mark.parametrize("field", ["source", "method"])
def test_what_two_reported_is_two_series(field: str) -> None:
    runs = [*reported(row()), *reported(row(55.0), source="b" if field == "source" else "a friend")]
    if field == "method":
        from msgspec.structs import replace

        one = runs[1].header
        runs[1] = replace(runs[1], header=replace(one, provenance=replace(one.provenance, method="by hand")))
    assert len({getattr(point.series, field) for point in summary(*runs).points}) == 2


def test_a_test_of_prefill_is_no_model_without_a_speed() -> None:
    found = summary(*reported(row(1000.0, n_prompt=512, n_gen=0), row(50.0)))
    assert found.absent == ()
    assert sorted((point.decode is None, point.prefill is None) for point in found.points) == [
        (False, True),
        (True, False),
    ]
    decoding = [point.series for point in found.points if point.decode]
    curves = {series.tokens_asked: len(curve(found, series)) for series in {p.series for p in found.points}}
    assert curves == {128: 1, 0: 0}
    assert [point.series for point in plainest(found).points] == decoding


def test_a_table_shows_the_prefill_of_a_test_of_that_alone() -> None:
    found = blocks(summary(*reported(row(1000.0, n_prompt=512, n_gen=0), row(50.0))))
    prefill, decode = (block.rows[0] for block in found)
    assert (prefill.prefill, prefill.trials, prefill.rate) == ("1,000", "1", "–")
    assert (decode.prefill, decode.trials, decode.rate) == ("", "1", "50.0")
    assert fitting([prefill], 80) == ("model", "size", "weights", "prefill", "trials")


def test_rates_at_a_depth_are_rates_of_fresh_tokens() -> None:
    [deep] = summary(*reported(row(800.0, 820.0, n_prompt=512, n_gen=0, n_depth=4096))).points
    assert deep.prefill is not None
    assert deep.prefill.median == pytest.approx(810.0)
    assert (deep.series.depth_tokens, deep.series.prompt_tokens) == (4096, 512)
