"""Juries that stop early, refinements, and judges that are suspended."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import grpc.aio
import pytest

from dearena import faults
from dearena.outcomes import Outcome
from dearena.ranking.rounds import Cell
from dearena.ranking.rules import Rules
from dearena.rpc_faults import fault_of
from dearena.trials.arena import Arena
from dearena.trials.world import Heard
from dearena.v1 import query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from tests.fixtures.ranked import NAME, calmly, told
from tests.fixtures.ranker_stage import MODELS, WORLD, Ranked, Stage
from tests.fixtures.waiting import eventually
from tests.unit.ranking.planted import ALGEBRA


@pytest.fixture
def sequential(stage: Stage) -> Arena:
    """With juries that stop early; what must come out."""
    stage.around.ranking = query_selector_pb2.RankingSettings(jury="sequential")
    return calmly(WORLD, Rules())


async def test_sequential_juries_insert_several_newcomers_in_one_round(stage: Stage, sequential: Arena) -> None:
    async with stage.ranker(reask_seconds=60) as ranker:
        ranking = await ranker.at_rest()
        insertions = await ranker.insertions()
        explained = await ranker.stub.ExplainInsertion(pb.ExplainInsertionRequest(dimension=NAME, model=MODELS[6]))
        assert told(await ranker.log()) == told(sequential.log)
    assert tuple(ranking.models) == sequential.state.ranking
    assert set(insertions[MODELS[5]].rounds) & set(insertions[MODELS[6]].rounds)
    newcomer = insertions[MODELS[6]]
    assert (newcomer.rank_low, newcomer.rank_high) == sequential.state.insertions[MODELS[6]].interval
    assert sum(one.judge_calls for one in insertions.values()) == sequential.judge_calls
    assert explained.insertion == newcomer
    assert MODELS[6] in explained.text
    assert explained.steps[0].kind == pb.DECISION_KIND_ADMITTED
    assert set(stage.around.asked.values()) == {1}


async def test_begun_anew_in_the_middle_of_an_insertion_juries_ask_the_same(stage: Stage, sequential: Arena) -> None:
    stage.around.drop = lambda event: event.judging_requested.round == 3 and "/again/" not in event.event_id
    async with stage.ranker(reask_seconds=60) as ranker:
        await eventually(lambda: ranker.has_opened(3), equals=True)
    async with stage.ranker(reask_seconds=0.3) as ranker:
        await ranker.at_rest()
        assert told(await ranker.log()) == told(sequential.log)


async def test_a_refinement_is_ordered_once_and_spends_no_more_than_was_ordered(
    stage: Stage, sequential: Arena
) -> None:
    request = pb.RefineRankingRequest(dimension=NAME, calls=20, request_id="refine")
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await ranker.at_rest()
        before = len(stage.around.outcomes)
        for _ in range(2):
            await ranker.stub.RefineRanking(request)
        await eventually(lambda: _taken_up(ranker, 1), equals=True)
        await ranker.at_rest()
        sequential.refine(20)
        assert told(await ranker.log()) == told(sequential.log)
        assert [order.number for order in await stage.store.orders(ALGEBRA, after=0)] == [1]
        with pytest.raises(grpc.aio.AioRpcError) as reused:
            await ranker.stub.RefineRanking(pb.RefineRankingRequest(dimension=NAME, calls=42, request_id="refine"))
    assert isinstance(fault_of(reused.value), faults.RequestIdReused)
    assert 2 * (len(stage.around.outcomes) - before) <= 20


async def _taken_up(ranker: Ranked, order: int) -> bool:
    """The order is in the log, and the refinement that it asks for is over."""
    taken = [one for one in await ranker.log() if one.content.get("order") == order]
    return bool(taken) and (await ranker.ranking()).refinement_calls_left == 0


async def test_an_operator_suspends_a_judge_and_reinstates_it(stage: Stage) -> None:
    judge = MODELS[2]
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await ranker.at_rest()
        await ranker.stub.SuspendJudge(pb.SuspendJudgeRequest(dimension=NAME, judge=judge, reason="looks odd"))

        async def health() -> tuple[bool, str]:
            listed = (await ranker.stub.ListJudges(pb.ListJudgesRequest(dimension=NAME))).judges
            found = next(one for one in listed if one.judge == judge)
            return found.suspended, found.reason

        async def suspended_on_board() -> list[str]:
            closed = (await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME))).round
            return [entrant.model for entrant in closed.entrants if entrant.suspended]

        await eventually(health, equals=(True, "looks odd"))
        await eventually(suspended_on_board, equals=[judge])
        assert list((await ranker.ranking()).suspended_judges) == [judge]
        again = pb.ReinstateJudgeRequest(dimension=NAME, judge=judge, reason="it is well", request_id="again")
        await ranker.stub.ReinstateJudge(again)
        await eventually(health, equals=(False, ""))
        await eventually(suspended_on_board, equals=[])
        await ranker.stub.ReinstateJudge(again)  # the same request, which was granted


async def test_a_judge_is_reinstated_only_where_it_is_suspended_or_is_about_to_be(stage: Stage) -> None:
    suspend = pb.SuspendJudgeRequest(dimension=NAME, judge=MODELS[2], reason="looks odd")
    reinstate = pb.ReinstateJudgeRequest(dimension=NAME, judge=MODELS[2], reason="it is well")

    async def refused(ranker: Ranked) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await ranker.stub.ReinstateJudge(reinstate)
        fault = fault_of(error.value)
        assert isinstance(fault, faults.NotReady)
        return str(fault)

    async with stage.ranker() as ranker:
        await ranker.at_rest()
        assert await refused(ranker) == f"{MODELS[2]} is not suspended in {NAME}"
        # Whether or not the log has taken up the orders before.
        await ranker.stub.SuspendJudge(suspend)
        await ranker.stub.ReinstateJudge(reinstate)
        await refused(ranker)
        assert [order.number for order in await stage.store.orders(ALGEBRA, after=0)] == [1, 2]


_TURNED = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}


async def test_an_inverted_judge_is_suspended_by_rule(stage: Stage) -> None:
    inverted = MODELS[3]
    honest = stage.around.hear

    def hear(cell: Cell) -> Heard:
        heard = honest(cell)
        return Heard(_TURNED.get(heard.outcome, heard.outcome), heard.seats) if cell.judge == inverted else heard

    stage.around.hear = hear  # type: ignore[method-assign]
    stage.around.ranking = query_selector_pb2.RankingSettings(jury="exhaustive", canary_every=2)
    async with stage.ranker() as ranker:
        await ranker.at_rest()
        listed = (await ranker.stub.ListJudges(pb.ListJudgesRequest(dimension=NAME))).judges
    assert [one.judge for one in listed if one.suspended] == [inverted]
    assert next(one.reason for one in listed if one.suspended)


async def test_a_jury_that_is_not_known_is_said_to_be_so(stage: Stage) -> None:
    stage.around.ranking = query_selector_pb2.RankingSettings(jury="oracle")
    async with stage.ranker() as ranker:
        await eventually(lambda: ranker.says("'oracle' is none of exhaustive"), equals=True)
