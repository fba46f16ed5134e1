"""Finding the server's process among those of a computer, as different systems show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tests.ollama.server import Replay
from tpsprofile.engines.ollama.engine import Ollama
from tpsprofile.engines.ollama.process import server_pids

PORT = 11434
SERVE = ["ollama", "serve"]


class FakeProcess:
    def __init__(self, pid: int, name: str, command: list[str] | None = None, *, hidden: bool = False) -> None:
        self.pid = pid
        self._name = name
        self._command = command or [name]
        self._hidden = hidden

    def name(self) -> str:
        return self._name

    def cmdline(self) -> list[str]:
        if self._hidden:
            raise psutil.AccessDenied(self.pid)
        return self._command


def show(
    monkeypatch: pytest.MonkeyPatch, processes: Iterable[FakeProcess], listening: Iterable[int | None] | None
) -> None:
    """Have psutil see these processes, and these owners of sockets that listen on the port (None: forbidden)."""
    running = {process.pid: process for process in processes}

    def connections(kind: str) -> list[Any]:
        if listening is None:
            raise psutil.AccessDenied
        other = SimpleNamespace(pid=1, status=psutil.CONN_LISTEN, laddr=SimpleNamespace(port=22))
        busy = SimpleNamespace(pid=1, status=psutil.CONN_ESTABLISHED, laddr=SimpleNamespace(port=PORT))
        mine = SimpleNamespace(status=psutil.CONN_LISTEN, laddr=SimpleNamespace(port=PORT))
        return [other, busy, *(SimpleNamespace(**vars(mine), pid=pid) for pid in listening)]

    def find(pid: int) -> FakeProcess:
        if pid not in running:
            raise psutil.NoSuchProcess(pid)
        return running[pid]

    def every() -> Iterator[FakeProcess]:
        return iter(running.values())

    monkeypatch.setattr(psutil, "net_connections", connections)
    monkeypatch.setattr(psutil, "Process", find)
    monkeypatch.setattr(psutil, "process_iter", every)


@pytest.mark.parametrize("name", ["ollama", "ollama.exe", "Ollama.EXE"])
def test_the_process_that_listens(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    show(monkeypatch, [FakeProcess(5, name), FakeProcess(6, "ollama", SERVE)], [5, 5])
    assert server_pids(PORT) == (5,)


@pytest.mark.parametrize("listening", [None, [None], []])
def test_a_hidden_socket_is_that_of_the_only_server(
    monkeypatch: pytest.MonkeyPatch, listening: list[int | None] | None
) -> None:
    processes = [
        FakeProcess(3, "bash", ["bash", "serve"]),
        FakeProcess(4, "ollama", ["ollama", "runner"]),
        FakeProcess(5, "ollama", SERVE),
        FakeProcess(6, "ollama", SERVE, hidden=True),
    ]
    show(monkeypatch, processes, listening)
    assert server_pids(PORT) == (5,)


def test_two_servers_that_cannot_be_told_apart_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, [FakeProcess(5, "ollama", SERVE), FakeProcess(6, "ollama", SERVE)], None)
    assert server_pids(PORT) == ()


def test_a_tunnel_is_not_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, [FakeProcess(5, "ssh"), FakeProcess(6, "ollama", SERVE)], [5])
    assert server_pids(PORT) == ()


def test_a_process_that_ended_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, [], [5])
    assert server_pids(PORT) == ()


def test_this_test_is_not_taken_for_the_server(server: Replay, engine: Ollama) -> None:
    """Without a stand-in for psutil: the scripted server listens in a process that is not Ollama's."""
    with engine.load(engine.models()[0], context_tokens=512, silence_s=5) as session:
        assert session.pids == ()
