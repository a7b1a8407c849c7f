"""The scorer alone, on a real mongod and a real nats-server; its peers are played."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy

from dearena import faults
from dearena.rpc_faults import fault_of
from dearena.scoring import Outcome
from dearena.scoring.boards.pair_votes import matrices
from dearena.v1 import scorer_pb2 as pb
from dearena.v1.events_pb2 import EventEnvelope, RoundClosed
from dearena.v1.scorer_pb2_grpc import ScorerServiceStub
from services.runtime import subjects
from services.runtime.bus import Bus, envelope
from services.runtime.lifecycle import Running, running
from services.runtime.store import Store, now
from services.scorer.room import build
from services.scorer.settings import ScorerSettings
from services.scorer.store import BoardContradiction, Scoreboards, settings_of
from tests.fixtures.bus import NatsServer
from tests.fixtures.scored_rounds import ALGEBRA, MODELS, SETTINGS, Arena, playing
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.scorer_pb2_grpc import ScorerServiceAsyncStub

NAME = str(ALGEBRA)
OF_SCHEMA_1: dict[str, Any] = {
    "project": "default",
    "dimension": "algebra",
    "dimension_version": 1,
    "board_version": 1,
    "settled": True,
    "board_digest": "d" * 64,
    "settings_hash": "e" * 64,
    "rows": [
        {
            "model": model,
            "rank": rank,
            "strength": strength,
            "low": -2.0,
            "high": 2.0,
            "votes": 3,
            "half_wins": 6 - 3 * rank,
            "judge_weight": 65_536,
            "retired": False,
        }
        for model, rank, strength in (("alpha@1", 1, 0.5), ("beta@1", 2, -0.5))
    ],
    "pairs": {"row": [0], "column": [1], "votes": [3], "half_wins": [4]},
    "connected": True,
    "outcomes": {str(outcome): int(outcome in "AB") + int(outcome == "A") for outcome in Outcome},
    "judge_calls": 6,
    "cost_nano_units": {},
    "weight_iterations": 3,
    "weight_residual": 0,
    "announced": True,
    "schema_version": 1,
    "created_by": "a scorer of old",
}
MakeSettings = Callable[..., ScorerSettings]


@asynccontextmanager
async def serving(settings: ScorerSettings) -> AsyncIterator[tuple[ScorerServiceAsyncStub, Running[ScorerSettings]]]:
    async with running("scorer", settings, build) as service, grpc.aio.insecure_channel(service.address) as channel:
        yield ScorerServiceStub(channel), service


@pytest.fixture
async def arena() -> AsyncIterator[Arena]:
    async with playing() as arena:
        yield arena


@pytest.fixture
def settings(arena_settings: MakeSettings, arena: Arena) -> ScorerSettings:
    return arena_settings(
        ScorerSettings,
        ranker_address=arena.address,
        judge_dispatcher_address=arena.address,
        query_selector_address=arena.address,
        watch_seconds=0.2,
    )


@pytest.fixture
async def scorer(settings: ScorerSettings) -> AsyncIterator[ScorerServiceAsyncStub]:
    async with serving(settings) as (stub, _):
        yield stub


@pytest.fixture
async def store(settings: ScorerSettings) -> AsyncIterator[Store]:
    store = Store(settings.mongo_url, settings.mongo_database)
    yield store
    store.close()


@pytest.fixture
async def bus(settings: ScorerSettings) -> AsyncIterator[Bus]:
    bus = Bus(settings.nats_url, "test")
    bus.start()
    await bus.ready()
    yield bus
    await bus.close()


async def score(scorer: ScorerServiceAsyncStub, number: int) -> pb.Board:
    return (await scorer.ScoreThrough(pb.ScoreThroughRequest(dimension=NAME, round=number), timeout=10)).board


async def leaderboard(scorer: ScorerServiceAsyncStub, version: int = 0) -> pb.Board:
    request = pb.GetLeaderboardRequest(dimension=NAME, board_version=version)
    return (await scorer.GetLeaderboard(request, timeout=10)).board


@asynccontextmanager
async def refused(kind: type[faults.ArenaFault], match: str) -> AsyncIterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    fault = fault_of(caught.value)
    assert type(fault) is kind, fault
    assert match in str(fault)


async def ring(bus: Bus, number: int, event_id: str = "") -> None:
    event = envelope(
        event_id or f"round.closed/default/algebra/{number}",
        "default",
        "algebra",
        round_closed=RoundClosed(round=number),
    )
    await bus.publish(subjects.round_closed("default", "algebra"), event)


async def rung(nats_url: str) -> list[EventEnvelope]:
    """Every scores.updated on the stream so far."""
    async with await nats.connect(nats_url) as client:
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        subscription = await client.jetstream().subscribe("scores.updated.>", config=config, ordered_consumer=True)
        events = []
        while True:
            try:
                events.append(EventEnvelope.FromString((await subscription.next_msg(timeout=0.3)).data))
            except TimeoutError:
                return events


async def versions_stored(store: Store) -> list[int]:
    return [board["board_version"] async for board in store.collection("scoreboards").find().sort("board_version", 1)]


class TestScoreThrough:
    async def test_gives_the_board_of_the_rounds(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        arena.play(1)
        arena.play(2, settles=True, retired=["alpha@1"])
        board = await score(scorer, 2)
        expected = arena.expected(2)

        assert board.board_digest == expected.digest
        assert board.settings_hash == expected.settings_hash
        assert (board.dimension, board.dimension_version, board.board_version) == (NAME, 1, 2)
        assert board.settled
        assert board.connected
        assert [(row.model, row.rank) for row in board.rows] == [(row.model, row.rank) for row in expected.rows]
        assert board.rows[-1].model == "alpha@1"
        assert (board.rows[-1].retired, board.rows[-1].rank, board.rows[-1].judge_weight) == (True, 0, 0)
        assert sum(row.judge_weight for row in board.rows) == 3 * 65_536
        first = board.rows[0]
        assert first.rating == pytest.approx(1000 + 400 / math.log(10) * first.strength)
        assert first.rating_low < first.rating < first.rating_high
        assert first.score == pytest.approx(100 / (1 + math.exp(-first.strength)))
        cells = len(arena.rounds[0].votes) + len(arena.rounds[1].votes)
        counts = board.outcomes
        assert sum(getattr(counts, field.name) for field in counts.DESCRIPTOR.fields) == cells
        assert counts.flip == expected.outcomes[Outcome.FLIP]
        assert board.judge_calls == 2 * cells
        assert (board.judge_cost.currency, board.judge_cost.nano_units) == ("USD", 7 * cells)

    async def test_weighs_votes_by_their_draws_and_expects_none_of_canaries(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        arena.play(1, draws=dict(zip(MODELS, (13_107, 65_536, 90_000, 65_536), strict=True)), canaries=3)
        board = await score(scorer, 1)
        assert board.board_digest == arena.expected(1).digest
        even = [vote._replace(draw=65_536) for vote in arena.rounds[0].votes]
        arena.rounds[0].votes[:] = even
        assert board.board_digest != arena.expected(1).digest

    async def test_hears_a_judge_unless_it_is_suspended(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        for seed in (1, 2, 3):
            arena.play(seed, settles=True, suspended=["beta@1"] if seed == 2 else [])
        boards = [await score(scorer, number) for number in (1, 2, 3)]
        assert [board.board_digest for board in boards] == [arena.expected(n).digest for n in (1, 2, 3)]
        assert [[row.model for row in board.rows if row.suspended] for board in boards] == [[], ["beta@1"], []]
        (beta,) = [row for row in boards[1].rows if row.suspended]
        assert (beta.judge_weight, beta.rank > 0, beta.judged.a > 0) == (0, True, True)

    async def test_stored_boards_are_given_again_without_asking_anybody(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        arena.play(1)
        board = await score(scorer, 1)
        asked = arena.asked["votes"]
        arena.rounds[0].votes.clear()
        assert await score(scorer, 1) == board
        assert arena.asked["votes"] == asked
        assert await versions_stored(store) == [1]

    async def test_asked_at_once_by_many_it_is_made_once(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        arena.play(1)
        arena.gate.clear()
        calls = [asyncio.ensure_future(score(scorer, 1)) for _ in range(8)]
        await eventually(lambda: arena.asked["votes"])
        arena.gate.set()
        boards = await asyncio.gather(*calls)
        assert {board.board_digest for board in boards} == {arena.expected(1).digest}
        assert arena.asked["votes"] == 1
        assert await versions_stored(store) == [1]

    async def test_a_caller_that_gives_up_takes_nothing_from_the_others(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        arena.play(1)
        arena.gate.clear()
        impatient = scorer.ScoreThrough(pb.ScoreThroughRequest(dimension=NAME, round=1), timeout=0.3)
        patient = asyncio.ensure_future(score(scorer, 1))
        with pytest.raises(grpc.aio.AioRpcError) as gave_up:
            await impatient
        assert gave_up.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        arena.gate.set()
        assert (await patient).board_digest == arena.expected(1).digest
        assert arena.asked["votes"] == 1

    async def test_only_new_rounds_are_read(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        for seed in range(1, 5):
            arena.play(seed)
            board = await score(scorer, seed)
            assert board.board_digest == arena.expected(seed).digest
            assert arena.asked["votes"] == seed

    async def test_an_older_round_is_scored_from_the_log(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        for seed in (1, 2, 3):
            arena.play(seed)
        for number in (3, 1, 2):
            assert (await score(scorer, number)).board_digest == arena.expected(number).digest
        arena.play(4)
        assert (await score(scorer, 4)).board_digest == arena.expected(4).digest

    async def test_a_cell_asked_again_counts_by_its_last_attempt(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        first = arena.play(1)
        failed = first.votes[0]._replace(outcome=Outcome.FAILED)
        first.votes[0] = failed
        arena.play(2).votes.append(failed._replace(attempt=2, outcome=Outcome.B))
        assert (await score(scorer, 1)).outcomes.failed == 1
        board = await score(scorer, 2)
        assert board.outcomes.failed == 0
        assert board.board_digest == arena.expected(2).digest

    async def test_of_a_round_that_is_open_is_not_ready(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        arena.play(1, closed=False)
        async with refused(faults.NotReady, f"round 1 of {NAME} is not closed yet"):
            await score(scorer, 1)

    async def test_waits_for_votes_that_cannot_be_read_yet(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        played = arena.play(1, hidden=1)
        async with refused(faults.ServiceUnavailable, "closed with 36 cells of votes, but 35 have outcomes"):
            await score(scorer, 1)
        assert await versions_stored(store) == []
        played.hidden = 0
        assert (await score(scorer, 1)).board_digest == arena.expected(1).digest

    async def test_refuses_a_broken_log_naming_the_row(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        played = arena.play(1)
        bad = played.votes[5]
        played.votes[5] = bad._replace(judge=bad.model_a)
        async with refused(faults.ArenaFault, f"cell '{bad.cell_id}', attempt 1: {bad.model_a} judges its own answer"):
            await score(scorer, 1)

    async def test_refuses_what_is_no_round_of_a_dimension(self, scorer: ScorerServiceAsyncStub) -> None:
        async with refused(faults.InvalidField, "round: rounds are numbered from 1"):
            await score(scorer, 0)
        async with refused(faults.UnknownRound, "has no round 7"):
            await score(scorer, 7)
        async with refused(faults.InvalidField, "dimension: 'algebra' is not of the form"):
            await scorer.ScoreThrough(pb.ScoreThroughRequest(dimension="algebra", round=1))
        async with refused(faults.UnknownDimension, "there is no dimension"):
            await scorer.ScoreThrough(pb.ScoreThroughRequest(dimension=f"{NAME}-2", round=1))


class TestDoorbell:
    async def test_a_closed_round_makes_a_board_and_rings_for_it(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, bus: Bus, store: Store, nats_url: str
    ) -> None:
        arena.play(1, settles=True)
        await ring(bus, 1)
        await eventually(lambda: versions_stored(store), equals=[1])
        (event,) = await eventually(lambda: rung(nats_url))
        assert event.event_id == "scores.updated/default/algebra/1"
        assert event.scores_updated.board_digest == arena.expected(1).digest
        assert event.scores_updated.settled

    async def test_rung_twice_and_in_reverse_it_makes_the_same_boards(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, bus: Bus, store: Store
    ) -> None:
        for seed in (1, 2, 3):
            arena.play(seed, settles=True)
        for number in (3, 2, 1):
            await ring(bus, number)
            await ring(bus, number, event_id=f"again/{number}")
        await eventually(lambda: versions_stored(store), equals=[1, 2, 3])
        for number in (1, 2, 3):
            assert (await leaderboard(scorer, number)).board_digest == arena.expected(number).digest

    async def test_rung_for_an_open_round_does_nothing(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, bus: Bus, store: Store
    ) -> None:
        open_round = arena.play(1, closed=False)
        await ring(bus, 1)
        await eventually(lambda: arena.asked["round"])
        open_round.closed = True
        await ring(bus, 1, event_id="again")
        await eventually(lambda: versions_stored(store), equals=[1])

    async def test_a_lost_doorbell_is_made_good_by_the_sweep(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        arena.play(1)
        await score(scorer, 1)
        arena.play(2)
        await eventually(lambda: versions_stored(store), equals=[1, 2])

    async def test_a_board_made_without_the_bus_is_told_of_later(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, nats_server: NatsServer
    ) -> None:
        arena.play(1)
        nats_server.stop()
        assert (await score(scorer, 1)).board_digest == arena.expected(1).digest
        await nats_server.start()
        (event,) = await eventually(lambda: rung(nats_server.url))
        assert event.scores_updated.board_version == 1


class TestGetLeaderboard:
    async def test_is_the_last_settled_board(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        for seed, settles in ((1, True), (2, True), (3, False)):
            arena.play(seed, settles=settles)
            await score(scorer, seed)
        assert (await leaderboard(scorer)).board_version == 2
        assert (await leaderboard(scorer, 3)) == await score(scorer, 3)
        assert not (await leaderboard(scorer, 3)).settled

    async def test_reads_no_pairs(self, settings: ScorerSettings, arena: Arena, store: Store) -> None:
        arena.play(1, settles=True)
        async with serving(settings) as (scorer, _):
            board = await score(scorer, 1)
        await store.collection("scoreboards").update_many({}, {"$unset": {"pairs": 1}})
        async with serving(settings) as (scorer, _):
            assert await leaderboard(scorer) == await leaderboard(scorer) == board

    async def test_says_what_is_not_there(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        async with refused(faults.NotReady, "has no settled board yet"):
            await leaderboard(scorer)
        arena.play(1)
        await score(scorer, 1)
        async with refused(faults.NotReady, "has no settled board yet"):
            await leaderboard(scorer)
        async with refused(faults.NotReady, "has no board 2 yet"):
            await leaderboard(scorer, 2)
        async with refused(faults.UnknownDimension, "there is no dimension"):
            await scorer.GetLeaderboard(pb.GetLeaderboardRequest(dimension=f"{NAME}-2"))


class TestGetMatrices:
    async def test_win_rates_and_comparisons_stand_in_board_order(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        arena.play(1, settles=True)
        board = await score(scorer, 1)
        found = await scorer.GetMatrices(pb.GetMatricesRequest(dimension=NAME))
        assert list(found.models) == [row.model for row in board.rows]
        n = len(MODELS)
        for i, row in enumerate(board.rows):
            assert sum(found.comparisons[i * n : (i + 1) * n]) == row.votes
            wins = sum(
                found.win_rate[i * n + j] * found.comparisons[i * n + j]
                for j in range(n)
                if found.comparisons[i * n + j]
            )
            assert wins == pytest.approx(row.wins)
            assert math.isnan(found.win_rate[i * n + i])


class TestListBoards:
    async def test_every_version_stands_with_what_produced_it_newest_first(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        boards = []
        for seed in range(1, 6):
            arena.play(seed, settles=seed % 2 == 0)
            boards.append(await score(scorer, seed))
        found: list[pb.BoardSummary] = []
        token = ""
        while token or not found:
            page = await scorer.ListBoards(pb.ListBoardsRequest(dimension=NAME, page_size=2, page_token=token))
            assert 1 <= len(page.boards) <= 2
            found += page.boards
            token = page.next_page_token
        assert [one.board_version for one in found] == [5, 4, 3, 2, 1]
        for summary, board in zip(found, reversed(boards), strict=True):
            assert summary.board_digest == board.board_digest
            assert summary.settings == board.settings
            assert summary.settings_hash == board.settings_hash
            assert (summary.settled, summary.dimension_version) == (board.settled, 1)
            assert summary.models == len(board.rows)
            assert summary.votes == board.outcomes.a + board.outcomes.b + board.outcomes.tie
            assert summary.create_time == board.create_time

    async def test_says_what_is_not_there(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        assert not (await scorer.ListBoards(pb.ListBoardsRequest(dimension=NAME))).boards
        async with refused(faults.UnknownDimension, "there is no dimension"):
            await scorer.ListBoards(pb.ListBoardsRequest(dimension=f"{NAME}-2"))
        async with refused(faults.InvalidCursor, "page_token"):
            await scorer.ListBoards(pb.ListBoardsRequest(dimension=NAME, page_token="mine"))


class TestWatchLeaderboard:
    @asynccontextmanager
    async def watching(self, scorer: ScorerServiceAsyncStub, cursor: int = 0) -> AsyncIterator[Callable[[], Any]]:
        call = scorer.WatchLeaderboard(pb.WatchLeaderboardRequest(dimension=NAME, cursor=cursor), timeout=20)

        async def following() -> int:
            response = await call.read()
            assert isinstance(response, pb.WatchLeaderboardResponse)
            assert response.board.settled
            assert response.cursor == response.board.board_version
            return response.cursor

        yield following
        call.cancel()

    async def test_begins_with_the_newest_settled_board_and_goes_on(
        self, scorer: ScorerServiceAsyncStub, arena: Arena
    ) -> None:
        for seed, settles in ((1, True), (2, True), (3, False)):
            arena.play(seed, settles=settles)
            await score(scorer, seed)
        async with self.watching(scorer) as following:
            assert await following() == 2
            arena.play(4, settles=True)
            await score(scorer, 4)
            assert await following() == 4

    async def test_resumes_after_the_cursor(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        for seed in (1, 2, 3):
            arena.play(seed, settles=True)
            await score(scorer, seed)
        async with self.watching(scorer, cursor=1) as following:
            assert [await following(), await following()] == [2, 3]

    async def test_may_begin_before_there_is_a_board(self, scorer: ScorerServiceAsyncStub, arena: Arena) -> None:
        async with self.watching(scorer) as following:
            first = asyncio.ensure_future(following())
            arena.play(1, settles=True)
            await score(scorer, 1)
            assert await first == 1

    async def test_sees_boards_that_another_replica_made(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, settings: ScorerSettings
    ) -> None:
        arena.play(1, settles=True)
        async with self.watching(scorer) as following, serving(settings) as (other, _):
            first = asyncio.ensure_future(following())
            await score(other, 1)
            assert await first == 1

    async def test_refuses_a_cursor_that_was_not_given_out(self, scorer: ScorerServiceAsyncStub) -> None:
        async with refused(faults.InvalidCursor, "has no board of version 9 yet"):
            async for _ in scorer.WatchLeaderboard(pb.WatchLeaderboardRequest(dimension=NAME, cursor=9)):
                pass

    async def test_ends_at_once_when_the_scorer_leaves(self, settings: ScorerSettings, arena: Arena) -> None:
        arena.play(1, settles=True)
        patient = settings.model_copy(update={"drain_seconds": 15.0})
        async with AsyncExitStack() as stack:
            async with running("scorer", patient, build) as service:
                channel = await stack.enter_async_context(grpc.aio.insecure_channel(service.address))
                scorer = ScorerServiceStub(channel)
                await score(scorer, 1)
                call = scorer.WatchLeaderboard(pb.WatchLeaderboardRequest(dimension=NAME))
                await call.read()
                end = asyncio.ensure_future(call.read())
                began = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - began < 10
            async with refused(faults.ServiceUnavailable, "watch again from cursor 1"):
                await end


class TestReplicasAndRestarts:
    async def test_a_restart_gives_the_same_boards(self, settings: ScorerSettings, arena: Arena) -> None:
        for seed in (1, 2, 3):
            arena.play(seed)
        async with serving(settings) as (scorer, _):
            await score(scorer, 1)
            await score(scorer, 2)
        async with serving(settings) as (scorer, _):
            assert (await score(scorer, 3)).board_digest == arena.expected(3).digest

    async def test_a_restart_reads_the_log_before_anybody_asks(self, settings: ScorerSettings, arena: Arena) -> None:
        for seed in (1, 2):
            arena.play(seed)
        async with serving(settings) as (scorer, _):
            await score(scorer, 2)
            assert arena.asked["votes"] == 2
        async with serving(settings) as (scorer, _):
            await eventually(lambda: arena.asked["votes"], equals=4)
            arena.play(3)
            assert (await score(scorer, 3)).board_digest == arena.expected(3).digest
            assert arena.asked["votes"] == 5

    async def test_a_log_that_cannot_be_read_at_the_start_is_read_when_it_is_needed(
        self, settings: ScorerSettings, arena: Arena
    ) -> None:
        arena.play(1)
        async with serving(settings) as (scorer, _):
            await score(scorer, 1)
        arena.rounds[0].hidden = 1
        async with serving(settings) as (scorer, _):
            await eventually(lambda: arena.asked["votes"], equals=2)
            arena.rounds[0].hidden = 0
            arena.play(2)
            assert (await score(scorer, 2)).board_digest == arena.expected(2).digest

    async def test_two_replicas_at_once_make_one_board(
        self, settings: ScorerSettings, arena: Arena, store: Store
    ) -> None:
        arena.play(1)
        arena.gate.clear()
        async with serving(settings) as (one, _), serving(settings) as (other, _):
            calls = [asyncio.ensure_future(score(replica, 1)) for replica in (one, other)]
            await eventually(lambda: arena.asked["votes"] == 2)
            arena.gate.set()
            first, second = await asyncio.gather(*calls)
        assert first == second
        assert await versions_stored(store) == [1]

    async def test_a_stored_board_is_never_replaced_by_another(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        arena.play(1)
        arena.play(2)
        before = await score(scorer, 1)
        boards = Scoreboards(store, "test")
        with pytest.raises(BoardContradiction, match=f"board 1 of {NAME} stands with digest {before.board_digest}"):
            await boards.add(ALGEBRA, 1, 1, arena.expected(2), arena.made(2).pairs, settled=True)
        assert await leaderboard(scorer, 1) == before
        same = await boards.add(ALGEBRA, 1, 1, arena.expected(1), arena.made(1).pairs, settled=False)
        assert same.board_digest == before.board_digest

    async def test_what_is_read_back_is_what_was_written(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        arena.play(1, settles=True)
        await score(scorer, 1)
        boards = Scoreboards(store, "test")
        stored = await boards.find(ALGEBRA, 1)
        assert stored is not None
        assert stored.board == arena.expected(1)
        assert stored.board_digest == stored.board.digest
        assert settings_of(stored) == SETTINGS
        assert matrices(await boards.pairs(ALGEBRA, 1), 4)[1] == matrices(arena.made(1).pairs, 4)[1]

    async def test_a_board_of_the_first_schema_is_read_with_what_it_has(
        self, scorer: ScorerServiceAsyncStub, arena: Arena, store: Store
    ) -> None:
        arena.play(1)
        await store.collection("scoreboards").insert_one(OF_SCHEMA_1 | {"created_at": now()})
        board = await leaderboard(scorer)
        assert [(row.model, row.rank, row.votes, row.rank_high) for row in board.rows] == [
            ("alpha@1", 1, 3, 0),
            ("beta@1", 2, 3, 0),
        ]
        assert not board.HasField("settings")
        assert not board.rows[0].HasField("contested")
        found = await scorer.GetMatrices(pb.GetMatricesRequest(dimension=NAME))
        assert list(found.comparisons) == [0, 3, 3, 0]
        (summary,) = (await scorer.ListBoards(pb.ListBoardsRequest(dimension=NAME))).boards
        assert (summary.models, summary.votes, summary.HasField("settings")) == (2, 3, False)
        async with refused(faults.NotReady, "was made by an earlier method"):
            await scorer.GetPairs(pb.GetPairsRequest(dimension=NAME))
