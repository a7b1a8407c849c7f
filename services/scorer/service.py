"""The scorer's calls and its doorbell."""

from collections.abc import AsyncIterator
from typing import Any

import structlog
from cachetools import LRUCache

from dearena.faults import InvalidCursor, InvalidField, NotReady, ServiceUnavailable, UnknownRound
from dearena.names import DimensionName
from dearena.v1 import scorer_pb2 as pb
from dearena.v1.events_pb2 import EventEnvelope
from dearena.v1.scorer_pb2_grpc import ScorerServiceServicer
from services.runtime import paging
from services.runtime.doorbell import Delivery, Poison
from services.runtime.request_names import dimension_name
from services.runtime.rpc import fault_in
from services.scorer.messages import board_message, matrices_message, summary_message
from services.scorer.news import News
from services.scorer.records import Records
from services.scorer.report_messages import KINDS
from services.scorer.reports import Reports
from services.scorer.scoring import Scoring
from services.scorer.settings import ScorerSettings
from services.scorer.store import Scoreboard, Scoreboards

log = structlog.get_logger(__name__)

BOARDS_AT_ONCE = 20
"""Boards that a watcher who comes late is read at a time."""


class Scorer(ScorerServiceServicer):
    """dearena.v1.ScorerService."""

    def __init__(
        self,
        settings: ScorerSettings,
        scoreboards: Scoreboards,
        records: Records,
        scoring: Scoring,
        reports: Reports,
        news: News,
    ) -> None:
        self._settings = settings
        self._scoreboards = scoreboards
        self._records = records
        self._scoring = scoring
        self._reports = reports
        self._news = news
        # A version never changes; which one people see does, and is asked of the store each time.
        self._sent: LRUCache[tuple[DimensionName, int], pb.Board] = LRUCache(settings.cached_boards)

    async def ScoreThrough(self, request: pb.ScoreThroughRequest, context: Any) -> pb.ScoreThroughResponse:
        """The board of all rounds up to one."""
        name = dimension_name("dimension", request.dimension)
        if request.round == 0:
            raise InvalidField.of("round", "rounds are numbered from 1")
        board = self._sent.get((name, request.round))
        return pb.ScoreThroughResponse(board=board or self._kept(await self._scoring.through(name, request.round)))

    async def GetLeaderboard(self, request: pb.GetLeaderboardRequest, context: Any) -> pb.GetLeaderboardResponse:
        """The last settled board, or a given version."""
        name = dimension_name("dimension", request.dimension)
        version = await self._version(name, request.board_version)
        board = self._sent.get((name, version))
        return pb.GetLeaderboardResponse(board=board or self._kept(await self._board(name, version)))

    async def GetMatrices(self, request: pb.GetMatricesRequest, context: Any) -> pb.GetMatricesResponse:
        """Win rates and comparisons of a board's models."""
        name = dimension_name("dimension", request.dimension)
        found = await self._board(name, await self._version(name, request.board_version))
        return matrices_message(found, await self._scoreboards.pairs(name, found.board_version))

    async def ListBoards(self, request: pb.ListBoardsRequest, context: Any) -> pb.ListBoardsResponse:
        """Every version, newest first."""
        name = dimension_name("dimension", request.dimension)
        size = paging.size_of(request.page_size)
        scope = ("ListBoards", str(name))
        before = int(paging.after_of(scope, request.page_token) or 0)
        found = await self._scoreboards.summaries(name, before, size + 1)
        if not found and not before:
            await self._records.check_dimension(name)
        page = found[:size]
        token = paging.token_of(scope, str(page[-1].board_version)) if len(found) > size else ""
        return pb.ListBoardsResponse(boards=[summary_message(one) for one in page], next_page_token=token)

    async def GetPairs(self, request: pb.GetPairsRequest, context: Any) -> pb.GetPairsResponse:
        """How surely each model is better than each other."""
        name = dimension_name("dimension", request.dimension)
        return await self._reports.pairs(name, await self._version(name, request.board_version))

    async def GetJudgeReport(self, request: pb.GetJudgeReportRequest, context: Any) -> pb.GetJudgeReportResponse:
        """How each judge votes, and what it is worth."""
        name = dimension_name("dimension", request.dimension)
        version = await self._version(name, request.board_version)
        return await self._reports.judges(name, version, with_worth=request.with_worth)

    async def GetCounterfactuals(
        self, request: pb.GetCounterfactualsRequest, context: Any
    ) -> pb.GetCounterfactualsResponse:
        """Boards that might have been."""
        name = dimension_name("dimension", request.dimension)
        if unknown := [number for number in request.which if number not in KINDS]:
            raise InvalidField.of("which", f"{unknown[0]} is no kind of board")
        version = await self._version(name, request.board_version)
        return await self._reports.counterfactuals(name, version, [KINDS[number] for number in request.which])

    async def DiffBoards(self, request: pb.DiffBoardsRequest, context: Any) -> pb.DiffBoardsResponse:
        """Why ranks are others than before."""
        name = dimension_name("dimension", request.dimension)
        if request.from_version == 0:
            raise InvalidField.of("from_version", "versions are numbered from 1")
        return await self._reports.changes(name, request.from_version, await self._version(name, request.to_version))

    async def WatchLeaderboard(
        self, request: pb.WatchLeaderboardRequest, context: Any
    ) -> AsyncIterator[pb.WatchLeaderboardResponse]:
        """Settled boards as they come. Ends with UNAVAILABLE when this process leaves: resume elsewhere."""
        name = dimension_name("dimension", request.dimension)
        cursor = request.cursor
        newest = await self._scoreboards.newest(name)
        if newest is None:
            await self._records.check_dimension(name)
        if cursor > (newest.board_version if newest else 0):
            raise InvalidCursor(f"{name} has no board of version {cursor} yet")
        if not cursor and (last := await self._scoreboards.newest_settled(name)):
            yield _watched(last)
            cursor = last.board_version
        while True:
            news = self._news.next()
            found = await self._scoreboards.settled_after(name, cursor, BOARDS_AT_ONCE)
            for scoreboard in found:
                yield _watched(scoreboard)
                cursor = scoreboard.board_version
            if self._news.over:
                raise ServiceUnavailable(f"the scorer leaves; watch again from cursor {cursor}")
            if len(found) < BOARDS_AT_ONCE:
                await self._news.wait(news, self._settings.watch_seconds)

    async def on_round_closed(self, event: EventEnvelope, delivery: Delivery) -> None:
        """A round has closed: make its board, unless the ranker has asked for it already."""
        if event.WhichOneof("payload") != "round_closed":
            raise Poison(f"{delivery.subject} does not tell of a closed round")
        name = DimensionName(event.project, event.dimension)
        self._scoring.standings.saw_round(name, event.round_closed.round)
        try:
            await self._scoring.through(name, event.round_closed.round)
        except Exception as error:
            match fault_in(error):
                case NotReady() as fault:
                    # The ranker has another truth by now; who closes the round will ring again.
                    log.info("rung too early", dimension=str(name), error=str(fault))
                case UnknownRound() as fault:
                    raise Poison(str(fault)) from error
                case _:
                    raise

    async def _version(self, name: DimensionName, version: int) -> int:
        """The version asked for; the last settled one for 0."""
        if found := version or await self._scoreboards.newest_settled_version(name):
            return found
        await self._records.check_dimension(name)
        raise NotReady(f"{name} has no settled board yet")

    async def _board(self, name: DimensionName, version: int) -> Scoreboard:
        if found := await self._scoreboards.find(name, version):
            return found
        await self._records.check_dimension(name)
        raise NotReady(f"{name} has no board {version} yet")

    def _kept(self, scoreboard: Scoreboard) -> pb.Board:
        """The board as it is sent, kept for the next who asks."""
        board = self._sent[scoreboard.name, scoreboard.board_version] = board_message(scoreboard)
        return board


def _watched(scoreboard: Scoreboard) -> pb.WatchLeaderboardResponse:
    return pb.WatchLeaderboardResponse(cursor=scoreboard.board_version, board=board_message(scoreboard))
