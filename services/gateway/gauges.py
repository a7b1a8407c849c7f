"""Gauges of the gateway: what it has in memory, and small sums of its store."""

from collections.abc import Iterable

from services.gateway.limits.admission import Admission, model_limit
from services.gateway.limits.breaker import BreakerState
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.limits.state import LimitState
from services.gateway.money.budget_book import BudgetBook
from services.gateway.outbox import Outbox
from services.gateway.pricing import NANO_UNITS
from services.runtime import instruments, semantics
from services.runtime.metrics import Reading


class Gauges:
    """What is so now; see `metrics.Stock`."""

    def __init__(self, admission: Admission, limits: LimitRecords, budgets: BudgetBook, outbox: Outbox) -> None:
        self._admission = admission
        self._limits = limits
        self._budgets = budgets
        self._outbox = outbox

    async def endpoints(self) -> Iterable[Reading]:
        """Of every model that was called here: calls of this gateway, and whether all gateways leave it alone."""
        loads = {(load.project, load.slug): load for load in self._admission.loads()}
        states = await self._limits.states([model_limit(*key) for key in loads])
        moment = self._limits.now()
        readings = []
        for (project, slug), load in loads.items():
            attributes = {semantics.PROJECT: project, semantics.MODEL: slug}
            breaker = states.get(model_limit(project, slug), LimitState()).breaker
            readings += [
                Reading(instruments.CALLS_IN_FLIGHT, load.in_flight, attributes),
                Reading(instruments.CALLS_WAITING, load.waiting, attributes),
                Reading(instruments.ENDPOINT_OPEN, int(breaker.state(moment) is not BreakerState.CLOSED), attributes),
            ]
        return readings

    async def money(self) -> Iterable[Reading]:
        """Of budgets that somebody has set. Those made of a template would be one for each model and dimension."""
        readings = []
        for sums in await self._budgets.sums():
            attributes = {
                semantics.PROJECT: sums.key.project,
                instruments.SCOPE: str(sums.key.scope).lower(),
                instruments.BUDGET: "/".join(filter(None, (sums.key.dimension, sums.key.model))),
                instruments.CURRENCY: sums.currency,
            }
            left = sums.limit - sums.spent - sums.reserved
            readings += [
                Reading(instruments.BUDGET_LIMIT, sums.limit / NANO_UNITS, attributes),
                Reading(instruments.BUDGET_LEFT, left / NANO_UNITS, attributes),
            ]
        return readings

    async def news(self) -> Iterable[Reading]:
        """What the bus has not been told yet."""
        return [Reading(instruments.OUTBOX_WAITING, await self._outbox.waiting())]
