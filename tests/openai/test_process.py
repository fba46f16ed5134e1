"""Whose process a server is, as far as this computer tells."""

from __future__ import annotations

import os
import socket
from typing import Any

import psutil
import pytest

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
