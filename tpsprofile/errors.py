"""What can go wrong, as one tree.

    ProfileError                exit 1   anything a user can act on; printed as one line, never a traceback
    ├── UsageError              exit 2   the command or the plan asks for something that does not exist
    ├── PlanError               exit 2   a plan that cannot be read; names the key
    ├── ResultsError            exit 3   a results file that is not ours, is damaged, or cannot be written
    ├── ModelUnreadableError    exit 4   a model file or folder that is not whole
    └── EngineError             exit 5   the engine could not do what it was asked
        ├── EngineMissingError           the engine is not installed, or no server answers
        ├── ModelNotInstalledError       the engine does not have the model
        ├── ModelRefusedError            the engine has it, but it is no model of this machine (a cloud model)
        ├── DoesNotFitError              the engine had no memory for it
        ├── EngineDiedError              its process or connection ended in the middle of the work
        ├── EngineTimedOutError          it was silent for longer than the time it was given
        ├── CaseTooLongError             the model was not made for so long a context
        ├── EngineChangedError           the server came back under another version
        └── RepeatedOutputError          it stopped by itself because the text repeated itself

A sweep turns the errors of one model into an outcome on that model's row and goes on; what reaches the
command line ends it with ``exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ProfileError(Exception):
    """A failure with two parts: what happened, and what to do next.

    ``advice`` is None where nothing better can be said.
    """

    exit_code = 1

    def __init__(self, what: str, advice: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return self.what if self.advice is None else f"{self.what} {self.advice}"


class UsageError(ProfileError):
    """The command names something that does not exist."""

    exit_code = 2


class PlanError(ProfileError):
    """A sweep plan that cannot be read."""

    exit_code = 2


class ResultsError(ProfileError):
    """A results file that is not ours, is damaged, or cannot be written."""

    exit_code = 3


class ModelUnreadableError(ProfileError):
    """A model file that is no whole GGUF, or a folder that is no whole model."""

    exit_code = 4


class EngineError(ProfileError):
    """The engine could not do what it was asked."""

    exit_code = 5


class EngineMissingError(EngineError):
    """The engine is not installed here, or no server answers."""


class ModelNotInstalledError(EngineError):
    """The engine does not have the model."""


class ModelRefusedError(EngineError):
    """The engine has the model, but measuring it would say nothing about this machine."""


class DoesNotFitError(EngineError):
    """The engine had no memory for the model."""


class EngineDiedError(EngineError):
    """The engine's process or connection ended in the middle of the work."""


class EngineTimedOutError(EngineError):
    """The engine was silent for longer than it was given."""


class CaseTooLongError(EngineError):
    """The case needs a longer context than the model was made for."""


class EngineChangedError(EngineError):
    """The server came back under another version, whose figures are not those of the one before."""


class RepeatedOutputError(EngineError):
    """The engine stopped by itself because the text repeated itself; it sends no metrics then."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Advice for a name that does not exist: the nearest one that does, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There is: {', '.join(names)}." if names else ""
