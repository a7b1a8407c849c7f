"""Calls about the choice of queries."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from dearena.faults import ArenaFault, InvalidCursor, InvalidField, NotReady, ServiceUnavailable, UnknownDimension
from dearena.names import DimensionName
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceServicer
from services.query_selector import messages, selection_messages
from services.query_selector.announcer import Announcer
from services.query_selector.jobs import Job, Stage, resumed
from services.query_selector.pilot_settings import MOST_CALLS, wrong_budget
from services.query_selector.ranking_settings import Money
from services.query_selector.selections import Selections
from services.query_selector.store import Dimensions
from services.runtime import paging
from services.runtime.request_names import dimension_name, scoped_request_id
from services.runtime.store import Document


class SelectionCalls(QuerySelectorServiceServicer):
    """Calls about the choice of queries."""

    _dimensions: Dimensions
    _selections: Selections
    _announcer: Announcer

    async def GetSelection(self, request: pb.GetSelectionRequest, context: Any) -> pb.GetSelectionResponse:
        """As it stands."""
        progress, _ = await self._progress(dimension_name("dimension", request.dimension))
        return pb.GetSelectionResponse(selection=progress)

    async def WatchSelection(
        self, request: pb.WatchSelectionRequest, context: Any
    ) -> AsyncIterator[pb.WatchSelectionResponse]:
        """As it stands, and after each change, until it is over."""
        name = dimension_name("dimension", request.dimension)
        told: pb.SelectionProgress | None = None
        while True:
            news = self._selections.news.next()
            progress, is_over = await self._progress(name)
            if progress != told:
                yield pb.WatchSelectionResponse(selection=progress)
                told = progress
            if is_over:
                return
            if self._selections.over:
                raise ServiceUnavailable("the query selector leaves; watch again")
            # Another process may bring it forward.
            await self._selections.news.wait(news, self._selections.watch_seconds)

    async def ListSelectionReasons(
        self, request: pb.ListSelectionReasonsRequest, context: Any
    ) -> pb.ListSelectionReasonsResponse:
        """The taken ones first, then the others."""
        name = dimension_name("dimension", request.dimension)
        dimension = await self._dimensions.get(name)
        job = await self._selections.jobs.find(name, request.dimension_version)
        if job is None:
            raise UnknownDimension(f"no reasons are on record for {name}{_version(request.dimension_version)}")
        if job.stage is not Stage.DONE:
            raise NotReady(f"the queries of {name} are not chosen yet")
        scope = ("reasons", dimension["project"], dimension["slug"], job.dimension_version, int(request.taken_only))
        size = paging.size_of(request.page_size)
        after = _place(paging.after_of(scope, request.page_token))
        found = await self._selections.jobs.reasons(job, taken_only=request.taken_only, after=after, limit=size + 1)
        more = len(found) > size
        return pb.ListSelectionReasonsResponse(
            reasons=[selection_messages.reason_of(document) for document in found[:size]],
            next_page_token=paging.token_of(scope, str(found[size - 1]["place"])) if more else "",
        )

    async def StopSelection(self, request: pb.StopSelectionRequest, context: Any) -> pb.StopSelectionResponse:
        """Choose by what there is; from here on the pilot is closed."""

        def stopped(job: Job) -> Job:
            if job.stage is Stage.FAILED:
                raise NotReady(f"the selection of {job.name} has failed: {job.failure}; it can be resumed")
            return job if job.is_over or job.stage is Stage.CHOOSING else replace(job, stopping=True)

        progress = await self._changed("StopSelection", request, stopped)
        return pb.StopSelectionResponse(selection=progress)

    async def ResumeSelection(self, request: pb.ResumeSelectionRequest, context: Any) -> pb.ResumeSelectionResponse:
        """Go on, within other limits where they are given."""
        if request.calls > MOST_CALLS:
            raise InvalidField.of("calls", f"is {request.calls:,}; must be at most {MOST_CALLS:,}")
        budget = None
        if request.HasField("budget"):
            budget = Money(request.budget.currency, request.budget.nano_units)
            if wrong := wrong_budget(budget, "budget"):
                raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in wrong), wrong)

        def going(job: Job) -> Job:
            if job.stage is Stage.DONE:
                raise NotReady(f"the queries of {job.name} are chosen; there is nothing to resume")
            return resumed(job, request.calls, budget)

        progress = await self._changed("ResumeSelection", request, going)
        await self._ring_for_pilot(dimension_name("dimension", request.dimension))
        return pb.ResumeSelectionResponse(selection=progress)

    async def _changed(
        self, method: str, request: pb.StopSelectionRequest | pb.ResumeSelectionRequest, change: Any
    ) -> pb.SelectionProgress:
        name = dimension_name("dimension", request.dimension)
        scoped = scoped_request_id(name.project, method, request.request_id)
        await self._dimensions.get(name)
        jobs = self._selections.jobs
        await jobs.change_once(name, scoped, request.SerializeToString(deterministic=True), change)
        if (job := await jobs.find(name)) is not None and not job.is_over:
            self._selections.take_up(name, job.dimension_version)
        self._selections.news.spread()
        return (await self._progress(name))[0]

    async def _ring_for_pilot(self, name: DimensionName) -> None:
        """Where a pilot was closed and is open again, those who answer and rank it need not wait for their sweeps."""
        with suppress(ArenaFault):
            job = await self._selections.jobs.find(name)
            if job is not None and job.pilots and job.hears(job.pilots[-1]):
                await self._announcer.announce(await self._dimensions.get(job.pilot), again=f"resumed {job.version}")

    async def _progress(self, name: DimensionName) -> tuple[pb.SelectionProgress, bool]:
        """How it stands, and whether it is over. What looks at no pilot was chosen when the dimension was made."""
        dimension: Document = await self._dimensions.get(name)
        job = await self._selections.jobs.find(name)
        chosen = messages.dimension_of(dimension).selection
        if job is None:
            return selection_messages.chosen_at_once(dimension, chosen), True
        return selection_messages.progress_of(job, chosen), job.is_over


def _version(number: int) -> str:
    return f", version {number}" if number else ""


def _place(key: str) -> int:
    try:
        return int(key or 0)
    except ValueError as error:
        raise InvalidCursor("page_token: not a token that this list gave out") from error
