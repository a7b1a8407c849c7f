"""Which calls a budget holds, and which of them do not fit it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dearena.names import ModelName
from services.gateway.egress import Egress
from services.gateway.models import Endpoint, ModelSpec, RegisteredModel, register
from services.gateway.money.budgets import BudgetKey, BudgetScope
from services.gateway.money.fits import Fit, Fits
from services.gateway.money.price_list import PriceList
from services.gateway.pricing import Money, Price

OF_ALGEBRA = BudgetKey("p", BudgetScope.DIMENSION, "algebra")
OF_GAMMA = BudgetKey("p", BudgetScope.MODEL, model="gamma")
OF_EACH = BudgetKey("p", BudgetScope.INSERTION, "algebra")
OF_GAMMA_IN_ALGEBRA = BudgetKey("p", BudgetScope.INSERTION, "algebra", "gamma")

DOLLARS = Price(per_million_output_tokens=Money("USD", 5))
EUROS = Price(per_million_output_tokens=Money("EUR", 5))
SPEC = ModelSpec(endpoint=Endpoint("https://models.example.org/v1", "m"), price=DOLLARS)
UNLIMITED = {"temperature": 0.2}

IN_EUROS = "calls of {} are priced in EUR, and it is in USD"
NO_LIMIT = "{} of {} have no max_tokens, and without it nobody knows what a call may cost"


def fits(egress: Egress | None = None, **models: ModelSpec) -> Fits:
    return Fits([_model(slug, spec) for slug, spec in models.items()], PriceList(), {"algebra": egress or Egress()})


def _model(slug: str, spec: ModelSpec) -> RegisteredModel:
    return register(ModelName("p", slug), spec, order=1, moment=datetime(2026, 1, 1, tzinfo=UTC), traceparent="")


@pytest.mark.parametrize("key", [OF_ALGEBRA, OF_GAMMA, OF_EACH, OF_GAMMA_IN_ALGEBRA])
def test_every_scope_holds_what_a_model_answers_and_judges(key: BudgetKey) -> None:
    wrong = replace(SPEC, answer_parameters=UNLIMITED, judge_parameters=UNLIMITED)
    told = tuple(NO_LIMIT.format(name, "gamma") for name in ("answer_parameters", "judge_parameters"))
    assert set(fits(gamma=wrong).of(key, "USD").misfits) == set(told)
    assert fits(gamma=replace(SPEC, price=EUROS)).of(key, "USD") == Fit((IN_EUROS.format("gamma"),), 1, 0)
    assert fits(gamma=SPEC).of(key, "USD") == Fit((), 1, 0)


def test_an_insertion_pays_other_models_as_judges_only() -> None:
    others = replace(SPEC, answer_parameters=UNLIMITED)
    found = fits(gamma=SPEC, delta=others, epsilon=replace(others, judge_parameters=UNLIMITED))
    assert found.of(OF_GAMMA_IN_ALGEBRA, "USD") == Fit((NO_LIMIT.format("judge_parameters", "epsilon"),), 3, 0)
    assert len(found.of(OF_EACH, "USD").misfits) == 3
    assert found.of(OF_GAMMA, "USD") == Fit((), 1, 0)


def test_what_a_model_may_not_do_need_not_fit() -> None:
    euros = replace(SPEC, price=EUROS, provider="other")
    found = fits(Egress(allowed_providers=frozenset({"hosted"})), gamma=replace(SPEC, provider="hosted"), delta=euros)
    assert found.of(OF_ALGEBRA, "USD") == Fit((), 1, 0)
    named = fits(Egress(only_models=frozenset({"gamma"})), gamma=SPEC, delta=euros)
    assert named.of(OF_ALGEBRA, "USD") == Fit((), 1, 0)
    mute = replace(SPEC, judge_parameters=UNLIMITED, may_judge=False)
    assert fits(gamma=mute).of(OF_ALGEBRA, "USD") == Fit((), 1, 0)


def test_models_without_a_price_are_counted_and_those_that_cost_nothing_have_one() -> None:
    free = replace(SPEC, price=Price(per_million_output_tokens=Money("EUR", 0)), judge_parameters=UNLIMITED)
    unpriced = replace(SPEC, price=None, judge_parameters=UNLIMITED)
    found = fits(gamma=SPEC, delta=free, epsilon=unpriced, zeta=unpriced)
    assert found.of(OF_ALGEBRA, "USD") == Fit((), 4, 2)
    # A budget of an insertion of what is no model yet.
    assert found.of(BudgetKey("p", BudgetScope.INSERTION, "algebra", "new"), "USD") == Fit((), 4, 2)
    by_input = replace(SPEC, price=Price(per_million_input_tokens=Money("USD", 5)), judge_parameters=UNLIMITED)
    assert fits(gamma=by_input).of(OF_ALGEBRA, "USD") == Fit((), 1, 0)
