"""Two judge dispatchers share the work; one of them may die, or leave for good, in mid-round."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dearena.client import ArenaClient
from tests.fixtures.arena import Arena, Played
from tests.fixtures.replicas import Replicas, replicated

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(7)]
# Few calls at a time, so that a round can be met half done.
CONCURRENCY = 3
TOKEN = 0.1
"""Less than this part of all outcomes is a token share."""

LEAVING = {
    # A dispatcher leaves in the midst of cells, and the work that it held goes to the other.
    "DEARENA_DRAIN_SECONDS": "0.2",
    # What a killed one held is found again by the ranker; what one that left held, at once.
    "DEARENA_REASK_SECONDS": "5",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clustered(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Arena, Replicas]]:
    directory = tmp_path_factory.mktemp("dispatchers")
    async with replicated(directory, counts={"judge_dispatcher": 2}, environment=LEAVING) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(clustered: tuple[Arena, Replicas]) -> Played:
    whole, _ = clustered
    return await played(whole, "calm")


async def played(whole: Arena, project: str) -> Played:
    async with whole.client(project) as client:
        await whole.begin(client, MODELS, world="slow", concurrency=CONCURRENCY)
        return await whole.settled(client, len(MODELS))


async def shares(replicas: Replicas, project: str) -> dict[str, int]:
    """Outcomes by the dispatcher that wrote them."""
    return await replicas.signed("comparisons", project, "d")


async def test_two_share_the_work(clustered: tuple[Arena, Replicas], calm: Played) -> None:
    whole, replicas = clustered
    written = await shares(replicas, "calm")

    assert set(written) == {"judge_dispatcher-0", "judge_dispatcher-1"}
    assert min(written.values()) > TOKEN * sum(written.values()), written
    counts = whole.requests()
    assert {counts[request] for request in calm.request_ids} == {1}


async def check(whole: Arena, client: ArenaClient, calm: Played) -> None:
    """It settles as if nothing had been, and every call was made once: the gateway knows them all."""
    found = await whole.settled(client, len(MODELS))
    assert [entry async for entry in client.ledger(interrupted_only=True)] == []
    counts = whole.requests()
    assert {request: counts[request] for request in found.request_ids if counts[request] != 1} == {}
    assert len(found.request_ids) == len(calm.request_ids)
    assert found.board.board_digest == calm.board.board_digest
    assert found.outcomes == calm.outcomes


async def test_one_is_killed_in_mid_round(clustered: tuple[Arena, Replicas], calm: Played) -> None:
    whole, replicas = clustered
    victim, other = replicas.of("judge_dispatcher")
    async with whole.client("killed") as client:
        await whole.begin(client, MODELS, world="slow", concurrency=CONCURRENCY)
        await whole.mid_insertion(client)
        before = await shares(replicas, "killed")
        await victim.end(signal.SIGKILL)
        await check(whole, client, calm)
    after = await shares(replicas, "killed")
    await victim.start()
    await victim.serving()

    assert before[victim.instance] > 0
    assert after[victim.instance] - before[victim.instance] < TOKEN * sum(after.values())
    assert after[other.instance] > before[other.instance]


async def test_one_leaves_for_good_in_mid_round(clustered: tuple[Arena, Replicas], calm: Played) -> None:
    whole, replicas = clustered
    leaver, other = reversed(replicas.of("judge_dispatcher"))
    async with whole.client("fewer") as client:
        await whole.begin(client, MODELS, world="slow", concurrency=CONCURRENCY)
        await whole.mid_insertion(client)
        assert await leaver.end() == 0
        before = await shares(replicas, "fewer")
        await check(whole, client, calm)
    after = await shares(replicas, "fewer")

    assert before[leaver.instance] == after[leaver.instance] > 0
    assert after[other.instance] > before[other.instance]
