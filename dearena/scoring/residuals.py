"""What each vote says beyond what the fit expected of it: its pull on the two strengths.

A vote's pull is its weight times (half-win - mean). It is rounded to a step so fine that it does not matter,
and so coarse that the sums over any cluster are exact: then no sum depends on the order of the votes, and an
interval is the same however the log was read. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import Codes, FloatArray, IntArray
from dearena.scoring.outcomes import CODES
from dearena.scoring.strengths import StrengthFit
from dearena.scoring.ties import chances
from dearena.scoring.votes import Votes

EXACT_BITS: Final = 52
"""Whole numbers below 2^53 are exact as floats, and so are their sums below it."""

HALF_WINS: Final = np.array([1.0, 0.0, 0.5])
"""Of a preference, by its code."""

_TIE: Final = CODES[Outcome.TIE]


@dataclass(frozen=True, slots=True, eq=False)
class JudgeFactors:
    """How a judge's votes enter a fit.

    Attributes:
        weight: of each judge, shape (judges,).
        slope: by how much a difference in strength counts before the judge, shape (judges,); None: 1.
        influence: share of the judge's votes on a model that is listened to, shape (judges, models);
            None: all. A vote is listened to by the product of its two models' shares.
    """

    weight: FloatArray
    slope: FloatArray | None = None
    influence: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pulls:
    """Pull of each vote on its first model's strength, and against its second's.

    Attributes:
        own: in log-odds, shape (votes,).
        others: pull on each further parameter (tie parameter, coefficients), shape (votes, parameters).
        squares: sum of squared pulls by ordered pair, shape (n, n), where the tallies tell it; else None.
    """

    own: FloatArray
    others: FloatArray
    squares: FloatArray | None = None

    def where(self, chosen: IntArray | slice) -> "Pulls":
        """Those of some votes."""
        return Pulls(self.own[chosen], self.others[chosen])


def pulls(
    votes: Votes,
    counted: FloatArray,
    found: StrengthFit,
    factors: JudgeFactors,
    covariates: FloatArray | None,
) -> Pulls:
    """The pull of each vote under a fit.

    Args:
        votes: preferences only.
        counted: their unweighted tallies, shape (3, n, n).
        covariates: of each vote, shape (votes, k); None: none.
    """
    weight = _weights(votes, factors)
    log_nu = found.log_nu
    if weight is None and factors.slope is None and covariates is None and log_nu is None:
        return _from_table(votes, counted, found.strengths)
    difference = found.strengths[votes.first] - found.strengths[votes.second]
    if factors.slope is not None:
        difference *= factors.slope[votes.judge]
    if covariates is not None:
        difference += covariates @ found.coefficients
    at = chances(difference, log_nu)
    base = HALF_WINS[votes.outcome] - at.mean
    others = _others(base, None if log_nu is None else (votes.outcome == _TIE) - at.tie, covariates, weight)
    if factors.slope is not None:
        slope = factors.slope[votes.judge]
        weight = slope if weight is None else weight * slope
    if weight is not None:
        base *= weight
    for column in others.T:
        column[:] = summable(column, len(votes))
    return Pulls(summable(base, len(votes)), others)


def _from_table(votes: Votes, counted: FloatArray, strengths: FloatArray) -> Pulls:
    """Looked up by outcome and pair, of which there are far fewer than votes."""
    mean = chances(strengths[:, None] - strengths[None, :], None).mean
    table = summable(HALF_WINS[:, None, None] - mean, len(votes))
    own = np.take(table.ravel(), keys_of(votes, len(strengths)), mode="clip")
    squares = np.sum(counted * np.square(table), axis=0)
    return Pulls(own, np.zeros((len(votes), 0)), squares)


def summable(values: FloatArray, terms: int) -> FloatArray:
    """The values, rounded to the finest step at which any sum of so many of them is exact."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if not largest:
        return values
    # The sum stays below 2^52 steps; a step is a power of two, and so costs no digit of its own.
    step = 2.0 ** (np.ceil(np.log2(largest)) + np.ceil(np.log2(max(terms, 1))) - EXACT_BITS)
    return np.asarray(np.rint(values / step) * step)


def keys_of(votes: Votes, models: int) -> Codes | IntArray:
    """Outcome and ordered pair of each vote as one number below 3 * models^2; preferences only."""
    keys: Any = votes.outcome.astype(np.int32 if 3 * models * models < 2**31 else np.int64)
    keys *= models
    keys += votes.first
    keys *= models
    keys += votes.second
    return keys  # type: ignore[no-any-return]


def _weights(votes: Votes, factors: JudgeFactors) -> FloatArray | None:
    """Weight of each vote; None where all are 1."""
    weight: Any = None
    if np.any(factors.weight != 1):
        weight = factors.weight[votes.judge]
    if factors.influence is not None:
        shares = factors.influence[votes.judge, votes.first] * factors.influence[votes.judge, votes.second]
        weight = shares if weight is None else weight * shares
    if votes.weight is not None:
        own = votes.weight * votes.unit
        weight = own if weight is None else weight * own
    return weight  # type: ignore[no-any-return]


def _others(
    base: FloatArray, tie_surplus: FloatArray | None, covariates: FloatArray | None, weight: FloatArray | None
) -> FloatArray:
    columns: Sequence[FloatArray] = [
        *([] if tie_surplus is None else [tie_surplus]),
        *([] if covariates is None else [base * column for column in covariates.T]),
    ]
    if not columns:
        return np.zeros((len(base), 0))
    stacked = np.column_stack(columns)
    return stacked if weight is None else stacked * weight[:, None]
