"""Becomes another program that ends when the profiler does: ``python -m tpsprofile.engines.launch``.

    launch GUARD PARENT PROGRAM [ARGUMENT ...]

``GUARD`` is who sees to it that nothing outlives the profiler (process ``PARENT``), however that ends:

- ``kernel``: Linux, which sends SIGKILL when the parent's thread ends. This process becomes the program.
- ``keeper``: other Unix systems. A process of its own, no child of anybody's here, waits for the end of standard
  input and then kills the process group, itself included. This process becomes the program.
- ``stay``: systems that cannot replace a process. This one stays, and ends the program when standard input ends.

Standard output tells the parent when the program begins: it is closed then. What is written there before is why
the program could not be run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run the program that the command line names. Does not return."""
    guard, parent, *command = sys.argv[1:]
    answer = os.dup(1)  # not inherited, so it is closed as soon as this process is the program
    os.dup2(2, 1)
    try:
        if guard == "stay":
            _stay(command, answer)
        _GUARDS[guard](int(parent), answer)
        _input_from_nowhere()
        os.execv(command[0], command)  # noqa: S606  (no shell is what is wanted)
    except OSError as error:
        os.write(answer, (error.strerror or str(error)).encode())
    os._exit(127)


def _kernel(parent: int, _answer: int) -> None:
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _keeper(_parent: int, answer: int) -> None:
    if child := os.fork():
        os.waitpid(child, 0)
        return
    if os.fork():  # nobody's child: else it would count as a part of the program
        os._exit(0)
    os.close(answer)
    _until_input_ends()
    os.killpg(0, signal.SIGKILL)


_GUARDS = {"kernel": _kernel, "keeper": _keeper}


def _stay(command: list[str], answer: int) -> None:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    os.close(answer)

    def end() -> None:
        _until_input_ends()
        program.kill()

    threading.Thread(target=end, daemon=True).start()
    code = program.wait()
    os._exit(code if code >= 0 else 1)


def _until_input_ends() -> None:
    while os.read(0, 4096):
        pass


def _input_from_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)


if __name__ == "__main__":
    main()
