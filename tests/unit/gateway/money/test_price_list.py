"""Prices from a file: the closest one counts, and what is wrong is told with its line and column."""

import pytest

from services.gateway.models import Endpoint
from services.gateway.money.price_list import BrokenPriceFile, PriceList, read_prices

FILE = """\
prices:
  - {upstream_model: kappa, currency: USD, per_million_input_tokens: 0.15, per_million_output_tokens: 0.60}
  - {upstream_model: kappa, host: near.example.org, currency: USD, per_million_output_tokens: 0.000000001}
  - {upstream_model: kappa, provider: hosted, currency: EUR, per_million_output_tokens: 3}
"""


def read(text: str) -> PriceList:
    return read_prices(text.encode(), "prices.yaml")


def nano_units(model: str, host: str, provider: str = "") -> int | None:
    price = read(FILE).of(Endpoint(f"https://{host}:8443/v1", model), provider)
    return (
        None if price is None or price.per_million_output_tokens is None else price.per_million_output_tokens.nano_units
    )


def test_the_closest_price_counts_and_is_exact() -> None:
    assert nano_units("kappa", "far.example.org") == 600_000_000
    assert nano_units("kappa", "NEAR.example.org", "hosted") == 1
    assert nano_units("kappa", "far.example.org", "hosted") == 3_000_000_000
    assert nano_units("lambda", "near.example.org") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prices: [", "prices.yaml:1:10: is not YAML"),
        ("models: []", "prices.yaml:1:1: the file must hold `prices`"),
        ("prices: kappa", "prices.yaml:1:9: prices: must be a list"),
        ("prices:\n  - kappa", "prices.yaml:2:5: prices[0]: must say upstream_model"),
        (
            "prices:\n  - {upstream_model: k, currency: USD, per_million_output_tokens: 1, per_token: 2}",
            "prices.yaml:2:70: prices[0].per_token: is not known here",
        ),
        (
            "prices:\n\n  - {currency: USD, per_million_output_tokens: 1}",
            "prices.yaml:3:5: prices[0]: upstream_model is required",
        ),
        (
            "prices:\n  - {upstream_model: k, per_million_output_tokens: 1}",
            ":2:5: prices[0]: currency is required",
        ),
        ("prices:\n  - {upstream_model: k, currency: usd, per_million_output_tokens: 1}", "three capital letters"),
        (
            "prices:\n  - {upstream_model: k, currency: USD, per_million_output_tokens: -1}",
            "_output_tokens: must be a number from 0",
        ),
        ("prices:\n  - {upstream_model: k, currency: USD, per_million_output_tokens: 1e3}", "not '1e3'"),
        ("prices:\n  - {upstream_model: k, currency: USD}", "is required"),
        (
            "prices:\n  - {upstream_model: k, currency: USD, currency: USD}",
            "'currency' is said twice",
        ),
        (
            "prices:\n  - {upstream_model: [k], currency: USD}",
            "prices[0].upstream_model: must be one value",
        ),
        ("prices: &all\n  - *all", "holds itself"),
        (
            f"{FILE}  - {{upstream_model: kappa, currency: USD, per_million_input_tokens: 1}}",
            "prices.yaml:5:5: prices[3]: the price of kappa is said twice",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(BrokenPriceFile) as caught:
        read(text)
    assert told in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(BrokenPriceFile) as caught:
        read("prices:\n  - kappa\n  - {upstream_model: k}\n")
    assert ":2:" in str(caught.value)
    assert ":3:" in str(caught.value)


def test_a_file_without_prices_must_say_so() -> None:
    assert read("prices: []\n").prices == {}
    for cut in ("", "# nothing\n", "prices:\n"):
        with pytest.raises(BrokenPriceFile):
            read(cut)


def test_an_amount_is_taken_as_it_is_written_and_entries_may_share_what_they_say() -> None:
    text = """\
prices:
  - &usual {upstream_model: kappa, currency: USD, per_million_output_tokens: 234567.123456789}
  - {<<: *usual, upstream_model: lambda}
"""
    for name in ("kappa", "lambda"):
        price = read(text).of(Endpoint("http://m/v1", name), "")
        assert price is not None
        assert price.per_million_output_tokens is not None
        assert price.per_million_output_tokens.nano_units == 234_567_123_456_789
