"""What the scorer works out of a board's votes on demand, against the same worked out here."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from dearena import faults
from dearena.rpc_faults import fault_of
from dearena.scoring import fit
from dearena.scoring.reports.changes import VersionInputs, changes
from dearena.scoring.reports.counterfactuals import Kind, counterfactuals
from dearena.scoring.reports.judges import judge_report
from dearena.scoring.reports.outcome_counts import outcome_bounds
from dearena.scoring.style import Style
from dearena.v1 import scorer_pb2 as pb
from dearena.v1.scorer_pb2_grpc import ScorerServiceStub
from services.runtime.lifecycle import running
from services.scorer.room import build
from services.scorer.settings import ScorerSettings
from tests.fixtures.scored_rounds import ALGEBRA, FAMILIES, MODELS, QUERIES, SETTINGS, Arena, answer_of, playing

if TYPE_CHECKING:
    from dearena.v1.scorer_pb2_grpc import ScorerServiceAsyncStub

NAME = str(ALGEBRA)
FAMILY_OF = {f"{slug}@1": family for slug, family in FAMILIES.items() if family}


@pytest.fixture
async def arena() -> AsyncIterator[Arena]:
    """Three rounds; a model is retired in the second, and only there."""
    async with playing() as arena:
        arena.play(1)
        arena.play(2, settles=True, retired=["beta@1"])
        arena.play(3, settles=True)
        yield arena


@pytest.fixture
async def scorer(arena_settings: Callable[..., Any], arena: Arena) -> AsyncIterator[ScorerServiceAsyncStub]:
    peers = ("ranker", "judge_dispatcher", "query_selector", "gateway")
    settings = arena_settings(ScorerSettings, **{f"{peer}_address": arena.address for peer in peers})
    async with running("scorer", settings, build) as service, grpc.aio.insecure_channel(service.address) as channel:
        stub: ScorerServiceAsyncStub = ScorerServiceStub(channel)
        for number in (1, 2, 3):
            await stub.ScoreThrough(pb.ScoreThroughRequest(dimension=NAME, round=number), timeout=10)
        yield stub


async def board(scorer: ScorerServiceAsyncStub, version: int) -> pb.Board:
    return (await scorer.GetLeaderboard(pb.GetLeaderboardRequest(dimension=NAME, board_version=version))).board


@asynccontextmanager
async def refused(kind: type[faults.ArenaFault], match: str) -> AsyncIterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    fault = fault_of(caught.value)
    assert type(fault) is kind, fault
    assert match in str(fault)


class TestGetPairs:
    async def test_says_how_surely_each_is_better_than_each(self, scorer: ScorerServiceAsyncStub) -> None:
        of = await board(scorer, 2)
        found = await scorer.GetPairs(pb.GetPairsRequest(dimension=NAME, board_version=2))
        rows = [row for row in of.rows if not row.retired]
        assert found.board_version == 2
        assert list(found.models) == [row.model for row in rows]
        assert len(found.models) == len(MODELS) - 1
        assert list(found.groups) == [row.group for row in rows]
        assert found.votes == of.outcomes.a + of.outcomes.b + of.outcomes.tie
        n = len(rows)
        for i in range(n):
            assert found.better[i * n + i] == 0.5
            assert found.votes_needed[i * n + i] == 0
            for j in range(i + 1, n):
                above, below = found.better[i * n + j], found.better[j * n + i]
                assert above >= 0.5
                assert above + below == pytest.approx(1)
                assert found.votes_needed[i * n + j] == found.votes_needed[j * n + i] >= found.votes

    async def test_are_worked_out_once(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        request = pb.GetPairsRequest(dimension=NAME, board_version=1)
        before = arena.asked["round"]
        together = await asyncio.gather(*(scorer.GetPairs(request) for _ in range(5)))
        assert arena.asked["round"] == before + 1
        assert [*together, await scorer.GetPairs(request)] == [together[0]] * 6
        assert arena.asked["round"] == before + 1

    async def test_of_the_newest_settled_board_unless_told_otherwise(self, scorer: ScorerServiceAsyncStub) -> None:
        assert (await scorer.GetPairs(pb.GetPairsRequest(dimension=NAME))).board_version == 3

    async def test_says_what_is_not_there(self, scorer: ScorerServiceAsyncStub) -> None:
        async with refused(faults.NotReady, "has no board 4 yet"):
            await scorer.GetPairs(pb.GetPairsRequest(dimension=NAME, board_version=4))
        async with refused(faults.UnknownDimension, "there is no dimension"):
            await scorer.GetPairs(pb.GetPairsRequest(dimension=f"{NAME}-2"))


class TestGetJudgeReport:
    @pytest.mark.parametrize("with_worth", [False, True])
    async def test_is_that_of_the_votes_through_the_board(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, *, with_worth: bool
    ) -> None:
        request = pb.GetJudgeReportRequest(dimension=NAME, board_version=2, with_worth=with_worth)
        found = await scorer.GetJudgeReport(request)
        counted = arena.counted(2)
        costs = {judge: 7 * int(counted.outcomes.by_judge[i].sum()) for i, judge in enumerate(counted.votes.judges)}
        expected = judge_report(
            counted.votes, fit(counted.votes, SETTINGS), families=FAMILY_OF, costs=costs if with_worth else None
        )
        assert [one.judge for one in found.judges] == list(MODELS)
        for one, row in zip(found.judges, expected, strict=True):
            assert sum(getattr(one.outcomes, field.name) for field in one.outcomes.DESCRIPTOR.fields) == row.cells
            assert (one.cost.currency, one.cost.nano_units) == ("USD", costs[row.judge])
            assert one.tie_rate == row.tie_rate
            assert row.first_seat is not None
            assert (one.first_seat.value, one.first_seat.votes) == (row.first_seat.value, row.first_seat.votes)
            assert row.agreement is not None
            assert one.agreement.kappa == row.agreement.kappa
            assert one.HasField("family") == (row.family is not None)
            if row.family is not None:
                assert one.family.premium == row.family.premium
            assert one.weight == row.weight
            assert not one.HasField("reliability")
            assert tuple(one.notes) == row.notes
            assert one.HasField("worth") == with_worth
            if row.worth is not None:
                assert one.worth.variance_removed == row.worth.variance_removed
        assert any(row.family is not None for row in expected)

    async def test_weights_are_those_of_the_board(self, scorer: ScorerServiceAsyncStub) -> None:
        found = await scorer.GetJudgeReport(pb.GetJudgeReportRequest(dimension=NAME))
        weights = {row.model: row.judge_weight for row in (await board(scorer, 3)).rows}
        assert {one.judge: round(65_536 * one.weight) for one in found.judges} == weights

    async def test_a_suspended_judge_weighs_nothing_and_is_said_to_be_one(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        arena.play(4, settles=True, suspended=["beta@1"])
        await scorer.ScoreThrough(pb.ScoreThroughRequest(dimension=NAME, round=4))
        found = await scorer.GetJudgeReport(pb.GetJudgeReportRequest(dimension=NAME, with_worth=True))
        assert [one.judge for one in found.judges] == list(MODELS)
        beta = found.judges[1]
        assert (beta.weight, beta.notes[0], beta.HasField("worth")) == (0, "is suspended", False)
        assert beta.outcomes.a == arena.counted(4).outcomes.by_judge[1, 0]
        weights = {row.model: row.judge_weight for row in (await board(scorer, 4)).rows}
        assert {one.judge: round(65_536 * one.weight) for one in found.judges} == weights
        without = await scorer.GetCounterfactuals(pb.GetCounterfactualsRequest(dimension=NAME))
        assert [one.strength for one in without.models] == [
            row.strength for row in sorted(arena.expected(4).rows, key=lambda row: row.model)
        ]
        assert "beta@1" not in {one.what for one in without.boards}


class TestGetCounterfactuals:
    async def test_are_those_of_the_votes_through_the_board(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        found = await scorer.GetCounterfactuals(pb.GetCounterfactualsRequest(dimension=NAME, board_version=2))
        votes = arena.counted(2).votes
        expected = counterfactuals(votes, SETTINGS, families=FAMILY_OF)
        bounds = outcome_bounds(votes, SETTINGS)
        assert [one.model for one in found.models] == list(expected.models)
        assert [one.rank for one in found.models] == expected.rank.tolist()
        assert [one.rank_highest for one in found.models] == expected.stability.highest.tolist()
        assert [one.strength_all_lost for one in found.models] == bounds.all_lost.tolist()
        assert [one.undecided for one in found.models] == bounds.undecided.tolist()
        assert len(found.boards) == len(expected.boards)
        for one, other in zip(found.boards, expected.boards, strict=True):
            assert pb.CounterfactualKind.Name(one.kind) == f"COUNTERFACTUAL_KIND_{other.kind.name}"
            assert (one.what, one.votes, one.fault) == (other.what, other.votes, other.fault or "")
            assert list(one.ranks) == other.rank.tolist()
            assert list(one.strengths) == other.strengths.tolist()
            assert one.settings.weighting == other.settings.weighting
        assert arena.asked["answers"] == 0

    async def test_style_is_controlled_for_when_asked(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        which = [pb.COUNTERFACTUAL_KIND_STYLE, pb.COUNTERFACTUAL_KIND_FAMILY]
        request = pb.GetCounterfactualsRequest(dimension=NAME, board_version=2, which=which)
        found = await scorer.GetCounterfactuals(request)
        answers = [(model, query, answer_of(model, query)) for model in MODELS for query in QUERIES]
        expected = counterfactuals(
            arena.counted(2).votes,
            SETTINGS,
            families=FAMILY_OF,
            style=Style.of_texts(answers),
            which=[Kind.STYLE, Kind.FAMILY],
        )
        assert [(one.what, list(one.strengths)) for one in found.boards] == [
            (one.what, one.strengths.tolist()) for one in expected.boards
        ]
        assert {one.kind for one in found.boards} == set(which)

    async def test_other_kinds_are_refused(self, scorer: ScorerServiceAsyncStub) -> None:
        async with refused(faults.InvalidField, "which: 0 is no kind of board"):
            await scorer.GetCounterfactuals(
                pb.GetCounterfactualsRequest(dimension=NAME, which=[pb.COUNTERFACTUAL_KIND_UNSPECIFIED])
            )


class TestDiffBoards:
    async def test_splits_the_changes_between_two_versions(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        found = await scorer.DiffBoards(pb.DiffBoardsRequest(dimension=NAME, from_version=1, to_version=2))
        before, after = arena.counted(1).votes, arena.counted(2).votes
        expected = changes(
            VersionInputs(before, SETTINGS), VersionInputs(after, SETTINGS, retired=frozenset(["beta@1"]))
        )
        assert list(found.left) == ["beta@1"]
        assert list(found.came) == []
        assert found.from_settings.weighting == found.to_settings.weighting == "score"
        ranks = {row.model: row.rank for row in (await board(scorer, 2)).rows}
        assert [one.model for one in found.models] == [one.model for one in expected.models]
        for one, other in zip(found.models, expected.models, strict=True):
            assert one.rank_after == ranks[one.model]
            for parts, whole in (
                (one.rank, one.rank_after - one.rank_before),
                (one.strength, round(1e9 * one.strength_after) - round(1e9 * one.strength_before)),
            ):
                assert sum(getattr(parts, field.name) for field in parts.DESCRIPTOR.fields) == whole
            assert one.strength.new_votes == other.strength.new_votes
            assert one.strength.new_votes != 0

    async def test_versions_stand_in_order(self, scorer: ScorerServiceAsyncStub) -> None:
        async with refused(faults.InvalidField, "from_version: is 3; must be below to_version, which is 3"):
            await scorer.DiffBoards(pb.DiffBoardsRequest(dimension=NAME, from_version=3))
        async with refused(faults.InvalidField, "from_version: versions are numbered from 1"):
            await scorer.DiffBoards(pb.DiffBoardsRequest(dimension=NAME))
