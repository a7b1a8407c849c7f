"""The command line as a process of its own: pipes, Ctrl-C, and no traceback whatever happens."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dearena.v1 import common_pb2, judge_dispatcher_pb2, ranker_pb2
from tests.integration.arena_fakes import FakeArena, faking


@pytest.fixture
async def fake() -> AsyncIterator[FakeArena]:
    async with faking() as fake:
        yield fake


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
    assert json.loads(await process.stdout.readline())["why"] == "is admitted"
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
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
    assert json.loads(await process.stdout.readline())["winner"] == "tie"
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined] # as `head -1` does
    errors = await process.stderr.read()
    assert (await process.wait(), errors) == (1, b"")
