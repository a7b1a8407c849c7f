"""Cells that are not asked as votes in both seat orders: single seats, canaries, judges drawn by chance."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from dearena import faults, identity
from dearena.canaries import truncated, truncation_hash
from dearena.rpc_faults import fault_of
from dearena.seat_order import a_sits_first
from dearena.sparring import reading
from dearena.v1 import gateway_pb2 as gateway
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import (
    CELL_KIND_CANARY,
    CELL_KIND_VOTE,
    OUTCOME_A,
    OUTCOME_B,
    OUTCOME_FLIP,
    OUTCOME_INVALID,
    OUTCOME_TIE,
    OUTCOME_VOID,
    SEAT_POLICY_SINGLE,
    SEAT_VERDICT_FIRST,
    SEAT_VERDICT_NONE,
    SEAT_VERDICT_SECOND,
    SEAT_VERDICT_UNREADABLE,
    Cell,
)
from services.judge_dispatcher.room import DURABLE
from services.runtime import subjects
from tests.fixtures import judges
from tests.fixtures.judges import QUERIES, answer_text, cell_of, done, first_always, mute
from tests.fixtures.judging import ALGEBRA, Arena, outcomes, votes
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


def single(judge: str, *, a_first: bool, **changes: Any) -> Cell:
    """A cell of single seats whose id draws this order."""
    cells = (cell_of(judge, query, seat_policy=SEAT_POLICY_SINGLE, **changes) for query in QUERIES)
    return next(cell for cell in cells if a_sits_first(cell.cell_id) is a_first)


def canary(judge: str, query: str = "q00", *, cut: bool, **changes: Any) -> Cell:
    """A model's answer against itself, or against its own truncation."""
    answer_hash = identity.text_hash(judges.answer_text("alpha@1", query))
    beside = truncation_hash(answer_hash) if cut else answer_hash
    return cell_of(judge, query, "alpha@1", "alpha@1", kind=CELL_KIND_CANARY, answer_hash_b=beside, **changes)


async def longer(prompt: reading.JudgingPrompt) -> gateway.Completion:
    first_is_longer = len(prompt.first) > len(prompt.second)
    return done(reading.spoken(reading.Seat.FIRST if first_is_longer else reading.Seat.SECOND, prompt))


async def shorter(prompt: reading.JudgingPrompt) -> gateway.Completion:
    first_is_shorter = len(prompt.first) < len(prompt.second)
    return done(reading.spoken(reading.Seat.FIRST if first_is_shorter else reading.Seat.SECOND, prompt))


async def columns(dispatcher: JudgeDispatcherServiceAsyncStub, *kinds: Any) -> list[pb.ListVotesResponse]:
    request = pb.ListVotesRequest(dimension=ALGEBRA, kinds=kinds)
    return [batch async for batch in dispatcher.ListVotes(request)]


# Single seats


@pytest.mark.parametrize("a_first", [True, False])
async def test_a_cell_of_single_seats_is_asked_once_in_the_order_that_its_id_draws(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, *, a_first: bool
) -> None:
    cell = single("gamma@1", a_first=a_first)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])

    assert comparison.cell == cell
    assert (comparison.outcome, comparison.reason) == (OUTCOME_A, "")
    [seat] = comparison.seats
    said = SEAT_VERDICT_FIRST if a_first else SEAT_VERDICT_SECOND
    assert (seat.first, seat.verdict) == ("alpha@1" if a_first else "beta@1", said)
    [request] = arena.gateway.requests
    prompt = reading.read(request.messages[0].content)
    texts = [answer_text(model, cell.query_id) for model in ("alpha@1", "beta@1")]
    assert [prompt.first, prompt.second] == (texts if a_first else texts[::-1])

    [batch] = await columns(dispatcher)
    unsaid = SEAT_VERDICT_NONE
    assert (*batch.a_first, *batch.b_first) == ((said, unsaid) if a_first else (unsaid, said))
    assert list(batch.judge_calls) == [1]
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    assert (progress.outcomes, progress.judge_calls, progress.cost.nano_units) == (1, 1, 1_000)


@pytest.mark.parametrize(("a_first", "outcome"), [(True, OUTCOME_A), (False, OUTCOME_B)])
async def test_a_judge_that_goes_by_the_seat_is_taken_at_its_word_in_single_seats(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, outcome: int, *, a_first: bool
) -> None:
    arena.gateway.habits["delta@1"] = first_always
    cell = single("delta@1", a_first=a_first)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == outcome


async def test_a_single_seat_that_cannot_be_read_is_invalid(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.habits["delta@1"] = mute
    cell = single("delta@1", a_first=False)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_INVALID
    assert comparison.reason == "with beta@1 first: the last line is not a verdict"
    [batch] = await columns(dispatcher)
    assert (*batch.a_first, *batch.b_first) == (SEAT_VERDICT_NONE, SEAT_VERDICT_UNREADABLE)


# Canaries


async def test_a_canary_of_equal_answers_is_one_call(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    arena.gateway.habits["delta@1"] = first_always
    even, partial = canary("gamma@1", cut=False), canary("delta@1", cut=False)
    await arena.ask([even])
    await arena.ask([partial])
    comparisons = await outcomes(dispatcher, [even, partial])
    assert [one.outcome for one in comparisons] == [OUTCOME_TIE, OUTCOME_FLIP]
    assert set(arena.gateway.paid.values()) == {1}
    assert len(arena.gateway.paid) == 2
    for request in arena.gateway.requests:
        prompt = reading.read(request.messages[0].content)
        assert prompt.first == prompt.second == answer_text("alpha@1", "q00")


@pytest.mark.parametrize(
    ("habit", "outcome"), [(longer, OUTCOME_A), (shorter, OUTCOME_B), (first_always, OUTCOME_FLIP)]
)
async def test_a_canary_shows_an_answer_against_its_own_truncation(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, habit: judges.Habit, outcome: int
) -> None:
    arena.gateway.habits["delta@1"] = habit
    cell = canary("delta@1", cut=True)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert (comparison.outcome, comparison.cell) == (outcome, cell)
    whole = answer_text("alpha@1", "q00")
    by_id = {request.request_id: request for request in arena.gateway.requests}
    shown = [reading.read(by_id[seat.request_id].messages[0].content) for seat in comparison.seats]
    assert [(one.first, one.second) for one in shown] == [(whole, truncated(whole)), (truncated(whole), whole)]
    assert arena.gateway.lists_of_answers.keys() == {"alpha@1"}


async def test_a_canary_of_single_seats_is_read_by_the_order_that_its_id_draws(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.habits["delta@1"] = longer
    cells = [canary("delta@1", query, cut=True, seat_policy=SEAT_POLICY_SINGLE) for query in list(QUERIES)[:12]]
    assert len({a_sits_first(cell.cell_id) for cell in cells}) == 2
    await arena.ask(cells)
    assert {one.outcome for one in await outcomes(dispatcher, cells)} == {OUTCOME_A}
    [batch] = await columns(dispatcher, CELL_KIND_CANARY)
    told = dict(zip(batch.cell_id, zip(batch.a_first, batch.b_first, strict=True), strict=True))
    assert told == {
        cell.cell_id: (SEAT_VERDICT_FIRST, SEAT_VERDICT_NONE)
        if a_sits_first(cell.cell_id)
        else (SEAT_VERDICT_NONE, SEAT_VERDICT_SECOND)
        for cell in cells
    }


async def test_a_canary_without_an_answer_or_of_a_short_one_is_void_and_costs_nothing(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judges, "answer_text", lambda model, query: f"{model[0]}{query}")
    arena.gateway.unusable.add(("alpha@1", "q01"))
    short = canary("gamma@1", cut=True)
    unusable = canary("gamma@1", "q01", cut=True)
    unnamed = canary("gamma@1", "q02", cut=False, answer_hash_a="")
    unnamed.answer_hash_b = ""
    await arena.ask([short, unusable, unnamed])
    comparisons = await outcomes(dispatcher, [short, unusable, unnamed])
    assert [one.outcome for one in comparisons] == [OUTCOME_VOID] * 3
    assert [one.reason for one in comparisons] == [
        "the answer of alpha@1 is too short to be truncated",
        "no usable answer of alpha@1",
        "no usable answer of alpha@1",
    ]
    assert arena.gateway.requests == []


async def test_what_is_no_canary_is_a_dead_letter(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    await arena.ask([cell_of("gamma@1", kind=CELL_KIND_CANARY)])  # two models
    await arena.ask([canary("gamma@1", cut=True, answer_hash_a="0" * 64)])  # not its own truncation
    await eventually(arena.unsettled, equals=(0, 0))
    assert len(await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS)) == 2
    assert arena.gateway.requests == []


async def test_canaries_are_listed_when_asked_for_and_count_in_a_rounds_progress(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    vote, watch = cell_of("gamma@1"), canary("gamma@1", cut=True)
    await arena.ask([vote, watch])
    await outcomes(dispatcher, [vote, watch])

    async def listed(*kinds: Any) -> set[str]:
        return {cell_id for _, cell_id, _ in await votes(dispatcher, kinds=kinds)}

    assert await listed() == await listed(CELL_KIND_VOTE) == {vote.cell_id}
    assert await listed(CELL_KIND_CANARY) == {watch.cell_id}
    assert await listed(CELL_KIND_CANARY, CELL_KIND_VOTE) == {vote.cell_id, watch.cell_id}
    [batch] = await columns(dispatcher, CELL_KIND_CANARY, CELL_KIND_VOTE)
    assert dict(zip(batch.cell_id, batch.kind, strict=True)) == {
        vote.cell_id: CELL_KIND_VOTE,
        watch.cell_id: CELL_KIND_CANARY,
    }
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    assert (progress.outcomes, progress.judge_calls) == (2, 4)


async def test_a_kind_that_there_is_not_is_an_invalid_field(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await columns(dispatcher, 0)
    fault = fault_of(raised.value)
    assert isinstance(fault, faults.InvalidField)
    assert "kinds: 0 is no kind of cells" in str(fault)


# Draws


async def test_a_draw_comes_out_with_the_vote_and_none_is_an_even_one(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    drawn, even = cell_of("gamma@1", "q00", draw=20_000), cell_of("gamma@1", "q01")
    untold = cell_of("gamma@1", "q02", draw=0)
    cells = [drawn, even, untold]
    await arena.ask(cells)
    assert [one.cell.draw for one in await outcomes(dispatcher, cells)] == [20_000, 65_536, 65_536]
    [batch] = await columns(dispatcher)
    told = dict(zip(batch.cell_id, batch.draw, strict=True))
    assert [told[cell.cell_id] for cell in cells] == [20_000, 65_536, 65_536]
