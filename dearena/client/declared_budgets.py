"""What the budgets of an arena file mean to the gateway. Pure."""

from collections.abc import Collection, Iterator, Mapping

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


def misfits(
    file: ArenaFile, models: Mapping[str, gateway_pb2.Model], present: Collection[Key] = ()
) -> Iterator[FieldViolation]:
    """Budgets of a file in another currency than the calls that they hold, and new ones of calls without a limit.

    Args:
        file: what is declared.
        models: by slug, as they will be: those of the file and those that are there, with what they are charged at.
        present: budgets that the arena has; calls without a limit are no reason to refuse another limit of one.
    """
    judge_providers = {entry.slug: entry.judging.judge_providers for entry in file.dimensions}
    for place, budget, held in _held(file, models):
        let = judge_providers.get(budget.dimension, ())
        currency = budget.limit.currency
        problems: list[str] = []
        for model in held:
            slug = model.name.rpartition("/")[2]
            judges = not let or model.provider in let
            if (priced_in := currency_of(model.effective_price)) not in ("", currency):
                problems.append(words.other_currency(slug, priced_in, currency))
            elif key_of(budget) not in present and model.effective_price.per_million_output_tokens.nano_units:
                problems.extend(words.without_limit(slug, name) for name in _without_limit(model, judges=judges))
        if problems:
            yield file.violation(place, words.some_of(problems))


def _held(
    file: ArenaFile, models: Mapping[str, gateway_pb2.Model]
) -> Iterator[tuple[Place, gateway_pb2.Budget, list[gateway_pb2.Model]]]:
    """Each budget of a file, where it stands, and the models that make calls which it holds."""
    dimensions = {entry.slug: (at, entry) for at, entry in enumerate(file.dimensions)}
    at_model = {entry.slug: at for at, entry in enumerate(file.models)}
    for budget in budgets_of(file):
        if budget.scope == gateway_pb2.BUDGET_SCOPE_MODEL:
            yield ("models", at_model[budget.model], "budget"), budget, [models[budget.model]]
        else:
            at, entry = dimensions[budget.dimension]
            field = "budget" if budget.scope == gateway_pb2.BUDGET_SCOPE_DIMENSION else "insertion_budget"
            held = [model for model in models.values() if _may_see(entry, model)]
            yield ("dimensions", at, field), budget, held


def _without_limit(model: gateway_pb2.Model, *, judges: bool) -> Iterator[str]:
    """Which parameters of a model do not say how much it may write; none said at all stand for their defaults."""
    if model.HasField("answer_parameters") and not model.answer_parameters.HasField("max_tokens"):
        yield "answer_parameters"
    judges = judges and (model.may_judge or not model.HasField("may_judge"))
    if judges and model.HasField("judge_parameters") and not model.judge_parameters.HasField("max_tokens"):
        yield "judge_parameters"


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
