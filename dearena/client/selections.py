"""The query selector's part of the client that is about queries: their choice, their health, and revisions."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from dearena.client.channel import Service
from dearena.client.streams import LARGEST_PAGE, paged, resumed
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb

if TYPE_CHECKING:
    from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceAsyncStub

FITTING_SECONDS: Final = 120.0
"""For what has to be worked out of all votes of a dimension."""


class SelectionCalls(ABC):
    """What `ArenaClient` asks the query selector about queries."""

    _query_selector: Service
    _dimensions: "QuerySelectorServiceAsyncStub"
    _seconds: float

    @abstractmethod
    def dimension_name(self, slug: str) -> str:
        """Resource name of a dimension."""

    async def selection(self, dimension: str) -> pb.SelectionProgress:
        """How the choice of a dimension's queries by a pilot stands.

        Raises:
            UnknownDimension: there is none, or no pilot was made for it.
        """
        request = pb.GetSelectionRequest(dimension=self.dimension_name(dimension))
        call = self._dimensions.GetSelection(request, timeout=self._seconds)
        return (await self._query_selector.told(call)).selection

    def watch_selection(self, dimension: str) -> AsyncIterator[pb.SelectionProgress]:
        """The same now and after each change, until it is done or has failed; comes back when the service was away."""

        async def watch(_: int) -> AsyncIterator[pb.SelectionProgress]:
            request = pb.WatchSelectionRequest(dimension=self.dimension_name(dimension))
            stream = self._query_selector.each(self._dimensions.WatchSelection(request), silence_seconds=None)
            async for step in stream:
                yield step.selection

        return resumed(watch, 0, lambda _: 0)

    def selection_reasons(
        self, dimension: str, dimension_version: int = 0, *, taken_only: bool = False
    ) -> AsyncIterator[pb.SelectionReason]:
        """Why each query was taken or left: the taken ones in the order in which they were taken, then the others.

        Raises:
            UnknownDimension: there is none, or no pilot was made for it.
        """

        def page(token: str) -> Awaitable[pb.ListSelectionReasonsResponse]:
            request = pb.ListSelectionReasonsRequest(
                dimension=self.dimension_name(dimension),
                dimension_version=dimension_version,
                taken_only=taken_only,
                page_size=LARGEST_PAGE,
                page_token=token,
            )
            return self._query_selector.told(self._dimensions.ListSelectionReasons(request, timeout=self._seconds))

        return paged(page, lambda page: page.reasons)

    async def stop_selection(self, dimension: str, *, request_id: str = "") -> pb.SelectionProgress:
        """Have the queries chosen now, by what the pilot has heard so far.

        Raises:
            NotReady: it is over.
        """
        request = pb.StopSelectionRequest(
            dimension=self.dimension_name(dimension), request_id=request_id or uuid4().hex
        )
        call = self._dimensions.StopSelection(request, timeout=self._seconds)
        return (await self._query_selector.told(call)).selection

    async def resume_selection(
        self, dimension: str, *, calls: int = 0, budget: common_pb2.Money | None = None, request_id: str = ""
    ) -> pb.SelectionProgress:
        """Go on with a selection that has failed or ran out of something, with other limits where these are given.

        Args:
            dimension: its slug.
            calls: of judges at most in all; 0: as before.
            budget: of answers and judging in all; None: as before.
            request_id: makes a repetition harmless.

        Raises:
            NotReady: it is done.
        """
        request = pb.ResumeSelectionRequest(
            dimension=self.dimension_name(dimension),
            calls=calls,
            budget=budget,
            request_id=request_id or uuid4().hex,
        )
        call = self._dimensions.ResumeSelection(request, timeout=self._seconds)
        return (await self._query_selector.told(call)).selection

    async def dimension_health(
        self, dimension: str, others: Sequence[str] = (), *, wait_seconds: float = FITTING_SECONDS
    ) -> pb.DimensionHealth:
        """What a dimension's queries still tell, beside the boards of others (none named: all of the project).

        Raises:
            NotReady: there are no votes yet.
        """
        request = pb.GetDimensionHealthRequest(
            dimension=self.dimension_name(dimension), others=[self.dimension_name(slug) for slug in others]
        )
        call = self._dimensions.GetDimensionHealth(request, timeout=wait_seconds)
        return (await self._query_selector.told(call)).health

    async def power(
        self,
        dimension: str,
        model_a: str,
        model_b: str,
        *,
        error: float = 0.0,
        power: float = 0.0,
        wait_seconds: float = FITTING_SECONDS,
    ) -> pb.Power:
        """How many queries and votes would separate two models, and what they would cost.

        Args:
            dimension: its slug.
            model_a: revision, `slug@n`.
            model_b: another one.
            error: chance to tell two equals apart; 0: 0.05.
            power: chance to tell these apart; 0: 0.8.
            wait_seconds: for the answer.

        Raises:
            UnknownModel: one has no votes in the dimension.
            NotReady: there are no votes yet.
        """
        request = pb.GetPowerRequest(
            dimension=self.dimension_name(dimension), model_a=model_a, model_b=model_b, error=error, power=power
        )
        return (await self._query_selector.told(self._dimensions.GetPower(request, timeout=wait_seconds))).power

    async def revise_dimension(
        self,
        dimension: str,
        *,
        retire: Sequence[str] = (),
        add: int = 0,
        method: str = "",
        as_suggested: bool = False,
        etag: str = "",
        validate_only: bool = False,
        request_id: str = "",
        wait_seconds: float = FITTING_SECONDS,
    ) -> pb.ReviseDimensionResponse:
        """Make the next version of a dimension: some queries retired, others of its pool put in.

        Args:
            dimension: its slug.
            retire: ids of queries.
            add: how many to put in.
            method: by which; empty: that of the dimension.
            as_suggested: retire and add what `dimension_health` suggests.
            etag: as last seen; empty: whatever it is.
            validate_only: nothing is stored.
            request_id: makes a repetition harmless.
            wait_seconds: for the answer.

        Raises:
            EtagMismatch: somebody else has changed it.
            InvalidField: a query is none of the dimension's, or the pool has not so many left.
        """
        request = pb.ReviseDimensionRequest(
            dimension=self.dimension_name(dimension),
            request_id=request_id or uuid4().hex,
            etag=etag,
            retire=retire,
            add=add,
            method=method,
            as_suggested=as_suggested,
            validate_only=validate_only,
        )
        return await self._query_selector.told(self._dimensions.ReviseDimension(request, timeout=wait_seconds))
