"""Programs that the profiler starts: they are waited for, explained when they fail, and never outlive it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from tpsprofile.engines import program
from tpsprofile.engines.program import Program, Wording, answer_of, free_port
from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineMissingError,
    EngineTimedOutError,
    ModelUnreadableError,
)

WORDING = Wording(name="thing", no_memory=("out of memory",), not_a_model=("magic",), before=r"\d+ [A-Z] ")
SERVER = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if Handler.asked > 3 else 503)
        self.end_headers()
    def log_message(self, *_): pass
print("here I am", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def running(*command: str) -> Iterator[Program]:
    made = Program(command, WORDING)
    try:
        yield made
    finally:
        made.end()


def script(text: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text, *arguments)


@pytest.fixture(params=["kernel", "keeper", "stay"])
def guard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    if sys.platform != "linux" and name == "kernel":
        pytest.skip("only Linux sends a signal when a parent ends")
    if not hasattr(os, "fork") and name == "keeper":
        pytest.skip("nothing is forked here")
    monkeypatch.setattr(program, "_GUARD", name)
    return name


def test_it_is_waited_for_until_it_is_ready(guard: str) -> None:
    port = free_port()
    with running(*script(SERVER, str(port))) as made:
        load_s = made.wait_until_ready(f"http://127.0.0.1:{port}/health", 30.0)
        assert load_s > 0
        assert "here I am" in made.log()
        assert made.how_it_ended() == "the process still runs"
    assert not psutil.pid_exists(made.pid)


def test_its_process_is_the_program_itself(guard: str) -> None:
    with running(*script("import time; time.sleep(60)")) as made:
        process = psutil.Process(made.pid)
        if guard != "stay":
            assert process.cmdline()[1] == "-c"
            assert psutil.Process().children(recursive=True) == [process]
        else:
            assert [child.cmdline()[1] for child in process.children()] == ["-c"]


def test_what_it_started_ends_with_it(guard: str) -> None:
    if guard == "stay":
        pytest.skip("only a process group can be ended as one")
    port = free_port()
    nested = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SERVER!r}, '{port}']).wait()"
    with running(*script(nested)) as made:
        made.wait_until_ready(f"http://127.0.0.1:{port}/health", 30.0)
        inside = psutil.Process(made.pid).children(recursive=True)
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert inside
    assert not alive


@pytest.mark.parametrize("when", ["at work", "just begun"])
def test_it_does_not_outlive_a_profiler_that_is_killed(guard: str, when: str, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    endless = (
        f"import os, pathlib, time; pathlib.Path({str(begun)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    profiler = f"""
import sys, time
from tpsprofile.engines import program
program._GUARD = {guard!r}
made = program.Program([sys.executable, "-c", {endless!r}],
                       program.Wording(name="x", no_memory=(), not_a_model=()))
print(made.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", profiler], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline())}
        if when == "at work":
            until(begun.exists)
        parent.kill()
        parent.wait()
    if when == "at work":
        until(lambda: bool(begun.read_text()))
        pids.add(int(begun.read_text()))
    until(lambda: not any(map(runs, pids)))


def until(true: object, seconds: float = 20.0) -> None:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("printed", "error", "told"),
    [
        ("CUDA error: out of memory", DoesNotFitError, "thing found no memory for the model"),
        ("error: bad magic\nerror: giving up", ModelUnreadableError, "exit status 3.*: error: bad magic"),
        ("1 E error: one\n2 E failed: two\n3 I bye", EngineDiedError, r"exit status 3\): failed: two"),
        ("couldn't bind HTTP server socket\nerror: bye", EngineDiedError, "port taken by another program"),
        ("hello", EngineDiedError, r"thing ended while loading \(exit status 3\)\.$"),
    ],
)
def test_its_log_explains_an_end_while_loading(printed: str, error: type[Exception], told: str) -> None:
    ending = script(f"import sys; print({printed!r}, file=sys.stderr); sys.exit(3)")
    with running(*ending) as made, pytest.raises(error, match=told):
        made.wait_until_ready(f"http://127.0.0.1:{free_port()}/health", 30.0)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (9, r"\(signal 9; the system sends it when memory runs out\)"),
        (4, r"\(signal 4; it was built for a processor with other instructions\)"),
        (11, r"\(signal 11\)"),
    ],
)
def test_a_signal_while_loading_is_told(number: int, told: str) -> None:
    ending = script(f"import os; os.kill(os.getpid(), {number})")
    with running(*ending) as made, pytest.raises(EngineDiedError, match=told):
        made.wait_until_ready(f"http://127.0.0.1:{free_port()}/health", 30.0)


def test_it_is_not_waited_for_without_end() -> None:
    never = script("import time; time.sleep(60)")
    with running(*never) as made, pytest.raises(EngineTimedOutError, match="not ready after 0 s"):
        made.wait_until_ready(f"http://127.0.0.1:{free_port()}/health", 0.1)


def test_an_answer_of_somebody_else_on_its_port_is_not_its_own() -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with HTTPServer(("127.0.0.1", 0), Stranger) as other:
        thread = Thread(target=other.serve_forever)
        thread.start()
        bind = f"import socket, time; time.sleep(0.2); socket.socket().bind(('127.0.0.1', {other.server_port}))"
        try:
            with running(*script(bind)) as made, pytest.raises(EngineDiedError, match="port taken"):
                made.wait_until_ready(f"http://127.0.0.1:{other.server_port}/health", 30.0)
        finally:
            other.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (None, 0, "No such file"),
        ("#!/bin/sh\n", 0o644, "Permission denied"),
        ("\x7fELF but no more", 0o755, "Exec format error"),
    ],
)
def test_what_cannot_be_run_is_named_with_the_reason(
    tmp_path: Path, text: str | None, mode: int, told: str, guard: str
) -> None:
    path = tmp_path / "thing"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(EngineMissingError, match=f"thing cannot be run: {told}"), running(str(path)):
        pass
    assert not psutil.Process().children()


def test_what_it_prints_is_read_however_it_ends() -> None:
    both = script("print(1); import sys; print(2, file=sys.stderr); sys.exit(3)")
    assert sorted(answer_of(both).split()) == ["1", "2"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("/nowhere/thing",), "/nowhere/thing cannot be run: No such file"),
        (script("import time; time.sleep(60)", "--help"), "did not answer --help within 0 s"),
    ],
)
def test_a_program_that_tells_nothing_of_itself_is_missing(command: tuple[str, ...], told: str) -> None:
    with pytest.raises(EngineMissingError, match=told):
        answer_of(command, wait_s=0.2)


def test_it_gets_the_environment_that_it_is_given() -> None:
    made = Program(script("import os; print(os.environ)"), WORDING, {"ONLY": "this", "PATH": os.defpath})
    with pytest.raises(EngineDiedError):
        made.wait_until_ready(f"http://127.0.0.1:{free_port()}/health", 30.0)
    assert "'ONLY': 'this'" in made.log()
    assert "PYTEST" not in made.log()
    made.end()
    made.end()
