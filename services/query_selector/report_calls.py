"""Calls about what a dimension's queries still tell."""

from typing import Any

from grpc import StatusCode

from dearena.v1 import query_selector_pb2 as pb
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceServicer


class ReportCalls(QuerySelectorServiceServicer):
    """Calls about what a dimension's queries still tell."""

    async def GetDimensionHealth(
        self, request: pb.GetDimensionHealthRequest, context: Any
    ) -> pb.GetDimensionHealthResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.GetDimensionHealthResponse()

    async def GetPower(self, request: pb.GetPowerRequest, context: Any) -> pb.GetPowerResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.GetPowerResponse()
