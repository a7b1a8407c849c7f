"""Pages of a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidCursor, InvalidField
from services.gateway.page_tokens import page_size, page_token, read_page_token

FILTERS = {"list": "models", "parent": "default"}


@given(text=st.text(), number=st.integers(-(2**60), 2**60))
def test_a_token_gives_back_its_key(text: str, number: int) -> None:
    token = page_token(FILTERS, [number, text])
    assert read_page_token(token, FILTERS, [int, str]) == [number, text]


def test_no_token_is_the_first_page() -> None:
    assert read_page_token("", FILTERS, [int]) is None


@pytest.mark.parametrize("token", ["x", "!!!!", "e30", "bnVsbA", page_token({"list": "other"}, [1])])
def test_a_token_of_elsewhere_is_refused(token: str) -> None:
    with pytest.raises(InvalidCursor):
        read_page_token(token, FILTERS, [int])


def test_a_token_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        read_page_token(page_token(FILTERS, ["1"]), FILTERS, [int])


@given(token=st.text())
def test_no_token_confuses_it(token: str) -> None:
    try:
        assert read_page_token(token, FILTERS, [int]) is None
    except InvalidCursor:
        assert token


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (7, 7), (1000, 1000), (5000, 1000)])
def test_page_sizes(asked: int, given_: int) -> None:
    assert page_size(asked) == given_


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidField):
        page_size(-1)
