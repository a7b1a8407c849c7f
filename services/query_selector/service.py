"""The query selector's calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

from dearena.faults import ArenaFault, NotReady, StoreUnavailable, UnknownDimension
from dearena.v1 import query_selector_pb2 as pb
from services.query_selector import dimension as domain
from services.query_selector import messages, upload
from services.query_selector.announcer import Announcer
from services.query_selector.report_calls import ReportCalls
from services.query_selector.reports import Reports
from services.query_selector.revision_calls import RevisionCalls
from services.query_selector.revisions import Revisions
from services.query_selector.selection_calls import SelectionCalls
from services.query_selector.selections import Selections
from services.query_selector.settings import QuerySelectorSettings
from services.query_selector.store import Dimensions, taken
from services.runtime import paging
from services.runtime.request_names import dimension_name, project_of_parent
from services.runtime.store import Document, Session, Store


class QuerySelector(SelectionCalls, ReportCalls, RevisionCalls):
    """dearena.v1.QuerySelectorService."""

    def __init__(
        self,
        settings: QuerySelectorSettings,
        store: Store,
        dimensions: Dimensions,
        announcer: Announcer,
        selections: Selections,
        reports: Reports,
        revisions: Revisions,
    ) -> None:
        self._settings = settings
        self._store = store
        self._dimensions = dimensions
        self._announcer = announcer
        self._selections = selections
        self._reports = reports
        self._revisions = revisions

    async def CreateDimension(
        self, request_iterator: AsyncIterator[pb.CreateDimensionRequest], context: Any
    ) -> pb.CreateDimensionResponse:
        """Read the pool, write its questions under an id nobody knows, then commit, then ring."""
        try:
            await self._store.ping()  # told before a large pool is looked at in vain
            received = await upload.receive(request_iterator, self._settings)
        except ArenaFault:
            await upload.discard(request_iterator, self._settings)
            raise
        made, queries = await asyncio.to_thread(domain.create, received.declaration, received.pool)
        existing = await self._dimensions.find(made.name)
        if not existing:
            await self._dimensions.check_free(made)
        if received.validate_only:
            if existing:
                raise taken(made.name, existing.get("pilot_of", ""))
            return pb.CreateDimensionResponse(dimension=messages.dimension_message(made))
        if existing:
            result = await self._dimensions.earlier_result(made.name, received.request_id, received.body)
        else:
            result = await self._create(received, made, frozenset(query.query_id for query in queries))
        response = pb.CreateDimensionResponse.FromString(result)
        # It is created, whatever comes now: what is not announced here is announced by the sweep.
        with suppress(StoreUnavailable):
            if await self._announcer.announce(await self._dimensions.get(made.name)):
                response.dimension.state = pb.DIMENSION_STATE_READY
        if made.selecting:
            self._selections.take_up(made.name, made.version)
        return response

    async def _create(self, received: upload.Upload, made: domain.Dimension, chosen: frozenset[str]) -> bytes:
        pool_id = uuid4().hex
        await self._dimensions.begin_upload(pool_id)
        try:
            await self._dimensions.write_questions(pool_id, made, received.pool.questions, chosen)
            return await self._dimensions.commit(
                received.request_id, received.body, pool_id, made, _creation_result, self._begin
            )
        finally:
            # Finds nothing after a commit. If the store is away, the sweep finds it later.
            with suppress(StoreUnavailable):
                await self._dimensions.discard_upload(pool_id)

    async def _begin(self, dimension: Document, session: Session) -> None:
        """The choice of its queries by a pilot, where that is how they are chosen."""
        if dimension["selecting"]:
            await self._selections.jobs.begin(dimension, session)

    async def GetDimension(self, request: pb.GetDimensionRequest, context: Any) -> pb.GetDimensionResponse:
        """The dimension as it stands."""
        found = await self._dimensions.get(dimension_name("name", request.name))
        return pb.GetDimensionResponse(dimension=messages.dimension_of(found))

    async def ListDimensions(self, request: pb.ListDimensionsRequest, context: Any) -> pb.ListDimensionsResponse:
        """In slug order."""
        project = project_of_parent("parent", request.parent)
        scope = ("dimensions", project, *(("pilots",) if request.include_pilots else ()))
        size = paging.size_of(request.page_size)
        after = paging.after_of(scope, request.page_token)
        found = await self._dimensions.list(project, after=after, limit=size + 1, pilots=request.include_pilots)
        more = len(found) > size
        return pb.ListDimensionsResponse(
            dimensions=[messages.dimension_of(document) for document in found[:size]],
            next_page_token=paging.token_of(scope, found[size - 1]["slug"]) if more else "",
        )

    async def ListQueries(self, request: pb.ListQueriesRequest, context: Any) -> pb.ListQueriesResponse:
        """In id order; pages are shorter where questions are long.

        While they are being chosen that is told: who took an empty list for the queries of a version might keep it.
        """
        name = dimension_name("dimension", request.dimension)
        size = paging.size_of(request.page_size)
        dimension = await self._dimensions.get(name)
        version = request.dimension_version or dimension["version"]
        if version > dimension["version"]:
            raise UnknownDimension(f"{name} has no version {version}; the newest is {dimension['version']}")
        if dimension.get("selecting"):
            raise NotReady(f"{name} has no queries yet: they are being chosen")
        scope = ("queries", str(name), version)
        after = paging.after_of(scope, request.page_token)
        found, more = await self._dimensions.queries(dimension, version, after=after, limit=size)
        return pb.ListQueriesResponse(
            queries=[messages.query_of(document) for document in found],
            next_page_token=paging.token_of(scope, found[-1]["query_id"]) if more else "",
        )


def _creation_result(document: Document) -> bytes:
    return pb.CreateDimensionResponse(dimension=messages.dimension_of(document)).SerializeToString()
