"""A ranker with a newcomer whom nobody may judge: it waits alone, says why, and goes on when there is a judge."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio

from dearena.ranking.decisions import DecisionKind
from dearena.ranking.ranking import replay
from dearena.v1 import gateway_pb2, query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from tests.fixtures.ranked import NAME
from tests.fixtures.ranker_stage import MODELS, Ranked, Stage
from tests.fixtures.waiting import eventually

SEEDS, FREE = MODELS[:5], MODELS[4]
"""Of the seeds one is of acme, three of beta, and the last of no family."""
LONELY, OTHER = MODELS[5:]
REASON = (
    f"no eligible judge for {MODELS[1]} against {LONELY}: only models of in-house judge, and none judges its own family"
)
WAITING = f"WAITING({REASON})"


async def without_free(stage: Stage, ranker: Ranked) -> None:
    """The seeds are ranked, and the one that could judge anybody judges no more; then the newcomers come."""
    stage.around.judging_policy = query_selector_pb2.JudgingPolicy(judge_providers=["in-house"], exclude_family=True)
    families = ("acme", "beta", "Beta", " beta", "", "ACME ", "")
    for model, family in zip(MODELS, families, strict=True):
        entrant = stage.around.entrant(model)
        entrant.family, entrant.provider = family, "in-house" if model in SEEDS else "abroad"
        if model not in SEEDS:
            entrant.state = gateway_pb2.ENTRANT_STATE_COLLECTING

    async def ranked() -> int:
        return len((await ranker.ranking()).models)

    await eventually(ranked, equals=len(SEEDS))
    stage.around.entrant(FREE).may_judge = False
    for model in (LONELY, OTHER):
        await stage.around.ready(model)


async def held_alone(ranker: Ranked) -> pb.Ranking:
    async def rests() -> pb.Ranking | None:
        ranking = await ranker.ranking()
        return ranking if len(ranking.models) == len(SEEDS) + 1 and ranking.waiting_reason == WAITING else None

    found: pb.Ranking = await eventually(rests)
    return found


async def test_a_newcomer_without_a_judge_waits_alone_through_a_restart_until_there_is_one(stage: Stage) -> None:
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await without_free(stage, ranker)
        ranking = await held_alone(ranker)
        assert OTHER in ranking.models
        assert list(ranking.held_newcomers) == [LONELY]
        assert list(ranking.newcomers) == list(ranking.waiting) == []
        insertions = await ranker.insertions()
        assert insertions[LONELY].waiting_reason == WAITING
        assert insertions[LONELY].phase == pb.INSERTION_PHASE_COARSE
        assert insertions[OTHER].waiting_reason == ""
        decisions = ranking.version
        # However often it looks meanwhile, nothing is written.
        looks = stage.around.calls["ListEntrants"]
        await eventually(lambda: stage.around.calls["ListEntrants"] >= looks + 5)
        assert (await ranker.ranking()).version == decisions

    async with stage.ranker(sweep_seconds=0.2) as ranker:
        assert list((await held_alone(ranker)).held_newcomers) == [LONELY]
        watching = asyncio.ensure_future(followed(ranker))
        stage.around.entrant(FREE).may_judge = True
        ranking = await ranker.at_rest()
        steps = await watching
        log = await ranker.log()
        explained = await ranker.stub.ExplainInsertion(pb.ExplainInsertionRequest(dimension=NAME, model=LONELY))
    assert list(ranking.held_newcomers) == []
    kinds = [one.kind for one in log if one.model == LONELY]
    assert kinds.index(DecisionKind.INSERTION_HELD) < kinds.index(DecisionKind.INSERTION_RESUMED)
    assert replay(log).ranking == tuple(ranking.models)
    held = next(step for step in steps if step.decision.kind == pb.DECISION_KIND_INSERTION_HELD)
    assert held.insertion.waiting_reason == WAITING
    assert held.why == f"waits, while others go on: {REASON}"
    assert steps[-1].insertion.waiting_reason == ""
    assert "goes on: it needs no judge now that is not there" in explained.text


async def followed(ranker: Ranked) -> list[pb.WatchInsertionResponse]:
    request = pb.WatchInsertionRequest(dimension=NAME, model=LONELY)
    return [step async for step in ranker.stub.WatchInsertion(request, timeout=60)]


async def test_an_order_for_the_whole_board_is_carried_out_beside_it(stage: Stage) -> None:
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await without_free(stage, ranker)
        await held_alone(ranker)
        closed = (await ranker.ranking()).last_closed_round
        await ranker.stub.RefineRanking(pb.RefineRankingRequest(dimension=NAME, calls=8))

        async def refined() -> bool:
            ranking = await ranker.ranking()
            return ranking.last_closed_round > closed and not ranking.refinement_calls_left

        await eventually(refined, equals=True)
        assert list((await held_alone(ranker)).held_newcomers) == [LONELY]
