"""A selection goes on whoever dies in mid-pilot, and nothing is asked twice."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dearena.v1 import gateway_pb2, query_selector_pb2
from tests.fixtures.arena import Arena, arena
from tests.fixtures.selections import SELECTION_SECONDS, Selecting, selecting
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(4)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("selection-kills")) as whole:
        yield whole


async def until(selecting: Selecting, orders: int) -> None:
    """Wait until so many orders were given and more is to come."""

    async def found() -> bool:
        progress = await selecting.calmly("d")
        if progress is None:
            return False
        assert progress.stage not in (
            query_selector_pb2.SELECTION_STAGE_DONE,
            query_selector_pb2.SELECTION_STAGE_FAILED,
        ), progress
        return progress.orders >= orders

    await eventually(found, SELECTION_SECONDS, poll=0.05)


async def check(selecting: Selecting, pool: int) -> None:
    """It came to its end, and every answer and every cell was paid once."""
    progress = await selecting.over("d")
    assert progress.stage == query_selector_pb2.SELECTION_STAGE_DONE, progress
    assert len([query async for query in selecting.client.queries("d")]) == 8
    assert [one.rank for one in await selecting.reasons("d", taken_only=True)] == list(range(1, 9))
    assert len(await selecting.reasons("d", page_size=1_000)) == pool
    assert len(progress.pilots) == 1
    made = await selecting.paid_once(progress.pilots[0])
    assert made[gateway_pb2.PURPOSE_ANSWER] == len(MODELS) * await selecting.turns(progress.pilots[0])
    assert progress.judge_calls <= progress.most_judge_calls


async def test_a_selector_killed_in_mid_pilot_goes_on(whole: Arena) -> None:
    async with selecting(whole, "killed", MODELS) as found:
        await found.create("d", k=8, calls=600)
        await whole.kill("query_selector")
        await until(found, 1)
        await whole.kill("query_selector")
        await until(found, 2)
        await whole.kill("query_selector")
        await check(found, 60)


def environment_of(whole: Arena) -> dict[str, str]:
    """Of the selector that runs: another one in it is its replica."""
    found = Path(f"/proc/{whole.stack.pid_of('query_selector')}/environ").read_bytes().decode()
    return dict(entry.split("=", 1) for entry in found.split("\0") if "=" in entry)


async def test_two_replicas_make_one_pilot_and_order_once(whole: Arena) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.query_selector",
        env=environment_of(whole) | {"DEARENA_LISTEN": "127.0.0.1:0"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with selecting(whole, "twice", MODELS) as found:
            await found.create("d", k=8, calls=600)
            await check(found, 60)
        assert other.returncode is None, "the other replica was not there to the end"
    finally:
        other.terminate()
        await other.wait()
