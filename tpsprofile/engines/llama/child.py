"""The process in which the embedded llama.cpp runs: ``python -m tpsprofile.engines.llama.child``.

Reads one line of JSON on standard input (``path``, ``context_tokens``, ``threads``), starts the server on a free
loopback port, and answers one line of JSON on standard output. It ends when its standard input does, that is
when its parent ends, however that comes about. Without ``path`` it only tells what the build is.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any


def main() -> None:
    """Serve one model until the parent is gone."""
    _end_with_parent(os.getppid())
    # Standard output is for the answer alone; what libraries print there goes to the log.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = json.loads(sys.stdin.readline() or "{}")
    answer: dict[str, Any]
    try:
        import xllamacpp

        answer = {"compiler": str(xllamacpp.BUILD_INFO.get("compiler", "")), "gpus": _gpus(xllamacpp)}
        answer["system"] = xllamacpp.get_system_info()
        server = None
        if "path" in order:
            started = time.perf_counter()
            server = xllamacpp.Server(_parameters(xllamacpp, order))
            answer |= {"url": server.listening_address, "load_s": time.perf_counter() - started}
    except Exception as error:  # noqa: BLE001  (whatever it is, the parent is told)
        answer = {"error": str(error) or type(error).__name__}
    with suppress(BrokenPipeError):  # the parent ended while the model was loading
        print(json.dumps(answer), file=answers, flush=True)
        sys.stdin.read()
    # No orderly end: the server's threads need none, and there is nobody left to wait for them.
    os._exit(0)


def _parameters(xllamacpp: Any, order: dict[str, Any]) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = order["path"]
    parameters.n_ctx = order["context_tokens"]
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = order["threads"]
    parameters.cpuparams_batch.n_threads = order["threads"]
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.ui = False
    return parameters


def _gpus(xllamacpp: Any) -> list[str]:
    types = xllamacpp.ggml_backend_dev_type
    # Those that accelerate are libraries for the processor, as Apple's Accelerate.
    processor = (types.GGML_BACKEND_DEVICE_TYPE_CPU, types.GGML_BACKEND_DEVICE_TYPE_ACCEL)
    return [device["description"] for device in xllamacpp.get_device_info() if device["type"] not in processor]


def _end_with_parent(parent: int) -> None:
    """Ask Linux for SIGKILL when the parent ends, for the time in which standard input is not being read."""
    if sys.platform != "linux":
        return
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
