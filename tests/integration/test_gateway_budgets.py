"""Budgets on a real mongod and NATS, with a planted endpoint that counts what it is asked."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from dearena import faults
from dearena.local import ports, servers
from dearena.rpc_faults import fault_of
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import GenerationParameters, Money
from services.gateway.money.price_list import BrokenPriceFile
from services.gateway.money.worst_case import TEMPLATE_TOKENS
from services.gateway.settings import GatewaySettings
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
    sent,
    serving,
)
from tests.fixtures.model_endpoint import ModelEndpoint, fails, says, sends, waits_for
from tests.fixtures.waiting import eventually

Gateway: TypeAlias = "stubs.GatewayServiceAsyncStub"
Settings: TypeAlias = Callable[..., GatewaySettings]

PRICE = pb.Price(
    per_million_input_tokens=Money(currency="USD", nano_units=150_000_000),
    per_million_output_tokens=Money(currency="USD", nano_units=600_000_000),
)
COST = (7 * 150_000_000 + 3 * 600_000_000) // 1_000_000
"""Of one call, by the usage that the endpoint reports: 2850 billionths of a dollar."""


@pytest.fixture
async def selector() -> AsyncIterator[tuple[QuerySelector, str]]:
    async with query_selector() as served:
        served[0].add("algebra")  # without queries, so that no answers are collected
        yield served


@pytest.fixture
def settings(arena_settings: ArenaSettings, selector: tuple[QuerySelector, str]) -> Settings:
    def make(instance: str = "g.1", **fields: Any) -> GatewaySettings:
        given = {**QUICK, "query_selector_address": selector[1], "instance": instance, **fields}
        made: GatewaySettings = arena_settings(GatewaySettings, **given)
        return made

    return make


@pytest.fixture
async def two(settings: Settings) -> AsyncIterator[tuple[Gateway, Gateway]]:
    async with AsyncExitStack() as stack:
        made = [(await stack.enter_async_context(serving(settings(name))))[0] for name in ("g.1", "g.2")]
        yield made[0], made[1]


@pytest.fixture
async def gateway(two: tuple[Gateway, Gateway]) -> Gateway:
    return two[0]


def priced(slug: str, base_url: str, **fields: Any) -> pb.Model:
    return model(slug, base_url, **{"price": PRICE, "judge_parameters": GenerationParameters(max_tokens=3), **fields})


def budget_of(nano_units: int = 0, *, dimension: str = "", slug: str = "", currency: str = "USD") -> pb.Budget:
    """A budget of a dimension or a model, or of a model's insertion into a dimension."""
    scope = pb.BUDGET_SCOPE_MODEL
    if dimension:
        scope = pb.BUDGET_SCOPE_INSERTION if slug else pb.BUDGET_SCOPE_DIMENSION
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
    except grpc.aio.AioRpcError as error:
        return fault_of(error)


async def settled(gateway: Gateway) -> pb.Budget:
    """The only budget, once nothing is reserved in it."""

    async def is_settled() -> pb.Budget | None:
        (found,) = await budgets(gateway)
        return None if found.reserved.nano_units else found

    found: pb.Budget = await eventually(is_settled)
    return found


@pytest.mark.parametrize("tokens_in", [7, 9 + 2 * TEMPLATE_TOKENS])
async def test_200_calls_at_two_gateways_spend_at_most_50_calls_worth_and_go_on_when_it_is_lifted(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint, nats_url: str, tokens_in: int
) -> None:
    """Once with calls that cost less than is reserved for them, and once with such as cost all of it."""
    await register(two[0], priced("m", endpoint.base_url, concurrency=64))
    endpoint.behave("m", says("42", usage=(tokens_in, 3)))
    cost = (tokens_in * 150_000_000 + 3 * 600_000_000) // 1_000_000
    limit = 50 * cost
    await set_budget(two[0], budget_of(limit, dimension="algebra", slug=""))
    requests = [call("m@1", f"query {number:03}") for number in range(200)]
    ends = await asyncio.gather(*(outcome(two[number % 2], request) for number, request in enumerate(requests)))
    done = [end for end in ends if isinstance(end, pb.Completion)]
    without_money = [end for end in ends if isinstance(end, faults.BudgetExhausted)]
    assert len(done) + len(without_money) == 200
    assert {fault.budget for fault in without_money} == {"dimension algebra"}

    stands = await settled(two[0])
    assert stands.spent.nano_units == cost * len(done) == cost * len(endpoint.requests)
    # What is left is less than the most that one call can cost, or the last ones were refused in vain.
    assert 0 <= limit - stands.spent.nano_units < the_most_of(9)
    assert stands.state == pb.BUDGET_STATE_EXHAUSTED
    assert stands.refused_calls == len(without_money)
    assert len(await ledger(two[1], page_size=1000)) == len(done)

    await set_budget(two[1], budget_of(1_000 * cost, dimension="algebra"))
    assert {end.state for end in await asyncio.gather(*(complete(two[0], request) for request in requests))} == {
        pb.COMPLETION_STATE_DONE
    }
    assert len({received.request_id for received in endpoint.requests}) == len(endpoint.requests) == 200
    stands = await settled(two[0])
    assert stands.spent.nano_units == 200 * cost
    assert stands.state == pb.BUDGET_STATE_OPEN

    async def all_told() -> bool:
        events = [event.budget_changed.exhausted for event in await sent(nats_url, "budget.changed.default.algebra")]
        return events == [False, True, False]

    await eventually(all_told)


async def test_an_insertion_pays_its_share_to_the_last_billionth(gateway: Gateway, endpoint: ModelEndpoint) -> None:
    await register(gateway, priced("m", endpoint.base_url))
    await set_budget(gateway, budget_of(10 * COST, dimension="algebra", slug="gamma"))
    await set_budget(gateway, each_model(5 * COST, "algebra"))
    payers = ["gamma@1", "delta@1", "gamma@2", "eta@1", "theta@1", "iota@1", "kappa@1"]
    await complete(gateway, call("m@1", on_behalf_of=payers))

    async def is_settled() -> bool:
        return not any(budget.reserved.nano_units for budget in await budgets(gateway))

    await eventually(is_settled)
    spent = {budget.model: budget.spent.nano_units for budget in await budgets(gateway)}
    assert spent.pop("") == 0  # of the template
    assert spent.pop("gamma") == 408 + 407
    assert sorted(spent) == ["delta", "eta", "iota", "kappa", "theta"]
    assert 408 + 407 + sum(spent.values()) == COST
    (entry,) = await ledger(gateway)
    assert list(entry.on_behalf_of) == payers

    # What each model has that has none of its own follows the template, and goes with it.
    await set_budget(gateway, each_model(3 * COST, "algebra"))
    limits = {budget.model: budget.limit.nano_units // COST for budget in await budgets(gateway)}
    assert limits == {"": 3, "gamma": 10, "delta": 3, "eta": 3, "iota": 3, "kappa": 3, "theta": 3}
    await gateway.RemoveBudget(pb.RemoveBudgetRequest(budget=each_model(0, "algebra")), timeout=10)
    assert [budget.model for budget in await budgets(gateway)] == ["gamma"]


def each_model(nano_units: int, dimension: str) -> pb.Budget:
    """Of every model's insertion that has none of its own."""
    return pb.Budget(
        parent="projects/default",
        scope=pb.BUDGET_SCOPE_INSERTION,
        dimension=dimension,
        limit=Money(currency="USD", nano_units=nano_units),
    )


async def test_budgets_of_many_insertions_are_made_at_once_by_two_gateways(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    await register(two[0], priced("gamma", endpoint.base_url, concurrency=64))
    await set_budget(two[0], each_model(10**9, "algebra"))
    requests = [
        call("gamma@1", f"question {question} of {payer}", on_behalf_of=[f"payer-{payer}@1"])
        for question in range(8)
        for payer in range(24)
    ]
    ended = await asyncio.gather(*(outcome(two[place % 2], one) for place, one in enumerate(requests)))
    assert [one for one in ended if isinstance(one, faults.ArenaFault)] == []

    async def spent() -> set[int]:
        return {one.spent.nano_units for one in await budgets(two[0]) if one.model}

    await eventually(spent, equals={8 * COST})
    assert len(await budgets(two[0])) == 1 + 24


async def test_a_call_waits_while_calls_in_flight_may_leave_enough(
    two: tuple[Gateway, Gateway], endpoint: ModelEndpoint
) -> None:
    await register(two[0], priced("m", endpoint.base_url))
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("42")))
    await set_budget(two[0], budget_of(the_most_of(7) + COST, slug="m"))
    first = asyncio.ensure_future(complete(two[0], call("m@1", "query 1")))
    await eventually(lambda: len(endpoint.requests) == 1)
    # There is money for one more of them only once the first has cost less than it might have.
    waiting = [asyncio.ensure_future(complete(gateway, call("m@1", "query 2"))) for gateway in two]
    await asyncio.sleep(0.5)  # as long as it takes to be wrong
    assert len(endpoint.requests) == 1
    assert not any(one.done() for one in waiting)
    go.set()
    assert (await first).state == pb.COMPLETION_STATE_DONE
    assert {one.state for one in await asyncio.gather(*waiting)} == {pb.COMPLETION_STATE_DONE}
    assert len(endpoint.requests) == 2  # both asked for one call, and it was made once
    assert (await settled(two[0])).spent.nano_units == 2 * COST


async def test_what_is_on_record_costs_nothing_even_without_money(gateway: Gateway, endpoint: ModelEndpoint) -> None:
    await register(gateway, priced("m", endpoint.base_url))
    known = await complete(gateway, call("m@1", "query 1"))
    await set_budget(gateway, budget_of(0, slug="m"))
    assert await complete(gateway, call("m@1", "query 1")) == known
    with refused(faults.BudgetExhausted) as caught:
        await complete(gateway, call("m@1", "query 2"))
    assert caught[0].metadata == {"budget": "model m"}
    assert len(await ledger(gateway)) == 1
    (budget,) = await budgets(gateway)
    assert (budget.state, budget.refused_calls, budget.spent.nano_units) == (pb.BUDGET_STATE_EXHAUSTED, 1, 0)
    assert budget.exhaust_time.seconds > 0

    # Setting it as it was lifts nothing; removing it does.
    await set_budget(gateway, budget_of(0, slug="m"))
    assert (await budgets(gateway))[0].state == pb.BUDGET_STATE_EXHAUSTED
    await gateway.RemoveBudget(pb.RemoveBudgetRequest(budget=budget_of(0, slug="m"), request_id="r"), timeout=10)
    assert await budgets(gateway) == []
    assert (await complete(gateway, call("m@1", "query 2"))).state == pb.COMPLETION_STATE_DONE


async def test_what_nobody_can_reckon_is_refused_and_said(gateway: Gateway, endpoint: ModelEndpoint) -> None:
    await register(gateway, priced("m", endpoint.base_url))
    await register(gateway, model("free", endpoint.base_url))
    with refused(faults.InvalidField):
        await set_budget(gateway, budget_of(5, slug="m", currency="EUR"))
    with refused(faults.InvalidField) as caught:
        await set_budget(gateway, budget_of(5, dimension="algebra", currency="EUR"))
    assert "calls of m are priced in USD, and it is in EUR" in str(caught[0])
    with refused(faults.InvalidField):
        await set_budget(gateway, budget_of(-5, slug="m"))
    with refused(faults.InvalidField):
        await set_budget(gateway, pb.Budget(parent="projects/default", limit=Money(currency="USD")))
    with refused(faults.InvalidField) as unpriced:
        await set_budget(gateway, budget_of(5, slug="free"))
    assert "has no price" in str(unpriced[0])
    assert await budgets(gateway) == []

    made = await set_budget(gateway, budget_of(5, dimension="algebra"))
    assert (made.models, made.models_without_price, list(made.misfits)) == (2, 1, [])
    assert (await complete(gateway, call("free@1"))).state == pb.COMPLETION_STATE_DONE
    # A caller's own parameters are the caller's to mend.
    with refused(faults.InvalidField) as caught:
        await complete(gateway, call("m@1", parameters=GenerationParameters(temperature=0)))
    assert "max_tokens" in str(caught[0])
    assert endpoint.of("m") == []


async def test_a_model_that_does_not_fit_a_budget_is_not_registered_nor_made(
    gateway: Gateway, endpoint: ModelEndpoint
) -> None:
    await set_budget(gateway, budget_of(5, dimension="algebra"))
    await set_budget(gateway, budget_of(5, slug="other", currency="EUR"))  # holds no call of these
    unlimited = priced("m", endpoint.base_url, judge_parameters=GenerationParameters(temperature=0))
    for validate_only in (True, False):
        with refused(faults.InvalidField) as caught:
            await gateway.RegisterModel(pb.RegisterModelRequest(model=unlimited, validate_only=validate_only))
        assert [one.field for one in caught[0].violations] == ["model.judge_parameters.max_tokens"]
        assert "the budget of dimension algebra does not fit: judge_parameters of m" in str(caught[0])
    with refused(faults.InvalidField) as caught:
        await register(gateway, priced("m", endpoint.base_url, price=IN_EUROS))
    assert [one.field for one in caught[0].violations] == ["model.price"]
    # What does not judge is not held to how it would; what costs nothing is held to nothing.
    await register(gateway, priced("n", endpoint.base_url, judge_parameters=GenerationParameters(), may_judge=False))
    nothing = pb.Price(per_million_output_tokens=Money(currency="EUR"))
    await register(gateway, priced("o", endpoint.base_url, price=nothing))

    made = await register(gateway, priced("m", endpoint.base_url))
    with refused(faults.InvalidField):
        await update(gateway, made, ["price"], price=IN_EUROS)
    with refused(faults.InvalidField):
        await update(gateway, made, ["judge_parameters"], judge_parameters=GenerationParameters(top_p=0.5))
    await update(gateway, made, ["display_name"], display_name="M")


async def test_models_are_registered_and_changed_while_the_query_selector_hangs(
    settings: Settings, endpoint: ModelEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More budgets than a transaction has seconds: their dimensions are looked at all at once, and before it."""
    hangs = asyncio.Event()
    looks: list[str] = []
    soundly = QuerySelector.GetDimension

    async def get_dimension(selector: QuerySelector, request: Any, context: Any) -> Any:
        if hangs.is_set():
            looks.append(request.name)
            await asyncio.Event().wait()
        return await soundly(selector, request, context)

    monkeypatch.setattr(QuerySelector, "GetDimension", get_dimension)  # before it is served
    async with query_selector() as (_, address), serving(settings(query_selector_address=address)) as (gateway, _):
        for number in range(4):
            await set_budget(gateway, budget_of(5, dimension=f"algebra-{number}"))
        hangs.set()
        async with asyncio.timeout(10):
            made = await register(gateway, priced("m", endpoint.base_url), request_id="once")
        async with asyncio.timeout(10):
            await update(
                gateway, made, ["price"], price=pb.Price(per_million_output_tokens=Money(currency="USD", nano_units=1))
            )
        assert set(looks) == {f"projects/default/dimensions/algebra-{number}" for number in range(4)}
        # What is done is done, whatever has become of budgets since.
        await set_budget(gateway, budget_of(5, slug="m", currency="USD"))
        assert (await register(gateway, priced("m", endpoint.base_url), request_id="once")).name == made.name
        with refused(faults.InvalidField):
            await register(gateway, priced("n", endpoint.base_url, price=IN_EUROS))


async def update(gateway: Gateway, found: pb.Model, paths: list[str], **fields: Any) -> pb.Model:
    request = pb.UpdateModelRequest(model=pb.Model(name=found.name, **fields), update_mask=FieldMask(paths=paths))
    return (await gateway.UpdateModel(request, timeout=10)).model


async def test_a_call_that_a_budget_has_come_not_to_fit_waits_and_says_so_until_that_is_mended(
    settings: Settings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(price_file("USD"))
    async with serving(settings(price_file=str(prices), sweep_seconds=0.2)) as (gateway, _):
        await set_budget(gateway, each_model(100_000_000, "geometry"))
        await set_budget(gateway, budget_of(100_000_000, dimension="geometry"))
        made = await register(gateway, model("gamma", endpoint.base_url))
        prices.write_text(price_file("EUR"))
        problem = "calls of gamma are priced in EUR, and it is in USD"

        async def misfits() -> list[list[str]]:
            return [list(one.misfits) for one in await budgets(gateway)]

        await eventually(misfits, equals=[[problem], [problem]])
        # It does not fit any more, and yet its name may be changed, and the limit of the budget.
        await update(gateway, made, ["display_name"], display_name="Gamma")
        await set_budget(gateway, budget_of(200_000_000, dimension="geometry"))

        with refused(faults.BudgetMisfit) as caught:
            await complete(gateway, call("gamma@1", dimension="geometry"))
        misfit = caught[0]
        assert isinstance(misfit, faults.BudgetMisfit)
        assert (misfit.budget, misfit.problem) == ("dimension geometry", problem)
        geometry = selector[0].add("geometry", "What is 1 + 1?", "What is 2 + 2?")

        async def entrant() -> tuple[int, str]:
            (found,) = (await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=geometry), timeout=10)).entrants
            return found.state, found.reason

        reason = (
            f"budget of dimension geometry does not fit: {problem}; "
            f"budget of insertion of each model in geometry does not fit: {problem}; "
            "change the budget or the model to go on"
        )
        await eventually(entrant, equals=(pb.ENTRANT_STATE_COLLECTING, reason))
        assert endpoint.of("gamma") == []
        assert await ledger(gateway) == []
        prices.write_text(price_file("USD"))
        await eventually(entrant, equals=(pb.ENTRANT_STATE_READY, ""))
        assert await misfits() == [[]] * 3


async def test_a_price_that_is_gone_does_not_make_calls_free(
    settings: Settings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(price_file("USD"))
    async with serving(settings(price_file=str(prices), sweep_seconds=0.2)) as (gateway, _):
        await set_budget(gateway, budget_of(100_000_000, dimension="geometry"))
        await register(gateway, model("gamma", endpoint.base_url))
        prices.write_text(price_file("USD").replace("gamma", "gama"))
        problem = "the price of gamma is gone from the price file, where 0 says that calls cost nothing"

        async def fit() -> tuple[list[str], int]:
            (found,) = await budgets(gateway)
            return list(found.misfits), found.models_without_price

        await eventually(fit, equals=([problem], 0))
        with refused(faults.BudgetMisfit) as caught:
            await complete(gateway, call("gamma@1", dimension="geometry"))
        assert isinstance(caught[0], faults.BudgetMisfit)
        assert (caught[0].budget, caught[0].problem) == ("dimension geometry", problem)
        await complete(gateway, call("gamma@1", "What no budget holds"))
        geometry = selector[0].add("geometry", "What is 1 + 1?")

        async def entrant() -> tuple[int, str]:
            (found,) = (await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=geometry), timeout=10)).entrants
            return found.state, found.reason

        reason = f"budget of dimension geometry does not fit: {problem}; change the budget or the model to go on"
        await eventually(entrant, equals=(pb.ENTRANT_STATE_COLLECTING, reason))
        assert len(endpoint.of("gamma")) == 1
        prices.write_text(price_file("USD").replace("0.60", "0"))
        await eventually(entrant, equals=(pb.ENTRANT_STATE_READY, ""))
        assert await fit() == ([], 0)


def price_file(currency: str) -> str:
    return f"prices:\n- {{upstream_model: gamma, currency: {currency}, per_million_output_tokens: 0.60}}\n"


IN_EUROS = pb.Price(per_million_output_tokens=Money(currency="EUR", nano_units=1))


async def test_a_budget_is_set_once_for_a_request_id(gateway: Gateway) -> None:
    wanted = budget_of(7, slug="m")
    made = await set_budget(gateway, wanted, "one")
    assert made.limit.nano_units == 7
    await set_budget(gateway, budget_of(9, slug="m"), "two")
    assert await set_budget(gateway, wanted, "one") == made
    assert (await budgets(gateway))[0].limit.nano_units == 9
    with refused(faults.RequestIdReused):
        await set_budget(gateway, budget_of(8, slug="m"), "one")


async def test_a_reply_that_is_no_use_costs_what_it_reports_or_may_have_used(
    gateway: Gateway, endpoint: ModelEndpoint
) -> None:
    await register(gateway, priced("m", endpoint.base_url))
    await set_budget(gateway, budget_of(10 * the_most_of(7), slug="m"))
    endpoint.behave(
        "m",
        says("42", model="another"),
        sends(b'{"usage": {"prompt_tokens": 7, "completion_tokens": 3}}', "application/json"),
        fails(400),
        sends(b'{"choices": [', "application/json"),  # thirteen bytes are four tokens, of which three were allowed
        sends(b"x" * 3_000_000),
        sends(b"<p>"),
    )
    kinds = [(await complete(gateway, call("m@1", f"query {number}"))).failure.kind for number in range(6)]
    assert kinds == [
        pb.FAILURE_KIND_OTHER_MODEL,
        pb.FAILURE_KIND_UNREADABLE_REPLY,
        pb.FAILURE_KIND_REFUSED_BY_ENDPOINT,
        *[pb.FAILURE_KIND_UNREADABLE_REPLY] * 3,
    ]
    entries = await ledger(gateway)
    tokens = [(one.usage.input_tokens, one.usage.output_tokens, one.usage.estimated) for one in entries]
    assert tokens == [(7, 3, False), (7, 3, False), (0, 0, False), (2, 3, True), (2, 3, True), (2, 1, True)]
    costs = [(sent * 150_000_000 + received * 600_000_000) // 1_000_000 for sent, received, _ in tokens]
    assert [entry.cost.nano_units for entry in entries] == costs
    assert (await settled(gateway)).spent.nano_units == sum(costs)
    (told,) = (await gateway.SummarizeLedger(pb.SummarizeLedgerRequest(parent="projects/default"), timeout=10)).sums
    assert (told.calls, told.failed, told.cost.nano_units) == (6, 6, sum(costs))
    assert (told.usage.input_tokens, told.usage.output_tokens) == (20, 13)


async def test_the_price_file_prices_models_that_say_nothing(
    settings: Settings, endpoint: ModelEndpoint, tmp_path: Path
) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("prices:\n  - {upstream_model: m, currency: USD, per_million_output_tokens: 1000}\n")
    async with serving(settings(price_file=str(file))) as (gateway, _):
        made = await register(gateway, model("m", endpoint.base_url))
        assert not made.HasField("price")
        assert made.effective_price.per_million_output_tokens == Money(currency="USD", nano_units=1000 * 10**9)
        assert (await complete(gateway, call("m@1", "query 1"))).cost.nano_units == 3_000_000

        file.write_text("prices:\n  - {upstream_model: m, currency: USD, per_million_output_tokens: 2000}\n")

        async def is_new() -> bool:
            found = (await gateway.GetModel(pb.GetModelRequest(name=made.name), timeout=10)).model
            return found.effective_price.per_million_output_tokens.nano_units == 2000 * 10**9

        await eventually(is_new)
        assert (await complete(gateway, call("m@1", "query 2"))).cost.nano_units == 6_000_000

    file.write_text("prices:\n  - {upstream_model: m, price: 3}\n")
    with pytest.raises(BrokenPriceFile, match=r"prices\.yaml:2:\d+: prices\[0\]\.price: is not known here"):
        async with serving(settings(price_file=str(file))):
            pass


async def test_answers_wait_for_money_and_say_so_and_go_on_when_there_is_some(
    settings: Settings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    algebra = selector[0].add("algebra", "What is 1 + 1?", "What is 2 + 2?", "What is 3 + 3?")
    async with serving(settings()) as (gateway, _):
        await set_budget(gateway, each_model(the_most_of(14) + COST, "algebra"))
        parameters = GenerationParameters(max_tokens=3)
        await register(gateway, priced("gamma", endpoint.base_url, answer_parameters=parameters, concurrency=1))

        async def entrant() -> pb.Entrant:
            (found,) = (await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=algebra), timeout=10)).entrants
            return found

        async def waits() -> bool:
            found = await entrant()
            return (found.state, found.reason) == (
                pb.ENTRANT_STATE_COLLECTING,
                "budget of insertion of gamma in algebra is exhausted; raise it to go on",
            )

        await eventually(waits)
        assert len(endpoint.requests) == 2
        await set_budget(gateway, each_model(100 * COST, "algebra"))

        async def ready() -> bool:
            return (await entrant()).state == pb.ENTRANT_STATE_READY

        await eventually(ready)
        assert len(endpoint.requests) == 3
        assert {tuple(entry.on_behalf_of) for entry in await ledger(gateway)} == {("gamma@1",)}
        assert (await entrant()).answers_usable == 3


def the_most_of(prompt_bytes: int) -> int:
    """The most that a call of one message can cost, by the rule of worst_case.py."""
    return -(-((prompt_bytes + 2 * TEMPLATE_TOKENS) * 150_000_000 + 3 * 600_000_000) // 1_000_000)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_the_account_of_a_gateway_that_died_is_closed_by_the_record(
    settings: Settings, endpoint: ModelEndpoint, tmp_path: Path, how: signal.Signals
) -> None:
    go = asyncio.Event()
    async with AsyncExitStack() as stack:
        living, _ = await stack.enter_async_context(serving(settings("g.2", sweep_seconds=0.2)))
        port = ports.free_port()
        given = settings("g.1", drain_seconds=0, listen=f"127.0.0.1:{port}").model_dump()
        environment = [f"DEARENA_{name.upper()}={value}" for name, value in given.items()]
        process = servers.Server(
            name="gateway",
            command=["env", *environment, sys.executable, "-m", "services.gateway"],
            log=tmp_path / "gateway.log",
            is_ready=lambda: servers.accepts(port),
        )
        await process.start()
        stack.callback(process.stop)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        dying = stubs.GatewayServiceStub(channel)

        await register(living, priced("m", endpoint.base_url))
        await set_budget(living, budget_of(100 * COST, slug="m"))
        await complete(dying, call("m@1", "query 1"))
        endpoint.behave("m", waits_for(go, says("42")))
        cut_off = [asyncio.ensure_future(outcome(dying, call("m@1", f"query {number}"))) for number in (2, 3)]
        await eventually(lambda: len(endpoint.requests) == 3)
        process.stop(how)
        assert {type(one) for one in await asyncio.gather(*cut_off)} == {faults.ServiceUnavailable}
        endpoint.behave("m", says("42"))

        # They may have been billed whatever they can cost; nothing else of the dead one is left.
        assert (await settled(living)).spent.nano_units == COST + 2 * the_most_of(7)
        for number in (1, 2, 3):
            assert (await complete(living, call("m@1", f"query {number}"))).state == pb.COMPLETION_STATE_DONE
        assert (await settled(living)).spent.nano_units == 3 * COST + 2 * the_most_of(7)
        asked = pb.SummarizeLedgerRequest(parent="projects/default")
        (told,) = (await living.SummarizeLedger(asked, timeout=10)).sums
        assert (told.calls, told.interrupted, told.cost.nano_units) == (3, 2, 3 * COST)
        assert len(endpoint.requests) == 5
        go.set()


async def test_a_limit_that_comes_late_leaves_a_later_one_as_it_is(two: tuple[Gateway, Gateway]) -> None:
    async def set_by(gateway: Gateway, nano_units: int, generation: int) -> int:
        budget = budget_of(nano_units, dimension="algebra")
        request = pb.SetBudgetRequest(budget=budget, request_id=f"{generation}/{nano_units}", generation=generation)
        return int((await gateway.SetBudget(request, timeout=10)).budget.limit.nano_units)

    first, second = two
    assert await set_by(first, 9_000, 6) == 9_000
    assert await set_by(second, 5_000, 5) == 9_000  # whoever asks is told what holds
    assert [one.limit.nano_units for one in await budgets(first)] == [9_000]
    assert await set_by(second, 7_000, 7) == 7_000
    # A person asks with none, and is never late.
    assert (await set_budget(first, budget_of(4_000, dimension="algebra"))).limit.nano_units == 4_000
    assert await set_by(second, 8_000, 6) == 4_000
