"""Money for a call: reserved in every budget that holds it before it is sent, settled when its end is on record.

A call reserves in the order of the budgets' ids, whoever it is for, so that no two wait for each other. Refused by one,
it gives back what it has of the others.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import structlog

from dearena import budgets
from dearena.faults import BudgetExhausted, BudgetMisfit, InvalidField
from services.gateway.calls import Call, Completion
from services.gateway.leases import Leases
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.budgets import BudgetKey, KnownBudget, Part, parts_of
from services.gateway.money.fits import PARAMETERS, misfits_in, parameters_of
from services.gateway.money.price_file import PriceFile
from services.gateway.money.price_list import PriceList
from services.gateway.money.till import BudgetGone, Refused, Till
from services.gateway.money.worst_case import NoLimit, most_cost
from services.gateway.pricing import Price
from services.gateway.store import BUDGETS
from services.runtime.store import Document, Store

log = structlog.get_logger(__name__)

FLUSH_SECONDS: Final = 5.0
"""At a stop, for what is to be settled; with the store away, it is found again from the record."""


class HoldLapsed(Exception):
    """This gateway was without a lease since it reserved, so that another may have given its reservations back."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """A reservation in one budget."""

    part: Part
    uid: str
    till: Till
    account: str
    amount: int
    epoch: int


@dataclass(slots=True)
class Reservation:
    """All that is reserved for a call; nothing where no budget holds it."""

    holds: list[_Hold] = field(default_factory=list)
    lapses: int = 0
    claimed: bool = False
    """From here on the record of the call tells of it."""

    def documents(self) -> list[Document]:
        """As it stands in the record of the call."""
        return [_document(hold, hold.amount) for hold in self.holds]

    def charges(self, completion: Completion) -> list[Document]:
        """What the call counts for once it has ended, as it stands in its record."""
        return [_document(hold, _cost_in(hold, completion)) for hold in self.holds]


class Cashier:
    """The tills of this gateway."""

    def __init__(self, store: Store, book: BudgetBook, leases: Leases, prices: PriceFile) -> None:
        self._store = store
        self._book = book
        self._leases = leases
        self._prices = prices
        self._budgets = store.collection(BUDGETS)
        self._tills: dict[tuple[str, str, str], Till] = {}
        book.on_change.append(self._look)

    def _look(self, project: str) -> None:
        for (budget, _, _), till in self._tills.items():
            if budget.startswith(f"{project}/"):
                till.look()

    async def reserve(
        self, call: Call, find_known: Callable[[], Awaitable[Completion | None]]
    ) -> Reservation | Completion:
        """Reserve the most that a call can cost; waits while calls in flight may leave enough.

        Args:
            call: with its price.
            find_known: looks for the end of the call, which costs nothing; asked only where money is at stake.

        Raises:
            BudgetExhausted: it cannot be paid.
            BudgetMisfit: by the model's own parameters nobody knows what it may cost, it is priced in another
                currency than a budget, or its price is gone.
            InvalidField: by parameters of the caller's nobody knows what it may cost.
            StoreUnavailable: it cannot be reserved.
        """
        price = call.spec.price
        if not (price and price.currency()) and not self._prices.prices.has_lost(call.spec):
            return Reservation()
        while True:
            known = await self._book.of(call.project)
            parts = known and parts_of(known, call.project, call.dimension, call.model.slug, call.on_behalf_of)
            if not parts:
                return Reservation()
            if (ended := await find_known()) is not None:
                return ended
            _check_fit(known, parts, call, self._prices.prices)
            if price is None or not (most := _most_cost(call, price)):
                return Reservation()
            await self._leases.hold()
            reservation = Reservation(lapses=self._leases.lapses)
            try:
                for part in parts:
                    reservation.holds.append(await self._hold(part, known.get(part.key), most, call, price.currency()))
            except BudgetGone:
                self.give_back(reservation)
                self._book.forget(call.project)
            except BaseException:
                self.give_back(reservation)
                raise
            else:
                return reservation

    async def _hold(self, part: Part, known: KnownBudget | None, most: int, call: Call, currency: str) -> _Hold:
        budget = known or await self._book.derived(part.key)
        if budget is None:
            raise BudgetGone
        if budget.currency != currency:  # set anew in this moment
            problem = budgets.other_currency(call.model.slug, currency, budget.currency)
            raise BudgetMisfit.of(part.key.words, problem)
        account = account_name(self._leases.instance, self._leases.lapses)
        till = self._till(budget, account)
        amount = part.of_reservation(most)
        try:
            epoch = await till.reserve(amount)
        except Refused:
            raise BudgetExhausted.of(part.key.words) from None
        return _Hold(part, budget.uid, till, account, amount, epoch)

    def _till(self, budget: KnownBudget, account: str) -> Till:
        name = (str(budget.key), budget.uid, account)
        if (till := self._tills.get(name)) is None:
            self._forget_idle(name[0])
            till = self._tills[name] = Till(
                self._store,
                self._budgets,
                budget.key,
                budget.uid,
                gateway=self._leases.instance,
                account=account,
                on_refused=self._book.note_refusals,
            )
        return till

    def _forget_idle(self, budget: str) -> None:
        """Of budgets before this one with its key, and of accounts before this one."""
        for name in [name for name, till in self._tills.items() if name[0] == budget and till.is_idle]:
            del self._tills[name]

    async def check(self, reservation: Reservation) -> None:
        """Raises HoldLapsed where a reservation may not hold any more; before its call is recorded."""
        if reservation.holds:
            await self._leases.hold()
            if self._leases.lapses != reservation.lapses:
                raise HoldLapsed

    def settle(self, reservation: Reservation, completion: Completion) -> None:
        """The end of the call is on record."""
        self._settle(reservation, lambda hold: _cost_in(hold, completion))

    def keep_as_spent(self, reservation: Reservation) -> None:
        """The call was interrupted, and may have been billed whatever it can cost."""
        self._settle(reservation, lambda hold: hold.amount)

    def give_back(self, reservation: Reservation) -> None:
        """The call was not made."""
        self._settle(reservation, lambda _: 0)

    def _settle(self, reservation: Reservation, spent: Callable[[_Hold], int]) -> None:
        holds, reservation.holds = reservation.holds, []
        for hold in holds:
            hold.till.settle(hold.amount, spent(hold), hold.epoch)

    async def close(self) -> None:
        """Write what is to be settled."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await asyncio.gather(*(till.flush() for till in self._tills.values()))
        except TimeoutError:
            log.warning("money is settled later, by the record of calls")


def account_name(instance: str, lapses: int) -> str:
    """Names a gateway's account, anew after each time that it was without a lease; without dots and dollars."""
    return f"{quote(instance, safe='').replace('.', '%2E')}~{lapses}"


def _check_fit(known: Mapping[BudgetKey, KnownBudget], parts: Sequence[Part], call: Call, prices: PriceList) -> None:
    """Raises BudgetMisfit of the first budget that the call does not fit."""
    purposes = [call.purpose] if _is_by_own_parameters(call) else []
    for budget, problem in misfits_in(known, parts, call.model.slug, call.spec, prices, purposes):
        raise BudgetMisfit.of(budget, problem)


def _is_by_own_parameters(call: Call) -> bool:
    """Whether it is made as its model answers or judges, not by parameters of the caller's."""
    return call.purpose in PARAMETERS and call.parameters == parameters_of(call.spec, call.purpose)


def _most_cost(call: Call, price: Price) -> int:
    schema = len(json.dumps(call.response_schema)) if call.response_schema is not None else 0
    try:
        return most_cost(price, call.messages, call.parameters, schema_bytes=schema)
    except NoLimit:
        raise InvalidField.of(
            "parameters.max_tokens",
            "is required of a call that a budget holds: without it nobody knows what the call may cost",
        ) from None


def _cost_in(hold: _Hold, completion: Completion) -> int:
    return hold.part.of_cost(completion.cost.nano_units) if completion.cost else 0


def _document(hold: _Hold, nano_units: int) -> Document:
    return {"budget": hold.uid, "account": hold.account, "nano_units": nano_units}
