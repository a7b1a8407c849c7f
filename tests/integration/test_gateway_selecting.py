"""Dimensions whose queries are still being chosen, and pilots, as a gateway meets them."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections.abc import AsyncIterator

import grpc.aio
import pytest

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1 import query_selector_pb2 as selector_pb
from dearena.v1.events_pb2 import DimensionReady
from services.gateway.settings import GatewaySettings
from services.runtime import subjects
from services.runtime.bus import envelope
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, QuerySelector, model, query_selector, refused, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint
from tests.fixtures.waiting import eventually

ALGEBRA = "projects/default/dimensions/algebra"
OTHER = "projects/default/dimensions/other"


@pytest.fixture
async def selector() -> AsyncIterator[tuple[QuerySelector, str]]:
    async with query_selector() as served:
        yield served


async def entrants(gateway: stubs.GatewayServiceAsyncStub, dimension: str = ALGEBRA) -> dict[str, int]:
    """State by model."""
    request = pb.ListEntrantsRequest(dimension=dimension)
    try:
        found = await gateway.ListEntrants(request, timeout=10)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
            return {}
        raise
    return {one.model: one.state for one in found.entrants}


@pytest.mark.parametrize("rung", [True, False])
async def test_what_is_being_chosen_is_passed_over_and_then_answered(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint, *, rung: bool
) -> None:
    queries, address = selector
    queries.add("algebra", state=selector_pb.DIMENSION_STATE_SELECTING)
    queries.add("other", "one", "two")
    settings: GatewaySettings = arena_settings(
        GatewaySettings, query_selector_address=address, sweep_seconds=60 if rung else 0.2, **QUICK
    )
    async with serving(settings) as (gateway, running):
        await register(gateway, model("m", endpoint.base_url))

        async def others() -> dict[str, int]:
            return await entrants(gateway, OTHER)

        await eventually(others, equals={"m@1": pb.ENTRANT_STATE_READY})
        assert (len(endpoint.requests), queries.listed) == (2, {OTHER})
        for version in (0, 1):
            with refused(faults.NotReady):
                await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=ALGEBRA, dimension_version=version))

        queries.add("algebra", "three", "four", "five")
        if rung:
            event = envelope(
                "dimension.ready/default/algebra/1",
                "default",
                "algebra",
                dimension_ready=DimensionReady(dimension_version=1),
            )
            await running.shell.bus.publish(subjects.dimension_ready("default", "algebra"), event)
        await eventually(lambda: entrants(gateway), equals={"m@1": pb.ENTRANT_STATE_READY})
        assert len(endpoint.requests) == 5


async def test_a_pilot_is_answered_by_its_models(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra", state=selector_pb.DIMENSION_STATE_SELECTING)
    pilot = queries.add("algebra-pilot-1", "one", "two", pilot_of=ALGEBRA, only_models=["a", "b"])
    settings: GatewaySettings = arena_settings(
        GatewaySettings, query_selector_address=address, sweep_seconds=60, **QUICK
    )
    async with serving(settings) as (gateway, _):
        for slug in "abc":
            await register(gateway, model(slug, endpoint.base_url))
        await eventually(lambda: entrants(gateway, pilot), equals=dict.fromkeys(["a@1", "b@1"], pb.ENTRANT_STATE_READY))
        assert len(endpoint.requests) == 4
