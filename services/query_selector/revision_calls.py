"""Calls that make a next version of a dimension."""

from contextlib import suppress
from typing import Any

from dearena.faults import InvalidField, StoreUnavailable
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceServicer
from services.query_selector import messages
from services.query_selector.announcer import Announcer
from services.query_selector.revision import Wish
from services.query_selector.revisions import Revised, Revisions
from services.query_selector.store import Dimensions
from services.runtime.request_names import dimension_name, scoped_request_id


class RevisionCalls(QuerySelectorServiceServicer):
    """Calls that make a next version of a dimension."""

    _dimensions: Dimensions
    _announcer: Announcer
    _revisions: Revisions

    async def ReviseDimension(self, request: pb.ReviseDimensionRequest, context: Any) -> pb.ReviseDimensionResponse:
        """Plan it, write it, ring."""
        name = dimension_name("dimension", request.dimension)
        scoped = scoped_request_id(name.project, "ReviseDimension", request.request_id)
        if request.as_suggested and (request.retire or request.add):
            raise InvalidField.of("as_suggested", "goes without retire and add: it says both")
        body = request.SerializeToString(deterministic=True)
        if not request.validate_only and (earlier := await self._revisions.earlier_result(scoped, body)) is not None:
            return pb.ReviseDimensionResponse.FromString(earlier)
        wish = None if request.as_suggested else Wish(tuple(request.retire), request.add)
        before, revised = await self._revisions.planned(name, wish, method=request.method, etag=request.etag)
        if request.validate_only:
            return _response(revised)
        result = await self._revisions.write(before, revised, scoped, body, _result)
        response = pb.ReviseDimensionResponse.FromString(result)
        # It is made, whatever comes now: what is not announced here is announced by the sweep.
        with suppress(StoreUnavailable):
            if await self._announcer.announce(await self._dimensions.get(name)):
                response.dimension.state = pb.DIMENSION_STATE_READY
        return response


def _response(revised: Revised) -> pb.ReviseDimensionResponse:
    return pb.ReviseDimensionResponse(
        dimension=messages.dimension_of(revised.dimension), retired=revised.retired, added=revised.added
    )


def _result(revised: Revised) -> bytes:
    return _response(revised).SerializeToString()
