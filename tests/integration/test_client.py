"""The client over real gRPC: faults come back as themselves, silence ends, queries are all there."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from dearena.client import Addresses, ArenaClient, pools
from dearena.client.channel import Service
from dearena.faults import ArenaFault, BrokenPool, NotReady, ServiceUnavailable, StoreUnavailable, UnknownDimension
from dearena.names import InvalidName
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, query_selector_pb2, scorer_pb2
from dearena.v1.gateway_pb2_grpc import GatewayServiceServicer, add_GatewayServiceServicer_to_server
from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceStub
from services.query_selector.room import build
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.lifecycle import running
from services.runtime.rpc import Server, Servicer
from tests.integration.arena_fakes import FakeArena, faking


@pytest.fixture
async def fake() -> AsyncIterator[FakeArena]:
    async with faking() as fake:
        yield fake


@pytest.fixture
async def client(fake: FakeArena) -> AsyncIterator[ArenaClient]:
    async with ArenaClient(
        Addresses(**dict.fromkeys(("ranker", "scorer", "judge_dispatcher"), fake.address))
    ) as client:
        yield client


async def test_a_stream_that_falls_silent_ends(fake: FakeArena) -> None:
    fake.silent = True
    fake.batches = [judge_dispatcher_pb2.ListVotesResponse()]
    service = Service(judge_dispatcher_pb2.DESCRIPTOR, "judge_dispatcher", fake.address)
    call = JudgeDispatcherServiceStub(service.channel).ListVotes(judge_dispatcher_pb2.ListVotesRequest())
    messages = service.each(call, silence_seconds=0.2)
    assert await anext(messages) is not None
    with pytest.raises(ServiceUnavailable, match=f"the judge dispatcher at {fake.address} has been silent"):
        await anext(messages)
    await service.channel.close()


async def test_faults_come_back_as_themselves(fake: FakeArena, client: ArenaClient) -> None:
    with pytest.raises(NotReady, match="no settled board"):
        await client.leaderboard("algebra")
    fake.faults = [UnknownDimension("there is no dimension algebra")]
    with pytest.raises(UnknownDimension):
        [vote async for vote in client.votes("algebra")]


async def test_a_read_is_tried_again_before_its_first_message(fake: FakeArena, client: ArenaClient) -> None:
    fake.faults = [StoreUnavailable("the store cannot be reached")]
    assert [vote async for vote in client.votes("algebra")] == []
    assert len(fake.asked) == 2


@dataclass
class Leaving(GatewayServiceServicer):
    """A gateway that leaves in the middle of calls, so many times."""

    times: int
    asked: list[Any] = field(default_factory=list)
    fault: type[ArenaFault] = ServiceUnavailable

    def _heard(self, request: Any) -> None:
        self.asked.append(request)
        if len(self.asked) <= self.times:
            raise self.fault("the gateway leaves")

    async def RetireModel(self, request: Any, context: Any) -> gateway_pb2.RetireModelResponse:
        self._heard(request)
        return gateway_pb2.RetireModelResponse()

    async def ProbeModel(self, request: Any, context: Any) -> gateway_pb2.ProbeModelResponse:
        self._heard(request)
        return gateway_pb2.ProbeModelResponse()


@asynccontextmanager
async def client_of(gateway: Leaving) -> AsyncIterator[ArenaClient]:
    servicer = Servicer(add_GatewayServiceServicer_to_server, gateway, "dearena.v1.GatewayService")
    server = Server([servicer], traced=False, reflected=False)
    async with ArenaClient(Addresses(gateway=await server.start("127.0.0.1:0"))) as client:
        yield client
    await server.stop(0)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_change_is_tried_again_under_its_request_id(times: int) -> None:
    gateway = Leaving(times)  # type: ignore[abstract] # what is left out answers UNIMPLEMENTED
    async with client_of(gateway) as client:
        await client.retire_model("kappa")
    assert len(gateway.asked) == times + 1
    assert len({request.request_id for request in gateway.asked}) == 1
    assert gateway.asked[0].request_id


async def test_a_change_that_waited_for_the_store_is_not_tried_again() -> None:
    gateway = Leaving(1, fault=StoreUnavailable)  # type: ignore[abstract] # what is left out answers UNIMPLEMENTED
    async with client_of(gateway) as client:
        with pytest.raises(StoreUnavailable):
            await client.retire_model("kappa")
    assert len(gateway.asked) == 1


async def test_a_call_that_would_be_paid_twice_is_not_tried_again() -> None:
    gateway = Leaving(1)  # type: ignore[abstract] # what is left out answers UNIMPLEMENTED
    async with client_of(gateway) as client:
        with pytest.raises(ServiceUnavailable):
            await client.probe_model("kappa")
    assert len(gateway.asked) == 1


async def test_a_service_that_is_away_is_told_soon() -> None:
    async with ArenaClient(Addresses(gateway="127.0.0.1:9")) as client:
        began = time.monotonic()
        with pytest.raises(ServiceUnavailable, match=r"the gateway at 127\.0\.0\.1:9 cannot be reached"):
            await client.get_model("kappa")
        assert time.monotonic() - began < 5


async def test_a_report_is_asked_for_until_it_is_there(fake: FakeArena) -> None:
    fake.boards = [scorer_pb2.Board(board_version=4)]
    fake.late = 2
    async with ArenaClient(Addresses(scorer=fake.address), call_seconds=0.3) as client:
        assert (await client.pairs("algebra")).board_version == 4
        # Each time of the same board, whatever has settled since.
        assert [request.board_version for request in fake.asked] == [4, 4, 4]
        fake.late = 100
        began = time.monotonic()
        with pytest.raises(ServiceUnavailable, match=r"has not found the answer within 0\.7 s; it goes on"):
            await client.pairs("algebra", wait_seconds=0.7)
        assert 0.7 <= time.monotonic() - began < 5
        assert len(fake.asked) >= 5


async def test_a_report_that_fails_is_not_asked_for_again(fake: FakeArena, client: ArenaClient) -> None:
    fake.faults = [NotReady("algebra has no board 4 yet")]
    with pytest.raises(NotReady):
        await client.pairs("algebra", 4)
    assert len(fake.asked) == 1
    async with ArenaClient(Addresses(scorer="127.0.0.1:9")) as away:
        began = time.monotonic()
        with pytest.raises(ServiceUnavailable, match="cannot be reached"):
            await away.pairs("algebra", 4)
        assert time.monotonic() - began < 5


async def test_a_service_that_is_slow_to_take_a_connection_is_reached(fake: FakeArena) -> None:
    host, _, port = fake.address.rpartition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while some := await reader.read(65_536):
                writer.write(some)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)  # as over a long way, or by a machine with other things to do
        further_reader, further_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(carry(reader, further_writer), carry(further_reader, writer))

    async with await asyncio.start_server(connected, "127.0.0.1") as proxy:
        address = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        async with ArenaClient(Addresses(ranker=address)) as client:
            assert (await client.ranking("algebra")).waiting_reason == "WAITING(5 seeds)"


async def test_names_are_checked_before_anything_is_sent(fake: FakeArena, client: ArenaClient) -> None:
    with pytest.raises(InvalidName):
        await client.leaderboard("projects/default/dimensions/algebra")
    with pytest.raises(InvalidName):
        ArenaClient(Addresses(), project="Default")


async def test_a_watch_may_be_left(fake: FakeArena, client: ArenaClient) -> None:
    fake.silent = True
    fake.boards = [scorer_pb2.Board(board_version=4)]
    async for board in client.watch_leaderboard("algebra"):
        assert board.board_version == 4
        break


async def test_a_pool_of_questions_becomes_queries(arena_settings: Callable[..., Any]) -> None:
    questions = [{"id": f"q{number:04}", "text": f"What is {number} squared? {'x' * 3_000}"} for number in range(1_500)]
    wanted = query_selector_pb2.Dimension(
        name="projects/default/dimensions/algebra",
        selection=query_selector_pb2.Selection(k=1_200),
        ranking=query_selector_pb2.RankingSettings(
            seed_models=3,
            window=2,
            max_slides=4,
            jury="exhaustive",
            weighting="uniform",
            error=0.01,
            cap=80,
            most_rounds=12,
            target_calls=5_000,
            target_rank_width=3,
            target_cost=common_pb2.Money(currency="USD", nano_units=500_000_000),
            seats=common_pb2.SEAT_POLICY_SINGLE,
            canary_every=10,
        ),
    )
    async with (
        running("query_selector", arena_settings(QuerySelectorSettings), build) as selector,
        ArenaClient(Addresses(query_selector=selector.address)) as client,
    ):
        with pytest.raises(UnknownDimension):
            await client.get_dimension("algebra")
        made = await client.create_dimension(wanted, questions, request_id="r1")
        assert made.ranking == wanted.ranking
        assert made.pool_hash == pools.pool_hash(pools.content_of(questions))
        assert await client.create_dimension(wanted, questions, request_id="r1") == made
        ids = [query.query_id async for query in client.queries("algebra")]
        assert len(ids) == 1_200
        assert ids == sorted(ids)
        with pytest.raises(BrokenPool) as caught:
            await client.create_dimension(wanted, b'{"id": 5}\n')
        assert [one.field for one in caught.value.violations] == ["pool line 1"]
