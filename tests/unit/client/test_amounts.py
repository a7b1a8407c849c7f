"""Amounts of money, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.client.amounts import amount_of, amount_text
from dearena.v1 import common_pb2


@given(
    money=st.builds(
        common_pb2.Money,
        currency=st.from_regex(r"\A[A-Z]{3}\Z"),
        nano_units=st.integers(0, 2**63 - 1),
    )
)
def test_what_is_written_is_read_to_the_last_billionth(money: common_pb2.Money) -> None:
    assert amount_of(amount_text(money)) == money


@pytest.mark.parametrize(
    ("text", "nano_units"),
    [("0.50 USD", 500_000_000), ("3 USD", 3_000_000_000), ("0.000000001 USD", 1), ("0 USD", 0)],
)
def test_amounts_are_read(text: str, nano_units: int) -> None:
    assert amount_of(text) == common_pb2.Money(currency="USD", nano_units=nano_units)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.50",
        "USD",
        "USD 0.50",
        "0.50USD",
        "0.50 usd",
        "-1 USD",
        "1e3 USD",
        "nan USD",
        ".5 USD",
        "0,50 USD",
        "0.0000000001 USD",
        "0.50 USD\n",
        "٣ USD",
        "9223372036.854775808 USD",
        f"{'9' * 5_000} USD",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="USD"):
        amount_of(text)
