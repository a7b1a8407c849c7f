"""What the gateway counts is what its ledger says, and its gauges tell what is so."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import GenerationParameters, Money
from services.gateway.settings import GatewaySettings
from services.runtime import instruments
from services.runtime.lifecycle import Running
from services.runtime.metrics import Exporting
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, call, complete, ledger, model, register, serving
from tests.fixtures.metrics import Kept, kept_metrics
from tests.fixtures.model_endpoint import ModelEndpoint, fails, says, waits_for
from tests.fixtures.mongo_proxy import mongo_proxy
from tests.fixtures.waiting import eventually

PRICE = pb.Price(
    per_million_input_tokens=Money(currency="USD", nano_units=3_000_000_000),
    per_million_output_tokens=Money(currency="USD", nano_units=15_000_000_000),
)
SECRET_PROMPT = "What did the planted prompt say?"
SECRET_REPLY = "what the planted reply says"


@dataclass
class Served:
    """A gateway, and what it keeps of metrics."""

    gateway: stubs.GatewayServiceAsyncStub
    running: Running[GatewaySettings]
    exporting: Exporting
    kept: Kept

    async def look(self) -> Kept:
        await self.exporting.take_stock(self.running.room.stocks)
        self.exporting.export()
        return self.kept


@pytest.fixture
async def served(arena_settings: ArenaSettings, endpoint: ModelEndpoint) -> AsyncIterator[Served]:
    quick = {**QUICK, "breaker_failures": 2, "breaker_cool_down_seconds": 60, "http_attempts": 1}
    settings: GatewaySettings = arena_settings(GatewaySettings, **quick)
    with kept_metrics("gateway") as (exporting, kept):
        async with serving(settings) as (gateway, running):
            for slug in ("m", "bad"):
                judging = GenerationParameters(max_tokens=1000)
                declared = model(slug, endpoint.base_url, price=PRICE, judge_parameters=judging, provider="planted")
                await register(gateway, declared)
            yield Served(gateway, running, exporting, kept)


async def test_calls_tokens_and_money_are_those_of_the_ledger(served: Served, endpoint: ModelEndpoint) -> None:
    gateway = served.gateway
    endpoint.behave("m", says(SECRET_REPLY, usage=(1000, 10)))
    endpoint.behave("bad", fails(400))
    for number in range(3):
        await complete(gateway, call("m@1", f"{SECRET_PROMPT} {number}"))
    await complete(gateway, call("m@1", f"{SECRET_PROMPT} 0"))  # answered from the record: no call
    await complete(gateway, call("m@1", "Again?", purpose=pb.PURPOSE_ANSWER, dimension="geometry"))
    await complete(gateway, call("bad@1"))

    kept = await served.look()
    entries = await ledger(gateway)
    assert kept.values(instruments.CALLS) == Counter(
        (
            "default",
            one.model.partition("@")[0],
            pb.Purpose.Name(one.purpose).removeprefix("PURPOSE_").lower(),
            pb.CompletionState.Name(one.state).removeprefix("COMPLETION_STATE_").lower(),
        )
        for one in entries
    )
    assert len(entries) == 5
    assert kept.values(instruments.MONEY_SPENT) == pytest.approx(
        {("USD", "default", "m", "judge"): 3 * 0.00315, ("USD", "default", "m", "answer"): 0.00315}
    )
    assert kept.values(instruments.DIMENSION_SPENT) == pytest.approx(
        {("USD", "default", "algebra"): 3 * 0.00315, ("USD", "default", "geometry"): 0.00315}
    )
    assert kept.counts(instruments.CALL_DURATION) == {
        ("chat", "planted", "m", ""): 4,
        ("chat", "planted", "bad", "REFUSED_BY_ENDPOINT"): 1,
    }
    assert {point.attributes["gen_ai.token.type"]: point.sum for point in kept.last["gen_ai.client.token.usage"]} == {
        "input": sum(one.usage.input_tokens for one in entries),
        "output": sum(one.usage.output_tokens for one in entries),
    }
    exported = repr(kept.last)
    assert SECRET_PROMPT not in exported
    assert SECRET_REPLY not in exported


async def test_gauges_of_calls_and_budgets_tell_what_is_so(served: Served, endpoint: ModelEndpoint) -> None:
    gateway = served.gateway
    limit = Money(currency="USD", nano_units=2_000_000_000)
    for budget in (
        pb.Budget(scope=pb.BUDGET_SCOPE_MODEL, model="m"),
        pb.Budget(scope=pb.BUDGET_SCOPE_INSERTION, dimension="algebra"),
    ):
        budget.parent = "projects/default"
        budget.limit.CopyFrom(limit)
        await gateway.SetBudget(pb.SetBudgetRequest(budget=budget), timeout=10)
    may_reply = asyncio.Event()
    endpoint.behave("m", waits_for(may_reply, says("yes", usage=(1000, 10))))
    asked = asyncio.create_task(complete(gateway, call("m@1", on_behalf_of=["m@1"])))
    mine, budget_key = ("default", "m"), ("default", "model", "m", "USD")

    async def in_flight() -> bool:
        return (await served.look()).values(instruments.CALLS_IN_FLIGHT) == {mine: 1}

    await eventually(in_flight)
    kept = served.kept
    assert kept.values(instruments.CALLS_WAITING) == {mine: 0}
    assert kept.values(instruments.ENDPOINT_OPEN) == {mine: 0}
    template_key = ("default", "template", "algebra", "USD")
    assert kept.values(instruments.BUDGET_LIMIT) == {budget_key: 2.0, template_key: 2.0}, "not what is made of it"
    reserved = 2.0 - kept.values(instruments.BUDGET_LEFT)[budget_key]
    assert reserved > 0.015, "what the call may cost counts as gone"

    may_reply.set()
    await asked

    async def settled() -> bool:
        left = (await served.look()).values(instruments.BUDGET_LEFT)
        return left == {one: pytest.approx(2.0 - 0.00315) for one in (budget_key, template_key)}

    await eventually(settled)
    assert kept.values(instruments.CALLS_IN_FLIGHT) == {mine: 0}


async def test_an_endpoint_that_is_left_alone_is_told(served: Served, endpoint: ModelEndpoint) -> None:
    gateway = served.gateway
    endpoint.behave("bad", fails(500))
    for number in range(2):
        await complete(gateway, call("bad@1", f"Question {number}?"))

    async def told() -> bool:
        return (await served.look()).values(instruments.ENDPOINT_OPEN) == {("default", "bad"): 1}

    await eventually(told)

    await gateway.RetireModel(pb.RetireModelRequest(name="projects/default/models/bad"), timeout=10)
    kept = await served.look()
    for one in (instruments.ENDPOINT_OPEN, instruments.CALLS_IN_FLIGHT, instruments.CALLS_WAITING):
        assert kept.values(one) == {}, "nobody calls it any more, and it would be left alone without end"


async def test_a_template_tells_what_the_one_of_its_budgets_has_left_that_has_least(
    served: Served, endpoint: ModelEndpoint
) -> None:
    gateway = served.gateway
    template = pb.Budget(parent="projects/default", scope=pb.BUDGET_SCOPE_INSERTION, dimension="algebra")
    template.limit.CopyFrom(Money(currency="USD", nano_units=2_000_000_000))
    await gateway.SetBudget(pb.SetBudgetRequest(budget=template), timeout=10)
    key = ("default", "template", "algebra", "USD")
    assert (await served.look()).values(instruments.BUDGET_LEFT) == {key: 2.0}

    endpoint.behave("m", says("yes", usage=(1000, 10)))
    for newcomer, calls in (("m@1", 1), ("bad@1", 3)):
        for number in range(calls):
            await complete(gateway, call("m@1", f"Question {number} of {newcomer}?", on_behalf_of=[newcomer]))

    async def told() -> bool:
        left = (await served.look()).values(instruments.BUDGET_LEFT)
        return left == {key: pytest.approx(2.0 - 3 * 0.00315)}

    await eventually(told)


async def test_what_the_bus_has_not_been_told_is_counted(served: Served) -> None:
    await served.running.shell.bus.close()
    before = (await served.look()).values(instruments.OUTBOX_WAITING)[()]
    budget = pb.Budget(parent="projects/default", scope=pb.BUDGET_SCOPE_MODEL, model="m")
    budget.limit.CopyFrom(Money(currency="USD", nano_units=1))
    await served.gateway.SetBudget(pb.SetBudgetRequest(budget=budget), timeout=10)

    assert (await served.look()).values(instruments.OUTBOX_WAITING) == {(): before + 1}


async def test_by_what_a_gateway_does_not_tell_it_is_seen_that_the_database_is_away(
    arena_settings: ArenaSettings, mongo_url: str
) -> None:
    async with mongo_proxy(mongo_url) as proxy:
        settings: GatewaySettings = arena_settings(GatewaySettings, mongo_url=proxy.url, **QUICK)
        with kept_metrics("gateway") as (exporting, kept):
            async with serving(settings) as (gateway, running):
                served = Served(gateway, running, exporting, kept)

                async def told() -> bool:
                    return (await served.look()).values(instruments.OUTBOX_WAITING) == {(): 0}

                await eventually(told)  # also where nothing waits
                await proxy.close()
                assert (await served.look()).values(instruments.OUTBOX_WAITING) == {}
                await proxy.open()
                await eventually(told)
