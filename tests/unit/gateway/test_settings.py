"""Settings say where calls may go, and what cannot be understood is refused at the start."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from services.gateway.reach import Reach
from services.gateway.settings import GatewaySettings, listed


def test_without_settings_the_public_internet_is_reached() -> None:
    assert GatewaySettings().reach() == Reach()


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEARENA_ALLOWED_SCHEMES", "https")
    monkeypatch.setenv("DEARENA_ALLOWED_HOSTS", "*.Example.com, 10.0.0.1,")
    monkeypatch.setenv("DEARENA_ALLOW_PRIVATE", "10.0.0.0/8,::1")
    assert GatewaySettings().reach() == Reach(
        frozenset({"https"}), ("*.example.com", "10.0.0.1"), (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("allowed_schemes", "ftp"),
        ("allowed_schemes", ","),
        ("allowed_hosts", "https://example.com"),
        ("allowed_hosts", "a.*.com"),
        ("allow_private", "10.0.0.0/33"),
        ("allow_private", "10.0.0.1/8"),
        ("allow_private", "localhost"),
        ("key_hosts", "OPENAI_API_KEY=api.openai.com"),
        ("key_hosts", "env:OPENAI_API_KEY"),
        ("key_hosts", "env:OPENAI_API_KEY=https://api.openai.com"),
        ("key_hosts", "env:OPENAI_API_KEY=api.openai.com=x y"),
    ],
)
def test_what_cannot_be_understood_is_refused(setting: str, value: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        GatewaySettings.model_validate({setting: value})


def test_hosts_of_keys_are_pairs() -> None:
    settings = GatewaySettings(key_hosts="env:A_KEY=API.example.com, file:/keys/a=b=*.example.org,")
    assert settings.key_ring({}, str).hosts == (
        ("env:A_KEY", "api.example.com"),
        ("file:/keys/a=b", "*.example.org"),
    )
    assert GatewaySettings().key_ring({}, str).hosts == ()


def test_nothing_between_commas_is_nothing() -> None:
    assert listed(" , a,,b ") == ("a", "b")
