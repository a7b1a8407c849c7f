"""Money runs out in the middle of an insertion and is given again: the board is that of an arena without budgets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from dearena.client import ArenaClient
from dearena.client.amounts import amount_text
from dearena.faults import InvalidField
from dearena.v1 import common_pb2, gateway_pb2, ranker_pb2
from tests.fixtures.arena import WORLDS, Arena, Played, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(7)]
CURRENCY = "USD"
PRICE = gateway_pb2.Price(
    per_million_input_tokens=common_pb2.Money(currency=CURRENCY, nano_units=2_500_000_000),
    per_million_output_tokens=common_pb2.Money(currency=CURRENCY, nano_units=1_100_000_007),
)
"""Odd, so that no sum comes out even by accident."""
WAITING = "WAITING(budget of dimension d is exhausted; raise it to go on)"


@dataclass(frozen=True)
class Costs:
    """Of an arena that nobody has limited, in billionths."""

    answers: int
    seeding: int
    inserting: int

    @property
    def total(self) -> int:
        return self.answers + self.seeding + self.inserting

    def at(self, share: float) -> int:
        """Enough for answers and seeding, and for this share of the insertions."""
        return self.answers + self.seeding + int(share * self.inserting)


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The price file, for models that say no price themselves."""
    file = tmp_path_factory.mktemp("prices") / "prices.yaml"
    file.write_text(price_file())
    return file


def price_file(**currencies: str) -> str:
    """PRICE for every model, in dollars but for these upstream models."""
    return "prices:\n" + "".join(
        f"- {{upstream_model: {slug}, currency: {currencies.get(slug.replace('-', '_'), CURRENCY)}, "
        "per_million_input_tokens: 2.5, per_million_output_tokens: 1.100000007}\n"
        for slug in MODELS
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory, prices: Path) -> AsyncIterator[Arena]:
    # As slow as it takes for the price file to be looked at in the middle of a round.
    worlds = {**WORLDS, "slower": {"kind": "planted", "seed": 0, "tie_rate": 0.05, "delay_seconds": 0.5}}
    environment = {"DEARENA_PRICE_FILE": str(prices)}
    async with arena(tmp_path_factory.mktemp("budgets"), environment=environment, worlds=worlds) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(whole: Arena) -> tuple[Played, Costs]:
    """The same world, without budgets."""
    async with whole.client("calm") as client:
        await begin(whole, client)
        played = await whole.settled(client, len(MODELS))
        insertions = [one async for one in client.insertions("d")]
        ledger = [entry async for entry in client.ledger()]
    seeds = [one for one in insertions if one.rounds[0] == 1]
    later = [one for one in insertions if one.rounds[0] > 1]
    costs = Costs(
        answers=cost_of([entry for entry in ledger if entry.purpose == gateway_pb2.PURPOSE_ANSWER]),
        seeding=sum(one.cost.nano_units for one in seeds),
        inserting=sum(one.cost.nano_units for one in later),
    )
    # What the ranker says that insertions have cost is what the gateway has paid to judges, to the billionth.
    assert later
    assert all(one.cost.nano_units > 0 and one.cost.currency == CURRENCY for one in insertions)
    assert costs.total == cost_of(ledger)
    return played, costs


async def begin(whole: Arena, client: ArenaClient) -> None:
    for slug in MODELS:
        await whole.register(client, slug, price=PRICE)
    await whole.dimension(client, "d", 8)


def cost_of(ledger: Sequence[gateway_pb2.LedgerEntry]) -> int:
    return sum(entry.cost.nano_units for entry in ledger)


async def budget_of(client: ArenaClient) -> gateway_pb2.Budget:
    (budget,) = [one async for one in client.budgets()]
    return budget


async def limit(client: ArenaClient, nano_units: int, scope: gateway_pb2.BudgetScope.ValueType, **of: str) -> None:
    money = common_pb2.Money(currency=CURRENCY, nano_units=nano_units)
    await client.set_budget(
        gateway_pb2.Budget(parent=f"projects/{client.project}", scope=scope, limit=money, **of)  # type: ignore[arg-type]
    )


async def exhausted(client: ArenaClient) -> gateway_pb2.Budget:
    """The budget once it is exhausted and nothing is in flight; the ranking says that it waits for it."""

    async def rests() -> gateway_pb2.Budget | None:
        budget = await budget_of(client)
        at_rest = budget.state == gateway_pb2.BUDGET_STATE_EXHAUSTED and not budget.reserved.nano_units
        return budget if at_rest else None

    async def reason() -> str:
        return (await client.ranking("d")).waiting_reason

    await eventually(rests, poll=0.1)
    await eventually(reason, poll=0.1, equals=WAITING)
    found: gateway_pb2.Budget = await eventually(rests, poll=0.1)
    return found


async def test_a_dimension_whose_money_runs_out_twice_settles_on_the_same_board(
    whole: Arena, calm: tuple[Played, Costs]
) -> None:
    undisturbed, costs = calm
    seen: set[str] = set()

    async def follow(client: ArenaClient) -> None:
        async for step in client.watch_insertion("d"):
            seen.add(step.insertion.waiting_reason)

    async with whole.client("poor") as client:
        await limit(client, costs.at(0.4), gateway_pb2.BUDGET_SCOPE_DIMENSION, dimension="d")
        await begin(whole, client)
        paid = 0
        for share in (0.4, 0.7):
            if share > 0.4:
                await limit(client, costs.at(share), gateway_pb2.BUDGET_SCOPE_DIMENSION, dimension="d")
            budget = await exhausted(client)
            ledger = [entry async for entry in client.ledger()]
            assert budget.limit.nano_units == costs.at(share)
            assert paid < budget.spent.nano_units <= budget.limit.nano_units
            assert budget.refused_calls > 0
            assert cost_of(ledger) == budget.spent.nano_units
            paid = budget.spent.nano_units

            ranking = await client.ranking("d")
            assert ranking.newcomers
            assert ranking.open_round
            waits = {one.model: one.waiting_reason async for one in client.insertions("d")}
            assert {waits[model] for model in ranking.newcomers} == {WAITING}
        watching = asyncio.create_task(follow(client))
        await eventually(lambda: WAITING in seen)
        amount = amount_text(common_pb2.Money(currency=CURRENCY, nano_units=2 * costs.total))
        assert await whole.said(client.project, "budget", "set", amount, "-d", "d") == f"dimension d: {amount}\n"
        played = await whole.settled(client, len(MODELS))
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

        ledger = [entry async for entry in client.ledger()]
        insertions = [one async for one in client.insertions("d")]
        decisions = [one async for one in client.decisions("d")]
        budget = await budget_of(client)

    assert played.board.board_digest == undisturbed.board.board_digest
    assert played.outcomes == undisturbed.outcomes
    lifted = [one for one in decisions if one.kind == ranker_pb2.DECISION_KIND_BUDGET_LIFTED]
    assert [one.content["budget"] for one in lifted] == ["dimension d"] * 2
    # Nothing was paid twice, neither by the gateway's books nor by what the endpoints saw. To the billionth the
    # two projects cost no more alike than their canaries are, which each draws by lots of its own.
    assert cost_of(ledger) == budget.spent.nano_units
    assert len(ledger) == len(undisturbed.request_ids)
    counts = whole.requests()
    assert {counts[entry.request_id] for entry in ledger} == {1}
    judging = [entry for entry in ledger if entry.purpose == gateway_pb2.PURPOSE_JUDGE]
    assert sum(one.cost.nano_units for one in insertions) == cost_of(judging)


async def test_insertions_wait_for_their_own_budgets_while_they_answer_and_while_they_are_judged(
    whole: Arena, calm: tuple[Played, Costs]
) -> None:
    undisturbed, costs = calm
    early, late = MODELS[-2:]
    insertion = gateway_pb2.BUDGET_SCOPE_INSERTION
    # Every seed has enough of it, and no newcomer.
    each = (costs.seeding // 5 + costs.inserting // 2) // 2
    async with whole.client("late") as client:
        await limit(client, each, insertion, dimension="d")
        # One billionth pays nothing: not even the first answer.
        await limit(client, 1, insertion, dimension="d", model=late)
        await begin(whole, client)

        async def waits_for(model: str) -> bool:
            ranking = await whole.calmly(client.ranking, "d")
            waits = f"budget of insertion of {model} in d is exhausted; raise it to go on"
            return ranking is not None and waits in ranking.waiting_reason

        await eventually(lambda: waits_for(late), poll=0.1)
        (entrant,) = [one for one in await client.entrants("d") if one.model == f"{late}@1"]
        assert entrant.state == gateway_pb2.ENTRANT_STATE_COLLECTING
        assert entrant.reason == f"budget of insertion of {late} in d is exhausted; raise it to go on"
        await limit(client, 2 * costs.total, insertion, dimension="d", model=late)

        await eventually(lambda: waits_for(early), poll=0.1)
        waiting = {one.model: one async for one in client.budgets("d")}
        assert costs.answers // len(MODELS) < waiting[early].spent.nano_units <= each
        assert waiting[early].state == gateway_pb2.BUDGET_STATE_EXHAUSTED
        await limit(client, 2 * costs.total, insertion, dimension="d")
        played = await whole.settled(client, len(MODELS))
        ledger = [entry async for entry in client.ledger()]
        decisions = [one async for one in client.decisions("d")]
        spent = {one.model: one.spent.nano_units async for one in client.budgets("d") if one.model}

    # Its seeds and its wave are those of the undisturbed arena, and so is all that follows.
    assert played.board.board_digest == undisturbed.board.board_digest
    lifted = [one for one in decisions if one.kind == ranker_pb2.DECISION_KIND_BUDGET_LIFTED]
    assert {one.content["budget"] for one in lifted} == {f"insertion of {early} in d"}
    counts = whole.requests()
    assert {counts[entry.request_id] for entry in ledger} == {1}
    # What all insertions were charged with is all that was paid, to the billionth.
    assert set(spent) == set(MODELS)
    assert sum(spent.values()) == cost_of(ledger)


async def test_what_comes_not_to_fit_a_budget_waits_and_says_why_and_goes_on_once_it_fits(
    whole: Arena, calm: tuple[Played, Costs], prices: Path
) -> None:
    undisturbed, costs = calm
    judge = MODELS[0]
    misfit = (
        f"budget of dimension d does not fit: calls of {judge} are priced in EUR, and it is in USD; "
        "change the budget or the model to go on"
    )
    async with whole.client("unfit") as client:
        await limit(client, 2 * costs.total, gateway_pb2.BUDGET_SCOPE_DIMENSION, dimension="d")
        endpoint = whole.endpoint(judge, "planted")
        # Where it is declared it is refused.
        for wrong in (
            {"judge_parameters": common_pb2.GenerationParameters(temperature=0), "price": PRICE},
            {"price": gateway_pb2.Price(per_million_input_tokens=common_pb2.Money(currency="EUR", nano_units=1))},
        ):
            with pytest.raises(InvalidField, match="the budget of dimension d does not fit"):
                await whole.register(client, judge, endpoint=endpoint, **wrong)
        for slug in MODELS:
            await whole.register(client, slug, "slower")
        prices.write_text(price_file(planted_0="EUR"))

        async def told() -> str:
            return await whole.said(client.project, "budget", "list", "-d", "d")

        await eventually(lambda: says_so(told), poll=0.3)
        await whole.dimension(client, "d", 8)

        async def entrant() -> tuple[int, str]:
            found = {one.model: one for one in await client.entrants("d")}[f"{judge}@1"]
            return found.state, found.reason

        async def reason() -> str:
            ranking = await whole.calmly(client.ranking, "d")
            return ranking.waiting_reason if ranking else ""

        await eventually(entrant, poll=0.1, equals=(gateway_pb2.ENTRANT_STATE_COLLECTING, misfit))
        prices.write_text(price_file())
        await eventually(lambda: is_in_a_round(client), poll=0.1)
        # In the middle of a round its price changes again: it cannot be asked as a judge any more.
        prices.write_text(price_file(planted_0="EUR"))
        await eventually(reason, poll=0.1, equals=f"WAITING({misfit})")
        asked = sum(entry.model == f"{judge}@1" for entry in [one async for one in client.ledger()])
        prices.write_text(price_file())
        played = await whole.settled(client, len(MODELS))
        ledger = [entry async for entry in client.ledger()]
        budget = await budget_of(client)

    assert played.board.board_digest == undisturbed.board.board_digest
    assert played.outcomes == undisturbed.outcomes
    assert sum(entry.model == f"{judge}@1" for entry in ledger) > asked
    assert budget.state == gateway_pb2.BUDGET_STATE_OPEN
    assert budget.refused_calls == 0
    assert cost_of(ledger) == budget.spent.nano_units
    counts = whole.requests()
    assert {counts[entry.request_id] for entry in ledger} == {1}


async def is_in_a_round(client: ArenaClient) -> bool:
    return bool((await client.ranking("d")).open_round)


async def says_so(told: Callable[[], Awaitable[str]]) -> bool:
    problem = f"dimension d does not fit: calls of {MODELS[0]} are priced in EUR, and it is in USD"
    return problem in await told()
