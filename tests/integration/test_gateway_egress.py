"""Queries go to no provider that may not see them, though its model may once have been asked."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from services.gateway import completions
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, call, complete, model, query_selector, refused, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint, says, waits_for
from tests.fixtures.waiting import eventually

ALGEBRA = "projects/default/dimensions/algebra"


async def test_a_model_whose_provider_changes_while_it_answers_is_asked_no_more(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint
) -> None:
    async with query_selector() as (queries, address):
        settings = arena_settings(GatewaySettings, query_selector_address=address, sweep_seconds=60, **QUICK)
        queries.add("algebra", *(f"q{number}" for number in range(5)), allowed_providers=["in-house"])
        go = asyncio.Event()
        endpoint.behave("leaver", waits_for(go, says("x")))
        endpoint.behave("stayer", says("x"))
        async with serving(settings) as (gateway, _):
            leaver = model("leaver", endpoint.base_url, provider="in-house", concurrency=1)
            await register(gateway, leaver)
            await eventually(lambda: len(endpoint.of("leaver")), equals=1)
            abroad = pb.Model(name="projects/default/models/leaver", provider="abroad")
            changed = await gateway.UpdateModel(
                pb.UpdateModelRequest(model=abroad, update_mask=FieldMask(paths=["provider"])), timeout=10
            )
            assert changed.model.revision == 1
            go.set()
            # One that begins after it, and is asked as often, is through.
            await register(gateway, model("stayer", endpoint.base_url, provider="in-house", concurrency=1))
            await eventually(lambda: len(endpoint.of("stayer")), equals=5)
            answers = pb.ListAnswersRequest(dimension=ALGEBRA, dimension_version=1, model="leaver@1")
            assert len((await gateway.ListAnswers(answers, timeout=10)).answers) == 1
        assert len(endpoint.of("leaver")) == 1


async def _retire(gateway: stubs.GatewayServiceAsyncStub) -> None:
    await gateway.RetireModel(pb.RetireModelRequest(name="projects/default/models/leaver"), timeout=10)


async def _move(gateway: stubs.GatewayServiceAsyncStub) -> None:
    abroad = pb.Model(name="projects/default/models/leaver", provider="abroad")
    await gateway.UpdateModel(
        pb.UpdateModelRequest(model=abroad, update_mask=FieldMask(paths=["provider"])), timeout=10
    )


@pytest.mark.parametrize("leave", [_retire, _move])
async def test_a_call_that_waits_in_line_while_its_model_leaves_is_not_sent(
    arena_settings: ArenaSettings,
    endpoint: ModelEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    leave: Callable[[stubs.GatewayServiceAsyncStub], Awaitable[None]],
) -> None:
    monkeypatch.setattr(completions, "FRESH_SECONDS", 0.0)
    async with query_selector() as (queries, address):
        settings = arena_settings(GatewaySettings, query_selector_address=address, sweep_seconds=60, **QUICK)
        go = asyncio.Event()
        endpoint.behave("leaver", waits_for(go, says("VERDICT")))
        async with serving(settings) as (gateway, _):
            await register(gateway, model("leaver", endpoint.base_url, provider="in-house", concurrency=1))
            queries.add("algebra", allowed_providers=["in-house"])
            async with asyncio.TaskGroup() as group:
                first = group.create_task(complete(gateway, call("leaver@1", "first")))
                await eventually(lambda: len(endpoint.of("leaver")), equals=1)
                second = group.create_task(_refused(gateway, call("leaver@1", "second")))
                await eventually(_waits(gateway), equals=True)
                await leave(gateway)
                go.set()
            assert first.result().text == "VERDICT"
            assert second.result()
        assert len(endpoint.of("leaver")) == 1


async def _refused(gateway: stubs.GatewayServiceAsyncStub, request: pb.CompleteRequest) -> bool:
    with refused(faults.ModelNotActive) as told:
        await complete(gateway, request)
    return len(told) == 1


def _waits(gateway: stubs.GatewayServiceAsyncStub) -> Callable[[], Awaitable[bool]]:
    async def some_call_waits() -> bool:
        found = await gateway.ListEndpointStates(pb.ListEndpointStatesRequest(parent="projects/default"), timeout=10)
        return any(one.waiting for one in found.states)

    return some_call_waits
