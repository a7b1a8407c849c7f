"""Metrics of what every service has: calls to it, its events, its queues, its dead letters."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import nats
import pytest

from dearena import faults
from dearena.v1 import scorer_pb2, scorer_pb2_grpc
from dearena.v1.events_pb2 import DimensionReady, EventEnvelope
from services.runtime import instruments, subjects, topology
from services.runtime.bus import Bus, envelope
from services.runtime.doorbell import MAX_DELIVERIES, Delivery, Doorbell, Poison, TryAgain
from services.runtime.rpc import Server, Servicer
from tests.fixtures.metrics import kept_metrics
from tests.fixtures.waiting import eventually

TOPOLOGY = """
streams:
  - {name: EVENTS, subjects: ["dimension.>"], retention: limits}
  - {name: DEAD_LETTERS, subjects: ["dead.>"], retention: limits}
consumers:
  - {stream: EVENTS, durable: gateway-dimensions, filter_subjects: ["dimension.ready.>"], ack_wait_seconds: 30}
"""
TEMPLATE = "dimension.ready.{project}.{name}"
SUBJECT = subjects.dimension_ready("default", "algebra")
DURABLE = "gateway-dimensions"


@pytest.fixture
async def bus(nats_url: str, tmp_path: Path) -> AsyncIterator[Bus]:
    client = await nats.connect(nats_url)
    for stream in await client.jetstream().streams_info():
        await client.jetstream().delete_stream(stream.config.name or "")
    await client.close()
    path = tmp_path / "topology.yaml"
    path.write_text(TOPOLOGY)
    await topology.provision(nats_url, path)
    bus = Bus(nats_url, "test", fetch_seconds=0.2)
    bus.start()
    await bus.ready()
    yield bus
    await bus.close()


def ready(name: str) -> EventEnvelope:
    return envelope(name, "default", "algebra", dimension_ready=DimensionReady())


class Handler:
    """Does with an event what the event's name says."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def __call__(self, event: EventEnvelope, delivery: Delivery) -> None:
        match event.event_id, delivery.count:
            case "held", _:
                await self.may_end.wait()
            case "poison", _:
                raise Poison("nobody can take this")
            case "broken", _:
                raise ValueError("a defect")
            case "later", 1:
                raise TryAgain(0.01)
            case "away", 1:
                raise faults.ServiceUnavailable("the peer is away")


async def test_queues_events_and_dead_letters_are_counted(bus: Bus) -> None:
    handler = Handler()
    with kept_metrics("gateway") as (exporting, kept):
        consumer = await bus.bind(Doorbell(DURABLE, subjects.EVENTS, handler, workers=1))
        exporting.export()
        none_yet = {(TEMPLATE, "poison"): 0, (TEMPLATE, "deliveries"): 0}
        assert kept.values(instruments.DEAD_LETTERS) == none_yet, "the first letter would be seen by nobody"

        for name in ("held", "poison", "broken", "later", "away"):
            await bus.publish(SUBJECT, ready(name))
        queue = (subjects.EVENTS, DURABLE)
        await exporting.take_stock([consumer.depth])
        exporting.export()
        assert kept.values(instruments.QUEUE_PENDING) == {queue: 5}
        assert kept.values(instruments.QUEUE_IN_FLIGHT) == {queue: 0}

        task = asyncio.create_task(consumer.run())

        async def held() -> bool:
            await exporting.take_stock([consumer.depth])
            exporting.export()
            return kept.values(instruments.QUEUE_IN_FLIGHT) == {queue: 1}

        await eventually(held)
        assert kept.values(instruments.QUEUE_PENDING) == {queue: 4}
        handler.may_end.set()

        async def all_counted() -> bool:
            exporting.export()
            return kept.counts(instruments.PROCESS_DURATION) == {
                (TEMPLATE, DURABLE, ""): 3,
                (TEMPLATE, DURABLE, "poison"): 1,
                (TEMPLATE, DURABLE, "internal"): MAX_DELIVERIES,
                (TEMPLATE, DURABLE, "again"): 1,
                (TEMPLATE, DURABLE, "unavailable"): 1,
            }

        await eventually(all_counted)

        async def both_dead() -> bool:
            exporting.export()
            return kept.values(instruments.DEAD_LETTERS) == {(TEMPLATE, "poison"): 1, (TEMPLATE, "deliveries"): 1}

        await eventually(both_dead)
        await consumer.stop(5)
        await task
        await consumer.unsubscribe()


async def test_a_queue_that_cannot_be_looked_at_is_left_out(bus: Bus) -> None:
    async def handler(_event: EventEnvelope, _delivery: Delivery) -> None:
        raise AssertionError

    consumer = await bus.bind(Doorbell(DURABLE, subjects.EVENTS, handler))
    assert len(await consumer.depth()) == 2
    await bus._stream.delete_consumer(subjects.EVENTS, DURABLE)

    assert await consumer.depth() == []


class Scorer(scorer_pb2_grpc.ScorerServiceServicer):
    """Answers one board, waits on a watch, and knows nothing of others."""

    async def GetLeaderboard(self, request: Any, context: Any) -> scorer_pb2.GetLeaderboardResponse:
        if request.board_version:
            raise faults.UnknownDimension("there is none")
        return scorer_pb2.GetLeaderboardResponse()

    async def WatchLeaderboard(self, request: Any, context: Any) -> AsyncIterator[scorer_pb2.WatchLeaderboardResponse]:
        yield scorer_pb2.WatchLeaderboardResponse(cursor=1)
        await asyncio.Event().wait()

    async def _not_asked(self, request: Any, context: Any) -> Any:
        raise ZeroDivisionError

    ScoreThrough = GetMatrices = ListBoards = GetPairs = _not_asked
    GetJudgeReport = GetCounterfactuals = DiffBoards = _not_asked


async def test_calls_are_counted_by_method_and_status() -> None:
    name = scorer_pb2.DESCRIPTOR.services_by_name["ScorerService"].full_name
    servicer = Servicer(scorer_pb2_grpc.add_ScorerServiceServicer_to_server, Scorer(), name)
    with kept_metrics("scorer") as (exporting, kept):
        server = Server([servicer], traced=False, reflected=False)
        address = await server.start("127.0.0.1:0")
        async with grpc.aio.insecure_channel(address) as channel:
            stub = scorer_pb2_grpc.ScorerServiceStub(channel)
            await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest(board_version=7))
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.ListBoards(scorer_pb2.ListBoardsRequest())
            watch = stub.WatchLeaderboard(scorer_pb2.WatchLeaderboardRequest())
            await watch.read()
            watch.cancel()

            async def all_counted() -> bool:
                exporting.export()
                return kept.counts(instruments.RPC_DURATION) == {
                    (name, "GetLeaderboard", grpc.StatusCode.OK.value[0]): 1,
                    (name, "GetLeaderboard", grpc.StatusCode.NOT_FOUND.value[0]): 1,
                    (name, "ListBoards", grpc.StatusCode.INTERNAL.value[0]): 1,
                    (name, "WatchLeaderboard", grpc.StatusCode.CANCELLED.value[0]): 1,
                }

            await eventually(all_counted)
        await server.stop(0)
