"""The ranker on real servers, with everything around it in small."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections.abc import Sequence
from typing import Any

import grpc.aio
import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy

from dearena import faults
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.rpc_faults import fault_of
from dearena.trials.arena import Arena
from dearena.v1 import gateway_pb2, query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from dearena.v1.events_pb2 import EventEnvelope
from tests.fixtures.ranked import NAME, told
from tests.fixtures.ranker_stage import MODELS, Stage
from tests.fixtures.waiting import eventually


def of_kind(log: Sequence[Decision], kind: DecisionKind) -> list[Decision]:
    return [decision for decision in log if decision.kind is kind]


async def sent(nats_url: str, subject: str) -> list[EventEnvelope]:
    """Every event on a subject so far."""
    async with await nats.connect(nats_url) as client:
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        subscription = await client.jetstream().subscribe(subject, config=config, ordered_consumer=True)
        events = []
        while True:
            try:
                events.append(EventEnvelope.FromString((await subscription.next_msg(timeout=0.3)).data))
            except TimeoutError:
                return events


async def test_a_dimension_is_ranked_as_in_plain_memory(stage: Stage, calm: Arena, nats_url: str) -> None:
    async with stage.ranker(reask_seconds=60) as ranker:
        ranking = await ranker.at_rest()
        insertions = await ranker.insertions()
        closed = (await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME))).round
        listed = await ranker.stub.ListDecisions(pb.ListDecisionsRequest(dimension=NAME, page_size=1000))
    assert told(await ranker.log()) == told(calm.log)

    assert tuple(ranking.models) == calm.state.ranking
    assert (ranking.newcomer, ranking.open_round, list(ranking.waiting)) == ("", 0, [])
    assert ranking.last_closed_round == calm.state.last_closed_round
    assert list(insertions) == list(MODELS)
    for model, insertion in insertions.items():
        then = calm.state.insertions[model]
        assert insertion.phase == pb.INSERTION_PHASE_SETTLED
        assert (tuple(insertion.rounds), insertion.rank) == (then.rounds, then.rank)
        assert insertion.HasField("settle_time")
        assert insertion.judge_calls > 0
    cells = sum(map(len, calm.votes.values()))
    assert sum(insertion.judge_calls for insertion in insertions.values()) == 2 * cells
    assert sum(insertion.cost.nano_units for insertion in insertions.values()) == 7 * cells
    assert closed.round == calm.state.last_closed_round
    assert closed.settles
    assert closed.cells == len(calm.votes[closed.round])
    assert [(entrant.model, entrant.retired) for entrant in closed.entrants] == [(model, False) for model in MODELS]
    assert listed.decisions[closed.closed_by_decision - 1].kind == pb.DECISION_KIND_ROUND_CLOSED
    assert [decision.number for decision in listed.decisions] == list(range(1, len(calm.log) + 1))

    # Once each: nothing was asked twice, and outcomes of a round were read for its close only.
    assert set(stage.around.asked.values()) == {1}
    assert set(stage.around.votes_read.values()) == {1}
    rounds = await sent(nats_url, "round.closed.default.algebra")
    assert [event.round_closed.round for event in rounds] == list(range(1, closed.round + 1))
    assert [event.round_closed.settles for event in rounds] == [
        decision.content["settles"] for decision in of_kind(calm.log, DecisionKind.ROUND_CLOSED)
    ]
    settled = await sent(nats_url, "insertion.settled.default.algebra")
    assert {event.insertion_settled.model: event.insertion_settled.rank for event in settled} == {
        model: insertion.rank for model, insertion in insertions.items()
    }
    assert len(settled) == len(MODELS)


async def test_all_doorbells_twice(stage: Stage, calm: Arena) -> None:
    stage.around.rings = 2
    for entrant in stage.around.entrants:
        entrant.state = gateway_pb2.ENTRANT_STATE_COLLECTING
    async with stage.ranker(reask_seconds=60) as ranker:
        for model in reversed(MODELS):
            await stage.around.ready(model, times=2)
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)
    assert set(stage.around.asked.values()) == {1}


async def test_no_doorbell_at_all(stage: Stage, calm: Arena) -> None:
    stage.around.rings = 0
    async with stage.ranker(sweep_seconds=0.1, reask_seconds=60) as ranker:
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)
    assert set(stage.around.asked.values()) == {1}


async def test_a_dimension_is_found_by_its_doorbell_and_answers_are_awaited_in_order(stage: Stage, calm: Arena) -> None:
    stage.around.dimension_state = query_selector_pb2.DIMENSION_STATE_WAITING_FOR_BUS
    for entrant in stage.around.entrants:
        entrant.state = gateway_pb2.ENTRANT_STATE_COLLECTING
    async with stage.ranker(sweep_seconds=60) as ranker:
        for model in MODELS[1:]:
            await stage.around.ready(model)
        await ranker.waits("fewer than 5 seed models ready: 0; answers of model-000@1 are being collected")
        assert list((await ranker.ranking()).waiting) == list(MODELS)
        await stage.around.ready(MODELS[0])
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)


async def test_failed_entrants_hold_nobody_up(stage: Stage) -> None:
    stage.around.entrants[1].state = gateway_pb2.ENTRANT_STATE_FAILED
    stage.around.entrants[6].state = gateway_pb2.ENTRANT_STATE_FAILED
    async with stage.ranker() as ranker:
        ranking = await ranker.at_rest(5)
    assert MODELS[1] not in ranking.models


async def test_who_registers_during_a_round_is_seen_to_wait(stage: Stage) -> None:
    stage.around.gate.clear()
    late = stage.around.entrants.pop()
    async with stage.ranker(sweep_seconds=0.1) as ranker:
        await eventually(lambda: ranker.has_opened(1), equals=True)
        assert list((await ranker.ranking()).waiting) == [MODELS[5]]
        stage.around.entrants.append(late)

        async def waiting() -> list[str]:
            return list((await ranker.ranking()).waiting)

        await eventually(waiting, equals=[MODELS[5], MODELS[6]])
        stage.around.gate.set()
        await ranker.at_rest()


async def test_a_model_that_retires_leaves_the_ranking_and_the_next_board(stage: Stage) -> None:
    async with stage.ranker() as ranker:
        before = await ranker.at_rest()
        leaver = before.models[3]
        entrant = stage.around.entrant(leaver)
        entrant.state, entrant.reason = gateway_pb2.ENTRANT_STATE_RETIRED, "the model is retired"
        after = await ranker.at_rest(len(MODELS) - 1)
        assert [model for model in before.models if model != leaver] == list(after.models)
        closed = (await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME))).round
        assert after.last_closed_round == closed.round == before.last_closed_round + 1
    assert (closed.cells, closed.settles) == (0, True)
    assert {entrant.model for entrant in closed.entrants if entrant.retired} == {leaver}


NOT_THERE: Sequence[tuple[str, Any, type[faults.ArenaFault]]] = [
    ("GetRanking", pb.GetRankingRequest(dimension="algebra"), faults.InvalidField),
    ("GetRanking", pb.GetRankingRequest(dimension=f"{NAME}-2"), faults.UnknownDimension),
    ("ListInsertions", pb.ListInsertionsRequest(dimension=f"{NAME}-2"), faults.UnknownDimension),
    ("ListInsertions", pb.ListInsertionsRequest(dimension=NAME, page_token="x"), faults.InvalidCursor),
    ("ListInsertions", pb.ListInsertionsRequest(dimension=NAME, page_size=-1), faults.InvalidField),
    ("GetRound", pb.GetRoundRequest(dimension=NAME, round=99), faults.UnknownRound),
    ("GetRound", pb.GetRoundRequest(dimension=f"{NAME}-2", round=1), faults.UnknownDimension),
    ("ListDecisions", pb.ListDecisionsRequest(dimension=NAME, after=-1), faults.InvalidField),
    ("RefineRanking", pb.RefineRankingRequest(dimension=NAME, calls=1), faults.InvalidField),
    ("SuspendJudge", pb.SuspendJudgeRequest(dimension=NAME, judge="nobody@1", reason="x"), faults.UnknownModel),
    ("SuspendJudge", pb.SuspendJudgeRequest(dimension=NAME, judge="nobody@1"), faults.InvalidField),
    ("SuspendJudge", pb.SuspendJudgeRequest(dimension=NAME, judge=MODELS[2], reason="x" * 1_001), faults.InvalidField),
    ("ReinstateJudge", pb.ReinstateJudgeRequest(dimension=NAME, judge="nobody", reason="x"), faults.InvalidField),
    (
        "ReinstateJudge",
        pb.ReinstateJudgeRequest(dimension=NAME, judge=MODELS[2], reason="x" * 1_001),
        faults.InvalidField,
    ),
    ("ListJudges", pb.ListJudgesRequest(dimension=f"{NAME}-2"), faults.UnknownDimension),
    ("ExplainInsertion", pb.ExplainInsertionRequest(dimension=NAME, model="nobody@1"), faults.UnknownInsertion),
    ("WatchInsertion", pb.WatchInsertionRequest(dimension=NAME, model="nobody@1"), faults.UnknownInsertion),
    ("WatchInsertion", pb.WatchInsertionRequest(dimension=NAME, model="nobody"), faults.InvalidField),
    ("WatchInsertion", pb.WatchInsertionRequest(dimension=NAME, cursor=9_999), faults.InvalidCursor),
]


async def test_what_is_not_there_is_said_clearly(stage: Stage) -> None:
    said = []
    async with stage.ranker() as ranker:
        for method, request, _ in NOT_THERE:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                call = getattr(ranker.stub, method)(request, timeout=10)
                await (call.read() if method == "WatchInsertion" else call)
            said.append((method, request, type(fault_of(refused.value))))
    assert said == NOT_THERE


async def test_lists_come_in_pages(stage: Stage, calm: Arena) -> None:
    async with stage.ranker() as ranker:
        await ranker.at_rest()
        models: list[str] = []
        numbers: list[int] = []
        token = ""
        while True:
            request = pb.ListInsertionsRequest(dimension=NAME, page_size=3, page_token=token)
            page = await ranker.stub.ListInsertions(request)
            models += [insertion.model for insertion in page.insertions]
            if not (token := page.next_page_token):
                break
        while True:
            asked = pb.ListDecisionsRequest(dimension=NAME, after=4, page_size=7, page_token=token)
            decisions = await ranker.stub.ListDecisions(asked)
            numbers += [decision.number for decision in decisions.decisions]
            if not (token := decisions.next_page_token):
                break
    assert models == list(MODELS)
    assert numbers == list(range(5, len(calm.log) + 1))
