"""A dimension after its queries are chosen: how they fare, what would tell more, and the next version of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dearena.client import ArenaClient
from dearena.faults import EtagMismatch, InvalidField, NotReady, UnknownDimension, UnknownModel
from dearena.generators import generate
from dearena.plain import plain
from dearena.v1 import common_pb2, gateway_pb2
from dearena.v1 import query_selector_pb2 as pb
from tests.fixtures.arena import Arena, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(6)]
POOL = [question.line() for question in generate("algebra", 20, 1)]
PRICE = gateway_pb2.Price(per_million_output_tokens=common_pb2.Money(currency="USD", nano_units=10**9))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("life")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(whole: Arena) -> AsyncIterator[ArenaClient]:
    """Of a project in which six models are ranked in two dimensions of one pool, on 8 queries and on 6."""
    async with whole.client("life") as client:
        for slug in MODELS:
            await whole.register(client, slug, price=PRICE)
        for slug, k in (("d", 8), ("e", 6)):
            await client.create_dimension(
                pb.Dimension(
                    name=client.dimension_name(slug),
                    selection=pb.Selection(k=k, seed=k),
                    ranking=pb.RankingSettings(jury="exhaustive"),
                ),
                POOL,
            )
            await whole.settled(client, len(MODELS), slug)
        yield client


async def test_health_says_what_the_queries_tell_and_how_alike_other_boards_are(client: ArenaClient) -> None:
    found = await client.dimension_health("d")
    votes = [vote async for vote in client.votes("d")]
    queries = {query.query_id async for query in client.queries("d")}
    assert (found.dimension_version, found.votes, found.models) == (1, len(votes), len(MODELS))
    assert 0 <= found.separability <= 1
    assert 0 <= found.saturation <= 1
    assert {*found.saturated, *found.silent, *found.mislabelled, *found.retire} <= queries
    (other,) = found.correlations
    assert (other.dimension, other.models) == (client.dimension_name("e"), len(MODELS))
    assert -1 <= other.low <= other.correlation <= other.high <= 1
    assert (await client.dimension_health("d", ["e"])).correlations == found.correlations


async def test_power_says_what_would_separate_two_models_and_what_it_costs(client: ArenaClient) -> None:
    rows = (await client.leaderboard("d")).rows
    best, worst = rows[0].model, rows[-1].model
    found = await client.power("d", best, worst)
    turned = await client.power("d", worst, best)
    votes = len([vote async for vote in client.votes("d")])
    assert found.difference == pytest.approx(-turned.difference)
    assert found.difference > 0
    assert found.now.queries == 8
    assert found.now.power == found.power_now
    for design in (found.all_models, found.these_two):
        assert design.power >= 0.8
        assert design.cost[0].currency == "USD"
    # At the mean price of a vote on record.
    sums = await client.ledger_sums("d")
    judged = sum(one.cost.nano_units for one in sums if one.purpose == gateway_pb2.PURPOSE_JUDGE)
    mean = found.these_two.cost[0].nano_units / found.these_two.votes
    assert 0.5 * judged / votes < mean < 1.5 * judged / votes
    stricter = await client.power("d", best, worst, power=0.99)
    assert stricter.these_two.queries > found.these_two.queries


async def test_the_command_line_says_the_same(whole: Arena, client: ArenaClient) -> None:
    found = await client.dimension_health("d")
    shown = await whole.said("life", "dimension", "health", "d")
    assert f"{found.votes:,} votes on 6 models" in shown
    assert json.loads(await whole.said("life", "dimension", "health", "d", "--json")) == plain(found)
    shown = await whole.said("life", "dimension", "power", "d", "planted-0", "planted-1@1")
    assert " is ahead of " in shown
    assert "all models compared" in shown
    (query, *_) = [query.query_id async for query in client.queries("d")]
    shown = await whole.said("life", "dimension", "revise", "d", "--retire", query, "--add", "1", "--check")
    assert shown.startswith("version 2 of d would be 8 queries")
    assert "no query of the newest version" in await whole.refused("life", "dimension", "revise", "d", "--retire", "x")
    assert (await client.get_dimension("d")).version == 1


async def test_what_cannot_be_told_is_said(whole: Arena, client: ArenaClient) -> None:
    with pytest.raises(UnknownModel, match="nobody@1"):
        await client.power("d", "planted-0@1", "nobody@1")
    with pytest.raises(InvalidField, match="once more"):
        await client.power("d", "planted-0@1", "planted-0@1")
    with pytest.raises(InvalidField, match="error"):
        await client.power("d", "planted-0@1", "planted-1@1", error=float("nan"))
    with pytest.raises(InvalidField, match="model_a"):
        await client.power("d", "planted-0", "planted-1@1")
    with pytest.raises(UnknownDimension):
        await client.dimension_health("nowhere")
    with pytest.raises(UnknownDimension):
        await client.dimension_health("d", ["nowhere"])
    with pytest.raises(InvalidField, match="itself"):
        await client.dimension_health("d", ["d"])
    async with whole.client("empty") as nobody:
        await nobody.create_dimension(pb.Dimension(name=nobody.dimension_name("d"), selection=pb.Selection(k=2)), POOL)
        with pytest.raises(NotReady, match="no votes yet"):
            await nobody.dimension_health("d")


async def test_a_revision_that_cannot_be_is_refused_and_changes_nothing(client: ArenaClient) -> None:
    before = await client.get_dimension("d")
    with pytest.raises(InvalidField, match="no query of the newest version"):
        await client.revise_dimension("d", retire=["nothing"], add=1)
    with pytest.raises(InvalidField, match="never used"):
        await client.revise_dimension("d", add=13)
    with pytest.raises(InvalidField, match="nothing is to be"):
        await client.revise_dimension("d")
    with pytest.raises(InvalidField, match="no query would be left"):
        await client.revise_dimension("d", retire=[query.query_id async for query in client.queries("d")])
    with pytest.raises(NotReady, match="pilot"):
        await client.revise_dimension("d", add=1, method="telling")
    with pytest.raises(InvalidField, match="not known"):
        await client.revise_dimension("d", add=1, method="psychic")
    with pytest.raises(EtagMismatch):
        await client.revise_dimension("d", add=1, etag="stale")
    planned = await client.revise_dimension("d", add=2, validate_only=True)
    assert (planned.dimension.version, len(planned.added)) == (2, 2)
    assert await client.get_dimension("d") == before


async def test_a_revision_is_ranked_anew_and_what_stays_is_not_paid_again(whole: Arena, client: ArenaClient) -> None:
    first = {query.query_id async for query in client.queries("d")}
    gone = sorted(first)[:2]
    before = await client.leaderboard("d")
    calls = sum(one.calls for one in await client.ledger_sums("d"))

    made = await client.revise_dimension("d", retire=gone, add=3, request_id="once")
    again = await client.revise_dimension("d", retire=gone, add=3, request_id="once")
    assert (again.dimension.version, again.retired, again.added) == (2, made.retired, made.added)
    second = {query.query_id async for query in client.queries("d")}
    assert list(made.retired) == gone
    assert second == (first - set(gone)) | set(made.added)
    assert not set(made.added) & first
    assert (made.dimension.version, made.dimension.query_count) == (2, 9)
    assert {query.query_id async for query in client.queries("d", 1)} == first

    async def of_the_second() -> bool:
        found = await whole.calmly(client.leaderboard, "d")
        return found is not None and found.dimension_version == 2 and len(found.rows) == len(MODELS) and found.settled

    await eventually(of_the_second, 90, equals=True, poll=0.2)
    played = await whole.settled(client, len(MODELS))
    assert played.board.dimension_version == 2
    assert before.dimension_version == 1
    # Six models answer three new questions, and judge all pairs on these in both orders: no more is paid.
    paid = sum(one.calls for one in await client.ledger_sums("d")) - calls
    canaries = sum(vote.kind != "VOTE" for vote in played.votes)
    pairs = len(MODELS) * (len(MODELS) - 1) // 2
    assert paid <= 3 * (len(MODELS) + 2 * pairs * (len(MODELS) - 2)) + canaries
    assert {row.model for row in played.board.rows} == {f"{slug}@1" for slug in MODELS}


async def test_after_a_revision_everything_speaks_of_the_version_that_is_ranked(
    whole: Arena, client: ArenaClient, tmp_path: Path
) -> None:
    board = await client.leaderboard("d")
    votes = [vote async for vote in client.votes("d")]
    of_second = [vote for vote in votes if vote.round >= board.first_round]
    assert 1 < board.first_round <= board.board_version
    assert {vote.query_id for vote in of_second} == {query.query_id async for query in client.queries("d")}
    health = await client.dimension_health("d")
    assert (health.dimension_version, health.votes) == (2, len(of_second))
    assert "version 2" in await whole.said("life", "leaderboard", "d")
    assert "proven" in await whole.said("life", "audit", "d")
    exported = tmp_path / "votes.jsonl"
    await whole.said("life", "votes", "export", "d", "-o", str(exported))
    assert len(exported.read_text().splitlines()) == len(of_second)
    fitted = json.loads(await whole.said("life", "fit", str(exported), "--weights", board.settings.weighting, "--json"))
    strengths = {row["model"]: row["strength"] for row in fitted["models"]}
    assert strengths == pytest.approx({row.model: row.strength for row in board.rows}, abs=1e-9)
    await whole.said("life", "votes", "export", "d", "--all-versions", "-o", str(exported))
    assert len(exported.read_text().splitlines()) == len(votes)
    best, worst = board.rows[0].model, board.rows[-1].model
    told = json.loads(await whole.said("life", "why", "d", best, worst, "--json"))
    assert sum(one["counts"] for one in told["votes"]) == told["board_votes"] > 0
    await whole.said("life", "explain", best, "-d", "d")


async def test_of_two_who_revise_at_once_one_is_told_to_try_again(client: ArenaClient) -> None:
    results = await asyncio.gather(
        *(client.revise_dimension("e", add=1 + at) for at in range(3)), return_exceptions=True
    )
    made = [one for one in results if isinstance(one, pb.ReviseDimensionResponse)]
    versions = sorted(one.dimension.version for one in made)
    assert versions == list(range(2, 2 + len(made)))
    newest = await client.get_dimension("e")
    assert newest.version == versions[-1]
    assert newest.query_count == len([query async for query in client.queries("e")])
