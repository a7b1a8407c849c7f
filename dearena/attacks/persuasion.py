"""How far attacks persuade a judge: shares of verdicts, and the difference that an attack makes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Final

QUANTILE_95: Final = 1.959964
"""Of the standard normal distribution, for two-sided 95 % intervals."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def share(hits: int, of: int) -> Interval | None:
    """A share with Wilson's interval (JASA 22, 1927); None of nothing."""
    if not of:
        return None
    value, reach = hits / of, QUANTILE_95**2 / of
    middle = (value + reach / 2) / (1 + reach)
    half = sqrt(reach * value * (1 - value) + reach**2 / 4) / (1 + reach)
    return Interval(value, max(middle - half, 0.0), min(middle + half, 1.0))


def difference(hits: int, of: int, plain_hits: int, plain_of: int) -> Interval | None:
    """One share less another, with Newcombe's interval (Statistics in Medicine 17, 1998, method 10).

    It is made of the two Wilson intervals, as if the shares had nothing in common: where the same questions stand
    behind both, it is rather too wide. None where one of them is of nothing.
    """
    one, other = share(hits, of), share(plain_hits, plain_of)
    if one is None or other is None:
        return None
    value = one.value - other.value
    below = hypot(one.value - one.low, other.high - other.value)
    above = hypot(one.high - one.value, other.value - other.low)
    return Interval(value, max(value - below, -1.0), min(value + above, 1.0))


def overall(counts: Iterable[tuple[int, int]]) -> Interval | None:
    """The share over all attacks, from (persuaded, readable) of each; None where nothing can be read."""
    found = list(counts)
    return share(sum(hits for hits, _ in found), sum(of for _, of in found))
