"""Prices from a file: the closest one counts, and what is wrong is told with its line."""

import pytest

from services.gateway.models import Endpoint
from services.gateway.money.price_list import BrokenPriceFile, read_prices

FILE = """\
prices:
  - {upstream_model: kappa, currency: USD, per_million_input_tokens: 0.15, per_million_output_tokens: 0.60}
  - {upstream_model: kappa, host: near.example.org, currency: USD, per_million_output_tokens: 0.000000001}
  - {upstream_model: kappa, provider: hosted, currency: EUR, per_million_output_tokens: 3}
"""


def nano_units(model: str, host: str, provider: str = "") -> int | None:
    price = read_prices(FILE).of(Endpoint(f"https://{host}:8443/v1", model), provider)
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
        ("prices: [", "line 1: it is not YAML"),
        ("models: []", "line 1: the file must hold `prices`"),
        ("prices: kappa", "line 1: prices must be a list"),
        ("prices:\n  - kappa", "line 2: an entry must say"),
        (
            "prices:\n  - {upstream_model: k, currency: USD, per_million_output_tokens: 1, per_token: 2}",
            "line 2: per_token is",
        ),
        ("prices:\n\n  - {currency: USD, per_million_output_tokens: 1}", "line 3: upstream_model is required"),
        ("prices:\n  - {upstream_model: k, per_million_output_tokens: 1}", "line 2: currency is required"),
        ("prices:\n  - {upstream_model: k, currency: usd, per_million_output_tokens: 1}", "three capital letters"),
        ("prices:\n  - {upstream_model: k, currency: USD, per_million_output_tokens: -1}", "not '-1'"),
        ("prices:\n  - {upstream_model: k, currency: USD, per_million_output_tokens: 1e3}", "not '1e3'"),
        ("prices:\n  - {upstream_model: k, currency: USD}", "is required"),
        ("prices:\n  - {upstream_model: k, currency: USD, currency: USD}", "line 2: currency is said twice"),
        (
            f"{FILE}  - {{upstream_model: kappa, currency: USD, per_million_input_tokens: 1}}",
            "line 5: the price of kappa",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(BrokenPriceFile) as caught:
        read_prices(text)
    assert told in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(BrokenPriceFile) as caught:
        read_prices("prices:\n  - kappa\n  - {upstream_model: k}\n")
    assert "line 2" in str(caught.value)
    assert "line 3" in str(caught.value)


def test_a_file_without_prices_must_say_so() -> None:
    assert read_prices("prices: []\n").prices == {}
    for cut in ("", "# nothing\n", "prices:\n"):
        with pytest.raises(BrokenPriceFile):
            read_prices(cut)
