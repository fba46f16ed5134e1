"""Ollama's bench tool (``cmd/bench``): CSV, benchstat lines, and the markdown that it printed at first.

Each epoch gives its steps one after the other: prefill, generate, then load and total; the later form has ttft
before load. A rate stands there twice, as ns a token and as tokens a second; markdown has the duration besides.
All are compared, and the parts of an epoch may not be longer than its total.

The first form sends the same prompt in every epoch, so that a cache answers for most of it: its prefill is left
out. The later form begins each prompt with another number. Neither says how much came from a cache, nor Ollama's
version, so the decode rate stays as printed, count / duration. Benchstat lines of the later form have no counts,
so that no prefill rate can be worked out from them. The load of a warm model is not 0 either, and is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tpsprofile.importers import figures
from tpsprofile.importers.reported import UNVERIFIED, Part, Refused
from tpsprofile.records import EngineInfo, Memory, ModelFacts, Outcome, Trial, Workload

METHOD = "ollama bench"

_HEADER = "NAME,STEP,COUNT,NS_PER_COUNT,TOKEN_PER_SEC"
_RATED = ("prefill", "generate")
_FIRST = ("prefill", "generate", "load", "total")
_LATER = ("prefill", "generate", "ttft", "load", "total")
_STEP = "|".join(_LATER)
_CSV = re.compile(rf"^(?P<name>[^,|]+),(?P<step>{_STEP}),(?P<count>[^,]*),(?P<ns>[^,]*),(?P<rate>[^,]*)$")
_STAT = re.compile(
    rf"^BenchmarkModel/name=(?P<name>\S+?)(?:/step=(?P<step>{_STEP}))? (?P<count>\S+) (?P<ns>\S+) ns/(?P<unit>\S+)"
    r"(?: (?P<rate>\S+) token/sec)?$"
)
_TABLE = re.compile(
    rf"^\| (?P<name>[^|]+?) \| (?P<step>{_STEP}) \| (?P<count>[^|]*) \| (?P<took>[^|]*) \| (?P<ns>[^|]*) \| "
    r"(?P<rate>[^|]*) \|$"
)
_ABOUT = re.compile(r"^# Model: (?P<name>\S+) \| (?P<rest>.*)$")
_ROW_LIKE = re.compile(rf"BenchmarkModel|step=|[,|]\s*(?:{_STEP})\s*[,|]|token/sec|NS_PER|ns/(?:op|token|request)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMBT]?)", re.ASCII)
_SCALE = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)(s|ms|µs|ns))", re.ASCII)
_UNITS = {"s": 1e9, "ms": 1e6, "µs": 1e3, "ns": 1.0}

_ROUNDED = 0.0051
"""Half of the last digit of a printed figure, and the error of adding."""
_ONE_TOKEN_NS = 1000.0
"""What Ollama 0.33 gives for an answer of one token, which has no span of time."""
_LATE = 0.001
"""Share by which the parts of an epoch may be longer than the whole, by their rounding."""


class _Row(NamedTuple):
    """One step of an epoch."""

    name: str
    step: str
    tokens: int | None
    """None where the form has no counts: benchstat lines of the later form all say 1."""
    ns: float
    """Nanoseconds a token; of a step without tokens, all of them."""
    rate: float | None
    line: int

    @property
    def seconds(self) -> float | None:
        """How long the step took."""
        return None if self.tokens is None else self.tokens * self.ns / 1e9


class _About(NamedTuple):
    """What the comment says of a model."""

    model: ModelFacts
    memory: Memory
    context_tokens: int | None
    line: int


def claims(text: str) -> bool:
    """There is a header, a comment or a line of the tool."""
    signs = (_HEADER, "BenchmarkModel/name=", "| Model | Step | Count |", "NAME,STEP,COUNT")
    return any(sign in text for sign in signs) or any(_CSV.match(line) for line in text.split("\n")[:50])


def read(text: str) -> tuple[Part, ...]:
    """One part; a trial for each epoch, numbered by model. Raises Refused."""
    rows: list[_Row] = []
    about: dict[str, _About] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if found := _ABOUT.match(line):
            about[found["name"]] = _about(found, number)
        elif row := _row(line, number):
            rows.append(row)
        elif _ROW_LIKE.search(line) and not _is_heading(line):
            raise Refused(f"This is no line of the tool: {figures.shown(line)}.", number)
    if not rows:
        raise Refused("It has no row of figures.")
    every = list(_epochs(rows))
    epochs = _once(every)
    trials, short = _trials(epochs, about)
    if not trials:
        raise Refused("No answer in it is longer than a token, and one token has no rate.", rows[0].line)
    again = len(every) - len(epochs)
    twice = [f"Left out: {again} epochs that stand there twice."] if again else []
    remarks = (*twice, *_remarks(epochs, short), *_without(about, rows))
    return (Part(method=METHOD, engine=EngineInfo(name="ollama"), trials=tuple(trials), remarks=remarks),)


def _is_heading(line: str) -> bool:
    return line == _HEADER or line.replace(" ", "").startswith("|Model|Step|Count|")


def _row(line: str, number: int) -> _Row | None:
    """The step that a line tells, None for other lines. Raises Refused for one whose figures disagree."""
    found = _CSV.match(line) or _STAT.match(line) or _TABLE.match(line)
    if found is None:
        return None
    cells = found.groupdict()
    name, step = cells["name"].strip(), cells["step"] or "total"
    if step in _RATED:
        return _rated(cells, name, step, number)
    _check_single(cells, step, number)
    took = cells.get("took")
    ns = _nanoseconds(took, number) if took else figures.real(cells["ns"], f"{step} duration", number, zero=True)
    return _Row(name, step, 1, ns, None, number)


def _rated(cells: Mapping[str, str | None], name: str, step: str, number: int) -> _Row:
    unit = cells.get("unit")
    if unit not in (None, "token"):
        raise Refused(f"{step} is in {figures.shown(f'ns/{unit}')}, not in ns/token.", number)
    count = figures.tokens(cells["count"], f"{step} count", number)
    ns = figures.real(cells["ns"], f"{step} ns a token", number, zero=True)
    rate = figures.real(cells["rate"], f"{step} tokens a second", number, zero=True, most=figures.RATE_MOST)
    if (ns == 0) != (rate == 0) or (ns and abs(1e9 / ns - rate) > _ROUNDED + 1e9 * _ROUNDED / ns**2):
        raise Refused(f"{step}: {ns:g} ns a token are not {rate:g} tokens a second.", number)
    if took := cells.get("took"):
        whole = _nanoseconds(took, number)
        if abs(count * ns - whole) > max(1.0, count) * _ROUNDED + 1:
            raise Refused(f"{step}: {count} times {ns:g} ns are not {took.strip()}.", number)
    return _Row(name, step, None if unit and count == 1 else count, ns, rate or None, number)


def _check_single(cells: Mapping[str, str | None], step: str, number: int) -> None:
    """A step without tokens has the count 1 and no rate, and its own unit."""
    if figures.whole(cells["count"], f"{step} count", number) != 1:
        raise Refused(f"{step} count is {cells['count']}, not 1.", number)
    if (cells["rate"] or "0").strip() not in ("0", "-"):
        raise Refused(f"{step} has a rate, {figures.shown(cells['rate'])}, and no tokens.", number)
    if cells.get("unit") not in (None, "op", "request"):
        raise Refused(f"{step} is in {figures.shown(cells['unit'])} a step.", number)


def _nanoseconds(took: str, number: int) -> float:
    """A duration as Go prints it: ``1.000285939s``, ``36.15601ms``."""
    found = _DURATION.fullmatch(took.strip())
    if found is None or ((found[1] or found[2]) and found[4] != "s"):
        raise Refused(f"duration is {figures.shown(took.strip())}, not a duration.", number)
    above = int(found[1] or 0) * 3600 + int(found[2] or 0) * 60
    return above * 1e9 + figures.real(found[3], "duration", number, zero=True) * _UNITS[found[4]]


def _epochs(rows: Sequence[_Row]) -> Iterator[Mapping[str, _Row]]:
    """The rows of each epoch by step. Raises Refused where a step is missing or stands twice."""
    place = 0
    while place < len(rows):
        first = rows[place]
        for steps in (_LATER, _FIRST):
            epoch = rows[place : place + len(steps)]
            if tuple(row.step for row in epoch) == steps and {row.name for row in epoch} == {first.name}:
                break
        else:
            raise Refused(f"The epoch that begins with {first.step} lacks a step, or has one twice.", first.line)
        counts = [row.tokens for row in epoch if row.step in _RATED]
        if len(epoch) == len(_LATER) and None in counts and any(counts):
            raise Refused(
                f"The count is {max(filter(None, counts))}, and these lines have no counts but 1.", first.line
            )
        place += len(epoch)
        yield {row.step: row for row in epoch}


def _once(epochs: Sequence[Mapping[str, _Row]]) -> list[Mapping[str, _Row]]:
    """Without epochs pasted again: no two agree in every nanosecond."""
    first: dict[tuple[_Row, ...], Mapping[str, _Row]] = {}
    for epoch in epochs:
        first.setdefault(tuple(row._replace(line=0) for row in epoch.values()), epoch)
    return list(first.values())


def _trials(epochs: Sequence[Mapping[str, _Row]], about: Mapping[str, _About]) -> tuple[list[Trial], int]:
    """Trials, and how many epochs were too short for a rate."""
    trials: list[Trial] = []
    same: Counter[str] = Counter()
    for epoch in epochs:
        generate = epoch["generate"]
        _check_total(epoch)
        if generate.rate is None or generate.ns <= _ONE_TOKEN_NS or generate.tokens in (0, 1):
            continue
        same[generate.name] += 1
        trials.append(_trial(epoch, about.get(generate.name), same[generate.name]))
    return trials, len(epochs) - len(trials)


def _trial(epoch: Mapping[str, _Row], about: _About | None, number: int) -> Trial:
    later, prefill, generate = "ttft" in epoch, epoch["prefill"], epoch["generate"]
    return Trial(
        model=about.model if about else ModelFacts(name=generate.name),
        workload=Workload(prompt=METHOD, prompt_mode="raw" if later else "chat"),
        outcome=Outcome.OK,
        number=number,
        ttft_s=(epoch["ttft"].seconds or None) if later else None,
        tokens_in=prefill.tokens or None,
        tokens_out=generate.tokens,
        prefill_s=(prefill.seconds or None) if later else None,
        context_tokens=about.context_tokens if about else None,
        memory=about.memory if about else Memory(),
        reported_decode_tok_s=generate.rate,
    )


def _check_total(epoch: Mapping[str, _Row]) -> None:
    """No epoch is shorter than its parts, and no first token comes before its prompt or after the end."""
    total = epoch["total"].seconds or 0.0
    parts = sum(epoch[step].seconds or 0.0 for step in ("load", *_RATED))
    if parts > total * (1 + _LATE):
        said = f"The parts of the epoch take {parts:.6g} s, and its total is {total:.6g} s."
        raise Refused(said, epoch["total"].line)
    if "ttft" in epoch and (ttft := epoch["ttft"].seconds):
        before = (epoch["prefill"].seconds or 0.0) + (epoch["load"].seconds or 0.0)
        if not before * (1 - _LATE) <= ttft <= total * (1 + _LATE):
            said = f"The first token came after {ttft:.6g} s: the prompt took {before:.6g} s, all {total:.6g} s."
            raise Refused(said, epoch["ttft"].line)


def _about(found: re.Match[str], line: int) -> _About:
    """What a comment tells: ``# Model: m | Params: 4.3B | Quant: Q4_K_M | Family: f | Size: N | VRAM: N``."""
    said = dict(pair.split(": ", 1) for pair in found["rest"].split(" | ") if ": " in pair)
    size, vram, context = (said.get(key) for key in ("Size", "VRAM", "NumCtx"))
    held, own = (_bytes(text, what, line) for text, what in ((size, "Size"), (vram, "VRAM")))
    if held is not None and own is not None and own > held:
        raise Refused(f"VRAM is {vram}, more than the Size of {size}.", line)
    return _About(
        ModelFacts(
            name=found["name"],
            parameters=_parameters(said.get("Params"), line),
            quantisation=_known(said.get("Quant")),
            architecture=_known(said.get("Family")),
        ),
        Memory(engine_bytes=held, engine_vram_bytes=own),
        None if context is None else figures.tokens(context, "NumCtx", line, least=1),
        line,
    )


def _bytes(text: str | None, what: str, line: int) -> int | None:
    return None if text is None else figures.whole(text, what, line, most=figures.BYTES_MOST)


def _known(text: str | None) -> str | None:
    return None if text in (None, "", "unknown") else text


def _parameters(text: str | None, line: int) -> int | None:
    """``134.52M``, rounded as it is."""
    if _known(text) is None or text is None:
        return None
    found = _SIZE.fullmatch(text)
    if found is None:
        raise Refused(f"Params is {figures.shown(text)}, not a number of parameters.", line)
    count = figures.real(found[1], "Params", line, most=figures.PARAMETERS_MOST) * _SCALE[found[2]]
    return figures.whole(round(count), "Params", line, least=1, most=figures.PARAMETERS_MOST)


def _remarks(epochs: Sequence[Mapping[str, _Row]], short: int) -> Iterator[str]:
    if short:
        yield f"{short} of {len(epochs)} epochs gave a single token or none, which has no rate; left out."
    if any("ttft" not in epoch for epoch in epochs):
        yield "Prefill is left out: the prompt is the same in every epoch, so a cache may have answered for it."
    elif any(epoch["prefill"].tokens is None for epoch in epochs):
        yield "Prefill is left out: benchstat lines have no counts. The tool's CSV has them (-format csv)."
    else:
        yield UNVERIFIED


def _without(about: Mapping[str, _About], rows: Sequence[_Row]) -> Iterator[str]:
    measured = {row.name for row in rows}
    yield from (f"Line {one.line}: {name} has no figures." for name, one in about.items() if name not in measured)
