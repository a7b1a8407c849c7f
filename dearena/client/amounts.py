"""Amounts of money as people write them: `0.50 USD`. Pure."""

import re
from typing import Final

from dearena.v1 import common_pb2

NANO: Final = 1_000_000_000
"""Billionths in one unit of a currency."""
LARGEST_NANO_UNITS: Final = 2**63 - 1

_WRITTEN: Final = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,9})?) ([A-Z]{3})", re.ASCII)


def amount_of(text: str) -> common_pb2.Money:
    """The money that `0.50 USD` says: a number with at most nine decimals, and a currency code.

    Raises:
        ValueError: the text says no amount, or more than the contract can carry.
    """
    written = _WRITTEN.fullmatch(text)
    if not written:
        raise ValueError(f"{text!r} is not an amount such as '0.50 USD', with at most nine decimals")
    whole, _, decimals = written[1].partition(".")
    nano_units = int(whole + decimals.ljust(9, "0"))
    if nano_units > LARGEST_NANO_UNITS:
        raise ValueError(f"{text!r} is more than {LARGEST_NANO_UNITS // NANO:,} {written[2]}")
    return common_pb2.Money(currency=written[2], nano_units=nano_units)


def amount_text(money: common_pb2.Money) -> str:
    """How an amount is written, to the last billionth: `0.50 USD`."""
    whole, rest = divmod(money.nano_units, NANO)
    decimals = f"{rest:09}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals} {money.currency}"
