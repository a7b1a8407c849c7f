"""An arena out of one file, and any number of its board followed back to what a judge said."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dearena import client as declared
from dearena import identity
from dearena.cli import why_votes
from dearena.client import Action, ArenaClient
from dearena.v1 import gateway_pb2
from tests.fixtures.arena import Arena, Played, arena

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

KEY = "sparring-key"
QUERIES = 4

RANKED = [f"planted-{n}" for n in range(9)] + ["thinking", "flaky", "locked", "structured", "mumbling"]
FAILING = ["wrong-key", "html", "empty", "other-model", "redirecting", "unreachable"]

FILE = """\
x-sparring: &sparring {provider: sparring, family: sparring, price: {per_million_output_tokens: 2}}
x-locked: &locked {base_url: "URL/faulty/v1", sparring: true, upstream_model: locked}
keys:
  - {key_reference: "env:SPARRING_RIGHT_KEY", concurrency: 3, requests_per_minute: 60000}
models:
PLANTED
  - {slug: thinking, endpoint: {base_url: "URL/faulty/v1", upstream_model: thinking, sparring: true},
     judge_parameters: {max_tokens: 64, reasoning_tokens: 256}}
  - {slug: flaky, endpoint: {base_url: "URL/faulty/v1", upstream_model: flaky, sparring: true}}
  - {slug: locked, endpoint: {<<: *locked, key_reference: "env:SPARRING_RIGHT_KEY"}}
  - slug: structured
    endpoint: {base_url: "URL/planted/v1", upstream_model: structured, sparring: true, structured_output: true,
               reply_limit_member: max_completion_tokens}
    system_prompt: Be brief.
    timeout_seconds: 20
    deadline_seconds: 60
  - {slug: mumbling, endpoint: {base_url: "URL/faulty/v1", upstream_model: judge-unreadable, sparring: true}}
  - {slug: wrong-key, endpoint: {<<: *locked, key_reference: "env:SPARRING_WRONG_KEY"}}
  - {slug: html, endpoint: {base_url: "URL/faulty/v1", upstream_model: html, sparring: true}}
  - {slug: empty, endpoint: {base_url: "URL/faulty/v1", upstream_model: empty, sparring: true}}
  - {slug: other-model, endpoint: {base_url: "URL/faulty/v1", upstream_model: answer-other-model, sparring: true}}
  - {slug: redirecting, endpoint: {base_url: "URL/faulty/v1", upstream_model: answer-redirecting, sparring: true}}
  - {slug: unreachable, endpoint: {base_url: "http://127.0.0.1:9/v1", upstream_model: nobody}, may_judge: false}
dimensions:
  - slug: d
    pool: pool.jsonl
    selection: {k: 4}
    ranking: {jury: exhaustive, seed_models: 3}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    environment = {
        "SPARRING_RIGHT_KEY": KEY,
        "SPARRING_WRONG_KEY": "a-wrong-key",
        # Whoever is not reached has failed when its first probe has, so that the others need not wait long.
        "DEARENA_ANSWER_UNREACHED_SECONDS": "1",
    }
    async with arena(tmp_path_factory.mktemp("apply-and-why"), environment=environment) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def file(whole: Arena, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The arena's file, with twenty models."""
    directory = tmp_path_factory.mktemp("declared")
    planted = "\n".join(
        f'  - {{slug: planted-{n}, <<: *sparring, endpoint: {{base_url: "URL/planted/v1", '
        f"upstream_model: planted-{n}, sparring: true}}}}"
        for n in range(9)
    )
    pool = [{"id": f"d-{n}", "text": f"Question {n} of d?"} for n in range(QUERIES)]
    (directory / "pool.jsonl").write_text("".join(json.dumps(question) + "\n" for question in pool))
    url = whole.stack.endpoints.sparring_url
    (directory / "arena.yaml").write_text(FILE.replace("PLANTED", planted).replace("URL", url))
    return directory / "arena.yaml"


async def dearena(whole: Arena, *args: str) -> Any:
    """What the command line says as JSON; several lines are a list."""
    addresses = whole.stack.addresses
    named = {
        f"DEARENA_{name.upper()}_ADDRESS": getattr(addresses, name)
        for name in ("gateway", "query_selector", "ranker", "judge_dispatcher", "scorer")
    }
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("dearena")), *args, "--project", "file"),
        env=os.environ | named | {"DEARENA_TRACE_URL": "http://traces.invalid/trace/{trace_id}"},
        stdout=PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def applied(whole: Arena, file: Path) -> AsyncIterator[ArenaClient]:
    """The arena after an application that was broken off, and another."""
    found = declared.read_arena_file(file)
    assert [model.slug for model in found.models] == RANKED + FAILING
    async with whole.client("file") as client:
        begun = declared.apply(client, found)
        async for change in begun:
            if change.slug == "planted-6":
                break
        await begun.aclose()  # type: ignore[attr-defined]
        assert len([model async for model in client.models()]) == 7
        lines = (await dearena(whole, "apply", "-f", str(file), "--json")).splitlines()
        actions = {change["slug"]: change["action"] for change in map(json.loads, lines)}
        before = ("env:SPARRING_RIGHT_KEY", "d", *RANKED[:7])
        after = (*RANKED[7:], *FAILING)
        assert actions == dict.fromkeys(before, Action.UNCHANGED) | dict.fromkeys(after, Action.CREATED)
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(whole: Arena, applied: ArenaClient) -> Played:
    return await whole.settled(applied, len(RANKED))


async def test_twenty_models_are_what_the_file_says_in_its_order(
    whole: Arena, file: Path, applied: ArenaClient
) -> None:
    models = [model async for model in applied.models()]
    assert [model.name.rpartition("/")[2] for model in models] == RANKED + FAILING
    assert len({model.cohort for model in models}) == 1
    structured = models[RANKED.index("structured")]
    assert structured.endpoint.structured_output
    assert structured.endpoint.reply_limit_member == "max_completion_tokens"
    assert structured.deadline.ToTimedelta().total_seconds() == 60
    assert models[RANKED.index("thinking")].judge_parameters.reasoning_tokens == 256
    lines = (await dearena(whole, "apply", "-f", str(file), "--json")).splitlines()
    assert {json.loads(line)["action"] for line in lines} == {"unchanged"}


async def test_what_cannot_answer_fails_by_name_and_the_others_are_ranked(applied: ArenaClient, played: Played) -> None:
    entrants = {entrant.model.partition("@")[0]: entrant for entrant in await applied.entrants("d")}
    failed = {slug for slug, one in entrants.items() if one.state == gateway_pb2.ENTRANT_STATE_FAILED}
    assert failed == set(FAILING)
    assert {row.model.partition("@")[0] for row in played.board.rows} == set(RANKED)


async def test_a_number_is_followed_to_what_the_judge_said(whole: Arena, applied: ArenaClient, played: Played) -> None:
    board = played.board
    version = str(board.board_version)
    matrices = await applied.matrices("d", board.board_version)
    models = list(matrices.models)
    best = next(row for row in board.rows if row.votes)

    # A number on the board: its votes are those on its opponents.
    of_model = json.loads(await dearena(whole, "why", "d", best.model, "--version", version, "--json"))
    assert (of_model["row"]["votes"], of_model["row"]["rank"]) == (best.votes, best.rank)
    assert sum(one["votes"] for one in of_model["opponents"]) == best.votes
    assert sum(one["wins"] for one in of_model["opponents"]) == pytest.approx(best.wins)

    # An opponent: the votes that count are as many as in the matrix, and won as often.
    opponent = of_model["opponents"][-1]
    pair_of = ("why", "d", best.model, opponent["model"], "--version", version)
    pair = json.loads(await dearena(whole, *pair_of, "--json"))
    counted = [vote for vote in pair["votes"] if vote["counts"]]
    place = models.index(best.model) * len(models) + models.index(opponent["model"])
    assert len(counted) == pair["board_votes"] == matrices.comparisons[place] == opponent["votes"]
    assert sum(vote["wins"] for vote in counted) == pytest.approx(opponent["wins"])
    assert "as on the board" in await dearena(whole, *pair_of)

    # A vote: what the judge said, both times, is what its hash says, and the ledger has the calls.
    vote = counted[0]
    told = json.loads(await dearena(whole, "why", "d", "--cell", vote["cell_id"][:12], "--version", version, "--json"))
    comparison = told["comparison"]
    assert comparison["cell"]["cell_id"] == vote["cell_id"]
    assert (comparison["outcome"], told["counts"]) == (vote["outcome"], True)
    assert told["judge_weight"] == vote["judge_weight"] > 0
    assert [seat["first"] for seat in comparison["seats"]] == [vote["model_a"], vote["model_b"]]
    ledger = {entry.request_id: entry async for entry in applied.ledger(dimension="d")}
    for seat in comparison["seats"]:
        assert seat["transcript"]
        assert seat["transcript_hash"] == identity.text_hash(seat["transcript"])
        assert ledger[seat["request_id"]].model == vote["judge"]
        assert ledger[seat["request_id"]].purpose == gateway_pb2.PURPOSE_JUDGE
        assert ledger[seat["request_id"]].usage.output_tokens == seat["usage"]["output_tokens"]
    text = await dearena(whole, "why", "d", "--cell", vote["cell_id"], "--prompts")
    # The question stands in each prompt, and sparring answers repeat it.
    question = f"Question {vote['query_id'].removeprefix('d-')} of d?"
    prompts = text.split("prompt, user:")[1:]
    assert len(prompts) == len(comparison["seats"])
    assert all(question in prompt.partition("reply ")[0] for prompt in prompts)
    assert f"weighs    one vote of a judge of weight {told['judge_weight']:.2f}" in text
    if comparison["trace_id"]:
        assert f"http://traces.invalid/trace/{comparison['trace_id']}" in text


async def test_a_canary_is_found_by_the_beginning_of_its_id_and_shows_which_answer_was_cut(
    whole: Arena, applied: ArenaClient, played: Played
) -> None:
    canaries = [vote async for vote in applied.votes("d", canaries=True) if vote.kind == "CANARY"]
    assert canaries
    sorts = set()
    for one in {vote.cell_id: vote for vote in canaries}.values():
        told = json.loads(await dearena(whole, "why", "d", "--cell", one.cell_id[:16], "--json"))
        assert told["comparison"]["cell"]["cell_id"] == one.cell_id
        assert (told["template"], told["counts"]) == ("pairwise@1", False)
        sorts.add(told["canary"])
        expected = ["second", "first"] if told["canary"] == "TRUNCATED" else [None, None]
        assert told["truncated_seats"] == expected[: len(told["comparison"]["seats"])]
        if told["canary"] == "TRUNCATED" and one.outcome != "VOID":
            shown = await dearena(whole, "why", "d", "--cell", one.cell_id[:16], "--prompts")
            first, second = shown.split("prompt, user:")[1:]
            for prompt, (longer, shorter) in ((first, (1, 2)), (second, (2, 1))):
                assert len(_block(prompt, longer)) > 2 * len(_block(prompt, shorter))
            break
    assert sorts <= {"SAME", "TRUNCATED"}


def _block(prompt: str, seat: int) -> str:
    return prompt.partition(f"[ANSWER {seat} ")[2].partition(f"[END ANSWER {seat} ")[0]


async def test_votes_listed_are_those_the_board_counts_for_every_pair(applied: ArenaClient, played: Played) -> None:
    assert Counter(vote.outcome for vote in played.votes)["FLIP"] > 0  # not all that is listed is counted
    matrices = await applied.matrices("d", played.board.board_version)
    for one, other in combinations(matrices.models, 2):
        listed = why_votes.of_pair(played.votes, played.board, one, other)
        counted = [told for told in listed if told.counts]
        assert len(counted) == why_votes.board_votes(matrices, one, other), (one, other)
        assert {told.why_not for told in listed if not told.counts} <= {
            "FLIP decides nothing",
            "INVALID decides nothing",
            "the judge is suspended",
        }
