"""The command line as a process of its own: pipes, Ctrl-C, and no traceback whatever happens."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from textwrap import dedent
from typing import TypeVar

import pytest

from dearena.v1 import common_pb2, judge_dispatcher_pb2, ranker_pb2
from tests.integration.arena_fakes import FakeArena, faking


@pytest.fixture
async def fake() -> AsyncIterator[FakeArena]:
    async with faking() as fake:
        yield fake


T = TypeVar("T")

DEADLINE_SECONDS = 60.0
"""Of each wait for a process: far above what any takes on a busy machine."""


async def within(process: Process, wait: Awaitable[T], what: str) -> T:
    """What is waited for; a process that does not bring it is ended, and what it should have done is told."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await wait
    except TimeoutError:
        process.kill()
        pytest.fail(f"the process did not {what} within {DEADLINE_SECONDS:g} s")


async def dearena(fake: FakeArena, directory: Path, *args: str) -> Process:
    (directory / ".dearena").mkdir(exist_ok=True)
    services = ("gateway", "query_selector", "ranker", "judge_dispatcher", "scorer")
    (directory / ".dearena" / "endpoints.json").write_text(json.dumps(dict.fromkeys(services, fake.address)))
    return await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("dearena")), *args, cwd=directory, stdout=PIPE, stderr=PIPE
    )


async def test_ctrl_c_ends_a_watch_quietly(fake: FakeArena, tmp_path: Path) -> None:
    fake.silent = True
    fake.steps = [
        ranker_pb2.WatchInsertionResponse(cursor=1, insertion=ranker_pb2.Insertion(model="kappa@1"), why="is admitted")
    ]
    process = await dearena(fake, tmp_path, "watch", "algebra", "--json")
    assert process.stdout is not None
    said = await within(process, process.stdout.readline(), "say a step")
    assert json.loads(said)["why"] == "is admitted"
    process.send_signal(signal.SIGINT)
    _, errors = await within(process, process.communicate(), "end after Ctrl-C")
    assert (process.returncode, errors) == (130, b"")


INTERRUPTED_WHILE_FALLING_ASLEEP = """
    import asyncio, ctypes, functools, operator, selectors, signal
    from dearena.cli.running import run_plain

    interrupt = functools.partial(ctypes.CDLL(None)["raise"], int(signal.SIGINT))

    class Selector(selectors.EpollSelector):
        def select(self, timeout=None):
            if timeout is not None:
                return super().select(timeout)
            # One call in C after the other: Python does not look for signals in between.
            sleep = functools.partial(self._selector.poll, -1, 100)
            _, found = map(operator.call, [interrupt, sleep])
            return [(self._fd_to_key[fd], selectors.EVENT_READ) for fd, _ in found]

    selectors.DefaultSelector = Selector
    run_plain(lambda: asyncio.Event().wait())
"""


async def test_ctrl_c_is_heard_in_the_moment_in_which_the_loop_falls_asleep() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", dedent(INTERRUPTED_WHILE_FALLING_ASLEEP), stdout=PIPE, stderr=PIPE
    )
    _, errors = await within(process, process.communicate(), "hear Ctrl-C")
    assert (process.returncode, errors) == (130, b"")


async def test_a_reader_that_has_seen_enough_is_left_in_peace(fake: FakeArena, tmp_path: Path) -> None:
    count = 20_000
    fake.batches = [
        judge_dispatcher_pb2.ListVotesResponse(
            models=["alpha@1", "beta@1", "gamma@1"],
            query_ids=["q1"],
            sequence=range(count),
            round=[1] * count,
            cell_id=[str(number) for number in range(count)],
            attempt=[1] * count,
            model_a=[0] * count,
            model_b=[1] * count,
            judge=[2] * count,
            query=[0] * count,
            outcome=[common_pb2.OUTCOME_TIE] * count,
            judge_calls=[2] * count,
            cost_nano_units=[0] * count,
        )
    ] * 3
    process = await dearena(fake, tmp_path, "votes", "export", "algebra")
    assert process.stdout is not None
    assert process.stderr is not None
    said = await within(process, process.stdout.readline(), "say a vote")
    assert json.loads(said)["winner"] == "tie"
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined] # as `head -1` does
    errors = await within(process, process.stderr.read(), "end when nobody reads")
    assert (await within(process, process.wait(), "end when nobody reads"), errors) == (1, b"")
