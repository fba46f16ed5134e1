import pytest

from tpsprofile import units
from tpsprofile.errors import UsageError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.456, "0.46"),
        (6.724, "6.72"),
        (9.996, "10.0"),
        (31.44, "31.4"),
        (99.96, "100"),
        (1234.5, "1,234"),
    ],
)
def test_rate_has_three_digits_and_unknown_is_a_dash(value: float | None, text: str) -> None:
    assert units.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.061, "61 ms"),
        (1.23, "1.2 s"),
        (42.4, "42 s"),
        (185, "3:05 min"),
        (3720, "62:00 min"),
        (7320, "2:02 h"),
    ],
)
def test_seconds_reads_at_a_glance(value: float | None, text: str) -> None:
    assert units.seconds(value) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "–"), (98_362_432, "94 MiB"), (int(1.5 * units.GIB), "1.5 GiB"), (int(46.1 * units.GIB), "46.1 GiB")],
)
def test_memory_in_binary_units(size: int | None, text: str) -> None:
    assert units.memory(size) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "–"),
        (134_515_008, "135M"),
        (494_032_768, "0.49B"),
        (1_235_814_400, "1.2B"),
        (72_706_203_648, "72.7B"),
        (999_000_000_000, "999.0B"),
        (10_000_000_000_000, "10T"),
    ],
)
def test_parameters_as_people_say_them(count: int | None, text: str) -> None:
    assert units.parameters(count) == text


@pytest.mark.parametrize(
    ("gib", "text"),
    [
        (23.5, "24 GB"),
        (119.6, "128 GB"),
        (15.8, "16 GB"),
        (7.0, "7 GB"),
        (64.0, "64 GB"),
        (30.9, "32 GB"),
        (90.0, "96 GB"),
        (0.3, "0.3 GB"),
    ],
)
def test_memory_is_named_as_it_is_sold(gib: float, text: str) -> None:
    assert units.nominal_ram(gib * units.GIB) == text


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), (300, 300)])
def test_durations(text: str | int, value: float) -> None:
    assert units.parse_seconds(text) == value


@pytest.mark.parametrize("text", ["", "5q", "-3m", "0", "m5"])
def test_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        units.parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "gib"), [("128", 128), ("128GB", 128), ("36 gb", 36), ("16GiB", 16), ("24g", 24), ("0.5", 0.5)]
)
def test_memory_may_be_written_in_many_ways(text: str, gib: float) -> None:
    assert units.parse_memory(text) == gib * units.GIB


@pytest.mark.parametrize("text", ["", "GB", "0", "-8", "lots", "8 TB"])
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an amount of memory"):
        units.parse_memory(text)
