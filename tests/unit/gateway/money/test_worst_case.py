"""The most that a call can cost is at least what it does cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.chat import Message
from services.gateway.money.worst_case import TEMPLATE_TOKENS, NoLimit, most_cost, most_input_tokens
from services.gateway.pricing import Money, Price, cost_of

PRICES = st.integers(0, 10**12).map(lambda nano: Money("USD", nano))


@given(
    st.lists(st.builds(Message, st.just("user"), st.text())),
    PRICES,
    PRICES,
    st.integers(1, 5_000),
    st.integers(0, 5_000),
    st.data(),
)
def test_no_call_costs_more(
    messages: list[Message], of_input: Money, of_output: Money, limit: int, thinking: int, data: st.DataObject
) -> None:
    price = Price(of_input, of_output)
    sent = data.draw(st.integers(0, most_input_tokens(messages)))
    received = data.draw(st.integers(0, limit + thinking))
    cost = cost_of(price, sent, received)
    assert cost is not None
    assert cost.nano_units <= most_cost(price, messages, {"max_tokens": limit, "reasoning_tokens": thinking})


def test_bytes_count_not_characters() -> None:
    assert most_input_tokens([Message("user", "é")]) == most_input_tokens([Message("user", "e")]) + 1


def test_without_a_limit_of_output_nobody_knows() -> None:
    with pytest.raises(NoLimit):
        most_cost(Price(None, Money("USD", 1)), [], {})
    assert most_cost(Price(Money("USD", 10**6), None), [], {}) == TEMPLATE_TOKENS


def test_further_members_of_the_body_may_be_part_of_the_prompt() -> None:
    price = Price(Money("USD", 10**6), None)
    documents = {"documents": ["é" * 50_000]}
    assert most_cost(price, [], {"extra_body": documents}) - most_cost(price, [], {}) >= 100_000
