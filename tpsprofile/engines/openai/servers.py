"""The servers that speak OpenAI's dialect, each as a plain record, and how to tell which one answers.

``identify`` asks routes that list and report, none that would load a model. What it is told is recorded with real
servers, or stands in their sources and documentation:

- llama-server (and llamafile, which is one): github.com/ggml-org/llama.cpp, tools/server/README.md
- vLLM: docs.vllm.ai, vllm/entrypoints/openai
- LM Studio: lmstudio.ai/docs/developer/rest (``/api/v0/models``)
- mlx_lm.server: github.com/ml-explore/mlx-lm, mlx_lm/server.py
- Ollama: github.com/ollama/ollama, openai/openai.go
- KoboldCpp: github.com/LostRuins/koboldcpp, koboldcpp.py
- llama-swap: github.com/mostlygeek/llama-swap
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from tpsprofile.engines.base import Capabilities
from tpsprofile.engines.openai.facts import Model, count, model, text
from tpsprofile.records import Record

Get = Callable[[str], Any]
"""Asks a server for a route such as ``/v1/models``; returns its JSON, or None for anything but a good answer."""

MODEST = Capabilities(
    server="url", loads=False, sets_context=False, lists_models=True, times_itself=False, chats=True
)
"""What any of these servers can do."""


class Dialect(Record, frozen=True, kw_only=True):
    """What is particular to one server."""

    kind: str
    """What results call it."""
    owners: tuple[str, ...] = ()
    """Words of ``owned_by`` in its ``/v1/models`` by which it is known."""
    sign: tuple[str, str] | None = None
    """A route of its own, and a key that the answer there has; asked where ``owned_by`` tells nothing."""
    version: tuple[str, str] | None = None
    """Route and key of its version or build."""
    raw: bool = True
    """Its completion route takes a prompt as it is, without putting it through the chat template."""
    format: str | None = None
    """Format of all model files that it takes, where that is one."""
    always: Mapping[str, Any] = {}
    """Fields of every request."""
    reuse: str | None = None
    """Field that says whether the prompt's beginning may come from the cache."""
    greedy: Mapping[str, Any] = {}
    """Fields where the temperature is 0."""
    no_thinking: Mapping[str, Any] = {}
    """Fields of a chat that switch thinking off."""
    can: Capabilities = MODEST


def _can(**more: bool) -> Capabilities:
    return Capabilities(
        server="url",
        loads=False,
        sets_context=False,
        lists_models=True,
        chats=True,
        ignores_end=more.get("ignores_end", False),
        reports_cached=more.get("reports_cached", False),
        times_itself=more.get("times_itself", False),
    )


_THOUGHTLESS = {"chat_template_kwargs": {"enable_thinking": False}}

LLAMA_SERVER = Dialect(
    kind="llama-server",
    owners=("llamacpp",),
    sign=("/props", "build_info"),
    version=("/props", "build_info"),
    format="gguf",
    always={"ignore_eos": True},
    reuse="cache_prompt",
    greedy={"samplers": ["top_k"], "top_k": 1},
    no_thinking=_THOUGHTLESS,
    can=_can(ignores_end=True, reports_cached=True, times_itself=True),
)
VLLM = Dialect(
    kind="vllm",
    owners=("vllm",),
    version=("/version", "version"),
    always={"ignore_eos": True},
    no_thinking=_THOUGHTLESS,
    can=_can(ignores_end=True),
)
LM_STUDIO = Dialect(kind="lm-studio", owners=("organization_owner",))
MLX_LM = Dialect(kind="mlx-lm", sign=("/health", "status"), format="safetensors", can=_can(reports_cached=True))
OLLAMA = Dialect(
    kind="ollama",
    owners=("library",),
    sign=("/api/version", "version"),
    version=("/api/version", "version"),
    raw=False,
)
KOBOLDCPP = Dialect(
    kind="koboldcpp", owners=("koboldcpp",), version=("/api/extra/version", "version"), format="gguf"
)
"""It speaks Ollama's language as well, so its owner is looked at first."""
LLAMA_SWAP = Dialect(kind="llama-swap", owners=("llama-swap",), no_thinking=_THOUGHTLESS)
OTHER = Dialect(kind="openai-compatible")

DIALECTS = (LLAMA_SERVER, VLLM, LM_STUDIO, KOBOLDCPP, OLLAMA, LLAMA_SWAP, MLX_LM)
"""Those that can be recognised, in the order of their signs: ``/health`` is common, and asked last."""


class Server(Record, frozen=True, kw_only=True):
    """A server that answers, and what it said."""

    kind: str
    """That of its dialect: ``llama-server``, ``vllm``, ``lm-studio``, ... or ``openai-compatible``."""
    version: str | None = None
    build: str | None = None
    """Its build in its own words, where these say more than the version."""
    models: tuple[Model, ...] = ()
    """All that it lists, in its order."""

    @property
    def dialect(self) -> Dialect:
        """What is particular to its kind."""
        return next((one for one in DIALECTS if one.kind == self.kind), OTHER)

    @property
    def can(self) -> Capabilities:
        """What it can do and tell."""
        return self.dialect.can

    @property
    def loaded(self) -> tuple[str, ...] | None:
        """Names of the models in memory; None where it does not tell them from the others."""
        if any(one.loaded is None for one in self.models):
            return None
        return tuple(one.facts.name for one in self.models if one.loaded)


def identify(get: Get, *, ask_more: bool = True) -> Server | None:
    """Who answers, under which version, with which models; None for what is no such server.

    Without ``ask_more`` only ``/v1/models`` is asked, as fits a service that has no other routes.
    """
    answer = get("/v1/models")
    told = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(told, list):
        return None
    listed = [one for one in told if _is_entry(one)]
    more = cache(get if ask_more else _nothing)
    dialect = _recognised(listed, more)
    build = _at(more, dialect.version)
    version = _number(build) if build and dialect is LLAMA_SERVER else build
    models = _MODELS.get(dialect.kind, _plainly)(dialect, listed, more)
    return Server(kind=dialect.kind, version=version, build=build if build != version else None, models=models)


def _number(build: str) -> str:
    """``b6111`` of ``b6111-0fd7ca7a``; a build that knows no number, ``b0-unknown``, stays as it is."""
    number, _, _ = build.partition("-")
    return build if number in {"", "b0"} else number


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str) and bool(entry["id"])


def _recognised(listed: Iterable[Mapping[str, Any]], get: Get) -> Dialect:
    """By the owner that entries name; where that is nobody known, by a route of its own."""
    owners = {one["owned_by"] for one in listed if isinstance(one.get("owned_by"), str)}
    by_owner = next((dialect for dialect in DIALECTS if owners & {*dialect.owners}), None)
    if by_owner is not None:
        return by_owner
    signs = [dialect for dialect in DIALECTS if not (owners and dialect is MLX_LM)]  # mlx_lm names no owner
    return next((dialect for dialect in signs if _at(get, dialect.sign)), OTHER)


def _nothing(route: str) -> None:
    return None


def _at(get: Get, place: tuple[str, str] | None) -> str | None:
    """The text at a route's key; None where there is none."""
    if place is None:
        return None
    answer = get(place[0])
    return text(answer.get(place[1])) if isinstance(answer, dict) else None


# ------------------------------------------------------------------------------- models, by kind of server

_Listed = list[dict[str, Any]]


def _plainly(dialect: Dialect, listed: _Listed, get: Get) -> tuple[Model, ...]:
    return tuple(model(one, format=dialect.format) for one in listed)


def _of_llama_server(dialect: Dialect, listed: _Listed, get: Get) -> tuple[Model, ...]:
    """One model, in memory; a server that has several tells of each whether it is loaded."""
    props = get("/props")
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    reserved = count(settings.get("n_ctx")) if isinstance(settings, dict) else None
    models = []
    for one in listed:
        status = one.get("status")
        loaded = status.get("value") == "loaded" if isinstance(status, dict) else True
        meta = one.get("meta")
        context = reserved or (count(meta.get("n_ctx")) if isinstance(meta, dict) else None)
        models.append(model(one, format=dialect.format, loaded=loaded, context_tokens=context))
    return tuple(models)


def _of_vllm(dialect: Dialect, listed: _Listed, get: Get) -> tuple[Model, ...]:
    return tuple(model(one, loaded=True, context_tokens=count(one.get("max_model_len"))) for one in listed)


def _of_lm_studio(dialect: Dialect, listed: _Listed, get: Get) -> tuple[Model, ...]:
    """From its own list, which knows more; models that only embed are left out."""
    answer = get("/api/v0/models")
    told = answer.get("data") if isinstance(answer, dict) else None
    own = [one for one in told if _is_entry(one)] if isinstance(told, list) else []
    if not own:
        return _plainly(dialect, listed, get)
    return tuple(
        model(
            one,
            loaded=None if "state" not in one else one["state"] == "loaded",
            context_tokens=count(one.get("loaded_context_length")),
        )
        for one in own
        if one.get("type") != "embeddings"
    )


def _of_ollama(dialect: Dialect, listed: _Listed, get: Get) -> tuple[Model, ...]:
    answer = get("/api/ps")
    told = answer.get("models") if isinstance(answer, dict) else None
    running = None
    if isinstance(told, list):
        running = {name: one.get("context_length") for name, one in _by(told, "name")}
    return tuple(
        model(
            one,
            loaded=None if running is None else one["id"] in running,
            context_tokens=None if running is None else count(running.get(one["id"])),
        )
        for one in listed
    )


def _of_llama_swap(dialect: Dialect, listed: _Listed, get: Get) -> tuple[Model, ...]:
    answer = get("/running")
    told = answer.get("running") if isinstance(answer, dict) else None
    running = {name for name, _ in _by(told, "model")} if isinstance(told, list) else None
    return tuple(model(one, loaded=None if running is None else one["id"] in running) for one in listed)


def _by(told: list[Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a list by the text that they have at ``key``; those without one are left out."""
    for one in told:
        if isinstance(one, dict) and isinstance(one.get(key), str):
            yield one[key], one


_MODELS: Mapping[str, Callable[[Dialect, _Listed, Get], tuple[Model, ...]]] = {
    "llama-server": _of_llama_server,
    "vllm": _of_vllm,
    "lm-studio": _of_lm_studio,
    "ollama": _of_ollama,
    "llama-swap": _of_llama_swap,
}
