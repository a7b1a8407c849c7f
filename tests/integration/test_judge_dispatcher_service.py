"""What others may ask of the judge dispatcher: votes, progress, comparisons, pauses, templates."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from dearena import faults
from dearena.rpc_faults import fault_of
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import (
    SEAT_VERDICT_FIRST,
    SEAT_VERDICT_NONE,
    SEAT_VERDICT_SECOND,
    SEAT_VERDICT_TIE,
)
from services.runtime.store import Store
from tests.fixtures.judges import (
    QUERIES,
    Gate,
    cell_of,
)
from tests.fixtures.judging import ALGEBRA, GAMMA, Arena, outcomes, votes
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


async def test_a_paused_judge_is_asked_nothing_until_it_is_resumed(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    for _ in range(2):
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, reason="it is ill", request_id="pause"))
    paused, other = cell_of("gamma@1"), cell_of("delta@1")
    await arena.ask([paused], round_number=5)
    await arena.ask([other], round_number=5)
    await outcomes(dispatcher, [other])
    await eventually(arena.unsettled, equals=(0, 0))

    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=5))
    assert (progress.outcomes, list(progress.paused_judges)) == (1, ["gamma@1"])
    before = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=4))
    assert list(before.paused_judges) == []
    assert {request.model for request in arena.gateway.requests} == {"delta@1"}

    for _ in range(2):
        await dispatcher.ResumeJudge(pb.ResumeJudgeRequest(name=GAMMA, request_id="resume"))
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=5))
    assert list(progress.paused_judges) == []
    await arena.ask([paused], round_number=5)
    await outcomes(dispatcher, [paused])


async def test_a_pause_reaches_cells_that_wait_in_the_backlog(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:8]]
    async with arena.dispatcher(judge_cells_in_flight=1) as dispatcher:
        await arena.ask(cells)
        await eventually(lambda: gate.entered, equals=2)
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA))
        gate.open.set()
        await eventually(arena.unsettled, equals=(0, 0))
        # What was being asked is finished and paid for; the rest waits.
        assert len(await votes(dispatcher)) == 1
        progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
        assert list(progress.paused_judges) == ["gamma@1"]


async def test_a_pause_outlives_a_restart(arena: Arena) -> None:
    async with arena.dispatcher() as dispatcher:
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA))
    async with arena.dispatcher() as dispatcher:
        await arena.ask([cell_of("gamma@1")])
        await eventually(arena.unsettled, equals=(0, 0))
        assert await votes(dispatcher) == []


async def test_votes_are_listed_by_round_and_after_a_sequence(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    one, two = [cell_of("gamma@1", query) for query in ("q00", "q01")], [cell_of("delta@1")]
    await arena.ask(one, round_number=1)
    await outcomes(dispatcher, one)
    await arena.ask(two, round_number=2)
    await outcomes(dispatcher, two)

    everything = await votes(dispatcher)
    assert [sequence for sequence, _, _ in everything] == sorted(sequence for sequence, _, _ in everything)
    assert await votes(dispatcher, round_number=1) == everything[:2]
    assert await votes(dispatcher, round_number=2) == everything[2:]
    assert await votes(dispatcher, after_sequence=everything[0][0]) == everything[1:]
    assert await votes(dispatcher, round_number=1, after_sequence=everything[0][0]) == everything[1:2]
    assert await votes(dispatcher, round_number=3) == []


async def test_a_round_of_thousands_is_streamed_in_batches(arena: Arena) -> None:
    cells = [cell_of("gamma@1", attempt=attempt, answer_hash_b="") for attempt in range(1, 2_501)]
    async with arena.dispatcher(judge_backlog_cells=len(cells)) as dispatcher:
        await asyncio.gather(*(arena.ask(cells[start : start + 125]) for start in range(0, len(cells), 125)))
        progress = pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1)

        async def count() -> int:
            return (await dispatcher.GetRoundProgress(progress)).outcomes

        await eventually(count, equals=len(cells))
        batches = [batch async for batch in dispatcher.ListVotes(pb.ListVotesRequest(dimension=ALGEBRA, round=1))]
        assert [len(batch.sequence) for batch in batches] == [2_000, 500]
        assert [sequence for batch in batches for sequence in batch.sequence] == list(range(1, len(cells) + 1))
        assert sorted(attempt for batch in batches for attempt in batch.attempt) == list(range(1, len(cells) + 1))
        assert set(batches[0].models) == {"alpha@1", "beta@1", "gamma@1"}


async def test_votes_tell_what_was_said_in_each_seat_order(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    asked, unasked = cell_of("gamma@1"), cell_of("gamma@1", answer_hash_b="")
    await arena.ask([asked, unasked])
    comparison, _ = await outcomes(dispatcher, [asked, unasked])
    verdicts = [seat.verdict for seat in comparison.seats]
    assert set(verdicts) <= {SEAT_VERDICT_FIRST, SEAT_VERDICT_SECOND, SEAT_VERDICT_TIE}
    (batch,) = [batch async for batch in dispatcher.ListVotes(pb.ListVotesRequest(dimension=ALGEBRA, round=1))]
    told = dict(zip(batch.cell_id, zip(batch.a_first, batch.b_first, strict=True), strict=True))
    assert told[asked.cell_id] == tuple(verdicts)
    assert told[unasked.cell_id] == (SEAT_VERDICT_NONE, SEAT_VERDICT_NONE)


async def test_an_erased_transcript_leaves_the_comparison_whole(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    [before] = await outcomes(dispatcher, [cell])
    async with running_store(arena) as store:
        await store.collection("transcripts").delete_many({})
    [after] = await outcomes(dispatcher, [cell])
    assert [seat.transcript for seat in after.seats] == ["", ""]
    for seat in before.seats:
        seat.ClearField("transcript")
    for seat in after.seats:
        seat.ClearField("transcript")
    assert after == before


async def test_the_template_can_be_read(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    template = await dispatcher.GetTemplate(pb.GetTemplateRequest())
    assert template.template == "pairwise@1"
    assert template.template_hash == cell_of("gamma@1").template_hash
    assert "impartial" in template.text


async def test_a_bad_request_is_told_what_is_wrong(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    bad: list[tuple[Any, Any, type[faults.ArenaFault]]] = [
        (dispatcher.GetTemplate, pb.GetTemplateRequest(template="other@1"), faults.UnknownTemplate),
        (dispatcher.GetComparison, pb.GetComparisonRequest(dimension=ALGEBRA, cell_id="0"), faults.UnknownComparison),
        (dispatcher.GetComparison, pb.GetComparisonRequest(dimension="algebra", cell_id="0"), faults.InvalidField),
        (dispatcher.GetComparison, pb.GetComparisonRequest(dimension=ALGEBRA), faults.InvalidField),
        (dispatcher.GetRoundProgress, pb.GetRoundProgressRequest(), faults.InvalidField),
        (dispatcher.PauseJudge, pb.PauseJudgeRequest(name="gamma"), faults.InvalidField),
        (dispatcher.PauseJudge, pb.PauseJudgeRequest(name=GAMMA, request_id="x" * 129), faults.InvalidField),
        (dispatcher.PauseJudge, pb.PauseJudgeRequest(name="projects/default/models/nobody"), faults.UnknownModel),
        (dispatcher.ResumeJudge, pb.ResumeJudgeRequest(name=""), faults.InvalidField),
    ]
    for method, request, kind in bad:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(request)
        assert type(fault_of(caught.value)) is kind, request
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [batch async for batch in dispatcher.ListVotes(pb.ListVotesRequest(dimension="algebra"))]
    assert type(fault_of(caught.value)) is faults.InvalidField


async def test_a_request_id_that_is_too_long_is_told_of_in_the_words_of_all_services(
    dispatcher: JudgeDispatcherServiceAsyncStub,
) -> None:
    for call in (
        dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, request_id="x" * 129)),
        dispatcher.TryAttacks(pb.TryAttacksRequest(request_id="x" * 129)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert "must have at most 128 characters" in str(fault_of(caught.value))


async def test_a_request_id_is_not_used_for_two_things(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, reason="one", request_id="r"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, reason="two", request_id="r"))
    assert isinstance(fault_of(caught.value), faults.RequestIdReused)


@asynccontextmanager
async def running_store(arena: Arena) -> AsyncIterator[Store]:
    store = Store(arena.settings.mongo_url, arena.settings.mongo_database)
    yield store
    store.close()
