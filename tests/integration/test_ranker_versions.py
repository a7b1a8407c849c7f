"""A dimension is revised while rankers are at work: the new version is ranked anew, once, and nothing is mixed."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections.abc import Sequence

import grpc.aio
import pytest

from dearena import faults
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.ranking import replay
from dearena.ranking.rules import Rules
from dearena.rpc_faults import fault_of
from dearena.trials.arena import Arena
from dearena.trials.world import Planted
from dearena.v1 import query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from tests.fixtures.ranked import NAME, calmly, told
from tests.fixtures.ranker_stage import MODELS, WORLD, Ranked, Stage
from tests.fixtures.waiting import eventually

KEPT = WORLD.queries[1:]
"""The first query is retired."""


@pytest.fixture(autouse=True)
def sequential(stage: Stage) -> None:
    stage.around.ranking = query_selector_pb2.RankingSettings(jury="sequential")


def alone(queries: Sequence[str]) -> Arena:
    """A dimension that never had any other queries."""
    world = Planted.economy(0, len(MODELS), len(WORLD.queries))
    world.queries = tuple(queries)
    return calmly(world, Rules())


def version_told(log: Sequence[Decision]) -> list[Decision]:
    """What was decided since the last revision, numbered as if it were the first."""
    (place,) = [n for n, one in enumerate(log) if one.kind is DecisionKind.DIMENSION_REVISED]
    before = replay(log[: place + 1])
    since = [
        Decision(
            one.number - before.decisions,
            one.kind,
            one.model,
            one.round and one.round - before.last_closed_round,
            one.content,
        )
        for one in log[place + 1 :]
    ]
    return without_digests(told(since))


def without_digests(log: Sequence[Decision]) -> list[Decision]:
    return [
        Decision(one.number, one.kind, one.model, one.round, {**one.content, "board_digest": ""})
        if one.kind is DecisionKind.SETTLED
        else one
        for one in log
    ]


async def rests_in(ranker: Ranked, version: int) -> pb.Ranking:
    async def found() -> pb.Ranking | None:
        ranking = await ranker.at_rest()
        return ranking if ranking.dimension_version == version else None

    rested: pb.Ranking = await eventually(found)
    return rested


async def test_a_revised_dimension_is_ranked_as_one_that_never_had_other_queries(stage: Stage) -> None:
    async with stage.ranker(sweep_seconds=60) as ranker:
        first = await ranker.at_rest()
        assert (first.dimension_version, first.first_round) == (1, 1)
        explained = await ranker.stub.ExplainInsertion(pb.ExplainInsertionRequest(dimension=NAME, model=MODELS[-1]))
        await stage.around.revise(KEPT)
        second = await rests_in(ranker, 2)
        assert second.first_round == first.last_closed_round + 1
        log = await ranker.log()
        calm = alone(KEPT)
        assert version_told(log) == without_digests(told(calm.log))
        before = calmly(WORLD, Rules()).log
        assert told(log[: len(before)]) == told(before)
        assert list(second.models) == list(calm.state.ranking)
        # Each cell is of its version, and rounds tell where theirs begins.
        asked = {cell.query_id for at, cell, _ in stage.around.outcomes.values() if at >= second.first_round}
        assert asked == set(KEPT)
        closed = (await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME))).round
        assert (closed.dimension_version, closed.first_round) == (2, second.first_round)
        early = (await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME, round=1))).round
        assert (early.dimension_version, early.first_round) == (1, 1)
        # A model stands in the list once, and what is explained is its way in this version.
        listed = (await ranker.stub.ListInsertions(pb.ListInsertionsRequest(dimension=NAME))).insertions
        assert sorted(one.model for one in listed) == sorted(MODELS)
        assert {one.dimension_version for one in listed} == {2}
        assert all(number >= second.first_round for one in listed for number in one.rounds)
        again = await ranker.stub.ExplainInsertion(pb.ExplainInsertionRequest(dimension=NAME, model=MODELS[-1]))
        assert again.steps[0].decision > explained.steps[-1].decision
        # Whoever watches from the start is told both ways.
        watched = ranker.stub.WatchInsertion(pb.WatchInsertionRequest(dimension=NAME, model=MODELS[-1]))
        steps = [step async for step in watched]
        assert {step.insertion.dimension_version for step in steps} == {1, 2}
        assert steps[-1].insertion.phase == pb.INSERTION_PHASE_SETTLED


async def test_an_open_round_is_closed_first_and_orders_of_the_old_version_are_dropped(stage: Stage) -> None:
    async with stage.ranker(sweep_seconds=0.3, reask_seconds=60) as ranker:
        first = await ranker.at_rest()
        order = pb.OrderComparisonsRequest(dimension=NAME, request_id="one")
        order.comparisons.add(model_a=MODELS[0], model_b=MODELS[1], query_id=WORLD.queries[0], votes=2)
        stage.around.gate.clear()
        assert (await ranker.stub.OrderComparisons(order)).order == 1
        number = first.last_closed_round + 1
        await eventually(lambda: ranker.has_opened(number), equals=True)
        order.request_id = "two"
        assert (await ranker.stub.OrderComparisons(order)).order == 2
        await ranker.stub.SuspendJudge(
            pb.SuspendJudgeRequest(dimension=NAME, judge=first.models[0], reason="odd", request_id="three")
        )
        await stage.around.revise(KEPT)
        assert (await ranker.ranking()).dimension_version == 1
        stage.around.gate.set()
        second = await rests_in(ranker, 2)
        assert second.first_round == number + 1
        assert second.comparisons_done == 3
        # Who was suspended is so still, and was asked nothing.
        assert list(second.suspended_judges) == [first.models[0]]
        asked = {cell.judge for at, cell, _ in stage.around.outcomes.values() if at > number}
        assert first.models[0] not in asked
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            order.request_id = "four"
            await ranker.stub.OrderComparisons(order)
        assert isinstance(fault_of(caught.value), faults.InvalidField)


async def test_while_the_query_selector_is_away_the_known_version_is_ranked(stage: Stage) -> None:
    async with stage.ranker(sweep_seconds=0.3) as ranker:
        last = MODELS[-1]
        newcomer = stage.around.entrant(last)
        stage.around.entrants.remove(newcomer)
        await ranker.at_rest(len(MODELS) - 1)
        stage.around.away.add("GetDimension")
        stage.around.entrants.append(newcomer)
        await stage.around.ready(last)
        assert (await ranker.at_rest()).dimension_version == 1


async def test_two_rankers_take_a_version_up_once(stage: Stage) -> None:
    async with stage.ranker(sweep_seconds=0.2) as one, stage.ranker(sweep_seconds=0.2) as other:
        await one.at_rest()
        await stage.around.revise(KEPT)
        assert await rests_in(other, 2) == await rests_in(one, 2)
        log = await one.log()
        assert [decision.kind for decision in log].count(DecisionKind.DIMENSION_REVISED) == 1
        assert version_told(log) == without_digests(told(alone(KEPT).log))
