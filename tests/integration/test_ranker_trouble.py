"""A ranker with trouble around it: work lost, peers away, lives that end. The log is that of a calm run."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import nats
from nats.js.api import StreamConfig

from dearena.ranking.decisions import DecisionKind
from dearena.trials.arena import Arena
from dearena.v1.events_pb2 import EventEnvelope
from services.runtime import subjects
from tests.fixtures.bus import NatsServer
from tests.fixtures.ranked import told
from tests.fixtures.ranker_stage import MODELS, Ranked, Stage
from tests.fixtures.waiting import eventually


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


async def test_a_round_says_for_whose_endpoints_it_waits(stage: Stage, calm: Arena) -> None:
    stage.around.left_alone = {MODELS[1], MODELS[2]}
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=0.5) as ranker:
        await ranker.waits(f"judge {MODELS[1]} waits: the endpoint is left alone for 5 s; so does 1 more")
        stage.around.left_alone = set()
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
            await eventually(lambda method=method: ranker.says(f"{method} is away"), equals=True)
            stage.around.away = set()
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)


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
        await eventually(lambda: ranker.has_opened(3), equals=True)
    # The second round is closed, and belongs to the insertion at hand.
    opened = [one for one in calm.log if one.kind is DecisionKind.ROUND_OPENED]
    assert set(opened[1].content["models"]) & set(opened[2].content["models"])
    stage.around.hide = {2: 1}
    async with stage.ranker(reask_seconds=0.3) as ranker:
        await eventually(lambda: stage.around.hide, equals={})
        await ranker.at_rest()
        assert told(await ranker.log()) == told(calm.log)
