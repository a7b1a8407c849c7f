"""From a message that asks to an outcome that stands: each once, each under its own name."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from dearena import identity
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import (
    OUTCOME_A,
    OUTCOME_FAILED,
    OUTCOME_FLIP,
    OUTCOME_INVALID,
    OUTCOME_SKIPPED,
    OUTCOME_TIE,
    OUTCOME_VOID,
    SEAT_VERDICT_FIRST,
    SEAT_VERDICT_SECOND,
)
from dearena.v1.gateway_pb2 import PURPOSE_JUDGE
from services.judge_dispatcher.room import DURABLE
from services.runtime import subjects
from tests.fixtures.judges import (
    QUERIES,
    answer_text,
    cell_of,
    first_always,
    fooled_in_its_quotes,
    mute,
    slow,
    unrecorded,
)
from tests.fixtures.judging import ALGEBRA, Arena, outcomes, votes
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


async def test_both_seat_orders_are_asked_and_all_is_kept(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1", "q07")
    await arena.ask([cell], round_number=3)
    [comparison] = await outcomes(dispatcher, [cell])

    assert comparison.cell == cell
    assert (comparison.round, comparison.outcome, comparison.reason) == (3, OUTCOME_A, "")
    assert [seat.first for seat in comparison.seats] == ["alpha@1", "beta@1"]
    assert [seat.verdict for seat in comparison.seats] == [SEAT_VERDICT_FIRST, SEAT_VERDICT_SECOND]
    for seat in comparison.seats:
        assert seat.transcript.splitlines()[-1].startswith("VERDICT ")
        assert seat.transcript_hash == identity.text_hash(seat.transcript)
        assert (seat.usage.input_tokens, seat.usage.output_tokens) == (300, 20)
        assert (seat.cost.currency, seat.cost.nano_units) == ("USD", 1_000)
        assert seat.latency.ToMilliseconds() == 250

    by_id = {request.request_id: request for request in arena.gateway.requests}
    first, second = (by_id[seat.request_id] for seat in comparison.seats)
    for request, seats in ((first, ("alpha@1", "beta@1")), (second, ("beta@1", "alpha@1"))):
        prompt = request.messages[0].content
        assert prompt.index(answer_text(seats[0], "q07")) < prompt.index(answer_text(seats[1], "q07"))
        assert QUERIES["q07"] in prompt
        assert (request.model, request.query_id, request.dimension) == ("gamma@1", "q07", "algebra")
        assert request.purpose == PURPOSE_JUDGE
        assert not request.HasField("parameters")


@pytest.mark.parametrize(
    ("habit", "models", "outcome", "reason"),
    [
        (None, ("alpha@1", "beta@1"), OUTCOME_A, ""),
        (None, ("beta@1", "gamma@1"), OUTCOME_TIE, ""),
        (first_always, ("alpha@1", "beta@1"), OUTCOME_FLIP, ""),
        (mute, ("alpha@1", "beta@1"), OUTCOME_INVALID, "in both seat orders: the last line is not a verdict"),
        (fooled_in_its_quotes, ("alpha@1", "beta@1"), OUTCOME_INVALID, "code of this call"),
        (slow, ("alpha@1", "beta@1"), OUTCOME_FAILED, "TIMEOUT: no reply within 60 s"),
        (unrecorded, ("alpha@1", "beta@1"), OUTCOME_VOID, "NO_RECORD"),
    ],
)
async def test_what_a_judge_says_becomes_an_outcome_with_its_reason(
    arena: Arena,
    dispatcher: JudgeDispatcherServiceAsyncStub,
    habit: Any,
    models: tuple[str, str],
    outcome: int,
    reason: str,
) -> None:
    if habit is not None:
        arena.gateway.habits["delta@1"] = habit
    cell = cell_of("delta@1", "q00", *models)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == outcome
    assert reason in comparison.reason
    assert bool(reason) == bool(comparison.reason)


async def test_a_judge_that_may_judge_no_more_is_skipped(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.retired.add("delta@1")
    cell = cell_of("delta@1")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_SKIPPED
    assert "delta@1 is retired" in comparison.reason
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    assert (progress.outcomes, progress.judge_calls) == (1, 0)


async def test_without_an_answer_no_call_is_made(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    arena.gateway.unusable.add(("beta@1", "q01"))
    unnamed, unusable = cell_of("gamma@1", "q00", answer_hash_a=""), cell_of("gamma@1", "q01")
    await arena.ask([unnamed, unusable])
    first, second = await outcomes(dispatcher, [unnamed, unusable])
    assert [first.outcome, second.outcome] == [OUTCOME_VOID, OUTCOME_VOID]
    assert [first.reason, second.reason] == ["no usable answer of alpha@1", "no usable answer of beta@1"]
    assert arena.gateway.requests == []


async def test_equal_answers_are_one_call_for_both_seats(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    # Two models gave the same text. Here: one model twice, which is the same to a judge.
    cell = cell_of("gamma@1", "q00", "alpha@1", "alpha@1")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_TIE
    assert sum(arena.gateway.paid.values()) == 1
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    assert (progress.judge_calls, progress.cost.nano_units) == (1, 1_000)


async def test_texts_are_fetched_once_for_many_cells(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    cells = [cell_of("gamma@1", query) for query in QUERIES]
    for start in range(0, len(cells), 8):
        await arena.ask(cells[start : start + 8])
    await outcomes(dispatcher, cells)
    assert arena.gateway.lists_of_answers == {"alpha@1": 3, "beta@1": 3}  # pages


async def test_a_message_that_cannot_be_worked_on_is_a_dead_letter_and_holds_nothing_up(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    good = cell_of("gamma@1")
    await arena.ask([cell_of("gamma@1", template_hash="0" * 64), good])
    await arena.ask([cell_of("gamma@1", answer_hash_a="0" * 64)])
    await arena.ask([cell_of("gamma@1", query_hash="0" * 64)])
    await arena.ask([good, cell_of("delta@1")])
    await outcomes(dispatcher, [good])
    await eventually(arena.unsettled, equals=(0, 0))
    assert len(await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS)) == 4
    assert len(await votes(dispatcher)) == 1


async def test_doubled_messages_make_one_outcome_and_one_payment(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cells = [cell_of(judge, query) for judge in ("gamma@1", "delta@1") for query in QUERIES]
    for judge_cells in (cells[:24], cells[24:]):
        for start in range(0, 24, 8):
            for copy in range(2):
                batch = judge_cells[start : start + 8]
                await arena.ask(batch, event_id=f"{batch[0].cell_id}/{copy}")
    await outcomes(dispatcher, cells)
    await arena.ask(cells[:8])  # and once more, when all is written
    await eventually(arena.unsettled, equals=(0, 0))

    listed = await votes(dispatcher, round_number=1)
    assert Counter(cell_id for _, cell_id, _ in listed) == Counter(cell.cell_id for cell in cells)
    assert set(arena.gateway.paid.values()) == {1}
    assert len(arena.gateway.paid) == 2 * len(cells)
    assert (await arena.rung()).keys() == {(cell.cell_id, 1) for cell in cells}


async def test_a_late_request_for_what_is_written_rings_again(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    await outcomes(dispatcher, [cell])
    await arena.ask([cell])
    await eventually(arena.rung, equals=Counter({(cell.cell_id, 1): 2}))
    assert len(arena.gateway.requests) == 2


async def test_another_attempt_is_another_outcome_and_other_calls(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.habits["gamma@1"] = slow
    first, second = cell_of("gamma@1"), cell_of("gamma@1", attempt=2)
    await arena.ask([first])
    await outcomes(dispatcher, [first])
    del arena.gateway.habits["gamma@1"]
    await arena.ask([second], round_number=2)
    comparisons = await outcomes(dispatcher, [first, second])
    assert [one.outcome for one in comparisons] == [OUTCOME_FAILED, OUTCOME_A]
    newest = await dispatcher.GetComparison(pb.GetComparisonRequest(dimension=ALGEBRA, cell_id=first.cell_id))
    assert newest.comparison.cell.attempt == 2
    assert len(arena.gateway.paid) == 4
