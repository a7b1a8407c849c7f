"""What the budgets of an arena file mean to the gateway. Pure."""

from collections.abc import Iterator, Mapping

from dearena import budgets as words
from dearena.client import budgets
from dearena.client.amounts import amount_of
from dearena.client.arena_file import ArenaFile
from dearena.client.dimension_entries import DimensionEntry
from dearena.faults import FieldViolation
from dearena.v1 import gateway_pb2
from dearena.yaml_places import Place

Key = tuple[int, str, str]
"""Scope, dimension and model: there is one budget of each in a project."""


def budgets_of(file: ArenaFile) -> Iterator[gateway_pb2.Budget]:
    """Budgets that a file declares, without the project: of its dimensions, then of its models, in its order."""
    for entry in file.dimensions:
        if entry.budget:
            scope = gateway_pb2.BUDGET_SCOPE_DIMENSION
            yield gateway_pb2.Budget(scope=scope, dimension=entry.slug, limit=amount_of(entry.budget))
        if entry.insertion_budget:
            scope = gateway_pb2.BUDGET_SCOPE_INSERTION
            yield gateway_pb2.Budget(scope=scope, dimension=entry.slug, limit=amount_of(entry.insertion_budget))
    for model in file.models:
        if model.budget:
            scope = gateway_pb2.BUDGET_SCOPE_MODEL
            yield gateway_pb2.Budget(scope=scope, model=model.slug, limit=amount_of(model.budget))


def misfits(file: ArenaFile, models: Mapping[str, gateway_pb2.Model]) -> Iterator[FieldViolation]:
    """Budgets of a file in another currency than the calls that they hold.

    Args:
        file: what is declared.
        models: by slug, as they will be: those of the file and those that are there, with what they are charged at.
    """
    budgets_at: list[tuple[Place, str, list[gateway_pb2.Model]]] = []
    for at, entry in enumerate(file.dimensions):
        held = [model for model in models.values() if _may_see(entry, model)]
        budgets_at.append((("dimensions", at, "budget"), entry.budget, held))
        budgets_at.append((("dimensions", at, "insertion_budget"), entry.insertion_budget, held))
    for at, model in enumerate(file.models):
        budgets_at.append((("models", at, "budget"), model.budget, [models[model.slug]]))
    for place, amount, held in budgets_at:
        currency = amount_of(amount).currency if amount else ""
        problems = [
            words.other_currency(model.name.rpartition("/")[2], priced_in, currency)
            for model in held
            if currency and (priced_in := currency_of(model.effective_price)) not in ("", currency)
        ]
        if problems:
            yield file.violation(place, words.some_of(problems))


def _may_see(entry: DimensionEntry, model: gateway_pb2.Model) -> bool:
    return not entry.allowed_providers or model.provider in entry.allowed_providers


def currency_of(price: gateway_pb2.Price) -> str:
    """In what calls are priced; empty where nothing costs anything."""
    both = (price.per_million_input_tokens, price.per_million_output_tokens)
    return next((money.currency for money in both if money.nano_units), "")


def key_of(budget: gateway_pb2.Budget) -> Key:
    """What a budget is told from the others of its project by."""
    return budget.scope, budget.dimension, budget.model


def called(budget: gateway_pb2.Budget) -> str:
    """What people call a budget that a file declares."""
    if budget.scope == gateway_pb2.BUDGET_SCOPE_INSERTION and not budget.model:
        return f"each insertion in {budget.dimension}"
    return budgets.called(budget)
