"""Who may see a dimension: what is not known yet is asked for again."""

from typing import cast

import grpc
import grpc.aio
import pytest

from dearena import faults
from dearena.names import DimensionName
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.gateway import dimensions
from services.gateway.dimensions import Dimensions
from services.gateway.egress import OPEN

NAME = DimensionName("default", "algebra")


class Unknown(grpc.aio.AioRpcError):
    """What the query selector says of a dimension that it does not have."""

    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), grpc.aio.Metadata())


class Selector:
    """Has the dimension, or has it not."""

    found: pb.Dimension | None = None
    asked = 0

    async def GetDimension(self, _request: pb.GetDimensionRequest) -> pb.GetDimensionResponse:
        self.asked += 1
        if self.found is None:
            raise Unknown
        return pb.GetDimensionResponse(dimension=self.found)


async def test_a_dimension_is_guarded_as_soon_as_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimensions, "fault_of", lambda _error: faults.UnknownDimension("there is none"))
    selector = Selector()
    asked_of = Dimensions(cast("stubs.QuerySelectorServiceAsyncStub", selector))
    assert await asked_of.egress(NAME) == OPEN
    selector.found = pb.Dimension(name=str(NAME), allowed_providers=["inside"])
    guarded = await asked_of.egress(NAME)
    assert guarded != OPEN
    assert await asked_of.egress(NAME) == guarded
    assert selector.asked == 2  # what is known is remembered
