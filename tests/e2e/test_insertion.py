"""From registration to a board, through all services on real servers."""

import asyncio
import json
import math
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from scipy.stats import spearmanr

from dearena.client import ArenaClient
from dearena.outcomes import outcome_of
from dearena.sparring import planted, worlds
from dearena.sparring.odds import Odds
from dearena.v1 import ranker_pb2
from tests.fixtures.arena import DONE, WORLDS, Arena, Played, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(8)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("insertion")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def skill(whole: Arena) -> AsyncIterator[tuple[ArenaClient, Played]]:
    """A dimension in which all models are ranked and rest."""
    async with whole.client("skill") as client:
        await whole.begin(client, MODELS, queries=24)
        yield client, await whole.settled(client, len(MODELS))


async def test_models_are_ranked_by_their_skill(skill: tuple[ArenaClient, Played]) -> None:
    client, played = skill
    matrices = await client.matrices("d")
    insertions = [insertion async for insertion in client.insertions("d")]
    ranking = await client.ranking("d")

    rows = played.board.rows
    assert [row.model for row in rows] == list(ranking.models)
    assert [row.rank for row in rows] == list(range(1, len(MODELS) + 1))
    assert all(row.strength_low < row.strength < row.strength_high for row in rows)
    assert played.board.connected
    truth = planted.truth(0, MODELS)
    slugs = [row.model.partition("@")[0] for row in rows]
    assert spearmanr([row.strength for row in rows], [truth[slug] for slug in slugs]).statistic >= 0.85

    n = len(MODELS)
    assert list(matrices.models) == [row.model for row in rows]
    counts = np.array(matrices.comparisons).reshape(n, n)
    rates = np.array(matrices.win_rate).reshape(n, n)
    assert (counts == counts.T).all()
    assert not counts.diagonal().any()
    met = counts > 0
    assert np.allclose((rates + rates.T)[met], 1.0)
    assert all(math.isnan(rate) for rate in rates[~met])

    assert {insertion.phase for insertion in insertions} == {ranker_pb2.INSERTION_PHASE_SETTLED}
    assert [insertion.model for insertion in insertions] == [f"{slug}@1" for slug in MODELS]
    assert len(played.votes) * 2 == played.board.judge_calls
    counted = played.board.outcomes
    assert counted.a + counted.b + counted.tie + counted.flip == len(played.votes)


async def test_every_vote_is_what_the_planted_odds_say_on_paper(skill: tuple[ArenaClient, Played]) -> None:
    _, played = skill
    world = worlds.build({"worlds": WORLDS}, beside=Path())["planted"]
    assert isinstance(world, planted.PlantedWorld)
    odds = Odds(world)
    assert played.votes
    for vote in played.votes:
        turns = (f"Question {int(vote.query_id.removeprefix('d-'))} of d?",)
        judge, a, b = (revision.partition("@")[0] for revision in (vote.judge, vote.model_a, vote.model_b))
        shown_a, shown_b = (odds.answer(model, vote.query_id, turns) for model in (a, b))
        assert shown_a is not None
        assert shown_b is not None
        expected = outcome_of(odds.seat(judge, shown_a, shown_b), odds.seat(judge, shown_b, shown_a))
        assert vote.outcome == expected


async def test_a_board_is_explained_by_the_command_line(whole: Arena, skill: tuple[ArenaClient, Played]) -> None:
    async def dearena(*args: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("dearena")), *args, "--project", "skill", "--json"),
            env=os.environ | {"DEARENA_SCORER_ADDRESS": whole.stack.addresses.scorer},
            stdout=PIPE,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0
        return json.loads(said)

    played = skill[1]
    newest = played.board
    boards, report = await asyncio.gather(dearena("boards", "d", "--last", "0"), dearena("judges", "d", "--worth"))
    seeding = [board for board in boards if board["settled"]][-1]
    assert seeding["models"] < len(MODELS)
    changes = await dearena("diff", "d", str(seeding["board_version"]))

    assert report["board_version"] == newest.board_version
    assert {judge["judge"] for judge in report["judges"]} == {vote.judge for vote in played.votes}
    # On the board also those weigh who have not judged yet: the same weights, about another mean.
    weights = {row.model: row.judge_weight for row in newest.rows}
    ratios = [weights[judge["judge"]] / judge["weight"] for judge in report["judges"]]
    assert np.allclose(ratios, ratios[0], rtol=1e-3)
    assert all(judge["first_seat"] and judge["agreement"] and judge["worth"] for judge in report["judges"])

    stayed = {change["model"]: change for change in changes["models"]}
    assert set(stayed) | set(changes["came"]) == set(weights)
    assert len(changes["came"]) == len(MODELS) - seeding["models"]
    ranks = {row.model: row.rank for row in newest.rows}
    for model, change in stayed.items():
        assert change["rank_after"] == ranks[model]
        assert sum(change["rank"].values()) == change["rank_after"] - change["rank_before"]


async def test_an_insertion_can_be_watched_and_resumed(whole: Arena) -> None:
    async with whole.client("watched") as client:
        await whole.begin(client, MODELS[:6], world="slow")
        newcomer = f"{MODELS[5]}@1"

        async def admitted() -> bool:
            return newcomer in [i.model async for i in client.insertions("d")] if await rankable() else False

        async def rankable() -> bool:
            return await whole.calmly(client.ranking, "d") is not None

        await eventually(admitted, poll=0.1)
        async with asyncio.timeout(60):
            steps = [step async for step in client.watch_insertion("d", newcomer)]
            cursor = steps[1].cursor
            resumed = [step async for step in client.watch_insertion("d", newcomer, cursor=cursor)]

    decided = [step for step in steps if step.HasField("decision")]
    assert steps[-1].insertion.phase in DONE
    assert all(step.why for step in decided)
    assert [step.decision.number for step in resumed if step.HasField("decision")] == [
        step.decision.number for step in decided if step.decision.number > cursor
    ]


async def test_two_models_of_equal_answers_are_both_ranked(whole: Arena) -> None:
    async with whole.client("twins") as client:
        for slug in MODELS[:5]:
            await whole.register(client, slug)
        await whole.register(client, "twin-one", upstream="planted-6")
        await whole.register(client, "twin-two", upstream="planted-6")
        await whole.dimension(client, "d", 8)
        played = await whole.settled(client, 7)

    assert played.board.connected
    votes = {row.model: row.votes for row in played.board.rows}
    assert votes["twin-one@1"] > 0
    assert votes["twin-two@1"] > 0
    # The same question about the same two texts to the same judge is one call, however often it is a cell.
    assert {whole.requests()[request] for request in played.request_ids} == {1}


async def test_a_retired_model_keeps_its_votes_and_loses_its_rank(whole: Arena) -> None:
    async with whole.client("retired") as client:
        await whole.begin(client, MODELS[:5])
        before = await whole.settled(client, 5)
        leaving = before.board.rows[2].model
        await client.retire_model(leaving.partition("@")[0])
        await eventually(lambda: _left(client, leaving), poll=0.2)
        await whole.register(client, MODELS[5])
        after = await whole.settled(client, 5)

    (row,) = [row for row in after.board.rows if row.model == leaving]
    assert row.retired
    assert row.rank == 0
    assert row.votes > 0
    later = [vote for vote in after.votes if vote.round > before.board.board_version]
    assert later
    assert leaving not in {vote.judge for vote in later}


async def _left(client: object, model: str) -> bool:
    ranking = await client.ranking("d")  # type: ignore[attr-defined]
    return model not in ranking.models


async def test_two_dimensions_do_not_mix(whole: Arena) -> None:
    async with whole.client("two") as client:
        for slug in MODELS[:5]:
            await whole.register(client, slug)
        await whole.dimension(client, "first", 6)
        await whole.dimension(client, "second", 6)
        first, second = await asyncio.gather(whole.settled(client, 5, "first"), whole.settled(client, 5, "second"))

    assert {vote.query_id.partition("-")[0] for vote in first.votes} == {"first"}
    assert {vote.query_id.partition("-")[0] for vote in second.votes} == {"second"}
    assert first.board.board_digest != second.board.board_digest
