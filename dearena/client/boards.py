"""The scorer's part of the client: boards, and the reports on them."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING, Final

from dearena.client.channel import Service
from dearena.client.streams import LARGEST_PAGE, paged, resumed
from dearena.v1 import scorer_pb2

if TYPE_CHECKING:
    from dearena.v1.scorer_pb2_grpc import ScorerServiceAsyncStub

REPORT_SECONDS: Final = 600
"""For what the scorer works out of all votes: minutes, where there are millions of them and hundreds of judges."""


class BoardCalls(ABC):
    """What `ArenaClient` asks the scorer. Dimensions are named by their slugs."""

    _scorer: Service
    _boards: "ScorerServiceAsyncStub"
    _seconds: float

    @abstractmethod
    def dimension_name(self, slug: str) -> str:
        """The resource name of a dimension of the client's project."""

    async def leaderboard(self, dimension: str, board_version: int = 0) -> scorer_pb2.Board:
        """A board, 0: the last settled one; raises NotReady while there is none."""
        request = scorer_pb2.GetLeaderboardRequest(
            dimension=self.dimension_name(dimension), board_version=board_version
        )
        return (await self._scorer.told(self._boards.GetLeaderboard(request, timeout=self._seconds))).board

    async def watch_leaderboard(self, dimension: str, *, cursor: int = 0) -> AsyncIterator[scorer_pb2.Board]:
        """The newest settled board, or those after a version, and then each as it comes, without end."""

        def watch(after: int) -> AsyncIterator[scorer_pb2.WatchLeaderboardResponse]:
            request = scorer_pb2.WatchLeaderboardRequest(dimension=self.dimension_name(dimension), cursor=after)
            return self._scorer.each(self._boards.WatchLeaderboard(request), silence_seconds=None)

        async for response in resumed(watch, cursor, lambda response: response.cursor):
            yield response.board

    async def matrices(self, dimension: str, board_version: int = 0) -> scorer_pb2.GetMatricesResponse:
        """Win rates and comparison counts between all models of a board."""
        request = scorer_pb2.GetMatricesRequest(dimension=self.dimension_name(dimension), board_version=board_version)
        return await self._scorer.told(self._boards.GetMatrices(request, timeout=self._seconds))

    def boards(self, dimension: str) -> AsyncIterator[scorer_pb2.BoardSummary]:
        """Every version of a dimension's board, newest first."""

        def page(token: str) -> Awaitable[scorer_pb2.ListBoardsResponse]:
            request = scorer_pb2.ListBoardsRequest(
                dimension=self.dimension_name(dimension), page_size=LARGEST_PAGE, page_token=token
            )
            return self._scorer.told(self._boards.ListBoards(request, timeout=self._seconds))

        return paged(page, lambda page: page.boards)

    # Reports are worked out when they are asked for: `wait_seconds` bounds that, over as many calls as it takes.

    async def pairs(
        self, dimension: str, board_version: int = 0, *, wait_seconds: float = REPORT_SECONDS
    ) -> scorer_pb2.GetPairsResponse:
        """How surely each model is better than each other, and the votes that would still tell them apart."""
        request = scorer_pb2.GetPairsRequest(
            dimension=self.dimension_name(dimension), board_version=await self._version(dimension, board_version)
        )
        return await self._scorer.found(
            lambda seconds: self._boards.GetPairs(request, timeout=seconds),
            call_seconds=self._seconds,
            wait_seconds=wait_seconds,
        )

    async def judge_report(
        self,
        dimension: str,
        board_version: int = 0,
        *,
        with_worth: bool = False,
        wait_seconds: float = REPORT_SECONDS,
    ) -> scorer_pb2.GetJudgeReportResponse:
        """How each judge votes, whom it favours, what it weighs; with worth, also what its calls bring."""
        request = scorer_pb2.GetJudgeReportRequest(
            dimension=self.dimension_name(dimension),
            board_version=await self._version(dimension, board_version),
            with_worth=with_worth,
        )
        return await self._scorer.found(
            lambda seconds: self._boards.GetJudgeReport(request, timeout=seconds),
            call_seconds=self._seconds,
            wait_seconds=wait_seconds,
        )

    async def counterfactuals(
        self,
        dimension: str,
        board_version: int = 0,
        *,
        which: Sequence[scorer_pb2.CounterfactualKind.ValueType] = (),
        wait_seconds: float = REPORT_SECONDS,
    ) -> scorer_pb2.GetCounterfactualsResponse:
        """Boards that might have been, of the kinds named; of none: all that need neither other models nor answers."""
        request = scorer_pb2.GetCounterfactualsRequest(
            dimension=self.dimension_name(dimension),
            board_version=await self._version(dimension, board_version),
            which=which,
        )
        return await self._scorer.found(
            lambda seconds: self._boards.GetCounterfactuals(request, timeout=seconds),
            call_seconds=self._seconds,
            wait_seconds=wait_seconds,
        )

    async def diff_boards(
        self, dimension: str, from_version: int, to_version: int = 0, *, wait_seconds: float = REPORT_SECONDS
    ) -> scorer_pb2.DiffBoardsResponse:
        """Why ranks on one version are others than on an earlier one; raises InvalidField if it is not earlier."""
        request = scorer_pb2.DiffBoardsRequest(
            dimension=self.dimension_name(dimension),
            from_version=from_version,
            to_version=await self._version(dimension, to_version),
        )
        return await self._scorer.found(
            lambda seconds: self._boards.DiffBoards(request, timeout=seconds),
            call_seconds=self._seconds,
            wait_seconds=wait_seconds,
        )

    async def _version(self, dimension: str, board_version: int) -> int:
        """A version that stays the same while a report on it is asked for again and again."""
        return board_version or (await self.leaderboard(dimension)).board_version
