"""Gauges of the gateway: what it has in memory, and small sums of its store."""

from collections.abc import Iterable
from typing import Final

from services.gateway.limits.admission import Admission, model_limit
from services.gateway.limits.breaker import BreakerState
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.limits.state import LimitState
from services.gateway.money.budget_book import BudgetBook
from services.gateway.outbox import Outbox
from services.gateway.pricing import NANO_UNITS
from services.gateway.store import Models
from services.runtime import instruments, semantics
from services.runtime.metrics import Reading

TEMPLATE: Final = "template"
"""In the place of a scope: of what each model has for its insertion that has no budget of its own."""


class Gauges:
    """What is so now; see `metrics.Stock`."""

    def __init__(
        self, admission: Admission, limits: LimitRecords, budgets: BudgetBook, outbox: Outbox, models: Models
    ) -> None:
        self._models = models
        self._admission = admission
        self._limits = limits
        self._budgets = budgets
        self._outbox = outbox

    async def endpoints(self) -> Iterable[Reading]:
        """Of every model that was called here: calls of this gateway, and whether all gateways leave it alone.

        A retired one is told of until its last call has ended: nobody would call it, and so close its breaker.
        """
        loads = {(load.project, load.slug): load for load in self._admission.loads()}
        idle = [key for key, load in loads.items() if not load.in_flight and not load.waiting]
        for key in await self._models.retired_of(idle):
            del loads[key]
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
        """Of budgets that somebody has set. Those made of a template would be one for each model and dimension: the
        template tells what the one that has least has left.
        """
        readings = []
        for sums in await self._budgets.sums():
            key = sums.key
            attributes = {
                semantics.PROJECT: key.project,
                instruments.SCOPE: TEMPLATE if key.is_template else str(key.scope).lower(),
                instruments.BUDGET: "/".join(filter(None, (key.dimension, key.model))),
                instruments.CURRENCY: sums.currency,
            }
            readings += [
                Reading(instruments.BUDGET_LIMIT, sums.limit / NANO_UNITS, attributes),
                Reading(instruments.BUDGET_LEFT, sums.left / NANO_UNITS, attributes),
            ]
        return readings

    async def news(self) -> Iterable[Reading]:
        """What the bus has not been told yet."""
        return [Reading(instruments.OUTBOX_WAITING, await self._outbox.waiting())]
