"""Rankers of two shards: one brings the dimension forward, and both answer questions about it."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import time

import pytest

from dearena.ranking.decisions import DecisionKind
from dearena.trials.arena import Arena
from dearena.v1 import ranker_pb2 as pb
from dearena.v1.events_pb2 import DimensionReady, EventEnvelope
from services.ranker.shards import Shards, shard_of
from services.runtime import subjects
from services.runtime.bus import Bus, TopologyMissing, envelope
from services.runtime.doorbell import Delivery, Doorbell
from services.runtime.store import Store
from services.runtime.topology import provision
from tests.fixtures.ranked import NAME, told
from tests.fixtures.ranker_stage import MODELS, Ranked, Stage
from tests.fixtures.waiting import eventually
from tests.unit.ranking.planted import ALGEBRA

OWN = shard_of(ALGEBRA, 2)
OTHER = 1 - OWN
NEVER = {"sweep_seconds": 600, "reask_seconds": 60}
"""Only a doorbell may lead to anything."""


async def instances(mongo_url: str, database: str) -> set[str]:
    """Who has written the log, the rounds and the insertions."""
    store = Store(mongo_url, database)
    try:
        written: set[str] = set()
        for collection in ("decisions", "rounds", "round_cells", "insertions"):
            written |= set(await store.collection(collection).distinct("created_by"))
    finally:
        store.close()
    return written


async def test_a_dimension_is_ranked_by_its_shard_and_answered_for_by_all(
    stage: Stage, calm: Arena, nats_url: str, mongo_url: str, mongo_database: str
) -> None:
    await provision(nats_url, shards=2)
    stage.around.gate.clear()
    async with (
        stage.ranker(shards=2, shard=str(OTHER), instance="other", **NEVER) as other,
        stage.ranker(shards=2, shard=str(OWN), instance="own", **NEVER) as own,
    ):
        await eventually(lambda: opened_for(other, MODELS[0]))
        watching = asyncio.ensure_future(watched(other, MODELS[0]))
        stage.around.gate.set()
        steps = await watching
        await other.at_rest()
        seen, had = await other.insertions(), await own.insertions()
        assert told(await other.log()) == told(calm.log)

    assert seen == had
    assert steps[-1].insertion.phase == pb.INSERTION_PHASE_SETTLED
    assert await instances(mongo_url, mongo_database) == {"own"}
    assert set(stage.around.asked.values()) == {1}


async def opened_for(ranker: Ranked, model: str) -> bool:
    insertion = (await ranker.insertions()).get(model)
    return insertion is not None and insertion.cells_total > 0


async def watched(ranker: Ranked, model: str) -> list[pb.WatchInsertionResponse]:
    request = pb.WatchInsertionRequest(dimension=NAME, model=model)
    return [step async for step in ranker.stub.WatchInsertion(request, timeout=60)]


async def test_who_watches_at_another_shard_is_woken_by_rings(stage: Stage, nats_url: str) -> None:
    await provision(nats_url, shards=2)
    stage.around.gate.clear()
    # It looks by itself only when the test is over.
    async with (
        stage.ranker(shards=2, shard=str(OTHER), watch_seconds=600, **NEVER) as other,
        stage.ranker(shards=2, shard=str(OWN), **NEVER),
    ):
        await eventually(lambda: opened_for(other, MODELS[0]))
        request = pb.WatchInsertionRequest(dimension=NAME, model=MODELS[0])
        watching = aiter(other.stub.WatchInsertion(request, timeout=60))
        coming = asyncio.ensure_future(anext(watching))
        while (await asyncio.wait([coming], timeout=2))[0]:  # all that there is to see before a vote
            coming = asyncio.ensure_future(anext(watching))
        stage.around.gate.set()
        await asyncio.wait_for(coming, 12)


async def test_a_shard_that_is_new_hears_what_was_told_before_it_had_a_consumer(nats_url: str) -> None:
    await provision(nats_url)
    bus = Bus(nats_url, "test", fetch_seconds=0.2)
    bus.start()
    await bus.ready()
    told_before = envelope("dimension.ready/before", "default", "algebra", dimension_ready=DimensionReady())
    heard: list[str] = []

    async def hear(event: EventEnvelope, _delivery: Delivery) -> None:
        heard.append(event.event_id)

    try:
        await bus.publish(subjects.dimension_ready("default", "algebra"), told_before)
        await provision(nats_url, shards=2)
        consumer = await bus.bind(Doorbell(Shards(2, 1).durable, subjects.EVENTS, hear))
        taking = asyncio.create_task(consumer.run())
        await eventually(lambda: told_before.event_id in heard)
        await consumer.stop(5)
        await taking
        await consumer.unsubscribe()
    finally:
        await bus.close()


async def test_an_order_given_to_another_shard_is_carried_out_at_once(stage: Stage, nats_url: str) -> None:
    await provision(nats_url, shards=2)
    async with (
        stage.ranker(shards=2, shard=str(OTHER), **NEVER) as other,
        stage.ranker(shards=2, shard=str(OWN), **NEVER) as own,
    ):
        await own.at_rest()
        before = time.monotonic()
        judge = MODELS[0]
        await other.stub.SuspendJudge(pb.SuspendJudgeRequest(dimension=NAME, judge=judge, reason="a trial"))

        async def suspended() -> bool:
            return any(one.kind is DecisionKind.JUDGE_SUSPENDED for one in await own.log())

        await eventually(suspended)
        assert time.monotonic() - before < 60  # neither a sweep nor a look
        assert [one.judge for one in (await other.stub.ListJudges(pb.ListJudgesRequest(dimension=NAME))).judges] == [
            *MODELS
        ]


async def test_how_far_a_round_is_can_be_asked_of_another_shard(stage: Stage, calm: Arena, nats_url: str) -> None:
    await provision(nats_url, shards=2)
    heard = sum(vote.judge != MODELS[4] for vote in calm.votes[1])
    stage.around.drop = lambda event: event.judging_requested.judge == MODELS[4]
    async with (
        stage.ranker(shards=2, shard=str(OTHER), **NEVER) as other,
        stage.ranker(shards=2, shard=str(OWN), **NEVER),
    ):

        async def done() -> int:
            found = (await other.insertions()).get(MODELS[0])
            return found.cells_done if found else 0

        await eventually(done, equals=heard)
        call = other.stub.WatchInsertion(pb.WatchInsertionRequest(dimension=NAME, model=MODELS[0]), timeout=30)
        async for step in call:
            if step.insertion.cells_done == heard:
                break
        # Where nobody can say it, the rest is told.
        stage.around.away.add("GetRoundProgress")
        assert list(await other.insertions())[:5] == list(MODELS[:5])


async def test_a_ranker_that_is_started_with_another_number_of_shards_does_no_harm(
    stage: Stage, calm: Arena, nats_url: str
) -> None:
    """For a while both have the dimension, as when the number is changed while they run."""
    await provision(nats_url, shards=2)
    async with stage.ranker(shards=2, shard=str(OWN)), stage.ranker(shards=1, shard="0") as other:
        await other.at_rest()
        assert told(await other.log()) == told(calm.log)
    assert set(stage.around.asked.values()) <= {1, 2}


async def test_a_shard_without_its_consumer_says_so(stage: Stage) -> None:
    async with stage.ranker(shards=7, shard="6") as ranker:
        with pytest.raises(TopologyMissing, match=r"ranker-doorbell-6.*with DEARENA_SHARDS as here"):
            await asyncio.wait_for(asyncio.shield(ranker.service.broken), 20)
