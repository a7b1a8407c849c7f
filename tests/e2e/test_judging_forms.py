"""Judges that are held to a schema and judges that write a line rank models together, by every kind of template."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
import pytest_asyncio

from dearena.client import ArenaClient
from dearena.judging.templates import TEMPLATES
from dearena.v1 import gateway_pb2
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1 import query_selector_pb2 as selector
from dearena.v1.gateway_pb2_grpc import GatewayServiceStub
from tests.fixtures.arena import Arena, arena

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PROJECT = "judged"
MODELS = ["planted-0", "planted-1", "planted-2", "planted-3"]
STRUCTURED = {"planted-0@1", "planted-2@1"}
RUBRIC = "Prefer the answer that says more in fewer words."
OWN = TEMPLATES["graded@1"].text.replace("impartial judge", "judge of style")
KINDS = {
    "graded": selector.Dimension(template="graded@1"),
    "referred": selector.Dimension(template="reference@1"),
    "ruled": selector.Dimension(template="rubric@1", judging=selector.JudgingPolicy(rubric=RUBRIC)),
    "talked": selector.Dimension(template="conversation@1"),
    "owned": selector.Dimension(judging=selector.JudgingPolicy(template_text=OWN)),
    "mixed": selector.Dimension(
        template="reference@1", judging=selector.JudgingPolicy(template_without_reference="rubric@1", rubric=RUBRIC)
    ),
}
POOL = [{"id": f"q{n}", "turns": [f"Question {n}?", "And why?"], "reference": f"It is {n}."} for n in range(2)]
MIXED = [POOL[0], {"id": "q1", "turns": POOL[1]["turns"]}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("judged")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(whole: Arena) -> AsyncIterator[ArenaClient]:
    async with whole.client(PROJECT) as client:
        for slug in MODELS:
            endpoint = whole.endpoint(slug, structured_output=f"{slug}@1" in STRUCTURED)
            await whole.register(client, slug, endpoint=endpoint)
        for slug, kind in KINDS.items():
            dimension = selector.Dimension(
                name=client.dimension_name(slug),
                selection=selector.Selection(k=len(POOL)),
                ranking=selector.RankingSettings(jury="exhaustive", seed_models=len(MODELS)),
            )
            dimension.MergeFrom(kind)
            await client.create_dimension(dimension, POOL if slug != "mixed" else MIXED)
        yield client


async def comparisons(whole: Arena, client: ArenaClient, dimension: str) -> list[pb.Comparison]:
    played = await whole.settled(client, len(MODELS), dimension)
    return [await client.comparison(dimension, vote.cell_id, with_prompts=True) for vote in played.votes]


@pytest.mark.parametrize("slug", KINDS)
async def test_every_verdict_is_readable_and_every_prompt_can_be_shown(
    whole: Arena, client: ArenaClient, slug: str
) -> None:
    found = await comparisons(whole, client, slug)
    assert len(found) == 24  # six pairs, two queries, two judges that are not of the pair
    for comparison in found:
        structured = comparison.cell.judge in STRUCTURED
        for seat in comparison.seats:
            assert not seat.reason
            assert seat.structured is structured
            assert seat.transcript.startswith("{") is structured
            assert bool(seat.grade) is (slug in ("graded", "owned"))
            assert not seat.prompt_problem
            assert bool(seat.response_schema) is structured
            [message] = seat.prompt
            assert "[TURN 2 " in message.content
            fence = message.content.partition("[QUESTION ")[2][:16]
            assert message.content.count(f"\n[Reply to turn 2 {fence}]\n") == 2
            bare = slug == "mixed" and comparison.cell.query_id == "q1"
            assert ("[REFERENCE " in message.content) is (slug == "referred" or (slug == "mixed" and not bare))
            assert (RUBRIC in message.content) is (slug == "ruled" or bare)
            assert ("judge of style" in message.content) is (slug == "owned")


async def test_a_command_shows_what_a_judge_sees(whole: Arena, client: ArenaClient) -> None:
    seats = ("--query", "q1", "--first", "planted-0", "--second", "planted-1")
    shown = await whole.said(PROJECT, "judge", "preview", "ruled", *seats, "--judge", "planted-3")
    assert f"\n[RUBRIC ffffffffffffffff]\n{RUBRIC}\n[END RUBRIC ffffffffffffffff]\n" in shown
    assert "VERDICT 0000000000000000: TIE\n" in shown
    held = json.loads(await whole.said(PROJECT, "judge", "preview", "ruled", *seats, "--judge", "planted-2", "--json"))
    assert json.loads(held["response_schema"])["properties"]["verdict"]["enum"] == ["1", "2", "TIE"]
    assert "VERDICT" not in held["messages"][0]["content"]
    async with grpc.aio.insecure_channel(whole.stack.addresses.gateway) as channel:
        request = gateway_pb2.ListAnswersRequest(dimension=client.dimension_name("ruled"), model="planted-0@1")
        answers = (await GatewayServiceStub(channel).ListAnswers(request)).answers
    first, second = next(one.replies for one in answers if one.query_id == "q1")
    answer = f"[Reply to turn 1 ffffffffffffffff]\n{first}\n\n[Reply to turn 2 ffffffffffffffff]\n{second}"
    assert f"\n[ANSWER 1 ffffffffffffffff]\n{answer}\n[END ANSWER 1 ffffffffffffffff]\n" in shown


async def test_a_command_creates_a_dimension_with_template_and_rubric(
    whole: Arena, client: ArenaClient, tmp_path: Path
) -> None:
    assert "1>>2" in await whole.said(PROJECT, "judge", "templates")
    pool, rubric, template = tmp_path / "pool.jsonl", tmp_path / "rubric.txt", tmp_path / "template.txt"
    pool.write_text(json.dumps({"id": "a", "text": "2 + 2?"}))
    rubric.write_text(RUBRIC)
    template.write_text(TEMPLATES["rubric@1"].text)
    files = ("--template-file", str(template), "--rubric", str(rubric))
    await whole.said(PROJECT, "dimension", "create", "filed", str(pool), "--k", "1", *files, "--check")
    await whole.said(PROJECT, "dimension", "create", "filed", str(pool), "--k", "1", *files)
    made = await client.get_dimension("filed")
    assert (made.template, made.judging.rubric) == ("own", RUBRIC)
    assert RUBRIC in await whole.said(PROJECT, "judge", "preview", "filed")
