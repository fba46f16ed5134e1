"""Sweep plans: YAML text becomes a validated SweepPlan. Touches nothing but the text and the plan files."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tpsprofile.errors import PlanError, UsageError, did_you_mean
from tpsprofile.prompts import PROMPTS
from tpsprofile.records import Record
from tpsprofile.units import parse_seconds

DEFAULT = "quick"


class SweepPlan(Record, frozen=True, kw_only=True):
    """What a sweep does. Every key of a plan file is a field here, and the other way round."""

    name: str
    about: str = ""
    """One line for people."""
    engine: str = "llama.cpp"
    server: str | None = None
    """Where the engine is, for those that have to be told: a program's path, or a server's address."""
    key_env: str | None = None
    """Name of the environment variable with the server's key, for servers that want one."""
    chat: bool = False
    """Prompts go through the model's chat template, for servers that have no other way."""
    cloud: bool = False
    """The server is a service of somebody else's: a control beside the machines, not one of them."""
    models: tuple[str, ...]
    """Names (``llama3.2:1b``), names with a quantisation for the twin (``llama3.2:1b@Q4_0``), or paths of GGUF
    files and of folders with safetensors."""
    prompt: str = "csvs-to-sqlite"
    tokens_out: int = 256
    """Tokens to generate in each trial."""
    context_tokens: int = 4096
    """Context length to reserve; where a plan does not say, more if its cases need more."""
    temperature: float = 0.0
    seed: int = 1
    depth: tuple[int, ...] = (0,)
    """Tokens in the context before the prompt; each is a case of its own."""
    prompt_tokens: tuple[int, ...] = ()
    """Lengths to bring the prompt to; each is a case of its own. Empty: the prompt as it is."""
    trials: int = 3
    """Trials a case at least, after a warm-up that is not recorded."""
    most_trials: int = 30
    """Trials a case at most, where that is more than ``trials``."""
    precision: float = 0.02
    """Trials go on until half of the 95% interval of the median decode rate is at most this share of it."""
    case_budget: float | None = 120.0
    """Seconds of trials after which a case gets no more than ``trials``; None for no limit. Written as ``2m``."""
    sustain: float | None = None
    """Seconds for which each case is kept running, however narrow its interval. Written as ``10m``."""
    order: str = "models"
    """``models``: one model after the other. ``rounds``: one trial of each, then the next: drift hits all."""
    cooldown: float = 60.0
    """Longest wait between two models for the processor to cool down, in seconds; 0 for none."""
    loads: int = 2
    """How often each model is loaded: the first load reads the disk, later ones the file cache."""
    line: float = 10.0
    """tok/s below which a model counts as too slow to use."""
    stop_below: float = 0.5
    """Stop climbing after a model slower than this share of the line; 0 never stops."""
    budget: float | None = None
    """Seconds for the whole sweep, downloads apart; None for as long as it takes. Written as ``5m``."""
    silence: float = 600.0
    """Seconds without a sign of life after which an engine counts as hung. Written as ``10m``."""


ORDERS = ("models", "rounds")
_OR_NONE = ("budget", "case_budget", "sustain")
"""Durations of which 0 means none."""
_DURATIONS = ("budget", "silence", "case_budget", "sustain", "cooldown")
CONTEXT_STEP = 256
"""llama.cpp rounds context lengths up to a multiple of this."""
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}|[a-z_][a-z0-9_]{0,31}")
_LIKE_A_KEY = re.compile(
    r"(sk|csk|gsk|hf|pk|fw|r8|xai|ghp|tgp|pplx|nvapi)_.*|[A-Za-z0-9]{20,}|.*(\d\D*){6}", re.DOTALL
)
"""Beginnings that services give their keys, long words, and more digits than names have."""
SHORTEST_PROMPT = 100
"""Tokens that the fixed prompt takes with any usual tokenizer, at most."""
SLACK_TOKENS = 64
"""Texts are brought to a number of tokens by whole sentences, so they may be a little longer."""
_AT_LEAST = {
    "tokens_out": 2,
    "context_tokens": CONTEXT_STEP,
    "trials": 1,
    "most_trials": 1,
    "precision": 0.001,
    "cooldown": 0,
    "silence": 1,
    "loads": 1,
    "line": 0.01,
    "stop_below": 0,
    "temperature": 0,
}


def folder() -> Path:
    """Where the plans that come with tpsprofile are: in the package, or beside it in a checkout."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"


def names() -> list[str]:
    """Names of the plans that come with tpsprofile."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def load(name_or_file: str) -> SweepPlan:
    """The plan of that name, or in that file.

    Raises PlanError for a plan that cannot be read, UsageError for a name that does not exist.
    """
    path = Path(name_or_file)
    if path.suffix not in {".yaml", ".yml"}:
        path = folder() / f"{name_or_file}.yaml"
        if not path.is_file():
            raise UsageError(f"There is no plan {name_or_file!r}.", did_you_mean(name_or_file, names()))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"The plan {path} cannot be read: {getattr(error, 'strerror', error)}.") from error
    return parse(text, name=path.stem, where=str(path))


def parse(text: str, *, name: str, where: str = "the plan") -> SweepPlan:
    """A plan from YAML text; ``name`` is used where the text gives none.

    Raises PlanError naming the key and what it may be.
    """
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise PlanError(f"{where}{line}: {problem}.") from error
    if not isinstance(raw, dict):
        raise PlanError(f"{where} is not a list of keys.", "It needs at least `models:` with a list of names.")
    return _validated({"name": name, **raw}, where)


def override(plan: SweepPlan, **changes: Any) -> SweepPlan:
    """The plan with some values replaced; None leaves a value as it is. Raises PlanError.

    A context that new depths or prompts do not fit in becomes longer; a plan's budget is none for sustained work.
    """
    wanted = {key: value for key, value in changes.items() if value is not None}
    whole = {**msgspec.structs.asdict(plan), **wanted}
    if wanted.get("sustain") and "budget" not in wanted:
        whole["budget"] = None
    if wanted.keys() & {"depth", "prompt_tokens"}:
        del whole["context_tokens"]
        wider = _validated(whole, "the command line")
        whole["context_tokens"] = max(plan.context_tokens, wider.context_tokens)
    return _validated(whole, "the command line")


def context_needed(plan: SweepPlan) -> int:
    """The context length, in tokens, that holds the plan's deepest case."""
    longest = max(plan.depth, default=0) + plan.tokens_out + max(plan.prompt_tokens, default=0)
    if plan.prompt_tokens or any(plan.depth):
        longest += SLACK_TOKENS + (0 if plan.prompt_tokens else SHORTEST_PROMPT)
    return -(-(longest + 1) // CONTEXT_STEP) * CONTEXT_STEP


def _validated(raw: dict[str, Any], where: str) -> SweepPlan:
    for key in raw:
        if key not in SweepPlan.__struct_fields__:
            hint = did_you_mean(str(key), SweepPlan.__struct_fields__)
            raise PlanError(f"{where}: there is no key {key!r}.", hint)
    for key in _DURATIONS:
        if key in _OR_NONE and raw.get(key) == 0:
            raw[key] = None
        if raw.get(key):
            try:
                raw[key] = parse_seconds(raw[key])
            except UsageError as error:
                raise PlanError(f"{where}: {key}: {error}") from None
    for key in ("models", "depth", "prompt_tokens"):
        if isinstance(raw.get(key), list):
            raw[key] = tuple(raw[key])
    try:
        plan = msgspec.convert(raw, SweepPlan)
    except msgspec.ValidationError as error:
        raise PlanError(f"{where}: {_plain(str(error))}.") from None
    if "context_tokens" not in raw:
        plan = msgspec.structs.replace(plan, context_tokens=max(plan.context_tokens, context_needed(plan)))
    _check(plan, where)
    _check_key(plan.key_env, where)
    _check_work(plan, where)
    return plan


def _plain(message: str) -> str:
    """msgspec's words as ours: ``Expected `int`, got `str` - at `$.trials``` -> ``trials: expected ...``."""
    if " - at `$" in message:
        what, _, key = message.partition(" - at `$")
        return f"{key.strip('.`')}: {what[0].lower()}{what[1:]}"
    return message.replace("Object missing required field", "it lacks the key")


def _check(plan: SweepPlan, where: str) -> None:
    if not plan.models:
        raise PlanError(f"{where}: models: there is none.", "List at least one name or GGUF file.")
    if plan.prompt not in PROMPTS:
        raise PlanError(
            f"{where}: prompt: there is no prompt {plan.prompt!r}.", did_you_mean(plan.prompt, PROMPTS)
        )
    if plan.context_tokens % CONTEXT_STEP:
        raise PlanError(f"{where}: context_tokens: {plan.context_tokens} is no multiple of {CONTEXT_STEP}.")
    for key, least in _AT_LEAST.items():
        if not math.isfinite(getattr(plan, key)):
            raise PlanError(f"{where}: {key}: {getattr(plan, key)} is no number to work with.")
        if getattr(plan, key) < least:
            raise PlanError(f"{where}: {key}: {getattr(plan, key)} is too small; at least {least}.")
    if (needed := context_needed(plan)) > plan.context_tokens:
        raise PlanError(
            f"{where}: context_tokens: depth, prompt and tokens_out do not fit in {plan.context_tokens}.",
            f"They need at least {needed}.",
        )


def _check_key(name: str | None, where: str) -> None:
    """What is no name may be the key itself, so it is not repeated."""
    if name is not None and (not _VARIABLE.fullmatch(name) or _LIKE_A_KEY.fullmatch(name)):
        raise PlanError(
            f"{where}: key_env: what stands there is no name of an environment variable.",
            "Put the key into one and give its name: OPENAI_API_KEY.",
        )


def _check_work(plan: SweepPlan, where: str) -> None:
    """The order of trials, how many, and on what."""
    if plan.order not in ORDERS:
        raise PlanError(f"{where}: order: there is no order {plan.order!r}.", f"There is {' and '.join(ORDERS)}.")
    if not plan.depth or min(plan.depth) < 0:
        raise PlanError(f"{where}: depth: at least one number, none below 0.", "For an empty context: [0].")
    if plan.prompt_tokens and min(plan.prompt_tokens) < SHORTEST_PROMPT:
        raise PlanError(f"{where}: prompt_tokens: the fixed prompt alone takes about {SHORTEST_PROMPT} tokens.")
    if plan.precision >= 1:
        raise PlanError(f"{where}: precision: {plan.precision:g} is {plan.precision:.0%}.", "Write 2% as 0.02.")
    if plan.sustain is not None and plan.order == "rounds":
        raise PlanError(f"{where}: sustain: a model cannot be kept at work in rounds.", "Use order: models.")
    if plan.sustain is not None and plan.budget is not None and plan.sustain > plan.budget:
        raise PlanError(f"{where}: sustain: {plan.sustain:g} s do not fit in a budget of {plan.budget:g} s.")
