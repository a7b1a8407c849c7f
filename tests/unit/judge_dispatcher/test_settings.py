"""The installation secret: from a file or the environment, and never a poor one."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.judge_dispatcher.settings import JudgeDispatcherSettings


def test_the_secret_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("0123456789abcdef0123\n")
    assert JudgeDispatcherSettings(installation_secret_file=path).secret() == b"0123456789abcdef0123"


def test_the_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEARENA_INSTALLATION_SECRET", "0123456789abcdef")
    settings = JudgeDispatcherSettings()
    assert settings.secret() == b"0123456789abcdef"
    assert "0123456789abcdef" not in repr(settings)


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_poor_secret_is_refused_with_the_way_out(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEARENA_INSTALLATION_SECRET_FILE", raising=False)
    with pytest.raises(ValueError, match="DEARENA_INSTALLATION_SECRET"):
        JudgeDispatcherSettings(installation_secret=SecretStr(secret)).secret()
