"""Calls that make a next version of a dimension."""

from typing import Any

from grpc import StatusCode

from dearena.v1 import query_selector_pb2 as pb
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceServicer


class RevisionCalls(QuerySelectorServiceServicer):
    """Calls that make a next version of a dimension."""

    async def ReviseDimension(self, request: pb.ReviseDimensionRequest, context: Any) -> pb.ReviseDimensionResponse:
        """Not there yet."""
        await context.abort(StatusCode.UNIMPLEMENTED, "not there yet")
        return pb.ReviseDimensionResponse()
