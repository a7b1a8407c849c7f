"""The gateway while the bus or the store is away: a clear answer in time, and nothing half-written."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
import pytest

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.bus import NatsServer
from tests.fixtures.gateway import (
    QUICK,
    call,
    complete,
    ledger,
    model,
    query_selector,
    refused,
    register,
    sent,
    serving,
)
from tests.fixtures.model_endpoint import ModelEndpoint, says, waits_for
from tests.fixtures.mongo_proxy import MongoProxy, mongo_proxy
from tests.fixtures.waiting import eventually

A = pb.GetModelRequest(name="projects/default/models/a")
LIMIT_SECONDS = 6.0
"""The store's limit, which services have without a setting, and as much for a busy machine."""
AWAY: dict[str, Any] = {**QUICK, "store_timeout_seconds": 2.5}


@pytest.fixture
async def proxy(mongo_url: str) -> AsyncIterator[MongoProxy]:
    async with mongo_proxy(mongo_url) as opened:
        yield opened


async def test_without_the_bus_a_model_waits_and_is_announced_when_it_is_back(
    arena_settings: ArenaSettings, nats_server: NatsServer, endpoint: ModelEndpoint
) -> None:
    async with query_selector() as (queries, address):
        queries.add("algebra", "one")
        settings = arena_settings(GatewaySettings, query_selector_address=address, sweep_seconds=60, **QUICK)
        async with serving(settings) as (gateway, running):
            await eventually(lambda: running.shell.bus.connected)
            nats_server.stop()
            await eventually(lambda: not running.shell.bus.connected)
            began = time.monotonic()
            made = await register(gateway, model("a", endpoint.base_url), request_id="r1")
            assert time.monotonic() - began < 0.9
            assert made.state == pb.MODEL_STATE_WAITING_FOR_BUS
            assert (await gateway.GetModel(A)).model == made
            # It is called all the same.
            assert (await complete(gateway, call("a@1"))).text == "42"

            await nats_server.start()

            async def active() -> bool:
                return (await gateway.GetModel(A)).model.state == pb.MODEL_STATE_ACTIVE

            await eventually(active)
            assert (await gateway.GetModel(A)).model.etag == made.etag
            again = await register(gateway, model("a", endpoint.base_url), request_id="r1")
            assert again.state == pb.MODEL_STATE_ACTIVE

            for subject in ("model.registered", "answers.ready"):
                [event] = await eventually(lambda subject=subject: sent(nats_server.url, f"{subject}.>"))
                assert event.event_id.startswith(subject)


async def test_a_gateway_starts_without_the_bus(
    arena_settings: ArenaSettings, nats_server: NatsServer, endpoint: ModelEndpoint
) -> None:
    nats_server.stop()
    async with serving(arena_settings(GatewaySettings, **QUICK)) as (gateway, _):
        made = await register(gateway, model("a", endpoint.base_url))
        assert made.state == pb.MODEL_STATE_WAITING_FOR_BUS
        await nats_server.start()

        async def active() -> bool:
            return (await gateway.GetModel(A)).model.state == pb.MODEL_STATE_ACTIVE

        await eventually(active)


@pytest.mark.parametrize("silent", [False, True])
async def test_without_the_store_every_call_says_so_in_time(
    arena_settings: ArenaSettings,
    proxy: MongoProxy,
    endpoint: ModelEndpoint,
    *,
    silent: bool,
) -> None:
    settings = arena_settings(GatewaySettings, mongo_url=proxy.url, **AWAY)
    async with serving(settings) as (gateway, _):
        await register(gateway, model("a", endpoint.base_url))
        if silent:
            proxy.fall_silent()
        else:
            await proxy.close()
        attempts: dict[str, Callable[[], Awaitable[Any]]] = {
            "register": lambda: register(gateway, model("b", endpoint.base_url), request_id="b"),
            "retire": lambda: gateway.RetireModel(pb.RetireModelRequest(name=A.name)),
            "get": lambda: gateway.GetModel(A),
            "list": lambda: gateway.ListModels(pb.ListModelsRequest(parent="projects/default")),
            "call": lambda: complete(gateway, call("a@1")),
            "ledger": lambda: ledger(gateway),
        }

        async def refusal(attempt: Callable[[], Awaitable[Any]]) -> float:
            began = time.monotonic()
            with refused(faults.StoreUnavailable):
                await attempt()
            return time.monotonic() - began

        took = dict(zip(attempts, await asyncio.gather(*map(refusal, attempts.values())), strict=True))
        assert max(took.values()) < LIMIT_SECONDS, took
        assert endpoint.requests == []

        if silent:
            proxy.speak_again()
        else:
            await proxy.open()

        async def back() -> bool:
            try:
                return bool((await gateway.GetModel(A)).model.name)
            except grpc.aio.AioRpcError:
                return False

        await eventually(back)
        # The call was never sent, so that it is not held for interrupted.
        assert (await complete(gateway, call("a@1"))).text == "42"
        assert len(endpoint.requests) == 1
        assert await ledger(gateway, interrupted_only=True) == []
        assert (await register(gateway, model("b", endpoint.base_url), request_id="b")).revision == 1


async def test_it_stops_in_order_while_the_store_is_away(
    arena_settings: ArenaSettings, proxy: MongoProxy, endpoint: ModelEndpoint
) -> None:
    settings = arena_settings(GatewaySettings, mongo_url=proxy.url, **AWAY)
    async with asyncio.timeout(25):  # a bus left subscribed would be drained for 30 s
        async with serving(settings) as (gateway, _):
            await register(gateway, model("a", endpoint.base_url))
            await proxy.close()


async def test_a_reply_is_recorded_when_the_store_is_back(
    arena_settings: ArenaSettings, proxy: MongoProxy, endpoint: ModelEndpoint
) -> None:
    # The store is away for longer than one attempt at the write lasts.
    limits = {**QUICK, "instance_lease_seconds": 60, "store_timeout_seconds": 1.0}
    settings = arena_settings(GatewaySettings, mongo_url=proxy.url, **limits)
    async with serving(settings) as (gateway, _):
        await register(gateway, model("a", endpoint.base_url))
        go = asyncio.Event()
        endpoint.behave("a", waits_for(go, says("paid for")))
        waiting = asyncio.ensure_future(complete(gateway, call("a@1")))
        await eventually(lambda: endpoint.requests)
        await proxy.close()
        go.set()
        _, unfinished = await asyncio.wait([waiting], timeout=2.0)
        assert unfinished, "a reply was given that is not on record"
        await proxy.open()
        assert (await waiting).text == "paid for"
        assert len(endpoint.requests) == 1
        [entry] = await ledger(gateway)
        assert (entry.state, entry.interruptions) == (pb.COMPLETION_STATE_DONE, 0)
