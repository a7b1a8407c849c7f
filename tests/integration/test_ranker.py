"""The ranker on real servers, with everything around it in small."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy, StreamConfig

from dearena import faults
from dearena.outcomes import Outcome
from dearena.ranking.decisions import Decision, DecisionKind, concerned
from dearena.ranking.rounds import Cell
from dearena.ranking.rules import Rules
from dearena.rpc_faults import fault_of
from dearena.trials.arena import Arena
from dearena.trials.world import Heard, Planted
from dearena.v1 import gateway_pb2, query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from dearena.v1.events_pb2 import EventEnvelope
from dearena.v1.ranker_pb2_grpc import RankerServiceStub
from services.ranker.room import build
from services.ranker.settings import RankerSettings
from services.ranker.store import RankerStore
from services.runtime import subjects
from services.runtime.lifecycle import Running, running
from services.runtime.store import Store
from tests.fixtures.bus import NatsServer
from tests.fixtures.ranked import NAME, ClosedRound, Surroundings, calmly, peers_at, surroundings, told
from tests.fixtures.waiting import eventually
from tests.unit.ranking.planted import ALGEBRA

if TYPE_CHECKING:
    from dearena.v1.ranker_pb2_grpc import RankerServiceAsyncStub

RULES = Rules(jury="exhaustive")
WORLD = Planted.economy(0, 7, 4)
MODELS = WORLD.models
DONE = (pb.INSERTION_PHASE_SETTLED, pb.INSERTION_PHASE_WITHDRAWN)


@dataclass
class Ranked:
    """A ranker, its surroundings, and what a test asks of it."""

    around: Surroundings
    store: RankerStore
    settings: RankerSettings
    stub: RankerServiceAsyncStub
    service: Running[RankerSettings]

    async def ranking(self) -> pb.Ranking:
        return (await self.stub.GetRanking(pb.GetRankingRequest(dimension=NAME))).ranking

    async def log(self) -> list[Decision]:
        return [decision for decision, _ in await self.store.decisions(ALGEBRA)]

    async def insertions(self) -> dict[str, pb.Insertion]:
        found = (await self.stub.ListInsertions(pb.ListInsertionsRequest(dimension=NAME))).insertions
        return {insertion.model: insertion for insertion in found}

    async def at_rest(self, models: int = len(MODELS)) -> pb.Ranking:
        async def rests() -> pb.Ranking | None:
            ranking = await self.ranking()
            quiet = ranking.waiting_reason == "WAITING(no newcomer)"
            return ranking if quiet and len(ranking.models) == models else None

        found: pb.Ranking = await eventually(rests, 40)
        return found

    async def waits(self, reason: str) -> None:
        async def reason_now() -> str:
            return (await self.ranking()).waiting_reason

        await eventually(reason_now, equals=f"WAITING({reason})")


@dataclass
class Stage:
    """Where rankers are run."""

    around: Surroundings
    store: RankerStore
    settings: Callable[..., RankerSettings]

    @asynccontextmanager
    async def ranker(self, **changes: Any) -> AsyncIterator[Ranked]:
        settings = self.settings(**{"reask_seconds": 0.5, "watch_seconds": 0.2, **changes})
        async with (
            running("ranker", settings, build) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):
            yield Ranked(self.around, self.store, settings, RankerServiceStub(channel), service)


@pytest.fixture
async def stage(
    nats_url: str, mongo_url: str, mongo_database: str, arena_settings: Callable[..., Any]
) -> AsyncIterator[Stage]:
    database = Store(mongo_url, mongo_database)
    store = RankerStore(database, "test")

    async def closed_round(number: int) -> ClosedRound:
        record = await store.round(ALGEBRA, number)
        assert record is not None
        return record.closed, record.settles, record.entrants

    async with surroundings(WORLD, nats_url, closed_round) as around:
        yield Stage(around, store, lambda **given: arena_settings(RankerSettings, **peers_at(around), **given))
    database.close()


@pytest.fixture(scope="module")
def calm() -> Arena:
    """The same dimension in plain memory: what must come out, decision by decision."""
    return calmly(WORLD, RULES)


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


async def test_work_that_a_dispatcher_lost_is_asked_again(stage: Stage, calm: Arena) -> None:
    lost: set[str] = set()

    def lose(event: EventEnvelope) -> bool:
        # Every third message of the first asking.
        again = "/again/" in event.event_id
        if again or sum(event.event_id.encode()) % 3:
            return False
        lost.add(event.event_id)
        return True

    stage.around.drop = lose
    async with stage.ranker() as ranker:
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)
    assert lost


async def test_outcomes_that_can_be_counted_before_they_can_be_read_are_waited_for(stage: Stage, calm: Arena) -> None:
    stage.around.hide = {1: 3}
    async with stage.ranker(reask_seconds=60) as ranker:
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)
    assert stage.around.votes_read[1] == 2


async def test_a_paused_judge_is_waited_for_and_asked_when_it_is_resumed(stage: Stage, calm: Arena) -> None:
    stage.around.paused = {MODELS[2]}
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=60) as ranker:
        await ranker.waits(f"judge {MODELS[2]} is paused")
        insertion = (await ranker.insertions())[MODELS[0]]
        assert insertion.waiting_reason == f"WAITING(judge {MODELS[2]} is paused)"
        await eventually(lambda: _done(ranker), equals=True)
        stage.around.paused = set()
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)


async def _done(ranker: Ranked) -> bool:
    """Everybody but the paused judge has voted in the seeding."""
    insertion = (await ranker.insertions())[MODELS[0]]
    return 0 < insertion.cells_done == insertion.cells_total - insertion.cells_total // 5


async def test_services_that_are_away_are_named_and_waited_for(stage: Stage, calm: Arena) -> None:
    async with stage.ranker() as ranker:
        for method in ("ListEntrants", "ScoreThrough"):
            stage.around.away = {method}
            await eventually(lambda method=method: _told(ranker, f"{method} is away"), equals=True)
            stage.around.away = set()
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)


async def _told(ranker: Ranked, reason: str) -> bool:
    return reason in (await ranker.ranking()).waiting_reason


async def test_judging_goes_on_when_the_bus_is_back(stage: Stage, calm: Arena, nats_server: NatsServer) -> None:
    stage.around.gate.clear()
    async with stage.ranker(sweep_seconds=0.2) as ranker:
        await eventually(lambda: stage.around.asked)
        nats_server.stop()
        stage.around.gate.set()

        async def held_up() -> bool:
            return "judges cannot be asked" in (await ranker.ranking()).waiting_reason

        await eventually(held_up, equals=True)
        await nats_server.start()
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)

        async def all_told() -> bool:
            return not await stage.store.unannounced_rounds(1) and not await stage.store.unannounced_settles(1)

        await eventually(all_told, equals=True)


async def test_a_full_work_queue_is_waited_for(stage: Stage, calm: Arena, nats_url: str) -> None:
    async with await nats.connect(nats_url) as client:
        context = client.jetstream()
        judging = (await context.stream_info(subjects.JUDGING)).config
        await context.update_stream(StreamConfig(**{**judging.__dict__, "max_msgs": 4}))
    stage.around.gate.clear()
    async with stage.ranker(reask_seconds=60) as ranker:

        async def held_up() -> bool:
            return "judges cannot be asked" in (await ranker.ranking()).waiting_reason

        await eventually(held_up, equals=True)
        stage.around.gate.set()
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)
    assert set(stage.around.asked.values()) == {1}


async def test_who_registers_during_a_round_is_seen_to_wait(stage: Stage) -> None:
    stage.around.gate.clear()
    late = stage.around.entrants.pop()
    async with stage.ranker(sweep_seconds=0.1) as ranker:
        await eventually(lambda: _opened(ranker, 1), equals=True)
        assert list((await ranker.ranking()).waiting) == [MODELS[5]]
        stage.around.entrants.append(late)

        async def waiting() -> list[str]:
            return list((await ranker.ranking()).waiting)

        await eventually(waiting, equals=[MODELS[5], MODELS[6]])
        stage.around.gate.set()
        await ranker.at_rest()


async def test_a_second_ranker_beside_the_first_changes_nothing(stage: Stage, calm: Arena) -> None:
    async with stage.ranker() as one, stage.ranker() as other:
        await one.at_rest()
        await other.at_rest()
        assert told(await one.log()) == told(calm.log)


async def test_begun_anew_in_the_middle_it_goes_on(stage: Stage, calm: Arena) -> None:
    stage.around.gate.clear()
    async with stage.ranker() as ranker:
        await eventually(lambda: stage.around.asked)
        assert (await ranker.ranking()).open_round == 1
    stage.around.gate.set()
    async with stage.ranker() as ranker:
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)


async def test_begun_anew_it_takes_no_half_of_what_it_has_decided_by(stage: Stage, calm: Arena) -> None:
    stage.around.drop = lambda event: event.judging_requested.round == 3 and "/again/" not in event.event_id
    async with stage.ranker(reask_seconds=60) as ranker:
        await eventually(lambda: _opened(ranker, 3), equals=True)
    # The second round is closed, and belongs to the insertion at hand.
    opened = of_kind(calm.log, DecisionKind.ROUND_OPENED)
    assert set(opened[1].content["models"]) & set(opened[2].content["models"])
    stage.around.hide = {2: 1}
    async with stage.ranker(reask_seconds=0.3) as ranker:
        await eventually(lambda: stage.around.hide, equals={})
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)


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


async def test_a_newcomer_that_retires_is_withdrawn(stage: Stage) -> None:
    newcomer = MODELS[5]
    stage.around.drop = lambda event: event.judging_requested.round == 2 and "/again/" not in event.event_id
    async with stage.ranker(reask_seconds=1) as ranker:
        await eventually(lambda: _opened(ranker, 2), equals=True)
        entrant = stage.around.entrant(newcomer)
        entrant.state, entrant.reason = gateway_pb2.ENTRANT_STATE_RETIRED, "superseded by model-005@2"
        steps = await watched(ranker, newcomer)
        await ranker.at_rest(len(MODELS) - 1)
    assert steps[-1].insertion.phase == pb.INSERTION_PHASE_WITHDRAWN
    assert steps[-1].why == "leaves: superseded by model-005@2"


async def _opened(ranker: Ranked, number: int) -> bool:
    return (await ranker.ranking()).open_round == number


async def test_a_jury_that_is_not_known_is_said_to_be_so(stage: Stage) -> None:
    stage.around.ranking = query_selector_pb2.RankingSettings(jury="oracle")
    async with stage.ranker() as ranker:
        await eventually(lambda: _told(ranker, "'oracle' is none of exhaustive"), equals=True)


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
    ("ReinstateJudge", pb.ReinstateJudgeRequest(dimension=NAME, judge="nobody", reason="x"), faults.InvalidField),
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
        await eventually(lambda: _opened(ranker, 3), equals=True)
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
        await ranker.stub.ReinstateJudge(pb.ReinstateJudgeRequest(dimension=NAME, judge=judge, reason="it is well"))
        await eventually(health, equals=(False, ""))
        await eventually(suspended_on_board, equals=[])


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


_TURNED = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}
