"""Servers are known by what they say, as recorded with real ones or documented; nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tpsprofile.engines.openai import facts, servers
from tpsprofile.engines.openai.servers import Get, identify

FIXTURES = Path(__file__).parent / "fixtures"


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


def answering(routes: dict[str, Any], asked: list[str] | None = None) -> Get:
    def get(route: str) -> Any:
        if asked is not None:
            asked.append(route)
        return routes.get(route)

    return get


def listing(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": [{"object": "model", "created": 1} | entry for entry in entries]}


LLAMA_SERVER = {
    "/v1/models": recorded("llama-server/v1-models.json"),
    "/props": recorded("llama-server/props.json"),
    "/health": {"status": "ok"},
}
MLX = {"/v1/models": recorded("mlx-lm/v1-models.json"), "/health": recorded("mlx-lm/health.json")}
OLLAMA = {
    "/v1/models": recorded("ollama/v1-models.json"),
    "/api/version": recorded("ollama/api-version.json"),
    "/api/ps": recorded("ollama/api-ps.json"),
}
VLLM = {
    "/v1/models": listing({"id": "maker/model-7B-AWQ", "owned_by": "vllm", "max_model_len": 16384}),
    "/version": {"version": "0.11.0"},
}
LM_STUDIO = {
    "/v1/models": listing({"id": "model-8b", "owned_by": "organization_owner"}),
    "/props": {"error": "Unexpected endpoint or method. (GET /props)"},
    "/api/v0/models": listing(
        {
            "id": "model-8b",
            "type": "llm",
            "arch": "llama",
            "compatibility_type": "gguf",
            "quantization": "Q4_K_M",
            "state": "loaded",
            "max_context_length": 131072,
            "loaded_context_length": 8192,
        },
        {"id": "other", "type": "vlm", "compatibility_type": "mlx", "quantization": "4bit", "state": "not-loaded"},
        {"id": "text-embedding", "type": "embeddings", "state": "not-loaded"},
    ),
}
LLAMA_SWAP = {
    "/v1/models": listing({"id": "big", "owned_by": "llama-swap"}, {"id": "small", "owned_by": "llama-swap"}),
    "/running": {"running": [{"model": "small", "state": "ready"}]},
}
CLOUD = {"/v1/models": listing({"id": "maker/large", "owned_by": "maker"})}


@pytest.mark.parametrize(
    ("routes", "kind", "version", "loaded", "context"),
    [
        (LLAMA_SERVER, "llama-server", "b0-unknown", ("smollm2",), 512),
        (MLX, "mlx-lm", None, None, None),
        (OLLAMA, "ollama", "0.13.0", ("smollm2:135m",), None),
        (VLLM, "vllm", "0.11.0", ("maker/model-7B-AWQ",), 16384),
        (LM_STUDIO, "lm-studio", None, ("model-8b",), 8192),
        (LLAMA_SWAP, "llama-swap", None, ("small",), None),
        (CLOUD, "openai-compatible", None, None, None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_server_is_known_by_what_it_says(
    routes: dict[str, Any], kind: str, version: str | None, loaded: tuple[str, ...] | None, context: int | None
) -> None:
    server = identify(answering(routes))
    assert server is not None
    assert (server.kind, server.version, server.loaded) == (kind, version, loaded)
    assert server.models[0].context_tokens == context
    assert server.can.server == "url"
    assert not server.can.loads
    assert not server.can.sets_context


@pytest.mark.parametrize(
    "answer",
    [None, "text", [], {}, {"error": "no"}, {"data": None}, {"data": {}}],
    ids=repr,
)
def test_what_lists_no_models_is_no_such_server(answer: Any) -> None:
    assert identify(answering({"/v1/models": answer, "/health": {"status": "UP"}})) is None


def test_a_strange_list_is_taken_as_far_as_it_goes() -> None:
    told = {"data": [None, 1, {}, {"id": 5}, {"id": ""}, {"id": "a", "meta": 3}, {"id": "b", "owned_by": ["x"]}]}
    server = identify(answering({"/v1/models": told}))
    assert server is not None
    assert [one.id for one in server.models] == ["a", "b"]


def test_a_service_is_asked_for_its_models_alone() -> None:
    asked: list[str] = []
    server = identify(answering(LLAMA_SERVER, asked), ask_more=False)
    assert server is not None
    assert asked == ["/v1/models"]
    assert server.version is None


def test_no_route_is_asked_twice_and_none_that_could_load_a_model() -> None:
    for routes in (LLAMA_SERVER, MLX, OLLAMA, VLLM, LM_STUDIO, LLAMA_SWAP, CLOUD):
        asked: list[str] = []
        identify(answering(routes, asked))
        assert len(asked) == len(set(asked)) <= 5
        assert not any("completion" in route or "load" in route for route in asked)


def test_llama_server_numbers_its_builds() -> None:
    routes = LLAMA_SERVER | {"/props": {"build_info": "b6111-0fd7ca7a"}}
    server = identify(answering(routes))
    assert server is not None
    assert (server.version, server.build) == ("b6111", "b6111-0fd7ca7a")
    assert server.models[0].context_tokens == 512, "from meta, where /props does not tell"


def test_llama_server_tells_of_its_model() -> None:
    server = identify(answering(LLAMA_SERVER))
    assert server is not None
    told = server.models[0].facts
    assert (told.name, told.parameters, told.quantisation) == ("smollm2", 134_515_008, "Q4_1")
    assert (told.file_bytes, told.longest_context, told.format) == (96_576_768, 8192, "gguf")
    assert told.parameters_active is None, "nothing says that it is no mixture"


def test_lm_studio_tells_of_its_models_and_those_that_embed_are_left_out() -> None:
    server = identify(answering(LM_STUDIO))
    assert server is not None
    first, second = (one.facts for one in server.models)
    assert (first.quantisation, first.architecture, first.format, first.longest_context) == (
        "Q4_K_M",
        "llama",
        "gguf",
        131072,
    )
    assert (second.quantisation, second.format) == ("4bit", "safetensors")


@pytest.mark.parametrize(
    ("ident", "name", "quantisation"),
    [
        ("/home/ann/models/Tiny-1B.Q4_K_M.gguf", "Tiny-1B.Q4_K_M", "Q4_K_M"),
        ("C:\\Users\\Ann\\Tiny-1B-IQ4_XS.gguf", "Tiny-1B-IQ4_XS", "IQ4_XS"),
        ("/models/tiny-4bit/", "tiny-4bit", "4bit"),
        ("maker/Tiny-1B-Instruct-AWQ", "maker/Tiny-1B-Instruct-AWQ", "AWQ"),
        ("~/ann/tiny", "tiny", None),
        ("models/ann/tiny-BF16.gguf", "tiny-BF16", "BF16"),
        ("models--maker--tiny-fp16", "maker/tiny-fp16", "F16"),
        ("qwen3-30b-a3b@q8_0", "qwen3-30b-a3b@q8_0", "Q8_0"),
        ("gpt-4o", "gpt-4o", None),
        ("tiny\x1b[31m", "tiny[31m", None),
    ],
)
def test_a_name_holds_no_folder_and_may_tell_the_quantisation(
    ident: str, name: str, quantisation: str | None
) -> None:
    told = facts.model({"id": ident}).facts
    assert (told.name, told.quantisation) == (name, quantisation)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("Q4_K - Medium", "Q4_K_M"),
        ("Q4_K_S", "Q4_K_S"),
        ("all F32", None),
        ("(guessed)", None),
        ("mostly Q8_0", "Q8_0"),
        ("Q5_K - Small (guessed)", "Q5_K_S"),
        ("4bit", "4bit"),
        ("", None),
        (7, None),
        ("unknown", None),
    ],
)
def test_long_names_of_quantisations_become_the_usual_ones(told: object, meant: str | None) -> None:
    assert facts.quantisation(told) == meant


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("/home/ann/models/Tiny-1B.Q4_K_M.gguf", True),
        ("Tiny-1B.Q4_K_M.gguf", True),
        ("tiny-1b.q4_k_m", True),
        ("models/Tiny-1B.Q4_K_M.gguf", True),
        ("1B.Q4_K_M.gguf", False),
        ("tiny", False),
        ("", False),
    ],
)
def test_a_model_is_found_by_its_id_its_file_or_the_end_of_its_path(said: str, found: bool) -> None:
    assert facts.model({"id": "/home/ann/models/Tiny-1B.Q4_K_M.gguf"}).is_called(said) == found


def test_a_server_with_several_models_says_which_are_loaded() -> None:
    several = listing(
        {"id": "a", "owned_by": "llamacpp", "status": {"value": "loaded"}},
        {"id": "b", "owned_by": "llamacpp", "status": {"value": "unloaded"}},
    )
    server = identify(answering({"/v1/models": several}))
    assert server is not None
    assert server.loaded == ("a",)


def test_what_was_recorded_of_a_path_names_no_folder() -> None:
    server = identify(answering({"/v1/models": recorded("llama-server/v1-models-path.json")}))
    assert server is not None
    assert server.models[0].facts.name == "SmolLM2-135M-Instruct.Q4_1"


@pytest.mark.parametrize(
    ("routes", "odd"),
    [
        (OLLAMA, {"/api/ps": {"models": [{"name": []}, {"name": {}}, 7, None]}}),
        (LLAMA_SWAP, {"/running": {"running": [{"model": {}}, {"model": []}, "x"]}}),
        (LM_STUDIO, {"/api/v0/models": {"data": [{"id": "a", "state": {}}, {"id": []}]}}),
        (LLAMA_SERVER, {"/props": {"default_generation_settings": {"n_ctx": 10**30}}}),
    ],
    ids=["ollama", "llama-swap", "lm-studio", "llama-server"],
)
def test_odd_answers_tell_of_no_model_that_it_is_loaded(routes: dict[str, Any], odd: dict[str, Any]) -> None:
    server = identify(answering(routes | odd))
    assert server is not None
    assert server.loaded == (("smollm2",) if routes is LLAMA_SERVER else ())


@pytest.mark.parametrize("told", [0, -1, True, 1.0, "7", None, 10**30, float("inf")], ids=repr)
def test_a_number_that_no_model_can_have_is_unknown(told: object) -> None:
    meta = {"n_params": told, "size": told, "n_ctx_train": told}
    found = facts.model({"id": "tiny", "meta": meta}).facts
    assert (found.parameters, found.file_bytes, found.longest_context) == (None, None, None)


def test_every_kind_is_told_apart() -> None:
    kinds = [dialect.kind for dialect in (*servers.DIALECTS, servers.OTHER)]
    assert len(kinds) == len(set(kinds))
