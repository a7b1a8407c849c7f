"""Costs are exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pricing import MAX_NANO_UNITS, Money, Price, cost_of

nano_units = st.integers(0, MAX_NANO_UNITS)
tokens = st.integers(0, 10**9)


@given(price_in=nano_units, price_out=nano_units, sent=tokens, received=tokens)
def test_a_cost_is_the_exact_one_rounded_once(price_in: int, price_out: int, sent: int, received: int) -> None:
    cost = cost_of(Price(Money("USD", price_in), Money("USD", price_out)), sent, received)
    exact = Fraction(price_in * sent + price_out * received, 1_000_000)
    assert cost is not None
    assert cost.currency == "USD"
    assert abs(cost.nano_units - exact) <= Fraction(1, 2)


def test_three_dollars_a_million_tokens() -> None:
    price = Price(Money("USD", 3_000_000_000), Money("USD", 15_000_000_000))
    assert cost_of(price, 1_000, 10) == Money("USD", 3_000_000 + 150_000)


def test_absent_money_counts_as_zero() -> None:
    assert cost_of(Price(per_million_output_tokens=Money("EUR", 1_000_000)), 10**6, 7) == Money("EUR", 7)
    assert cost_of(Price(), 10**6, 10**6) is None
    assert cost_of(None, 10**6, 10**6) is None


@pytest.mark.parametrize(
    "price",
    [
        Price(Money("usd", 1)),
        Price(Money("", 1)),
        Price(Money("USD", -1)),
        Price(Money("USD", MAX_NANO_UNITS + 1)),
        Price(Money("USD", 1), Money("EUR", 1)),
    ],
)
def test_a_price_that_cannot_be_computed_with_is_a_problem(price: Price) -> None:
    assert price.problem()


def test_a_price_of_nothing_is_none() -> None:
    assert not Price().problem()
    assert not Price(Money("USD", 0)).problem()
