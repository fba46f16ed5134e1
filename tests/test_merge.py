from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.support import WHEN, header, trial
from tpsprofile import merge, schema
from tpsprofile.analysis.points import summarise
from tpsprofile.columns import COLUMNS, REQUIRED
from tpsprofile.errors import ResultsError, UsageError
from tpsprofile.merge.rates import DERIVED
from tpsprofile.records import EngineInfo, Machine, Memory, Outcome, Provenance, Run, RunHeader, Trial, Workload
from tpsprofile.trust import Grade

ROOT = Path(__file__).parents[1]


def run(*trials: Trial, **changes: object) -> Run:
    return Run(header=header(**changes), trials=trials)


def _records(one: Run) -> list[RunHeader | Trial]:
    return [one.header, *one.trials]


def write(path: Path, *runs: Run) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [record for one in runs for record in _records(one)]
    path.write_bytes(b"".join(map(schema.encode, records)))
    return path


FULL = run(
    trial(memory=Memory(rss_bytes=3 * 10**9), started_at=WHEN, ttft_s=0.25, load_first_s=1.5),
    trial(number=2, outcome=Outcome.DOES_NOT_FIT, reason='needs "46" GiB,\nhas 21', decode_engine_s=None),
    machine=Machine(id="m1", chip="Chip, with a comma", ram_bytes=24 * 1024**3, unified_memory=False),
    options={"threads": 2, "gpu_layers": None},
)


def test_a_row_a_trial_with_its_figures() -> None:
    row = merge.table([FULL]).iloc[0]
    assert row["machine"] == "Chip, with a comma, 24 GB"
    assert row["decode_tok_s"] == 10.0
    assert row["prefill_tok_s"] == 100.0
    assert row["rss_bytes"] == 3 * 10**9
    assert row["ttft_s"] == 0.25
    assert row["options"] == '{"gpu_layers":null,"threads":2}'
    assert row["decode_clock"] == "engine"


def test_unknown_is_empty_and_never_zero() -> None:
    table = merge.table([FULL])
    assert table["decode_tok_s"].isna().tolist() == [False, True]
    assert table["load_later_s"].isna().all()
    assert table["engine_bytes"].isna().all()
    assert not (table.select_dtypes("number") == 0).loc[:, ["load_later_s", "engine_bytes"]].any(axis=None)


def test_every_column_has_a_type_and_a_meaning_and_is_in_the_table() -> None:
    table = merge.table([FULL])
    assert list(table.columns) == list(COLUMNS)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {n: c.dtype for n, c in COLUMNS.items()}
    assert all(column.meaning for column in COLUMNS.values())
    assert set(REQUIRED) <= set(COLUMNS)


UNITS = {"_s": "s", "_bytes": "bytes", "_tok_s": "tok/s", "_bytes_s": "bytes/s"}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_named_for_a_unit_says_the_unit(name: str) -> None:
    suffix = max((one for one in UNITS if name.endswith(one)), key=len, default=None)
    if suffix is not None:
        assert COLUMNS[name].meaning.endswith(f", {UNITS[suffix]}")


# Fields of the records that are no column: structure, or told by another column.
NO_COLUMN = {
    "format", "conditions", "settings", "core_groups", "cpu_features", "tag", "gpus", "chip",
    "available_bytes", "power_source", "power_mode",
}  # fmt: skip


def leaves(kind: type[msgspec.Struct]) -> set[str]:
    found: set[str] = set()
    for field in msgspec.structs.fields(kind):
        inner = field.type if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct) else None
        found |= leaves(inner) if inner else {field.name}
    return found


def test_every_field_of_a_trial_and_its_header_has_a_column() -> None:
    renamed = {
        "id": "machine_id", "model": "machine_model", "name": "model", "version": "engine_version",
        "build": "engine_build", "kind": "provenance", "format": "model_format",
        "devices": "engine_devices", "remote": "engine_remote",
        "reported_decode_tok_s": "decode_reported_tok_s",
    }  # fmt: skip
    fields = {renamed.get(name, name) for name in leaves(RunHeader) | leaves(Trial)}
    assert fields - set(COLUMNS) - NO_COLUMN == set()


def test_the_same_run_twice_counts_once_with_the_longer_copy() -> None:
    short = run(trial())
    long = run(trial(), trial(number=2))
    assert len(merge.table([short, long, short])) == 2
    assert len(merge.table([short, run(trial(), run="another")])) == 2


@pytest.mark.parametrize("suffix", merge.SUFFIXES)
@pytest.mark.parametrize("runs", [[FULL], []], ids=["full", "empty"])
def test_a_saved_table_reads_back_as_it_was(tmp_path: Path, suffix: str, runs: list[Run]) -> None:
    table = merge.table(runs)
    path = merge.save(table, tmp_path / f"all{suffix}")
    pd.testing.assert_frame_equal(merge.load(path), table)
    assert [entry.name for entry in tmp_path.iterdir()] == [f"all{suffix}"]


def test_another_suffix_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"xlsx.*\.csv, \.parquet and \.json"):
        merge.save(merge.table([FULL]), tmp_path / "all.xlsx")
    with pytest.raises(UsageError, match="no merged table"):
        merge.load(tmp_path / "all.xlsx")


def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "all.csv"
    path.write_text("before")

    def full_disk(self: pd.DataFrame, part: Path, **options: object) -> None:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(ResultsError, match=r"all\.csv cannot be written: No space left on device"):
        merge.save(merge.table([FULL]), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_one_error(tmp_path: Path) -> None:
    for suffix in merge.SUFFIXES:
        with pytest.raises(ResultsError, match="cannot be written"):
            merge.save(merge.table([FULL]), tmp_path / "nowhere" / f"all{suffix}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "a,b\n1,2\n"),
        ("b.csv", ""),
        ("c.csv", "\x00\x01\n"),
        ("d.json", "{}"),
        ("e.json", "[1, 2]"),
        ("f.json", '[{"machine": "x"}]'),
        ("g.json", "nonsense"),
        ("h.parquet", "nonsense"),
    ],
)
def test_a_foreign_table_is_an_error_with_its_name(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ResultsError, match=name) as caught:
        merge.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("outcome", "splendid", "splendid"),
        ("machine_id", None, "machine_id"),
        ("decode_tok_s", "fast", "decode_tok_s"),
    ],
)
def test_a_merged_table_with_a_foreign_value_is_an_error(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    rows = msgspec.json.decode(merge.as_json(merge.table([FULL])))
    rows[0][column] = value
    path = tmp_path / "all.json"
    path.write_bytes(msgspec.json.encode(rows))
    with pytest.raises(ResultsError, match=reason):
        merge.load(path)


def test_gathering_names_the_damaged_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "good.jsonl", FULL)
    (tmp_path / "bad.jsonl").write_text("not ours\n")
    merge.save(merge.table([run(trial(), run="other")]), tmp_path / "saved.csv")
    found = merge.gather([tmp_path, tmp_path / "saved.csv"])
    assert (len(found.table), found.files) == (3, 2)
    assert ["bad.jsonl" in str(error) for error in found.errors] == [True]


def test_a_number_too_large_for_a_table_is_one_files_error(tmp_path: Path) -> None:
    model = msgspec.structs.replace(trial().model, parameters=10**30)
    path = write(tmp_path / "huge.jsonl", run(trial(model=model)))
    found = merge.gather([path])
    assert "huge.jsonl" in str(found.errors[0])


def test_a_run_counts_once_across_files_and_saved_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", FULL)
    saved = merge.save(merge.table([FULL]), tmp_path / "all.parquet")
    assert len(merge.gather([path, saved]).table) == 2


def test_no_results_at_all_advises_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResultsError, match="tpsprofile sweep"):
        merge.gather([tmp_path])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResultsError, match="tpsprofile sweep"):
        merge.gather([])


def test_reported_figures_are_in_the_repository_as_reported() -> None:
    table = merge.gather([ROOT / "results" / "as-reported"]).table
    assert set(table["provenance"]) == {"as reported"}
    assert set(table["decode_clock"]) == {"reported"}
    rates = table.groupby(["chip", "parameters"])["decode_tok_s"].apply(list).to_dict()
    assert rates == {
        ("Apple M2 Max", 1_240_000_000): [160],
        ("Apple M2 Max", 10_300_000_000): [42, 41],
        ("Apple M2 Max", 32_800_000_000): [14],
        ("Apple M2 Max", 72_700_000_000): [7],
        ("Apple M4 Max", 1_240_000_000): [200],
        ("Apple M4 Max", 10_300_000_000): [55],
        ("Apple M4 Max", 32_800_000_000): [20],
        ("Apple M4 Max", 72_700_000_000): [9],
    }
    assert table.loc[table["chip"] == "Apple M2 Max", "ram_bytes"].isna().all()
    assert "15" in str(table.loc[table["chip"] == "Apple M2 Max", "method"].iloc[0])


VARIED: list[dict[str, Any]] = [
    {},
    {"decode_engine_s": None},
    {"decode_engine_s": 0.0},
    {"decode_engine_s": 1 / 3, "tokens_out": 1},
    {"decode_engine_s": 0.1, "tokens_out": 2},
    {"tokens_out": None},
    {"tokens_out": 0},
    {"decode_engine_s": None, "decode_client_s": None},
    {"decode_engine_s": None, "decode_client_s": None, "reported_decode_tok_s": 9.7},
    {"decode_engine_s": -1.0, "decode_client_s": 0.7, "reported_decode_tok_s": 9.7},
    {"outcome": Outcome.ENDED_EARLY},
    {"outcome": Outcome.DOES_NOT_FIT, "tokens_in": None, "tokens_out": None, "prefill_s": None},
    {"tokens_in": 74, "tokens_cached": None},
    {"tokens_in": 74, "tokens_cached": None, "nonce": "7919\n"},
    {"tokens_in": 74, "tokens_cached": None, "nonce": ""},
    {"tokens_in": 74, "tokens_cached": 74},
    {"tokens_in": 74, "tokens_cached": 80},
    {"prefill_s": 0.0},
    {"prefill_s": 0.3, "tokens_cached": 1},
    {"prefill_s": -0.3},
    {"tokens_cached": None, "nonce": "1\n", "workload": Workload(prompt="p", depth_tokens=0)},
    {"tokens_cached": None, "nonce": "1\n", "workload": Workload(prompt="p", depth_tokens=4096)},
    {"tokens_cached": 20, "nonce": "1\n", "workload": Workload(prompt="p", depth_tokens=4096)},
]


@pytest.mark.parametrize("name", sorted(set(DERIVED) - {"decode_clock"}))
def test_a_rate_in_the_table_is_that_of_its_trial_to_the_last_bit(name: str) -> None:
    trials = [trial(number=n, **changes) for n, changes in enumerate(VARIED, start=1)]
    cells = merge.table([run(*trials)])[name]
    assert [None if pd.isna(cell) else cell for cell in cells] == [getattr(one, name) for one in trials]


def test_the_clock_of_a_rate_is_the_first_that_gave_one() -> None:
    trials = [trial(number=n, **changes) for n, changes in enumerate(VARIED, start=1)]
    for row in merge.table([run(*trials)]).to_dict("records"):
        which = row["decode_clock"]
        if pd.isna(which):
            assert pd.isna(row["decode_tok_s"])
        else:
            assert row["decode_tok_s"] == row[f"decode_{which}_tok_s"]


def test_every_column_is_read_from_a_record_or_follows_from_others() -> None:
    assert {name for name, column in COLUMNS.items() if column.value is None} == set(DERIVED)


def test_files_are_one_table_whatever_the_size_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        machine = Machine(id=f"m{number % 2}", chip=f"Chip {number % 2}")
        rows = [trial(f"m{row % 2}", number=row, load_later_s=row or None) for row in range(number + 1)]
        write(tmp_path / f"{number}.jsonl", run(*rows, run=f"r{number}", machine=machine))
    whole = merge.gather([tmp_path]).table
    looked_at: list[tuple[int, int]] = []
    monkeypatch.setattr(merge, "_BATCH", 3)
    parts = merge.gather([tmp_path], tell=lambda done, of: looked_at.append((done, of)))
    pd.testing.assert_frame_equal(parts.table, whole)
    assert len(whole) == 15
    assert looked_at == [(2, 5), (3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("batch", [1, 100])
def test_a_longer_copy_counts_in_the_place_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(merge, "_BATCH", batch)
    rows = [trial(number=1), trial(number=2)]
    write(tmp_path / "1.jsonl", run(rows[0]))
    write(tmp_path / "2.jsonl", run(trial(number=7), run="other"))
    write(tmp_path / "3.jsonl", run(*rows))
    write(tmp_path / "4.jsonl", run(rows[0]))
    found = merge.gather([tmp_path])
    assert found.table["number"].tolist() == [1, 2, 7]
    assert found.files == 4


@pytest.mark.parametrize("suffix", merge.SUFFIXES)
def test_a_saved_table_adds_only_what_is_new_or_longer(tmp_path: Path, suffix: str) -> None:
    a, b, c = ({"run": name} for name in "abc")
    mixed = merge.table([run(trial(number=1), **a), run(trial(number=2), **b), run(trial(number=3), **c)])
    late = merge.table([run(trial(number=4), **c), run(trial(number=5), **b)])
    saved = merge.save(pd.concat([mixed, late], ignore_index=True), tmp_path / f"all{suffix}")
    file = write(tmp_path / "a.jsonl", run(trial(number=8), trial(number=9), **a))
    found = merge.gather([file, saved])
    assert found.errors == ()
    assert list(zip(found.table["run"], found.table["number"], strict=True)) == [
        ("a", 8), ("a", 9), ("b", 2), ("b", 5), ("c", 3), ("c", 4),
    ]  # fmt: skip


def test_labels_are_those_in_use_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    short, other = run(trial("first")), run(trial("second"), run="other")
    table = merge.table([short, other, run(trial("third"), trial("second"))])
    assert table["model"].cat.categories.tolist() == ["third", "second"]
    pd.testing.assert_frame_equal(merge.load(merge.save(table, tmp_path / "all.parquet")), table)


@pytest.mark.parametrize("suffix", merge.SUFFIXES)
def test_a_table_of_many_slices_reads_back_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("tpsprofile.merge.saved._SLICE", 3)
    table = merge.table([run(*(trial(f"m{n % 4}", number=n) for n in range(10)))])
    pd.testing.assert_frame_equal(merge.load(merge.save(table, tmp_path / f"all{suffix}")), table)


FOREIGN = [
    ("decode_tok_s", "10", "decode_tok_s"),
    ("decode_tok_s", True, "decode_tok_s"),
    ("tokens_out", 1.5, "tokens_out"),
    ("tokens_out", "11", "tokens_out"),
    ("synthetic", 1, "synthetic"),
    ("model", 7, "model"),
    ("started_at", "yesterday", "started_at"),
]


@pytest.mark.parametrize(("column", "value", "reason"), FOREIGN)
@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_a_cell_of_another_type_is_damage_in_a_saved_table(
    tmp_path: Path, suffix: str, column: str, value: object, reason: str
) -> None:
    path = tmp_path / f"all{suffix}"
    rows = msgspec.json.decode(merge.as_json(merge.table([run(trial())])))
    rows[0][column] = value
    if suffix == ".json":
        path.write_bytes(msgspec.json.encode(rows))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(ResultsError, match=reason):
        merge.load(path)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_that_is_not_finite_is_damage_in_a_saved_table(tmp_path: Path, value: float) -> None:
    path = tmp_path / "all.parquet"
    rows = msgspec.json.decode(merge.as_json(merge.table([run(trial())])))
    parquet.write_table(pa.Table.from_pylist([row | {"decode_tok_s": value} for row in rows]), path)
    with pytest.raises(ResultsError, match="decode_tok_s: a number that is not finite"):
        merge.load(path)


@pytest.mark.parametrize("value", ["fast", "inf", "nan"])
def test_a_cell_of_another_type_is_damage_in_a_csv(tmp_path: Path, value: str) -> None:
    path = merge.save(merge.table([run(trial(decode_client_s=2.5))]), tmp_path / "all.csv")
    path.write_text(path.read_text().replace(",2.5,", f",{value},"))
    with pytest.raises(ResultsError, match=r"all\.csv"):
        merge.load(path)


def test_a_table_may_hold_more_columns_and_lack_some(tmp_path: Path) -> None:
    table = merge.table([FULL])
    fewer = table.drop(columns=["gpus", "load_1m", "run_started_at"]).assign(mine="a note")
    for suffix in (".csv", ".parquet", ".json"):
        found = merge.load(merge.save(fewer, tmp_path / f"all{suffix}"))
        assert list(found.columns) == list(COLUMNS)
        assert found[["gpus", "load_1m", "run_started_at"]].isna().all(axis=None)
        pd.testing.assert_series_equal(found["decode_tok_s"], table["decode_tok_s"])


def test_provenance_reaches_the_table() -> None:
    one = run(trial(), provenance=Provenance(kind="as reported", source="a paper"))
    assert merge.table([one]).loc[0, "source"] == "a paper"


@pytest.mark.parametrize("suffix", merge.SUFFIXES)
@pytest.mark.parametrize("warned", [0, 2, 6, 10])
def test_a_grade_is_the_same_from_a_saved_table(tmp_path: Path, suffix: str, warned: int) -> None:
    rows = [
        trial(number=n, decode_engine_s=1 + n / 10_000, warnings=("busy",) if n <= warned else ())
        for n in range(1, 11)
    ]
    whole = merge.table([run(*rows, engine=EngineInfo(name="llama.cpp", devices=()))])
    again = merge.load(merge.save(whole, tmp_path / f"all{suffix}"))
    (point,), (same,) = summarise(whole).points, summarise(again).points
    assert same.grade is point.grade is (Grade.C if warned >= 5 else Grade.A)
    assert set(again["engine_devices"]) == {"none"}
