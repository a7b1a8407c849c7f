"""The query selector alone, on a real mongod and a real nats-server."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import grpc.aio
import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy

from dearena import faults
from dearena.rpc_faults import fault_of
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from dearena.v1.events_pb2 import EventEnvelope
from services.query_selector.room import build
from services.query_selector.settings import QuerySelectorSettings
from services.query_selector.store import Dimensions
from services.runtime.bus import Bus
from services.runtime.lifecycle import Running, Shell, running
from services.runtime.peers import Peers
from services.runtime.rpc import Server
from services.runtime.store import Store
from tests.fixtures.bus import NatsServer
from tests.fixtures.waiting import eventually

Settings = Callable[..., QuerySelectorSettings]

POOL = b"\n".join(
    json.dumps({"id": f"q{number:02}", "text": f"What is {number} squared?"}).encode() for number in range(20)
)
ALGEBRA = pb.Dimension(name="projects/default/dimensions/algebra", selection=pb.Selection(k=6, seed=7))


@asynccontextmanager
async def serving(
    settings: QuerySelectorSettings,
) -> AsyncIterator[tuple[stubs.QuerySelectorServiceAsyncStub, Running[Any]]]:
    async with (
        running("query_selector", settings, build) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield stubs.QuerySelectorServiceStub(channel), service


@pytest.fixture
def settings(arena_settings: Settings) -> QuerySelectorSettings:
    return arena_settings(QuerySelectorSettings)


@pytest.fixture
async def selector(settings: QuerySelectorSettings) -> AsyncIterator[stubs.QuerySelectorServiceAsyncStub]:
    async with serving(settings) as (stub, _):
        yield stub


def messages(
    dimension: pb.Dimension, pool: Iterable[bytes], *, request_id: str = "", validate_only: bool = False
) -> list[pb.CreateDimensionRequest]:
    start = pb.CreateDimensionStart(dimension=dimension, request_id=request_id, validate_only=validate_only)
    return [pb.CreateDimensionRequest(start=start), *(pb.CreateDimensionRequest(pool=piece) for piece in pool)]


async def create(
    selector: stubs.QuerySelectorServiceAsyncStub,
    dimension: pb.Dimension = ALGEBRA,
    pool: Sequence[bytes] = (POOL,),
    **options: Any,
) -> pb.Dimension:
    response = await selector.CreateDimension(iter(messages(dimension, pool, **options)), timeout=30)
    return response.dimension


@asynccontextmanager
async def refused(kind: type[faults.ArenaFault], match: str = "") -> AsyncIterator[list[faults.FieldViolation]]:
    violations: list[faults.FieldViolation] = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield violations
    fault = fault_of(caught.value)
    assert type(fault) is kind, fault
    assert match in str(fault)
    violations += fault.violations


async def rung(nats_url: str) -> list[EventEnvelope]:
    """Every dimension.ready on the stream so far."""
    async with await nats.connect(nats_url) as client:
        stream = client.jetstream()
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        subscription = await stream.subscribe("dimension.ready.>", config=config, ordered_consumer=True)
        events = []
        while True:
            try:
                events.append(EventEnvelope.FromString((await subscription.next_msg(timeout=0.3)).data))
            except TimeoutError:
                return events


def named(slug: str, **fields: Any) -> pb.Dimension:
    dimension = pb.Dimension(name=f"projects/default/dimensions/{slug}", selection=pb.Selection(k=2))
    dimension.MergeFrom(pb.Dimension(**fields))
    return dimension


async def test_a_dimension_is_created_and_rung_for(
    selector: stubs.QuerySelectorServiceAsyncStub, nats_url: str
) -> None:
    made = await create(selector, pool=[POOL[:17], b"", POOL[17:301], POOL[301:]])

    assert made.state == pb.DIMENSION_STATE_READY
    assert (made.version, made.pool_size, made.query_count, made.display_name) == (1, 20, 6, "algebra")
    assert made.ranking == pb.RankingSettings(
        seed_models=5,
        window=1,
        max_slides=8,
        jury="sequential",
        weighting="score",
        error=0.05,
        cap=40,
        most_rounds=24,
        seats=common_pb2.SEAT_POLICY_BOTH,
        canary_every=20,
    )
    assert (made.template, made.selection.method, made.selection.seed) == ("pairwise@1", "random", 7)
    assert made.etag
    assert made.create_time.seconds > 0
    assert (await selector.GetDimension(pb.GetDimensionRequest(name=made.name))).dimension == made
    (event,) = await rung(nats_url)
    assert (event.event_id, event.project, event.dimension) == (
        "dimension.ready/default/algebra/1",
        "default",
        "algebra",
    )
    assert event.dimension_ready.dimension_version == 1


async def test_how_a_ranking_is_made_is_kept_as_it_was_asked_for(
    selector: stubs.QuerySelectorServiceAsyncStub,
) -> None:
    asked = pb.RankingSettings(
        seed_models=3,
        window=2,
        max_slides=4,
        jury="exhaustive",
        weighting="uniform",
        error=0.01,
        cap=80,
        most_rounds=12,
        target_calls=2**32 - 1,
        target_rank_width=3,
        target_cost=common_pb2.Money(currency="EUR", nano_units=2**63 - 1),
        seats=common_pb2.SEAT_POLICY_SINGLE,
        canary_every=10,
    )
    made = await create(selector, named("asked", ranking=asked))
    assert made.ranking == asked
    assert (await selector.GetDimension(pb.GetDimensionRequest(name=made.name))).dimension == made


async def test_a_dimension_of_an_earlier_version_is_read_with_the_defaults(
    selector: stubs.QuerySelectorServiceAsyncStub, mongo_url: str, mongo_database: str
) -> None:
    made = await create(selector, named("earlier", ranking=pb.RankingSettings(jury="exhaustive")))
    kept = ("seed_models", "window", "max_slides", "jury", "weighting")
    store = Store(mongo_url, mongo_database)
    ranking = {field: getattr(made.ranking, field) for field in kept}
    await store.collection("dimensions").update_one({"slug": "earlier"}, {"$set": {"ranking": ranking}})
    store.close()
    assert (await selector.GetDimension(pb.GetDimensionRequest(name=made.name))).dimension == made


async def test_every_setting_that_is_wrong_is_named(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    wrong = pb.RankingSettings(error=0.6, cap=3, most_rounds=1, target_calls=7, target_rank_width=1_001, canary_every=1)
    wrong.target_cost.SetInParent()  # an amount of no currency
    async with refused(faults.InvalidField) as violations:
        await create(selector, named("wrong", ranking=wrong))
    fields = ("error", "cap", "most_rounds", "target_calls", "target_rank_width", "canary_every")
    assert {one.field for one in violations} == {
        *(f"dimension.ranking.{field}" for field in fields),
        "dimension.ranking.target_cost.currency",
    }


async def test_the_chosen_queries_are_listed_in_id_order_page_by_page(
    selector: stubs.QuerySelectorServiceAsyncStub,
) -> None:
    made = await create(selector)
    whole = (await selector.ListQueries(pb.ListQueriesRequest(dimension=made.name))).queries
    paged: list[pb.Query] = []
    request = pb.ListQueriesRequest(dimension=made.name, dimension_version=1, page_size=4)
    while True:
        page = await selector.ListQueries(request)
        assert len(page.queries) <= 4
        paged += page.queries
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    assert paged == list(whole)
    assert len(whole) == 6
    assert [query.query_id for query in whole] == sorted(query.query_id for query in whole)
    assert whole[0].turns[0].startswith("What is")
    assert len(whole[0].query_hash) == 64


async def test_long_questions_make_short_pages(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    pool = [json.dumps({"id": f"q{number}", "text": "x" * 1_000_000}).encode() + b"\n" for number in range(6)]
    made = await create(selector, named("long", selection=pb.Selection(k=6)), pool)
    request = pb.ListQueriesRequest(dimension=made.name)
    found: list[str] = []
    while True:
        page = await selector.ListQueries(request)  # a default client takes 4 MiB
        found += [query.query_id for query in page.queries]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == [f"q{number}" for number in range(6)]


async def test_dimensions_are_listed_in_slug_order_of_their_project(
    selector: stubs.QuerySelectorServiceAsyncStub,
) -> None:
    other = pb.Dimension(name="projects/other/dimensions/zeta", selection=pb.Selection(k=1))
    for dimension in (named("gamma"), named("alpha"), named("beta"), other):
        await create(selector, dimension)
    first = await selector.ListDimensions(pb.ListDimensionsRequest(parent="projects/default", page_size=2))
    rest = await selector.ListDimensions(
        pb.ListDimensionsRequest(parent="projects/default", page_size=2, page_token=first.next_page_token)
    )
    slugs = [dimension.name.rpartition("/")[2] for dimension in (*first.dimensions, *rest.dimensions)]
    assert slugs == ["alpha", "beta", "gamma"]
    assert not rest.next_page_token


async def test_a_repeated_request_gives_the_first_result(
    selector: stubs.QuerySelectorServiceAsyncStub, nats_url: str
) -> None:
    first = await create(selector, request_id="r1")
    again = await create(selector, pool=[POOL[:3], POOL[3:]], request_id="r1")
    assert again == first
    assert len(await rung(nats_url)) == 1


async def test_one_request_sent_at_once_many_times_makes_one_dimension(
    selector: stubs.QuerySelectorServiceAsyncStub, mongo_url: str, mongo_database: str
) -> None:
    made = await asyncio.gather(*(create(selector, request_id="r1") for _ in range(5)))
    assert len({dimension.etag for dimension in made}) == 1
    store = Store(mongo_url, mongo_database)
    assert await store.collection("dimensions").count_documents({}) == 1
    assert await store.collection("queries").count_documents({}) == 20
    assert await store.collection("pool_uploads").count_documents({}) == 0
    store.close()


@pytest.mark.parametrize("pool", [POOL, POOL + b'\n{"id": "more", "text": "Why?"}'])
async def test_a_name_is_given_once(
    selector: stubs.QuerySelectorServiceAsyncStub, mongo_url: str, mongo_database: str, pool: bytes
) -> None:
    await create(selector, request_id="r1")
    async with refused(faults.AlreadyExists, "projects/default/dimensions/algebra"):
        await create(selector, pool=[pool], request_id="r2")
    async with refused(faults.AlreadyExists):
        await create(selector, pool=[pool])
    async with refused(faults.AlreadyExists):
        await create(selector, validate_only=True)
    store = Store(mongo_url, mongo_database)
    assert await store.collection("queries").count_documents({}) == 20
    store.close()


async def test_two_that_want_a_name_at_once_get_one_dimension(
    selector: stubs.QuerySelectorServiceAsyncStub, mongo_url: str, mongo_database: str
) -> None:
    other = POOL + b'\n{"id": "more", "text": "Why?"}'
    results = await asyncio.gather(
        *(create(selector, pool=[pool], request_id=pool[-9:].hex()) for pool in (POOL, other)), return_exceptions=True
    )
    made = [result for result in results if isinstance(result, pb.Dimension)]
    (error,) = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
    assert isinstance(fault_of(error), faults.AlreadyExists)
    store = Store(mongo_url, mongo_database)
    assert await store.collection("queries").count_documents({}) == made[0].pool_size
    store.close()


async def test_a_request_id_is_not_good_for_another_request(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    await create(selector, request_id="r1")
    async with refused(faults.RequestIdReused, "'r1'"):
        await create(selector, named("geometry"), request_id="r1")
    async with refused(faults.RequestIdReused):
        await create(selector, pool=[POOL + b'\n{"id": "more", "text": "Why?"}'], request_id="r1")
    async with refused(faults.UnknownDimension):
        await selector.GetDimension(pb.GetDimensionRequest(name=named("geometry").name))


async def test_a_check_stores_nothing(
    selector: stubs.QuerySelectorServiceAsyncStub, nats_url: str, mongo_url: str, mongo_database: str
) -> None:
    checked = await create(selector, validate_only=True)
    assert (checked.pool_size, checked.query_count, checked.ranking.seed_models) == (20, 6, 5)
    async with refused(faults.UnknownDimension):
        await selector.GetDimension(pb.GetDimensionRequest(name=ALGEBRA.name))
    assert await rung(nats_url) == []
    assert (await create(selector)).pool_hash == checked.pool_hash


async def test_a_broken_line_is_named_and_leaves_nothing(
    selector: stubs.QuerySelectorServiceAsyncStub, mongo_url: str, mongo_database: str
) -> None:
    async with refused(faults.BrokenPool, "pool line 21: not JSON") as violations:
        await create(selector, pool=[POOL, b"\n{\n"])
    assert [one.field for one in violations] == ["pool line 21"]
    store = Store(mongo_url, mongo_database)
    assert await store.collection("queries").count_documents({}) == 0
    store.close()


@pytest.mark.parametrize(
    ("stream", "field"),
    [
        ([], "start"),
        ([pb.CreateDimensionRequest()], "start"),
        ([pb.CreateDimensionRequest(pool=POOL)], "start"),
        ([*messages(ALGEBRA, []), *messages(ALGEBRA, [])], "pool"),
        (messages(pb.Dimension(name="algebra"), [POOL]), "dimension.name"),
        (messages(named("x", selection=pb.Selection(k=21)), [POOL]), "dimension.selection.k"),
        (messages(ALGEBRA, [POOL], request_id="x" * 129), "request_id"),
    ],
)
async def test_a_stream_that_makes_no_sense_is_refused(
    selector: stubs.QuerySelectorServiceAsyncStub, stream: list[pb.CreateDimensionRequest], field: str
) -> None:
    async with refused(faults.InvalidField) as violations:
        await selector.CreateDimension(iter(stream))
    assert field in [one.field for one in violations]


async def test_who_is_refused_while_still_sending_is_told_why(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    wrong = pb.Dimension(name="projects/default/dimensions/none", selection=pb.Selection(k=0))
    ended = asyncio.Event()
    heard_out: list[bool] = []

    async def slowly() -> AsyncIterator[pb.CreateDimensionRequest]:
        start, piece = messages(wrong, [POOL])
        yield start
        # Were the status told now, the write to come would fail in its place.
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 0.5)
        heard_out.append(not ended.is_set())
        yield piece

    async with refused(faults.InvalidField, "k"):
        call = selector.CreateDimension(slowly(), timeout=30)
        call.add_done_callback(lambda _: ended.set())
        await call
    assert heard_out == [True]


async def test_an_empty_pool_is_refused(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    async with refused(faults.BrokenPool, "holds no question"):
        await create(selector, pool=[])


async def test_a_pool_that_is_too_large_or_never_ends_is_refused(arena_settings: Settings) -> None:
    async with serving(arena_settings(QuerySelectorSettings, pool_max_bytes=500, pool_seconds=0.3)) as (selector, _):
        async with refused(faults.BrokenPool, "larger than 500 bytes"):
            await create(selector)

        async def silent() -> AsyncIterator[pb.CreateDimensionRequest]:
            yield messages(ALGEBRA, [])[0]
            await asyncio.Event().wait()

        async with refused(faults.BrokenPool, "did not end"):
            await selector.CreateDimension(silent(), timeout=20)


async def test_a_caller_that_goes_away_leaves_nothing(
    settings: QuerySelectorSettings, mongo_url: str, mongo_database: str
) -> None:
    async with serving(settings) as (selector, service):
        sent = asyncio.Event()

        async def half() -> AsyncIterator[pb.CreateDimensionRequest]:
            for message in messages(ALGEBRA, [POOL[:100]]):
                yield message
            sent.set()
            await asyncio.Event().wait()

        call = selector.CreateDimension(half())
        await sent.wait()
        call.cancel()
        async with refused(faults.UnknownDimension):
            await selector.GetDimension(pb.GetDimensionRequest(name=ALGEBRA.name))
        assert await service.shell.store.collection("queries").count_documents({}) == 0


@pytest.mark.parametrize(
    "request_",
    [
        pb.ListQueriesRequest(dimension="algebra"),
        pb.ListQueriesRequest(dimension=ALGEBRA.name, page_size=-1),
    ],
)
async def test_a_list_with_a_wrong_field_is_refused(
    selector: stubs.QuerySelectorServiceAsyncStub, request_: pb.ListQueriesRequest
) -> None:
    async with refused(faults.InvalidField):
        await selector.ListQueries(request_)


async def test_what_is_not_there_is_told(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    async with refused(faults.UnknownDimension, "projects/default/dimensions/nowhere"):
        await selector.ListQueries(pb.ListQueriesRequest(dimension="projects/default/dimensions/nowhere"))
    await create(selector)
    async with refused(faults.UnknownDimension, "no version 2"):
        await selector.ListQueries(pb.ListQueriesRequest(dimension=ALGEBRA.name, dimension_version=2))
    async with refused(faults.InvalidCursor):
        await selector.ListQueries(pb.ListQueriesRequest(dimension=ALGEBRA.name, page_token="x"))
    async with refused(faults.InvalidField):
        await selector.ListDimensions(pb.ListDimensionsRequest(parent="default"))


async def test_the_largest_seed_is_kept(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    made = await create(selector, named("seeded", selection=pb.Selection(k=2, seed=2**64 - 1)))
    assert made.selection.seed == 2**64 - 1


async def test_a_dimension_made_while_the_bus_is_away_is_rung_for_when_it_is_back(
    arena_settings: Settings, nats_url: str
) -> None:
    alone = arena_settings(QuerySelectorSettings, nats_url="nats://127.0.0.1:1")
    async with serving(alone) as (selector, _):
        assert (await create(selector)).state == pb.DIMENSION_STATE_WAITING_FOR_BUS
    async with serving(arena_settings(QuerySelectorSettings, sweep_seconds=0.1)) as (selector, _):

        async def is_ready() -> bool:
            found = await selector.GetDimension(pb.GetDimensionRequest(name=ALGEBRA.name))
            return found.dimension.state == pb.DIMENSION_STATE_READY

        await eventually(is_ready)
    assert [event.event_id for event in await rung(nats_url)] == ["dimension.ready/default/algebra/1"]


async def test_the_bus_is_told_as_soon_as_it_is_back(arena_settings: Settings, nats_server: NatsServer) -> None:
    async with serving(arena_settings(QuerySelectorSettings, sweep_seconds=600)) as (selector, service):
        await eventually(lambda: service.shell.bus.connected)
        nats_server.stop()
        await eventually(lambda: not service.shell.bus.connected)
        assert (await create(selector)).state == pb.DIMENSION_STATE_WAITING_FOR_BUS
        await nats_server.start()

        async def state() -> int:
            return (await selector.GetDimension(pb.GetDimensionRequest(name=ALGEBRA.name))).dimension.state

        await eventually(state, equals=pb.DIMENSION_STATE_READY)


async def test_without_the_store_a_caller_is_told_in_time(arena_settings: Settings) -> None:
    settings = arena_settings(QuerySelectorSettings)
    absent = Store("mongodb://127.0.0.1:9/?replicaSet=rs0", "nowhere")
    bus, peers = Bus(settings.nats_url, "test"), Peers(settings)
    room = await build(Shell("query_selector", settings, absent, bus, peers))
    server = Server(room.servicers, traced=False, reflected=False)
    async with grpc.aio.insecure_channel(await server.start(settings.listen)) as channel:
        selector: stubs.QuerySelectorServiceAsyncStub = stubs.QuerySelectorServiceStub(channel)
        for call in (create(selector), selector.GetDimension(pb.GetDimensionRequest(name=ALGEBRA.name))):
            async with asyncio.timeout(6), refused(faults.StoreUnavailable):
                await call
    await server.stop(0)
    await peers.close()
    absent.close()


async def test_an_upload_cut_off_by_a_crash_is_removed(
    arena_settings: Settings, mongo_url: str, mongo_database: str
) -> None:
    store = Store(mongo_url, mongo_database)
    async with serving(arena_settings(QuerySelectorSettings)) as (selector, _):
        made = await create(selector)
    dead = Dimensions(store, "dead")
    await dead.begin_upload("lost")
    await store.collection("queries").insert_many(
        {"project": "default", "dimension": "algebra", "pool_id": "lost", "query_id": str(number)}
        for number in range(9)
    )
    queries = store.collection("queries")
    hasty = arena_settings(QuerySelectorSettings, sweep_seconds=0.1, abandoned_seconds=0.05)
    async with serving(hasty) as (selector, _):

        async def is_gone() -> bool:
            return await store.collection("pool_uploads").count_documents({}) == 0

        await eventually(is_gone)
        assert await queries.count_documents({"pool_id": "lost"}) == 0
        assert await queries.count_documents({}) == made.pool_size
        assert len((await selector.ListQueries(pb.ListQueriesRequest(dimension=made.name))).queries) == 6
    store.close()
