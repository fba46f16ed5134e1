"""LocalScore's JSON, with figures that were made up in its form."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.importers.judging import faults, rates_and_ttft
from tpsprofile import importers
from tpsprofile.importers import Part, Refused, localscore
from tpsprofile.machine import named
from tpsprofile.records import Machine
from tpsprofile.units import GIB

FILE = Path(__file__).parent / "localscore" / "made-up-m2-max.json"
WHOLE = json.loads(FILE.read_text())


def changed(*path: str | int, to: object) -> str:
    """The file with another value somewhere; ``...`` takes it out."""
    whole: Any = json.loads(FILE.read_text())
    inside = whole
    for step in path[:-1]:
        inside = inside[step]
    if to is ...:
        del inside[path[-1]]
    else:
        inside[path[-1]] = to
    return json.dumps(whole, indent=2)


def only(text: str) -> Part:
    [part] = importers.read(text, "score.json")
    return part


def test_each_test_is_a_trial_of_fresh_work() -> None:
    part = only(FILE.read_text())
    first, row = part.trials[0], WHOLE["results"][0]
    assert len(part.trials) == 9
    assert (first.workload.prompt_tokens, first.workload.tokens_out, first.workload.depth_tokens) == (1024, 16, 0)
    assert first.prefill_tok_s == pytest.approx(row["prompt_tps"])
    assert first.prefill_verified
    assert first.decode_tok_s == row["gen_tps"]
    assert first.ttft_s == pytest.approx(row["ttft_ms"] / 1000)
    assert (first.model.name, first.model.quantisation) == ("Llama 3.2 1B Instruct", "Q4_K_M")
    assert first.model.parameters == 1_235_814_432
    assert [one.number for one in part.trials] == [1] * 9


def test_the_engine_and_the_machine_are_told() -> None:
    part = only(FILE.read_text())
    assert (part.engine.name, part.engine.version, part.engine.build) == ("llamafile", "0.9.3", "0123abc")
    machine = part.machine
    assert machine is not None
    assert (machine.chip, machine.ram_bytes, machine.os) == ("Apple M2 Max", 64 * GIB, "Darwin 24.3.0")
    assert (machine.unified_memory, machine.arch) == (True, "arm64")


def test_a_graphics_card_is_told_with_its_own_memory() -> None:
    whole = json.loads(FILE.read_text())
    whole["system_info"]["cpu_name"] = "AMD Ryzen 9 3900X 12-Core Processor (znver2)"
    whole["accelerator_info"] |= {"name": "NVIDIA GeForce RTX 3090", "memory_gb": 23.59}
    machine = only(json.dumps(whole)).machine
    assert machine is not None
    assert machine.chip == "AMD Ryzen 9 3900X"
    assert [(gpu.name, gpu.vram_bytes) for gpu in machine.gpus] == [
        ("NVIDIA GeForce RTX 3090", round(23.59 * GIB))
    ]


def test_a_run_on_the_processor_uses_no_graphics() -> None:
    part = only(changed("accelerator_info", "type", to="CPU"))
    assert part.engine.devices == ()
    assert part.machine is not None
    assert part.machine.gpus == ()


def on(card: str, kind: str, cpu: str = "AMD Ryzen 9 7950X 16-Core Processor") -> Machine:
    whole = json.loads(FILE.read_text())
    whole["system_info"] |= {"cpu_name": cpu, "ram_gb": 62.5}
    whole["accelerator_info"] |= {"name": card, "type": kind}
    told = only(json.dumps(whole)).machine
    assert told is not None
    return named.told(told)


def test_each_card_of_a_computer_and_its_processor_are_machines_of_their_own() -> None:
    cards = [on("NVIDIA GeForce RTX 4090", "GPU"), on("NVIDIA GeForce RTX 3060", "GPU"), on("AMD Ryzen", "CPU")]
    assert [machine.label for machine in cards] == [
        "AMD Ryzen 9 7950X, RTX 4090, 64 GB",
        "AMD Ryzen 9 7950X, RTX 3060, 64 GB",
        "AMD Ryzen 9 7950X, 64 GB",
    ]
    assert len({machine.id for machine in cards}) == 3


def test_a_mac_on_its_processor_alone_is_not_the_one_on_its_graphics() -> None:
    mac = "Apple M2 Max 8P+4E+38GPU"
    graphics, processor = on(mac, "GPU", cpu=mac), on(mac, "CPU", cpu=mac)
    assert (graphics.label, processor.label) == ("Apple M2 Max 64 GB", "Apple M2 Max 64 GB (CPU)")
    assert graphics.id != processor.id


def test_without_its_names_there_is_no_machine() -> None:
    whole = json.loads(FILE.read_text())
    del whole["system_info"], whole["accelerator_info"]
    assert only(json.dumps(whole)).machine is None


def test_without_a_summary_the_tests_are_held_against_themselves() -> None:
    assert len(only(changed("results_summary", to=...)).trials) == 9


def test_the_same_test_twice_is_two_trials() -> None:
    whole = json.loads(FILE.read_text())
    del whole["results_summary"]
    whole["results"] = [whole["results"][0]] * 2
    assert [one.number for one in only(json.dumps(whole)).trials] == [1, 2]


@pytest.mark.parametrize(
    ("path", "to", "reason"),
    [
        (("results", 1, "prompt_tps"), 967.8125, "its rates make"),
        (("results", 1, "gen_tps"), 57.0, "its rates make"),
        (("results", 1, "avg_time_ms"), 19029.4, "The test took 19.0294 s"),
        (("results", 8, "ttft_ms"), 1.5, "The first token came after"),
        (("results", 8, "ttft_ms"), 900, "The first token came after"),
        (("results", 0, "name"), "pp1024+tg61", "has 1024 prompt and 16 generated tokens"),
        (("results", 0, "n_prompt"), 1025, "has 1025 prompt"),
        (("results", 0, "n_prompt"), "many", "n_prompt is 'many'"),
        (("results", 0, "gen_tps"), None, "gen_tps is None"),
        (("results", 0, "model_name"), "", "no model_name"),
        (("results", 0, "model_n_params"), -1, "which cannot be"),
        (("results",), [], "not a list of results"),
        (("results",), [1], "not a list of results"),
        (("system_info",), "a Mac", "not an object"),
        (("results_summary", "avg_gen_tps"), 61.4, "avg_gen_tps is 61.4, and the tests make"),
        (("results_summary", "avg_prompt_tps"), 700.0, "the tests make"),
        (("results_summary", "avg_ttft_ms"), 1.6, "the tests make"),
        (("results_summary", "performance_score"), 394.0, "the averages make 294.0073"),
        (("results_summary", "performance_score"), ..., "performance_score is None"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path: tuple[str | int, ...], to: object, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        only(changed(*path, to=to))


def test_a_wrong_test_is_refused_with_its_line() -> None:
    text = changed("results", 1, "gen_tps", to=57.0)
    with pytest.raises(Refused) as refused:
        only(text)
    assert '"n_prompt": 4096' in text.splitlines()[(refused.value.line or 0) - 1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FILE.read_text()[:-30], "cut off"),
        (FILE.read_text() + "{}", "More stands behind"),
        (f"[{FILE.read_text()}]", "no JSON object"),
    ],
)
def test_what_is_no_whole_document_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        only(text)


@pytest.mark.parametrize("text", ["{}", '{"results": []}', '[{"prompt_tps": 1}]', ""])
def test_other_texts_are_not_claimed(text: str) -> None:
    assert not localscore.claims(text)


def test_a_thousand_damaged_copies_are_right_or_refused() -> None:
    assert list(faults(FILE.read_bytes(), "localscore", rates_and_ttft)) == []
