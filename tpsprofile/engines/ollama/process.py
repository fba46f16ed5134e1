"""Which process of this computer is the Ollama server; the processes that run its models are its children."""

from __future__ import annotations

import psutil

_NAMES = ("ollama", "ollama.exe")


def server_pids(port: int) -> tuple[int, ...]:
    """The Ollama process that listens on that port; empty where there is none or it cannot be known.

    Systems hide whose socket it is from other users (always on macOS, and on Linux where Ollama runs as a
    service). Then it is the only ``ollama serve`` there is. A listener of another name is a tunnel or a
    container's proxy, behind which the server is somewhere else.
    """
    owners, hidden = _owners(port)
    if owners or not hidden:
        return tuple(sorted(pid for pid in owners if _name(pid) in _NAMES))
    servers = [process.pid for process in psutil.process_iter() if _serves(process)]
    return (servers[0],) if len(servers) == 1 else ()


def _owners(port: int) -> tuple[set[int], bool]:
    """Processes that listen on the port, and whether the system hides any."""
    try:
        listening = [
            each.pid
            for each in psutil.net_connections(kind="tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        ]
    except (psutil.Error, OSError):
        return set(), True
    return {pid for pid in listening if pid}, not listening or None in listening


def _name(pid: int) -> str | None:
    try:
        return psutil.Process(pid).name().casefold()
    except psutil.Error:
        return None


def _serves(process: psutil.Process) -> bool:
    try:
        return process.name().casefold() in _NAMES and "serve" in process.cmdline()
    except (psutil.Error, OSError):
        return False
