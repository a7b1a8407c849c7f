"""Who pays for a judge call, and by which budgets it is held."""

import pytest

from dearena.budgets import budgets_of, exhausted, misfit, on_behalf_of, other_currency


@pytest.mark.parametrize(
    ("contestants", "newcomers", "payers"),
    [
        # A newcomer pays for its comparisons with those who are ranked.
        (("alpha@1", "kappa@2"), ("kappa@2", "zeta@1"), ("kappa@2",)),
        (("kappa@2", "zeta@1"), ("zeta@1", "kappa@2"), ("kappa@2", "zeta@1")),
        # Ranked models of a refinement, or a canary: whoever is shown.
        (("alpha@1", "beta@1"), (), ("alpha@1", "beta@1")),
        (("alpha@1", "alpha@1"), ("kappa@2",), ("alpha@1",)),
        # Another revision is another entrant.
        (("alpha@1", "kappa@1"), ("kappa@2",), ("alpha@1", "kappa@1")),
    ],
)
def test_newcomers_pay_or_else_whoever_is_shown(
    contestants: tuple[str, ...], newcomers: tuple[str, ...], payers: tuple[str, ...]
) -> None:
    assert on_behalf_of(contestants, newcomers) == payers


def test_a_call_is_held_by_the_budgets_of_its_dimension_its_model_and_who_pays() -> None:
    assert budgets_of("algebra", "gamma@3", ("kappa@2", "zeta@1")) == (
        "dimension algebra",
        "model gamma",
        "insertion of kappa in algebra",
        "insertion of zeta in algebra",
    )


def test_why_something_waits_names_every_budget() -> None:
    one, two, three = "dimension algebra", "model gamma", "insertion of kappa in algebra"
    assert exhausted(()) == ""
    assert exhausted([one]) == "budget of dimension algebra is exhausted; raise it to go on"
    assert exhausted([one, two, three]) == (
        "budgets of dimension algebra, model gamma and insertion of kappa in algebra are exhausted; raise them to go on"
    )


def test_of_much_that_does_not_fit_some_is_told() -> None:
    assert misfit([]) == ""
    one, *others = [("dimension algebra", other_currency(slug, "EUR", "USD")) for slug in ("a", "b", "c", "d", "e")]
    told = "budget of dimension algebra does not fit: calls of a are priced in EUR, and it is in USD"
    assert misfit([one, one]) == f"{told}; change the budget or the model to go on"
    assert misfit([one, *others]).startswith(f"{told}; ")
    assert misfit([one, *others]).endswith("; and 2 more; change the budget or the model to go on")
