"""What every engine must do, asked of each one through the seam alone. The engines are in ``tests/contract``."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psutil
import pytest

from tests import contract
from tests.contract import Make, Subject
from tpsprofile.engines.base import Event, Finished, Request, Token
from tpsprofile.engines.fake import FakeEngine
from tpsprofile.errors import ModelNotInstalledError


def _subjects() -> dict[str, Make]:
    found: dict[str, Make] = {}
    for module in pkgutil.iter_modules(contract.__path__):
        found |= importlib.import_module(f"{contract.__name__}.{module.name}").SUBJECTS
    return found


SUBJECTS = _subjects()


@pytest.fixture(params=SUBJECTS, ids=list(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with contextmanager(SUBJECTS[request.param])(request) as made:
        yield made


def generate(subject: Subject) -> tuple[float | None, list[Event]]:
    with subject.engine.load(subject.weights, context_tokens=subject.context_tokens, silence_s=60) as session:
        events = list(session.generate(Request(prompt="7919\nOnce upon a time", tokens_out=subject.tokens_out)))
        return session.load_s, events


def test_it_says_what_it_is(subject: Subject) -> None:
    info = subject.engine.info()
    assert info.name
    assert info.version
    assert info.simulated == isinstance(subject.engine, FakeEngine)
    msgspec.json.encode(subject.engine.options())


def test_tokens_come_first_and_one_account_last(subject: Subject) -> None:
    load_s, events = generate(subject)
    *tokens, account = events
    assert (load_s is not None) == subject.engine.can.loads
    assert load_s is None or load_s > 0
    assert tokens
    assert all(isinstance(event, Token) and event.text for event in tokens)
    assert isinstance(account, Finished)
    assert account.tokens_out == subject.tokens_out
    assert account.stopped_by == "limit"
    assert account.tokens_in
    for seconds in (account.prefill_s, account.decode_s):
        assert (seconds is not None) == subject.engine.can.times_itself
        assert seconds is None or seconds > 0


def test_it_tells_the_context_that_it_reserved_or_nothing(subject: Subject) -> None:
    with subject.engine.load(subject.weights, context_tokens=subject.context_tokens, silence_s=60) as session:
        told = session.facts().context_tokens
        assert told in {subject.context_tokens, None} or not subject.engine.can.sets_context


def test_the_same_request_is_the_same_work_again(subject: Subject) -> None:
    with subject.engine.load(subject.weights, context_tokens=subject.context_tokens, silence_s=60) as session:
        request = Request(prompt="7919\nOnce upon a time", tokens_out=subject.tokens_out)
        accounts = [list(session.generate(request))[-1] for _ in range(2)]
    first, second = accounts
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert first.tokens_in == second.tokens_in
    if subject.engine.can.reports_cached:
        assert first.tokens_cached == second.tokens_cached == 0


def test_a_shared_beginning_is_part_of_the_count(subject: Subject) -> None:
    beginning = "7919\nOnce upon a time"
    with subject.engine.load(subject.weights, context_tokens=subject.context_tokens, silence_s=60) as session:
        accounts = []
        for prompt in (beginning, f"{beginning}, 5838\nthere was a keeper of a lighthouse"):
            request = Request(prompt=prompt, tokens_out=2, reuse=True)
            accounts.append(list(session.generate(request))[-1])
    first, second = accounts
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert first.tokens_in and second.tokens_in
    assert second.tokens_in >= first.tokens_in
    assert second.tokens_cached is None or 0 <= second.tokens_cached < second.tokens_in


def test_its_version_does_not_change_by_itself(subject: Subject) -> None:
    with subject.engine.load(subject.weights, context_tokens=subject.context_tokens, silence_s=60) as session:
        assert session.facts().version in {subject.engine.info().version, None}


def test_making_room_never_raises_and_leaves_it_able_to_load(subject: Subject) -> None:
    subject.engine.make_room()
    subject.engine.make_room()
    _, events = generate(subject)
    assert isinstance(events[-1], Finished)


def test_a_model_that_it_lacks_is_named(subject: Subject) -> None:
    with pytest.raises(ModelNotInstalledError, match="nobody:9b") as caught:
        subject.engine.find("nobody:9b")
    assert caught.value.advice


def test_its_models_are_those_that_it_finds(subject: Subject) -> None:
    listed = subject.engine.models()
    assert bool(listed) == subject.engine.can.lists_models
    for weights in listed:
        assert subject.engine.find(weights.facts.name).facts.name == weights.facts.name
        assert weights.facts.parameters is None or weights.facts.parameters > 0


def test_leaving_the_session_ends_what_it_started(subject: Subject) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with subject.engine.load(subject.weights, context_tokens=subject.context_tokens, silence_s=60) as session:
        started = {child.pid for child in psutil.Process().children(recursive=True)} - before
        assert started <= set(session.pids)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(psutil.pid_exists(pid) for pid in started):
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in started)
