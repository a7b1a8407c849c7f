"""What the budgets of an arena file mean to the gateway. Pure."""

from collections.abc import Iterator

from dearena.client import budgets
from dearena.client.amounts import amount_of
from dearena.client.arena_file import ArenaFile
from dearena.v1 import gateway_pb2

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


def key_of(budget: gateway_pb2.Budget) -> Key:
    """What a budget is told from the others of its project by."""
    return budget.scope, budget.dimension, budget.model


def called(budget: gateway_pb2.Budget) -> str:
    """What people call a budget that a file declares."""
    if budget.scope == gateway_pb2.BUDGET_SCOPE_INSERTION and not budget.model:
        return f"each insertion in {budget.dimension}"
    return budgets.called(budget)
