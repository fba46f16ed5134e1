"""Which process of this computer is the server; those that run its models are it, or its children."""

from __future__ import annotations

from contextlib import suppress

import psutil

_TUNNELS = ("ssh", "autossh", "plink", "putty", "kubectl", "socat", "cloudflared", "chisel", "frpc")
"""Beginnings of the names of programs that bring another computer's port here."""
_WALLS = ("docker", "vpnkit", "rootlessport", "slirp4netns", "pasta", "wslrelay")
"""The same of those that stand before a server of this computer, in a container or a system within."""


def server_pids(port: int) -> tuple[int, ...]:
    """The processes that listen on that port; empty where there is none or it cannot be known.

    Where the system does not show everybody's sockets, as macOS does not, the user's own processes are asked.
    """
    named = {pid: _name(pid) for pid in _owners(port)}
    return tuple(sorted(pid for pid, name in named.items() if name and not name.startswith(_TUNNELS + _WALLS)))


def is_tunnel(port: int) -> bool:
    """Whether a program listens on that port behind which the server is another computer's, as far as one sees."""
    return any(_name(pid).startswith(_TUNNELS) for pid in _owners(port))


def _owners(port: int) -> set[int]:
    owners = _told_owners(port)
    if owners is None:
        return {process.pid for process in psutil.process_iter() if _listens(process, port)}
    return owners


def _told_owners(port: int) -> set[int] | None:
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


def _name(pid: int) -> str:
    """Its program's name in small letters; empty where it has ended."""
    try:
        return psutil.Process(pid).name().casefold().removeprefix("com.")
    except psutil.Error:
        return ""
