"""An engine's build or its date: what is taken off a name, and how far a prediction follows it."""

from __future__ import annotations

import pytest

from tpsprofile import chips
from tpsprofile.predict import estimate, predict, third, weights
from tpsprofile.predict.published import year_of

MAX = chips.one("M4 Max 40")
OF = weights(8.03e9)


@pytest.mark.parametrize(
    ("engine", "name", "build"),
    [
        ("Text Generation WebUI", "text generation webui", ""),
        ("Text Generation WebUI 2024-11", "text generation webui", "2024-11"),
        ("llama.cpp b4006 (1804adb0)", "llama.cpp", "b4006 1804adb0"),
        ("llama.cpp build 4008", "llama.cpp", "build 4008"),
        ("LM Studio  2024-11", "lm studio", "2024-11"),
        ("2025-07", "2025-07", ""),
    ],
)
def test_only_a_build_or_a_date_is_taken_off_an_engine(engine: str, name: str, build: str) -> None:
    assert estimate.named(engine) == (name, build)


@pytest.mark.parametrize(
    ("far", "near"), [("2001-01", "2023-11"), ("b1000", "2023-11"), ("2040-01", "2026-09"), ("b99999", "2026-09")]
)
def test_a_build_beyond_the_published_ones_is_as_fast_as_the_nearest(far: str, near: str) -> None:
    told, end = (predict(MAX, OF, f"llama.cpp {build}") for build in (far, near))
    assert told.decode_tok_s == pytest.approx(end.decode_tok_s, rel=1e-6)
    assert any(f"2023-11 to 2026-09, and {far} lies outside" in line for line in told.caveats)
    assert not any("outside" in line for line in end.caveats)


@pytest.mark.parametrize("build", ["b4", "b60", "2024", "0.0.1", "abcdef012"])
def test_a_build_of_unknown_age_is_none_and_said(build: str) -> None:
    told, none = predict(MAX, OF, f"llama.cpp {build}"), predict(MAX, OF, "llama.cpp")
    assert told.decode_tok_s == none.decode_tok_s
    assert any(f"nothing tells how old {build} is" in line for line in told.caveats)


def test_a_build_is_matched_as_a_whole_word() -> None:
    one = next(
        one for one in estimate.training() if one.backend == "metal" and one.version == "8e672ef (2023-11-21)"
    )
    told = predict(MAX, OF, "llama.cpp 8e672ef")
    assert one.year is not None and one.year < 2024
    assert told.decode_tok_s < 0.95 * predict(MAX, OF, "llama.cpp").decode_tok_s
    assert year_of("8e672ef") is None
    assert predict(MAX, OF, "llama.cpp 8e672efa").decode_tok_s > told.decode_tok_s


def test_sizes_that_were_measured_are_told_by_their_ends() -> None:
    sizes = [(gb * 1e9, 1 / (0.003 + gb / 300)) for gb in (4.0, 1.0, 16.0, 2.0, 8.0)]
    (line,) = third(sizes, OF).rests_on
    assert line.startswith("measured: 5 sizes from ")
    assert line.endswith("17.8 tok/s at 14.9 GiB") and "0.9 GiB to" in line
