"""MLX, Apple's engine for its own chips: ``mlx_lm.server`` of the package mlx-lm, one process a loaded model.

mlx-lm is no part of tpsprofile; the user's is found in this Python, on the PATH, or where ``--server`` says. The
server is offline, keeps nothing of one prompt for the next, and is told never to end a text (``ends``). It takes
models in folders, as safetensors.

- Time to load goes from the start of the process to the answer to a request for one token. It has the start of
  Python and of its libraries in it, which takes seconds.
- MLX reserves no context: its cache grows with the text, so the context length of a plan only bounds prompts.
- It has no clock of its own. Rates are by this program's clock and the server's counts, and there is no prefill
  time apart from the time to the first token.
- All of this was tried with MLX's processor build on Linux. Nothing was ever run on macOS, where the work is done
  through Metal and weights lie in memory wired for the graphics processor, which the resident set that
  ``watch`` sees may leave out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from tpsprofile.clock import Clock
from tpsprofile.engines.base import Capabilities, Request, Setup, Weights
from tpsprofile.engines.llama.files import TakesFiles
from tpsprofile.engines.mlx import ends, installed
from tpsprofile.engines.mlx.session import GAVE_UP, WORDING, MlxSession
from tpsprofile.engines.openai import address
from tpsprofile.engines.openai.wire import Wire
from tpsprofile.engines.program import Program, free_port
from tpsprofile.errors import EngineError, ModelNotInstalledError, ProfileError
from tpsprofile.models.safetensors_file import open_folder
from tpsprofile.records import EngineInfo

_HOST = "127.0.0.1"
_PINNED = ("--prompt-cache-size", "0", "--temp", "0")
_ADVICE = "Give it a folder with config.json, tokenizer.json and model.safetensors."


class Mlx(TakesFiles):
    """Runs folders of safetensors with the user's own mlx_lm; has no models of its own."""

    can = Capabilities(
        takes=("safetensors",),
        server="program",
        sets_context=False,
        ignores_end=True,
        reports_cached=True,
        times_itself=False,
    )

    def __init__(self, clock: Clock, setup: Setup | None = None) -> None:
        self.clock = clock
        self._asked_for = None if setup is None else setup.server

    def info(self) -> EngineInfo:
        """Version of mlx-lm; as its build, those of mlx and Python; and the graphics processor it works on.

        Raises EngineMissingError where there is no mlx_lm.
        """
        told = installed.about(self._python)
        return EngineInfo(
            name="mlx",
            version=told["mlx_lm"],
            build=f"mlx {told.get('mlx')}, Python {told.get('python')}",
            devices=(str(told["gpu"]),) if told.get("gpu") else (),
        )

    def options(self) -> dict[str, str | int | float | bool | None]:
        """The options that pin it; everything else is mlx_lm.server's default."""
        return {"flags": " ".join(_PINNED), "end_logit_bias": ends.FORBIDDEN}

    def find(self, name: str) -> Weights:
        """Raises ModelNotInstalledError: this engine takes folders."""
        raise ModelNotInstalledError(f"MLX has no model {name!r}.", _ADVICE)

    def pull(self, name: str, progress: Callable[[int, int | None], None]) -> None:
        """Raises EngineError: nothing is downloaded here."""
        raise EngineError("MLX does not download models here.", _ADVICE)

    def load(self, weights: Weights, *, context_tokens: int, silence_s: float) -> MlxSession:
        """Start a server with the model, and wait for the answer to a request for one token.

        Raises DoesNotFitError, ModelUnreadableError, EngineDiedError, EngineTimedOutError or EngineMissingError.
        """
        if weights.path is None:
            raise ModelNotInstalledError(f"There is no folder for {weights.facts.name}.", _ADVICE)
        folder = Path(weights.path).absolute()
        open_folder(folder)
        url = f"http://{_HOST}:{(port := free_port())}"
        where = ["--model", str(folder), "--host", _HOST, "--port", str(port)]
        command = [self._python, "-m", "mlx_lm", "server", *where, *_PINNED]
        program = Program(command, WORDING, installed.environment(os.environ))
        session = MlxSession(program, Wire(address.parse(url), self.clock), ends.bias(folder))
        try:
            started_s = program.wait_until_ready(f"{url}/health", silence_s, GAVE_UP)
            session.load_s = started_s + self._first_answer(session, max(1.0, silence_s - started_s))
        except ProfileError as error:
            explained = session.of_start(error)
            session.__exit__(None, None, None)
            raise explained from None
        except BaseException:
            session.__exit__(None, None, None)
            raise
        return session

    @cached_property
    def _python(self) -> str:
        return installed.find_python(self._asked_for)

    def _first_answer(self, session: MlxSession, silence_s: float) -> float:
        """Seconds until the model is loaded and has answered: the server says that it is well before that."""
        asked = self.clock.monotonic()
        list(session.generate(Request(prompt="1", tokens_out=1, silence_s=silence_s)))
        return self.clock.monotonic() - asked
