"""What the command line says of budgets and of the ledger."""

import asyncio
import json

import pytest

from dearena.client import Addresses, ArenaClient
from dearena.v1.common_pb2 import Money
from dearena.v1.gateway_pb2 import LedgerSum, Price, SummarizeLedgerRequest, SummarizeLedgerResponse
from services.gateway.money.ledger_sums import LedgerSums
from tests.fixtures.gateway import call, model
from tests.fixtures.model_endpoint import model_endpoint
from tests.integration.test_cli_arena import Arena, arena

__all__ = ["arena"]


async def test_budgets_are_set_listed_and_removed(arena: Arena) -> None:
    assert (await arena.said("budget", "list")).startswith("no budgets")
    assert await arena.said("budget", "set", "5.00 USD", "--dimension", "algebra") == "dimension algebra: 5.00 USD\n"
    assert await arena.said("budget", "set", "2 USD", "--model", "mu") == "model mu: 2.00 USD\n"
    said = await arena.said("budget", "set", "0.5 USD", "-d", "algebra", "--each-model")
    assert said == "insertion of each model in algebra: 0.50 USD\n"
    said = await arena.said("budget", "set", "0.75 USD", "-d", "algebra", "-m", "mu")
    assert said == "insertion of mu in algebra: 0.75 USD\n"
    told = (await arena.said("budget", "list")).splitlines()
    assert [line.split("  ")[0] for line in told[1:]] == [
        "dimension algebra",
        "insertion of each model in algebra",
        "insertion of mu in algebra",
        "model mu",
    ]
    assert len(json.loads(await arena.said("budget", "list", "--json", "-d", "algebra"))) == 3
    assert await arena.said("budget", "remove", "--model", "mu") == "model mu: no budget\n"
    assert "model mu" not in (await arena.said("budget", "list")).replace("each model", "")
    assert "is required" in await arena.refused("budget", "set", "5.00 USD")
    assert "is not an amount" in await arena.refused("budget", "set", "five", "--model", "mu")
    assert "remove it to set one in EUR" in await arena.refused("budget", "set", "5 EUR", "-d", "algebra")


async def test_the_ledger_tells_who_judged_for_whom_at_what_cost(arena: Arena) -> None:
    assert await arena.said("ledger") == "no calls yet\n"
    async with model_endpoint() as endpoint:
        price = Price(per_million_output_tokens=Money(currency="USD", nano_units=10**9))
        await arena.client.register_model(model("mu", endpoint.base_url, price=price))
        for number in range(3):
            request = call("mu@1", f"query {number}", on_behalf_of=["gamma@1", "delta@1"])
            await arena.client._models.Complete(request, timeout=10)
    heading, line, total = (await arena.said("ledger", "--dimension", "algebra")).splitlines()
    assert heading.split() == ["dimension", "model", "did", "for", "calls", "tokens", "in", "tokens", "out", "cost"]
    assert "mu@1   judged  gamma@1 1/2, delta@1 1/2" in line
    assert line.endswith("3         21           9  USD 0.0000090")
    assert total == "3 calls · USD 0.0000090"
    (told,) = json.loads(await arena.said("ledger", "--json", "-d", "algebra"))
    assert told["on_behalf_of"] == ["gamma@1", "delta@1"]
    assert await arena.said("ledger", "--dimension", "geometry") == "no calls yet\n"


async def test_the_ledger_of_very_many_calls_is_waited_for(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly(_: LedgerSums, request: SummarizeLedgerRequest) -> SummarizeLedgerResponse:
        await asyncio.sleep(1.5)
        return SummarizeLedgerResponse(sums=[LedgerSum(dimension="algebra", model="mu@1", calls=1_000_000)])

    monkeypatch.setattr(LedgerSums, "of", slowly)
    async with ArenaClient(Addresses(gateway=arena.client._gateway.address), call_seconds=0.2) as client:
        (told,) = await client.ledger_sums()
    assert told.calls == 1_000_000
    assert "1,000,000 calls" in await arena.said("ledger")
    assert "did not answer in time" in await arena.refused("ledger", "--wait", "1")
