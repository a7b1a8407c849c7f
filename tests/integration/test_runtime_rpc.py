"""Faults, deadlines and health over real gRPC."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dearena import faults, rpc_faults
from dearena.v1 import scorer_pb2, scorer_pb2_grpc
from services.runtime.peers import Peers
from services.runtime.rpc import Server, Servicer
from services.runtime.settings import ServiceSettings
from tests.fixtures.waiting import eventually

SCORER = scorer_pb2.DESCRIPTOR.services_by_name["ScorerService"].full_name


Context = grpc.aio.ServicerContext


class Scorer(scorer_pb2_grpc.ScorerServiceServicer):
    """Answers as its test says."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.calls = 0
        self.remaining: float | None = None
        self.next: scorer_pb2_grpc.ScorerServiceAsyncStub | None = None

    async def GetLeaderboard(
        self, request: scorer_pb2.GetLeaderboardRequest, context: Context[Any, Any]
    ) -> scorer_pb2.GetLeaderboardResponse:
        self.calls += 1
        self.remaining = context.time_remaining()
        if self.errors:
            raise self.errors.pop(0)
        if self.next is not None and request.board_version:
            return await self.next.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())
        return scorer_pb2.GetLeaderboardResponse()

    async def WatchLeaderboard(
        self, request: scorer_pb2.WatchLeaderboardRequest, context: Context[Any, Any]
    ) -> AsyncIterator[scorer_pb2.WatchLeaderboardResponse]:
        yield scorer_pb2.WatchLeaderboardResponse(cursor=1)
        raise faults.InvalidCursor("cursor 7 was not given out here")

    async def _not_asked(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    ScoreThrough = GetMatrices = ListBoards = GetPairs = _not_asked
    GetJudgeReport = GetCounterfactuals = DiffBoards = _not_asked


@asynccontextmanager
async def served(scorer: Scorer) -> AsyncIterator[tuple[scorer_pb2_grpc.ScorerServiceAsyncStub, str, Server]]:
    server = Server(
        [Servicer(scorer_pb2_grpc.add_ScorerServiceServicer_to_server, scorer, SCORER)], traced=False, reflected=True
    )
    address = await server.start("127.0.0.1:0")
    peers = Peers(ServiceSettings(scorer_address=address))
    await server.serving()
    try:
        yield peers.scorer, address, server
    finally:
        await peers.close()
        await server.stop(0)


async def test_a_fault_arrives_with_reason_and_fields() -> None:
    scorer = Scorer()
    scorer.errors = [faults.InvalidField.of("board_version", "is negative")]
    async with served(scorer) as (stub, _, _):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    fault = rpc_faults.fault_of(caught.value)
    assert isinstance(fault, faults.InvalidField)
    assert fault.violations == (faults.FieldViolation("board_version", "is negative"),)


async def test_an_exhausted_budget_arrives_with_its_name() -> None:
    scorer = Scorer()
    scorer.errors = [faults.BudgetExhausted.of("insertion of gamma in algebra")]
    async with served(scorer) as (stub, _, _):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())

    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    fault = rpc_faults.fault_of(caught.value)
    assert isinstance(fault, faults.BudgetExhausted)
    assert fault.budget == "insertion of gamma in algebra"


async def test_a_defect_tells_nothing() -> None:
    scorer = Scorer()
    scorer.errors = [RuntimeError("the key is hunter2")]
    async with served(scorer) as (stub, _, _):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())

    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(caught.value)


async def test_a_stream_that_breaks_off_says_why() -> None:
    async with served(Scorer()) as (stub, _, _):
        stream = stub.WatchLeaderboard(scorer_pb2.WatchLeaderboardRequest())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for response in stream:
                assert response.cursor == 1

    assert isinstance(rpc_faults.fault_of(caught.value), faults.InvalidCursor)


async def test_unavailable_is_tried_again_where_that_is_harmless() -> None:
    scorer = Scorer()
    scorer.errors = [faults.StoreUnavailable("away"), faults.StoreUnavailable("away")]
    async with served(scorer) as (stub, _, _):
        await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())

    assert scorer.calls == 3


async def test_every_call_has_a_deadline_and_hands_on_what_is_left() -> None:
    scorer = Scorer()
    async with served(scorer) as (stub, _, _):
        await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())
        assert scorer.remaining is not None
        assert scorer.remaining < 11
        scorer.next = stub
        await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest(board_version=1), timeout=4)

    assert scorer.remaining < 5  # gRPC rounds a deadline up


async def test_a_peer_that_is_away_is_a_fault_in_words() -> None:
    peers = Peers(ServiceSettings(scorer_address="127.0.0.1:9"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await peers.scorer.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())
    await peers.close()

    assert isinstance(rpc_faults.fault_of(caught.value), faults.ServiceUnavailable)


async def test_health_tells_of_serving_and_of_leaving() -> None:
    async with served(Scorer()) as (_, address, server), grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", SCORER):
            response = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert response.status == health_pb2.HealthCheckResponse.SERVING
        await server.leaving()
        response = await stub.Check(health_pb2.HealthCheckRequest(service=SCORER))
        assert response.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_taken_port_is_refused() -> None:
    async with served(Scorer()) as (_, address, _):
        with pytest.raises((OSError, RuntimeError)):
            await asyncio.wait_for(Server([], traced=False, reflected=False).start(address), 5)


class Slow(Scorer):
    """Answers no call in time, and ends no watch."""

    async def GetLeaderboard(
        self, request: scorer_pb2.GetLeaderboardRequest, context: Context[Any, Any]
    ) -> scorer_pb2.GetLeaderboardResponse:
        self.calls += 1
        await asyncio.Event().wait()
        return scorer_pb2.GetLeaderboardResponse()

    async def WatchLeaderboard(
        self, request: scorer_pb2.WatchLeaderboardRequest, context: Context[Any, Any]
    ) -> AsyncIterator[scorer_pb2.WatchLeaderboardResponse]:
        self.calls += 1
        yield scorer_pb2.WatchLeaderboardResponse(cursor=1)
        await asyncio.Event().wait()


async def test_a_call_that_a_stop_cuts_off_may_be_tried_again() -> None:
    scorer = Slow()
    async with (
        served(scorer) as (_, address, server),
        grpc.aio.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel,
    ):
        stub = scorer_pb2_grpc.ScorerServiceStub(channel)
        call = stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest(), timeout=20)
        watch = stub.WatchLeaderboard(scorer_pb2.WatchLeaderboardRequest(), timeout=20)
        begun = await watch.read()
        assert isinstance(begun, scorer_pb2.WatchLeaderboardResponse)
        assert begun.cursor == 1
        await eventually(lambda: scorer.calls, equals=2)
        await server.stop(0.1)
        assert (await call.code(), await watch.code()) == (grpc.StatusCode.UNAVAILABLE,) * 2
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert isinstance(rpc_faults.fault_of(caught.value), faults.ServiceUnavailable)


async def test_a_call_whose_work_is_cut_off_may_be_tried_again() -> None:
    scorer = Scorer()
    scorer.errors = [asyncio.CancelledError()]  # type: ignore[list-item] # as from a future that a stop cancels
    async with served(scorer) as (stub, _, _):
        await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest(), timeout=20)
    assert scorer.calls == 2


async def test_what_a_stopping_server_has_not_begun_is_tried_again_and_told_as_away() -> None:
    """Calls that it has received and not begun are killed with CANCELLED."""
    scorer = Scorer()
    ended: list[str] = []
    for milliseconds in range(0, 10, 2):
        async with served(scorer) as (stub, _, server):
            await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest())

            async def ask(stub: scorer_pb2_grpc.ScorerServiceAsyncStub = stub) -> str:
                try:
                    await stub.GetLeaderboard(scorer_pb2.GetLeaderboardRequest(), timeout=5)
                except grpc.aio.AioRpcError as error:
                    return type(rpc_faults.fault_of(error)).__name__
                return ""

            asked = [asyncio.ensure_future(ask()) for _ in range(100)]
            await asyncio.sleep(milliseconds / 1000)
            await server.stop(2)
            ended += await asyncio.gather(*asked)
    assert set(ended) == {"", "ServiceUnavailable"}
