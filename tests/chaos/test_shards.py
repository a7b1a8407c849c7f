"""Rankers of two shards: each brings its own dimensions forward, and more of one shard than one do no harm."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from dearena.client import ArenaClient
from dearena.names import DimensionName
from dearena.v1 import ranker_pb2
from services.ranker.shards import shard_of
from tests.fixtures.arena import Arena, Played
from tests.fixtures.replicas import Replicas, replicated
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(7)]
SHARDS = 2
# Few calls at a time, so that a round can be met half done.
CONCURRENCY = 3
WRITTEN = ("decisions", "rounds", "round_cells", "insertions")
"""By rankers, where they bring a dimension forward."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clustered(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Arena, Replicas]]:
    counts = {"ranker": SHARDS}
    # Nothing but a doorbell leads to anything in time: who hears none of its dimensions is found out.
    waiting = {"DEARENA_SWEEP_SECONDS": "300", "DEARENA_REASK_SECONDS": "300"}
    directory = tmp_path_factory.mktemp("shards")
    async with replicated(directory, counts=counts, shards=SHARDS, environment=waiting) as found:
        yield found


def dimensions(project: str, each: int) -> dict[str, int]:
    """Slugs with their shards, so many of each."""
    found: dict[str, int] = {}
    for number in range(100):
        shard = shard_of(DimensionName(project, f"d{number}"), SHARDS)
        if list(found.values()).count(shard) < each:
            found[f"d{number}"] = shard
    return found


async def writers(replicas: Replicas, project: str, dimension: str) -> set[str]:
    found: set[str] = set()
    for collection in WRITTEN:
        found |= set(await replicas.signed(collection, project, dimension))
    return found


async def begun(whole: Arena, client: ArenaClient, slugs: list[str], world: str = "planted") -> None:
    for model in MODELS:
        await whole.register(client, model, world)
    for slug in slugs:
        await whole.dimension(client, slug, 6)


@pytest.fixture
def shards() -> dict[str, int]:
    return dimensions("shared", 2)


async def test_each_shard_ranks_its_own_dimensions(clustered: tuple[Arena, Replicas], shards: dict[str, int]) -> None:
    whole, replicas = clustered
    assert sorted(shards.values()) == [0, 0, 1, 1]
    async with whole.client("shared") as client:
        await begun(whole, client, [*shards])
        for slug in shards:
            await whole.settled(client, len(MODELS), slug)
        for slug, shard in shards.items():
            assert await writers(replicas, "shared", slug) == {f"ranker-{shard}"}, slug

        # The client's connection is to one of them; orders reach whoever has the dimension.
        judge = (await client.ranking(next(iter(shards)))).models[0]
        for slug in shards:
            await client.suspend_judge(slug, judge, "a trial")
        for slug, shard in shards.items():
            await eventually(partial(suspended, client, slug), equals=[judge])
            assert await writers(replicas, "shared", slug) == {f"ranker-{shard}"}


async def suspended(client: ArenaClient, slug: str) -> list[str]:
    return list((await client.ranking(slug)).suspended_judges)


async def test_a_ranker_started_twice_does_no_harm(clustered: tuple[Arena, Replicas]) -> None:
    whole, replicas = clustered
    (slug,) = [slug for slug, shard in dimensions("twice", 1).items() if shard == 0]
    calm = await played(whole, "twice-calm", slug)
    twin = await replicas.add("ranker", DEARENA_SHARD="0")
    disturbed = await played(whole, "twice", slug)
    async with whole.client("twice") as client:
        numbers = [decision.number async for decision in client.decisions(slug)]
        phases = {insertion.phase async for insertion in client.insertions(slug)}
    assert numbers == list(range(1, len(numbers) + 1))
    assert phases == {ranker_pb2.INSERTION_PHASE_SETTLED}
    assert disturbed.board.board_digest == calm.board.board_digest
    assert disturbed.outcomes == calm.outcomes
    counts = whole.requests()
    assert {counts[request] for request in disturbed.request_ids} == {1}

    # By chance each ring goes to one of them: the first leaves in mid-insertion, and the other works in its place.
    (first,) = [replica for replica in replicas.of("ranker") if replica.instance == "ranker-0"]
    async with whole.client("twice") as client:
        await whole.register(client, "late", "slow", upstream="planted-7", concurrency=CONCURRENCY)
        await whole.mid_insertion(client, slug)
        assert await first.end() == 0

        async def takes_over() -> bool:
            return twin.instance in await writers(replicas, "twice", slug)

        await eventually(takes_over)
        await first.start()
        await first.serving()
        await whole.settled(client, len(MODELS) + 1, slug)
    await twin.end()


async def played(whole: Arena, project: str, slug: str) -> Played:
    async with whole.client(project) as client:
        await begun(whole, client, [slug])
        return await whole.settled(client, len(MODELS), slug)
