"""Who may see a dimension: what is not known yet is asked for again."""

import asyncio
from typing import cast

import grpc
import grpc.aio
import pytest
from cachetools import TTLCache

from dearena import faults
from dearena.names import DimensionName
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.gateway import dimensions
from services.gateway.calls import Purpose
from services.gateway.dimensions import Dimensions
from services.gateway.egress import OPEN

NAME = DimensionName("default", "algebra")


class Unknown(grpc.aio.AioRpcError):
    """What the query selector says of a dimension that it does not have."""

    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), grpc.aio.Metadata())


class Away(grpc.aio.AioRpcError):
    """A query selector that cannot be reached."""

    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())


class Selector:
    """Has the dimension, or has it not; is there or away."""

    found: pb.Dimension | None = None
    away = False
    asked = 0

    def __init__(self) -> None:
        self.patience: list[float | None] = []
        """How long each look may take; None: as long as any call."""

    async def GetDimension(
        self,
        _request: pb.GetDimensionRequest,
        *,
        timeout: float | None = None,
    ) -> pb.GetDimensionResponse:
        self.asked += 1
        self.patience.append(timeout)
        if self.away:
            raise Away
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


class Clock:
    """The time that caches go by."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(dimensions, "TTLCache", lambda size, seconds: TTLCache(size, seconds, timer=made))
    return made


async def test_a_policy_that_is_tightened_is_heeded_within_a_second(clock: Clock) -> None:
    selector = Selector()
    asked_of = Dimensions(cast("stubs.QuerySelectorServiceAsyncStub", selector))
    selector.found = pb.Dimension(name=str(NAME))
    assert (await asked_of.egress(NAME)).lets("m", "abroad", Purpose.JUDGE)
    selector.found = pb.Dimension(name=str(NAME), allowed_providers=["inside"])
    clock.now = dimensions.FRESH_SECONDS
    # Asked once, however many calls there are.
    found = await asyncio.gather(*(asked_of.egress(NAME) for _ in range(500)))
    assert not any(one.lets("m", "abroad", Purpose.JUDGE) for one in found)
    assert selector.asked == 2


async def test_news_of_a_dimension_is_heeded_at_once(clock: Clock) -> None:
    selector = Selector()
    asked_of = Dimensions(cast("stubs.QuerySelectorServiceAsyncStub", selector))
    selector.found = pb.Dimension(name=str(NAME))
    await asked_of.egress(NAME)
    selector.found = pb.Dimension(name=str(NAME), allowed_providers=["inside"])
    asked_of.forget(NAME)
    assert not (await asked_of.egress(NAME)).lets("m", "abroad", Purpose.JUDGE)


async def test_while_the_query_selector_is_away_what_it_said_holds_for_a_while(clock: Clock) -> None:
    selector = Selector()
    asked_of = Dimensions(cast("stubs.QuerySelectorServiceAsyncStub", selector))
    selector.found = pb.Dimension(name=str(NAME), allowed_providers=["inside"])
    guarded = await asked_of.egress(NAME)
    selector.away = True
    clock.now = dimensions.EGRESS_SECONDS - 1
    assert await asked_of.egress(NAME) == guarded
    clock.now = dimensions.EGRESS_SECONDS + 1
    with pytest.raises(faults.ServiceUnavailable):
        await asked_of.egress(NAME)
    # Nobody waits long where there is something to go by.
    assert selector.patience == [None, dimensions.ASK_SECONDS, None]
