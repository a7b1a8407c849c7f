"""Budgets and models held against each other where they are declared, and whenever budgets are looked at."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dearena import budgets
from dearena.faults import ArenaFault, FieldViolation, InvalidField
from dearena.names import DimensionName, ModelName
from dearena.v1 import gateway_pb2 as pb
from services.gateway.dimensions import Dimensions
from services.gateway.egress import OPEN, Egress
from services.gateway.models import ModelSpec
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.budget_requests import check_currency, check_limit
from services.gateway.money.budgets import BudgetKey, BudgetScope
from services.gateway.money.fits import Fits, misfits_of, purposes_of
from services.gateway.money.price_file import PriceFile
from services.gateway.store import Models

EGRESS_SECONDS: Final = 1.0
"""For a look at dimensions, however many; whoever registers a model waits meanwhile."""

CheckModel = Callable[[ModelName, ModelSpec | None, ModelSpec], None]
"""Asks nobody. Raises InvalidField with all that does not fit, each told of the first budget that has it."""


class FitChecks:
    """Knows models, prices, budgets, and who may see which dimension; changes nothing."""

    def __init__(self, models: Models, prices: PriceFile, dimensions: Dimensions, book: BudgetBook) -> None:
        self._models = models
        self._prices = prices
        self._dimensions = dimensions
        self._book = book

    async def check_budget(self, key: BudgetKey, budget: pb.Budget) -> None:
        """What must hold of a limit before it is set.

        That some of its models do not fit it is no reason to refuse a new limit of a budget that is there: others do,
        and may wait for it.

        Raises:
            InvalidField: with all violations.
        """
        models = await self._models.list(key.project)
        check_limit(key, budget, models, self._prices.prices)
        self._book.forget(key.project)  # it may have been removed this moment
        if (known := (await self._book.of(key.project)).get(key)) is not None:
            check_currency(known.currency, budget.limit.currency, key)
            return
        fits = Fits(models, self._prices.prices, await self._egress(key.project, [key.dimension]))
        if misfits := fits.of(key, budget.limit.currency).misfits:
            raise InvalidField.of("budget.limit", f"does not fit: {budgets.some_of(misfits)}")

    async def look_at_budgets(self, project: str) -> CheckModel:
        """By what holds now, a check of a model before it is registered or changed: that its calls fit the budgets.

        What did not fit before is no reason to refuse another change.

        Raises:
            StoreUnavailable: budgets cannot be read.
        """
        known = list((await self._book.of(project)).values())
        egress = await self._egress(project, {one.key.dimension for one in known})

        def violations_of(name: ModelName, spec: ModelSpec) -> dict[str, str]:
            prices = self._prices.prices
            found: dict[str, str] = {}
            for budget in known:
                if not (purposes := purposes_of(budget.key, name.slug, spec, egress.get(budget.key.dimension, OPEN))):
                    continue
                for field, problem in misfits_of(name.slug, spec, prices, budget.currency, purposes):
                    found.setdefault(f"model.{field}", f"the budget of {budget.key.words} does not fit: {problem}")
            return found

        def check(name: ModelName, before: ModelSpec | None, after: ModelSpec) -> None:
            new = violations_of(name, after)
            if new and before is not None:
                new = dict(new.items() - violations_of(name, before).items())
            if new:
                violations = [FieldViolation(field, problem) for field, problem in sorted(new.items())]
                raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)

        return check

    async def tell(self, project: str, found: Sequence[pb.Budget]) -> None:
        """Say of each of these budgets of a project how the models of now fit it."""
        if not found:
            return
        models = await self._models.list(project)
        fits = Fits(models, self._prices.prices, await self._egress(project, {budget.dimension for budget in found}))
        for budget in found:
            scope = BudgetScope(pb.BudgetScope.Name(budget.scope).removeprefix("BUDGET_SCOPE_"))
            fit = fits.of(BudgetKey(project, scope, budget.dimension, budget.model), budget.limit.currency)
            budget.misfits.extend(fit.misfits)
            budget.models, budget.models_without_price = fit.models, fit.without_price

    async def _egress(self, project: str, dimensions: Iterable[str]) -> dict[str, Egress]:
        """Who may see these dimensions, asked all at once; while nobody can tell, or knows one yet, everybody."""
        slugs = sorted(set(dimensions) - {""})
        found = await asyncio.gather(*(self._egress_of(DimensionName(project, slug)) for slug in slugs))
        return dict(zip(slugs, found, strict=True))

    async def _egress_of(self, name: DimensionName) -> Egress:
        try:
            async with asyncio.timeout(EGRESS_SECONDS):
                return await self._dimensions.egress(name)
        except (ArenaFault, TimeoutError):
            return OPEN
