"""Numbers of others are taken only where they are numbers, and names are brought to those used here."""

import pytest

from tpsprofile.importers import figures, names
from tpsprofile.importers.reported import Refused


@pytest.mark.parametrize(("value", "number"), [(0, 0), (512, 512), ("512", 512), (" 512 ", 512), ("007", 7)])
def test_a_count_is_taken_from_a_number_and_from_its_digits(value: object, number: int) -> None:
    assert figures.whole(value, "n_gen", 3) == number


NO_COUNTS: list[object] = [
    True, None, 1.0, 1.5, "1.0", "1e3", "1_000", "1,000", "0x10", "", "٣", "+5", "--5", -1, "-1", 2**64, "9" * 30,
    [], {}, "5 5", "5\n",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
def test_anything_else_is_no_count(value: object) -> None:
    with pytest.raises(Refused, match=r"n_gen is .*(not a whole number|cannot be)") as refused:
        figures.whole(value, "n_gen", 3)
    assert refused.value.line == 3


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1.0), (0.5, 0.5), ("0.50", 0.5), ("1e3", 1000.0), (10**30, 1e30)]
)
def test_a_quantity_is_taken_from_a_number_and_from_its_text(value: object, number: float) -> None:
    assert figures.real(value, "avg_ts", None, most=1e31) == number


NO_QUANTITIES: list[object] = [
    True, None, "", "nan", "NaN", "inf", float("nan"), float("inf"), float("-inf"), "1e400", 1e19, "1,000.5",
    "1.5.2", "1_0", ".5", "5.", -0.1, "-3", 0, "0", "0.0", 10**400, "٣", [1.0], "1 000",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_QUANTITIES, ids=lambda value: repr(value)[:12])
def test_anything_else_is_no_quantity(value: object) -> None:
    with pytest.raises(Refused, match=r"avg_ts is .*(not a number|cannot be)"):
        figures.real(value, "avg_ts", None)


def test_zero_is_a_quantity_where_it_may_be_one() -> None:
    assert figures.real("0.00", "stddev", None, zero=True) == 0.0


@pytest.mark.parametrize("value", [5, None, "two\nlines", "bell\a", "half \ud800"], ids=repr)
def test_a_word_is_plain_text(value: object) -> None:
    with pytest.raises(Refused, match="not a plain text"):
        figures.word(value, "model_type", 1)


def test_what_is_shown_is_short_whatever_it_is() -> None:
    assert len(figures.shown("x" * 10_000)) < 50
    assert "beyond" in figures.shown(10**5000)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/models/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct.Q4_1"),
        (r"C:\Users\me\models\phi-4-Q4_K_M.GGUF", "phi-4-Q4_K_M"),
        ("GLM-4.5-Air-UD-Q4_K_XL-00001-of-00002.gguf", "GLM-4.5-Air-UD-Q4_K_XL"),
        ("models/8B-v3/ggml-model-f16.gguf", "ggml-model-f16"),
        ("/models/blobs/sha256-abc", "sha256-abc"),
        ("plain", "plain"),
    ],
)
def test_the_name_of_a_file_is_no_path(path: str, name: str) -> None:
    assert names.file_name(path) == name


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("llama 8B Q4_K - Medium", "Q4_K_M"),
        ("qwen3moe 235B.A22B Q3_K - Large", "Q3_K_L"),
        ("llama 3B Q5_K - Small", "Q5_K_S"),
        ("llama 7B Q2_K - Medium", "Q2_K"),
        ("llama 7B Q2_K - Small", "Q2_K_S"),
        ("llama 256M Q4_1", "Q4_1"),
        ("LLaMA 7B mostly Q4_0", "Q4_0"),
        ("llama 7B all F32", "F32"),
        ("gpt-oss ?B F16", "F16"),
        ("deepseek2 30B.A3B BF16", "BF16"),
        ("deepseek4 ?B IQ3_XXS - 3.0625 bpw", "IQ3_XXS"),
        ("llama 13B IQ3_S mix - 3.66 bpw", "IQ3_M"),
        ("gpt-oss 120B MXFP4 MoE", "MXFP4_MOE"),
        ("bitnet 3B TQ2_0 - 2.06 bpw ternary", "TQ2_0"),
        ("llama4 17Bx16E (Scout) Q6_K", "Q6_K"),
        ("llama 1B Q8_0 (guessed)", "Q8_0"),
        ("Q4_K_M", "Q4_K_M"),
        ("Q4_K - Medium", "Q4_K_M"),
        ("llama 8B", None),
        ("unknown, may not work", None),
        ("", None),
    ],
)
def test_a_quantisation_has_one_name(description: str, name: str | None) -> None:
    assert names.quantisation(description) == name
