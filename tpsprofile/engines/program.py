"""A server program of the user's own that the profiler starts, watches and ends.

    port = free_port()
    program = Program([path, "--port", str(port)], Wording(name="llama-server", ...))
    try:
        load_s = program.wait_until_ready(f"http://127.0.0.1:{port}/health", silence_s)
    except BaseException:
        program.end()
        raise

What it prints goes to a temporary file, out of which failures are explained. It has a session of its own, so that
Ctrl-C is for the profiler alone, and it ends with the profiler, however that ends (``launch``). Keep secrets out
of the arguments, which every user of a computer can read: put them into ``environment``.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO
from urllib.parse import urlsplit

import psutil

from tpsprofile.errors import (
    DoesNotFitError,
    EngineDiedError,
    EngineMissingError,
    EngineTimedOutError,
    ModelUnreadableError,
    ProfileError,
)
from tpsprofile.records import Record

_SIGNALS = {
    -9: "the system sends it when memory runs out",
    -4: "it was built for a processor with other instructions",
}
_GUARD = {"linux": "kernel", "win32": "stay"}.get(sys.platform, "keeper")
_PORT_TAKEN = ("couldn't bind", "address already in use", "only one usage of each socket address")
_LONGEST = 160
"""Characters of a line of the log in a message."""


class Wording(Record, frozen=True, kw_only=True):
    """How a program says what went wrong: words of its log, in lower case."""

    name: str
    """The program, in messages."""
    no_memory: tuple[str, ...]
    """Words anywhere in the log that mean: there was no memory for the model."""
    not_a_model: tuple[str, ...]
    """Words in a line with ``error`` or ``fail`` that mean: the file is no model."""
    before: str = ""
    """Pattern of what stands before each line of the log and says nothing: times, levels."""

    def explained(self, what: str, log: str) -> ProfileError:
        """The error that the log tells of: ``what``, and the line that says most."""
        if any(word in log.lower() for word in self.no_memory):
            return DoesNotFitError(f"{self.name} found no memory for the model.")
        if any(word in log.lower() for word in _PORT_TAKEN):
            return EngineDiedError(f"{self.name} found its port taken by another program.", "Try again.")
        lines = [re.sub(f"^{self.before}", "", line.strip()) for line in log.splitlines()]
        errors = [line for line in lines if "error" in line.lower() or "fail" in line.lower()]
        if any(word in " ".join(errors).lower() for word in self.not_a_model):
            return ModelUnreadableError(f"{what}: {errors[0][:_LONGEST]}.")
        return EngineDiedError(f"{what}." if not errors else f"{what}: {errors[-1][:_LONGEST]}.")


class Program:
    """A running program. Also a ``Server`` in the sense of ``llama.session``."""

    def __init__(
        self, command: Sequence[str], wording: Wording, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start ``command``, whose first word is a program's path.

        ``environment`` is the program's whole environment, None for this process's own. On Linux the program ends
        with the thread that calls this. Raises EngineMissingError where it cannot be run.
        """
        self._wording = wording
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed in end())
        launch = [sys.executable, "-P", "-m", "tpsprofile.engines.launch", _GUARD, str(os.getpid())]
        self._process = subprocess.Popen(
            [*launch, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            env=environment,
        )
        self.pid = self._process.pid
        try:
            self._wait_for_its_beginning(command[0])
        except BaseException:
            self.end()
            raise
        self._began = time.perf_counter()

    def _wait_for_its_beginning(self, path: str) -> None:
        assert self._process.stdout is not None
        if why := self._process.stdout.read():
            raise EngineMissingError(f"{path} cannot be run: {why.decode(errors='replace')}.")

    def wait_until_ready(self, url: str, silence_s: float, hopeless: str | None = None) -> float:
        """Seconds from the program's beginning until it answered 200 at ``url``, plain HTTP on this computer.

        Another answer, 503 for one, means that it is not ready yet, and so does an answer of somebody else who
        has the port. ``hopeless`` is what its log says where it runs on but will never be ready. Raises
        EngineTimedOutError after ``silence_s`` seconds, and DoesNotFitError, ModelUnreadableError or
        EngineDiedError where it ended or gave up.
        """
        while True:
            answered = _answers(url, min(silence_s, 5.0))
            waited = time.perf_counter() - self._began
            if answered and _listens(self.pid, urlsplit(url).port):
                return waited
            if self._process.poll() is not None:
                what = f"{self._wording.name} ended while loading ({self.how_it_ended()})"
                raise self._wording.explained(what, self.log())
            if hopeless and hopeless in self.log():
                raise self._wording.explained(f"{self._wording.name} gave up loading", self.log())
            if waited > silence_s:
                raise EngineTimedOutError(f"{self._wording.name} was not ready after {silence_s:.0f} s.")
            # Fine enough for the time to be right, and rare enough not to take the processor from the load.
            time.sleep(min(max(waited / 50, 0.01), 0.25))

    def log(self) -> str:
        """What it has printed so far."""
        return read_log(self._log)

    def how_it_ended(self) -> str:
        """``signal 9``, ``exit status 1``, or that it still runs."""
        return how_it_ended(self._process)

    def end(self) -> None:
        """End the program and what it has started, at once. May be called again."""
        end_group(self._process)
        self._log.close()


def answer_of(command: Sequence[str], environment: Mapping[str, str] | None = None, wait_s: float = 60.0) -> str:
    """All that a program prints, errors included, when it is run to its end, however it ends.

    Raises EngineMissingError where it cannot be run or does not end within ``wait_s`` seconds.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=wait_s,
            check=False,
        )
    except OSError as error:
        raise EngineMissingError(f"{command[0]} cannot be run: {error.strerror or error}.") from None
    except subprocess.TimeoutExpired:
        what = f"{command[0]} did not answer {command[-1]} within {wait_s:.0f} s."
        raise EngineMissingError(what) from None
    return done.stdout.decode(errors="replace")


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """``signal 9``, ``exit status 1``, or that it still runs."""
    try:
        code = process.wait(timeout=2.0)
    except subprocess.TimeoutExpired:
        return "the process still runs"
    if code >= 0:
        return f"exit status {code}"
    return f"signal {-code}; {_SIGNALS[code]}" if code in _SIGNALS else f"signal {-code}"


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with a session of its own and all in it, wait for it, and close its pipes."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    if sys.platform == "win32":
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5.0)  # the launcher ends the program now
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def read_log(log: IO[bytes]) -> str:
    """All that a process has written to its log so far."""
    if sys.platform == "win32":
        log.seek(0)
        return log.read().decode(errors="replace")
    # Not by seeking: the process writes where this file is at.
    return os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")


def free_port() -> int:
    """A port of the loopback interface on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str, timeout_s: float) -> bool:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=timeout_s)
    try:
        connection.request("GET", where.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listens(pid: int, port: int | None) -> bool:
    """Whether the process, or one that it started, listens on the port; True where that cannot be known."""
    try:
        process = psutil.Process(pid)
        sockets = [each for one in (process, *process.children(recursive=True)) for each in one.net_connections()]
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True
    return any(each.laddr and each.laddr.port == port for each in sockets)
