"""A server's key is in the header of its requests and nowhere else: no file, output, error, log or process list.

A planted key goes through a whole sweep and every fault that a server can play, each quoting it in its own way.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import pickle
import secrets
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from tests.openai.server import DONE, Does, Reply, Script, chunk, event, listing, serving, stream, usage, writes
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Request, Setup
from tpsprofile.engines.openai import keys
from tpsprofile.engines.openai.engine import OpenAI
from tpsprofile.engines.openai.keys import Key
from tpsprofile.errors import ProfileError, UsageError

VARIABLE = "TPSPROFILE_TEST_KEY"


def planted() -> str:
    """A key with all that a key may have in it, and that is nowhere else."""
    return f'sk-{secrets.token_hex(12)}/+="&<~{secrets.token_hex(12)}'


def traces(key: str) -> dict[str, str]:
    """The key as it may stand in a text, whole or in part."""
    return {
        "plain": key,
        "beginning": key[:12],
        "end": key[-12:],
        "middle": key[12:24],
        "URL": quote(key, safe=""),
        "HTML": html.escape(key),
        "JSON": json.dumps(key)[1:-1],
        "base64": base64.b64encode(key.encode()).decode()[:16],
    }


def seen_in(text: str, key: str) -> list[str]:
    return [how for how, trace in traces(key).items() if trace in text]


def faults(key: str) -> dict[str, Reply]:
    """Every way to fail, with the key in it."""
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in key)
    quoted = json.dumps({"error": {"message": f"model refused, you sent Authorization: Bearer {key}"}}).encode()
    twice = json.dumps({"error": json.dumps({"error": {"message": f"key {key} is wrong"}})}).encode()
    location = (("Location", f"http://127.0.0.1:9/?api_key={quote(key)}"),)
    return {
        "401": Reply(quoted, 401),
        "403": Reply(quoted, 403),
        "500": Reply(quoted, 500),
        "500-twice": Reply(twice, 500),
        "500-escaped": Reply(f'{{"error": "no {escaped}"}}'.encode(), 500),
        "500-cut": Reply(f'{{"error": "no Bearer {key[:30]}'.encode(), 500),
        "500-page": Reply(f"Trace: {html.escape(key)} {quote(key)}".encode(), 500, "text/plain"),
        "404": Reply(json.dumps({"error": f"model {key} not found"}).encode(), 404),
        "429": Reply(json.dumps({"error": f"rate limit of {key}"}).encode(), 429),
        "redirect": Reply(status=302, headers=location),
        "headers": Reply(quoted, 500, headers=(("X-Echo", f"Bearer {key}"), ("Server", key))),
        "bad-header": Reply(quoted, 500, headers=((f"Bad {key}", key),)),
        "bad-json": stream([f"data: {{{key}\n\n".encode()]),
        "bad-stream": stream([chunk("a"), f"data: {key}\n\n".encode()]),
        "no-stream": Reply(quoted),
        "error-in-stream": stream([chunk("a"), event(error={"message": f"lost {key}"}), DONE]),
        "error-line": stream([f'error: {{"message": "lost {key}"}}\n\n'.encode()]),
        "broken": stream([chunk(f"a {key}")], end="cut"),
        "reset": stream([chunk(key)], end="reset"),
        "closed": Reply(end="refuse"),
        "silent": stream([f": {key}\n\n".encode()], end="hang"),
        "finish": stream([chunk("a", key), usage(3, 1), DONE]),
    }


def late(reply: Reply, good: int) -> Does:
    """As usual for so many requests, then the fault."""
    seen: list[int] = []

    def answer(body: dict[str, Any]) -> Reply:
        seen.append(1)
        return writes(body) if len(seen) <= good else reply

    return answer


def script(key: str, *, good: int = 0) -> Script:
    """A server that demands the key; each model plays a fault, one is well, and one is called like the key."""
    does = {name: late(reply, good) for name, reply in faults(key).items()}
    models = listing("well", *does, key, f"maker/{key}-{quote(key)}", owner=key)
    return Script(routes={"/v1/models": models, "/version": {"version": key}}, does=does, key=key)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    value = planted()
    monkeypatch.setenv(VARIABLE, value)
    return value


# ---------------------------------------------------------------------------------------- within the process


def all_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def in_full(error: BaseException) -> str:
    """Everything that a traceback could show, the variables of this project's own frames included."""
    shown = "".join(traceback.format_exception(error))
    for one in all_of(error):
        told = traceback.TracebackException.from_exception(one, capture_locals=True)
        own = [frame for frame in told.stack if "tpsprofile/engines" in frame.filename.replace("\\", "/")]
        shown += "".join(traceback.StackSummary.from_list(own).format()) + repr(one.args) + repr(vars(one))
        shown += "".join(f"{frame.locals}" for frame in own)
    return shown


@pytest.mark.parametrize("chat", [False, True], ids=["raw", "chat"])
@pytest.mark.parametrize("fault", faults("x" * 40))
def test_no_error_shows_the_key(key: str, fault: str, chat: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(script(key, good=1)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url, key_env=VARIABLE, chat=chat))
        info, model = engine.info(), engine.find(fault)
        with engine.load(model, context_tokens=512, silence_s=10) as session:
            shown = repr((engine, vars(engine), session, vars(session), info, model, session.facts()))
            try:
                shown += repr(list(session.generate(Request(prompt="a", tokens_out=2, silence_s=0.5))))
            except ProfileError as error:
                assert [*all_of(error)] == [error], "what went wrong below does not hang on to it"
                shown += in_full(error)
        assert server.sent[-1]["Authorization"] == f"Bearer {key}"
    if fault not in {"broken", "reset"}:  # these have it in the text of a model, which is nowhere kept
        assert seen_in(shown, key) == []
    assert seen_in(caplog.text, key) == []


def test_no_model_is_named_after_the_key(key: str) -> None:
    with serving(script(key)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url, key_env=VARIABLE))
        shown = repr((engine.models(), engine.info()))
        with pytest.raises(ProfileError) as caught:
            engine.find("nobody")
    assert seen_in(shown + in_full(caught.value), key) == []


@pytest.mark.parametrize(
    "spelt",
    [
        lambda key: key,
        lambda key: quote(key, safe=""),
        lambda key: quote(quote(key, safe=""), safe=""),
        html.escape,
        json.dumps,
        lambda key: json.dumps(json.dumps(key)),
        lambda key: "".join(f"\\u{ord(sign):04X}" for sign in key),
        lambda key: "".join(f"%{ord(sign):02x}" for sign in key),
        lambda key: "".join(f"&#{ord(sign)};" for sign in key),
        lambda key: json.dumps(key).replace("/", "\\/"),
        lambda key: key[:20],
        lambda key: f"{key}{key}",
    ],
)
def test_a_key_is_taken_out_however_it_is_spelt(spelt: Any) -> None:
    value = planted()
    left = Key(value).out_of(f"before {spelt(value)} after")
    assert seen_in(left, value) == []
    assert left.startswith("before ")
    assert left.endswith(" after")


def test_a_text_without_the_key_stays_as_it_is() -> None:
    text = 'data: {"choices":[{"text":"50% of \\"sk\\" & more"}]}'
    assert Key(planted()).out_of(text) == text


def test_a_word_instead_of_a_key_leaves_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "meta-llama-key")
    with serving(Script(routes={"/v1/models": listing("meta-llama/tiny")}, key="meta-llama-key")) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url, key_env=VARIABLE))
        assert [one.facts.name for one in engine.models()] == ["meta-llama/tiny"]
        with engine.load(engine.find("meta-llama/tiny"), context_tokens=512, silence_s=10):
            assert server.bodies()[-1]["model"] == "meta-llama/tiny"


def test_a_long_run_of_escapes_takes_no_time() -> None:
    Key(planted()).out_of("\\" * 200_000 + "%25" * 50_000 + "&amp;" * 50_000)


def test_a_key_shows_and_stores_itself_nowhere() -> None:
    value = planted()
    assert seen_in(repr(Key(value)) + str(Key(value)) + f"{[Key(value)]}", value) == []
    with pytest.raises(TypeError):
        pickle.dumps(Key(value))


# ------------------------------------------------------------------------------------------ where it comes from


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (VARIABLE, None, VARIABLE),
        (VARIABLE, "  ", VARIABLE),
        (VARIABLE, "short", VARIABLE),
        (VARIABLE, "sk-with a space 1", VARIABLE),
        (VARIABLE, "sk-with\na-line", VARIABLE),
        (VARIABLE, "sk-schlüssel", VARIABLE),
        ("sk-0123456789abcdef", None, "not the key"),
        ("gsk_0123456789abcdef0123456789abcdef0123456789", None, "not the key"),
    ],
)
def test_a_variable_without_a_key_is_named_and_a_key_in_its_place_is_not(
    variable: str, value: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        OpenAI(SystemClock(), Setup(server="https://example.org", key_env=variable))
    shown = "".join(traceback.format_exception(caught.value))
    assert told in str(caught.value)
    assert not (value and value.strip() and value in shown)
    assert variable == VARIABLE or variable not in "".join(map(str, caught.value.args)) + str(caught.value)


class Keyring:
    """Stands in for the package of that name."""

    def __init__(self, found: dict[tuple[str, str], str] | None) -> None:
        self.found = found

    def get_password(self, service: str, user: str) -> str | None:
        if self.found is None:
            raise RuntimeError("locked")
        return self.found.get((service, user))


@pytest.mark.parametrize("works", [True, False])
def test_the_keyring_is_asked_where_no_variable_was_named(works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    value = planted()
    held = {("tpsprofile", "127.0.0.1"): value}
    monkeypatch.setitem(sys.modules, "keyring", Keyring(held if works else None))
    with serving(script(value)) as server:
        engine = OpenAI(SystemClock(), Setup(server=server.url))
        if works:
            assert engine.info().name == "openai-compatible"
        else:
            with pytest.raises(ProfileError, match="wants a key"):
                engine.info()


def test_without_the_package_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert keys.of_keyring("127.0.0.1") is None


def test_a_redirect_gets_no_key(key: str) -> None:
    with serving(Script()) as other:
        moved = Reply(status=307, headers=(("Location", f"{other.url}/v1/models"),))
        with serving(Script(routes={"/v1/models": moved})) as server:
            with pytest.raises(ProfileError, match="not followed"):
                OpenAI(SystemClock(), Setup(server=server.url, key_env=VARIABLE)).info()
            assert len(server.asked) == 1
        assert other.asked == []


# --------------------------------------------------------------------------------------------- a whole sweep


def command_lines(process: psutil.Process) -> str:
    """The command lines of a process and of all below it, as everybody on the machine can read them."""
    found = []
    for one in [process, *process.children(recursive=True)]:
        try:
            found.append(" ".join(one.cmdline()))
        except psutil.Error:
            continue
    return "\n".join(found)


def sweep(arguments: list[str], home: Path, key: str) -> tuple[str, str]:
    """What a sweep prints, and all command lines meanwhile."""
    command = [sys.executable, "-X", "dev", "-W", "ignore", "-m", "tpsprofile", "sweep", *arguments]
    folders = {name: str(home / name.lower()) for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    environment = os.environ | folders | {"HOME": str(home), VARIABLE: key, "NO_COLOR": "1", "COLUMNS": "200"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=home
    ) as running:
        lines: set[str] = set()
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                try:
                    lines.add(command_lines(psutil.Process(running.pid)))
                except psutil.Error:
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            output, _ = running.communicate(timeout=300)
        finally:
            over.set()
            running.kill()
            watcher.join()
    return output, "\n".join(lines)


def plan_of(server: Script, home: Path, models: list[str]) -> Path:
    plan = {
        "models": models,
        "engine": "openai",
        "server": server.url,
        "key_env": VARIABLE,
        "tokens_out": 8,
        "trials": 1,
        "most_trials": 1,
        "silence": 1,
        "cooldown": 0,
        "stop_below": 0,
    }
    path = home / "plan.yaml"
    path.write_text(json.dumps(plan))
    return path


@pytest.mark.parametrize(("good", "options"), [(0, True), (3, False)], ids=["in loading", "in a trial"])
def test_the_key_is_in_nothing_that_a_sweep_leaves_behind(
    good: int, options: bool, tmp_path: Path, key: str
) -> None:
    with serving(script(key, good=good)) as server:
        models, out = ["well", *faults(key), "nobody"], tmp_path / "out"
        arguments = [str(plan_of(server, tmp_path, models)), "--out", str(out), "--no-chart"]
        if options:
            arguments += ["--engine", "openai", "--server", server.url, "--key-env", VARIABLE, "--chat"]
        printed, listed = sweep(arguments, tmp_path, key)
        assert {headers.get("Authorization") for headers in server.sent} == {f"Bearer {key}"}
    files = {path: path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()}
    (results,) = [text for path, text in files.items() if path.suffix == ".jsonl"]
    rows = [json.loads(line) for line in results.splitlines()]
    assert "Traceback" not in printed
    assert "tpsprofile" in listed
    assert {row["model"]["name"] for row in rows if row.get("outcome") == "ok"} >= {"well"}, printed
    assert len({row["model"]["name"] for row in rows if "outcome" in row}) == len(models), printed
    assert seen_in(printed, key) == []
    assert seen_in(listed, key) == []
    for path, text in files.items():
        assert seen_in(text, key) == [], path


def test_a_sweep_that_cannot_begin_shows_no_key_either(tmp_path: Path, key: str) -> None:
    with serving(script(key)) as server:
        server.key = "another"  # so that it quotes what it got, with status 401
        plan, out = plan_of(server, tmp_path, ["well"]), tmp_path / "out"
        printed, _ = sweep([str(plan), "--out", str(out)], tmp_path, key)
    assert VARIABLE in printed
    assert "Traceback" not in printed
    assert seen_in(printed, key) == []
    assert not list(tmp_path.rglob("*.jsonl"))
