"""Client and command line against a real scorer: history, pairs, judges, boards that might have been, changes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from dearena.cli.app import app
from dearena.client import Addresses, ArenaClient
from dearena.faults import InvalidField, NotReady, UnknownDimension
from dearena.plain import plain
from dearena.v1 import scorer_pb2 as pb
from dearena.v1.scorer_pb2_grpc import ScorerServiceStub
from services.runtime.lifecycle import running
from services.scorer.room import build
from services.scorer.settings import ScorerSettings
from tests.fixtures.scored_rounds import ALGEBRA, MODELS, playing


@dataclass
class Scored:
    """A scorer with three boards, a client of it, and a command line that finds it."""

    client: ArenaClient

    async def dearena(self, *args: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, args)

    async def said(self, *args: str) -> str:
        """What it printed; it must have gone well."""
        result = await self.dearena(*args)
        assert result.exit_code == 0, result.output
        return result.stdout

    async def told(self, *args: str) -> Any:
        """The JSON that it printed."""
        return json.loads(await self.said(*args, "--json"))

    async def refused(self, *args: str) -> str:
        """What it said on standard error; it must have exited 1, without a traceback."""
        result = await self.dearena(*args)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr


@pytest.fixture
async def scored(arena_settings: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scored]:
    """Three rounds; the first does not settle, and a model is retired in the second only."""
    peers = ("ranker", "judge_dispatcher", "query_selector", "gateway")
    with capture_logs():
        async with playing() as arena:
            arena.play(1)
            arena.play(2, settles=True, retired=["beta@1"])
            arena.play(3, settles=True)
            settings = arena_settings(ScorerSettings, **{f"{peer}_address": arena.address for peer in peers})
            async with (
                running("scorer", settings, build) as service,
                ArenaClient(Addresses(scorer=service.address)) as client,
            ):
                for number in (1, 2, 3):
                    await ScorerServiceStub(client._scorer.channel).ScoreThrough(
                        pb.ScoreThroughRequest(dimension=str(ALGEBRA), round=number), timeout=10
                    )
                monkeypatch.setenv("DEARENA_SCORER_ADDRESS", service.address)
                yield Scored(client)


async def test_a_board_is_shown_with_all_that_must_be_known(scored: Scored) -> None:
    board = await scored.client.leaderboard("algebra")
    said = await scored.said("leaderboard", "algebra")
    first = board.rows[0]
    assert first.rank_low < first.rank_high
    assert f"1 ({first.rank_low}-{first.rank_high})" in said
    assert f"worth {board.effective_votes:,.0f} independent ones" in said
    assert "weights score · ties half · flips leave · 3 questions · 4 judges" in said
    assert "note: only 3 questions and 4 judges: intervals are rough, however wide" in said
    assert "retired" in await scored.said("leaderboard", "algebra", "--version", "2")


async def test_every_version_is_listed(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = await scored.told("boards", "algebra")
    assert [(board["board_version"], board["settled"]) for board in listed] == [(3, True), (2, True), (1, False)]
    assert [board["board_version"] for board in await scored.told("boards", "algebra", "--last", "2")] == [3, 2]
    assert listed[0]["board_digest"][:12] in await scored.said("boards", "algebra")
    monkeypatch.setattr("dearena.client.boards.LARGEST_PAGE", 1)
    assert [plain(board) async for board in scored.client.boards("algebra")] == listed


async def test_changes_between_two_versions_are_split(scored: Scored) -> None:
    told = await scored.told("diff", "algebra", "1", "2")
    assert told == plain(await scored.client.diff_boards("algebra", 1, 2))
    assert (told["from_version"], told["to_version"], told["left"]) == (1, 2, ["beta@1"])
    for model in told["models"]:
        assert sum(model["rank"].values()) == model["rank_after"] - model["rank_before"]
    assert "left: beta@1" in await scored.said("diff", "algebra", "1", "2")
    assert (await scored.told("diff", "algebra", "1"))["to_version"] == 3
    assert await scored.refused("diff", "algebra", "3") == (
        "error: from_version: is 3; must be below to_version, which is 3\n"
    )
    with pytest.raises(InvalidField):
        await scored.client.diff_boards("algebra", 3, 2)


async def test_judges_are_reported_on(scored: Scored) -> None:
    told = await scored.told("judges", "algebra")
    assert [judge.pop("persuasion") for judge in told["judges"]] == [None] * len(MODELS)  # nobody was tried
    assert told == plain(await scored.client.judge_report("algebra"))
    assert [judge["judge"] for judge in told["judges"]] == list(MODELS)
    assert [judge["worth"] for judge in told["judges"]] == [None] * len(MODELS)
    said = await scored.said("judges", "algebra", "--version", "2")
    assert "algebra · board 2 · 4 judges" in said
    assert "first seat" in said
    assert "variance" not in said


async def test_the_worth_of_judges_is_told_when_asked_for(scored: Scored) -> None:
    told = await scored.told("judges", "algebra", "--worth")
    assert all(judge["worth"]["variance_removed"] for judge in told["judges"])
    assert "cost of a unit of variance" in await scored.said("judges", "algebra", "--worth")


async def test_boards_that_might_have_been_are_shown(scored: Scored) -> None:
    told = await scored.told("what-if", "algebra")
    assert told == plain(await scored.client.counterfactuals("algebra"))
    assert {board["kind"] for board in told["boards"]} == {"JUDGE", "FAMILY_JUDGES", "WEIGHTING", "TIES", "FLIPS"}
    some = await scored.told("what-if", "algebra", "--kind", "family", "--kind", "ties", "--version", "2")
    assert (some["board_version"], {board["kind"] for board in some["boards"]}) == (2, {"FAMILY", "TIES"})
    said = await scored.said("what-if", "algebra")
    assert "without the judge alpha@1" in said
    assert "without the judges of greek" in said
    assert "ranks if won or lost" in said


async def test_pairs_are_said_one_by_one(scored: Scored) -> None:
    found = await scored.client.pairs("algebra")
    first, second, *_ = found.models
    below = await scored.told("pairs", "algebra")
    assert [(pair["model"], pair["other"]) for pair in below] == list(
        zip(found.models[:-1], found.models[1:], strict=True)
    )
    (pair,) = await scored.told("pairs", "algebra", second.partition("@")[0], first)
    assert (pair["rank"], pair["other_rank"]) == (2, 1)
    assert pair["better"] == found.better[len(found.models)]
    assert f"1 {first}" in await scored.said("pairs", "algebra", first)
    assert await scored.refused("pairs", "algebra", "omega") == "error: omega has no rank on board 3\n"
    # Retired then.
    assert "beta has no rank" in await scored.refused("pairs", "algebra", "beta", "--version", "2")


@pytest.mark.parametrize(
    "command", [["boards"], ["diff", "1", "2"], ["judges"], ["what-if"], ["pairs"]], ids=lambda command: command[0]
)
async def test_what_is_not_there_is_one_clear_line(scored: Scored, command: list[str]) -> None:
    name, *more = command
    assert "there is no dimension" in (told := await scored.refused(name, "nowhere", *more))
    assert len(told.splitlines()) == 1


async def test_faults_of_reports_come_back_as_themselves(scored: Scored) -> None:
    with pytest.raises(UnknownDimension):
        await scored.client.judge_report("nowhere")
    with pytest.raises(NotReady, match="has no board 9 yet"):
        await scored.client.counterfactuals("algebra", 9)
