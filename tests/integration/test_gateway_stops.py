"""A gateway that stops, on a real mongod and a real endpoint: what was sent is paid once."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import time
from contextlib import AsyncExitStack

import grpc.aio

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, call, complete, ledger, model, refused, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint, says, waits_for
from tests.fixtures.waiting import eventually


async def test_a_stop_waits_for_calls_that_were_sent_and_takes_no_others(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint
) -> None:
    """So that none is paid twice; one that waits for leave was not paid at all."""
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("paid")), says("again"))
    # Far above drain_seconds, and not used up: it ends with the last call.
    patient = arena_settings(GatewaySettings, **QUICK | {"drain_seconds": 0.1, "drain_calls_seconds": 60.0})
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        stub, running = await stack.enter_async_context(serving(patient))
        await register(stub, model("m", endpoint.base_url, concurrency=1))
        async with grpc.aio.insecure_channel(running.address) as channel:
            other = stubs.GatewayServiceStub(channel)
            sent = asyncio.ensure_future(complete(other, call("m@1")))
            await eventually(lambda: endpoint.requests)
            in_line = asyncio.ensure_future(complete(other, call("m@1", "in line")))
            await eventually(lambda: _waiting(other))
            stopping = asyncio.ensure_future(stack.aclose())
            with refused(faults.ServiceUnavailable):
                await in_line
            with refused(faults.ServiceUnavailable):
                await complete(other, call("m@1", "new"))
            assert not sent.done()
            go.set()
            assert (await sent).text == "paid"
            await stopping
    assert time.monotonic() - began < 30
    assert [received.prompt for received in endpoint.requests] == ["What is 6 x 7?"]
    async with serving(patient.model_copy(update={"instance": "next"})) as (stub, _):
        assert (await complete(stub, call("m@1"))).text == "paid"
        assert await ledger(stub, interrupted_only=True) == []


async def _waiting(gateway: stubs.GatewayServiceAsyncStub) -> bool:
    response = await gateway.ListEndpointStates(pb.ListEndpointStatesRequest(parent="projects/default"), timeout=10)
    return any(state.waiting for state in response.states)
