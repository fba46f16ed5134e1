"""LocalScore's JSON: tests of a prompt and an answer each, what they ran on, and a summary with a score.

Each test clears the cache and feeds random tokens, so its prefill is that of fresh work; it decodes ``n_gen``
tokens in as many steps, so its rate is not one of n - 1. A test may stand for several repetitions, whose average
it has.

What a file says twice is compared: the time of a test is that of its two rates; the first token comes a step after
the prompt; the averages of the summary are those of its tests; and
``score = 10 (prompt tok/s x generated tok/s x 1000 / TTFT in ms)^(1/3)``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tpsprofile import units
from tpsprofile.importers import documents, figures, names
from tpsprofile.importers.reported import Part, Refused
from tpsprofile.machine import names as machine_names
from tpsprofile.machine.named import without_vendor
from tpsprofile.records import EngineInfo, Gpu, Machine, ModelFacts, Outcome, Trial, Workload

METHOD = "LocalScore"
PROMPT = "localscore"
"""Name of its prompts: random tokens."""

_TIME = 0.002
"""Share by which a test's time may differ from that of its rates: a mean of rates is not the rate of a mean."""
_STEPS = (0.2, 4.0)
"""The first token comes so many steps after the prompt; recordings have 0.5 to 1.1."""
_MEAN = 1e-5
_SCORE = 1e-4


def claims(text: str) -> bool:
    """There are at least two of the keys that no other tool has together."""
    keys = ("accelerator_info", "results_summary", "runtime_info", "performance_score", "prompt_tps")
    return sum(f'"{key}"' in text for key in keys) >= 2


def read(text: str) -> tuple[Part, ...]:
    """One part; a trial for each test. Raises Refused."""
    if re.search(r'"tpsprofile"\s*:\s*\{', text):
        raise Refused("It is an export of this program's own.", advice="Take the results file that it comes from.")
    whole = documents.document(text)
    rows = documents.table(whole, "results")
    lines = documents.lines_of(text, "n_prompt", rows)
    trials: list[Trial] = []
    same: Counter[tuple[ModelFacts, Workload]] = Counter()
    for row, line in zip(rows, lines, strict=True):
        trial = _trial(row, line)
        same[trial.model, trial.workload] += 1
        trials.append(msgspec.structs.replace(trial, number=same[trial.model, trial.workload]))
    _check_summary(documents.section(whole, "results_summary"), trials, text)
    return (
        Part(
            method=METHOD,
            engine=_engine(whole),
            trials=tuple(trials),
            remarks=("Each figure is the average of its test's repetitions.",),
            machine=_machine(whole),
        ),
    )


def _trial(row: Mapping[str, Any], line: int | None) -> Trial:
    prompt, answer = (figures.tokens(row.get(key), key, line) for key in ("n_prompt", "n_gen"))
    _check_name(row, prompt, answer, line)
    fill = figures.rate(row.get("prompt_tps"), "prompt_tps", line) if prompt else None
    rate = figures.rate(row.get("gen_tps"), "gen_tps", line) if answer else None
    prefill_s = prompt / fill if fill else None
    ttft_s = figures.real(row.get("ttft_ms") or 0, "ttft_ms", line, zero=True) / 1000 or None
    _check_time(row, (prefill_s or 0.0) + (answer / rate if rate else 0.0), line)
    if ttft_s and prefill_s and rate:
        _check_first(ttft_s, prefill_s, 1 / rate, line)
    return Trial(
        model=_model(row, line),
        workload=Workload(
            prompt=PROMPT, prompt_tokens=prompt, tokens_out=answer, depth_tokens=0, prompt_mode="raw"
        ),
        outcome=Outcome.OK,
        ttft_s=ttft_s if prompt else None,
        tokens_in=prompt or None,
        tokens_cached=0 if prompt else None,
        tokens_out=answer or None,
        prefill_s=prefill_s,
        reported_decode_tok_s=rate,
    )


def _model(row: Mapping[str, Any], line: int | None) -> ModelFacts:
    count, size = row.get("model_n_params"), row.get("model_size")
    described = figures.word(row.get("model_quant_str") or "", "model_quant_str", line)
    known = figures.word(row.get("model_name") or "", "model_name", line)
    file = figures.word(row.get("model_filename") or "", "model_filename", line)
    if not (known or file):
        raise Refused("The test has no model_name.", line)
    most = figures.PARAMETERS_MOST
    return ModelFacts(
        name=known or names.file_name(file),
        parameters=None if not count else figures.whole(count, "model_n_params", line, most=most),
        quantisation=names.quantisation(described),
        file_bytes=None if not size else figures.whole(size, "model_size", line, most=figures.BYTES_MOST),
    )


def _check_name(row: Mapping[str, Any], prompt: int, answer: int, line: int | None) -> None:
    parts = [f"{what}{count}" for what, count in (("pp", prompt), ("tg", answer)) if count]
    if not parts or row.get("name") != "+".join(parts):
        said = f"{prompt} prompt and {answer} generated tokens"
        raise Refused(f"The test {figures.shown(row.get('name'))} has {said}.", line)


def _check_time(row: Mapping[str, Any], known_s: float, line: int | None) -> None:
    told = figures.real(row.get("avg_time_ms"), "avg_time_ms", line) / 1000
    if not math.isclose(told, known_s, rel_tol=_TIME):
        raise Refused(f"The test took {told:.6g} s, and its rates make {known_s:.6g} s.", line)


def _check_first(ttft_s: float, prefill_s: float, step_s: float, line: int | None) -> None:
    least, most = (prefill_s + steps * step_s for steps in _STEPS)
    if not least <= ttft_s <= most:
        said = f"the prompt took {prefill_s:.6g} s and a token {step_s:.6g} s"
        raise Refused(f"The first token came after {ttft_s:.6g} s, but {said}.", line)


def _check_summary(summary: Mapping[str, Any], trials: Sequence[Trial], text: str) -> None:
    """The averages are those of the tests, and the score that of the averages."""
    if not summary:
        return
    line = next(iter(documents.lines_of(text, "results_summary", [summary])))
    known = {
        "avg_prompt_tps": [one.prefill_tok_s for one in trials],
        "avg_gen_tps": [one.decode_tok_s for one in trials],
        "avg_ttft_ms": [one.ttft_s and one.ttft_s * 1000 for one in trials],
    }
    product = 1.0
    for key, values in known.items():
        told = figures.real(summary.get(key), key, line)
        figures_of = [value for value in values if value]
        mean = math.fsum(figures_of) / len(figures_of) if figures_of else math.nan
        if not math.isclose(told, mean, rel_tol=_MEAN):
            raise Refused(f"{key} is {told:.7g}, and the tests make {mean:.7g}.", line)
        product = product * told if key != "avg_ttft_ms" else product * 1000 / told
    score = figures.real(summary.get("performance_score"), "performance_score", line)
    made = 10 * product ** (1 / 3)
    if not math.isclose(score, made, rel_tol=_SCORE):
        raise Refused(f"performance_score is {score:.7g}, and the averages make {made:.7g}.", line)


def _engine(whole: dict[str, Any]) -> EngineInfo:
    runtime, accelerator = (documents.section(whole, key) for key in ("runtime_info", "accelerator_info"))
    kinds: dict[str | None, tuple[str, ...]] = {"GPU": (_text(accelerator, "name") or "GPU",), "CPU": ()}
    return EngineInfo(
        name=(_text(runtime, "name") or "llamafile").lower(),
        version=_text(runtime, "version"),
        build=_text(runtime, "commit"),
        devices=kinds.get(_text(accelerator, "type")),
    )


def _machine(whole: dict[str, Any]) -> Machine | None:
    """What the file says of the machine; None without the name of a processor or an accelerator."""
    system, accelerator = (documents.section(whole, key) for key in ("system_info", "accelerator_info"))
    processor, card = _chip(_text(system, "cpu_name")), _chip(_text(accelerator, "name"))
    chip = processor or card
    if chip is None:
        return None
    apple, is_gpu = chip.startswith("Apple"), accelerator.get("type") == "GPU"
    memory = _bytes(accelerator, "memory_gb")
    os = " ".join(filter(None, [_text(system, "kernel_type"), _text(system, "kernel_release")]))
    gpus = (Gpu(name=card, vram_bytes=None if apple else memory),) if is_gpu and card else ()
    machine = Machine(
        id="",
        chip=chip,
        arch=machine_names.architecture(_text(system, "cpu_arch") or ""),
        gpus=gpus,
        ram_bytes=_bytes(system, "ram_gb"),
        unified_memory=True if apple else None,
        os=os or None,
    )
    return msgspec.structs.replace(machine, tag=_tag(machine, accelerator.get("type") == "CPU"))


def _tag(machine: Machine, is_processor_alone: bool) -> str | None:
    """A name that tells what did the work: another card in one computer is another machine."""
    if machine.chip.startswith("Apple"):
        return f"{machine.label} (CPU)" if is_processor_alone else None
    cards = [without_vendor(gpu.name) for gpu in machine.gpus if gpu.name != machine.chip]
    return ", ".join(filter(None, [machine.chip, *cards, machine.ram_label])) if cards else None


def _chip(text: str | None) -> str | None:
    """``Apple M1 Pro 8P+2E+16GPU`` is an Apple M1 Pro; what stands in brackets is the compiler's word for it."""
    words = (text or "").split()
    plain = " ".join(word for word in words if word[0] != "(" and not re.match(r"\d+P\+", word))
    return machine_names.chip(plain)


def _text(of: Mapping[str, Any], key: str) -> str | None:
    value = of.get(key)
    return (figures.word(value, key, None) or None) if value is not None else None


def _bytes(of: Mapping[str, Any], key: str) -> int | None:
    value = of.get(key)
    if not value:
        return None
    return round(figures.real(value, key, None, most=figures.BYTES_MOST / units.GIB) * units.GIB)
