"""Judges and dimensions of many kinds: held to a schema, thinking aloud, superseded; by reference, rubric and grade."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import json
from typing import TYPE_CHECKING, Any

import pytest

from dearena import identity
from dearena.judging.templates import TEMPLATES, Template, chosen
from dearena.sparring import reading
from dearena.v1 import gateway_pb2 as gateway
from dearena.v1 import query_selector_pb2 as selector
from dearena.v1.common_pb2 import OUTCOME_A, OUTCOME_INVALID, SEAT_VERDICT_FIRST, SEAT_VERDICT_SECOND
from tests.fixtures.judges import better, cell_of, done, first_always
from tests.fixtures.judging import Arena, outcomes

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub

RUBRIC = "The shorter answer is better."


async def test_a_judge_whose_endpoint_takes_a_schema_is_held_to_one(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.structured.add("gamma")
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_A
    for request, seat in zip(arena.gateway.requests, comparison.seats, strict=True):
        prompt = reading.read(request.messages[0].content)
        assert prompt.structured
        schema = json.loads(request.response_schema)
        assert schema["properties"]["nonce"]["const"] == prompt.nonce
        assert seat.structured
        assert json.loads(seat.transcript)["verdict"] in ("1", "2")
    plain = identity.judge_request_id(
        judge="gamma@1",
        template_hash=cell.template_hash,
        judge_parameters_hash=cell.judge_parameters_hash,
        query_hash=cell.query_hash,
        answer_hash_first=cell.answer_hash_a,
        answer_hash_second=cell.answer_hash_b,
        attempt=1,
        project="default",
    )
    assert plain not in {seat.request_id for seat in comparison.seats}


async def test_json_from_a_judge_that_was_held_to_nothing_is_not_read(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    async def in_json(prompt: reading.JudgingPrompt) -> gateway.Completion:
        return done(json.dumps({"reasoning": "", "nonce": prompt.nonce, "verdict": "1"}))

    arena.gateway.habits["gamma@1"] = in_json
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_INVALID
    assert [seat.reason for seat in comparison.seats] == ["the last line is not a verdict"] * 2


async def test_what_a_judge_thinks_is_kept_and_not_read(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    async def thinks_of_the_first(prompt: reading.JudgingPrompt) -> gateway.Completion:
        completion = done(better(prompt))
        completion.reasoning = f"Is it the first?\nVERDICT {prompt.nonce}: 1"
        return completion

    async def thinks_only(prompt: reading.JudgingPrompt) -> gateway.Completion:
        completion = await thinks_of_the_first(prompt)
        completion.text, completion.finish_reason = "", "length"
        return completion

    arena.gateway.habits |= {"gamma@1": thinks_of_the_first, "delta@1": thinks_only}
    spoken, silent = cell_of("gamma@1"), cell_of("delta@1")
    await arena.ask([spoken])
    await arena.ask([silent])
    [heard, unheard] = await outcomes(dispatcher, [spoken, silent])
    assert heard.outcome == OUTCOME_A
    assert [seat.verdict for seat in heard.seats] == [SEAT_VERDICT_FIRST, SEAT_VERDICT_SECOND]
    for seat in heard.seats:
        assert seat.reasoning.startswith("Is it the first?")
        assert seat.reasoning_hash == identity.text_hash(seat.reasoning)
        assert "Is it" not in seat.transcript
    assert unheard.outcome == OUTCOME_INVALID
    assert {seat.reason for seat in unheard.seats} == {"the reply is empty (cut off at the token limit)"}
    assert {seat.finish_reason for seat in unheard.seats} == {"length"}


async def judged_by(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, dimension: selector.Dimension, judge: str = "gamma@1"
) -> tuple[Template, Any, str]:
    """The template of such a dimension, a comparison by it, and the first prompt."""
    arena.gateway.selector.dimension = dimension
    template = chosen(dimension.template, dimension.judging.template_text, dimension.judging.rubric)
    cell = cell_of(judge, template_hash=template.hash)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    return template, comparison, arena.gateway.requests[0].messages[0].content


async def test_a_judge_is_shown_the_reference(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    arena.gateway.selector.references["q00"] = "Nothing, that is 0."
    _, comparison, prompt = await judged_by(arena, dispatcher, selector.Dimension(template="reference@1"))
    assert comparison.outcome == OUTCOME_A
    assert "]\nNothing, that is 0.\n[END REFERENCE " in prompt


async def test_a_judge_is_shown_the_rubric(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    dimension = selector.Dimension(template="rubric@1", judging=selector.JudgingPolicy(rubric=RUBRIC))
    template, comparison, prompt = await judged_by(arena, dispatcher, dimension)
    assert comparison.outcome == OUTCOME_A
    assert f"]\n{RUBRIC}\n[END RUBRIC " in prompt
    assert template.hash != TEMPLATES["rubric@1"].hash


@pytest.mark.parametrize("structured", [False, True])
async def test_a_dimension_brings_its_own_template(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, *, structured: bool
) -> None:
    if structured:
        arena.gateway.structured.add("gamma")
    text = TEMPLATES["pairwise@1"].text.replace("impartial judge", "judge of taste")
    dimension = selector.Dimension(template="own", judging=selector.JudgingPolicy(template_text=text))
    _, comparison, prompt = await judged_by(arena, dispatcher, dimension)
    assert comparison.outcome == OUTCOME_A
    assert "judge of taste" in prompt
    assert [seat.structured for seat in comparison.seats] == [structured] * 2


@pytest.mark.parametrize("structured", [False, True])
async def test_a_grade_is_kept_and_its_sign_is_the_verdict(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, *, structured: bool
) -> None:
    if structured:
        arena.gateway.structured.add("gamma")

    async def emphatic(prompt: reading.JudgingPrompt) -> gateway.Completion:
        first = prompt.first > prompt.second
        return done(reading.spoken(reading.Seat.FIRST if first else reading.Seat.SECOND, prompt, much=first))

    arena.gateway.habits["gamma@1"] = emphatic
    _, comparison, _ = await judged_by(arena, dispatcher, selector.Dimension(template="graded@1"))
    assert comparison.outcome == OUTCOME_A
    assert [(seat.verdict, seat.grade) for seat in comparison.seats] == [
        (SEAT_VERDICT_FIRST, 1),
        (SEAT_VERDICT_SECOND, 4),
    ]


async def test_a_superseded_judge_is_answered_from_the_record_in_whichever_form(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    # The gateway tells of revision 3; of revision 2 nobody can say any more what its endpoint took.
    arena.gateway.revisions["gamma"] = 3
    arena.gateway.habits["gamma@2"] = first_always
    cell = cell_of("gamma@2")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert [seat.verdict for seat in comparison.seats] == [SEAT_VERDICT_FIRST] * 2
    arena.gateway.retired.add("gamma@2")
    other = cell_of("gamma@2", "q01")
    await arena.ask([other])
    await outcomes(dispatcher, [other])
    asked = [bool(one.response_schema) for one in arena.gateway.requests if one.query_id == "q01"]
    # In words, by a schema, and by one that limits lengths.
    assert sorted(asked) == [False, False, True, True, True, True]
