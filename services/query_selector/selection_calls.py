"""Calls about the choice of queries."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import StatusCode

from dearena.v1 import query_selector_pb2 as pb
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceServicer


class SelectionCalls(QuerySelectorServiceServicer):
    """Calls about the choice of queries."""

    async def GetSelection(self, request: pb.GetSelectionRequest, context: Any) -> pb.GetSelectionResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.GetSelectionResponse()

    async def WatchSelection(
        self, request: pb.WatchSelectionRequest, context: Any
    ) -> AsyncIterator[pb.WatchSelectionResponse]:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        yield pb.WatchSelectionResponse()

    async def ListSelectionReasons(
        self, request: pb.ListSelectionReasonsRequest, context: Any
    ) -> pb.ListSelectionReasonsResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.ListSelectionReasonsResponse()

    async def StopSelection(self, request: pb.StopSelectionRequest, context: Any) -> pb.StopSelectionResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.StopSelectionResponse()

    async def ResumeSelection(self, request: pb.ResumeSelectionRequest, context: Any) -> pb.ResumeSelectionResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.ResumeSelectionResponse()
