"""What is made of error texts that no recording has, and of recorded accounts."""

from __future__ import annotations

import csv
import json

import pytest

from tests.ollama.server import FIXTURES, VERSIONS
from tpsprofile.engines.ollama import facts as ollama_facts
from tpsprofile.engines.ollama import failures as ollama_failures
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineError,
    EngineTimedOutError,
    ModelNotInstalledError,
    ModelUnreadableError,
)


@pytest.mark.parametrize(
    ("answer", "error", "what"),
    [
        (
            "llama runner process has terminated: cudaMalloc failed: out of memory",
            DoesNotFitError,
            "m does not fit in memory: cudaMalloc failed: out of memory.",
        ),
        (
            "model requires more system memory is unable to load full model on GPU",
            DoesNotFitError,
            "m does not fit in memory: model requires more system memory is unable to load full model on GPU.",
        ),
        (
            "llama runner process has terminated: signal: killed",
            EngineDiedError,
            "Ollama's process for m ended: signal: killed.",
        ),
        ('Post "http://127.0.0.1:42135/completion": EOF', EngineDiedError, None),
        ("llama runner process no longer running: -1", EngineDiedError, None),
        (
            "llama-server process has terminated: exit status 1: error loading model: unknown model architecture",
            ModelUnreadableError,
            "Ollama cannot read m: error loading model: unknown model architecture.",
        ),
        (
            "unable to load model: C:\\Users\\anna\\models\\blobs\\sha256-0123456789abcdef0123456789abcdef",
            ModelUnreadableError,
            "Ollama cannot read m: unable to load model: sha256-0123456789ab.",
        ),
        (
            "timed out waiting for llama runner to start - progress 0.00 - ",
            EngineTimedOutError,
            "Ollama gave up loading m: timed out waiting for llama runner to start - progress 0.00 -.",
        ),
        ('model "m" not found, try pulling it first', ModelNotInstalledError, "Ollama has no model 'm'."),
        (
            '{"error":{"code":400,"message":"request (409 tokens) exceeds the available context size"}}',
            EngineError,
            "Ollama says: request (409 tokens) exceeds the available context size.",
        ),
        (
            'pull model manifest: Get "https://hf.co/v2/x/manifests/latest": dial tcp: lookup hf.co: no such host',
            EngineError,
            "Ollama could not download m: no such host.",
        ),
        ({"message": "no"}, EngineError, "Ollama says: no."),
        ("", EngineError, "Ollama says: HTTP status 500."),
        (None, EngineError, "Ollama says: None."),
        ("x" * 500, EngineError, f"Ollama says: {'x' * 200}…."),
    ],
)
def test_error_texts_become_named_errors(answer: object, error: type[Exception], what: str | None) -> None:
    found = ollama_failures.of_answer(answer, 500, "m")
    assert type(found) is error
    assert what is None or found.what == what


@pytest.mark.parametrize("version", VERSIONS)
def test_the_decode_time_spans_one_step_fewer_than_there_are_tokens(version: str) -> None:
    """The recorded times of arrival tell how long a step took; the server's time holds n - 1 of them, not n."""
    with (FIXTURES / version / "api-generate-stream.arrivals.csv").open() as file:
        times = [float(row["seconds_since_request"]) for row in csv.DictReader(file)]
    last = json.loads((FIXTURES / version / "api-generate-stream.ndjson").read_bytes().splitlines()[-1])
    account = ollama_facts.finished(last)
    assert account.tokens_out == len(times) - 1 == 16, "a chunk for each token, and the last line"
    assert account.decode_s is not None
    step_s = (times[-2] - times[0]) / 15
    assert account.decode_s / step_s == pytest.approx(15, abs=0.2)


def test_a_decode_time_of_one_token_is_not_believed() -> None:
    last = {"done": True, "eval_count": 1, "eval_duration": 1000}
    assert ollama_facts.finished(last).decode_s is None


def test_experts_without_tensors_to_tell_them_leave_the_active_count_unknown() -> None:
    info = {"general.architecture": "llama", "general.parameter_count": 9, "llama.expert_count": 8}
    shown = {
        "details": {"format": "gguf"},
        "model_info": info,
        "tensors": [{"name": "blk.0.ffn", "shape": [3, 3]}],
    }
    assert ollama_facts.model_facts({"name": "m"}, shown).parameters_active is None


def test_a_model_that_is_no_gguf_file_keeps_the_manifests_digest_and_its_format() -> None:
    listed = {"name": "m", "digest": "ab" * 32, "size": 5}
    shown = {
        "modelfile": "FROM m:latest\n",
        "details": {"format": "safetensors", "family": "gemma3", "quantization_level": ""},
        "model_info": {"general.parameter_count": 9},
    }
    facts = ollama_facts.model_facts(listed, shown)
    assert facts.digest == f"sha256:{'ab' * 32}"
    assert (facts.format, facts.architecture, facts.quantisation) == ("safetensors", "gemma3", None)
    assert (facts.parameters, facts.parameters_active) == (9, None)
