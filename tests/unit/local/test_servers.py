"""Commands and configurations of the servers, and what is said when a binary is missing."""

import subprocess
from pathlib import Path

import pytest

from dearena.local import servers


def test_the_packaged_nats_server_takes_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "nats.conf"
    config.write_text(servers.nats_config(port=4222, monitor_port=8222, data=tmp_path / 'a "quoted" place'))
    subprocess.run([servers.find_nats_server(), "-t", "-c", config], check=True, capture_output=True)


def test_servers_listen_on_loopback_only() -> None:
    command = servers.mongod_command(Path("mongod"), Path("data"), 27017)
    assert command[command.index("--bind_ip") + 1] == "127.0.0.1"
    config = servers.nats_config(port=4222, monitor_port=8222, data=Path("streams"))
    assert [line for line in config.splitlines() if ":4222" in line or ":8222" in line] == [
        'listen: "127.0.0.1:4222"',
        'http: "127.0.0.1:8222"',
    ]


def test_a_system_mongod_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "mongod"
    system.write_text("#!/bin/sh\n")
    system.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert servers.find_mongod() == system
    monkeypatch.setenv("PATH", "")
    assert servers.find_mongod() != system


def test_a_missing_binary_is_told_with_three_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(servers, "MONGOD_PACKAGE", "no-such-package")
    with pytest.raises(servers.ServerMissing, match=r"make setup.*on the PATH.*DEARENA_MONGO_URL"):
        servers.find_mongod()


def test_the_tail_of_a_log_is_its_end(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    assert "no log" in servers.tail_of(log)
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    assert servers.tail_of(log, 2).splitlines() == [f"--- {log}", "line 98", "line 99"]
