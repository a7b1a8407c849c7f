"""A till on a real mongod: what was not confirmed is neither lost nor made twice, and a closed account stays closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from dearena.faults import StoreUnavailable
from dearena.v1 import gateway_pb2 as pb
from dearena.v1.common_pb2 import Money
from services.gateway.leases import Leases
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.budgets import BudgetKey, BudgetScope
from services.gateway.money.cashier import Cashier, HoldLapsed, Reservation, account_name
from services.gateway.money.closing import DeadAccounts
from services.gateway.money.ledger_sums import LedgerSums
from services.gateway.money.price_file import PriceFile
from services.gateway.money.till import BudgetGone, Refused, Till
from services.gateway.outbox import Outbox
from services.gateway.store import BUDGETS
from services.runtime.store import Collection, Document, Store, within_store_limit
from tests.fixtures.waiting import eventually

KEY = BudgetKey("default", BudgetScope.MODEL, model="m")


class SilentOutbox:
    """Tells nobody."""

    async def add(self, *_: Any, **__: Any) -> None: ...

    def wake(self) -> None: ...


class Unsteady:
    """A collection whose next writes are not confirmed, whether they were made or not."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.next: list[str] = []
        self.stale: list[Any] = []
        """What the next reads show: the majority may lag behind a write that was made."""

    async def find_one(self, *args: Any, **named: Any) -> Any:
        if self.stale:
            return self.stale.pop(0)
        return await self._collection.find_one(*args, **named)

    async def find_one_and_update(self, *args: Any, **named: Any) -> Any:
        what = self.next.pop(0) if self.next else "confirmed"
        found = None if what == "not made" else await self._collection.find_one_and_update(*args, **named)
        if what != "confirmed":
            raise StoreUnavailable("away")
        return found


@pytest.fixture
async def store(mongo_url: str, mongo_database: str) -> AsyncIterator[Store]:
    store = Store(mongo_url, mongo_database)
    yield store
    store.close()


@pytest.fixture
def book(store: Store) -> BudgetBook:
    return BudgetBook(store, cast("Outbox", SilentOutbox()), "one")


async def budget_in(store: Store) -> Document:
    found: Document | None = await store.collection(BUDGETS).find_one({"_id": str(KEY)})
    assert found is not None
    return found


@pytest.fixture
async def tills(store: Store, book: BudgetBook) -> Callable[..., Till]:
    await book.set(KEY, Money(currency="USD", nano_units=100), "", b"")
    uid = (await budget_in(store))["uid"]

    def made(collection: Any = None, name: str = "one") -> Till:
        return Till(
            store,
            collection or store.collection(BUDGETS),
            KEY,
            uid,
            gateway=name,
            account=account_name(name, 0),
            on_refused=book.note_refusals,
        )

    return made


def sums(budget: Document) -> tuple[int, int]:
    return budget["spent"], budget["reserved"]


@pytest.mark.parametrize("what", ["made", "not made"])
async def test_a_reservation_that_was_not_confirmed_is_given_back(
    store: Store, tills: Callable[..., Till], what: str
) -> None:
    unsteady = Unsteady(store.collection(BUDGETS))
    till = tills(unsteady)
    first = await till.reserve(10)
    unsteady.next = [what]
    with pytest.raises(StoreUnavailable):
        await till.reserve(90)
    assert await till.reserve(90) == first  # only one of them is there
    await till.flush()
    assert sums(await budget_in(store)) == (0, 100)


@pytest.mark.parametrize("what", ["made", "not made"])
async def test_a_settlement_that_was_not_confirmed_is_made_once(
    store: Store, tills: Callable[..., Till], what: str
) -> None:
    unsteady = Unsteady(store.collection(BUDGETS))
    till = tills(unsteady)
    epoch = await till.reserve(60)
    unsteady.next = [what, what, what]
    till.settle(60, 25, epoch)
    await till.flush()
    budget = await budget_in(store)
    assert sums(budget) == (25, 0)
    (account,) = budget["accounts"].values()
    assert sums(account) == (25, 0)


async def test_reads_that_lag_behind_an_unconfirmed_write_do_not_make_it_twice(
    store: Store, tills: Callable[..., Till]
) -> None:
    unsteady = Unsteady(store.collection(BUDGETS))
    till = tills(unsteady)
    epoch = await till.reserve(30)
    unsteady.stale = [await budget_in(store)] * 3
    unsteady.next = ["made"]
    till.settle(30, 10, epoch)
    with pytest.raises(StoreUnavailable):
        await till.reserve(50)  # goes with the same write
    await till.flush()
    assert not unsteady.stale
    budget = await budget_in(store)
    assert sums(budget) == (10, 0)
    (account,) = budget["accounts"].values()
    assert sums(account) == (10, 0)


async def test_a_closed_account_is_settled_by_the_record_alone(store: Store, tills: Callable[..., Till]) -> None:
    till = tills()
    epoch = await till.reserve(60)
    await DeadAccounts(store, Leases(store, "two", seconds=60)).close()  # it has no lease, and no call on record
    assert sums(await budget_in(store)) == (0, 0)
    later = await till.reserve(50)
    assert later != epoch
    till.settle(60, 25, epoch)
    till.settle(50, 5, later)
    await till.flush()
    assert sums(await budget_in(store)) == (5, 0)


async def test_sums_over_the_record_have_a_time_limit_of_their_own(store: Store, tills: Callable[..., Till]) -> None:
    till = tills()
    await till.reserve(60)
    closing = DeadAccounts(store, Leases(store, "two", seconds=60))
    store.timeout_seconds = 0.0001
    with pytest.raises(StoreUnavailable):
        await budget_book_read(store)
    assert await LedgerSums(store).of(pb.SummarizeLedgerRequest(parent="projects/default")) is not None
    assert await closing._spent(till._uid, till._account) == 0


async def budget_book_read(store: Store) -> None:
    async with within_store_limit(store):
        await store.collection(BUDGETS).find_one({})


async def test_an_account_that_cannot_be_closed_does_not_keep_others(
    store: Store, tills: Callable[..., Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    await tills(name="one").reserve(20)
    await tills(name="two").reserve(30)
    closing = DeadAccounts(store, Leases(store, "three", seconds=60))
    spent, asked = closing._spent, list[str]()

    async def first_fails(uid: str, account: str) -> int:
        asked.append(account)
        if len(asked) == 1:
            raise StoreUnavailable("too long")
        return await spent(uid, account)

    monkeypatch.setattr(closing, "_spent", first_fails)
    await closing.close()
    assert len((await budget_in(store))["accounts"]) == 1
    await closing.close()
    assert sums(await budget_in(store)) == (0, 0)


async def test_two_tills_of_one_budget_never_have_more_than_there_is(store: Store, tills: Callable[..., Till]) -> None:
    one, two = tills(name="one"), tills(name="two")
    held = await one.reserve(60)
    with pytest.raises(Refused):
        await two.reserve(101)
    await two.reserve(40)
    one.settle(60, 60, held)
    with pytest.raises(Refused):
        await two.reserve(41)
    assert sums(await budget_in(store)) == (60, 40)
    assert (await budget_in(store))["refused"] == 2


async def test_a_till_that_does_not_know_what_another_has_reserved_waits_for_it(
    store: Store, tills: Callable[..., Till]
) -> None:
    one, two = tills(name="one"), tills(name="two")
    await one.reserve(10)
    held = await two.reserve(60)
    waiting = asyncio.ensure_future(one.reserve(60))  # of the 90 that it knows of
    done, _ = await asyncio.wait([waiting], timeout=0.5)  # as long as it takes to be wrong
    assert not done
    assert sums(await budget_in(store)) == (0, 70)
    two.settle(60, 20, held)
    await waiting
    assert sums(await budget_in(store)) == (20, 70)


async def test_who_waits_hears_that_the_budget_is_gone(
    store: Store, book: BudgetBook, tills: Callable[..., Till]
) -> None:
    till = tills()
    await till.reserve(100)
    await book.remove(KEY, "", b"")
    with pytest.raises(BudgetGone):
        await till.reserve(1)


async def test_a_reservation_does_not_outlive_the_lease(
    store: Store, book: BudgetBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = Leases(store, "one", seconds=0.05)
    cashier = Cashier(store, book, leases, PriceFile(""))
    await leases.hold()
    reservation = Reservation(lapses=leases.lapses)
    await cashier.check(reservation)  # nothing is held, so nothing can lapse
    monkeypatch.setattr(reservation, "holds", [object()])

    async def has_lapsed() -> bool:
        try:
            await cashier.check(reservation)
        except HoldLapsed:
            return True
        return False

    await eventually(has_lapsed, poll=0.1)
