"""Real services and an arena in memory hear the same world: the same decisions, the same votes, the same boards.

Compared is all that the decision log says, but the digests of cells: in memory a cell is called by its names, where
services call it by hashes of what is shown.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf import json_format

from dearena.client import ArenaClient
from dearena.ranking import evidence
from dearena.trials import arena as memory
from dearena.trials.world import Planted
from dearena.v1 import ranker_pb2, scorer_pb2
from services.ranker import peer_messages
from tests.fixtures.arena import Arena, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

SEED = 3
MODELS = [f"planted-{n}" for n in range(9)]
QUERIES = 16
REFINEMENT_CALLS = 120
RANKING: dict[str, dict[str, Any]] = {
    "plain": {"jury": "sequential", "canary_every": 6},
    "refined": {"jury": "sequential", "canary_every": 6, "seed_models": 4, "window": 2, "weighting": "reliability"},
}
SETTLE_SECONDS = 120.0

Decided = tuple[int, str, str, int, dict[str, Any]]
Voted = tuple[int, str, str, str, str, str, int]


@dataclass(frozen=True)
class Both:
    """A dimension after its last settle: of real services, and in memory."""

    log: Sequence[ranker_pb2.Decision]
    board: scorer_pb2.Board
    votes: set[Voted]
    memory: memory.Arena


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Both]]:
    """All models as one cohort in two dimensions at once, and a refinement of one of them."""
    worlds = {"planted": {"kind": "planted", "seed": SEED}}
    async with arena(tmp_path_factory.mktemp("offline"), worlds=worlds) as whole, whole.client("offline") as client:
        for slug in MODELS:
            await whole.register(client, slug)
        for dimension, ranking in RANKING.items():
            await whole.dimension(client, dimension, QUERIES, **ranking)
        found = await asyncio.gather(*(_played(whole, client, dimension) for dimension in RANKING))
        yield dict(zip(RANKING, found, strict=True))


async def _played(whole: Arena, client: ArenaClient, dimension: str) -> Both:
    await whole.settled(client, len(MODELS), dimension)
    in_memory = await _in_memory(client, dimension)
    if dimension == "refined":
        await client.refine_ranking(dimension, REFINEMENT_CALLS)
        in_memory.refine(REFINEMENT_CALLS)

    async def rests() -> list[ranker_pb2.Decision] | None:
        log = [decision async for decision in client.decisions(dimension)]
        ordered = sum(decision.kind == ranker_pb2.DECISION_KIND_REFINEMENT_ORDERED for decision in log)
        ranking = await client.ranking(dimension)
        at_rest = ranking.waiting_reason and not ranking.open_round and not ranking.refinement_calls_left
        return log if at_rest and ordered == len(in_memory.orders) else None

    log = await eventually(rests, SETTLE_SECONDS, poll=0.2)
    votes = {
        (vote.round, vote.model_a, vote.model_b, vote.judge, vote.query_id, vote.outcome, vote.draw)
        async for vote in client.votes(dimension)
    }
    return Both(log, await client.leaderboard(dimension), votes, in_memory)


async def _in_memory(client: ArenaClient, dimension: str) -> memory.Arena:
    """The same entrants by the same rules, played without a server."""
    declared = peer_messages.dimension_version(await client.get_dimension(dimension))
    questions = {f"{dimension}-{n:02}": f"Question {n} of {dimension}?" for n in range(QUERIES)}
    played = memory.Arena(Planted(SEED, MODELS, questions), declared.rules, [], salt=str(declared.name))
    played.entrants = [peer_messages.entrant(one) for one in await client.entrants(dimension)]
    played.run()
    return played


def _told(decision: ranker_pb2.Decision) -> Decided:
    kind = ranker_pb2.DecisionKind.Name(decision.kind).removeprefix("DECISION_KIND_")
    content = json_format.MessageToDict(decision.content)
    return decision.number, kind, decision.model, decision.round, _but_cells(content)


def _but_cells(content: Any) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "cells_digest"}


@pytest.mark.parametrize("dimension", RANKING)
async def test_decisions_are_those_in_memory(both: dict[str, Both], dimension: str) -> None:
    played = both[dimension]
    for decision, expected in zip(played.log, played.memory.log, strict=False):
        wanted = (expected.number, str(expected.kind), expected.model, expected.round, _but_cells(expected.content))
        assert _told(decision) == wanted
    assert len(played.log) == len(played.memory.log)


@pytest.mark.parametrize("dimension", RANKING)
async def test_votes_are_those_in_memory(both: dict[str, Both], dimension: str) -> None:
    played = both[dimension]
    expected = {
        (number, *vote.pair, vote.judge, vote.query_id, str(vote.outcome), vote.draw)
        for number, votes in played.memory.votes.items()
        for vote in votes
        if vote.kind == evidence.VOTE
    }
    assert expected
    assert played.votes == expected


@pytest.mark.parametrize("dimension", RANKING)
async def test_the_last_board_is_that_in_memory_to_the_bit(both: dict[str, Both], dimension: str) -> None:
    played = both[dimension]
    made = played.memory.made.board
    assert played.board.board_digest == made.digest
    assert [(row.model, row.strength, row.strength_low, row.strength_high) for row in played.board.rows] == [
        (row.model, row.strength, row.low, row.high) for row in made.rows
    ]


async def test_judges_were_watched_and_a_refinement_was_played(both: dict[str, Both]) -> None:
    """What the comparison is to cover has taken place."""
    for played in both.values():
        heard = [vote for votes in played.memory.votes.values() for vote in votes]
        assert any(vote.kind == evidence.CANARY for vote in heard)
        assert {vote.draw for vote in heard} != {evidence.EVEN_DRAW}
    refined = both["refined"].log
    (order,) = [one.number for one in refined if one.kind == ranker_pb2.DECISION_KIND_REFINEMENT_ORDERED]
    assert any(one.kind == ranker_pb2.DECISION_KIND_ROUND_CLOSED for one in refined if one.number > order)
