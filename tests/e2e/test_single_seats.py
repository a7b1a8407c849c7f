"""A dimension of single seats, through all services: one call a cell, and what the first seat is worth is told."""

import asyncio
import json
import math
import re
import sys
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import numpy as np
import pytest
import pytest_asyncio
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import spearmanr

from dearena.client import ArenaClient
from dearena.outcomes import SeatVerdict
from dearena.sparring import planted, worlds
from dearena.sparring.odds import Odds, Shown
from dearena.v1 import common_pb2, judge_dispatcher_pb2
from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceStub
from tests.fixtures.arena import Arena, Played, arena

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(8)]
QUERIES = 24
LEAN = 1.0
WORLDS = {
    # Judges differ in how far they lean, as they do.
    "planted": {"kind": "planted", "seed": 0, "first_seat_mean": LEAN, "first_seat_sd": 0.3},
}
ERRORS = 3.5
"""Standard errors within which a figure must lie: one in two thousand lies beyond."""


@dataclass(frozen=True)
class Look:
    """What a judge said of two answers, seen once."""

    judge: str
    first: str
    second: str
    query_id: str
    prefers_first: bool
    calls: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("single-seats"), worlds=WORLDS) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def single(whole: Arena) -> AsyncIterator[tuple[ArenaClient, Played, list[Look]]]:
    """The dimension after its last settle."""
    async with whole.client("single") as client:
        for slug in MODELS:
            await whole.register(client, slug)
        await whole.dimension(client, "d", QUERIES, seats=common_pb2.SEAT_POLICY_SINGLE)
        played = await whole.settled(client, len(MODELS))
        yield client, played, await looks(whole, client)


async def looks(whole: Arena, client: ArenaClient) -> list[Look]:
    """All votes with their seats, as the dispatcher tells them; models by slug."""
    found = []
    request = judge_dispatcher_pb2.ListVotesRequest(
        dimension=client.dimension_name("d"), kinds=[common_pb2.CELL_KIND_VOTE]
    )
    async with grpc.aio.insecure_channel(whole.stack.addresses.judge_dispatcher) as channel:
        async for batch in JudgeDispatcherServiceStub(channel).ListVotes(request):
            slugs = [model.partition("@")[0] for model in batch.models]
            for row, orders in enumerate(zip(batch.a_first, batch.b_first, strict=True)):
                a, b = slugs[batch.model_a[row]], slugs[batch.model_b[row]]
                asked = [at for at, said in enumerate(orders) if said != common_pb2.SEAT_VERDICT_NONE]
                assert len(asked) == 1  # one look, and never none in this world
                first, second = ((a, b), (b, a))[asked[0]]
                found.append(
                    Look(
                        judge=slugs[batch.judge[row]],
                        first=first,
                        second=second,
                        query_id=batch.query_ids[batch.query[row]],
                        prefers_first=orders[asked[0]] == common_pb2.SEAT_VERDICT_FIRST,
                        calls=batch.judge_calls[row],
                    )
                )
    return found


def planted_odds() -> Odds:
    world = worlds.build({"worlds": WORLDS}, beside=Path())["planted"]
    assert isinstance(world, planted.PlantedWorld)
    return Odds(world)


def answer(odds: Odds, model: str, query: str) -> Shown:
    shown = odds.answer(model, query, [f"Question {int(query.removeprefix('d-'))} of d?"])
    assert shown is not None
    return shown


def chances(found: Sequence[Look]) -> np.ndarray:
    """With which each judge was to prefer the first seat, as planted."""
    odds = planted_odds()
    return np.array(
        [
            odds.world.first_seat_chance(
                look.judge,
                look.query_id,
                answer(odds, look.first, look.query_id).text,
                answer(odds, look.second, look.query_id).text,
            )
            for look in found
        ]
    )


def effect_at(chance: np.ndarray, found: Sequence[Look]) -> float:
    """What the first seat is worth by a fit of endless votes: of the chances themselves, a strength a model."""
    place = {slug: at for at, slug in enumerate(MODELS)}
    first = np.array([place[look.first] for look in found])
    second = np.array([place[look.second] for look in found])

    def loss(parameters: np.ndarray) -> float:
        strengths, effect = parameters[:-1], parameters[-1]
        log_odds = strengths[first] - strengths[second] + effect
        likely = np.logaddexp(0, -log_odds) * chance + np.logaddexp(0, log_odds) * (1 - chance)
        return float(likely.sum() + 1e-3 * strengths @ strengths)

    found_at = minimize(loss, np.zeros(len(MODELS) + 1), method="BFGS")
    return float(found_at.x[-1])


def error_of_draws(chance: np.ndarray) -> float:
    """Standard error of the effect over draws of the same votes, at least: as if strengths were known."""
    return float(1 / math.sqrt((chance * (1 - chance)).sum()))


async def test_every_cell_costs_one_call_and_both_seats_are_drawn(
    whole: Arena, single: tuple[ArenaClient, Played, list[Look]]
) -> None:
    _, played, found = single
    assert {look.calls for look in found} == {1}
    assert len(found) == len(played.votes) == played.board.judge_calls
    assert played.board.outcomes.flip == 0
    drawn = [look.first < look.second for look in found]
    assert abs(np.mean(drawn) - 0.5) < ERRORS * 0.5 / math.sqrt(len(drawn))
    # What was said in the seat that was drawn is what the planted odds draw for it, to the vote.
    odds = planted_odds()
    for look in found:
        shown = (answer(odds, model, look.query_id) for model in (look.first, look.second))
        assert (odds.seat(look.judge, *shown) is SeatVerdict.FIRST) is look.prefers_first, look


async def test_the_board_tells_what_the_first_seat_is_worth(
    whole: Arena, single: tuple[ArenaClient, Played, list[Look]]
) -> None:
    _, played, found = single
    effect = played.board.seat_effect
    assert effect.votes == len(found)
    planted_effect = effect_at(chances(found), found)
    # Over answers that vary, log-odds come out smaller than each judge's own lean.
    assert 0.5 * LEAN < planted_effect < LEAN
    assert 0 < effect.low <= planted_effect <= effect.high
    # The interval is for other questions and judges; of these very ones only the draws of verdicts are by chance.
    assert abs(effect.log_odds - planted_effect) < ERRORS * error_of_draws(chances(found))

    truth = planted.truth(0, MODELS)
    rows = played.board.rows
    slugs = [row.model.partition("@")[0] for row in rows]
    assert spearmanr([row.strength for row in rows], [truth[slug] for slug in slugs]).statistic >= 0.8

    said = " ".join((await whole.said("single", "leaderboard", "d", columns=240)).split())  # long notes are wrapped
    share = 100 * expit(effect.log_odds)
    assert f"note: {len(found):,} votes are of one look: strengths are corrected for the first seat, worth " in said
    assert f" worth {effect.log_odds:+.2f} log-odds ({effect.low:+.2f} to {effect.high:+.2f}); of two " in said
    assert f" the first is preferred in {share:.0f} %" in said
    told = json.loads(await whole.said("single", "leaderboard", "d", "--json", columns=240))["seat_effect"]
    assert told["log_odds"] == pytest.approx(effect.log_odds)


async def test_each_judge_is_told_how_far_it_leans(
    whole: Arena, single: tuple[ArenaClient, Played, list[Look]]
) -> None:
    client, _, found = single
    by_judge: dict[str, list[Look]] = defaultdict(list)
    for look in found:
        by_judge[look.judge].append(look)
    report = (await client.judge_report("d", wait_seconds=60)).judges
    assert {row.judge.partition("@")[0] for row in report} == set(by_judge)
    covered = []
    for row in report:
        own = by_judge[row.judge.partition("@")[0]]
        share = row.first_seat
        assert share.votes == len(own)
        assert share.value == pytest.approx(np.mean([look.prefers_first for look in own]))
        expected = chances(own)
        error = math.sqrt((expected * (1 - expected)).sum()) / len(own)
        assert abs(share.value - expected.mean()) < ERRORS * error
        covered.append(share.low <= expected.mean() <= share.high)
    assert sum(covered) >= len(covered) - 2
    # All of them lean, and those of whom it is sure are noted.
    assert all(row.first_seat.value > 0.5 for row in report)
    said = await whole.said("single", "judges", "d", columns=240)
    for row in report:
        [line] = [line for line in said.splitlines() if line.startswith(row.judge)]
        assert f"{100 * row.first_seat.value:.0f} % ({100 * row.first_seat.low:.0f} to" in re.sub(r"\s+", " ", line)
    health = {one.judge: one for one in await client.judges("d")}
    for row in report:
        one = health[row.judge]
        # Canaries are asked once too: no judge has more verdicts than cells.
        assert row.first_seat.votes <= one.first_seat + one.second_seat <= one.cells


async def test_exported_votes_make_the_board_again(
    whole: Arena, single: tuple[ArenaClient, Played, list[Look]], tmp_path: Path
) -> None:
    """Without who sat first, a fit would take what the seat is worth for strength."""
    _, played, _ = single
    file = tmp_path / "votes.jsonl"
    assert "votes are in" in await whole.said("single", "votes", "export", "d", "-o", str(file), columns=240)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dearena.cli", "fit", str(file), "--json", stdout=PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    fitted = json.loads(said)
    assert {row["model"]: row["strength"] for row in fitted["models"]} == pytest.approx(
        {row.model: row.strength for row in played.board.rows}, abs=1e-4
    )
    assert fitted["first_seat"]["log_odds"] == pytest.approx(played.board.seat_effect.log_odds, abs=1e-4)
