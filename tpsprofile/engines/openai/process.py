"""Which process of this computer is the server; those that run its models are it, or its children."""

from __future__ import annotations

from contextlib import suppress

import psutil

_ELSEWHERE = ("ssh", "docker", "vpnkit", "rootlessport", "slirp4netns", "pasta", "kubectl", "socat", "wslrelay")
"""Beginnings of the names of tunnels and proxies, behind which the server is somewhere else."""


def server_pids(port: int) -> tuple[int, ...]:
    """The processes that listen on that port; empty where there is none or it cannot be known.

    Where the system does not show everybody's sockets, as macOS does not, the user's own processes are asked.
    """
    owners = _owners(port)
    if owners is None:
        owners = {process.pid for process in psutil.process_iter() if _listens(process, port)}
    return tuple(sorted(pid for pid in owners if not _is_tunnel(pid)))


def _owners(port: int) -> set[int] | None:
    """The processes that listen on the port; None where the system does not say."""
    try:
        listening = [
            each.pid
            for each in psutil.net_connections(kind="tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        ]
    except (psutil.Error, OSError):
        return None
    return {pid for pid in listening if pid}


def _listens(process: psutil.Process, port: int) -> bool:
    with suppress(psutil.Error, OSError):
        return any(
            each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
            for each in process.net_connections(kind="tcp")
        )
    return False


def _is_tunnel(pid: int) -> bool:
    try:
        name = psutil.Process(pid).name().casefold()
    except psutil.Error:
        return True
    return name.removeprefix("com.").startswith(_ELSEWHERE)
