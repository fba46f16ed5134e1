import msgspec
import pytest

from tests.support import header, trial
from tpsprofile import schema
from tpsprofile.records import Machine, Outcome, Trial, Workload


def test_decode_rate_counts_steps_not_tokens() -> None:
    row = trial(tokens_out=65, decode_engine_s=2.0, decode_client_s=4.0)
    assert row.decode_engine_tok_s == 32
    assert row.decode_client_tok_s == 16
    assert row.decode_tok_s == 32


def test_decode_rate_falls_back_to_the_client_and_then_to_the_report() -> None:
    assert trial(decode_engine_s=None, decode_client_s=2.0).decode_tok_s == 5
    reported = trial(decode_engine_s=None, decode_client_s=None, tokens_out=None, reported_decode_tok_s=42.0)
    assert reported.decode_tok_s == 42


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_only_an_ok_trial_has_a_rate(outcome: Outcome) -> None:
    assert trial(outcome=outcome).decode_tok_s is None


@pytest.mark.parametrize(("tokens", "seconds"), [(1, 0.5), (None, 1.0), (10, None), (10, 0.0)])
def test_no_rate_from_one_token_or_no_time(tokens: int | None, seconds: float | None) -> None:
    assert trial(tokens_out=tokens, decode_engine_s=seconds, decode_client_s=None).decode_tok_s is None


def test_prefill_leaves_cached_tokens_out() -> None:
    assert trial(tokens_in=50, tokens_cached=40, prefill_s=0.5).prefill_tok_s == 20
    assert trial(tokens_in=50, tokens_cached=50, prefill_s=0.5).prefill_tok_s is None
    assert trial(tokens_in=None).prefill_tok_s is None


def test_prefill_is_unverified_without_a_count_of_cached_tokens_or_a_nonce() -> None:
    assert not trial(tokens_cached=None, nonce=None).prefill_verified
    assert trial(tokens_cached=None, nonce="7919\n").prefill_verified
    assert trial(tokens_cached=0, nonce=None).prefill_verified


def test_prefill_after_a_depth_is_unknown_where_nobody_counts_the_cache() -> None:
    deep = Workload(prompt="p", depth_tokens=4096)
    assert trial(workload=deep, tokens_in=4150, tokens_cached=4100).prefill_tok_s == 50 / 0.5
    silent = trial(workload=deep, tokens_in=4150, tokens_cached=None, nonce="1234")
    assert silent.prefill_tok_s is None
    assert not silent.prefill_verified


def test_labels() -> None:
    ram = 24 * 1024**3
    assert Machine(id="x", chip="Apple M2 Max", ram_bytes=ram * 4).label == "Apple M2 Max 96 GB"
    assert Machine(id="x", chip="AMD EPYC", cores_physical=2, ram_bytes=ram).label == "AMD EPYC, 2 cores, 24 GB"
    assert Machine(id="x", chip="AMD EPYC", tag="mine").label == "mine"
    assert Machine(id="x", chip="Apple M1").label == "Apple M1"


def test_unknown_is_written_as_null() -> None:
    raw = msgspec.json.decode(schema.encode(trial(ttft_s=None)))
    assert raw["ttft_s"] is None
    assert schema.decode(schema.encode(header())) == header()


def test_what_a_later_version_adds_is_ignored() -> None:
    raw = msgspec.json.decode(schema.encode(trial()))
    decoded = schema.decode(msgspec.json.encode({**raw, "grade": "A"}))
    assert isinstance(decoded, Trial)
    assert decoded == trial()
