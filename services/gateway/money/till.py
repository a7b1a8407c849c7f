"""One budget's till at one gateway: reserves for those in line and settles what calls did cost, many at once.

All that gathers while one write is on its way goes with the next, so a thousand calls in flight make few writes. A
write of reservations has the condition that what is spent and reserved stays within the limit, so that mongod itself
keeps every gateway from more. Each write counts up the number of this gateway's account: one that was not confirmed
is found by it, neither lost nor made twice.
"""

import asyncio
import contextvars
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from dearena.faults import ArenaFault
from services.gateway.money.account import Decision, Standing, decide
from services.gateway.money.budgets import BudgetKey
from services.runtime.store import Collection, Document, ReturnDocument, Store, within_store_limit

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS: Final = 0.2
"""Between two looks at what other gateways have settled, while somebody waits for it."""
WRITE_AGAIN_SECONDS: Final = 0.5
LARGEST_BATCH: Final = 1_000


class BudgetGone(Exception):
    """The budget was removed, or set anew after that."""


class Refused(Exception):
    """What is left cannot pay it, whatever becomes of the calls in flight."""


@dataclass(slots=True, eq=False)
class _Asking:
    amount: int
    granted: "asyncio.Future[int]"
    """The epoch of the account that it was reserved in."""


@dataclass(frozen=True, slots=True)
class _Settling:
    reserved: int
    spent: int


class Till:
    """Of a budget and this gateway's account in it."""

    def __init__(
        self,
        store: Store,
        budgets: Collection,
        key: BudgetKey,
        uid: str,
        *,
        gateway: str,
        account: str,
        on_refused: Callable[[BudgetKey, str, int], Awaitable[None]],
    ) -> None:
        """Nothing is written yet.

        Args:
            store: where budgets are.
            budgets: the collection.
            key: of the budget.
            uid: of the budget, as against a later one with this key.
            gateway: this one.
            account: names this gateway's account in the budget; a field's name in MongoDB.
            on_refused: told of so many refused calls, before they hear of it.
        """
        self._store = store
        self._budgets = budgets
        self._key = key
        self._uid = uid
        self._gateway = gateway
        self._account = account
        self._on_refused = on_refused
        self._asking: deque[_Asking] = deque()
        self._settling: deque[_Settling] = deque()
        self._unsure: list[_Settling] | None = None
        """What a write settles that may or may not have been made; kept until the account's number proves which."""
        self._number = 0
        """Of the last write; 0: there is no account."""
        self._epoch = 0
        """Counts accounts of this name: one that another gateway has closed takes no settlements any more."""
        self._standing: Standing | None = None
        self._rung = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits here."""
        return self._worker is None

    async def reserve(self, amount: int) -> int:
        """Reserve an amount in turn; waits while calls in flight may leave enough.

        Returns:
            the epoch, which `settle` wants back.

        Raises:
            Refused: never enough.
            BudgetGone: there is no such budget any more.
            StoreUnavailable: it cannot be reserved.
        """
        asking = _Asking(amount, asyncio.get_running_loop().create_future())
        self._asking.append(asking)
        self.ring()
        try:
            return await asking.granted
        except asyncio.CancelledError:
            if asking in self._asking:
                self._asking.remove(asking)
                self.ring()
            elif asking.granted.done() and not asking.granted.cancelled() and asking.granted.exception() is None:
                self.settle(amount, 0, asking.granted.result())
            raise

    def settle(self, reserved: int, spent: int, epoch: int) -> None:
        """Spend so much in place of what was reserved; written soon, and until it is."""
        if epoch == self._epoch:  # or else it was settled when its account was closed
            self._settling.append(_Settling(reserved, spent))
            self.ring()

    def ring(self) -> None:
        """Something has changed: look."""
        self._rung.set()
        if self._worker is None and (self._asking or self._settling or self._unsure):
            # In a context of its own: it serves many, and must not inherit one caller's deadline.
            self._worker = asyncio.create_task(self._work(), name="till", context=contextvars.Context())

    def look(self) -> None:
        """The budget was changed here."""
        self._standing = None
        self.ring()

    async def flush(self) -> None:
        """Wait until all that is to be settled is written, and nobody waits."""
        while (worker := self._worker) is not None:
            await asyncio.wait([worker])

    async def _work(self) -> None:
        try:
            await asyncio.sleep(0)  # those who are about to ask in this turn of the loop come along
            while self._asking or self._settling or self._unsure:
                self._rung.clear()
                try:
                    moved = await self._step()
                except ArenaFault as fault:
                    self._refuse_all(fault)
                    await asyncio.sleep(WRITE_AGAIN_SECONDS)
                except Exception as error:
                    log.exception("a till failed", budget=str(self._key))
                    self._refuse_all(error)
                    await asyncio.sleep(WRITE_AGAIN_SECONDS)
                else:
                    if not moved:
                        await self._look_again()
        finally:
            self._worker = None

    async def _look_again(self) -> None:
        """When something is settled or asked here, or after a while for what others have settled."""
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._rung.wait()
        except TimeoutError:
            self._standing = None

    def _refuse_all(self, error: Exception) -> None:
        while self._asking:
            granted = self._asking.popleft().granted
            if not granted.done():
                granted.set_exception(error)

    async def _step(self) -> bool:
        """One look and one write; whether anything has moved."""
        if self._unsure is not None:
            await self._read()
            if self._unsure is not None and not await self._make_sure(self._unsure):
                return False  # it was made, and what is read lags behind
        elif self._standing is None:
            await self._read()
        elif self._decision(self._standing)[0].refused:
            await self._read()  # a limit may have been raised by another gateway: refused is by what is so now
        if self._standing is None:  # there is no such budget
            self._settling.clear()
            self._refuse_all(BudgetGone())
            return True
        decision, line = self._decision(self._standing)
        if refused := [line[place] for place in decision.refused]:
            await self._refuse(refused)
            return True
        granted = [line[place] for place in decision.granted]
        settling = list(self._settling)
        if not granted and not settling:
            return False
        self._settling.clear()
        for one in granted:
            self._asking.remove(one)
        if not await self._write(settling, granted):
            self._asking.extendleft(reversed(granted))  # somebody else was first: look again
        return True

    def _decision(self, standing: Standing) -> tuple[Decision, list[_Asking]]:
        """What becomes of those in line once all is settled."""
        standing = standing.changed(
            spent=sum(one.spent for one in self._settling), reserved=-sum(one.reserved for one in self._settling)
        )
        line = list(itertools.islice(self._asking, LARGEST_BATCH))
        return decide(standing, [one.amount for one in line]), line

    async def _refuse(self, refused: list[_Asking]) -> None:
        for one in refused:
            self._asking.remove(one)
        error: Exception = Refused()
        try:
            await self._on_refused(self._key, self._uid, len(refused))
        except Exception as caught:  # noqa: BLE001 - each who asked is told
            error = caught
        for one in refused:
            if not one.granted.done():
                one.granted.set_exception(error)

    async def _read(self) -> None:
        async with within_store_limit(self._store):
            document = await self._budgets.find_one({"_id": str(self._key), "uid": self._uid})
        self._learn(document)

    def _learn(self, document: Document | None) -> None:
        """What the store says; of a write that was not confirmed, whether it was made."""
        if document is None:
            self._standing, self._unsure = None, None
            return
        account: Document | None = document["accounts"].get(self._account)
        number = 0 if account is None else int(account["number"])
        if self._unsure is not None:
            if account is None:
                if self._number:
                    self._unsure = None  # the account was closed
            elif number > self._number:
                self._unsure = None
                if reserved := int(account["granted"]):
                    self._settling.append(_Settling(reserved, 0))  # those who asked were told otherwise
        if self._number and not number:
            self._epoch += 1
            self._settling.clear()
        self._number = number
        self._standing = Standing(document["limit"], document["spent"], document["reserved"])

    async def _write(self, settling: list[_Settling], granted: list[_Asking]) -> bool:
        """Whether it was written; not when somebody else has changed what it rests on."""
        spent = sum(one.spent for one in settling)
        reserved = sum(one.amount for one in granted)
        change = reserved - sum(one.reserved for one in settling)
        condition: Document = {}
        if granted:
            condition["$expr"] = {"$lte": [{"$add": ["$spent", "$reserved", spent + change]}, "$limit"]}
        try:
            document = await self._write_next(condition, spent, change, reserved)
        except Exception as error:
            self._unsure = settling
            for one in granted:
                if not one.granted.done():
                    one.granted.set_exception(error)
            raise
        if document is None:
            self._settling.extendleft(reversed(settling))
            self._standing = None
            return False
        self._learn(document)
        for one in granted:
            if one.granted.done():  # who asked has gone meanwhile
                self._settling.append(_Settling(one.amount, 0))
            else:
                one.granted.set_result(self._epoch)
        return True

    async def _make_sure(self, settling: list[_Settling]) -> bool:
        """Settle the same under the same number, and reserve nothing; False when the number is taken.

        One read that does not show a write proves nothing: it may be on its way to a majority. Of two writes with one
        number one is made, and the account says what that one granted.
        """
        spent = sum(one.spent for one in settling)
        document = await self._write_next({}, spent, -sum(one.reserved for one in settling), 0)
        if document is None:
            return False
        self._learn(document)
        return True

    async def _write_next(self, condition: Document, spent: int, change: int, granted: int) -> Document | None:
        """The budget after the write that follows on the last one known; None when that has a successor already."""
        account = f"accounts.{self._account}"
        wanted: Document = {"_id": str(self._key), "uid": self._uid, **condition}
        wanted[f"{account}.number"] = self._number or {"$exists": False}
        update: Document = {
            "$inc": {
                "spent": spent,
                "reserved": change,
                f"{account}.spent": spent,
                f"{account}.reserved": change,
                f"{account}.number": 1,
            },
            "$set": {f"{account}.gateway": self._gateway, f"{account}.granted": granted},
        }
        async with within_store_limit(self._store):
            found: Document | None = await self._budgets.find_one_and_update(
                wanted, update, return_document=ReturnDocument.AFTER
            )
        return found
