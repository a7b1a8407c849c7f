"""What a judge dispatcher does when others do not do what they should, and when it is stopped itself."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from typing import TYPE_CHECKING, Any

import nats
import pytest
from pydantic import SecretStr

from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import (
    OUTCOME_A,
    OUTCOME_FAILED,
)
from services.judge_dispatcher import patience
from services.judge_dispatcher.room import DURABLE
from services.judge_dispatcher.store import OtherSecret
from services.runtime import subjects
from tests.fixtures.judges import (
    QUERIES,
    Gate,
    cell_of,
)
from tests.fixtures.judging import ALGEBRA, Arena, outcomes, votes
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


MAX_ACK_PENDING = 100


async def test_while_the_gateway_is_away_there_is_no_outcome_and_then_there_is(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.away = True
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    await eventually(lambda: arena.gateway.turned_away >= 20)
    assert await votes(dispatcher) == []
    arena.gateway.away = False
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_A


async def test_a_judge_whose_endpoint_is_left_alone_is_waited_for_and_nothing_is_held_against_it(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.left_alone.add("gamma@1")
    cell, other = cell_of("gamma@1"), cell_of("delta@1")
    await arena.ask([cell])
    await arena.ask([other])
    # Its neighbour does not wait, and it has no outcome, a failed one neither.
    await outcomes(dispatcher, [other])
    await eventually(lambda: left_alone(dispatcher), equals={"gamma@1": "the endpoint is left alone for 5 s"})
    assert [cell_id for _, cell_id, _ in await votes(dispatcher)] == [other.cell_id]
    arena.gateway.left_alone.clear()
    [comparison] = await outcomes(dispatcher, [cell])
    assert (comparison.outcome, comparison.cell.attempt) == (OUTCOME_A, 1)
    assert await left_alone(dispatcher) == {}


async def test_a_judge_whose_endpoint_is_left_alone_for_longer_than_is_waited_fails_until_it_replies(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.judge_dispatcher.left_alone.PAUSE_SECONDS", (0.0, 0.1))
    arena.gateway.left_alone.add("gamma@1")
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:3]]
    async with arena.dispatcher(left_alone_seconds=0.0) as dispatcher:
        await arena.ask(cells[:2])
        failed = await outcomes(dispatcher, cells[:2])
        assert [(one.outcome, one.reason) for one in failed] == [
            (OUTCOME_FAILED, "in both seat orders: CIRCUIT_OPEN: the endpoint is left alone for 5 s")
        ] * 2
        # No call was made, so that nothing was paid.
        request = pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1)
        assert (await dispatcher.GetRoundProgress(request)).judge_calls == 0
        arena.gateway.left_alone.clear()
        await arena.ask(cells[2:])
        assert [one.outcome for one in await outcomes(dispatcher, cells[2:])] == [OUTCOME_A]
        assert await left_alone(dispatcher) == {}
        # Well again, it is waited for anew.
        assert len(arena.gateway.paid) == 2


async def left_alone(dispatcher: JudgeDispatcherServiceAsyncStub) -> dict[str, str]:
    """Why round 1 waits for whose endpoints."""
    found = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    return {one.judge: one.reason for one in found.left_alone_judges}


async def test_a_gateway_that_fails_again_and_again_makes_one_dead_letter_and_holds_no_lane(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defect(_: Any) -> Any:
        raise RuntimeError("a defect of the gateway")

    monkeypatch.setattr(patience._WAIT, "multiplier", 0)
    arena.gateway.habits["gamma@1"] = defect
    cell, other = cell_of("gamma@1"), cell_of("delta@1")
    async with arena.dispatcher(judge_cells_in_flight=1) as dispatcher:
        for _ in range(3):  # as the ranker's sweep does
            await arena.ask([cell])
            await eventually(arena.unsettled, equals=(0, 0))
        await arena.ask([other])
        await outcomes(dispatcher, [other])
        assert len(await votes(dispatcher)) == 1
    assert len(await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS)) == 1


async def test_a_deadline_of_ours_is_no_outcome(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    async with arena.dispatcher(complete_seconds=0.05) as dispatcher:
        cell = cell_of("gamma@1")
        await arena.ask([cell])
        await eventually(lambda: len(arena.gateway.requests) >= 6)
        assert await votes(dispatcher) == []
        gate.open.set()
        await outcomes(dispatcher, [cell])
    assert set(arena.gateway.paid.values()) == {1}


async def test_a_judge_that_hangs_does_not_starve_the_others(arena: Arena) -> None:
    async with await nats.connect(arena.nats_url) as client:
        consumer = (await client.jetstream().consumer_info(subjects.JUDGING, DURABLE)).config
        consumer.max_ack_pending = MAX_ACK_PENDING
        await client.jetstream().add_consumer(subjects.JUDGING, consumer)
    gate = arena.gateway.habits["delta@1"] = Gate()
    hanging = [cell_of("delta@1", attempt=attempt) for attempt in range(1, 3 * MAX_ACK_PENDING + 1)]
    healthy = [cell_of("gamma@1", query) for query in QUERIES]
    async with arena.dispatcher(messages_held=MAX_ACK_PENDING, judge_cells_in_flight=4) as dispatcher:
        await asyncio.gather(*(arena.ask([cell]) for cell in hanging))
        for start in range(0, len(healthy), 8):
            await arena.ask(healthy[start : start + 8])
        comparisons = await outcomes(dispatcher, healthy)
        assert {one.outcome for one in comparisons} == {OUTCOME_A}
        assert gate.entered == 2 * 4
        waiting, held = await arena.unsettled()
        assert waiting == 0
        assert 0 < held <= MAX_ACK_PENDING / 10
        gate.open.set()
        await eventually(arena.unsettled, equals=(0, 0))


async def test_a_full_backlog_lets_messages_go_and_takes_them_when_there_is_room(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:6]]
    async with arena.dispatcher(judge_cells_in_flight=1, judge_backlog_cells=4) as dispatcher:
        for start in range(0, 6, 2):
            await arena.ask(cells[start : start + 2])
        await eventually(arena.unsettled, equals=(0, 2))
        await eventually(lambda: gate.entered, equals=2)
        gate.open.set()
        await eventually(arena.unsettled, equals=(0, 0))
        # Any of the three: they are handled side by side.
        held = {cell_id for _, cell_id, _ in await votes(dispatcher)}
        assert len(held) == 4
        await arena.ask([cell for cell in cells if cell.cell_id not in held])
        await outcomes(dispatcher, cells)


async def test_a_dispatcher_stopped_in_mid_flight_goes_on_where_it_was(arena: Arena) -> None:
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:16]]
    gate = arena.gateway.habits["gamma@1"] = Gate()
    async with arena.dispatcher(drain_seconds=0.0, judge_cells_in_flight=4):
        await arena.ask(cells[:8])
        await arena.ask(cells[8:])
        await eventually(lambda: gate.entered, equals=8)
    gate.open.set()

    async with arena.dispatcher() as dispatcher:
        # The messages are still leased to the one that is gone; the ranker asks again before that ends.
        await arena.ask(cells[:8])
        await arena.ask(cells[8:])
        comparisons = await outcomes(dispatcher, cells)
        assert {one.outcome for one in comparisons} == {OUTCOME_A}
        assert len(await votes(dispatcher)) == len(cells)
        # The calls in flight at the stop were not made again.
        assert set(arena.gateway.paid.values()) == {1}
        assert len(arena.gateway.paid) == 2 * len(cells)


async def test_a_dispatcher_that_is_drained_writes_what_it_has_asked(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    cell = cell_of("gamma@1")
    async with arena.dispatcher():
        await arena.ask([cell])
        await eventually(lambda: gate.entered, equals=2)
        asyncio.get_running_loop().call_later(0.2, gate.open.set)
    assert await arena.unsettled() == (0, 0)
    async with arena.dispatcher() as dispatcher:
        assert len(await votes(dispatcher)) == 1


async def test_another_secret_is_refused(arena: Arena) -> None:
    async with arena.dispatcher():
        pass
    async with arena.dispatcher():
        pass
    with pytest.raises(OtherSecret, match="recorded replies"):
        async with arena.dispatcher(installation_secret=SecretStr("another secret altogether")):
            pass
