"""Whom a judge call is made for, and what the budgets that it counts in are called. Pure.

A budget is called as people and faults call it: `dimension algebra`, `model gamma`, `insertion of gamma in algebra`.
"""

from collections.abc import Collection, Iterable
from typing import Final

from dearena.names import Revision

MOST_TOLD: Final = 3
"""Of what does not fit a budget: who mends it looks at the rest anyway."""


def on_behalf_of(contestants: Iterable[str], newcomers: Collection[str]) -> tuple[str, ...]:
    """Who pays for a call about these models' answers: the newcomers among them.

    Where none of them is one, as on two ranked models or on a canary, it is all of them.

    Args:
        contestants: model revisions; of a canary one, or the same one twice.
        newcomers: model revisions that the round inserts.
    """
    each = tuple(dict.fromkeys(contestants))
    return tuple(model for model in each if model in newcomers) or each


def of_dimension(dimension: str) -> str:
    """What the budget of a dimension is called."""
    return f"dimension {dimension}"


def of_model(model: str) -> str:
    """What the budget of a model, a slug, is called."""
    return f"model {model}"


def of_insertion(model: str, dimension: str) -> str:
    """What the budget of a model's insertion into a dimension is called; both are slugs."""
    return f"insertion of {model} in {dimension}"


def called(scope: str, dimension: str, model: str) -> str:
    """What people call a budget.

    Args:
        scope: "DIMENSION", "MODEL" or "INSERTION".
        dimension: its slug; of scopes DIMENSION and INSERTION.
        model: its slug; of scopes MODEL and INSERTION, where it is empty in the budget of each model that has none.
    """
    match scope:
        case "DIMENSION":
            return of_dimension(dimension)
        case "MODEL":
            return of_model(model)
        case _:
            return of_insertion(model or "each model", dimension)


def budgets_of(dimension: str, model: str, payers: Iterable[str]) -> tuple[str, ...]:
    """Names of all budgets that may hold a call.

    Args:
        dimension: its slug.
        model: revision that is called.
        payers: revisions on whose behalf.
    """
    insertions = (of_insertion(Revision.parse(payer).slug, dimension) for payer in payers)
    return of_dimension(dimension), of_model(Revision.parse(model).slug), *insertions


def exhausted(budgets: Iterable[str]) -> str:
    """Why whatever needs these budgets waits; empty when there is none."""
    *some, last = ("", *budgets)
    if not some:
        return ""
    if len(some) == 1:
        return f"budget of {last} is exhausted; raise it to go on"
    return f"budgets of {', '.join(some[1:])} and {last} are exhausted; raise them to go on"


def other_currency(model: str, priced_in: str, budget_in: str) -> str:
    """What does not fit a budget: its currency is not that of the price of a model, a slug."""
    return f"calls of {model} are priced in {priced_in}, and it is in {budget_in}"


def without_limit(model: str, parameters: str) -> str:
    """What does not fit any budget: nobody knows what a call may cost.

    Args:
        model: slug of one that is priced by what it writes.
        parameters: that do not say how much it may write: `answer_parameters` or `judge_parameters`.
    """
    return f"{parameters} of {model} have no max_tokens, and without it nobody knows what a call may cost"


def price_gone(model: str) -> str:
    """What does not fit any budget: nobody knows what a call of a model, a slug, costs now."""
    return f"the price of {model} is gone from the price file, where 0 says that calls cost nothing"


def some_of(problems: Iterable[str]) -> str:
    """The first MOST_TOLD of several, each once, and how many more there are."""
    each = list(dict.fromkeys(problems))
    more = f"; and {len(each) - MOST_TOLD} more" if len(each) > MOST_TOLD else ""
    return "; ".join(each[:MOST_TOLD]) + more


def misfit(budgets: Iterable[tuple[str, str]]) -> str:
    """Why whatever needs these budgets waits, of each with what does not fit it; empty when there is none."""
    found = some_of(f"budget of {budget} does not fit: {problem}" for budget, problem in budgets)
    return f"{found}; change the budget or the model to go on" if found else ""
