"""Budgets on a real mongod and NATS, with a planted endpoint that counts what it is asked."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import GenerationParameters, Money
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import (
    QUICK,
    call,
    complete,
    ledger,
    model,
    register,
    sent,
    serving,
)
from tests.fixtures.model_endpoint import ModelEndpoint, model_endpoint
from tests.fixtures.waiting import eventually

Gateway: TypeAlias = "stubs.GatewayServiceAsyncStub"

PRICE = pb.Price(
    per_million_input_tokens=Money(currency="USD", nano_units=150_000_000),
    per_million_output_tokens=Money(currency="USD", nano_units=600_000_000),
)
COST = (7 * 150_000_000 + 3 * 600_000_000) // 1_000_000
"""Of one call, by the usage that the endpoint reports: 2850 billionths of a dollar."""


@pytest.fixture
async def endpoint() -> AsyncIterator[ModelEndpoint]:
    async with model_endpoint() as served:
        yield served


@pytest.fixture
async def two(arena_settings: ArenaSettings) -> AsyncIterator[tuple[Gateway, Gateway]]:
    async with AsyncExitStack() as stack:
        made = [
            (await stack.enter_async_context(serving(arena_settings(GatewaySettings, instance=name, **QUICK))))[0]
            for name in ("g.1", "g.2")
        ]
        yield made[0], made[1]


@pytest.fixture
async def gateway(two: tuple[Gateway, Gateway]) -> Gateway:
    return two[0]


def priced(slug: str, base_url: str, **fields: Any) -> pb.Model:
    return model(slug, base_url, **{"price": PRICE, "judge_parameters": GenerationParameters(max_tokens=3), **fields})


def budget_of(nano_units: int = 0, *, dimension: str = "", slug: str = "", currency: str = "USD") -> pb.Budget:
    scope = (
        pb.BUDGET_SCOPE_INSERTION
        if dimension and (slug or not nano_units)
        else pb.BUDGET_SCOPE_DIMENSION
        if dimension
        else pb.BUDGET_SCOPE_MODEL
    )
    return pb.Budget(
        parent="projects/default",
        scope=scope,
        dimension=dimension,
        model=slug,
        limit=Money(currency=currency, nano_units=nano_units),
    )


async def set_budget(gateway: Gateway, budget: pb.Budget, request_id: str = "") -> pb.Budget:
    return (await gateway.SetBudget(pb.SetBudgetRequest(budget=budget, request_id=request_id), timeout=10)).budget


async def budgets(gateway: Gateway) -> list[pb.Budget]:
    return list((await gateway.ListBudgets(pb.ListBudgetsRequest(parent="projects/default"), timeout=10)).budgets)


async def outcome(gateway: Gateway, request: pb.CompleteRequest) -> pb.Completion | faults.ArenaFault:
    try:
        return await complete(gateway, request)
    except Exception as error:  # noqa: BLE001 - looked at by the test
        return faults_of(error)


def faults_of(error: Exception) -> faults.ArenaFault:
    from dearena.rpc_faults import fault_of

    return fault_of(error)  # type: ignore[arg-type]


async def settled(gateway: Gateway) -> pb.Budget:
    """The only budget, once nothing is reserved in it."""

    async def is_settled() -> pb.Budget | None:
        (found,) = await budgets(gateway)
        return None if found.reserved.nano_units else found

    return await eventually(is_settled)


async def test_200_calls_at_two_gateways_spend_at_most_50_calls_worth_and_go_on_when_it_is_lifted(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint, nats_url: str
) -> None:
    await register(two[0], priced("m", endpoint.base_url, concurrency=64))
    limit = 50 * COST
    await set_budget(two[0], budget_of(limit, dimension="algebra", slug=""))
    requests = [call("m@1", f"query {number}") for number in range(200)]
    ends = await asyncio.gather(*(outcome(two[number % 2], request) for number, request in enumerate(requests)))
    done = [end for end in ends if isinstance(end, pb.Completion)]
    without_money = [end for end in ends if isinstance(end, faults.BudgetExhausted)]
    assert len(done) + len(without_money) == 200
    assert {fault.budget for fault in without_money} == {"dimension algebra"}

    stands = await settled(two[0])
    assert stands.spent.nano_units == COST * len(done) == COST * len(endpoint.requests)
    assert stands.spent.nano_units <= limit
    # What is left is less than the most that one call can cost, or the last ones were refused in vain.
    assert len(done) >= 40
    assert stands.state == pb.BUDGET_STATE_EXHAUSTED
    assert stands.refused_calls == len(without_money)
    assert len(await ledger(two[1], page_size=1000)) == len(done)

    await set_budget(two[1], budget_of(1_000 * COST, dimension="algebra"))
    assert {end.state for end in await asyncio.gather(*(complete(two[0], request) for request in requests))} == {
        pb.COMPLETION_STATE_DONE
    }
    assert len({received.request_id for received in endpoint.requests}) == len(endpoint.requests) == 200
    stands = await settled(two[0])
    assert stands.spent.nano_units == 200 * COST
    assert stands.state == pb.BUDGET_STATE_OPEN

    async def all_told() -> bool:
        events = [event.budget_changed.exhausted for event in await sent(nats_url, "budget.changed.default.algebra")]
        return events == [False, True, False]

    await eventually(all_told)
