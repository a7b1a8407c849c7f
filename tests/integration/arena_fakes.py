"""Ranker, scorer and dispatcher that say what a test has put into them, over real gRPC."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dearena.faults import ArenaFault, NotReady, ServiceUnavailable, UnknownInsertion
from dearena.v1 import (
    judge_dispatcher_pb2,
    judge_dispatcher_pb2_grpc,
    ranker_pb2,
    ranker_pb2_grpc,
    scorer_pb2,
    scorer_pb2_grpc,
)
from services.runtime.rpc import Server, Servicer


@dataclass
class FakeArena(
    ranker_pb2_grpc.RankerServiceServicer,
    scorer_pb2_grpc.ScorerServiceServicer,
    judge_dispatcher_pb2_grpc.JudgeDispatcherServiceServicer,
):
    """What the three are to say."""

    address: str = ""
    insertions: list[ranker_pb2.Insertion] = field(default_factory=list)
    steps: list[ranker_pb2.WatchInsertionResponse] = field(default_factory=list)
    boards: list[scorer_pb2.Board] = field(default_factory=list)
    batches: list[judge_dispatcher_pb2.ListVotesResponse] = field(default_factory=list)
    faults: list[ArenaFault] = field(default_factory=list)
    """Raised after the first message of the next streams, one each."""
    late: int = 0
    """So many reports are still being worked out when their calls end."""
    silent: bool = False
    """Streams stay open after their last message."""
    asked: list[Any] = field(default_factory=list)

    async def GetRanking(self, request: ranker_pb2.GetRankingRequest, context: Any) -> ranker_pb2.GetRankingResponse:
        return ranker_pb2.GetRankingResponse(ranking=ranker_pb2.Ranking(waiting_reason="WAITING(5 seeds)"))

    async def ListInsertions(
        self, request: ranker_pb2.ListInsertionsRequest, context: Any
    ) -> ranker_pb2.ListInsertionsResponse:
        # Two pages, to be turned.
        if request.page_token:
            return ranker_pb2.ListInsertionsResponse(insertions=self.insertions[1:])
        token = "more" if len(self.insertions) > 1 else ""
        return ranker_pb2.ListInsertionsResponse(insertions=self.insertions[:1], next_page_token=token)

    async def WatchInsertion(
        self, request: ranker_pb2.WatchInsertionRequest, context: Any
    ) -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
        self.asked.append(request)
        if request.model and request.model not in [insertion.model for insertion in self.insertions]:
            raise UnknownInsertion(f"{request.model} was never admitted")
        async for step in self._say([step for step in self.steps if step.cursor > request.cursor]):
            yield step

    async def GetLeaderboard(
        self, request: scorer_pb2.GetLeaderboardRequest, context: Any
    ) -> scorer_pb2.GetLeaderboardResponse:
        if not self.boards:
            raise NotReady("there is no settled board yet")
        return scorer_pb2.GetLeaderboardResponse(board=self.boards[-1])

    async def GetPairs(self, request: scorer_pb2.GetPairsRequest, context: Any) -> scorer_pb2.GetPairsResponse:
        self.asked.append(request)
        if len(self.asked) <= self.late:
            await asyncio.Event().wait()
        if self.faults:
            raise self.faults.pop(0)
        return scorer_pb2.GetPairsResponse(board_version=request.board_version)

    async def WatchLeaderboard(
        self, request: scorer_pb2.WatchLeaderboardRequest, context: Any
    ) -> AsyncIterator[scorer_pb2.WatchLeaderboardResponse]:
        self.asked.append(request)
        newer = [board for board in self.boards if board.board_version > request.cursor]
        async for board in self._say(newer):
            yield scorer_pb2.WatchLeaderboardResponse(cursor=board.board_version, board=board)

    async def ListVotes(
        self, request: judge_dispatcher_pb2.ListVotesRequest, context: Any
    ) -> AsyncIterator[judge_dispatcher_pb2.ListVotesResponse]:
        self.asked.append(request)
        async for batch in self._say(self.batches):
            yield batch

    async def _say(self, messages: list[Any]) -> AsyncIterator[Any]:
        fault = self.faults.pop(0) if self.faults else None
        for message in messages:
            yield message
            if fault is not None:
                raise fault
        if fault is not None:
            raise fault
        if self.silent:
            await asyncio.Event().wait()


@asynccontextmanager
async def faking() -> AsyncIterator[FakeArena]:
    """The three at one address."""
    fake = FakeArena()  # type: ignore[abstract] # what is left out answers UNIMPLEMENTED
    servicers = [
        Servicer(ranker_pb2_grpc.add_RankerServiceServicer_to_server, fake, "dearena.v1.RankerService"),
        Servicer(scorer_pb2_grpc.add_ScorerServiceServicer_to_server, fake, "dearena.v1.ScorerService"),
        Servicer(
            judge_dispatcher_pb2_grpc.add_JudgeDispatcherServiceServicer_to_server,
            fake,
            "dearena.v1.JudgeDispatcherService",
        ),
    ]
    server = Server(servicers, traced=False, reflected=False)
    fake.address = await server.start("127.0.0.1:0")
    try:
        yield fake
    finally:
        await server.stop(0)


AWAY = ServiceUnavailable("away for a moment")
