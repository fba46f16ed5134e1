"""Prometheus' text format, for a file that an exporter picks up: medians as gauges, a sample a model and machine.

Points are those of the tables: of a case that was measured again the newest run counts. A figure that is not known
has no sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tpsprofile import merge
from tpsprofile.analysis.points import summarise
from tpsprofile.analysis.summary import Point, Spread
from tpsprofile.exporters.measured import Exported, passed_over
from tpsprofile.records import Run

Readings = list[tuple[dict[str, str], float]]
"""Labels of one sample beside those of its point, and its value."""


def _medians(**fields: dict[str, str]) -> Callable[[Point], Readings]:
    """Field of a point -> labels: the medians that there are."""

    def read(point: Point) -> Readings:
        figures: dict[str, Spread | None] = {field: getattr(point, field) for field in fields}
        return [(fields[field], figure.median) for field, figure in figures.items() if figure is not None]

    return read


def _ends(point: Point) -> Readings:
    return [({"end": end}, value) for end, value in point.interval._asdict().items()] if point.interval else []


_GAUGES: Mapping[str, tuple[str, Callable[[Point], Readings]]] = {
    "decode_tokens_per_second": ("Median decode rate.", _medians(decode={})),
    "decode_tokens_per_second_interval": ("Ends of the 95% interval of the median decode rate.", _ends),
    "prefill_tokens_per_second": ("Median prefill rate of uncached prompt tokens.", _medians(prefill={})),
    "time_to_first_token_seconds": ("Median time from the request to the first token.", _medians(ttft={})),
    "load_seconds": (
        "Median time until a model can answer.",
        _medians(load_first={"load": "first"}, load_later={"load": "later"}),
    ),
    "memory_bytes": (
        "Median peak memory, by several measures.",
        _medians(
            rss={"measure": "resident"},
            available_fall={"measure": "fall_in_available"},
            engine_size={"measure": "engine"},
        ),
    ),
}
"""Name of a metric -> its help, and its samples of a point."""


def write(runs: Sequence[Run]) -> Exported:
    """Every figure of every point, cloud services included."""
    summary = summarise(merge.table([run for run in runs if not run.header.engine.simulated]))
    points = (*summary.points, *summary.controls)
    lines: list[str] = []
    count = 0
    for name, (help_text, read) in _GAUGES.items():
        full = f"tpsprofile_{name}"
        samples = [
            f"{full}{_labels(point, labels)} {value!r}" for point in points for labels, value in read(point)
        ]
        if samples:
            lines += [f"# HELP {full} {help_text}", f"# TYPE {full} gauge", *samples]
            count += len(samples)
    return Exported(
        text="".join(f"{line}\n" for line in lines), figures=count, what="sample", remarks=_invented(runs)
    )


def _invented(runs: Sequence[Run]) -> tuple[str, ...]:
    return passed_over(run for run in runs if run.header.engine.simulated)


def _labels(point: Point, more: dict[str, str]) -> str:
    """What tells a sample apart from every other; an unknown label is left out."""
    series = point.series
    known: dict[str, object] = {
        "machine": series.machine,
        "machine_id": series.machine_id,
        "chip": series.chip,
        "engine": series.engine,
        "engine_version": point.engine_version,
        "options": series.options,
        "model": point.model,
        "parameters": point.parameters,
        "quantisation": point.quantisation,
        "synthetic": "true" if point.synthetic else "false",
        "speculative": "true" if series.speculative else "false",
        "prompt": series.prompt,
        "prompt_mode": series.prompt_mode,
        "prompt_tokens": series.prompt_tokens,
        "tokens": series.tokens_asked,
        "depth": series.depth_tokens,
        "context": series.context_asked,
        "provenance": series.provenance,
        "source": series.source,
        "method": series.method,
        "cloud": "true" if series.cloud else "false",
        "trust": point.grade,
        **more,
    }
    return (
        "{"
        + ",".join(f'{key}="{_escaped(str(value))}"' for key, value in known.items() if value is not None)
        + "}"
    )


def _escaped(text: str) -> str:
    """As the format asks of label values."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
