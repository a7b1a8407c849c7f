"""How many tokens a call is expected to use."""

import pytest

from services.gateway.chat import Message
from services.gateway.limits.token_estimate import ReplyLengths, input_tokens, most_output_tokens


def test_a_prompt_is_a_token_for_four_bytes() -> None:
    assert input_tokens([Message("user", "x" * 400), Message("user", "é" * 200)]) == 201


@pytest.mark.parametrize(
    ("parameters", "most"),
    [({}, 1024), ({"max_tokens": 7}, 7), ({"max_tokens": 9, "max_completion_tokens": 5}, 5)],
)
def test_a_reply_has_at_most_what_the_parameters_allow(parameters: dict[str, int], most: int) -> None:
    assert most_output_tokens(parameters) == most


def test_replies_to_come_are_expected_to_be_as_long_as_the_last_ones() -> None:
    lengths = ReplyLengths()
    assert lengths.expected({"max_tokens": 500}) == 500
    for _ in range(100):
        lengths.learn(40)
    assert lengths.expected({"max_tokens": 500}) == pytest.approx(40)
    assert lengths.expected({"max_tokens": 10}) == 10
    for _ in range(100):
        lengths.learn(80)
    assert lengths.expected({"max_tokens": 500}) == pytest.approx(80, rel=0.01)
