"""What must hold of a budget before it is set, as requests say it."""

from collections.abc import Iterable, Sequence
from typing import Final

from dearena.faults import FieldViolation, InvalidField
from dearena.names import InvalidName, check_slug
from dearena.v1 import gateway_pb2 as pb
from services.gateway.models import RegisteredModel
from services.gateway.money.budgets import BudgetKey, BudgetScope
from services.gateway.money.price_list import PriceList
from services.gateway.pricing import CURRENCY
from services.runtime.request_names import project_of_parent, request_id_violations

LARGEST_LIMIT: Final = 2**61
"""Two thousand million units; sums of it stay within 64 bits."""

_SLUGS: Final = {
    BudgetScope.DIMENSION: ("dimension",),
    BudgetScope.MODEL: ("model",),
    BudgetScope.INSERTION: ("dimension", "model"),
}


def key_of_request(budget: pb.Budget, request_id: str) -> BudgetKey:
    """What a budget is for; raises InvalidField with all violations."""
    project = project_of_parent("budget.parent", budget.parent)
    violations = request_id_violations(request_id)
    scope = _scope(budget)
    if scope is None:
        violations.append(FieldViolation("budget.scope", "is required"))
    else:
        violations += _slug_violations(budget, scope)
    if violations or scope is None:
        raise _fault(violations)
    return BudgetKey(project, scope, budget.dimension, budget.model)


def _scope(budget: pb.Budget) -> BudgetScope | None:
    if budget.scope not in pb.BudgetScope.values() or budget.scope == pb.BUDGET_SCOPE_UNSPECIFIED:
        return None
    return BudgetScope(pb.BudgetScope.Name(budget.scope).removeprefix("BUDGET_SCOPE_"))


def _slug_violations(budget: pb.Budget, scope: BudgetScope) -> Iterable[FieldViolation]:
    for name, slug in (("dimension", budget.dimension), ("model", budget.model)):
        if name not in _SLUGS[scope]:
            if slug:
                yield FieldViolation(f"budget.{name}", f"must be empty in scope {scope}")
        elif slug or not (scope is BudgetScope.INSERTION and name == "model"):
            try:
                check_slug(slug)
            except InvalidName as error:
                yield FieldViolation(f"budget.{name}", str(error))


def check_limit(key: BudgetKey, budget: pb.Budget, models: Sequence[RegisteredModel], prices: PriceList) -> None:
    """Raises InvalidField with all violations.

    Args:
        key: of the budget.
        budget: with its limit.
        models: those in force in the project.
        prices: of those that say none themselves.
    """
    limit = budget.limit
    if not budget.HasField("limit"):
        raise InvalidField.of("budget.limit", "is required")
    violations: list[FieldViolation] = []
    if not CURRENCY.fullmatch(limit.currency):
        violations.append(
            FieldViolation("budget.limit.currency", "must be three capital letters (ISO 4217), for example USD")
        )
    if not 0 <= limit.nano_units <= LARGEST_LIMIT:
        violations.append(FieldViolation("budget.limit.nano_units", f"must be from 0 to {LARGEST_LIMIT}"))
    if violations:
        raise _fault(violations)
    for model in models if key.scope is BudgetScope.MODEL else ():
        if model.name.slug == key.model and prices.of_spec(model.spec) is None:
            raise InvalidField.of(
                "budget.model", f"{key.model} has no price, so that a budget would hold none of its calls"
            )


def check_currency(is_in: str, asked: str, what: BudgetKey) -> None:
    """Raises InvalidField unless a budget that is there is in the currency that is asked for."""
    if is_in != asked:
        raise InvalidField.of(
            "budget.limit.currency", f"the budget of {what.words} is in {is_in}; remove it to set one in {asked}"
        )


def _fault(violations: list[FieldViolation]) -> InvalidField:
    return InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)
