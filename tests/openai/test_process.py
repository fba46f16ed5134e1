"""Whose process a server is, as far as this computer tells."""

from __future__ import annotations

import os
import socket
from typing import Any

import psutil
import pytest

from tests.openai.server import Script, listing, serving
from tpsprofile.clock import SystemClock
from tpsprofile.engines.base import Setup
from tpsprofile.engines.openai.engine import OpenAI
from tpsprofile.engines.openai.process import server_pids


def test_the_process_that_listens_is_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert server_pids(port) == (os.getpid(),)
    assert server_pids(port) == ()


def test_where_sockets_are_hidden_the_users_own_processes_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(**kind: Any) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", hidden)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert server_pids(listening.getsockname()[1]) == (os.getpid(),)


@pytest.mark.parametrize("name", ["ssh", "docker-proxy", "com.docker.backend", "rootlessport"])
def test_behind_a_tunnel_the_server_is_somewhere_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "name", lambda self: name)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert server_pids(listening.getsockname()[1]) == ()


@pytest.mark.parametrize(
    ("name", "remote"),
    [("ssh", True), ("sshd", True), ("kubectl", True), ("socat", True), ("docker-proxy", False), ("vllm", False)],
)
def test_a_server_at_the_other_end_of_a_tunnel_is_not_of_this_computer(
    name: str, remote: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil.Process, "name", lambda self: name)
    with serving(Script(routes={"/v1/models": listing("tiny")})) as server:
        assert OpenAI(SystemClock(), Setup(server=server.url)).info().remote is remote


def test_a_process_that_has_ended_is_no_server_and_no_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(self: psutil.Process) -> str:
        raise psutil.NoSuchProcess(self.pid)

    monkeypatch.setattr(psutil.Process, "name", ended)
    with serving(Script(routes={"/v1/models": listing("tiny")})) as server:
        assert OpenAI(SystemClock(), Setup(server=server.url)).info().remote is False
