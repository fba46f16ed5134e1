"""``predict`` says what a chip or a measured machine would run at, in an interval, and that nobody measured it."""

from __future__ import annotations

import json
import operator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.support import header, trial
from tpsprofile import chips, schema
from tpsprofile.cli import main
from tpsprofile.models import catalogue
from tpsprofile.predict import Prediction, Weights, weights
from tpsprofile.predict.sizes import curve, largest
from tpsprofile.predict.subject import of_chip
from tpsprofile.records import Gpu, Machine, ModelFacts
from tpsprofile.render import compose, predicted
from tpsprofile.units import GIB

MAX = "Apple M4 Max (40-core GPU)"
NAME = operator.attrgetter("name")
ONE = ("--parameters", "8.03B", "--quant", "Q4_K_M")


def call(*arguments: str | Path, command: str = "predict", width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, [command, *map(str, arguments)])


def answer(*arguments: str | Path) -> dict[str, Any]:
    found = call(*arguments, "--json")
    assert found.exit_code == 0, found.output
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def model(name: str, billions: float) -> ModelFacts:
    count = round(billions * 1e9)
    return ModelFacts(
        name=name,
        parameters=count,
        parameters_active=count,
        quantisation="Q4_K_M",
        file_bytes=round(weights(count).file_bytes),
    )


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine measured at 2B and 9B, at a time a token that follows the bytes read; another at one size."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results"
    folder.mkdir()
    for name, sizes in {"Measured": (2.3, 9.4), "Lonely": (2.3,)}.items():
        rows = [
            trial(model=model(f"m{size}", size), decode_engine_s=10 * size / 100, decode_client_s=10 * size / 100)
            for size in sizes
        ]
        machine = Machine(id=name, chip=f"{name} Chip", tag=name, ram_bytes=16 * GIB)
        head = header(machine=machine, run=f"{name:_<12}"[:12])
        (folder / f"{name}.jsonl").write_bytes(schema.encode(head) + b"".join(map(schema.encode, rows)))
    return folder


def test_one_size_as_json() -> None:
    found = answer("--chip", MAX, *ONE)
    assert 0 < found["low"] < found["decode_tok_s"] < found["high"]
    assert found["interval"] == 0.8
    assert (found["chip"], found["engine"]) == (MAX, "llama.cpp")
    assert (found["parameters"], found["quantisation"]) == (8_030_000_000, "Q4_K_M")
    assert any("546 GB/s" in line for line in found["rests_on"])
    assert isinstance(found["caveats"], list)


def test_the_list_as_json_holds_every_size_and_the_largest_usable() -> None:
    found = answer("--chip", MAX)
    assert [one["model"] for one in found["sizes"]] == list(catalogue.names())
    assert all(one["low"] < one["decode_tok_s"] < one["high"] for one in found["sizes"])
    end = found["largest_usable"]
    assert 14e9 < end["low"] < end["parameters"] < end["high"] < 200e9
    assert end["limited_by"] == "speed"


def test_the_largest_usable_is_no_larger_than_memory_holds() -> None:
    end = answer("--chip", "RTX 4090")["largest_usable"]
    assert 24e9 < end["parameters"] == end["low"] == end["high"] < 48e9
    assert end["limited_by"] == "memory"
    assert "as much as 24 GB hold" in call("--chip", "RTX 4090").stdout


@pytest.mark.parametrize("quant", ["q4_k_m", "Q4_0", "Q8_0", "F16", "BF16", "fp16", "IQ4_XS", "MXFP4", "4bit"])
def test_any_usual_quantisation_in_any_case(quant: str) -> None:
    assert answer("--chip", MAX, "--parameters", "8.03e9", "--quant", quant)["decode_tok_s"] > 0


def test_more_bytes_a_weight_are_slower() -> None:
    rates = [
        answer("--chip", MAX, "--model", "llama3.1:8b", "--quant", q)["decode_tok_s"] for q in ("Q4_0", "F16")
    ]
    assert rates[0] > 2 * rates[1]


@pytest.mark.parametrize(
    "chip", [one for one in chips.catalogue() if one.bandwidth_bytes_s], ids=lambda one: one.name
)
def test_every_chip_is_under_its_roofline_under_its_own_name(chip: chips.Chip) -> None:
    of = weights(8_030_261_248)
    told = of_chip(chip.name).ask(of)
    assert 0 < told.low < told.decode_tok_s < told.high
    assert told.decode_tok_s * of.bytes_read < (chip.bandwidth_bytes_s or 0)


def test_the_table_names_every_model_and_says_that_nothing_was_measured() -> None:
    found = call("--chip", MAX)
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert found.stdout.startswith(f"{MAX}, 546 GB/s: predicted for llama.cpp, not measured\n")
    assert all(f"\n{name} " in found.stdout for name in catalogue.names())
    assert "Largest usable at 10 tok/s: about " in found.stdout
    assert "128 GB, the most it is sold with" in found.stdout


def test_memory_decides_what_fits() -> None:
    def fits(*arguments: str) -> dict[str, bool]:
        return {one["model"]: one["fits"] for one in answer("--chip", MAX, *arguments)["sizes"]}

    assert fits()["qwen2.5:72b"] is True
    little = fits("--ram", "16GB")
    assert (little["llama3.1:8b"], little["qwen2.5-coder:32b"]) == (True, False)
    assert "does not fit" in call("--chip", MAX, "--ram", "16").stdout


def test_the_memory_of_a_mac_is_not_all_for_a_model() -> None:
    assert "macOS lets a model take 96.0 GiB" in " ".join(call("--chip", MAX).stdout.split())
    assert "macOS" not in call("--chip", "RTX 4090").stdout


def test_memory_is_told_without_saying_that_a_model_fits() -> None:
    said = " ".join(call("--chip", "RTX 4090", "--ram", "0.3", "--model", "llama3.1:8b").stdout.split())
    assert "Memory: 0.3 GB; what models need is with 4,096 tokens of context." in said


def test_bins_of_one_bandwidth_say_which_was_taken() -> None:
    found = answer("--chip", "M1 Max", *ONE)
    assert found["chip"] == "Apple M1 Max (32-core GPU)"
    assert any("Apple M1 Max (24-core GPU)" in line for line in found["caveats"])


def test_more_memory_than_it_is_sold_with_is_a_caveat() -> None:
    assert f"{MAX} is sold with 128 GB at most" in answer("--chip", MAX, "--ram", "256", *ONE)["caveats"]


def test_a_model_by_its_name_has_its_real_size() -> None:
    assert answer("--chip", MAX, "--model", "llama3.1:8b")["parameters"] == 8_030_261_248


def test_a_line_may_be_what_a_reader_takes_in() -> None:
    assert "Largest usable at 5.29 tok/s: about " in call("--chip", MAX, "--line", "reading").stdout


def test_two_measured_sizes_give_a_third(results: Path) -> None:
    found = answer("--machine", "measured", "--parameters", "5B")
    assert found["chip"] == "Measured"
    assert found["decode_tok_s"] == pytest.approx(20, rel=0.15)
    assert found["low"] <= found["decode_tok_s"] <= found["high"]
    assert answer("--machine", "Measured", "-r", results, "--parameters", "5B") == found


def test_what_a_machine_reports_of_quantisation_is_not_made_up_in_silence(results: Path) -> None:
    rows = (
        trial(
            model=ModelFacts(name=name, parameters=count), decode_engine_s=count / 1e9, decode_client_s=count / 1e9
        )
        for name, count in (("llama3.1:8b", 8_030_261_248), ("falcon3:10b", 10_305_653_760))
    )
    head = header(machine=Machine(id="x", chip="X"), run="x" * 12)
    (results / "x.jsonl").write_bytes(schema.encode(head) + b"".join(map(schema.encode, rows)))
    assert any("quantisation is not told" in line for line in answer("--machine", "X", *ONE)["caveats"])


def machine_of(folder: Path, chip: str, sizes: dict[str, tuple[float, float]], engine: str = "ollama") -> None:
    """A machine that ran models of some billions of parameters at some tok/s."""
    rows = [
        trial(
            model=ModelFacts(name=name, parameters=round(of * 1e9), quantisation="Q4_K_M"),
            decode_engine_s=10 / rate,
            decode_client_s=10 / rate,
        )
        for name, (of, rate) in sizes.items()
    ]
    mac = Machine(id=chip, chip=chip, tag="Mac", ram_bytes=128 * GIB)
    head = header(machine=mac, run=f"{engine:_<12}"[:12])
    head = msgspec.structs.replace(head, engine=msgspec.structs.replace(head.engine, name=engine))
    (folder / f"{engine}.jsonl").write_bytes(schema.encode(head) + b"".join(map(schema.encode, rows)))


@pytest.mark.parametrize("chip", ["Apple M3 Max", "Apple M3 Max (40-core GPU)"])
def test_the_chip_and_the_layers_of_a_machine_count(results: Path, chip: str) -> None:
    """Layers of the known models, and a bandwidth that the memory tells: 128 GB come with 40 cores alone."""

    def tok_s(of: Weights) -> float:
        return 1 / (of.layers / 32 * 0.003 + of.bytes_read / (0.85 * 400e9))

    known = {name: weights(size * 1e9, name=name) for name, size in (("qwen2.5:0.5b", 0.494), ("phi4:14b", 14.66))}
    machine_of(results, chip, {name: (of.parameters / 1e9, tok_s(of)) for name, of in known.items()})
    found = answer("--machine", "Mac", "--model", "llama3.1:8b")
    assert found["decode_tok_s"] == pytest.approx(tok_s(weights(8.03e9)), rel=0.001)


@pytest.mark.parametrize(
    ("card", "unified", "said"),
    [
        ("NVIDIA GeForce RTX 4090", False, "Memory: 24 GB, of NVIDIA GeForce RTX 4090;"),
        (
            "NVIDIA GeForce RTX 4090, NVIDIA GeForce RTX 4090",
            False,
            "Memory: 48 GB, of NVIDIA GeForce RTX 4090 and",
        ),
        ("Some Card 9", False, "not that of Some Card 9 alone: give it with --ram."),
        ("Some Card 9", True, "Memory: 128 GB; what"),
    ],
)
def test_a_model_has_room_in_the_memory_of_a_card(results: Path, card: str, *, unified: bool, said: str) -> None:
    gpus = tuple(Gpu(name=name) for name in card.split(", "))
    machine = Machine(
        id="d", chip="AMD Ryzen 9", tag="Desk", ram_bytes=128 * GIB, gpus=gpus, unified_memory=unified
    )
    rows = [
        trial(model=model(f"m{of}", of), decode_engine_s=of / 100, decode_client_s=of / 100) for of in (2.3, 9.4)
    ]
    head = header(machine=machine, run="d" * 12)
    (results / "d.jsonl").write_bytes(schema.encode(head) + b"".join(map(schema.encode, rows)))
    assert said in " ".join(call("--machine", "Desk", "--parameters", "70B").stdout.split())


def test_a_chip_that_could_not_read_so_fast_did_not_run_the_models(results: Path) -> None:
    machine_of(results, "Apple M1", {"llama3.2:1b": (1.236, 400.0), "llama3.1:8b": (8.03, 100.0)})
    assert answer("--machine", "Mac", "--model", "phi4:14b")["decode_tok_s"] > 40


@pytest.mark.parametrize(
    ("engine", "taken", "said"),
    [
        (None, "ollama", False),
        ("Ollama", "ollama", False),
        ("mlx", "mlx", False),
        ("vllm", "ollama", True),
    ],
)
def test_figures_of_the_engine_that_is_asked_for_come_first(
    results: Path, engine: str | None, taken: str, *, said: bool
) -> None:
    machine_of(results, MAX, {"m1": (1.1, 200.0), "m5": (5.1, 80.0), "m9": (9.5, 45.0)})
    machine_of(results, MAX, {"m1": (1.1, 250.0), "m9": (9.5, 55.0)}, engine="mlx")
    found = answer("--machine", "Mac", *ONE, *(("--engine", engine) if engine else ()))
    assert found["engine"] == taken
    caveat = f"measured with ollama, and told for it: there are no two sizes with {engine}"
    assert (caveat in found["caveats"]) == said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Name a chip (--chip) or a machine"),
        (["--chip", MAX, "--machine", "Measured"], 2, "not both"),
        (["--chip", "M4 Max"], 2, "(32-core GPU), 410 GB/s; Apple M4 Max (40-core GPU), 546 GB/s. Name one."),
        (["--chip", "abacus"], 2, "There is no chip 'abacus'"),
        (
            ["--chip", "RTX 5060"],
            2,
            "RTX 5060 is not known: left blank: catalogues disagree (256",
        ),
        (["--chip", MAX, "--parameters", "large"], 2, "'large' is not a parameter count"),
        (["--chip", MAX, "--parameters", "8B", "--active", "9B"], 2, "active"),
        (["--chip", MAX, "--model", "llama9:8b"], 2, "There is no model 'llama9:8b'"),
        (["--chip", MAX, "--quant", "Q9_9"], 2, "There is no quantisation 'Q9_9'"),
        (["--chip", MAX, "--ram", "much"], 2, "'much' is not an amount of memory"),
        (["--chip", MAX, "--line", "0"], 2, "'0' is not a rate in tok/s"),
        (["--chip", MAX, "--line", "inf"], 2, "'inf' is not a rate in tok/s"),
        (["--chip", MAX, "--engine", " "], 2, "The engine has no name."),
        (["--machine", "Measured", "--engine", ""], 2, "The engine has no name."),
        (["--chip", MAX, "--active", "3B"], 2, "--active is of one model."),
        (["--chip", MAX, "--model", "phi4:14b", "--active", "3B"], 2, "Leave out --active."),
        (
            ["--chip", MAX, "--model", "phi4:14b", "--parameters", "70B"],
            2,
            "phi4:14b has 14.7B parameters, not 70.0B",
        ),
        (["--chip", MAX, "--model", "mixtral:8x7b"], 2, "with --parameters, and with --active too"),
        (["--chip", MAX, "-o", "chart.txt"], 2, "cannot be written as .txt"),
        (["--machine", "Nobody's"], 2, "There is no machine"),
        (["--machine", "Lonely"], 3, "Figures of two sizes of Lonely are needed, and there is 1."),
        (["--machine", "Measured", "-r", "nowhere"], 3, "nowhere"),
    ],
)
def test_what_cannot_be_predicted_says_what_to_do(
    results: Path, arguments: list[str], code: int, said: str
) -> None:
    found = call(*arguments)
    assert (found.exit_code, found.stdout) == (code, "")
    assert said in found.stderr


def test_a_chart_of_a_prediction(tmp_path: Path) -> None:
    found = call("--chip", MAX, "-o", tmp_path / "chart.svg")
    assert found.exit_code == 0
    assert "predicted" in (tmp_path / "chart.svg").read_text()
    assert f"Saved {tmp_path / 'chart.svg'}" in "".join(found.stdout.splitlines())


def test_one_size_stays_one_document_beside_a_chart(tmp_path: Path) -> None:
    assert "sizes" not in answer("--chip", MAX, *ONE, "-o", tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").exists()


def test_a_prediction_beside_measured_sizes_joins_none_of_them(results: Path, tmp_path: Path) -> None:
    from tpsprofile.analysis.points import summarise
    from tpsprofile.merge import gather

    measured = compose.compose(summarise(gather([results]).table))
    spots = curve(of_chip(MAX).ask)
    both = predicted.overlaid(measured, [predicted.curve(MAX, "", spots, largest(spots, 10))], 10)
    *others, added = both.traces
    assert tuple(others) == measured.traces
    assert (added.name, added.predicted, added.marks) == (f"{MAX}, predicted", True, ())
    assert added.tone not in {one.tone for one in others}
    xs = [mark.x for one in others for mark in one.marks]
    assert min(xs) / 1.2 < added.line[0][0] <= added.line[-1][0] < max(xs) * 1.2
    assert both.foot[:-1] == measured.foot
    assert both.foot[-1].startswith(predicted.FOOT)


def test_plot_draws_a_chip_beside_results(results: Path, tmp_path: Path) -> None:
    found = call("--predict", "M4 Max 40-core", "-o", tmp_path / "both.svg", command="plot")
    assert found.exit_code == 0, found.output
    drawn = (tmp_path / "both.svg").read_text()
    assert f"{MAX}, predicted" in drawn
    assert "not measured" in drawn


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--predict", "M4 Max"], "Name one."),
        (["--predict", MAX, "--metric", "load"], "--metric load cannot be predicted."),
    ],
)
def test_plot_refuses_what_it_cannot_predict(results: Path, arguments: list[str], said: str) -> None:
    found = call(*arguments, command="plot")
    assert found.exit_code == 2
    assert said in found.stderr
    assert not Path("tpsprofile.png").exists()


def test_a_caveat_of_the_model_reaches_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Prediction(decode_tok_s=5.0, low=4.0, high=6.0, rests_on=("a guess",), caveats=("it is a guess",))
    monkeypatch.setattr("tpsprofile.predict.subject.predict", lambda *_: told)
    found = call("--chip", MAX, *ONE)
    assert "Rests on: a guess." in found.stdout
    assert "Mind: it is a guess." in found.stdout
    assert "4.00 to 6.00" in found.stdout
