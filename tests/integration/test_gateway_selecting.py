"""Dimensions whose queries are still being chosen, and pilots, as a gateway meets them."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import grpc.aio
import pytest

from dearena import faults
from dearena.rpc_faults import fault_of
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1 import query_selector_pb2 as selector_pb
from dearena.v1.events_pb2 import DimensionReady
from services.gateway import completions
from services.gateway.settings import GatewaySettings
from services.runtime import subjects
from services.runtime.bus import envelope
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import (
    QUICK,
    QuerySelector,
    call,
    complete,
    ledger,
    model,
    query_selector,
    refused,
    register,
    serving,
)
from tests.fixtures.model_endpoint import ModelEndpoint, fails, says, waits_for
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


async def test_a_closed_pilot_costs_nothing_more_until_it_is_open_again(
    arena_settings: ArenaSettings,
    selector: tuple[QuerySelector, str],
    endpoint: ModelEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(completions, "FRESH_SECONDS", 0.0)
    queries, address = selector
    texts = [f"text {number}" for number in range(6)]
    pilot = queries.add("algebra-pilot-1", *texts, pilot_of=ALGEBRA, only_models=["a", "b"])
    go = asyncio.Event()
    endpoint.behave("a", waits_for(go, says("VERDICT")))
    settings: GatewaySettings = arena_settings(
        GatewaySettings, query_selector_address=address, sweep_seconds=0.2, **QUICK
    )

    async with serving(settings) as (gateway, _):
        await register(gateway, model("a", endpoint.base_url, concurrency=1))
        await register(gateway, model("b", endpoint.base_url))
        await eventually(lambda: len(endpoint.of("a")), equals=1)

        async def is_refused(revision: str, prompt: str) -> bool:
            try:
                await complete(gateway, call(revision, prompt, dimension="algebra-pilot-1"))
            except grpc.aio.AioRpcError as error:
                return isinstance(fault_of(error), faults.DimensionClosed)
            return False

        in_line = asyncio.create_task(is_refused("a@1", "waits"))
        queries.dimensions["algebra-pilot-1"].state = selector_pb.DIMENSION_STATE_CLOSED
        prompts = (f"late {number}" for number in count())  # what is on record would be answered
        await eventually(lambda: is_refused("b@1", next(prompts)))
        # What is in flight goes on to its end. Nothing comes after it, though the sweep looks again and again.
        go.set()
        assert await in_line
        before = queries.lists
        await eventually(lambda: queries.lists >= before + 5)
        assert len(endpoint.of("a")) == 1

        queries.dimensions["algebra-pilot-1"].state = selector_pb.DIMENSION_STATE_READY
        await eventually(lambda: entrants(gateway, pilot), equals=dict.fromkeys(["a@1", "b@1"], pb.ENTRANT_STATE_READY))
        assert len(endpoint.of("a")) == len(texts)  # the one in flight was found by its request id


async def test_a_call_is_not_tried_again_for_a_pilot_that_was_closed_meanwhile(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra-pilot-1", "one", pilot_of=ALGEBRA, only_models=["a", "b"])
    asked = asyncio.Event()
    endpoint.behave("a", waits_for(asked, fails(429, headers={"retry-after": "2"})), says("paid"))
    settings: GatewaySettings = arena_settings(
        GatewaySettings, query_selector_address=address, sweep_seconds=60, **QUICK
    )

    async with serving(settings) as (gateway, _):
        await register(gateway, model("a", endpoint.base_url))
        await eventually(lambda: len(endpoint.of("a")), equals=1)
        queries.dimensions["algebra-pilot-1"].state = selector_pb.DIMENSION_STATE_CLOSED
        asked.set()

        async def ended() -> bool:
            return [one.state for one in await ledger(gateway)] == [pb.COMPLETION_STATE_FAILED]

        await eventually(ended)
    assert len(endpoint.of("a")) == 1
