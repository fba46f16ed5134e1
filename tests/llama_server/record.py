"""Records what a real llama-server says, for ``replay``: ``python -m tests.llama_server.record PROGRAM MODEL``.

The model is SmolLM2 135M. ``--help`` is shortened to the lines that name options, and folders become ``/models``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import httpx

from tests.llama_server import CONTEXT_TOKENS, FIXTURES, PROMPTS
from tpsprofile.engines.llama import told
from tpsprofile.engines.llama.native import environment, pinned
from tpsprofile.engines.llama.wording import WORDING
from tpsprofile.engines.program import Program, answer_of, free_port

_WHOLE = ("--n-gpu-layers", "-lv")


def main() -> None:
    """Write every fixture anew."""
    program, model = sys.argv[1], Path(sys.argv[2])
    FIXTURES.mkdir(exist_ok=True)
    usage = answer_of([program, "--help"])
    keep("help.txt", _shortened(usage))
    keep("version.txt", answer_of([program, "--version"]))
    keep("list-devices.txt", answer_of([program, "--list-devices"]))
    where = ["--host", "127.0.0.1", "--port"]
    keep("log-no-model.txt", answer_of([program, "-m", os.devnull, *where, str(free_port()), "-lv", "4"]))
    port = str(free_port())
    command = [program, "-m", str(model), "-c", str(CONTEXT_TOKENS), "-t", "2", "-tb", "2", *pinned(usage)]
    running = Program([*command, *where, port], WORDING, environment(os.environ))
    try:
        running.wait_until_ready(f"http://127.0.0.1:{port}/health", 120.0)
        keep("log-loading.txt", _without_folders(running.log(), str(model)))
        fresh = httpx.Limits(max_keepalive_connections=0)  # the server drops connections that wait
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=300.0, limits=fresh
        ) as client:
            _exchanges(client, str(model))
    finally:
        running.end()


def _exchanges(client: httpx.Client, model: str) -> None:
    for path in ("health", "slots"):
        keep(f"{path}.json", client.get(f"/{path}").text)
    answers = []
    for number, (prompt, tokens, reuse) in enumerate(PROMPTS):
        body = {"prompt": prompt, "n_predict": tokens, "temperature": 0.0, "seed": 0, "cache_prompt": reuse}
        body |= {"ignore_eos": True, "stream": True, "samplers": ["top_k"], "top_k": 1}
        name = f"completion-{number}.sse.txt"
        keep(name, _without_folders(client.post("/completion", json=body).text, model))
        answers.append({"prompt": prompt, "n_predict": tokens, "cache_prompt": reuse, "answer": name})
    keep("completions.json", json.dumps(answers, indent=1))
    keep("error-context.json", client.post("/completion", json={"prompt": "word " * 2000, "n_predict": 1}).text)


def _without_folders(text: str, model: str) -> str:
    return text.replace(model, "/models/smollm2.gguf")


def _shortened(usage: str) -> str:
    """The lines of an option's names, and all of the few whose explanation is read."""
    whole = {line for option in _WHOLE for line in told.explained(usage, option).splitlines()}
    return "\n".join(line.rstrip() for line in usage.splitlines() if line.startswith("-") or line in whole)


def keep(name: str, text: str) -> None:
    """Write one fixture."""
    (FIXTURES / name).write_text(text.rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
