"""Addresses as people write them, and how far away each is."""

from __future__ import annotations

import pytest

from tpsprofile.engines.openai import address
from tpsprofile.errors import UsageError


@pytest.mark.parametrize(
    ("written", "root", "api"),
    [
        (None, "http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:1234", "http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234/v1", "http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234//v1///", "http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://0.0.0.0:1234/", "http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://[::1]:80", "http://[::1]:80", "http://[::1]:80/v1"),
        ("box:8000", "http://box:8000", "http://box:8000/v1"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
        ("https://host/v1beta/openai", "https://host", "https://host/v1beta/openai"),
        ("https://host/llama", "https://host/llama", "https://host/llama/v1"),
    ],
)
def test_an_address_is_taken_with_and_without_v1(written: str | None, root: str, api: str) -> None:
    found = address.parse(written)
    assert (found.root, found.api) == (root, api)
    assert found.url("/v1/models") == f"{api}/models"
    assert found.url("/props") == f"{root}/props"


@pytest.mark.parametrize(
    "written",
    [
        "http://",
        "ftp://host",
        "http://host:port",
        "http://host:99999",
        "http://a b",
        "http://sk-0123456789@host/v1",
        "https://user:sk-0123456789@host",
        "https://host/v1?api_key=sk-0123456789",
        "https://host/v1#sk-0123456789",
        "http://[::1",
        "http://" + "a" * 300,
    ],
)
def test_what_is_no_address_or_may_hold_a_key_is_refused_unquoted(written: str) -> None:
    with pytest.raises(UsageError) as caught:
        address.parse(written)
    assert "0123456789" not in str(caught.value)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("host", "local", "at_home"),
    [
        ("127.0.0.1", True, True),
        ("127.8.8.8", True, True),
        ("localhost", True, True),
        ("LOCALHOST", True, True),
        ("localhost.", True, True),
        ("[::1]", True, True),
        ("[::ffff:127.0.0.1]", True, True),
        ("192.168.1.20", False, True),
        ("10.0.0.5", False, True),
        ("172.16.0.1", False, True),
        ("169.254.7.7", False, True),
        ("[fe80::1]", False, True),
        ("[fd00::1]", False, True),
        ("mybox", False, True),
        ("mybox.local", False, True),
        ("gpu.home.arpa", False, True),
        ("8.8.8.8", False, False),
        ("172.32.0.1", False, False),
        ("100.64.0.1", False, False),
        ("[::ffff:8.8.8.8]", False, False),
        ("[2001:db8::1]", False, False),
        ("134744072", False, False),
        ("0x08080808", False, False),
        ("127.1", False, False),
        ("example.org", False, False),
        ("localhost.example.org", False, False),
        ("local.example.org", False, False),
        ("127.0.0.1.example.org", False, False),
    ],
)
def test_how_far_away_a_server_is(host: str, local: bool, at_home: bool) -> None:
    plain, encrypted = address.parse(f"http://{host}:8080"), address.parse(f"https://{host}:8080")
    assert (plain.local, plain.at_home, plain.keeps_secrets) == (local, at_home, at_home)
    assert encrypted.keeps_secrets


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("api.openai.com", "openai.com"),
        ("openrouter.ai", "openrouter.ai"),
        ("contoso-hr.openai.azure.com", "openai.azure.com"),
        ("notopenai.com", None),
        ("api.openai.com.example.org", None),
        ("192.168.1.2", None),
    ],
)
def test_well_known_services_are_known_and_named_without_their_customer(host: str, service: str | None) -> None:
    found = address.parse(f"https://{host}")
    assert (found.service_name, found.service) == (service, service is not None)
