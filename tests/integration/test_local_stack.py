"""The local stack as its users and the tests of other rooms rely on it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dearena.client import ArenaClient
from dearena.local import stack
from dearena.local.servers import ServerFailed
from dearena.local.stack import Stack
from dearena.local.supervision import Supervisor
from dearena.v1 import gateway_pb2
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Deep in the file system, as state directories may be: a socket's path would not fit."""
    return tmp_path / ("deep" * 25)


@pytest.fixture
async def arena(state: Path) -> AsyncIterator[Stack]:
    async with stack.running(state, dashboard=True) as running:
        yield running


def processes_of(state: Path) -> list[str]:
    """Command lines of whatever runs for a state directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"DEARENA_STATE_DIR={state}".encode() in environment:
                found.append(command)
    return found


def model(client: ArenaClient, slug: str) -> gateway_pb2.Model:
    endpoint = gateway_pb2.Endpoint(base_url="http://127.0.0.1:9/v1", upstream_model=slug, sparring=True)
    return gateway_pb2.Model(name=client.model_name(slug), endpoint=endpoint)


async def test_a_killed_service_is_started_again_and_one_arena_is_enough_for_a_directory(arena: Stack) -> None:
    async with ArenaClient(arena.addresses) as client:
        for service in arena.services:
            before = arena.pid_of(service)
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await eventually(lambda service=service, before=before: arena.pid_of(service) not in (None, before))
            await arena.serving(service)
        assert [one async for one in client.dimensions()] == []
        page = await asyncio.to_thread(urllib.request.urlopen, arena.endpoints.dashboard_url, timeout=10)
        with page:
            assert page.headers.get_content_type() == "text/html"
        await arena.stop("gateway")
        assert arena.pid_of("gateway") is None
        await arena.start("gateway")
        assert [one async for one in client.models()] == []
    with pytest.raises(stack.AlreadyRunning, match=f"as process {os.getpid()}"):
        async with stack.running(arena.state):
            pass


async def test_data_and_ports_are_kept_between_runs_and_forgotten_by_a_fresh_one(state: Path) -> None:
    async with stack.running(state) as first, ArenaClient(first.addresses) as client:
        await client.register_model(model(client, "kept"))
    assert processes_of(state) == []
    secret = (state / "installation.secret").read_bytes()
    assert (state / "installation.secret").stat().st_mode & 0o077 == 0

    async with stack.running(state) as second, ArenaClient(second.addresses) as client:
        assert second.endpoints == first.endpoints
        assert (await client.get_model("kept")).revision == 1
    assert (state / "installation.secret").read_bytes() == secret

    async with stack.running(state, fresh=True) as third, ArenaClient(third.addresses) as client:
        assert [one async for one in client.models()] == []
    assert (state / "installation.secret").read_bytes() != secret


async def test_a_service_that_does_not_stay_up_is_named_with_its_log_and_nothing_is_left(state: Path) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)judge_dispatcher does not stay up.*installation secret has 5 bytes"):
        async with stack.running(state, environment={"DEARENA_INSTALLATION_SECRET": "short"}):
            pass
    assert processes_of(state) == []


def up(state: Path, *options: str) -> "subprocess.Popen[str]":
    command = [str(Path(sys.executable).with_name("dearena")), "up", "--state-dir", str(state), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def read_until(process: "subprocess.Popen[str]", pattern: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(pattern, line):
            return
    pytest.fail(f"`dearena up` ended before it said {pattern!r}")


@pytest.mark.parametrize("moment", ["starting mongod", "starting gateway", "The arena runs"])
async def test_ctrl_c_at_any_moment_leaves_nothing_behind(state: Path, moment: str) -> None:
    process = up(state)
    read_until(process, moment)
    assert processes_of(state) != []
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, processes_of(state)) == (0, []), errors


async def test_an_owner_that_is_killed_takes_everything_along(state: Path) -> None:
    process = up(state, "--json")
    read_until(process, '"endpoints"')
    assert any("services.ranker" in command for command in processes_of(state))
    process.kill()
    process.communicate()
    # An owner that comes meanwhile does this first; programs have ended then, supervisord is about to.
    await Supervisor(state).shut_down()
    await eventually(lambda: processes_of(state), equals=[])
