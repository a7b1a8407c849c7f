"""What a machine must have."""

from pathlib import Path

import pytest

from dearena.cli import machine
from dearena.local.servers import ServerMissing


@pytest.mark.parametrize(
    ("check", "ok"),
    [
        (machine.check_platform("Linux", "x86_64"), True),
        (machine.check_platform("Linux", "aarch64"), False),
        (machine.check_platform("Darwin", "x86_64"), False),
        (machine.check_glibc("glibc 2.35"), True),
        (machine.check_glibc("glibc 2.41"), True),
        (machine.check_glibc("glibc 2.31"), False),
        (machine.check_glibc("glibc 3.0"), True),
        (machine.check_glibc("musl 2.40"), False),
        (machine.check_glibc(None), False),
        (machine.check_python((3, 11, 0)), True),
        (machine.check_python((3, 10, 14)), False),
        (machine.check_library("libssl.so.3", "libssl3", lambda _: True), True),
        (machine.check_library("libssl.so.3", "libssl3", lambda _: False), False),
        (machine.check_disk(2_000_000_000, Path("/data")), True),
        (machine.check_disk(1_999_999_999, Path("/data")), False),
    ],
)
def test_each_requirement_has_its_limit_and_its_remedy(check: machine.Check, *, ok: bool) -> None:
    assert check.ok is ok
    assert check.found
    assert check.remedy


def test_a_server_is_found_or_missing_or_elsewhere() -> None:
    def missing() -> Path:
        raise ServerMissing("no mongod: make setup")

    found = machine.check_server("mongod", lambda: Path("/usr/bin/mongod"), "")
    assert (found.ok, found.found) == (True, "/usr/bin/mongod")
    lacking = machine.check_server("mongod", missing, "")
    assert (lacking.ok, lacking.remedy) == (False, "no mongod: make setup")
    assert machine.check_server("mongod", missing, "mongodb://db:27017").ok


def test_this_machine_is_examined_in_full(tmp_path: Path) -> None:
    names = [check.name for check in machine.examine(tmp_path, {})]
    assert names == [
        "platform",
        "glibc",
        "libcurl.so.4",
        "libssl.so.3",
        "python",
        "nats-server",
        "mongod",
        "free disk",
    ]
