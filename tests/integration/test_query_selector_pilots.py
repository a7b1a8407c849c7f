"""Dimensions whose queries a pilot is to choose, and pilots' dimensions, on a real mongod and a real nats-server."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import pytest

from dearena import faults
from dearena.names import DimensionName
from dearena.rpc_faults import fault_of
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.query_selector import pilot_documents
from services.query_selector.messages import ranking_of
from services.query_selector.pilot_documents import PilotDocuments, pilot_name
from services.query_selector.room import build
from services.query_selector.settings import QuerySelectorSettings
from services.query_selector.store import Dimensions
from services.runtime.lifecycle import Running, running
from services.runtime.store import Document, Session, Store
from tests.fixtures.waiting import eventually

Settings = Callable[..., QuerySelectorSettings]

NAME = DimensionName("default", "algebra")
PILOT = DimensionName("default", "algebra-pilot-1")
MODELS = ("alpha", "beta", "gamma")
SETTINGS = pb.PilotSettings(models=MODELS, calls=900, budget=common_pb2.Money(currency="USD", nano_units=5), queries=12)
SOME = [f"q{number:02}" for number in range(0, 20, 2)]


def lines(count: int = 20, **fields: str) -> bytes:
    """A pool of questions."""
    questions = ({"id": f"q{number:02}", "text": f"What is {number} squared?"} | fields for number in range(count))
    return b"\n".join(json.dumps(one).encode() for one in questions)


def telling(name: DimensionName = NAME, **fields: Any) -> pb.Dimension:
    """A dimension whose six queries are chosen by a pilot."""
    selection = pb.Selection(method="telling", k=6, seed=7, pilot=SETTINGS)
    dimension = pb.Dimension(name=str(name), selection=selection)
    dimension.MergeFrom(pb.Dimension(**fields))
    return dimension


@asynccontextmanager
async def serving(
    settings: QuerySelectorSettings,
) -> AsyncIterator[tuple[stubs.QuerySelectorServiceAsyncStub, Running[Any]]]:
    """A query selector whose peers are away, so that no selection gets anywhere."""
    async with (
        running("query_selector", settings, build) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield stubs.QuerySelectorServiceStub(channel), service


@pytest.fixture
async def selector(arena_settings: Settings) -> AsyncIterator[stubs.QuerySelectorServiceAsyncStub]:
    async with serving(arena_settings(QuerySelectorSettings)) as (stub, _):
        yield stub


@pytest.fixture
def store(mongo_url: str, mongo_database: str) -> Iterator[Store]:
    opened = Store(mongo_url, mongo_database)
    yield opened
    opened.close()


async def create(
    selector: stubs.QuerySelectorServiceAsyncStub,
    dimension: pb.Dimension,
    pool: bytes = b"",
    *,
    request_id: str = "",
    validate_only: bool = False,
) -> pb.Dimension:
    start = pb.CreateDimensionStart(dimension=dimension, request_id=request_id, validate_only=validate_only)
    parts = [pb.CreateDimensionRequest(start=start), pb.CreateDimensionRequest(pool=pool or lines())]
    return (await selector.CreateDimension(iter(parts), timeout=30)).dimension


async def get(selector: stubs.QuerySelectorServiceAsyncStub, name: DimensionName = NAME) -> pb.Dimension:
    return (await selector.GetDimension(pb.GetDimensionRequest(name=str(name)))).dimension


async def query_ids(selector: stubs.QuerySelectorServiceAsyncStub, name: DimensionName) -> list[str]:
    found = await selector.ListQueries(pb.ListQueriesRequest(dimension=str(name)))
    return [query.query_id for query in found.queries]


async def slugs(selector: stubs.QuerySelectorServiceAsyncStub, **fields: Any) -> list[str]:
    """Of all dimensions, page by page."""
    found: list[str] = []
    request = pb.ListDimensionsRequest(parent="projects/default", page_size=1, **fields)
    while True:
        page = await selector.ListDimensions(request)
        found += [dimension.name.rpartition("/")[2] for dimension in page.dimensions]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


@asynccontextmanager
async def refused(kind: type[faults.ArenaFault], match: str = "") -> AsyncIterator[list[str]]:
    """Yields the fields that are named."""
    fields: list[str] = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield fields
    fault = fault_of(caught.value)
    assert type(fault) is kind, fault
    assert match in str(fault)
    fields += [one.field for one in fault.violations]


async def make_pilot(store: Store, document: Document, ids: Sequence[str] = SOME) -> None:
    """Made and opened."""
    pilots = PilotDocuments(store, "test")
    await pilots.create_pilot(document, 1, ids, MODELS, ranking_of(document["ranking"]))
    await pilots.open_pilot(PILOT)


async def test_a_dimension_by_a_pilot_is_selecting_and_has_a_job(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    made = await create(selector, telling(), request_id="r1")
    assert (made.state, made.query_count, made.pool_size) == (pb.DIMENSION_STATE_SELECTING, 0, 20)
    assert made.selection == pb.Selection(method="telling", k=6, seed=7, pilot=SETTINGS)
    assert await get(selector) == made
    assert await slugs(selector) == ["algebra"]
    progress = (await selector.GetSelection(pb.GetSelectionRequest(dimension=made.name))).selection
    assert progress.stage == pb.SELECTION_STAGE_WAITING_FOR_MODELS
    assert (progress.most_judge_calls, progress.selection) == (900, made.selection)
    # Whoever repeats it gets the same, and no second job.
    assert await create(selector, telling(), request_id="r1") == made
    assert await store.collection("selections").count_documents({}) == 1


async def test_it_is_not_rung_for_and_its_queries_are_not_listed(arena_settings: Settings, store: Store) -> None:
    async with serving(arena_settings(QuerySelectorSettings, sweep_seconds=0.05)) as (selector, service):
        await create(selector, telling())
        other = pb.Dimension(name="projects/default/dimensions/other", selection=pb.Selection(k=2))
        service.shell.bus.on_reconnect[-1]()  # as if the bus were back: all is rung for that waits
        await create(selector, other)
        await store.collection("dimensions").update_one({"slug": "other"}, {"$set": {"announced": False}})

        async def is_swept() -> bool:
            return (await get(selector, DimensionName("default", "other"))).state == pb.DIMENSION_STATE_READY

        await eventually(is_swept)
        assert (await get(selector)).state == pb.DIMENSION_STATE_SELECTING
        assert (await Dimensions(store, "test").get(NAME))["announced"] is False
        async with refused(faults.NotReady, "being chosen"):
            await query_ids(selector, NAME)


async def test_a_check_of_a_dimension_by_a_pilot_stores_nothing(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    checked = await create(selector, telling(), validate_only=True)
    assert (checked.selection.pilot, checked.query_count, checked.pool_size) == (SETTINGS, 0, 20)
    for collection in ("dimensions", "queries", "selections", "pool_uploads"):
        assert await store.collection(collection).count_documents({}) == 0


async def test_every_wrong_setting_of_a_pilot_is_named(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    wrong = pb.PilotSettings(models=["alpha", "no slug"], calls=2**32 - 1, queries=5)
    wrong.budget.SetInParent()
    selection = pb.Selection(method="consistent", k=6, pilot=wrong)
    async with refused(faults.InvalidField) as fields:
        await create(selector, pb.Dimension(name=str(NAME), selection=selection))
    assert {field.removeprefix("dimension.selection.pilot.").partition(".")[0] for field in fields} == {
        "models",
        "calls",
        "queries",
        "budget",
    }
    async with refused(faults.InvalidField) as fields:
        await create(selector, pb.Dimension(name=str(NAME), selection=pb.Selection(k=6, pilot=SETTINGS)))
    assert fields == ["dimension.selection.pilot"]
    async with refused(faults.InvalidField, "only_models") as fields:
        await create(selector, telling(only_models=["alpha", "beta"]))
    assert fields == ["dimension.selection.pilot.models"]


async def test_every_question_that_a_pilot_might_choose_needs_its_reference(
    selector: stubs.QuerySelectorServiceAsyncStub,
) -> None:
    guided = telling(template="reference@1")
    pool = lines(19, reference="r") + b"\n" + json.dumps({"id": "bare", "text": "Why?"}).encode()
    async with refused(faults.BrokenPool, "no reference") as fields:
        await create(selector, guided, pool)
    assert fields == ["pool line 20"]
    made = await create(selector, guided, lines(20, reference="r"))
    assert made.state == pb.DIMENSION_STATE_SELECTING


async def test_a_pilot_is_a_dimension_that_is_read_by_name_and_listed_when_asked_for(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    await create(selector, telling(allowed_providers=["in-house"], judging=pb.JudgingPolicy(exclude_family=True)))
    await make_pilot(store, await Dimensions(store, "test").get(NAME))

    async def pilot() -> pb.Dimension | None:
        found = await get(selector, PILOT)
        return found if found.state == pb.DIMENSION_STATE_READY else None

    found: pb.Dimension = await eventually(pilot)  # by the sweep
    assert (found.pilot_of, found.version, found.pool_size, found.query_count) == (str(NAME), 1, 10, 10)
    assert (list(found.only_models), list(found.allowed_providers)) == (list(MODELS), ["in-house"])
    assert found.judging.exclude_family
    assert found.selection == pb.Selection(method="random", k=10, seed=7)
    whole = await get(selector)
    assert (whole.pilot_of, found.etag == whole.etag, found.pool_hash == whole.pool_hash) == ("", False, False)
    assert await query_ids(selector, PILOT) == SOME
    assert await slugs(selector) == ["algebra"]
    assert await slugs(selector, include_pilots=True) == ["algebra", "algebra-pilot-1"]


async def test_a_pilot_is_passed_over_until_it_is_opened(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    await create(selector, telling())
    document, pilots = await Dimensions(store, "test").get(NAME), PilotDocuments(store, "test")
    await pilots.create_pilot(document, 1, SOME, MODELS, ranking_of(document["ranking"]))
    made = await get(selector, PILOT)
    assert (made.state, list(made.only_models)) == (pb.DIMENSION_STATE_SELECTING, list(MODELS))
    async with refused(faults.NotReady):
        await query_ids(selector, PILOT)
    assert await Dimensions(store, "test").unannounced() == []
    await pilots.open_pilot(PILOT)
    await pilots.create_pilot(document, 1, SOME, MODELS, ranking_of(document["ranking"]))
    await pilots.open_pilot(PILOT)
    assert await query_ids(selector, PILOT) == SOME
    # Whose queries a pilot chooses is opened by the choice alone.
    await pilots.open_pilot(NAME)
    assert (await get(selector)).state == pb.DIMENSION_STATE_SELECTING


async def test_the_name_of_a_pilot_is_not_given_again(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    await create(selector, telling())
    plain = pb.Dimension(name=str(PILOT), selection=pb.Selection(k=2))
    async with refused(faults.AlreadyExists, f"kept for the pilot of {NAME}"):
        await create(selector, plain)  # before there is one
    await make_pilot(store, await Dimensions(store, "test").get(NAME))
    for check, request_id in ((False, ""), (True, ""), (False, "r")):
        async with refused(faults.AlreadyExists, f"pilot of {NAME}"):
            await create(selector, plain, validate_only=check, request_id=request_id)


async def test_a_dimension_is_refused_whose_pilot_would_have_a_name_that_is_taken(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    await create(selector, pb.Dimension(name=str(PILOT), selection=pb.Selection(k=2)))
    for check in (False, True):
        async with refused(faults.AlreadyExists, str(PILOT)):
            await create(selector, telling(), validate_only=check)
    assert await store.collection("queries").count_documents({"dimension": "algebra"}) == 0
    assert await slugs(selector) == ["algebra-pilot-1"]


async def test_a_pilot_takes_no_dimension_for_itself_that_is_none(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    await create(selector, telling())
    document = await Dimensions(store, "test").get(NAME)
    stranger = {"project": "default", "slug": PILOT.slug, "announced": True}
    await store.collection("dimensions").insert_one(dict(stranger))
    with pytest.raises(faults.AlreadyExists, match="would be called"):
        await make_pilot(store, document)
    assert await store.collection("queries").count_documents({"dimension": PILOT.slug}) == 0


@pytest.mark.parametrize("written", [0, 1, 7, 10])
async def test_a_pilot_cut_off_half_way_is_the_same_when_it_is_made_again(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store, written: int
) -> None:
    await create(selector, telling())
    document = await Dimensions(store, "test").get(NAME)
    await make_pilot(store, document)
    queries, dimensions = store.collection("queries"), store.collection("dimensions")
    whole = await dimensions.find_one_and_delete({"slug": PILOT.slug})
    lost = [one["_id"] async for one in queries.find({"dimension": PILOT.slug}).skip(written)]
    await queries.delete_many({"_id": {"$in": lost}})

    await make_pilot(store, document, SOME[::-1])
    again = await dimensions.find_one({"slug": PILOT.slug})
    assert whole is not None
    assert again is not None
    passing = ("_id", "created_at")
    assert {key: again[key] for key in again if key not in passing} == {
        key: whole[key] for key in whole if key not in passing
    }
    assert await query_ids(selector, PILOT) == SOME


async def test_long_questions_are_copied_bit_by_bit(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pilot of long questions is written within the store's time limit, and its hash is that of a whole pool."""
    monkeypatch.setattr(pilot_documents, "BATCH_BYTES", 40)
    monkeypatch.setattr(pilot_documents, "BATCH", 7)
    await create(selector, telling(), lines())
    whole = [f"q{number:02}" for number in range(20)]
    document = await Dimensions(store, "test").get(NAME)
    await make_pilot(store, document, whole)
    assert await query_ids(selector, PILOT) == whole
    assert (await get(selector, PILOT)).pool_hash == document["pool_hash"]


async def test_many_that_make_a_pilot_at_once_make_one(
    selector: stubs.QuerySelectorServiceAsyncStub, store: Store
) -> None:
    await create(selector, telling())
    document = await Dimensions(store, "test").get(NAME)
    await asyncio.gather(*(make_pilot(store, document) for _ in range(6)))
    await make_pilot(store, document)
    assert await store.collection("dimensions").count_documents({"pilot_of": "algebra"}) == 1
    assert await store.collection("queries").count_documents({"dimension": PILOT.slug}) == len(SOME)
    assert (await query_ids(selector, PILOT), (await get(selector, PILOT)).query_count) == (SOME, len(SOME))


async def test_chosen_queries_make_a_dimension_ready_once(arena_settings: Settings, store: Store) -> None:
    async with serving(arena_settings(QuerySelectorSettings, sweep_seconds=0.1)) as (selector, _):
        made = await create(selector, telling())
        document = await Dimensions(store, "test").get(NAME)
        chosen = ["q01", "q03", "q05", "q07", "q11", "q13"]

        async def ready(session: Session) -> None:
            await PilotDocuments(store, "test").ready(document, chosen, 1, session)

        await store.run_transaction(ready)
        with pytest.raises(faults.Conflict):
            await store.run_transaction(ready)

        async def found() -> pb.Dimension | None:
            dimension = await get(selector)
            return dimension if dimension.state == pb.DIMENSION_STATE_READY else None

        dimension: pb.Dimension = await eventually(found)
        assert (dimension.query_count, dimension.version, dimension.pool_hash) == (6, 1, made.pool_hash)
        assert dimension.etag != made.etag
        assert await query_ids(selector, NAME) == chosen


def test_names_of_pilots_fit_and_differ() -> None:
    long, other = "a" * 60, "a" * 60 + "bc"
    names = [
        pilot_name(DimensionName("p", slug), number)
        for slug in ("a", long, other, "a" * 63, long[:56], "a-pilot-1")
        for number in (1, 2, 10, 1_000)
    ]
    assert len(set(names)) == len(names)
    assert max(len(name.slug) for name in names) == 63
    assert str(names[0]) == "projects/p/dimensions/a-pilot-1"
