"""The arena's five services behind one object, with slugs for names."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

from google.protobuf.field_mask_pb2 import FieldMask

from dearena.client import pools
from dearena.client.addresses import Addresses
from dearena.client.attacks import AttackCalls
from dearena.client.boards import BoardCalls
from dearena.client.budgets import BudgetCalls
from dearena.client.channel import Service
from dearena.client.judging import JudgingCalls
from dearena.client.limits import LimitCalls
from dearena.client.probes import ProbeCalls
from dearena.client.selections import SelectionCalls
from dearena.client.streams import LARGEST_PAGE, paged, resumed
from dearena.names import DEFAULT_PROJECT, DimensionName, ModelName, check_slug
from dearena.transport import Tls
from dearena.v1 import gateway_pb2, judge_dispatcher_pb2, query_selector_pb2, ranker_pb2, scorer_pb2
from dearena.v1.gateway_pb2_grpc import GatewayServiceStub
from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceStub
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceStub
from dearena.v1.ranker_pb2_grpc import RankerServiceStub
from dearena.v1.scorer_pb2_grpc import ScorerServiceStub

CALL_SECONDS = 10.0
UPLOAD_SECONDS = 300.0
"""For a whole question pool: as long as the query selector waits for one."""


class ArenaClient(AttackCalls, BoardCalls, BudgetCalls, JudgingCalls, LimitCalls, ProbeCalls, SelectionCalls):
    """The arena as one project sees it.

    Models and dimensions are named by their slugs. Lists are async iterators that turn the pages
    themselves; watches come back by themselves when a service was away for a while. A method that changes
    something takes a `request_id`: give one to make a repetition harmless, or one is made up.

    Every method may raise a fault of `dearena.faults`; ServiceUnavailable when a service is not there.
    InvalidName says that a slug or a revision is not one.
    """

    def __init__(
        self,
        addresses: Addresses | None = None,
        *,
        project: str = DEFAULT_PROJECT,
        call_seconds: float = CALL_SECONDS,
        tls: Tls | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            addresses: of the services; by default those in force here.
            project: that models and dimensions are of.
            call_seconds: bound of each call that is not a stream.
            tls: how to speak to the services; by default as DEARENA_TLS_CA_FILE, DEARENA_TLS_CERT_FILE and
                DEARENA_TLS_KEY_FILE say. `Tls()`: in plaintext whatever these are.

        Raises:
            InvalidField: the file of addresses, or one of `tls`, is wrong.
        """
        addresses = addresses or Addresses.find()
        tls = Tls.find() if tls is None else tls
        self.addresses = addresses
        self.project = check_slug(project)
        self._seconds = call_seconds
        self._gateway = Service(gateway_pb2.DESCRIPTOR, "gateway", addresses.gateway, tls)
        self._query_selector = Service(query_selector_pb2.DESCRIPTOR, "query_selector", addresses.query_selector, tls)
        self._ranker = Service(ranker_pb2.DESCRIPTOR, "ranker", addresses.ranker, tls)
        self._judge_dispatcher = Service(
            judge_dispatcher_pb2.DESCRIPTOR, "judge_dispatcher", addresses.judge_dispatcher, tls
        )
        self._scorer = Service(scorer_pb2.DESCRIPTOR, "scorer", addresses.scorer, tls)
        self._models = GatewayServiceStub(self._gateway.channel)
        self._dimensions = QuerySelectorServiceStub(self._query_selector.channel)
        self._rankings = RankerServiceStub(self._ranker.channel)
        self._votes = JudgeDispatcherServiceStub(self._judge_dispatcher.channel)
        self._boards = ScorerServiceStub(self._scorer.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; streams that are open end."""
        services = (self._gateway, self._query_selector, self._ranker, self._judge_dispatcher, self._scorer)
        await asyncio.gather(*(service.channel.close() for service in services))

    # Models

    def model_name(self, slug: str) -> str:
        """The resource name of a model of this project."""
        return str(ModelName(self.project, check_slug(slug)))

    async def register_model(
        self, model: gateway_pb2.Model, *, request_id: str = "", validate_only: bool = False
    ) -> gateway_pb2.Model:
        """Register a model; its `name` is a resource name (see `model_name`).

        Raises:
            AlreadyExists: the slug is taken.
            InvalidField: with a violation for each field that is wrong.
        """
        request = gateway_pb2.RegisterModelRequest(
            model=model, request_id=request_id or _request_id(), validate_only=validate_only
        )
        return (await self._gateway.told(self._models.RegisterModel(request, timeout=self._seconds))).model

    async def update_model(
        self, model: gateway_pb2.Model, fields: Sequence[str], *, request_id: str = ""
    ) -> gateway_pb2.Model:
        """Change the named fields of a model to what they are in `model`.

        Raises:
            UnknownModel: there is none of this name.
            EtagMismatch: `model.etag` is set and stale.
        """
        request = gateway_pb2.UpdateModelRequest(
            model=model, update_mask=FieldMask(paths=fields), request_id=request_id or _request_id()
        )
        return (await self._gateway.told(self._models.UpdateModel(request, timeout=self._seconds))).model

    async def retire_model(self, slug: str, *, etag: str = "", request_id: str = "") -> gateway_pb2.Model:
        """Retire a model: it judges no more and has no rank. Retiring twice is harmless."""
        request = gateway_pb2.RetireModelRequest(
            name=self.model_name(slug), etag=etag, request_id=request_id or _request_id()
        )
        return (await self._gateway.told(self._models.RetireModel(request, timeout=self._seconds))).model

    async def ask_answers_again(self, slug: str, *, dimension: str = "", request_id: str = "") -> int:
        """Have answers of a model asked again that failed, wherever it is not ready; says how many.

        Args:
            slug: of the model.
            dimension: slug of one; empty: every one.
            request_id: makes a repetition harmless.

        Raises:
            ModelNotActive: the model is retired.
            UnknownModel: there is none.
        """
        request = gateway_pb2.AskAnswersAgainRequest(
            model=self.model_name(slug),
            dimension=self.dimension_name(dimension) if dimension else "",
            request_id=request_id or _request_id(),
        )
        return (await self._gateway.told(self._models.AskAnswersAgain(request, timeout=self._seconds))).answers

    async def get_model(self, slug: str) -> gateway_pb2.Model:
        """One model; raises UnknownModel."""
        request = gateway_pb2.GetModelRequest(name=self.model_name(slug))
        return (await self._gateway.told(self._models.GetModel(request, timeout=self._seconds))).model

    def models(self, *, show_retired: bool = False) -> AsyncIterator[gateway_pb2.Model]:
        """Models in the order of their registration."""

        def page(token: str) -> Awaitable[gateway_pb2.ListModelsResponse]:
            request = gateway_pb2.ListModelsRequest(
                parent=f"projects/{self.project}", show_retired=show_retired, page_size=LARGEST_PAGE, page_token=token
            )
            return self._gateway.told(self._models.ListModels(request, timeout=self._seconds))

        return paged(page, lambda page: page.models)

    async def entrants(self, dimension: str, dimension_version: int = 0) -> Sequence[gateway_pb2.Entrant]:
        """Model revisions that enter a dimension, with how far their answers are; in the order of admission."""
        version = dimension_version or (await self.get_dimension(dimension)).version
        request = gateway_pb2.ListEntrantsRequest(dimension=self.dimension_name(dimension), dimension_version=version)
        return (await self._gateway.told(self._models.ListEntrants(request, timeout=self._seconds))).entrants

    def ledger(self, *, dimension: str = "", interrupted_only: bool = False) -> AsyncIterator[gateway_pb2.LedgerEntry]:
        """The calls made, in the order in which they started."""

        def page(token: str) -> Awaitable[gateway_pb2.ListLedgerResponse]:
            request = gateway_pb2.ListLedgerRequest(
                parent=f"projects/{self.project}",
                dimension=dimension,
                interrupted_only=interrupted_only,
                page_size=LARGEST_PAGE,
                page_token=token,
            )
            return self._gateway.told(self._models.ListLedger(request, timeout=self._seconds))

        return paged(page, lambda page: page.entries)

    # Dimensions

    def dimension_name(self, slug: str) -> str:
        """The resource name of a dimension of this project."""
        return str(DimensionName(self.project, check_slug(slug)))

    async def create_dimension(
        self,
        dimension: query_selector_pb2.Dimension,
        pool: pools.PoolSource,
        *,
        request_id: str = "",
        validate_only: bool = False,
        on_progress: pools.OnProgress = pools.unheard,
    ) -> query_selector_pb2.Dimension:
        """Create a dimension from a question pool; its `name` is a resource name (see `dimension_name`).

        Args:
            dimension: what it is to be.
            pool: its questions.
            request_id: makes a repetition harmless.
            validate_only: check all, and create nothing.
            on_progress: hears how far the pool has come.

        Raises:
            BrokenPool: with a violation `pool line N` for each line that is wrong, up to twenty.
            AlreadyExists: the slug is taken.
            OSError: the pool's file cannot be read.
        """
        on_progress(pools.Stage.READING, 0, 0)
        content = pools.content_of(pool)
        start = query_selector_pb2.CreateDimensionStart(
            dimension=dimension, request_id=request_id or _request_id(), validate_only=validate_only
        )

        async def requests() -> AsyncIterator[query_selector_pb2.CreateDimensionRequest]:
            yield query_selector_pb2.CreateDimensionRequest(start=start)
            sent = 0
            for piece in pools.pieces_of(content):
                on_progress(pools.Stage.UPLOADING, sent, len(content))
                yield query_selector_pb2.CreateDimensionRequest(pool=piece)
                sent += len(piece)
            on_progress(pools.Stage.STORING, 0, 0)

        call = self._dimensions.CreateDimension(requests(), timeout=UPLOAD_SECONDS)
        return (await self._query_selector.told(call)).dimension

    async def get_dimension(self, slug: str) -> query_selector_pb2.Dimension:
        """One dimension; raises UnknownDimension."""
        request = query_selector_pb2.GetDimensionRequest(name=self.dimension_name(slug))
        call = self._dimensions.GetDimension(request, timeout=self._seconds)
        return (await self._query_selector.told(call)).dimension

    def dimensions(self, *, include_pilots: bool = False) -> AsyncIterator[query_selector_pb2.Dimension]:
        """Dimensions in slug order, pilots among them or not."""

        def page(token: str) -> Awaitable[query_selector_pb2.ListDimensionsResponse]:
            request = query_selector_pb2.ListDimensionsRequest(
                parent=f"projects/{self.project}",
                page_size=LARGEST_PAGE,
                page_token=token,
                include_pilots=include_pilots,
            )
            return self._query_selector.told(self._dimensions.ListDimensions(request, timeout=self._seconds))

        return paged(page, lambda page: page.dimensions)

    def queries(self, dimension: str, dimension_version: int = 0) -> AsyncIterator[query_selector_pb2.Query]:
        """The queries chosen for a dimension version (0: the newest) in id order."""

        def page(token: str) -> Awaitable[query_selector_pb2.ListQueriesResponse]:
            request = query_selector_pb2.ListQueriesRequest(
                dimension=self.dimension_name(dimension),
                dimension_version=dimension_version,
                page_size=LARGEST_PAGE,
                page_token=token,
            )
            return self._query_selector.told(self._dimensions.ListQueries(request, timeout=self._seconds))

        return paged(page, lambda page: page.queries)

    # Rankings

    async def ranking(self, dimension: str) -> ranker_pb2.Ranking:
        """The ranker's ordered list, and what it is busy with."""
        request = ranker_pb2.GetRankingRequest(dimension=self.dimension_name(dimension))
        return (await self._ranker.told(self._rankings.GetRanking(request, timeout=self._seconds))).ranking

    def insertions(self, dimension: str) -> AsyncIterator[ranker_pb2.Insertion]:
        """Insertions in the order of admission."""

        def page(token: str) -> Awaitable[ranker_pb2.ListInsertionsResponse]:
            request = ranker_pb2.ListInsertionsRequest(
                dimension=self.dimension_name(dimension), page_size=LARGEST_PAGE, page_token=token
            )
            return self._ranker.told(self._rankings.ListInsertions(request, timeout=self._seconds))

        return paged(page, lambda page: page.insertions)

    def watch_insertion(
        self, dimension: str, model: str = "", *, cursor: int = 0
    ) -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
        """Every step of one model's insertion until it has settled or failed; of all without end if none is named.

        Args:
            dimension: its slug.
            model: a model revision, `slug@n`.
            cursor: decision after which to begin, as a message carries it.

        Raises:
            UnknownInsertion: the model has not been admitted.
        """

        def watch(after: int) -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
            request = ranker_pb2.WatchInsertionRequest(
                dimension=self.dimension_name(dimension), model=model, cursor=after
            )
            return self._ranker.each(self._rankings.WatchInsertion(request), silence_seconds=None)

        return resumed(watch, cursor, lambda step: step.cursor)

    async def round(self, dimension: str, number: int = 0) -> ranker_pb2.Round:
        """One round, 0: the newest closed one; raises UnknownRound."""
        request = ranker_pb2.GetRoundRequest(dimension=self.dimension_name(dimension), round=number)
        return (await self._ranker.told(self._rankings.GetRound(request, timeout=self._seconds))).round

    def decisions(self, dimension: str, *, after: int = 0) -> AsyncIterator[ranker_pb2.Decision]:
        """The decision log in order, beyond a decision; what comes later is not waited for."""

        def page(token: str) -> Awaitable[ranker_pb2.ListDecisionsResponse]:
            request = ranker_pb2.ListDecisionsRequest(
                dimension=self.dimension_name(dimension), after=after, page_size=LARGEST_PAGE, page_token=token
            )
            return self._ranker.told(self._rankings.ListDecisions(request, timeout=self._seconds))

        return paged(page, lambda page: page.decisions)

    async def explain_insertion(self, dimension: str, model: str) -> ranker_pb2.ExplainInsertionResponse:
        """The whole way of a model revision to its place; raises UnknownInsertion."""
        request = ranker_pb2.ExplainInsertionRequest(dimension=self.dimension_name(dimension), model=model)
        return await self._ranker.told(self._rankings.ExplainInsertion(request, timeout=self._seconds))

    async def refine_ranking(self, dimension: str, calls: int, *, request_id: str = "") -> None:
        """Have at most so many more judge calls spent on the whole board, once no insertion is under way.

        Raises:
            NotReady: nothing is ranked yet.
        """
        request = ranker_pb2.RefineRankingRequest(
            dimension=self.dimension_name(dimension), calls=calls, request_id=request_id or _request_id()
        )
        await self._ranker.told(self._rankings.RefineRanking(request, timeout=self._seconds))

    async def order_comparisons(
        self, dimension: str, comparisons: Iterable[ranker_pb2.OrderedComparison], *, request_id: str = ""
    ) -> int:
        """Have exactly these pairs compared on these queries by the next round; the order's number.

        It is carried out once `comparisons_done` of the ranking is as great.

        Raises:
            InvalidField: a comparison is wrong in itself, or is there twice, or there are too many or none.
            UnknownModel: one was never admitted.
            NotReady: one is not ranked yet.
        """
        request = ranker_pb2.OrderComparisonsRequest(
            dimension=self.dimension_name(dimension), comparisons=comparisons, request_id=request_id or _request_id()
        )
        return (await self._ranker.told(self._rankings.OrderComparisons(request, timeout=self._seconds))).order

    async def judges(self, dimension: str) -> Sequence[ranker_pb2.JudgeHealth]:
        """Judges of a dimension in canonical order, and how healthy their judging has been."""
        request = ranker_pb2.ListJudgesRequest(dimension=self.dimension_name(dimension))
        return (await self._ranker.told(self._rankings.ListJudges(request, timeout=self._seconds))).judges

    async def suspend_judge(self, dimension: str, judge: str, reason: str, *, request_id: str = "") -> None:
        """Have a model revision judge no more in a dimension, and its votes count nothing; raises UnknownModel."""
        request = ranker_pb2.SuspendJudgeRequest(
            dimension=self.dimension_name(dimension), judge=judge, reason=reason, request_id=request_id or _request_id()
        )
        await self._ranker.told(self._rankings.SuspendJudge(request, timeout=self._seconds))

    async def reinstate_judge(self, dimension: str, judge: str, reason: str, *, request_id: str = "") -> None:
        """Have a suspended judge asked again, and its votes count.

        Raises:
            UnknownModel: it has not been admitted.
            NotReady: it is not suspended.
        """
        request = ranker_pb2.ReinstateJudgeRequest(
            dimension=self.dimension_name(dimension), judge=judge, reason=reason, request_id=request_id or _request_id()
        )
        await self._ranker.told(self._rankings.ReinstateJudge(request, timeout=self._seconds))


def _request_id() -> str:
    return uuid4().hex
