"""Settings from the environment."""

import pytest
from pydantic import ValidationError

from services.dashboard.settings import DashboardSettings


def test_it_listens_on_loopback_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEARENA_DASHBOARD_LISTEN", raising=False)
    monkeypatch.delenv("DEARENA_PROJECT", raising=False)
    settings = DashboardSettings()
    assert settings.address == ("127.0.0.1", 8080)
    assert settings.project == "default"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEARENA_DASHBOARD_LISTEN", "[::1]:0")
    monkeypatch.setenv("DEARENA_DASHBOARD_CALL_SECONDS", "2.5")
    monkeypatch.setenv("DEARENA_PROJECT", "team-a")
    settings = DashboardSettings()
    assert settings.address == ("::1", 0)
    assert settings.call_seconds == 2.5
    assert settings.project == "team-a"


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", ":8080", "127.0.0.1:http", "127.0.0.1:65536"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(ValidationError, match="host:port"):
        DashboardSettings(listen=listen)
