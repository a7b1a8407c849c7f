"""What a judge would be sent, and what it was sent: the very words."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import json
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from dearena import faults
from dearena.judging.templates import PAIRWISE_1, TEMPLATES, chosen
from dearena.rpc_faults import fault_of
from dearena.sparring import reading
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1 import query_selector_pb2 as selector
from services.runtime.store import Store
from tests.fixtures.judges import answer_text, cell_of
from tests.fixtures.judging import ALGEBRA, Arena, outcomes

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


async def with_prompts(dispatcher: JudgeDispatcherServiceAsyncStub, cell_id: str) -> pb.Comparison:
    request = pb.GetComparisonRequest(dimension=ALGEBRA, cell_id=cell_id, with_prompts=True)
    return (await dispatcher.GetComparison(request)).comparison


@pytest.mark.parametrize("structured", [False, True])
async def test_a_prompt_is_told_as_it_was_sent(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, *, structured: bool
) -> None:
    if structured:
        arena.gateway.structured.add("gamma")
    arena.gateway.selector.dimension = selector.Dimension(
        template="rubric@1", judging=selector.JudgingPolicy(rubric="Be brief.")
    )
    template = chosen("rubric@1", rubric="Be brief.")
    cell = cell_of("gamma@1", template_hash=template.hash)
    await arena.ask([cell])
    await outcomes(dispatcher, [cell])
    comparison = await with_prompts(dispatcher, cell.cell_id)
    sent = {request.request_id: request for request in arena.gateway.requests}
    assert len(comparison.seats) == 2
    for seat in comparison.seats:
        assert list(seat.prompt) == list(sent[seat.request_id].messages)
        assert seat.response_schema == sent[seat.request_id].response_schema
        assert bool(seat.response_schema) is structured
        assert not seat.prompt_problem
    [plain] = await outcomes(dispatcher, [cell])
    assert not any(seat.prompt for seat in plain.seats)


async def test_a_prompt_that_is_not_what_was_sent_says_so(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    await outcomes(dispatcher, [cell])
    store = Store(arena.settings.mongo_url, arena.settings.mongo_database)
    await store.collection("comparisons").update_many({}, {"$set": {"seats.0.prompt_hash": "0" * 64}})
    await store.collection("comparisons").update_many({}, {"$unset": {"seats.1.prompt_hash": 1}})
    store.close()
    seats = (await with_prompts(dispatcher, cell.cell_id)).seats
    assert "not what was sent" in seats[0].prompt_problem
    assert "not recorded" in seats[1].prompt_problem


async def test_a_preview_is_what_a_judge_would_be_sent_but_for_its_codes(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.structured.add("gamma")
    cell = cell_of("gamma@1", "q03")
    request = pb.PreviewPromptRequest(
        dimension=ALGEBRA, query_id="q03", first="alpha@1", second="beta@1", judge="gamma@1"
    )
    preview = await dispatcher.PreviewPrompt(request)
    assert not arena.gateway.requests
    assert (preview.template, preview.template_hash, preview.query_id) == ("pairwise@1", PAIRWISE_1.hash, "q03")
    assert preview.codes_are_samples
    await arena.ask([cell])
    await outcomes(dispatcher, [cell])
    sent = next(
        one
        for one in arena.gateway.requests
        if reading.read(one.messages[0].content).first == answer_text("alpha@1", "q03")
    )
    real = reading.read(sent.messages[0].content)
    fence = sent.messages[0].content.partition("[QUESTION ")[2][:16]
    assert preview.messages[0].content == (
        sent.messages[0].content.replace(fence, "f" * 16).replace(real.nonce, "0" * 16)
    )
    assert json.loads(preview.response_schema) == json.loads(sent.response_schema.replace(real.nonce, "0" * 16))


async def test_a_preview_without_answers_shows_the_first_query(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    preview = await dispatcher.PreviewPrompt(pb.PreviewPromptRequest(dimension=ALGEBRA))
    shown = reading.read(preview.messages[0].content)
    assert preview.query_id == "q00"
    assert (shown.first, shown.second) == ("(here stands the first answer)", "(here stands the second answer)")
    assert not preview.response_schema


async def test_a_preview_of_what_is_never_sent_says_so(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    request = pb.PreviewPromptRequest(dimension=ALGEBRA, first="alpha@1", second="beta@1", judge="beta@1")
    preview = await dispatcher.PreviewPrompt(request)
    assert answer_text("beta@1", "q00") in preview.messages[0].content
    assert preview.never_sent == "beta would be shown an answer of its own, and no model judges itself"
    request.judge = "gamma@1"
    assert not (await dispatcher.PreviewPrompt(request)).never_sent


async def test_queries_without_a_reference_are_judged_and_previewed_by_the_template_for_them(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    judging = selector.JudgingPolicy(template_without_reference="rubric@1", rubric="Be brief.")
    arena.gateway.selector.dimension = selector.Dimension(template="reference@1", judging=judging)
    arena.gateway.selector.references = {"q00": "It is 4."}
    beside, without = TEMPLATES["reference@1"], chosen("rubric@1", rubric="Be brief.")
    for query, template in (("q00", beside), ("q01", without)):
        preview = await dispatcher.PreviewPrompt(pb.PreviewPromptRequest(dimension=ALGEBRA, query_id=query))
        assert (preview.template, preview.template_hash) == (template.id, template.hash)
    cells = [
        cell_of("gamma@1", query, template_hash=template.hash)
        for query, template in (("q00", beside), ("q01", without))
    ]
    await arena.ask(cells)
    await outcomes(dispatcher, cells)
    sent = [request.messages[0].content for request in arena.gateway.requests]
    assert len(sent) == 4
    assert sum("It is 4." in prompt for prompt in sent) == sum("Be brief." in prompt for prompt in sent) == 2


@pytest.mark.parametrize(
    ("changes", "fault", "said"),
    [
        ({"query_id": "q99"}, faults.InvalidField, "q99"),
        ({"first": "alpha"}, faults.InvalidField, "not a revision"),
        ({"judge": "gamma@2"}, faults.InvalidField, "gamma@1"),
        ({"judge": "nobody@1"}, faults.UnknownModel, "nobody"),
        ({"dimension": "algebra"}, faults.InvalidField, "algebra"),
        ({"dimension": "projects/default/dimensions/nothing"}, faults.UnknownDimension, "nothing"),
    ],
)
async def test_what_cannot_be_previewed_is_said(
    dispatcher: JudgeDispatcherServiceAsyncStub, changes: dict[str, str], fault: type[faults.ArenaFault], said: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await dispatcher.PreviewPrompt(pb.PreviewPromptRequest(**{"dimension": ALGEBRA} | changes))
    told = fault_of(caught.value)
    assert isinstance(told, fault)
    assert said in str(told)


async def test_an_answer_that_cannot_be_used_is_named(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.unusable.add(("alpha@1", "q00"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await dispatcher.PreviewPrompt(pb.PreviewPromptRequest(dimension=ALGEBRA, second="alpha@1"))
    assert "alpha@1 has no usable answer" in str(fault_of(caught.value))


async def test_templates_are_listed_with_what_they_need(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    found = (await dispatcher.ListTemplates(pb.ListTemplatesRequest())).templates
    assert [one.template for one in found] == sorted(TEMPLATES)
    assert {one.template for one in found if one.needs_reference} == {"reference@1"}
    assert {one.template for one in found if one.needs_rubric} == {"rubric@1"}
    assert {one.template for one in found if one.graded} == {"graded@1"}
    assert all(one.summary and len(one.template_hash) == 64 for one in found)
