"""The ranker's calls. They read what is kept, and so are answered by any ranker for the dimensions of every shard.

How far an open round is, who follows it in this process knows; of another shard's the dispatcher is asked. An
order is kept by whoever takes the call, and carried out by who has the dimension.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, Final

from dearena.faults import InvalidCursor, InvalidField, UnknownInsertion, UnknownRound
from dearena.names import DimensionName
from dearena.ranking.explain import explain
from dearena.ranking.findings import Progress
from dearena.v1 import ranker_pb2 as pb
from dearena.v1.ranker_pb2_grpc import RankerServiceServicer
from services.ranker.dimensions import Dimensions, Followed
from services.ranker.messages import (
    decision_message,
    explanation_message,
    insertion_message,
    ranking_message,
    round_message,
)
from services.ranker.operators import Operators
from services.ranker.records import InsertionRecord, RankingRecord, RoundRecord
from services.ranker.settings import RankerSettings
from services.ranker.store import RankerStore
from services.ranker.watching import Watch
from services.runtime import paging
from services.runtime.request_names import dimension_name, model_revision

PAGE_BYTES: Final = 2 * 1024 * 1024
"""Of one page of decisions: what a gRPC client takes is 4 MiB unless told otherwise."""


Queries = Callable[[DimensionName, int], Awaitable[Collection[str]]]
"""Ids of a dimension version's queries."""


class Ranker(RankerServiceServicer):
    """dearena.v1.RankerService."""

    def __init__(self, settings: RankerSettings, store: RankerStore, dimensions: Dimensions, queries: Queries) -> None:
        self._settings = settings
        self._store = store
        self._dimensions = dimensions
        self._operators = Operators(store)
        self._queries = queries

    async def GetRanking(self, request: pb.GetRankingRequest, context: Any) -> pb.GetRankingResponse:
        """The ranking as it stands; an empty one for a dimension that is not taken up yet."""
        _, record = await self._dimension(request.dimension)
        return pb.GetRankingResponse(ranking=ranking_message(record))

    async def ListInsertions(self, request: pb.ListInsertionsRequest, context: Any) -> pb.ListInsertionsResponse:
        """In the order of admission."""
        followed, ranking = await self._dimension(request.dimension)
        scope = ("insertions", request.dimension)
        size = paging.size_of(request.page_size)
        after = _number(paging.after_of(scope, request.page_token))
        version = ranking.dimension_version
        found = await self._store.insertions(ranking.name, version=version, after=after, limit=size + 1)
        opened, progress = await self._opened(ranking, followed)
        return pb.ListInsertionsResponse(
            insertions=[_insertion(one, ranking, opened, progress) for one in found[:size]],
            next_page_token=(
                paging.token_of(scope, str(found[size - 1].insertion.admitted_by)) if len(found) > size else ""
            ),
        )

    async def WatchInsertion(
        self, request: pb.WatchInsertionRequest, context: Any
    ) -> AsyncIterator[pb.WatchInsertionResponse]:
        """Every step of an insertion, or of all insertions without end."""
        if request.model:
            model_revision("model", request.model)
        followed, _ = await self._dimension(request.dimension)
        watch = Watch(
            self._store, self._dimensions, followed, model=request.model, watch_seconds=self._settings.watch_seconds
        )
        async for step in watch.steps(request.cursor):
            yield step

    async def GetRound(self, request: pb.GetRoundRequest, context: Any) -> pb.GetRoundResponse:
        """A round by number, or the newest closed one."""
        name = dimension_name("dimension", request.dimension)
        record = await self._store.round(name, request.round)
        if record is None:
            await self._dimensions.at(name)  # says if there is no such dimension
            what = f"round {request.round}" if request.round else "closed round"
            raise UnknownRound(f"{name} has no {what}")
        return pb.GetRoundResponse(round=round_message(record))

    async def ListDecisions(self, request: pb.ListDecisionsRequest, context: Any) -> pb.ListDecisionsResponse:
        """The log in order."""
        _, ranking = await self._dimension(request.dimension)
        if request.after < 0:
            raise InvalidField.of("after", f"is {request.after}; must not be negative")
        scope = ("decisions", request.dimension, request.after)
        size = paging.size_of(request.page_size)
        after = _number(paging.after_of(scope, request.page_token)) or request.after
        entries = await self._store.decisions(ranking.name, after=after, through=ranking.decisions, limit=size)
        response = pb.ListDecisionsResponse()
        total = 0
        for decision, time in entries:
            message = decision_message(decision, time)
            total += message.ByteSize()
            if response.decisions and total > PAGE_BYTES:
                break
            response.decisions.append(message)
        if response.decisions and (last := response.decisions[-1].number) < ranking.decisions:
            response.next_page_token = paging.token_of(scope, str(last))
        return response

    async def ExplainInsertion(self, request: pb.ExplainInsertionRequest, context: Any) -> pb.ExplainInsertionResponse:
        """A model's whole way, from the log alone."""
        model_revision("model", request.model)
        followed, ranking = await self._dimension(request.dimension)
        record = await self._store.insertion(ranking.name, ranking.dimension_version, request.model)
        if record is None:
            raise UnknownInsertion(f"{request.model} has not been admitted to {ranking.name}")
        opened, progress = await self._opened(ranking, followed)
        entries = await self._store.decisions(ranking.name, through=ranking.decisions)
        explanation = await asyncio.to_thread(explain, request.model, [decision for decision, _ in entries])
        return explanation_message(
            explanation,
            _insertion(record, ranking, opened, progress),
            {decision.number: time for decision, time in entries},
        )

    async def RefineRanking(self, request: pb.RefineRankingRequest, context: Any) -> pb.RefineRankingResponse:
        """Ordered now, done between insertions."""
        _, ranking = await self._dimension(request.dimension)
        await self._dimensions.ordered(ranking.name, await self._operators.refine(ranking.name, request))
        return pb.RefineRankingResponse()

    async def OrderComparisons(self, request: pb.OrderComparisonsRequest, context: Any) -> pb.OrderComparisonsResponse:
        """Ordered now, asked by the next round."""
        _, ranking = await self._dimension(request.dimension)
        queries = await self._queries(ranking.name, ranking.dimension_version)
        order = await self._operators.compare(ranking, request, queries)
        await self._dimensions.ordered(ranking.name, order)
        return pb.OrderComparisonsResponse(order=order)

    async def ListJudges(self, request: pb.ListJudgesRequest, context: Any) -> pb.ListJudgesResponse:
        """By the log."""
        _, ranking = await self._dimension(request.dimension)
        return pb.ListJudgesResponse(judges=await self._operators.judges(ranking.name))

    async def SuspendJudge(self, request: pb.SuspendJudgeRequest, context: Any) -> pb.SuspendJudgeResponse:
        """Ordered now, done between rounds."""
        model_revision("judge", request.judge)
        _, ranking = await self._dimension(request.dimension)
        await self._dimensions.ordered(ranking.name, await self._operators.suspend(ranking.name, request))
        return pb.SuspendJudgeResponse()

    async def ReinstateJudge(self, request: pb.ReinstateJudgeRequest, context: Any) -> pb.ReinstateJudgeResponse:
        """Ordered now, done between rounds."""
        model_revision("judge", request.judge)
        _, ranking = await self._dimension(request.dimension)
        await self._dimensions.ordered(ranking.name, await self._operators.reinstate(ranking.name, request))
        return pb.ReinstateJudgeResponse()

    async def _dimension(self, dimension: str) -> tuple[Followed, RankingRecord]:
        """Who follows a dimension here, and its record; raises UnknownDimension when there is none."""
        name = dimension_name("dimension", dimension)
        followed = await self._dimensions.at(name)
        record = await self._store.ranking(name)
        if record is None:
            raise RuntimeError(f"{name} was taken up and is gone")
        return followed, record

    async def _opened(self, ranking: RankingRecord, followed: Followed) -> tuple[RoundRecord | None, Progress]:
        """The open round, and how far it is as far as is known."""
        if not ranking.open_round:
            return None, Progress(0)
        opened = await self._store.round(ranking.name, ranking.open_round)
        return opened, await followed.progress(ranking.open_round) or Progress(ranking.open_round)


def _insertion(
    record: InsertionRecord, ranking: RankingRecord, opened: RoundRecord | None, progress: Progress
) -> pb.Insertion:
    if opened is None or opened.closed or record.insertion.model not in opened.models:
        return insertion_message(ranking.name, record, waiting_reason=ranking.waiting_reason)
    return insertion_message(
        ranking.name,
        record,
        open_round=(opened.cells, progress),
        served=tuple(opened.models),
        waiting_reason=ranking.waiting_reason,
    )


def _number(key: str) -> int:
    try:
        return int(key or 0)
    except ValueError as error:
        raise InvalidCursor("page_token: not a token that this list gave out") from error
