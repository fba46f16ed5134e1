"""Charts by their properties: what is where, and that nothing lies over anything else."""

from __future__ import annotations

import errno
import functools
import math
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from tests.support import WHEN, header, trial
from tpsprofile import merge, schema
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Summary
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.records import EngineInfo, Machine, Memory, ModelFacts, Outcome, Provenance, Run, Trial, Workload
from tpsprofile.render import charts, style
from tpsprofile.render.geometry import Box, Frame, Size, stacked
from tpsprofile.render.place import NOTHING, Curve, along_line, beside

B = 10**9
BY_SIZE = ("tokens", "load", "ttft", "memory")
ALONG = ("depth", "depth-ttft", "prompt-ttft", "sustained")
GIB = 1024**3
SIZES = (0.494, 1.236, 3.213, 7.616, 10.306, 14.66, 32.76, 72.7)
CHIPS = (
    ("Apple M4 Max", 128),
    ("Apple M2 Max", 32),
    ("AMD EPYC 9454", 24),
    ("Apple M1", 16),
    ("NVIDIA GeForce RTX 4090 Desktop", 64),
    ("Intel Core Ultra 7 155H", 32),
)


def model(size: float, *, synthetic: bool = False, quantisation: str | None = "Q4_K_M") -> ModelFacts:
    return ModelFacts(name=f"m{size:g}", parameters=int(size * B), quantisation=quantisation, synthetic=synthetic)


def ok(size: float, rate: float, number: int = 1, *, synthetic: bool = False) -> Trial:
    return trial(
        number=number,
        model=model(size, synthetic=synthetic),
        decode_engine_s=10 / rate,
        ttft_s=4 / rate,
        load_first_s=size / 2 + 0.3 if number == 1 else None,
        load_later_s=size / 5 + 0.2 if number > 1 else None,
        memory=Memory(rss_bytes=int(size * 0.6 * GIB) + GIB, available_fall_bytes=int(size * 0.8 * GIB) + GIB),
    )


def too_large(size: float) -> Trial:
    return trial(model=model(size), outcome=Outcome.DOES_NOT_FIT, reason="needs more")


def machine(place: int = 0) -> Machine:
    chip, ram = CHIPS[place]
    return Machine(id=f"id-{place}", chip=chip, ram_bytes=ram * GIB)


def run(*trials: Trial, place: int = 0, **changes: object) -> Run:
    return Run(header=header(**{"run": f"run-{place}", "machine": machine(place), **changes}), trials=trials)


def summary(*runs: Run) -> Summary:
    return summarise(merge.table(runs))


@functools.cache
def six_machines(seed: int, *, close: bool = False) -> Summary:
    """Six machines with eight models each, those that do not fit included; ``close`` puts the curves together."""
    dice = random.Random(seed)
    runs = []
    for place, (_, ram) in enumerate(CHIPS):
        base = 100 * (dice.uniform(0.97, 1.03) if close else dice.uniform(0.3, 3))
        trials = []
        for size in SIZES:
            if size * 0.6 + 1 > ram * 0.7:
                trials.append(too_large(size))
            else:
                rate = base / (size + 0.3) ** (0.9 if close else dice.uniform(0.8, 1))
                trials += [ok(size, rate * dice.uniform(0.9, 1.1), n, synthetic=size > 1) for n in (1, 2, 3)]
        runs.append(run(*trials, place=place))
    return summary(*runs)


@functools.cache
def six_machines_drawn(seed: int, *, close: bool, metric: str = "tokens") -> Figure:
    """The same as a picture, to look at and not to change."""
    return charts.figure(six_machines(seed, close=close), metric=metric)


def texts(figure: Figure) -> dict[str, Bbox]:
    """Every text on the paper with its extent in pixels, the watermark aside."""
    figure.draw_without_rendering()
    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    found: dict[str, Bbox] = {}
    for artist in figure.findobj(Text):
        assert isinstance(artist, Text)
        if artist.get_text() and artist.get_visible() and artist.get_gid() != "watermark":
            found[f"{artist.get_text()} ({len(found)})"] = artist.get_window_extent(renderer)
    return found


def words(figure: Figure, gid: str | None = None) -> list[str]:
    found = [artist for artist in figure.findobj(Text) if isinstance(artist, Text)]
    return [text.get_text() for text in found if text.get_text() and gid in {None, text.get_gid()}]


def axes(figure: Figure) -> Axes:
    (found,) = figure.axes
    return found


def heights(line: Any) -> list[float]:
    return [float(y) for y in line.get_ydata()]


def spots(figure: Figure, *gids: str) -> Iterator[tuple[float, float]]:
    """Centres of markers in pixels."""
    for line in axes(figure).lines:
        if line.get_gid() in gids:
            yield from axes(figure).transData.transform(line.get_xydata())


def assert_clean(figure: Figure) -> None:
    """No two texts overlap, all lie on the paper, and none hides a marker."""
    boxes = texts(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for name, box in boxes.items():
        assert box.x0 >= 0, name
        assert box.y0 >= 0, name
        assert box.x1 <= width, name
        assert box.y1 <= height, name
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, up) <= 0.5, f"{one!r} overlaps {other!r}"
    for x, y in spots(figure, "filled", "hollow"):
        assert not [name for name, box in boxes.items() if box.contains(x, y)]


@pytest.mark.parametrize("metric", BY_SIZE)
@pytest.mark.parametrize("close", [False, True], ids=["spread", "close"])
@pytest.mark.parametrize("seed", range(3))
def test_six_machines_of_eight_models_are_readable(seed: int, close: bool, metric: str) -> None:
    figure = six_machines_drawn(seed, close=close, metric=metric)
    assert_clean(figure)
    names = " ".join(words(figure, "name")).replace("\n", " ")
    assert all(f"{chip} {ram} GB" in names or f"{chip}, {ram} GB" in names for chip, ram in CHIPS)


def test_many_machines_with_long_names_are_readable() -> None:
    runs = [
        run(
            *(ok(size, 100 / size) for size in SIZES),
            run=f"r{n}",
            machine=Machine(
                id=f"id-{n:04}", chip="An Extraordinarily Long Name of a Chip " * 3, ram_bytes=32 * GIB
            ),
        )
        for n in range(14)
    ]
    assert_clean(charts.figure(summary(*runs)))


def test_lone_points_close_to_each_other_are_readable() -> None:
    runs = [run(ok(7 + 0.2 * place, 10 + 0.4 * place), place=place) for place in range(4)]
    figure = charts.figure(summary(*runs))
    assert_clean(figure)


def test_a_name_keeps_off_what_is_there_already() -> None:
    curve = Curve(size=Size(40, 10), spots=((100, 100),), joined=((100, 100),), bars=())
    frame = Frame(Box(0, 0, 300, 200), (0, 1), (0, 1))
    free = beside([curve], frame, NOTHING, at_start=True)
    assert free is not None
    moved = beside([curve], frame, NOTHING.and_boxes([free.boxes[0]]), at_start=True)
    assert moved is not None
    assert not moved.boxes[0].overlaps(free.boxes[0])
    assert beside([curve], frame, NOTHING.and_boxes([frame.box]), at_start=True) is None


def test_a_curve_of_many_marks_is_kept_off_by_a_few_boxes() -> None:
    spots = tuple((float(x), 50 + 20 * math.sin(x / 40)) for x in range(601))
    taken = Curve(size=None, spots=spots, joined=spots, bars=(), dense=True).obstacles
    assert len(taken.boxes) <= 40
    assert taken.segments == ()
    assert all(any(Box(x, y, x, y).inside(box) for box in taken.boxes) for x, y in spots)


def test_what_is_said_below_a_line_may_stand_lower() -> None:
    frame = Frame(Box(0, 0, 300, 200), (0, 1), (0, 1))
    free = along_line(Size(80, 10), 100, frame, NOTHING, above=False, from_left=True)
    under = NOTHING.and_boxes([Box(0, 85, 300, 99)])
    lower = along_line(Size(80, 10), 100, frame, under, above=False, from_left=True)
    assert 85 < free.y0 < free.y1 < 100
    assert lower.y1 < 85
    assert under.clear(lower)


def test_sizes_over_many_decades_keep_their_ticks_apart() -> None:
    assert_clean(charts.figure(summary(run(ok(1e-6, 5000), ok(1, 50), ok(1000, 0.1)))))


@pytest.mark.parametrize("rate", [1e-300, 1e300])
def test_an_absurd_figure_is_still_a_chart(rate: float) -> None:
    absurd = trial(model=model(7), decode_engine_s=None, decode_client_s=None, reported_decode_tok_s=rate)
    assert_clean(charts.figure(summary(run(ok(1, 50), absurd))))


def two_laptops() -> Summary:
    return summarise(merge.gather([Path(__file__).parents[1] / "results" / "as-reported"]).table)


def test_the_main_chart_asks_and_answers() -> None:
    figure = charts.figure(two_laptops())
    shown = words(figure)
    assert "How large a model stays usable?" in shown
    assert "Apple M4 Max 128 GB † up to 66B [63B 70B], Apple M2 Max † up to 49B [44B 54B]." in shown
    assert any(line.startswith("† As reported: a published comparison of two laptops") for line in shown)
    assert "Quantisation not reported." in shown
    assert (axes(figure).get_xscale(), axes(figure).get_yscale()) == ("log", "log")
    assert words(figure, "name") == ["Apple M2 Max †", "Apple M4 Max 128 GB †"]


def test_ticks_are_sizes_and_rates_that_people_know() -> None:
    figure = charts.figure(two_laptops())
    x, y = axes(figure).xaxis.get_ticklabels(), axes(figure).yaxis.get_ticklabels()
    assert {"1B", "3B", "7B", "14B", "32B", "72B"} <= {label.get_text() for label in x}
    assert "135M" not in {label.get_text() for label in x}
    assert {"10", "20", "50", "100", "200"} <= {label.get_text() for label in y}


@pytest.mark.parametrize(("line", "name"), [(10.0, "10 tok/s"), (4.5, "4.5 tok/s"), (1500, "1,500 tok/s")])
def test_the_line_is_where_it_is_set_and_named(line: float, name: str) -> None:
    figure = charts.figure(two_laptops(), line_tok_s=line)
    (drawn,) = [entry for entry in axes(figure).lines if entry.get_gid() == "level"]
    assert heights(drawn) == [line, line]
    assert words(figure, "level") == [name]
    assert words(figure, "zone") == ["too slow to use"]
    low, high = axes(figure).get_ylim()
    assert low < line < high
    assert_clean(figure)


def test_synthetic_points_are_hollow_and_real_ones_filled() -> None:
    figure = charts.figure(summary(run(ok(1, 50), ok(7, 20, synthetic=True))))
    faces = {line.get_gid(): line.get_markerfacecolor() for line in axes(figure).lines}
    assert faces["hollow"] == style.PAPER
    assert faces["filled"] == style.tone(0).colour
    assert any("Hollow: synthetic weights." in line for line in words(figure))


def test_real_points_alone_need_no_word_on_hollow_ones() -> None:
    assert not any("Hollow" in line for line in words(charts.figure(summary(run(ok(1, 50))))))


def test_bars_of_rates_are_the_interval_of_the_median() -> None:
    figure = charts.figure(summary(run(ok(1, 49), ok(1, 50, 2), ok(1, 51, 3))))
    (bar,) = [line for line in axes(figure).lines if line.get_gid() == "bar"]
    assert heights(bar) == pytest.approx([50 - 3.11, 50 + 3.11], abs=0.01)
    assert any("Bars: 95% interval of the median" in line for line in words(figure))


def test_bars_of_other_figures_reach_from_the_lowest_to_the_highest_trial() -> None:
    figure = charts.figure(summary(run(ok(1, 40), ok(1, 50, 2), ok(1, 80, 3))), metric="ttft")
    (bar,) = [line for line in axes(figure).lines if line.get_gid() == "bar"]
    assert heights(bar) == pytest.approx([0.05, 0.1])
    assert any("Bars: lowest to highest trial" in line for line in words(figure))


def test_an_interval_that_reaches_0_does_not_stretch_the_axis() -> None:
    figure = charts.figure(summary(run(ok(1, 20), ok(1, 80, 2))))
    low, high = axes(figure).get_ylim()
    assert 1 < low < high < 1000
    assert_clean(figure)


def graded(size: float, rate: float, *warnings: str, count: int = 6) -> list[Trial]:
    """Trials that agree, each with those warnings."""
    rates = [rate * (1 + 0.001 * (number % 3)) for number in range(count)]
    return [with_(ok(size, one, number), warnings=warnings) for number, one in enumerate(rates, start=1)]


def with_(one: Trial, **changes: Any) -> Trial:
    return msgspec.structs.replace(one, **changes)


def test_doubtful_marks_bear_their_grade_and_the_foot_says_why() -> None:
    trials = [*graded(1, 50), *graded(3, 40, "hot"), *graded(7, 20, "busy", "hot"), *graded(14, 9, "swapping")]
    figure = charts.figure(summary(run(*trials)))
    assert words(figure, "letter") == ["C", "D"]
    (said,) = [line for line in words(figure) if line.startswith("Letters")]
    assert "C, may be off by tens of per cent: busy. D, not to be used for a decision: swapping." in said
    assert_clean(figure)
    marks = dict(zip(("C", "D"), list(spots(figure, "filled"))[2:], strict=True))
    for text, box in texts(figure).items():
        if text[:2] in {"C ", "D "}:
            x, y = marks[text[0]]
            assert abs((box.x0 + box.x1) / 2 - x) < 40
            assert abs((box.y0 + box.y1) / 2 - y) < 40


def test_marks_without_doubt_bear_no_letter() -> None:
    reported = run(*graded(1, 50, "swapping"), provenance=Provenance(kind="as reported", source="a paper"))
    for one in (run(*graded(1, 50)), run(*graded(1, 50, "hot")), run(ok(1, 50)), reported):
        figure = charts.figure(summary(one))
        assert words(figure, "letter") == []
        assert not any(line.startswith("Letters") for line in words(figure))
    assert words(charts.figure(summary(run(*graded(1, 50, "busy"))), metric="ttft"), "letter") == []


@pytest.mark.parametrize("close", [False, True], ids=["spread", "close"])
def test_many_letters_are_readable(close: bool) -> None:
    dice = random.Random(5)
    runs = []
    for place in range(6):
        base = 100 * (dice.uniform(0.97, 1.03) if close else dice.uniform(0.3, 3))
        trials = [t for size in SIZES for t in graded(size, base / (size + 0.3) ** 0.9, "busy", count=3)]
        runs.append(run(*trials, place=place))
    figure = charts.figure(summary(*runs))
    assert len(words(figure, "letter")) == 6 * len(SIZES)
    assert_clean(figure)


def work(**changes: Any) -> Workload:
    fields: dict[str, Any] = {"prompt": "csvs-to-sqlite", "tokens_out": 11, "context_tokens": 32768}
    return Workload(**fields | {"depth_tokens": 0} | changes)


def case(size: float, rate: float, **changes: Any) -> list[Trial]:
    """Three trials of a model under another workload."""
    return [with_(ok(size, rate * (1 + 0.01 * n), n), workload=work(**changes)) for n in (1, 2, 3)]


def deeper(size: float, rate: float, *depths: int) -> list[Trial]:
    """A rate that falls to half at 8192 tokens, and to a third at 16384."""
    return [one for depth in depths for one in case(size, rate / (1 + depth / 8192), depth_tokens=depth)]


def kept(size: float, rate: float, *, fall: float = 0.0, count: int = 31) -> list[Trial]:
    """A trial every ten seconds, that together lose a share of their speed evenly."""
    return [
        with_(
            ok(size, rate * (1 - fall * n / (count - 1)), n + 1),
            started_at=WHEN + timedelta(seconds=10 * n),
            workload=work(),
        )
        for n in range(count)
    ]


def every_case() -> Summary:
    prompts = [one for tokens in (128, 1024) for one in case(1, 40, prompt_tokens=tokens)]
    return summary(run(*deeper(1, 40, 0, 4096), *prompts, *kept(7, 20)))


def test_depth_is_drawn_from_0_on_with_a_curve_a_model() -> None:
    figure = charts.figure(summary(run(*deeper(1, 60, 0, 4096, 16384), *deeper(7, 20, 0, 4096))), metric="depth")
    assert (axes(figure).get_xscale(), axes(figure).get_yscale()) == ("linear", "log")
    assert "What does a long context cost?" in words(figure)
    assert "m1 on Apple M4 Max 128 GB: 61.2 tok/s at depth 0, 20.4 at 16,384 (−67%)." in words(figure)
    assert words(figure, "name") == ["m1", "m7"]
    curves = [line for line in axes(figure).lines if line.get_gid() == "curve"]
    assert [np.asarray(curve.get_xdata()).tolist() for curve in curves] == [[0, 4096, 16384], [0, 4096]]
    assert len({str(curve.get_color()) for curve in curves}) == 2
    ticks = [label.get_text() for label in axes(figure).xaxis.get_ticklabels()]
    assert ticks == ["0", "4,096", "16,384"]
    assert "tokens in the context before the prompt" in words(figure)
    assert_clean(figure)


def test_machines_have_colours_where_there_are_several() -> None:
    runs = [run(*deeper(1, 60 * (n + 1), 0, 4096), *deeper(7, 8 * (n + 1), 0, 4096), place=n) for n in range(2)]
    figure = charts.figure(summary(*runs), metric="depth")
    curves = [line for line in axes(figure).lines if line.get_gid() == "curve"]
    assert len({str(curve.get_color()) for curve in curves}) == 2
    assert [curve.is_dashed() for curve in curves] == [False, True, False, True]
    assert {name.replace("\n", " ") for name in words(figure, "name")} == {
        f"m{size} · {chip}" for size in (1, 7) for chip in ("Apple M4 Max 128 GB", "Apple M2 Max 32 GB")
    }
    alone = charts.figure(summary(*(run(*deeper(1, 60 + n, 0, 4096), place=n) for n in range(2))), metric="depth")
    assert words(alone, "name") == ["Apple M4 Max 128 GB", "Apple M2 Max 32 GB"]


def test_ttft_is_drawn_against_depth_and_against_the_prompt() -> None:
    found = every_case()
    depth = charts.figure(found, metric="depth-ttft")
    assert axes(depth).get_xscale() == "linear"
    assert "m1 on Apple M4 Max 128 GB: 98 ms at depth 0, 147 ms at 4,096 (+50%)." in words(depth)
    prompt = charts.figure(found, metric="prompt-ttft")
    assert axes(prompt).get_xscale() == "log"
    assert "m1 on Apple M4 Max 128 GB: 98 ms for 128 tokens, 98 ms for 1,024 (±0%)." in words(prompt)
    assert any("Bars: lowest to highest trial" in line for line in words(prompt))


def test_a_context_that_was_read_anew_is_told_where_it_takes_time() -> None:
    trials = [with_(one, warnings=("context read anew",)) for one in deeper(1, 60, 0, 4096)]
    found = summary(run(*trials))
    told = "On Apple M4 Max 128 GB the time to read the context is included."
    assert told in words(charts.figure(found, metric="depth-ttft"))
    assert told not in words(charts.figure(found, metric="depth"))
    assert told not in words(charts.figure(every_case(), metric="depth-ttft"))


def test_a_lasting_speed_is_drawn_trial_by_trial() -> None:
    figure = charts.figure(summary(run(*kept(1, 20, fall=0.2))), metric="sustained")
    assert "Does it keep its speed?" in words(figure)
    said = "m1 on Apple M4 Max 128 GB: 19.6 tok/s in the first minute, 16.4 in the last (−16%)."
    assert said in words(figure)
    (curve,) = [line for line in axes(figure).lines if line.get_gid() == "curve"]
    assert np.asarray(curve.get_xdata()) == pytest.approx(np.arange(31) / 6)
    assert len(list(spots(figure, "filled"))) == 31
    assert [label.get_text() for label in axes(figure).xaxis.get_ticklabels()] == ["0", "1", "2", "3", "4", "5"]
    low, high = axes(figure).get_ylim()
    assert high / low < 3
    assert any("Points: single trials." in line for line in words(figure))


def test_a_short_time_is_told_by_its_halves() -> None:
    figure = charts.figure(summary(run(*kept(1, 20, fall=0.2, count=8))), metric="sustained")
    assert any("19.1 tok/s in the first half, 16.9 in the second" in line for line in words(figure))


def test_the_line_is_drawn_only_near_the_curves() -> None:
    for rate, levels in ((20.0, ["10 tok/s"]), (200.0, [])):
        figure = charts.figure(summary(run(*kept(1, rate, fall=0.4))), metric="sustained")
        assert words(figure, "level") == levels


@pytest.mark.parametrize("metric", ALONG)
@pytest.mark.parametrize("machines", [1, 3])
def test_cases_of_many_models_are_readable(machines: int, metric: str) -> None:
    runs = []
    for place in range(machines):
        trials: list[Trial] = []
        for size in (0.5, 1.2, 3.2, 8.0):
            rate = (60 + 90 * place) / size
            trials += deeper(size, rate, 0, 1024, 4096, 16384)
            trials += [one for tokens in (128, 512, 2048) for one in case(size, rate, prompt_tokens=tokens)]
            trials += kept(size + 0.1, rate, fall=0.2, count=40)
        runs.append(run(*trials, place=place))
    found = summary(*runs)
    assert_clean(charts.figure(found, metric=metric))


def test_of_many_curves_the_largest_changes_are_told() -> None:
    trials = [t for n, size in enumerate((0.5, 1, 3, 7, 14)) for t in kept(size, 60 / size, fall=0.1 * n)]
    told = [line for line in words(charts.figure(summary(run(*trials)), metric="sustained")) if "%" in line]
    assert [line.split()[0] for line in told] == ["m14", "m7", "m3", "2"]
    assert told[-1] == "2 others: −8% to ±0%."


def test_the_main_chart_shows_the_plainest_case_and_names_the_others() -> None:
    figure = charts.figure(every_case())
    assert words(figure, "name") == ["Apple M4 Max 128 GB"]
    assert (
        "Measured besides: at depth 4,096 (--metric depth) and with prompts of 128 and 1,024 tokens"
        in " ".join(words(figure))
    )
    assert len(list(spots(figure, "filled"))) == 2
    assert not any("Measured besides" in line for line in words(charts.figure(summary(run(ok(1, 50))))))


@pytest.mark.parametrize(
    ("metric", "option"),
    [
        ("depth", "--depth 0,4096"),
        ("depth-ttft", "--depth 0,4096"),
        ("prompt-ttft", "--prompt-tokens 128,512,2048"),
        ("sustained", "--sustain 10m"),
    ],
)
def test_without_such_cases_the_option_that_measures_them_is_told(metric: str, option: str) -> None:
    with pytest.raises(ResultsError, match=f"nothing to draw.*{option}"):
        charts.figure(summary(run(ok(1, 50))), metric=metric)
    with pytest.raises(ResultsError, match="no trial ended well"):
        charts.figure(summary(run(too_large(7))), metric=metric)


def test_weights_are_told_where_a_model_has_several() -> None:
    eight = [with_(one, model=model(1, quantisation="Q8_0")) for one in deeper(1, 30, 0, 4096)]
    figure = charts.figure(summary(run(*deeper(1, 60, 0, 4096), *eight)), metric="depth")
    assert words(figure, "name") == ["m1 Q4_K_M", "m1 Q8_0"]


def walls(figure: Figure) -> list[Bbox]:
    return [patch.get_window_extent() for patch in axes(figure).patches if patch.get_gid() == "wall"]


def test_what_does_not_fit_is_a_wall_right_of_its_size() -> None:
    figure = charts.figure(summary(run(ok(1, 50), too_large(72), too_large(32), place=2)))
    (wall,) = walls(figure)
    x, _ = axes(figure).transData.transform((32 * B, 10))
    assert 0 < wall.x0 - x < 40
    assert wall.height == pytest.approx(axes(figure).bbox.height)
    assert words(figure, "wall") == ["does not fit in 24 GB"]


def test_walls_of_several_machines_stand_beside_each_other() -> None:
    runs = [run(ok(1, 50 * (place + 1)), too_large(72), place=place) for place in range(6)]
    figure = charts.figure(summary(*runs))
    found = sorted(walls(figure), key=lambda box: box.x0)
    assert len(found) == 6
    assert all(left.x1 < right.x0 for left, right in pairwise(found))
    assert found[-1].x1 < axes(figure).bbox.x1
    assert "does not fit in 32 GB (Apple M2 Max)" in words(figure, "wall")
    assert_clean(figure)


def test_a_machine_on_which_nothing_fits_is_a_wall_beside_another() -> None:
    figure = charts.figure(summary(run(ok(7, 20)), run(too_large(7), place=3)))
    assert words(figure, "wall") == ["does not fit in 16 GB (Apple M1)"]
    assert len(walls(figure)) == 1


def test_one_machine_with_one_point_is_a_chart() -> None:
    assert_clean(charts.figure(summary(run(ok(7, 20)))))


@pytest.mark.parametrize(
    ("trials", "reason"),
    [((), "no trials"), ((too_large(7),), "no trial ended well.*needs more")],
    ids=["empty", "nothing fits"],
)
def test_nothing_to_draw_is_said_with_the_reason(trials: tuple[Trial, ...], reason: str) -> None:
    with pytest.raises(ResultsError, match=reason):
        charts.figure(summary(run(*trials)))


def test_a_point_of_unknown_size_is_named_at_the_foot() -> None:
    nameless = trial("mystery", model=ModelFacts(name="mystery"), number=1)
    assert any("mystery on" in line for line in words(charts.figure(summary(run(ok(1, 50), nameless)))))
    with pytest.raises(ResultsError, match="known size"):
        charts.figure(summary(run(nameless)))


def test_invented_figures_cannot_be_mistaken() -> None:
    fake = EngineInfo(name="invented", simulated=True)
    figure = charts.figure(summary(run(ok(1, 50), ok(7, 20), engine=fake)))
    assert words(figure, "watermark") == ["SIMULATED"]
    assert words(figure, "name") == ["Apple M4 Max 128 GB · simulated"]
    assert "How large a model stays usable? (simulated)" in words(figure)
    assert "SIMULATED" not in words(charts.figure(summary(run(ok(1, 50)))))


def test_several_engines_of_a_machine_are_named_and_share_its_colour() -> None:
    other = run(ok(1, 30), ok(7, 10), run="b", engine=EngineInfo(name="beta"))
    figure = charts.figure(summary(run(ok(1, 90), ok(7, 30), engine=EngineInfo(name="alpha")), other))
    assert words(figure, "name") == ["Apple M4 Max 128 GB · alpha", "Apple M4 Max 128 GB · beta"]
    curves = [line for line in axes(figure).lines if line.get_gid() == "curve"]
    assert len({str(line.get_color()) for line in curves}) == 1
    assert len({line.is_dashed() for line in curves}) == 2


def test_machines_differ_in_colour_and_in_shape() -> None:
    tones = [style.tone(place) for place in range(len(style.TONES))]
    assert len({tone.colour for tone in tones}) == len({tone.marker for tone in tones}) == len(tones)


def test_quantisations_that_differ_are_listed() -> None:
    eight = trial(model=model(1, quantisation="Q8_0"))
    shown = " ".join(words(charts.figure(summary(run(eight, ok(7, 20), ok(14, 9))))))
    assert "Sizes differ in quantisation: Q8_0 (1.0B), Q4_K_M (7.0B to 14.0B)." in shown
    assert "All sizes Q4_K_M." in words(charts.figure(summary(run(ok(7, 20)))))


def test_sources_that_differ_have_signs_that_differ() -> None:
    reported = [
        run(
            ok(1, 50 + n),
            ok(7, 30 + 9 * n),
            place=n,
            provenance=Provenance(kind="as reported", source=f"paper {n}"),
        )
        for n in range(2)
    ]
    shown = " ".join(words(charts.figure(summary(*reported))))
    assert "† As reported: paper 0" in shown
    assert "‡ As reported: paper 1" in shown


def test_text_of_strangers_is_drawn_as_it_is_and_on_one_line() -> None:
    strange = Machine(id="x", chip="$\\frac{1}$ 漢字\n\x1b[31m" + "long " * 40, ram_bytes=8 * GIB)
    figure = charts.figure(summary(run(ok(1, 50), machine=strange)))
    (name,) = words(figure, "name")
    assert name.startswith("$\\frac{1}$ 漢字 [31mlong")
    assert name.endswith("…")
    with charts._look():
        assert_clean(figure)


def test_loads_are_drawn_apart() -> None:
    figure = charts.figure(summary(run(ok(1, 50), ok(1, 50, 2), ok(7, 20), ok(7, 20, 2))), metric="load")
    assert words(figure, "name") == ["Apple M4 Max 128 GB, first load", "Apple M4 Max 128 GB, later loads"]
    assert [line.is_dashed() for line in axes(figure).lines if line.get_gid() == "curve"] == [False, True]


def test_memory_has_the_machine_s_own_as_a_line() -> None:
    figure = charts.figure(summary(run(ok(1, 50), ok(7, 20), place=2)), metric="memory")
    (level,) = [line for line in axes(figure).lines if line.get_gid() == "level"]
    assert heights(level) == [24 * GIB, 24 * GIB]
    assert words(figure, "level") == ["24 GB of RAM"]


def test_only_metrics_with_figures_are_drawable() -> None:
    assert charts.drawable(two_laptops()) == ("tokens",)
    assert charts.drawable(summary(run(ok(1, 50), ok(1, 50, 2)))) == BY_SIZE
    assert charts.drawable(every_case()) == tuple(charts.METRICS)
    with pytest.raises(ResultsError, match="nothing to draw"):
        charts.figure(two_laptops(), metric="memory")


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_each_format_is_what_its_suffix_says_and_repeats_to_the_byte(
    tmp_path: Path, suffix: str, start: bytes
) -> None:
    one, two = (charts.draw(two_laptops(), tmp_path / f"{name}{suffix}") for name in "ab")
    assert one.read_bytes().startswith(start)
    assert one.read_bytes() == two.read_bytes()


def test_a_picture_is_sharp_and_not_blank(tmp_path: Path) -> None:
    with Image.open(charts.draw(two_laptops(), tmp_path / "a.png")) as picture:
        assert picture.width > 1400
        assert len(picture.convert("L").getcolors() or []) > 20


@pytest.mark.parametrize("name", ["chart.gif", "chart"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.png, \.svg and \.pdf"):
        charts.draw(two_laptops(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", [0.0, -1.0, float("nan"), float("inf")])
def test_a_line_that_cannot_be_is_refused(line: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        charts.figure(two_laptops(), line_tok_s=line)


def test_an_unknown_metric_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="'tokens'"):
        charts.figure(two_laptops(), metric="token")


def test_a_full_disk_leaves_the_old_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chart.png"
    path.write_text("before")

    def full_disk(self: Figure, part: Path, **options: object) -> None:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full_disk)
    with pytest.raises(ResultsError, match="No space left"):
        charts.draw(two_laptops(), path)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("chart.png", "before")]


def test_results_files_are_drawn_without_the_damaged(tmp_path: Path) -> None:
    one = run(ok(1, 50))
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_bytes(schema.encode(one.header) + b"".join(map(schema.encode, one.trials)))
    bad.write_text("not ours\n")
    assert charts.draw_files([good, bad], tmp_path / "chart.png").exists()


def test_a_user_s_matplotlibrc_changes_nothing(tmp_path: Path) -> None:
    import matplotlib as mpl

    plain = charts.draw(two_laptops(), tmp_path / "a.png").read_bytes()
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 50, "xtick.direction": "in", "text.antialiased": False}):
        assert charts.draw(two_laptops(), tmp_path / "b.png").read_bytes() == plain
        assert mpl.rcParams["font.size"] == 30


def test_a_box_knows_what_crosses_it() -> None:
    box = Box(0, 0, 10, 10)
    assert box.crossed_by(((-5, 5), (15, 5)))
    assert box.crossed_by(((2, 2), (3, 3)))
    assert box.crossed_by(((-5, 0), (5, 15)))
    assert not box.crossed_by(((-5, 8), (3, 16)))
    assert not box.crossed_by(((20, 0), (20, 10)))


def test_stacking_moves_only_what_touches() -> None:
    assert stacked([10, 50], [10, 10], 0, 100, 2) == [10, 50]
    assert stacked([50, 50], [10, 10], 0, 100, 2) == [44, 56]
    assert stacked([99, 99, 99], [10, 10, 10], 0, 100, 0) == [75, 85, 95]
    assert stacked([1, 2], [10, 10], 0, 100, 0) == [5, 15]
