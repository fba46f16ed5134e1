"""Make ``tpsprofile/data/published.csv``: the published decode figures that predictions rest on.

    python benchmarks/make_published.py FOLDER

FOLDER holds ``throughput_public.csv``, one published figure a row. Kept are decode figures of chips whose
bandwidth is known, at no more than 4,096 tokens of context; nothing is averaged or corrected, flags and evidence
stay. Sources are told once, in ``published_sources.csv``.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

DATA = Path(__file__).parents[1] / "tpsprofile" / "data"
COLUMNS = {
    "row": "row_id",
    "chip": "chip",
    "bandwidth_gb_s": "memory_bandwidth_gb_s",
    "engine": "engine",
    "version": "engine_version",
    "backend": "backend",
    "model": "model",
    "parameters_b": "params_b",
    "active_b": "active_params_b",
    "quantisation": "quant",
    "file_gib": "model_size_gib",
    "test": "test",
    "tok_s": "tok_s",
    "date": "date",
    "evidence": "evidence",
    "flag": "flag",
}
PREFILL = re.compile(r"pp|prompt|localscore_prompt")
DEEP = re.compile(r"context-(16|32|64|128)k|long")
MOST_CONTEXT = 4096


def kept(row: dict[str, str]) -> bool:
    """A decode figure at little context of a chip with known bandwidth and a known size."""
    shallow = float(row["context_depth"] or 0) <= MOST_CONTEXT and not DEEP.search(row["test"])
    sized = row["params_b"] or row["model_size_gib"] or re.search(r"\d[bB]\b", row["model"])
    return bool(
        shallow and not PREFILL.match(row["test"]) and row["memory_bandwidth_gb_s"] and row["chip"] and sized
    )


def cited(source: str) -> str:
    """What a figure was taken from, without through which copy of it."""
    return re.sub(r" in stored index file id \d+| \([\w.]+ mirror\)", "", source)


def split(source: str) -> tuple[str, str]:
    """A source's common part, with ``*`` for what tells its pages apart, and that."""
    found = re.search(r"(?<=localscore\.ai/result/)\d+|(?<=/)\d{8,}-[0-9a-f]+(?=\.json)", source)
    return (source, "") if not found else (source[: found.start()] + "*" + source[found.end() :], found.group())


def plain(cell: str) -> str:
    """The shortest spelling of a number; other cells as they are."""
    return f"{float(cell):g}" if re.fullmatch(r"\d+\.\d*", cell) else cell


def main(folder: Path) -> None:
    """Write both files."""
    with (folder / "throughput_public.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if kept(row)]
    sources: dict[tuple[str, str], int] = {}
    machines: dict[tuple[str, str], int] = {}
    with (DATA / "published.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow([*COLUMNS, "source", "page", "machine"])
        for row in rows:
            source, page = split(cited(row["source"]))
            number = sources.setdefault((source, row["source_commit"]), len(sources) + 1)
            cells = [plain(row[column]) for column in COLUMNS.values()]
            machine = machines.setdefault((source, row["machine"]), len(machines) + 1)
            out.writerow([*cells, number, page, machine])
    with (DATA / "published_sources.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(["number", "source", "commit"])
        out.writerows([number, source, commit] for (source, commit), number in sources.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
