"""What a call costs: whole billionths of a currency, no floating point. Pure."""

import re
from dataclasses import dataclass

CURRENCY = re.compile(r"[A-Z]{3}")
TOKENS_PER_PRICE = 1_000_000
NANO_UNITS = 1_000_000_000
"""Of a unit."""
MAX_NANO_UNITS = 10**15
"""A million units of currency per million tokens; with tokens below 2^32, keeps every cost within 64 bits."""


@dataclass(frozen=True, slots=True)
class Money:
    """Billionths of one unit of a currency."""

    currency: str
    nano_units: int


@dataclass(frozen=True, slots=True)
class Price:
    """Price per million tokens; None counts as zero."""

    per_million_input_tokens: Money | None = None
    per_million_output_tokens: Money | None = None

    def currency(self) -> str:
        """The currency of both; empty when neither is given."""
        return next((money.currency for money in self._given()), "")

    def is_zero(self) -> bool:
        """Whether nothing costs anything."""
        return all(not money.nano_units for money in self._given())

    def problem(self) -> str:
        """What is wrong with it, in a sentence; empty when nothing is."""
        given = self._given()
        if any(not CURRENCY.fullmatch(money.currency) for money in given):
            return "a currency is three capital letters (ISO 4217), for example USD"
        if any(not 0 <= money.nano_units <= MAX_NANO_UNITS for money in given):
            return f"nano_units must be from 0 to {MAX_NANO_UNITS}"
        if len({money.currency for money in given}) > 1:
            return "input and output tokens must be priced in one currency"
        return ""

    def _given(self) -> list[Money]:
        both = (self.per_million_input_tokens, self.per_million_output_tokens)
        return [money for money in both if money is not None]


def cost_of(price: Price | None, input_tokens: int, output_tokens: int) -> Money | None:
    """Cost of one call, rounded once, half up, to a whole nano-unit; None without a price."""
    if price is None or not (currency := price.currency()):
        return None
    nano_tokens = sum(
        money.nano_units * tokens
        for money, tokens in (
            (price.per_million_input_tokens, input_tokens),
            (price.per_million_output_tokens, output_tokens),
        )
        if money is not None
    )
    return Money(currency, (2 * nano_tokens + TOKENS_PER_PRICE) // (2 * TOKENS_PER_PRICE))
