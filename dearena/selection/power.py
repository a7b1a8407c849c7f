"""How many queries and votes would separate two models, and what it costs. Pure.

On a board of M models that compares all pairs `votes_a_pair` times on each of K queries before J judges, the difference
of two mean scores has the variance

    2 * (query / K + judge / J + vote / (K * M * votes_a_pair))

with the variances of `spread`: what is particular to queries goes away with queries only, tastes of judges with judges
only. M = 2 is the two against each other and nobody else. The test is the boards' own, two-sided by Student's t with
one degree of freedom less than there are queries or judges, whichever are fewer; its power is the chance that it tells
the two apart, in either direction, when their difference is the stated one. The difference at hand is itself an
estimate: of two models chosen because they look far apart, it is too large.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.stats import chi2, norm
from scipy.stats import t as student

from dearena.faults import InvalidField
from dearena.selection.spread import Spread

MOST_QUERIES: Final = 1_000_000
"""A design of more is as good as none."""
_EVEN: Final = (np.arange(1_000) + 0.5) / 1_000
"""Quantiles that a mean is taken over."""
DEFAULT_ERROR: Final = 0.05
DEFAULT_POWER: Final = 0.8


@dataclass(frozen=True, slots=True)
class Design:
    """How much is asked.

    Attributes:
        queries: on the board.
        models: that all pairs of are compared; 2: head to head.
        votes_a_pair: votes of a pair on one query.
        judges: that the votes are spread over.
    """

    queries: int
    models: int = 2
    votes_a_pair: float = 1.0
    judges: int = 10

    def __post_init__(self) -> None:
        if self.queries < 1 or self.judges < 1 or self.models <= 1 or not self.votes_a_pair > 0:
            raise InvalidField.of("design", "has at least one query, one judge and two models, and votes above 0")

    @property
    def votes(self) -> float:
        """In all."""
        return self.queries * self.models * (self.models - 1) / 2 * self.votes_a_pair


@dataclass(frozen=True, slots=True)
class Needed:
    """What would separate two models.

    Attributes:
        difference: of mean scores, that is to be told.
        design: the least one of its kind that has the power; None: no number of queries has it, since the tastes of
            so few judges alone blur the difference.
        power: that it has.
        cost: of its votes, at the price of one.
    """

    difference: float
    design: Design | None
    power: float
    cost: float | None


def standard_error(spread: Spread, design: Design) -> float:
    """Of a difference of two mean scores under a design."""
    of_votes = spread.vote / (design.queries * design.models * design.votes_a_pair)
    return math.sqrt(2 * (spread.query / design.queries + spread.judge / design.judges + of_votes))


def power_of(spread: Spread, design: Design, difference: float, error: float = DEFAULT_ERROR) -> float:
    """Chance that a difference is told, from `error` (none to tell) to 1."""
    _check(error, "error")
    size = standard_error(spread, design)
    if size == 0:
        return 1.0 if difference else error
    shift = abs(difference) / size
    degrees = _degrees(design)
    critical = float(student.isf(error / 2, degrees))
    # The mean over what the error may be estimated as.
    estimated = critical * np.sqrt(chi2.ppf(_EVEN, degrees) / degrees)
    return float(np.mean(norm.sf(estimated - shift) + norm.cdf(-estimated - shift)))


def _degrees(design: Design) -> int:
    """As boards count them; one judge is no sample of judges."""
    return max(min(design.queries, design.judges if design.judges > 1 else design.queries) - 1, 1)


def needed(
    spread: Spread,
    one: str,
    other: str,
    design: Design,
    error: float = DEFAULT_ERROR,
    power: float = DEFAULT_POWER,
    price_of_vote: float | None = None,
) -> Needed:
    """The fewest queries that separate two models, all else of the design being as it is.

    Args:
        error: chance to tell apart two equals.
        power: chance to tell the two apart.
        price_of_vote: in any currency.

    Raises:
        InvalidField: a model has no votes, or a chance is none.
    """
    _check(error, "error")
    _check(power, "power")
    difference = spread.difference(one, other)

    def has(queries: int) -> float:
        return power_of(spread, replace(design, queries=queries), difference, error)

    most = has(MOST_QUERIES)
    if most < power:
        return Needed(difference, None, most, None)
    low, high = 0, MOST_QUERIES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if has(middle) >= power else (middle, high)
    found = replace(design, queries=high)
    return Needed(difference, found, has(high), None if price_of_vote is None else found.votes * price_of_vote)


def _check(chance: float, name: str) -> None:
    if not 0 < chance < 1:
        raise InvalidField.of(name, "is a chance between 0 and 1")
