"""Insertions as they are watched: every decision, progress in between, and an end."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from typing import TYPE_CHECKING

import grpc.aio
import pytest

from dearena import faults
from dearena.ranking.decisions import DecisionKind, concerned
from dearena.rpc_faults import fault_of
from dearena.trials.arena import Arena
from dearena.v1 import gateway_pb2
from dearena.v1 import ranker_pb2 as pb
from dearena.v1.ranker_pb2_grpc import RankerServiceStub
from tests.fixtures.ranked import NAME
from tests.fixtures.ranker_stage import MODELS, Ranked, Stage
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.ranker_pb2_grpc import RankerServiceAsyncStub


async def watched(ranker: Ranked, model: str = "", cursor: int = 0) -> list[pb.WatchInsertionResponse]:
    request = pb.WatchInsertionRequest(dimension=NAME, model=model, cursor=cursor)
    return [step async for step in ranker.stub.WatchInsertion(request, timeout=60)]


async def test_an_insertion_is_watched_from_admission_to_settle(stage: Stage, calm: Arena) -> None:
    newcomer = MODELS[5]
    stage.around.entrant(newcomer).state = gateway_pb2.ENTRANT_STATE_COLLECTING
    async with stage.ranker() as ranker:
        await ranker.waits(f"answers of {newcomer} are being collected")
        stage.around.gate.clear()
        await stage.around.ready(newcomer)
        await eventually(lambda: _admitted(ranker, newcomer), equals=True)
        watching = asyncio.ensure_future(watched(ranker, newcomer))
        stage.around.gate.set()
        steps = await watching
        again = await watched(ranker, newcomer)
        resumed = await watched(ranker, newcomer, cursor=steps[1].cursor)
        over = await watched(ranker, newcomer, cursor=steps[-1].cursor)
        await ranker.at_rest()
        listed = (await ranker.insertions())[newcomer]

    mine = [decision.number for decision in calm.log if newcomer in concerned(decision)]
    decided = [step for step in steps if step.HasField("decision")]
    assert [step.decision.number for step in decided] == mine
    assert all(step.why for step in decided)
    assert [step.cursor for step in steps] == sorted(step.cursor for step in steps)
    assert [step for step in again if step.HasField("decision")] == decided
    assert [step for step in resumed if step.HasField("decision")] == [
        step for step in decided if step.cursor > steps[1].cursor
    ]
    assert over == []
    first, last = decided[0].insertion, decided[-1].insertion
    assert (first.phase, first.low, first.high) == (pb.INSERTION_PHASE_COARSE, 0, 5)
    assert first.judge_calls == 0
    assert last.phase == pb.INSERTION_PHASE_SETTLED
    assert last.rank == calm.state.insertions[newcomer].rank
    assert last.judge_calls == listed.judge_calls > 0
    assert last.cost.nano_units == listed.cost.nano_units > 0
    opened = [step for step in decided if step.decision.kind == pb.DECISION_KIND_ROUND_OPENED]
    assert all(step.insertion.cells_total > 0 == step.insertion.cells_done for step in opened)


async def _admitted(ranker: Ranked, model: str) -> bool:
    return model in await ranker.insertions()


async def test_progress_is_shown_while_a_round_is_judged(stage: Stage, calm: Arena) -> None:
    total = len(calm.votes[1])
    heard = sum(vote.judge != MODELS[4] for vote in calm.votes[1])
    stage.around.drop = lambda event: event.judging_requested.judge == MODELS[4]
    async with stage.ranker(reask_seconds=2) as ranker:
        await eventually(lambda: _admitted(ranker, MODELS[4]), equals=True)
        call = ranker.stub.WatchInsertion(pb.WatchInsertionRequest(dimension=NAME, model=MODELS[0]), timeout=30)
        done = 0
        async for step in call:
            if step.insertion.cells_done and not step.HasField("decision"):
                done = step.insertion.cells_done
            if done == heard:
                assert step.insertion.cells_total == total
                assert step.insertion.phase == pb.INSERTION_PHASE_SEEDING
                break
        call.cancel()
        stage.around.drop = lambda _event: False
        await ranker.at_rest()


async def test_a_whole_dimension_is_followed_until_the_ranker_leaves(stage: Stage, calm: Arena) -> None:
    steps: list[pb.WatchInsertionResponse] = []
    async with stage.ranker() as ranker:
        channel = grpc.aio.insecure_channel(ranker.service.address)

        async def follow() -> None:
            stub: RankerServiceAsyncStub = RankerServiceStub(channel)
            take = steps.append  # what came is kept when the stream breaks
            async for step in stub.WatchInsertion(pb.WatchInsertionRequest(dimension=NAME)):
                take(step)

        following = asyncio.ensure_future(follow())
        await ranker.at_rest()
        await eventually(lambda: steps and steps[-1].cursor == len(calm.log))
    async with channel:
        with pytest.raises(grpc.aio.AioRpcError) as left:
            await following
    assert isinstance(fault_of(left.value), faults.ServiceUnavailable)

    told = [(step.decision.number, step.insertion.model) for step in steps if step.HasField("decision")]
    assert {number for number, _ in told} == set(range(1, len(calm.log) + 1))
    seeding = next(d.number for d in calm.log if d.kind is DecisionKind.ROUND_OPENED)
    assert [model for number, model in told if number == seeding] == list(MODELS[:5])
    # Whoever is cut off in the middle of the five is told of all five again.
    cursors = [step.cursor for step in steps if step.decision.number == seeding]
    assert cursors == [seeding - 1] * 4 + [seeding]
    settled = {step.insertion.model for step in steps if step.insertion.phase == pb.INSERTION_PHASE_SETTLED}
    assert settled == set(MODELS)


async def test_a_newcomer_that_retires_is_withdrawn(stage: Stage) -> None:
    newcomer = MODELS[5]
    stage.around.drop = lambda event: event.judging_requested.round == 2 and "/again/" not in event.event_id
    async with stage.ranker(reask_seconds=1) as ranker:
        await eventually(lambda: ranker.has_opened(2), equals=True)
        entrant = stage.around.entrant(newcomer)
        entrant.state, entrant.reason = gateway_pb2.ENTRANT_STATE_RETIRED, "superseded by model-005@2"
        steps = await watched(ranker, newcomer)
        await ranker.at_rest(len(MODELS) - 1)
    assert steps[-1].insertion.phase == pb.INSERTION_PHASE_WITHDRAWN
    assert steps[-1].why == "leaves: superseded by model-005@2"
