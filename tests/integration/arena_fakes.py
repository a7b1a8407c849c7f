"""Services that say what a test has put into them, over real gRPC."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dearena.faults import ArenaFault, InvalidField, NotReady, ServiceUnavailable, UnknownInsertion, UnknownModel
from dearena.v1 import (
    gateway_pb2,
    gateway_pb2_grpc,
    judge_dispatcher_pb2,
    judge_dispatcher_pb2_grpc,
    query_selector_pb2,
    query_selector_pb2_grpc,
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
    query_selector_pb2_grpc.QuerySelectorServiceServicer,
    gateway_pb2_grpc.GatewayServiceServicer,
):
    """What they are to say."""

    address: str = ""
    insertions: list[ranker_pb2.Insertion] = field(default_factory=list)
    steps: list[ranker_pb2.WatchInsertionResponse] = field(default_factory=list)
    rankings: list[ranker_pb2.Ranking] = field(default_factory=list)
    """What is said of the ranking, one after another; the last one again and again."""
    decisions: list[ranker_pb2.Decision] = field(default_factory=list)
    refined: list[ranker_pb2.Decision] = field(default_factory=list)
    """What the log says further once a refinement has been ordered."""
    judges: list[ranker_pb2.JudgeHealth] = field(default_factory=list)
    boards: list[scorer_pb2.Board] = field(default_factory=list)
    batches: list[judge_dispatcher_pb2.ListVotesResponse] = field(default_factory=list)
    dimension: query_selector_pb2.Dimension = field(default_factory=query_selector_pb2.Dimension)
    ledger_sums: list[gateway_pb2.LedgerSum] = field(default_factory=list)
    faults: list[ArenaFault] = field(default_factory=list)
    """Raised after the first message of the next streams, one each."""
    late: int = 0
    """So many reports are still being worked out when their calls end."""
    silent: bool = False
    """Streams stay open after their last message."""
    asked: list[Any] = field(default_factory=list)

    async def GetRanking(self, request: ranker_pb2.GetRankingRequest, context: Any) -> ranker_pb2.GetRankingResponse:
        if not self.rankings:
            return ranker_pb2.GetRankingResponse(ranking=ranker_pb2.Ranking(waiting_reason="WAITING(5 seeds)"))
        said = self.rankings.pop(0) if len(self.rankings) > 1 else self.rankings[0]
        return ranker_pb2.GetRankingResponse(ranking=said)

    async def GetRound(self, request: ranker_pb2.GetRoundRequest, context: Any) -> ranker_pb2.GetRoundResponse:
        closed = [one for one in self.decisions if one.kind == ranker_pb2.DECISION_KIND_ROUND_CLOSED]
        found = ranker_pb2.Round(round=closed[0].round, closed_by_decision=closed[0].number)
        return ranker_pb2.GetRoundResponse(round=found)

    async def ListDecisions(
        self, request: ranker_pb2.ListDecisionsRequest, context: Any
    ) -> ranker_pb2.ListDecisionsResponse:
        later = [decision for decision in self.decisions if decision.number > request.after]
        return ranker_pb2.ListDecisionsResponse(decisions=later)

    async def ExplainInsertion(
        self, request: ranker_pb2.ExplainInsertionRequest, context: Any
    ) -> ranker_pb2.ExplainInsertionResponse:
        self.asked.append(request)
        if request.model not in [insertion.model for insertion in self.insertions]:
            raise UnknownInsertion(f"{request.model} has not been admitted to {request.dimension}")
        text = f"{request.model} came in\nand rests at place 2"
        return ranker_pb2.ExplainInsertionResponse(
            insertion=ranker_pb2.Insertion(model=request.model), steps=[ranker_pb2.ExplainedStep(text=text)], text=text
        )

    async def RefineRanking(
        self, request: ranker_pb2.RefineRankingRequest, context: Any
    ) -> ranker_pb2.RefineRankingResponse:
        self.asked.append(request)
        if request.calls < 2:
            raise InvalidField.of("calls", f"is {request.calls}; must be at least 2")
        self.decisions += self.refined
        return ranker_pb2.RefineRankingResponse()

    async def ListJudges(self, request: ranker_pb2.ListJudgesRequest, context: Any) -> ranker_pb2.ListJudgesResponse:
        return ranker_pb2.ListJudgesResponse(judges=self.judges)

    async def SuspendJudge(
        self, request: ranker_pb2.SuspendJudgeRequest, context: Any
    ) -> ranker_pb2.SuspendJudgeResponse:
        self.asked.append(request)
        self._check_order(request)
        return ranker_pb2.SuspendJudgeResponse()

    async def ReinstateJudge(
        self, request: ranker_pb2.ReinstateJudgeRequest, context: Any
    ) -> ranker_pb2.ReinstateJudgeResponse:
        self.asked.append(request)
        self._check_order(request)
        return ranker_pb2.ReinstateJudgeResponse()

    def _check_order(self, request: ranker_pb2.SuspendJudgeRequest | ranker_pb2.ReinstateJudgeRequest) -> None:
        if not request.reason.strip():
            raise InvalidField.of("reason", "must say why")
        if request.judge not in [judge.judge for judge in self.judges]:
            raise UnknownModel(f"{request.judge} has not been admitted to {request.dimension}")

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

    async def GetDimension(
        self, request: query_selector_pb2.GetDimensionRequest, context: Any
    ) -> query_selector_pb2.GetDimensionResponse:
        return query_selector_pb2.GetDimensionResponse(dimension=self.dimension)

    async def SummarizeLedger(
        self, request: gateway_pb2.SummarizeLedgerRequest, context: Any
    ) -> gateway_pb2.SummarizeLedgerResponse:
        return gateway_pb2.SummarizeLedgerResponse(sums=self.ledger_sums)

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
    """All of them at one address."""
    fake = FakeArena()  # type: ignore[abstract] # what is left out answers UNIMPLEMENTED
    servicers = [
        Servicer(ranker_pb2_grpc.add_RankerServiceServicer_to_server, fake, "dearena.v1.RankerService"),
        Servicer(scorer_pb2_grpc.add_ScorerServiceServicer_to_server, fake, "dearena.v1.ScorerService"),
        Servicer(
            judge_dispatcher_pb2_grpc.add_JudgeDispatcherServiceServicer_to_server,
            fake,
            "dearena.v1.JudgeDispatcherService",
        ),
        Servicer(
            query_selector_pb2_grpc.add_QuerySelectorServiceServicer_to_server,
            fake,
            "dearena.v1.QuerySelectorService",
        ),
        Servicer(gateway_pb2_grpc.add_GatewayServiceServicer_to_server, fake, "dearena.v1.GatewayService"),
    ]
    server = Server(servicers, traced=False, reflected=False)
    fake.address = await server.start("127.0.0.1:0")
    try:
        yield fake
    finally:
        await server.stop(0)


AWAY = ServiceUnavailable("away for a moment")
