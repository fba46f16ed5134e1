"""Ollama's answers as records. What an answer leaves out, which Ollama does with zeros too, is None."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tpsprofile.engines.base import Finished
from tpsprofile.records import ModelFacts

_STOPS = {"length": "limit", "stop": "end"}
_WEIGHTS_FILE = re.compile(r"^FROM .*sha256-([0-9a-f]{64})\s*$", re.MULTILINE)


def model_facts(listed: Mapping[str, Any], shown: Mapping[str, Any]) -> ModelFacts:
    """Facts on a model from its entry in ``/api/tags`` and its answer to ``/api/show`` (empty where it failed).

    The digest is that of the weights file, which other engines can compute too, where the model is such a file;
    else that of Ollama's manifest. The parameter count is the file's, never the one in a name.
    """
    details = shown.get("details") or listed.get("details") or {}
    info = shown.get("model_info") or {}
    total = info.get("general.parameter_count")
    quantisation = details.get("quantization_level")
    return ModelFacts(
        name=listed["name"],
        parameters=total,
        parameters_active=_active(total, info, shown.get("tensors") or ()) if _is_gguf(details) else None,
        quantisation=None if quantisation in ("", "unknown") else quantisation,
        file_bytes=listed.get("size"),
        digest=_digest(listed, shown),
        architecture=info.get("general.architecture") or details.get("family") or None,
        format=details.get("format") or None,
        longest_context=trained_context(shown),
    )


def remote_host(listed: Mapping[str, Any]) -> str | None:
    """Where a cloud model really runs; None for a model of the server's own."""
    host = listed.get("remote_host") or listed.get("remote_model")
    return str(host) if host else None


def trained_context(shown: Mapping[str, Any]) -> int | None:
    """The longest context, in tokens, that the model was made for."""
    info = shown.get("model_info") or {}
    length = info.get(f"{info.get('general.architecture')}.context_length")
    return length if isinstance(length, int) and length > 0 else None


def finished(last: Mapping[str, Any]) -> Finished:
    """The account in the last line of a generation.

    ``eval_duration`` spans ``eval_count - 1`` steps, from the first token to the last (the end of text counts as
    a token). Recordings say so for 0.5.11, 0.13.0 and 0.33.0-rc2: sixteen tokens take 15.0, 14.9 and 15.1 times
    the step that the client sees between two chunks. The three differ in detail: 0.13 leaves out the time it
    takes to choose each token, 1 to 3% with a very small model. One token alone has no span: the older two
    leave it out, 0.33 sends 1 µs.

    ``prompt_eval_count`` is the whole prompt, ``prompt_eval_duration`` the time for its uncached part alone. In a
    recording of 0.13.0 a prompt that shares 692 of its 704 tokens with the one before counts 704 and takes 2% of
    the time; in those of 0.33.0-rc2 the same prompt counts 29 tokens both times. (0.30.0 alone left cached tokens
    out of the count, https://github.com/ollama/ollama/pull/16428.) How many were cached, 0 included, is told only
    after 0.33.0-rc2 (https://github.com/ollama/ollama/pull/17943); before, a prompt with a cached beginning has no
    prefill rate. How many tokens a draft proposed is not told, up to 0.33.0-rc2.
    """
    count = last.get("eval_count")
    return Finished(
        tokens_in=last.get("prompt_eval_count"),
        tokens_cached=last.get("prompt_eval_cached_count"),
        tokens_out=count,
        prefill_s=_seconds(last.get("prompt_eval_duration")),
        decode_s=_seconds(last.get("eval_duration")) if count and count > 1 else None,
        stopped_by=_STOPS.get(last.get("done_reason", ""), last.get("done_reason")),
    )


def _seconds(nanoseconds: int | None) -> float | None:
    return nanoseconds / 1e9 if nanoseconds else None


def _is_gguf(details: Mapping[str, Any]) -> bool:
    return details.get("format") == "gguf"


def _active(total: int | None, info: Mapping[str, Any], tensors: Iterable[Mapping[str, Any]]) -> int | None:
    """Weights used for each token: all, less the share of the experts that is not called on.

    None for a mixture of experts whose tensors the server does not list (before 0.6).
    """
    architecture = info.get("general.architecture")
    experts = info.get(f"{architecture}.expert_count")
    if total is None or not experts:
        return total
    used = info.get(f"{architecture}.expert_used_count")
    routed = sum(math.prod(tensor["shape"]) for tensor in tensors if "_exps." in tensor["name"])
    return total - routed + routed * used // experts if used and routed else None


def _digest(listed: Mapping[str, Any], shown: Mapping[str, Any]) -> str | None:
    file = _WEIGHTS_FILE.search(shown.get("modelfile") or "")
    digest = file[1] if file else listed.get("digest")
    return f"sha256:{str(digest).removeprefix('sha256:')}" if digest else None
