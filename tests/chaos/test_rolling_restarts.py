"""Every process of every service is restarted in mid-insertion, one by one: nothing is lost, and nobody hears of it."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
import structlog

from dearena.local.endpoints import SERVICES
from dearena.v1 import gateway_pb2, ranker_pb2
from tests.fixtures.arena import Arena, Played
from tests.fixtures.load import Load, under_load
from tests.fixtures.replicas import Replicas, replicated

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

log = structlog.get_logger(__name__)

MODELS = [f"planted-{n}" for n in range(8)]
"""Five seeds, and three newcomers."""
# One call of a model at a time, so that insertions last while ten processes are restarted.
CONCURRENCY = 1

LEAVING = {
    # Shorter than what is in flight may take, so that some of it is cut off.
    "DEARENA_DRAIN_SECONDS": "2",
    "DEARENA_DRAIN_CALLS_SECONDS": "5",
    # A store that is slow since the machine is busy is another matter.
    "DEARENA_STORE_TIMEOUT_SECONDS": "15",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clustered(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Arena, Replicas]]:
    counts = dict.fromkeys(SERVICES, 2)
    directory = tmp_path_factory.mktemp("rolling")
    async with replicated(directory, counts=counts, shards=2, environment=LEAVING) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(clustered: tuple[Arena, Replicas]) -> Played:
    """The same world, undisturbed; its models take no time."""
    whole, _ = clustered
    async with whole.client("calm") as client:
        await whole.begin(client, MODELS)
        return await whole.settled(client, len(MODELS))


async def test_a_rolling_restart_is_heard_of_by_nobody(clustered: tuple[Arena, Replicas], calm: Played) -> None:
    whole, replicas = clustered
    async with whole.client("rolled") as client:
        await whole.begin(client, MODELS, world="slow", concurrency=CONCURRENCY)
        caught = await whole.mid_insertion(client)
        async with under_load(whole, client, caught.model, "beside") as load:
            began = time.monotonic()
            first_half = [replicas.of(service)[0] for service in SERVICES]
            for replica in first_half:
                await replica.restart()
            rolled_at = datetime.now(UTC)
            for replica in (replicas.of(service)[1] for service in SERVICES):
                await replica.restart()
            seconds = time.monotonic() - began
            played = await whole.settled(client, len(MODELS))
        settled_at = max([one.settle_time.ToDatetime(tzinfo=UTC) async for one in client.insertions("d")])
        interrupted = {entry.request_id async for entry in client.ledger(interrupted_only=True)}
        await check_load(whole, load)
    log.info(
        "restarted",
        seconds=round(seconds, 1),
        calls=load.done.total(),
        longest=round(load.longest, 1),
        unavailable_to_others=load.refused(),
    )

    assert rolled_at < settled_at, "a service was restarted too late to show anything"
    assert played.board.board_digest == calm.board.board_digest
    assert played.outcomes == calm.outcomes
    assert len(played.request_ids) == len(calm.request_ids)
    counts = whole.requests()
    repeated = {request for request in played.request_ids if counts.get(request, 0) != 1}
    assert repeated <= interrupted


async def check_load(whole: Arena, load: Load) -> None:
    """Clients heard of nothing, and each of their calls was done once."""
    assert load.errors == []
    assert set(load.done) >= {"leaderboard", "ranking", "insertions", "votes", "queries", "register", "complete"}
    async with whole.client("beside") as other:
        registered = [model.name.rpartition("/")[2] async for model in other.models()]
        owned_up = {entry.request_id async for entry in other.ledger(interrupted_only=True)}
        states = {entry.state async for entry in other.ledger()}
    assert set(load.models[:-1]) <= set(registered)
    assert len(registered) == len(set(registered))
    counts = whole.requests()
    # The last one may have been asked while the clients were let go.
    assert {request for request in load.completions[:-1] if counts.get(request, 0) != 1} <= owned_up
    assert gateway_pb2.COMPLETION_STATE_UNKNOWN not in states or owned_up
    decided = [step.decision.number for step in load.steps if step.HasField("decision")]
    assert decided == sorted(set(decided)), "a step was told twice"
    assert load.steps[-1].insertion.phase == ranker_pb2.INSERTION_PHASE_SETTLED
