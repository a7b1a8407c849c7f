"""What a budget costs a call: calls a second with none and with three, and how many writes the tills made of them.

`PYTHONPATH=. python benchmarks/budgets.py MONGO_URL`; the database `budgets_benchmark` is made anew there. Calls
reserve, take a moment, and settle; nothing is sent, so that the rest of the gateway's work is left out.
"""

import asyncio
import sys
import time
from typing import Any, cast

from dearena.names import Revision
from dearena.v1.common_pb2 import Money as MoneyMessage
from services.gateway.calls import Call, Completion, CompletionState, Purpose
from services.gateway.chat import Message
from services.gateway.leases import Leases
from services.gateway.models import Endpoint, ModelSpec
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.budgets import BudgetKey, BudgetScope
from services.gateway.money.cashier import Cashier, Reservation
from services.gateway.money.price_file import PriceFile
from services.gateway.outbox import Outbox
from services.gateway.pricing import Money, Price
from services.gateway.store import BUDGETS
from services.runtime.store import Store

CALLS = 5_000
IN_FLIGHT = 1_000
PROMPT = "x" * 2_000
SECONDS_OF_CALL = 0.05


class SilentOutbox:
    """Tells nobody."""

    async def add(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def wake(self) -> None:
        """Nothing."""


def call_of(number: int) -> Call:
    spec = ModelSpec(Endpoint("http://m/v1", "m"), price=Price(Money("USD", 150_000_000), Money("USD", 600_000_000)))
    parameters = {"max_tokens": 1024}
    messages = [Message("user", PROMPT)]
    request_id = f"{number:064}"
    payers = ("gamma@1", "delta@1")
    return Call("p", Revision("m", 1), spec, messages, parameters, request_id, Purpose.JUDGE, "d", on_behalf_of=payers)


async def unknown() -> Completion | None:
    return None


async def make(cashier: Cashier, call: Call) -> None:
    reserved = await cashier.reserve(call, unknown)
    assert isinstance(reserved, Reservation)
    await asyncio.sleep(SECONDS_OF_CALL)
    cost = Money("USD", 100_000)
    cashier.settle(reserved, Completion(call.request_id, call.model, CompletionState.DONE, cost=cost))


async def measure(store: Store, what: str, scopes: list[BudgetKey]) -> None:
    await store.collection(BUDGETS).delete_many({})
    leases = Leases(store, "benchmark", seconds=3600)
    book = BudgetBook(store, cast("Outbox", SilentOutbox()), "benchmark")
    cashier = Cashier(store, book, leases, PriceFile(""))
    for key in scopes:
        await book.set(key, MoneyMessage(currency="USD", nano_units=10**15), "", b"")
    room = asyncio.Semaphore(IN_FLIGHT)

    async def in_turn(number: int) -> None:
        async with room:
            await make(cashier, call_of(number))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(in_turn(number) for number in range(CALLS)))
    await cashier.close()
    took, used = time.perf_counter() - began, time.process_time() - cpu
    writes = 0
    async for budget in store.collection(BUDGETS).find({}):
        writes += sum(account["number"] for account in budget["accounts"].values())
        assert (budget["reserved"], budget["spent"]) in ((0, CALLS * 100_000), (0, CALLS * 50_000))
    print(
        f"{what}: {CALLS / took:,.0f} calls/s with {IN_FLIGHT:,} in flight of {SECONDS_OF_CALL} s,"
        f" {1e6 * used / CALLS:.0f} us of CPU each, {writes:,} writes"
    )


async def main(url: str) -> None:
    store = Store(url, "budgets_benchmark", timeout_seconds=60)
    dimension = BudgetKey("p", BudgetScope.DIMENSION, dimension="d")
    insertions = [BudgetKey("p", BudgetScope.INSERTION, "d", model) for model in ("gamma", "delta")]
    await measure(store, "no budget", [])
    await measure(store, "one budget", [dimension])
    await measure(store, "three budgets", [dimension, *insertions])
    store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
