"""Selections by a pilot on a real mongod and a real nats-server, with all that a pilot asks of others played."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest

from dearena import faults
from dearena.names import DimensionName
from dearena.rpc_faults import fault_of
from dearena.v1 import common_pb2, gateway_pb2, ranker_pb2
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.query_selector.job_store import Jobs
from services.query_selector.pilot_peers import PilotPeers
from services.query_selector.pilot_votes import Asked
from services.query_selector.ranking_settings import Money
from services.query_selector.room import build
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.lifecycle import running
from services.runtime.peers import Peers
from services.runtime.store import Store
from services.runtime.subjects import dimension_ready
from tests.fixtures.bus import NatsServer
from tests.fixtures.gateway import sent
from tests.fixtures.pilot_stage import PilotStage, beside, pilot_stage
from tests.fixtures.waiting import eventually

Settings = Callable[..., QuerySelectorSettings]

NAME = "projects/default/dimensions/algebra"
QUERIES = 40
K = 6
POOL = b"\n".join(
    json.dumps({"id": f"q{n:02}", "text": f"What is {n} squared?", "category": "even" if n % 2 else "odd"}).encode()
    for n in range(QUERIES)
)
USD = common_pb2.Money(currency="USD", nano_units=5_000)


@dataclass
class Selector:
    """A query selector, and what tests ask of it."""

    stub: stubs.QuerySelectorServiceAsyncStub

    async def create(self, pool: bytes = POOL, **pilot: Any) -> pb.Dimension:
        selection = pb.Selection(method="telling", k=K, seed=5, pilot=pb.PilotSettings(**{"calls": 900} | pilot))
        dimension = pb.Dimension(name=NAME, selection=selection)
        requests = [
            pb.CreateDimensionRequest(start=pb.CreateDimensionStart(dimension=dimension)),
            pb.CreateDimensionRequest(pool=pool),
        ]
        return (await self.stub.CreateDimension(iter(requests), timeout=30)).dimension

    async def get(self) -> pb.SelectionProgress:
        return (await self.stub.GetSelection(pb.GetSelectionRequest(dimension=NAME))).selection

    async def pilot_state(self, number: int = 1) -> pb.DimensionState.ValueType:
        """By name and in the list, which say the same."""
        name = f"{NAME}-pilot-{number}"
        one = (await self.stub.GetDimension(pb.GetDimensionRequest(name=name))).dimension
        request = pb.ListDimensionsRequest(parent="projects/default", include_pilots=True)
        listed = {found.name: found for found in (await self.stub.ListDimensions(request)).dimensions}
        assert listed[name] == one
        return one.state

    async def at(self, stage: pb.SelectionStage.ValueType, reason: str = "") -> pb.SelectionProgress:
        async def found() -> pb.SelectionProgress | None:
            progress = await self.get()
            return progress if progress.stage == stage and reason in progress.waiting_reason else None

        progress: pb.SelectionProgress = await eventually(found)
        return progress

    async def queries(self) -> list[str]:
        found = await self.stub.ListQueries(pb.ListQueriesRequest(dimension=NAME, page_size=1_000))
        return [query.query_id for query in found.queries]

    async def reasons(self, page_size: int = 1_000) -> list[pb.SelectionReason]:
        found: list[pb.SelectionReason] = []
        token = ""
        while True:
            page = await self.stub.ListSelectionReasons(
                pb.ListSelectionReasonsRequest(dimension=NAME, page_size=page_size, page_token=token)
            )
            found += page.reasons
            if not (token := page.next_page_token):
                return found

    async def stop(self) -> pb.SelectionProgress:
        return (await self.stub.StopSelection(pb.StopSelectionRequest(dimension=NAME, request_id="stop"))).selection

    async def resume(self, request_id: str, **limits: Any) -> pb.SelectionProgress:
        request = pb.ResumeSelectionRequest(dimension=NAME, request_id=request_id, **limits)
        return (await self.stub.ResumeSelection(request)).selection


@pytest.fixture
async def stage() -> AsyncIterator[PilotStage]:
    async with pilot_stage() as stage:
        yield stage


@pytest.fixture
def settings(arena_settings: Settings, stage: PilotStage) -> QuerySelectorSettings:
    return arena_settings(QuerySelectorSettings, **beside(stage))


@asynccontextmanager
async def serving(settings: QuerySelectorSettings) -> AsyncIterator[Selector]:
    async with (
        running("query_selector", settings, build) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield Selector(stubs.QuerySelectorServiceStub(channel))


@pytest.fixture
async def selector(settings: QuerySelectorSettings) -> AsyncIterator[Selector]:
    async with serving(settings) as selector:
        yield selector


@asynccontextmanager
async def refused(kind: type[faults.ArenaFault], match: str = "") -> AsyncIterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    fault = fault_of(caught.value)
    assert type(fault) is kind, fault
    assert match in str(fault)


async def test_queries_are_chosen_and_the_bus_is_told(
    selector: Selector, stage: PilotStage, settings: QuerySelectorSettings
) -> None:
    made = await selector.create(budget=USD)
    progress = await selector.at(pb.SELECTION_STAGE_DONE)
    reasons = await selector.reasons(page_size=7)

    assert made.state == pb.DIMENSION_STATE_SELECTING
    assert (list(progress.models), progress.piloted_queries) == (["a", "b", "c", "d", "e"], QUERIES)
    assert progress.orders == len(stage.orders) > 1
    assert progress.cells == len(stage.cells)
    assert progress.judge_calls == 2 * len(stage.cells) <= progress.most_judge_calls == 900
    assert list(progress.spent) == [common_pb2.Money(currency="USD", nano_units=7 * len(stage.cells))]
    assert stage.budgets == {"algebra-pilot-1": 5_000}
    assert len(reasons) == QUERIES
    assert reasons == await selector.reasons()
    assert sorted(one.query_id for one in reasons if one.rank) == await selector.queries()

    async def announced() -> bool:
        found = (await selector.stub.GetDimension(pb.GetDimensionRequest(name=NAME))).dimension
        return found.state == pb.DIMENSION_STATE_READY and found.query_count == K

    await eventually(announced)


async def calm_orders(settings: QuerySelectorSettings, stage: PilotStage) -> tuple[list[bytes], list[str]]:
    """What is ordered and chosen where nothing goes wrong; the store is emptied again."""
    async with serving(settings) as selector:
        await selector.create(budget=USD)
        await selector.at(pb.SELECTION_STAGE_DONE)
        chosen = await selector.queries()
    store = Store(settings.mongo_url, settings.mongo_database)
    await store.drop()
    store.close()
    orders = list(stage.orders.values())
    stage.orders.clear()
    stage.cells.clear()
    stage.taken.clear()
    stage.budget_requests.clear()
    stage.budgets.clear()
    stage.generations.clear()
    stage.calls.clear()
    return orders, chosen


@pytest.mark.parametrize("when", ["before", "after"])
async def test_lost_calls_and_lost_replies_change_nothing(
    settings: QuerySelectorSettings, stage: PilotStage, when: str
) -> None:
    calm = await calm_orders(settings, stage)
    failed: Counter[str] = Counter()

    def every_other_call(method: str) -> bool:
        failed[method] += 1
        return method in ("SetBudget", "OrderComparisons") and failed[method] % 2 == 1

    setattr(stage, f"lost_{when}", every_other_call)
    async with serving(settings) as selector:
        await selector.create(budget=USD)
        await selector.at(pb.SELECTION_STAGE_DONE)
        chosen = await selector.queries()

    assert (list(stage.orders.values()), chosen) == calm
    assert stage.calls["OrderComparisons"] >= 2 * len(stage.orders)
    assert len(stage.budget_requests) == 1


async def test_two_replicas_order_and_choose_as_one(settings: QuerySelectorSettings, stage: PilotStage) -> None:
    calm = await calm_orders(settings, stage)

    async with AsyncExitStack() as stack:
        first, second, third = [await stack.enter_async_context(serving(settings)) for _ in range(3)]
        await first.create(budget=USD)
        # They find the job by a sweep, which here is soon.
        await asyncio.gather(*(one.at(pb.SELECTION_STAGE_DONE) for one in (first, second, third)))
        chosen = await third.queries()
        reasons = await second.reasons()

    assert (list(stage.orders.values()), chosen) == calm
    assert len(reasons) == QUERIES


async def test_reasons_of_nobody_are_left_behind(settings: QuerySelectorSettings, stage: PilotStage) -> None:
    async with AsyncExitStack() as stack:
        selectors = [await stack.enter_async_context(serving(settings)) for _ in range(3)]
        await selectors[0].create()
        await selectors[0].at(pb.SELECTION_STAGE_DONE)
        store = Store(settings.mongo_url, settings.mongo_database)
        stack.callback(store.close)
        reasons = store.collection("selection_reasons")
        # Those that came too late remove their own.
        await eventually(lambda: reasons.count_documents({}), equals=QUERIES)


async def test_a_selector_that_leaves_is_followed_where_it_stood(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    calm = await calm_orders(settings, stage)

    async with serving(settings) as selector:
        await selector.create(budget=USD)
    for orders in range(1, len(calm[0])):
        async with serving(settings):
            await eventually(lambda orders=orders: len(stage.orders) >= orders)
    async with serving(settings) as selector:
        await selector.at(pb.SELECTION_STAGE_DONE)
        chosen = await selector.queries()

    assert (list(stage.orders.values()), chosen) == calm
    assert len(stage.budget_requests) == 1


async def test_models_are_waited_for(selector: Selector, stage: PilotStage) -> None:
    stage.models = ["a", "b"]
    await selector.create()
    waiting = await selector.at(pb.SELECTION_STAGE_WAITING_FOR_MODELS, "registered: 2")
    stage.models.append("c")
    progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert not waiting.pilots
    assert list(progress.models) == ["a", "b", "c"]


async def test_named_models_are_waited_for(selector: Selector, stage: PilotStage) -> None:
    await selector.create(models=["e", "c", "f"])
    await selector.at(pb.SELECTION_STAGE_WAITING_FOR_MODELS, "may not enter: f")
    stage.models.append("f")
    progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert list(progress.models) == ["c", "e", "f"]


async def test_a_model_that_is_never_ranked_is_told_in_the_rankers_words(selector: Selector, stage: PilotStage) -> None:
    stage.unranked.add("d")
    stage.waiting_reason = "WAITING(fewer than 5 seed models ready: 4)"
    await selector.create()
    await selector.at(pb.SELECTION_STAGE_PILOTING, "WAITING(fewer than 5 seed models ready: 4)")
    stage.unranked.clear()
    stage.waiting_reason = ""
    progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert progress.waiting_reason == ""


async def test_a_pilot_that_lost_a_model_is_followed_by_another(selector: Selector, stage: PilotStage) -> None:
    stage.unranked.add("d")
    stage.waiting_reason = "WAITING(no answers)"
    await selector.create(budget=USD)
    await selector.at(pb.SELECTION_STAGE_PILOTING, "no answers")
    stage.models.remove("d")
    failed = await selector.at(pb.SELECTION_STAGE_FAILED)
    stage.waiting_reason = ""
    await selector.resume("on")
    progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert failed.failure == "retired before it was ranked in the pilot: d"
    assert [name.rpartition("/")[2] for name in progress.pilots] == ["algebra-pilot-1", "algebra-pilot-2"]
    assert list(progress.models) == ["a", "b", "c", "e"]
    assert stage.budgets == {"algebra-pilot-1": 5_000, "algebra-pilot-2": 5_000}


async def test_the_next_pilot_gets_what_the_last_calls_of_the_one_before_leave(
    selector: Selector, stage: PilotStage
) -> None:
    stage.unranked.add("d")
    stage.waiting_reason = "WAITING(no answers)"
    await selector.create(budget=USD)
    await selector.at(pb.SELECTION_STAGE_PILOTING, "no answers")
    stage.calling.add("algebra-pilot-1")
    stage.models.remove("d")
    await selector.at(pb.SELECTION_STAGE_FAILED)
    stage.waiting_reason = ""
    await selector.resume("on")
    await selector.at(pb.SELECTION_STAGE_PILOTING, "calls of an earlier pilot are still under way")
    before = dict(stage.budgets)
    stage.calling.clear()
    await selector.at(pb.SELECTION_STAGE_DONE)

    assert list(before) == ["algebra-pilot-1"]
    assert list(stage.budgets) == ["algebra-pilot-1", "algebra-pilot-2"]
    assert [await selector.pilot_state(number) for number in (1, 2)] == [pb.DIMENSION_STATE_CLOSED] * 2


async def test_an_order_that_is_refused_for_good_ends_it(selector: Selector, stage: PilotStage) -> None:
    stage.refusing = True
    await selector.create()
    failed = await selector.at(pb.SELECTION_STAGE_FAILED)
    stage.refusing = False
    await selector.resume("on")
    await selector.at(pb.SELECTION_STAGE_DONE)

    assert "are not what anybody compares" in failed.failure
    assert len(await selector.queries()) == K


async def test_nothing_is_chosen_on_nothing(selector: Selector, stage: PilotStage) -> None:
    stage.unranked.add("d")
    await selector.create()
    await selector.at(pb.SELECTION_STAGE_PILOTING)
    await eventually(lambda: stage.calls["GetRanking"] > 0)
    await selector.stop()
    failed = await selector.at(pb.SELECTION_STAGE_FAILED)

    assert failed.failure == "it was told to stop, with votes on 0 queries only; 6 are to be chosen"
    async with refused(faults.NotReady, "being chosen"):
        await selector.queries()
    async with refused(faults.NotReady, "are not chosen yet"):
        await selector.reasons()
    async with refused(faults.NotReady, "can be resumed"):
        await selector.stub.StopSelection(pb.StopSelectionRequest(dimension=NAME, request_id="again"))


async def test_a_pilot_that_is_stopped_chooses_by_what_it_heard(selector: Selector, stage: PilotStage) -> None:
    stage.deaf = True
    await selector.create(calls=2_000)

    async def heard() -> bool:
        return len({cell[3] for cell in stage.cells}) >= K

    await eventually(heard)
    first = await selector.stop()
    progress = await selector.at(pb.SELECTION_STAGE_DONE)
    again = await selector.stop()

    assert first.stage in (pb.SELECTION_STAGE_PILOTING, pb.SELECTION_STAGE_CHOOSING, pb.SELECTION_STAGE_DONE)
    assert progress.orders == 1
    assert again.stage == pb.SELECTION_STAGE_DONE
    async with refused(faults.NotReady, "there is nothing to resume"):
        await selector.resume("on")


async def test_a_pilot_is_closed_by_a_stop_and_opened_by_a_resume(
    settings: QuerySelectorSettings, stage: PilotStage, nats_server: NatsServer
) -> None:
    stage.unranked.add("d")
    async with serving(settings) as selector:
        await selector.create()
        await eventually(lambda: stage.calls["GetRanking"])  # the pilot is made, open and rung for
        assert await selector.pilot_state() == pb.DIMENSION_STATE_READY
        await selector.stop()
        # At once, before anybody has taken a step.
        assert await selector.pilot_state() == pb.DIMENSION_STATE_CLOSED
        await selector.at(pb.SELECTION_STAGE_FAILED)
        assert await selector.pilot_state() == pb.DIMENSION_STATE_CLOSED
        await selector.resume("on")
        assert await selector.pilot_state() == pb.DIMENSION_STATE_READY
        stage.unranked.clear()
        await selector.at(pb.SELECTION_STAGE_DONE)
        assert await selector.pilot_state() == pb.DIMENSION_STATE_CLOSED
    rings = await sent(nats_server.url, dimension_ready("default", "algebra-pilot-1"))
    # When it was made, and when it was resumed: the bus would not take the same ring twice.
    assert len(rings) == len({ring.event_id for ring in rings}) == 2


async def test_a_pilot_without_money_goes_on_with_more(selector: Selector, stage: PilotStage) -> None:
    stage.exhausted = True
    await selector.create(budget=USD)
    failed = await selector.at(pb.SELECTION_STAGE_FAILED)
    stage.exhausted = False
    more = common_pb2.Money(currency="USD", nano_units=9_000)
    await selector.resume("on", budget=more, calls=1_000)
    progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert failed.failure == "the pilot's budget is exhausted, with votes on 0 queries only; 6 are to be chosen"
    assert stage.budgets == {"algebra-pilot-1": 9_000}
    assert progress.most_judge_calls == 1_000


async def test_a_wish_is_granted_once(selector: Selector, stage: PilotStage) -> None:
    stage.deaf = True
    await selector.create()
    await selector.resume("one", calls=1_000)
    await selector.resume("two", calls=1_100)
    await selector.resume("one", calls=1_000)

    assert (await selector.get()).most_judge_calls == 1_100
    async with refused(faults.RequestIdReused):
        await selector.resume("one", calls=1_200)
    async with refused(faults.InvalidField, "calls"):
        await selector.resume("three", calls=4_000_000_000)
    async with refused(faults.InvalidField, "budget"):
        await selector.resume("four", budget=common_pb2.Money(currency="USD"))


async def test_calls_that_rank_no_models_are_told(selector: Selector, stage: PilotStage) -> None:
    await selector.create(models=["a", "b", "c", "d"], calls=47)
    failed = await selector.at(pb.SELECTION_STAGE_FAILED)
    await selector.resume("on", calls=400)
    await selector.at(pb.SELECTION_STAGE_DONE)

    assert failed.failure == "47 judge calls do not rank 4 models; that takes at least 48"


async def test_selections_outlive_the_bus(selector: Selector, stage: PilotStage, nats_server: NatsServer) -> None:
    nats_server.stop()
    await selector.create()
    await selector.at(pb.SELECTION_STAGE_DONE)
    found = (await selector.stub.GetDimension(pb.GetDimensionRequest(name=NAME))).dimension
    assert found.state == pb.DIMENSION_STATE_WAITING_FOR_BUS
    await nats_server.start()


async def test_who_asks_for_what_is_not_there_is_told(selector: Selector) -> None:
    async with refused(faults.UnknownDimension):
        await selector.get()
    async with refused(faults.UnknownDimension):
        await selector.stop()
    async with refused(faults.UnknownDimension):
        await selector.reasons()


async def test_an_order_that_was_written_down_and_not_told_is_given(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    """Whoever dies between the two: its cells count as asked, so somebody has to ask them."""
    stage.deaf = True
    async with serving(settings) as selector:
        await selector.create()
        await eventually(lambda: len(stage.orders) == 1)
        queries = {cell[3] for cell in stage.cells}
    store = Store(settings.mongo_url, settings.mongo_database)
    jobs = Jobs(store)
    job = await jobs.find(DimensionName.parse(NAME))
    assert job is not None
    assert job.orders == 1
    # All the cells there are, so that without this order nothing more would be asked.
    last = [Asked("a@1", "b@1", query, 100) for query in sorted(queries)[:5]]
    await jobs.order(job, 2, last)
    store.close()
    stage.deaf = False
    async with serving(settings) as selector:
        await selector.at(pb.SELECTION_STAGE_DONE)

    given = [ranker_pb2.OrderComparisonsRequest.FromString(body) for body in stage.orders.values()]
    assert len(given) == 2
    assert [(one.model_a, one.model_b, one.query_id, one.votes) for one in given[1].comparisons] == last


async def test_names_of_pilots_that_others_have_are_passed_over(selector: Selector, stage: PilotStage) -> None:
    """Also by a second pilot, of whose name nobody was told when the first was made."""
    stage.unranked.add("d")
    stage.waiting_reason = "WAITING(no answers)"
    await selector.create(budget=USD)
    await selector.at(pb.SELECTION_STAGE_PILOTING, "no answers")
    for number in (2, 3):
        taken = pb.Dimension(name=f"{NAME}-pilot-{number}", selection=pb.Selection(k=2))
        start = pb.CreateDimensionRequest(start=pb.CreateDimensionStart(dimension=taken))
        await selector.stub.CreateDimension(iter([start, pb.CreateDimensionRequest(pool=POOL)]))
    stage.models.remove("d")
    await selector.at(pb.SELECTION_STAGE_FAILED)
    stage.models.append("f")
    stage.unranked.add("f")
    await selector.resume("on")
    await selector.at(pb.SELECTION_STAGE_PILOTING, "no answers")
    stage.models.remove("f")
    await selector.at(pb.SELECTION_STAGE_FAILED)
    stage.waiting_reason = ""
    await selector.resume("on again")
    progress = await selector.at(pb.SELECTION_STAGE_DONE)

    made = [f"algebra-pilot-{number}" for number in (1, 4, 5)]
    assert [name.rpartition("/")[2] for name in progress.pilots] == made
    assert stage.budgets == dict.fromkeys(made, 5_000)


async def test_a_replica_that_comes_late_sets_no_older_budget(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    stage.deaf = True
    async with serving(settings) as selector:
        await selector.create(budget=USD)
        await eventually(lambda: stage.orders)
        store = Store(settings.mongo_url, settings.mongo_database)
        read = await Jobs(store).find(DimensionName.parse(NAME))
        store.close()
        assert read is not None
        await selector.resume("more", budget=common_pb2.Money(currency="USD", nano_units=9_000))
        await eventually(lambda: stage.budgets, equals={"algebra-pilot-1": 9_000})
        peers = Peers(settings)
        await PilotPeers(peers).set_budget(read.pilot, Money("USD", 5_000), "late", read.version)
        await peers.close()

    assert stage.budgets == {"algebra-pilot-1": 9_000}


FAILING = "WAITING(fewer than 5 seed models ready: 4)"


def fail(stage: PilotStage, *slugs: str) -> None:
    stage.unranked |= set(slugs)
    stage.failing = dict.fromkeys(slugs, "TIMEOUT: no reply within 60 s")
    stage.waiting_reason = FAILING


@pytest.mark.parametrize("state", [gateway_pb2.ENTRANT_STATE_FAILED, gateway_pb2.ENTRANT_STATE_COLLECTING])
async def test_a_model_that_fails_is_told_and_then_left_out(
    settings: QuerySelectorSettings, stage: PilotStage, state: gateway_pb2.EntrantState.ValueType
) -> None:
    stage.failing_state = state
    fail(stage, "d")
    patient = settings.model_copy(update={"selection_patience_seconds": 600.0})
    async with serving(patient) as selector:
        await selector.create(models=["a", "b", "c", "d"], budget=USD)
        told = await selector.at(pb.SELECTION_STAGE_PILOTING, "fails to answer: d")
        looks = stage.calls["ListEntrants"]
        await eventually(lambda: stage.calls["ListEntrants"] >= looks + 5)
        assert len((await selector.get()).pilots) == 1
    # Whoever comes after goes by what is on record of it.
    async with serving(settings.model_copy(update={"selection_patience_seconds": 0.1})) as selector:
        await eventually(lambda: len(stage.budgets), equals=2)
        stage.waiting_reason = ""
        progress = await selector.at(pb.SELECTION_STAGE_DONE)
        first = await selector.pilot_state(1)

    assert told.waiting_reason == f"the pilot waits: {FAILING}; fails to answer: d (TIMEOUT: no reply within 60 s)"
    assert list(progress.models) == ["a", "b", "c"]
    assert [name.rpartition("/")[2] for name in progress.pilots] == ["algebra-pilot-1", "algebra-pilot-2"]
    assert first == pb.DIMENSION_STATE_CLOSED


async def test_a_model_that_is_asked_again_with_success_is_waited_for(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    fail(stage, "d")
    async with serving(settings.model_copy(update={"selection_patience_seconds": 600.0})) as selector:
        await selector.create(models=["a", "b", "c", "d"])
        await selector.at(pb.SELECTION_STAGE_PILOTING, "fails to answer: d")
    stage.failing.clear()
    stage.collecting.add("d")
    async with serving(settings.model_copy(update={"selection_patience_seconds": 0.1})) as selector:
        looks = stage.calls["ListEntrants"]
        await eventually(lambda: stage.calls["ListEntrants"] >= looks + 3)
        stage.unranked.clear()
        stage.waiting_reason = ""
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert (list(progress.models), len(progress.pilots)) == (["a", "b", "c", "d"], 1)


async def test_a_pilot_of_too_few_that_answer_fails_and_can_be_resumed(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    fail(stage, "d")
    async with serving(settings.model_copy(update={"selection_patience_seconds": 0.1})) as selector:
        await selector.create(models=["a", "b", "d"])
        failed = await selector.at(pb.SELECTION_STAGE_FAILED)
        stage.unranked.clear()
        stage.failing.clear()
        stage.waiting_reason = ""
        await selector.resume("on")
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    reason = "failed to answer the pilot: d (TIMEOUT: no reply within 60 s)"
    assert failed.failure == f"{reason}; 2 models are left, and a pilot takes 3"
    assert (list(progress.models), len(progress.pilots)) == (["a", "b", "d"], 1)


async def test_a_model_that_answers_in_time_stays(settings: QuerySelectorSettings, stage: PilotStage) -> None:
    fail(stage, "d")
    async with serving(settings) as selector:
        await selector.create(models=["a", "b", "c", "d"])
        await selector.at(pb.SELECTION_STAGE_PILOTING, "fails to answer: d")
        stage.failing.clear()
        store = Store(settings.mongo_url, settings.mongo_database)
        jobs = Jobs(store)

        async def is_forgotten() -> bool:
            job = await jobs.find(DimensionName.parse(NAME))
            return job is not None and not job.failing

        await eventually(is_forgotten)
        store.close()
        fail(stage)
        stage.unranked.clear()
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert (list(progress.models), len(progress.pilots)) == (["a", "b", "c", "d"], 1)
