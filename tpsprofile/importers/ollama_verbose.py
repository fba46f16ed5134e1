"""What ``ollama run --verbose`` prints after an answer, pasted into a file with whatever stood around it.

The figures come as a block of lines, ``eval rate:            25.08 tokens/s`` the last of them. Each rate is there
three times over: as a count, a duration and the rate itself, which Ollama works out as count / duration
(``Metrics.Summary`` in its ``api/types.go``). The three are compared, and a block that lacks one is refused.

What the block does not say: the model, which the command before it may, the version, and how much of the prompt
came from a cache. So the decode rate stays as printed, and the prefill rate unverified. The load of a warm model
is not 0 either, and is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tpsprofile.importers import figures
from tpsprofile.importers.ollama_session import Block, Figure, answers, models
from tpsprofile.importers.reported import UNVERIFIED, Part, Refused
from tpsprofile.records import EngineInfo, ModelFacts, Outcome, Trial, Workload

METHOD = "ollama run --verbose"
NO_NAME = ""
"""Stands for a model whose name the text does not tell."""

_TOTAL, _LOAD = "total duration", "load duration"
_PROMPT = ("prompt eval count", "prompt eval duration", "prompt eval rate")
_EVAL = ("eval count", "eval duration", "eval rate")
_ORDER = (_TOTAL, _LOAD, *_PROMPT, *_EVAL)

_ERASED = re.compile(r"^.*(?:\x1b\[[12]?K|\x1b\[1?G)")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_LINE = re.compile(
    rf"^[\s>|*•·#`–-]*(?:\d+[.)]\s+)?(?P<label>{'|'.join(_ORDER)})\*{{0,2}}\s*:\*{{0,2}}(?P<value>.*)$"
)
_COUNT = re.compile(r"(\d+) token\(s\)", re.ASCII)
_RATE = re.compile(r"(\d+\.\d\d) tokens/s", re.ASCII)
_LONG = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d{1,9})?)s", re.ASCII)
_SHORT = re.compile(r"(\d+(?:\.\d{1,6})?)(ms|µs|μs|us|ns)", re.ASCII)
_UNITS = {"ms": 1e3, "µs": 1e6, "μs": 1e6, "us": 1e6, "ns": 1e9}
_ROUNDED = 0.0051
"""tok/s: half of the last digit of a printed rate, and the error of adding."""
_LATE_S = 0.005
"""How much longer than the whole its parts may be, by their rounding: 0.5.11 tells milliseconds."""


def claims(text: str) -> bool:
    """There is a line of the block, or what is left of one."""
    return bool(re.search(r"^.*\beval (?:rate|count|duration)\b", text, re.MULTILINE)) and any(
        _LINE.match(line) for _, line in _lines(text)
    )


def read(text: str) -> tuple[Part, ...]:
    """One part; a trial for each block, numbered by model. Raises Refused."""
    lines = list(_lines(text))
    blocks = list(_blocks(lines))
    if not blocks:
        raise Refused("It holds no figures of ollama run --verbose.", advice="Paste all lines, with their labels.")
    counted, remarks = answers(lines, blocks)
    names, same = models(lines, counted), Counter[str]()
    trials: list[Trial] = []
    for block, name in zip(counted, names, strict=True):
        trial = _trial(block, name or NO_NAME, same[name or NO_NAME] + 1)
        if trial is None:
            remarks.append(f"Line {block.line}: a single token has no rate; left out.")
        else:
            same[trial.model.name] += 1
            trials.append(trial)
    if not trials:
        raise Refused("No answer in it is longer than a token, and one token has no rate.", blocks[0].line)
    if any(trial.prefill_s for trial in trials):
        remarks.append(UNVERIFIED)
    return (Part(method=METHOD, engine=EngineInfo(name="ollama"), trials=tuple(trials), remarks=tuple(remarks)),)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines, with their number, as they stand on a terminal in the end: without what was erased or coloured.

    What a progress bar writes over itself is a line each time.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        for piece in line.split("\r"):
            yield number, _ANSI.sub("", _ERASED.sub("", piece))


def _blocks(lines: Iterable[tuple[int, str]]) -> Iterator[Block]:
    """Runs of figures in their order; blank lines between them do not count, any other line ends a block."""
    held: dict[str, Figure] = {}
    last = 0
    for number, line in lines:
        found = _LINE.match(line)
        if found is None:
            if held and line.strip(" \t>|`"):
                yield _block(held, last)
                held = {}
            continue
        figure = Figure(found["label"], found["value"].strip(" \t`|*"), number)
        if held and _place(figure.label) <= max(map(_place, held)):
            yield _block(held, last)
            held = {}
        if held or _is_figure(figure):
            held[figure.label], last = figure, number
    if held:
        yield _block(held, last)


def _block(held: dict[str, Figure], last: int) -> Block:
    return Block(held, min(one.line for one in held.values()), last)


def _place(label: str) -> int:
    return _ORDER.index(label)


def _is_figure(figure: Figure) -> bool:
    """A line that opens a block, not a sentence that begins alike."""
    return any(pattern.fullmatch(figure.value) for pattern in (_COUNT, _RATE, _LONG, _SHORT))


def _trial(block: Block, name: str, number: int) -> Trial | None:
    """The trial of a block, None for a single token. Raises Refused for a block that is not whole."""
    tokens_out = _tokens(block, _EVAL[0])
    if tokens_out == 1:
        return None
    decode_s, rate = _checked(block, _EVAL)
    prompted = any(label in block.figures for label in _PROMPT)
    prefill_s, _ = _checked(block, _PROMPT) if prompted else (None, None)
    _check_total(block, decode_s + (prefill_s or 0.0))
    return Trial(
        model=ModelFacts(name=name),
        workload=Workload(prompt="not told"),
        outcome=Outcome.OK,
        number=number,
        tokens_in=_tokens(block, _PROMPT[0]) if prompted else None,
        tokens_out=tokens_out,
        prefill_s=prefill_s,
        reported_decode_tok_s=rate,
    )


def _checked(block: Block, labels: tuple[str, str, str]) -> tuple[float, float]:
    """Duration in s and rate in tok/s, held against the count. Raises Refused where they contradict each other."""
    count, duration, rate = _tokens(block, labels[0]), _seconds(block, labels[1]), _rate(block, labels[2])
    if abs(count / duration - rate) > _ROUNDED:
        said = f"{count} tokens in {duration:.6g} s are {count / duration:.2f} tokens/s, and {rate:.2f} are told."
        raise Refused(said, block.figures[labels[2]].line)
    return duration, rate


def _check_total(block: Block, known_s: float) -> None:
    if _TOTAL not in block.figures:
        return
    total = _seconds(block, _TOTAL)
    parts = known_s + (_seconds(block, _LOAD) if _LOAD in block.figures else 0.0)
    if parts > total + _LATE_S:
        said = f"the parts take {parts:.6g} s, and the total duration is {total:.6g} s."
        raise Refused(f"{said[0].upper()}{said[1:]}", block.figures[_TOTAL].line)


def _figure(block: Block, label: str) -> Figure:
    if label not in block.figures:
        raise Refused(f"The block has no {label}.", block.last, "Paste it from total duration to eval rate.")
    return block.figures[label]


def _tokens(block: Block, label: str) -> int:
    _, value, line = _figure(block, label)
    found = _COUNT.fullmatch(value)
    return figures.tokens(found[1] if found else value, label, line, least=1)


def _rate(block: Block, label: str) -> float:
    _, value, line = _figure(block, label)
    found = _RATE.fullmatch(value)
    return figures.rate(found[1] if found else value, label, line)


def _seconds(block: Block, label: str) -> float:
    """A duration as Go prints it: ``5m6.946729681s``, ``478.441174ms``, ``12.5µs``."""
    _, value, line = _figure(block, label)
    long, short = _LONG.fullmatch(value), _SHORT.fullmatch(value)
    if short:
        return figures.real(short[1], label, line) / _UNITS[short[2]]
    if not long:
        raise Refused(f"{label} is {figures.shown(value)}, not a duration.", line)
    hours, minutes, seconds = (float(part or 0) for part in long.groups())
    if (long[1] or long[2]) and (seconds >= 60 or (long[1] and minutes >= 60)):
        raise Refused(f"{label} is {figures.shown(value)}, which cannot be.", line)
    return figures.real(hours * 3600 + minutes * 60 + seconds, label, line, most=figures.SECONDS_MOST)
