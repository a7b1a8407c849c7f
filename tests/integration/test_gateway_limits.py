"""Limits of a model and of a key, across gateways, on a real mongod and a planted endpoint."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import grpc.aio
import pytest
from aiohttp import web

from dearena import faults
from dearena.rpc_faults import fault_of
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from services.gateway.limits.limit_records import LIMITS
from services.gateway.settings import GatewaySettings
from services.runtime.store import Store
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, call, complete, ledger, model, refused, register, serving
from tests.fixtures.model_endpoint import Behaviour, ModelEndpoint, fails, resets, says
from tests.fixtures.waiting import eventually

Gateway: TypeAlias = "stubs.GatewayServiceAsyncStub"


@pytest.fixture
async def two(arena_settings: ArenaSettings) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two gateways on one store; an endpoint is left alone after four failures in a row, for half a second."""
    quick = {**QUICK, "breaker_failures": 4, "breaker_cool_down_seconds": 0.5, "http_attempts": 2}
    async with AsyncExitStack() as stack:
        made = [
            (await stack.enter_async_context(serving(arena_settings(GatewaySettings, instance=name, **quick))))[0]
            for name in ("g-1", "g-2")
        ]
        yield made[0], made[1]


class Crowd:
    """Counts the calls that are with it at once; they leave when so many have come, or the test lets them."""

    def __init__(self, leave_at: int) -> None:
        self.inside = self.most = 0
        self._leave_at = leave_at
        self._full = asyncio.Event()

    def behaviour(self, then: Behaviour) -> Behaviour:
        async def behave(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside >= self._leave_at:
                self._full.set()
            await self._full.wait()
            await asyncio.sleep(0.01)  # as a model does: others come meanwhile, if they may
            self.inside -= 1
            return await then(request, body)

        return behave


async def all_done(gateways: tuple[Gateway, ...], requests: list[pb.CompleteRequest]) -> None:
    """Calls go to the gateways in turns, all at once, and are all answered."""
    done = await asyncio.gather(
        *(complete(gateways[number % len(gateways)], request) for number, request in enumerate(requests))
    )
    assert {completion.state for completion in done} == {pb.COMPLETION_STATE_DONE}


async def test_two_gateways_hold_the_concurrency_of_a_model_together(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    await register(two[0], model("m", endpoint.base_url, concurrency=3))
    crowd = Crowd(leave_at=3)
    endpoint.behave("m", crowd.behaviour(says("42")))
    await all_done(two, [call("m@1", f"{number}") for number in range(60)])
    assert crowd.most == 3


async def test_with_one_slot_two_gateways_take_turns(two: tuple[Gateway, Gateway], endpoint: ModelEndpoint) -> None:
    await register(two[0], model("m", endpoint.base_url, concurrency=1))
    crowd = Crowd(leave_at=1)
    endpoint.behave("m", crowd.behaviour(says("42")))
    await all_done(two, [call("m@1", f"{number}") for number in range(30)])
    assert crowd.most == 1


async def test_patience_that_an_endpoint_asks_for_all_its_calls_have_and_no_other_models(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    for slug in ("limited", "neighbour"):
        await register(two[0], model(slug, endpoint.base_url))
    endpoint.behave("limited", fails(429, headers={"retry-after": "6"}), says("42"))
    first = asyncio.ensure_future(complete(two[0], call("limited@1", "first")))
    while not endpoint.of("limited"):
        await complete(two[0], call("neighbour@1", f"before {len(endpoint.requests)}"))
    held = [asyncio.ensure_future(complete(two[0], call("limited@1", f"held {number}"))) for number in range(5)]
    # Two hundred calls of a neighbour come and go while none goes to whom all are told to wait for.
    await all_done(two, [call("neighbour@1", f"{number}") for number in range(200)])
    assert len(endpoint.of("limited")) == 1
    assert not first.done()
    for completion in await asyncio.gather(first, *held):
        assert completion.state == pb.COMPLETION_STATE_DONE
    assert len(endpoint.of("limited")) == 7


async def test_a_breaker_opens_at_all_gateways_and_heals(two: tuple[Gateway, Gateway], endpoint: ModelEndpoint) -> None:
    await register(two[0], model("m", endpoint.base_url))
    endpoint.behave("m", resets)
    for number in range(2):
        failed = await complete(two[0], call("m@1", f"{number}"))
        assert failed.failure.kind == pb.FAILURE_KIND_UNREACHABLE
    assert len(endpoint.requests) == 4

    # Open: of ten calls at two gateways one goes as a probe, and fails; the others are refused with it, unsent.
    calls = [call("m@1", f"while open {number}") for number in range(10)]
    asked = (complete(two[number % 2], request) for number, request in enumerate(calls))
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert len(endpoint.requests) == 5
    [probe] = [end for end in ends if isinstance(end, pb.Completion)]
    assert probe.failure.kind == pb.FAILURE_KIND_UNREACHABLE
    refusals = [fault_of(end) for end in ends if isinstance(end, grpc.aio.AioRpcError)]
    assert [type(refusal) for refusal in refusals] == [faults.EndpointLeftAlone] * 9
    # They are on no record, and the very same calls are made when it is well again.
    assert len(await ledger(two[0])) == 3
    endpoint.behave("m", says("42"))
    await all_done(two, [one for one in calls if one.request_id != probe.request_id])
    await all_done(two, [call("m@1", f"healed {number}") for number in range(10)])


async def test_a_few_calls_of_a_dimension_are_not_held_up_by_many_of_another(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    await register(two[0], model("m", endpoint.base_url, concurrency=2))
    crowd = Crowd(leave_at=2)
    endpoint.behave("m", crowd.behaviour(says("42")))
    many = [asyncio.ensure_future(complete(two[0], call("m@1", f"many {n}", dimension="large"))) for n in range(150)]
    await eventually(lambda: len(endpoint.requests) >= 10)
    few = [asyncio.ensure_future(complete(two[0], call("m@1", f"few {n}", dimension="small"))) for n in range(10)]
    await asyncio.gather(*few)
    ahead = [one.done() for one in many].count(True)
    await asyncio.gather(*many)
    assert ahead < 75


async def test_idle_gateways_hold_nothing(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint, mongo_url: str, mongo_database: str
) -> None:
    await register(two[0], model("m", endpoint.base_url))
    await all_done(two, [call("m@1", f"{number}") for number in range(4)])
    store = Store(mongo_url, mongo_database)

    async def nobody_has_a_seat() -> bool:
        limit = await store.collection(LIMITS).find_one({"_id": "models/default/m"})
        return limit is not None and limit["state"]["seats"] == []

    try:
        await eventually(nobody_has_a_seat)
    finally:
        store.close()


async def set_key_limits(gateway: Gateway, reference: str, **limits: Any) -> None:
    request = pb.SetKeyLimitsRequest(limits=pb.KeyLimits(key_reference=reference, **limits))
    assert (await gateway.SetKeyLimits(request, timeout=10)).limits == request.limits


async def test_models_that_share_a_key_share_its_limits_at_all_gateways(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_API_KEY", "sk-planted-0123456789abcdef")
    await set_key_limits(two[0], "env:SHARED_API_KEY", concurrency=2)
    crowd = Crowd(leave_at=2)
    for slug in ("m", "n"):
        keyed = pb.Endpoint(key_reference="env:SHARED_API_KEY")
        await register(two[0], model(slug, endpoint.base_url, endpoint=keyed))
        endpoint.behave(slug, crowd.behaviour(says("42")))
    await all_done(two, [call(f"{slug}@1", f"{number}") for number in range(15) for slug in ("m", "n")])
    assert crowd.most == 2


async def test_two_gateways_hold_the_requests_of_a_minute_together(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    await register(two[0], model("m", endpoint.base_url, requests_per_minute=36))
    calls = [asyncio.ensure_future(complete(two[n % 2], call("m@1", f"{n}"))) for n in range(12)]
    # A burst of three at once, in all; then one each time that the bucket has filled.
    await asyncio.wait(calls, timeout=1.5, return_when=asyncio.FIRST_EXCEPTION)
    assert len(endpoint.requests) == 3
    await eventually(lambda: len(endpoint.requests) == 5)
    for one in calls:
        one.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_limits_of_keys_are_listed_and_lifted(two: tuple[Gateway, Gateway]) -> None:
    for reference in ("env:B_API_KEY", "env:A_API_KEY", "file:/keys/c"):
        await set_key_limits(two[0], reference, requests_per_minute=60, tokens_per_minute=1000)
    await set_key_limits(two[1], "env:B_API_KEY")
    first = await two[0].ListKeyLimits(pb.ListKeyLimitsRequest(page_size=1), timeout=10)
    rest = await two[0].ListKeyLimits(pb.ListKeyLimitsRequest(page_token=first.next_page_token), timeout=10)
    assert [limits.key_reference for limits in (*first.limits, *rest.limits)] == ["env:A_API_KEY", "file:/keys/c"]
    assert first.limits[0].tokens_per_minute == 1000
    with refused(faults.InvalidField) as found:
        await set_key_limits(two[0], "sk-a-key-itself")
    assert isinstance(found[0], faults.InvalidField)
    assert [violation.field for violation in found[0].violations] == ["limits.key_reference"]


async def states(gateway: Gateway) -> list[pb.EndpointState]:
    request = pb.ListEndpointStatesRequest(parent="projects/default")
    return list((await gateway.ListEndpointStates(request, timeout=10)).states)


async def test_how_endpoints_fare_is_told_by_every_gateway(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    for slug in ("limited", "broken", "idle"):
        await register(two[0], model(slug, endpoint.base_url, concurrency=4))
    endpoint.behave("limited", fails(429, headers={"retry-after": "60"}))
    endpoint.behave("broken", resets)
    held = asyncio.ensure_future(complete(two[0], call("limited@1")))
    for number in range(2):
        await complete(two[0], call("broken@1", f"{number}"))

    async def all_is_told() -> bool:
        limited, broken, _ = await states(two[1])
        return limited.waiting == 0 and limited.HasField("held_until") and broken.breaker != pb.BREAKER_STATE_CLOSED

    await eventually(all_is_told)
    limited, broken, idle = await states(two[1])
    assert (limited.model, limited.allowed_concurrency, limited.breaker) == (
        "projects/default/models/limited",
        2,
        pb.BREAKER_STATE_CLOSED,
    )
    assert limited.last_failure.startswith("RATE_LIMITED: 127.0.0.1")
    assert broken.last_failure.startswith("UNREACHABLE: ")
    assert idle == pb.EndpointState(
        model="projects/default/models/idle", breaker=pb.BREAKER_STATE_CLOSED, allowed_concurrency=4
    )
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
