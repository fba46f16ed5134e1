"""llama-benchy's JSON, recorded against a server that keeps prompts in a cache."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.importers.judging import faults, rates_and_ttft
from tpsprofile import importers
from tpsprofile.importers import Part, Refused, llama_benchy, reported

FOLDER = Path(__file__).parent / "llama_benchy"
CACHED = FOLDER / "pp64-tg16-cached.json"
SEVERAL = FOLDER / "concurrency-and-prefix-caching.json"


def changed(*path: str | int, to: object) -> str:
    whole: Any = json.loads(CACHED.read_text())
    inside = whole
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = to
    return json.dumps(whole, indent=2)


def only(source: Path | str) -> Part:
    [part] = importers.read(source, "benchy.json")
    return part


def test_every_value_is_a_trial() -> None:
    part = only(CACHED)
    assert [(one.workload.depth_tokens, one.number, round(one.decode_tok_s or 0, 2)) for one in part.trials] == [
        (0, 1, 98.2), (0, 2, 92.83), (0, 3, 90.29), (256, 1, 77.96), (256, 2, 70.87), (256, 3, 86.60),
    ]  # fmt: skip
    first = part.trials[0]
    assert (first.model.name, first.workload.prompt_tokens, first.workload.tokens_out) == ("smollm2", 64, 16)
    assert first.ttft_s == pytest.approx(0.188858)
    assert part.started_at == datetime(2026, 11, 21, 18, 21, 7, tzinfo=UTC)


def test_a_caching_server_is_remarked_and_no_prefill_is_verified() -> None:
    part = only(CACHED)
    assert "pp64: prefill of 183, 2172, 197 tok/s: the server has prompts in a cache." in part.remarks
    assert "pp64: prompts had 34 tokens." in part.remarks
    assert not any(one.prefill_verified for one in part.trials)
    assert [one.prefill_tok_s is None for one in part.trials] == [False] * 3 + [True] * 3


def test_several_requests_at_once_and_loads_of_the_context_are_left_out() -> None:
    part = only(SEVERAL)
    [trial] = part.trials
    assert (trial.workload.depth_tokens, trial.tokens_in, trial.prefill_tok_s) == (128, None, None)
    assert trial.decode_tok_s == pytest.approx(87.76557)
    assert part.remarks == (
        "2 of 4 tests are of several requests at once: left out.",
        "1 of 4 tests put the context into the cache: left out.",
        reported.UNVERIFIED,
    )


def test_the_server_is_not_known() -> None:
    assert (only(CACHED).engine.name, only(CACHED).engine.version) == (llama_benchy.NO_ENGINE, None)


ROW = ("benchmarks", 0)


@pytest.mark.parametrize(
    ("path", "to", "reason"),
    [
        ((*ROW, "tg_throughput", "values", 0), 99.2, "The mean of tg_throughput is 93.77309"),
        ((*ROW, "tg_throughput", "mean"), 94.0, "its values make 93.77309"),
        ((*ROW, "tg_throughput", "std"), 0.0, "The deviation of tg_throughput"),
        (
            (*ROW, "tg_req_throughput"),
            {"mean": 90.0, "std": 0.0, "values": [90.0] * 3},
            "differ, with one request",
        ),
        ((*ROW, "est_ppt"), {"mean": 90.0, "std": 0.0, "values": [90.0] * 3}, "est_ppt is 90 ms"),
        ((*ROW, "e2e_ttft"), {"mean": 1.0, "std": 0.0, "values": [1.0] * 3}, "before the response"),
        ((*ROW, "ttfr"), {"mean": 1.0, "std": 0.0, "values": [1.0]}, "unlike numbers of values"),
        ((*ROW, "context_size"), 4096, "A prompt of 34 tokens is not one of 4160"),
        ((*ROW, "concurrency"), 0, "which cannot be"),
        ((*ROW, "is_context_prefill_phase"), None, "not true or false"),
        ((*ROW, "tg_throughput", "values"), [], "not a mean with its values"),
        (("latency_ms",), 0.5, "est_ppt is 186.166 ms"),
        (("timestamp",), "yesterday", "not a date and time"),
        (("timestamp",), "2026-13-41 18:21:07Z", "not a date and time"),
        (("model",), None, "model is None"),
        (("benchmarks",), {}, "not a list of results"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path: tuple[str | int, ...], to: object, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        only(changed(*path, to=to))


def test_a_rate_that_makes_no_whole_number_of_tokens_is_refused() -> None:
    rates = {"mean": 200.0, "std": 0.0, "values": [200.0] * 3}
    whole = json.loads(CACHED.read_text())
    whole["benchmarks"][0] |= {"pp_throughput": rates, "pp_req_throughput": rates}
    with pytest.raises(Refused, match=r"200 tok/s in 186\.166 ms are 37\.2332 tokens") as refused:
        only(json.dumps(whole, indent=2))
    assert refused.value.line == 13


def test_runs_without_a_decode_rate_leave_their_test_out() -> None:
    rates = {"mean": 90.0, "std": 0.0, "values": [90.0] * 2}
    whole = json.loads(CACHED.read_text())
    whole["benchmarks"][0] |= {"tg_throughput": rates, "tg_req_throughput": rates}
    part = only(json.dumps(whole))
    assert {one.workload.depth_tokens for one in part.trials} == {256}
    assert any("not every run gave a decode rate" in remark for remark in part.remarks)


@pytest.mark.parametrize(("place", "key"), [(1, "context_size"), (0, "context_size"), (1, "response_size")])
def test_a_context_that_no_test_goes_on_from_is_refused(place: int, key: str) -> None:
    whole = json.loads(SEVERAL.read_text())
    whole["benchmarks"][place][key] += 1
    with pytest.raises(Refused, match="No test goes on from the context"):
        only(json.dumps(whole))


def test_a_file_of_several_requests_alone_is_refused() -> None:
    whole = json.loads(SEVERAL.read_text())
    whole["benchmarks"] = [row for row in whole["benchmarks"] if row["concurrency"] == 2]
    with pytest.raises(Refused, match="no figures of one request at a time"):
        only(json.dumps(whole))


@pytest.mark.parametrize("text", ["{}", '{"benchmarks": []}', ""])
def test_other_texts_are_not_claimed(text: str) -> None:
    assert not llama_benchy.claims(text)


@pytest.mark.parametrize("file", [CACHED, SEVERAL], ids=lambda path: path.stem)
def test_a_thousand_damaged_copies_are_right_or_refused(file: Path) -> None:
    assert list(faults(file.read_bytes(), "llama-benchy", rates_and_ttft)) == []
