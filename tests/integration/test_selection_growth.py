"""A pilot that goes on to more of its pool, on a real mongod and a real nats-server, with the others played."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dearena.v1 import common_pb2, ranker_pb2
from dearena.v1 import query_selector_pb2 as pb
from services.query_selector.job_store import Jobs
from services.query_selector.jobs import Job
from services.query_selector.pilot_documents import PilotDocuments
from services.query_selector.pilot_peers import PilotPeers
from services.query_selector.pilot_votes import Asked
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.store import Store
from tests.fixtures.pilot_stage import PilotStage, beside, pilot_stage
from tests.fixtures.waiting import eventually
from tests.integration.test_selections import NAME, Selector, serving

Settings = Callable[..., QuerySelectorSettings]

SIZE = 120
FIRST = 36
"""6 for each of the 6 that are wanted."""
POOL = b"\n".join(json.dumps({"id": f"q{n:03}", "text": f"What is {n} cubed?"}).encode() for n in range(SIZE))
TELLING = {f"q{n:03}" for n in range(0, SIZE, 12)}
MUCH = common_pb2.Money(currency="USD", nano_units=1_000_000)


@pytest.fixture
async def stage() -> AsyncIterator[PilotStage]:
    async with pilot_stage(tells=TELLING.__contains__) as stage:
        yield stage


@pytest.fixture
def settings(arena_settings: Settings, stage: PilotStage) -> QuerySelectorSettings:
    return arena_settings(QuerySelectorSettings, **beside(stage), sweep_seconds=0.1)


async def pool_of(selector: Selector, pilot: str) -> set[str]:
    found = await selector.stub.ListQueries(pb.ListQueriesRequest(dimension=pilot, page_size=1_000))
    return {query.query_id for query in found.queries}


async def test_a_pilot_grows_and_chooses_from_all_its_parts(settings: QuerySelectorSettings, stage: PilotStage) -> None:
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000, budget=MUCH)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)
        chosen = set(await selector.queries())
        reasons = {one.query_id: one for one in await selector.reasons()}
        pools = {name: await pool_of(selector, name) for name in progress.pilots}
        states = [await selector.pilot_state(number + 1) for number in range(len(pools))]

    first, second = progress.pilots[:2]
    # Parts have nothing in common, and nothing was asked in a part of another's queries.
    assert sum(len(part) for part in pools.values()) == len(set().union(*pools.values())) == progress.piloted_queries
    assert len(pools[first]) == FIRST
    for name, part in pools.items():
        assert {cell[3] for cell, pilot in stage.judged_in.items() if name.endswith(pilot)} == part
    # What was chosen tells, and comes from both.
    assert len(TELLING & pools[first]) < 6
    assert chosen <= TELLING
    assert chosen & pools[first]
    assert chosen & pools[second]
    assert all(reasons[query].HasField("slope_error") for part in pools.values() for query in part)
    # It is told when and why, and all of it counts.
    growth = progress.growths[0]
    assert (growth.pilot, growth.queries, growth.grown_to) == (first, FIRST, FIRST + len(pools[second]))
    assert growth.cells == sum(name == first.rpartition("/")[2] for name in stage.judged_in.values())
    assert growth.reason.startswith("a look at a query promises")
    assert [one.queries for one in progress.growths] == [FIRST * n for n in range(1, len(pools))]
    assert progress.cells == len(stage.cells)
    assert progress.judge_calls == 2 * len(stage.cells) <= 4_000
    assert list(progress.spent) == [common_pb2.Money(currency="USD", nano_units=7 * len(stage.cells))]
    assert progress.orders == len(stage.orders)
    assert stage.budgets[second.rpartition("/")[2]] == MUCH.nano_units - 7 * growth.cells
    assert set(states) == {pb.DIMENSION_STATE_CLOSED}


async def test_no_more_is_looked_at_than_was_asked_for(settings: QuerySelectorSettings, stage: PilotStage) -> None:
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000, queries=60)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert [(one.queries, one.grown_to) for one in progress.growths] == [(FIRST, 60)]
    assert progress.piloted_queries == len({cell[3] for cell in stage.cells}) == 60


async def test_money_that_pays_no_part_is_spent_on_what_was_seen(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    # 360 cells are the first look at 36 queries, 18 queries more at the least take 180.
    little = common_pb2.Money(currency="USD", nano_units=7 * (360 + 179))
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000, budget=little)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert not progress.growths
    assert len(progress.pilots) == 1


async def test_a_stop_while_the_next_part_is_begun_chooses_by_what_was_heard(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    stage.unranked_in["algebra-pilot-2"] = {"d"}
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000)

        async def grew() -> bool:
            return bool((await selector.get()).growths)

        await eventually(grew)
        await selector.stop()
        progress = await selector.at(pb.SELECTION_STAGE_DONE)
        chosen = await selector.queries()

    assert len(chosen) == 6
    assert set(stage.judged_in.values()) == {"algebra-pilot-1"}
    assert progress.cells == len(stage.cells)


async def test_a_model_that_leaves_before_the_next_part_ends_nothing(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    stage.unranked_in["algebra-pilot-2"] = {"d"}
    stage.waiting_reason = "WAITING(no answers)"
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000)
        await selector.at(pb.SELECTION_STAGE_PILOTING, "no answers")
        stage.retired.add("d")
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert not progress.failure
    assert (len(progress.growths), len(progress.pilots)) == (1, 2)


async def test_a_model_that_left_the_first_part_does_not_keep_the_next_from_being_looked_at(
    settings: QuerySelectorSettings, stage: PilotStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow = Jobs.grow

    async def leaving(self: Jobs, job: Job, step: int, queries: int, why: str) -> bool:
        stage.retired.add("d")
        stage.unranked.add("d")
        stage.waiting_reason = "WAITING(no answers)"
        return await grow(self, job, step, queries, why)

    monkeypatch.setattr(Jobs, "grow", leaving)
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert list(progress.models) == ["a", "b", "c", "e"]
    assert "algebra-pilot-2" in stage.judged_in.values()
    assert progress.cells == len(stage.cells)


async def test_figures_are_those_of_the_moment_at_which_it_grew(
    settings: QuerySelectorSettings, stage: PilotStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow = Jobs.grow

    async def overtaken(self: Jobs, job: Job, step: int, queries: int, why: str) -> bool:
        # It is on record, and then the job is another's: what was found with it is not written.
        found = await grow(self, job, step, queries, why)
        await self.write(job, replace(job, waiting_reason="another was here"))
        return found

    monkeypatch.setattr(Jobs, "grow", overtaken)
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    first = sum(pilot == "algebra-pilot-1" for pilot in stage.judged_in.values())
    assert progress.growths[0].cells == first


async def test_it_is_not_chosen_before_the_last_calls_are_over(
    settings: QuerySelectorSettings, stage: PilotStage
) -> None:
    async with serving(settings) as selector:
        stage.calling.add("algebra-pilot-1")
        await selector.create(POOL, calls=4_000, queries=FIRST, budget=MUCH)
        await selector.at(pb.SELECTION_STAGE_CHOOSING, "still under way")
        stage.calling.clear()
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert not progress.waiting_reason
    assert list(progress.spent) == [common_pb2.Money(currency="USD", nano_units=7 * len(stage.cells))]


async def test_who_finds_a_step_on_record_takes_that_step(
    settings: QuerySelectorSettings, stage: PilotStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Jobs.order
    steps: list[int] = []

    async def late(self: Jobs, job: Job, step: int, asked: Sequence[Asked]) -> bool:
        steps.append(step)
        if len(steps) == 2:
            # Another process, that heard more, is first by a moment.
            await self.grow(job, step, 2 * FIRST, "another was first")
        return await order(self, job, step, asked)

    monkeypatch.setattr(Jobs, "order", late)
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)

    assert progress.growths[0].reason == "another was first"
    assert progress.growths[0].grown_to == 2 * FIRST
    orders = [ranker_pb2.OrderComparisonsRequest.FromString(body) for body in stage.orders.values()]
    assert all(one.comparisons for one in orders)


async def played(settings: QuerySelectorSettings, stage: PilotStage) -> tuple[list[bytes], list[str], list[Any]]:
    """What is ordered, what is chosen, and how it grew; all is empty again."""
    async with serving(settings) as selector:
        await selector.create(POOL, calls=4_000, budget=MUCH)
        progress = await selector.at(pb.SELECTION_STAGE_DONE)
        chosen = await selector.queries()
    store = Store(settings.mongo_url, settings.mongo_database)
    await store.drop()
    store.close()
    orders = list(stage.orders.values())
    for kept in (stage.orders, stage.cells, stage.taken, stage.judged_in, stage.budgets, stage.generations):
        kept.clear()
    stage.budget_requests.clear()
    return orders, chosen, [(one.pilot, one.queries, one.grown_to, one.cells, one.reason) for one in progress.growths]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_task_that_dies_at_any_write_is_followed_where_it_stood(
    settings: QuerySelectorSettings, stage: PilotStage, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    calm = await played(settings, stage)
    deaths: Counter[str] = Counter()

    def dying(kind: type, name: str) -> None:
        done = getattr(kind, name)

        async def one(self: Any, *args: Any, **more: Any) -> Any:
            deaths[name] += 1
            # Not the transaction with which it is over: it is tried again as a whole, and then nobody is left to die.
            dies = deaths[name] % 3 == 1 and not (name == "write" and len(args) > 2)
            if dies and when == "before":
                raise asyncio.CancelledError
            found = await done(self, *args, **more)
            if dies:
                raise asyncio.CancelledError
            return found

        monkeypatch.setattr(kind, name, one)

    for kind, name in (
        (Jobs, "write"),
        (Jobs, "order"),
        (Jobs, "grow"),
        (PilotDocuments, "create_pilot"),
        (PilotDocuments, "open_pilot"),
        (PilotPeers, "set_budget"),
        (PilotPeers, "order"),
    ):
        dying(kind, name)
    found = await played(settings, stage)

    assert found == calm
    assert calm[2]
    assert min(deaths[name] for name in ("write", "order", "grow", "create_pilot", "set_budget")) >= 2
    given = [ranker_pb2.OrderComparisonsRequest.FromString(body) for body in found[0]]
    assert {one.dimension for one in given} == {f"{NAME}-pilot-{n + 1}" for n in range(len(calm[2]) + 1)}
