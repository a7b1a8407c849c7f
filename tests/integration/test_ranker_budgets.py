"""A ranker whose rounds run out of money: it waits, says for what, and goes on from there. The log says when."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.ranking import replay
from dearena.trials.arena import Arena
from dearena.v1 import gateway_pb2
from dearena.v1 import ranker_pb2 as pb
from dearena.v1.events_pb2 import EventEnvelope
from tests.fixtures.ranked import NAME, told
from tests.fixtures.ranker_stage import MODELS, Ranked, Stage
from tests.fixtures.waiting import eventually

OF_ALGEBRA = "dimension algebra"
EXHAUSTED = f"budget of {OF_ALGEBRA} is exhausted; raise it to go on"
WAITING = f"WAITING({EXHAUSTED})"
REASK_SECONDS = 0.3


def without_lifts(log: Sequence[Decision]) -> list[Decision]:
    """What the log of an arena without budgets says."""
    kept = [one for one in told(log) if one.kind is not DecisionKind.BUDGET_LIFTED]
    return [replace(one, number=number) for number, one in enumerate(kept, 1)]


def lifts(log: Sequence[Decision]) -> list[Decision]:
    return [one for one in log if one.kind is DecisionKind.BUDGET_LIFTED]


def runs_out(stage: Stage, budget: str = OF_ALGEBRA, *, number: int = 3) -> None:
    """Money ends in the middle of this round: some of its cells are judged, and others are let go."""

    def voted() -> None:
        if stage.around.of_round(number):
            stage.around.exhausted.add(budget)

    stage.around.voted = voted


def lift(stage: Stage) -> None:
    """There is money again, for as long as it takes."""
    stage.around.voted = lambda: None
    stage.around.exhausted.clear()


async def test_a_round_without_money_waits_and_says_so_until_its_budget_is_lifted(stage: Stage, calm: Arena) -> None:
    runs_out(stage)
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=REASK_SECONDS) as ranker:
        await ranker.waits(EXHAUSTED)
        ranking = await ranker.ranking()
        assert ranking.open_round == 3
        insertions = await ranker.insertions()
        assert {insertions[model].waiting_reason for model in ranking.newcomers} == {WAITING}
        newcomer = insertions[ranking.newcomers[0]]
        assert 0 < newcomer.cells_done < newcomer.cells_total
        watching = asyncio.ensure_future(followed(ranker, newcomer.model))

        # However often it looks meanwhile, nobody is asked for what cannot be paid.
        asked = stage.around.asked.total()
        looks = stage.around.calls["GetRoundProgress"]
        await eventually(lambda: stage.around.calls["GetRoundProgress"] >= looks + 10)
        assert stage.around.asked.total() == asked
        assert lifts(await ranker.log()) == []

        lift(stage)
        await ranker.at_rest()
        log = await ranker.log()
        steps = await watching

    (lifted,) = lifts(log)
    assert (lifted.round, lifted.content["budget"]) == (3, OF_ALGEBRA)
    assert newcomer.model in lifted.content["models"]
    assert without_lifts(log) == told(calm.log)
    assert replay(log).ranking == calm.state.ranking
    assert any(step.insertion.waiting_reason == WAITING for step in steps)
    (told_of,) = [step for step in steps if step.decision.kind == pb.DECISION_KIND_BUDGET_LIFTED]
    assert told_of.why == "the budget of dimension algebra is lifted: round 3 goes on"


async def followed(ranker: Ranked, model: str) -> list[pb.WatchInsertionResponse]:
    request = pb.WatchInsertionRequest(dimension=NAME, model=model)
    return [step async for step in ranker.stub.WatchInsertion(request, timeout=60)]


async def test_the_bell_of_a_budget_is_heard_and_a_model_s_rings_everywhere(stage: Stage, calm: Arena) -> None:
    judge = MODELS[0].partition("@")[0]
    of_judge = f"model {judge}"
    runs_out(stage, of_judge, number=1)
    async with stage.ranker(sweep_seconds=60, reask_seconds=60) as ranker:
        await eventually(lambda: bool(stage.around.starved.get(1)))
        await stage.around.budget_changed(dimension="", model=judge)
        await ranker.waits(f"budget of {of_judge} is exhausted; raise it to go on")
        lift(stage)
        await stage.around.budget_changed(dimension="", model=judge)
        await ranker.at_rest()
        log = await ranker.log()
    assert [one.content["budget"] for one in lifts(log)] == [of_judge]
    assert without_lifts(log) == told(calm.log)


async def test_a_budget_that_was_lifted_while_no_ranker_lived_is_logged_by_the_next(stage: Stage, calm: Arena) -> None:
    runs_out(stage)
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await ranker.waits(EXHAUSTED)
    lift(stage)
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await ranker.at_rest()
        log = await ranker.log()
    assert [(one.round, one.content["budget"]) for one in lifts(log)] == [(3, OF_ALGEBRA)]
    assert without_lifts(log) == told(calm.log)


async def test_it_may_run_out_again_and_of_two_budgets_each_is_lifted_by_itself(stage: Stage, calm: Arena) -> None:
    of_judge = f"model {MODELS[1].partition('@')[0]}"
    both = f"budgets of {OF_ALGEBRA} and {of_judge} are exhausted; raise them to go on"
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=60) as ranker:
        stage.around.exhausted = {of_judge}
        await ranker.waits(f"budget of {of_judge} is exhausted; raise it to go on")
        stage.around.starved[1].add(OF_ALGEBRA)
        stage.around.exhausted = {of_judge, OF_ALGEBRA}
        await ranker.waits(both)
        stage.around.exhausted = {of_judge}
        await ranker.waits(f"budget of {of_judge} is exhausted; raise it to go on")
        stage.around.exhausted = {of_judge, OF_ALGEBRA}
        await ranker.waits(both)
        lift(stage)
        await ranker.at_rest()
        log = await ranker.log()
    assert [one.content["budget"] for one in lifts(log)] == [OF_ALGEBRA, OF_ALGEBRA, of_judge]
    assert without_lifts(log) == told(calm.log)


async def test_work_that_was_lost_is_asked_again_beside_what_cannot_be_paid(stage: Stage, calm: Arena) -> None:
    judge, loser = MODELS[0], MODELS[1]
    of_judge = f"model {judge.partition('@')[0]}"

    def lose(event: EventEnvelope) -> bool:
        requested = event.judging_requested
        return requested.round == 1 and requested.judge == loser and "/again/" not in event.event_id

    stage.around.drop = lose
    stage.around.exhausted = {of_judge}
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=REASK_SECONDS) as ranker:
        await ranker.waits(f"budget of {of_judge} is exhausted; raise it to go on")
        await eventually(lambda: any(cell.judge == loser for cell, _ in stage.around.of_round(1)))
        assert not any(cell.judge == judge for cell, _ in stage.around.of_round(1))
        lift(stage)
        await ranker.at_rest()
        assert without_lifts(await ranker.log()) == told(calm.log)


@pytest.mark.parametrize("budget", [OF_ALGEBRA, "insertion of each model in algebra"])
async def test_calls_that_do_not_fit_a_budget_are_waited_for_and_only_theirs(
    stage: Stage, calm: Arena, budget: str
) -> None:
    judge, other, loser = MODELS[:3]
    problems = {one: f"calls of {one.partition('@')[0]} are priced in EUR, and it is in USD" for one in (judge, other)}

    def lose(event: EventEnvelope) -> bool:
        requested = event.judging_requested
        return requested.round == 1 and requested.judge == loser and "/again/" not in event.event_id

    stage.around.drop = lose
    stage.around.unfit = {one: (budget, problem) for one, problem in problems.items()}
    reasons = [f"budget of {budget} does not fit: {problem}" for problem in problems.values()]
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=REASK_SECONDS) as ranker:
        await ranker.waits(f"{'; '.join(reasons)}; change the budget or the model to go on")
        # What was lost of a judge whose calls fit is asked again beside them, what would be refused again is not.
        await eventually(lambda: any(cell.judge == loser for cell, _ in stage.around.of_round(1)))
        asked = stage.around.asked.total()
        looks = stage.around.calls["GetRoundProgress"]
        await eventually(lambda: stage.around.calls["GetRoundProgress"] >= looks + 10)
        assert stage.around.asked.total() == asked
        assert lifts(await ranker.log()) == []

        # One of them is mended: its cells are asked again though the budget does not fit the other.
        del stage.around.unfit[judge]
        await eventually(lambda: any(cell.judge == judge for cell, _ in stage.around.of_round(1)))
        await ranker.waits(f"{reasons[1]}; change the budget or the model to go on")
        stage.around.unfit.clear()
        await ranker.at_rest()
        log = await ranker.log()
    assert [(one.round, one.content["budget"]) for one in lifts(log)] == [(1, budget)]
    assert without_lifts(log) == told(calm.log)


async def test_answers_that_wait_for_money_are_said_to(stage: Stage) -> None:
    newcomer = MODELS[5]
    entrant = stage.around.entrant(newcomer)
    entrant.state = gateway_pb2.ENTRANT_STATE_COLLECTING
    entrant.reason = f"waits: budget of {OF_ALGEBRA} is exhausted"
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await ranker.waits(f"answers of {newcomer} are being collected: waits: budget of {OF_ALGEBRA} is exhausted")
