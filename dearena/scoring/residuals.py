"""What each vote says beyond what the fit expected of it: its pull on the two strengths.

A vote's pull is its weight times (half-win - mean). It is rounded to a whole number of steps so fine that
it does not matter, and so coarse that the sums over any cluster are exact: then no sum depends on the
order of the votes, and an interval is the same however the log was read. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.outcomes import CODES, Outcome
from dearena.scoring.ties import chances
from dearena.scoring.votes import Votes

EXACT_BITS: Final = 52
"""Whole numbers below 2^53 are exact as floats, and so are their sums below it."""

_HALF_WINS: Final = np.array([1.0, 0.0, 0.5])
_A, _B, _TIE = CODES[Outcome.A], CODES[Outcome.B], CODES[Outcome.TIE]


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
        steps: whole numbers, shape (votes,).
        step: pull of one step.
        others: pull on each further parameter (tie parameter, coefficients), shape (votes, parameters).
    """

    steps: FloatArray
    step: float
    others: FloatArray

    def where(self, chosen: IntArray | slice) -> "Pulls":
        """Those of some votes."""
        return Pulls(self.steps[chosen], self.step, self.others[chosen])


def pulls(
    votes: Votes,
    strengths: FloatArray,
    factors: JudgeFactors,
    *,
    log_nu: float | None = None,
    covariates: FloatArray | None = None,
    coefficients: FloatArray | None = None,
    largest_cluster: int,
) -> Pulls:
    """The pull of each vote under a fit.

    Args:
        votes: preferences only.
        covariates: of each vote, shape (votes, k), with their coefficients.
        largest_cluster: most votes whose pulls are ever summed up.
    """
    plain_chances = factors.slope is None and covariates is None
    if plain_chances:
        base = _of_table(votes, strengths, log_nu)
        tie_surplus = None if log_nu is None else _tie_surplus_of_table(votes, strengths, log_nu)
    else:
        difference = strengths[votes.first] - strengths[votes.second]
        if factors.slope is not None:
            difference *= factors.slope[votes.judge]
        if covariates is not None and coefficients is not None:
            difference += covariates @ coefficients
        at = chances(difference, log_nu)
        base = _HALF_WINS[votes.outcome] - at.mean
        tie_surplus = None if log_nu is None else (votes.outcome == _TIE) - at.tie
    weight = _weights(votes, factors)
    others = _others(base, tie_surplus, covariates, weight)
    if factors.slope is not None:
        weight = factors.slope[votes.judge] if weight is None else weight * factors.slope[votes.judge]
    if weight is not None:
        base = base * weight
    heaviest = 1.0 if weight is None else float(np.max(weight, initial=0.0))
    step = 2.0 ** -np.floor(EXACT_BITS - np.log2(max(largest_cluster, 1) * max(heaviest, 1e-300)))
    steps = np.rint(np.divide(base, step, out=base), out=base)
    return Pulls(steps, float(step), others)


def _of_table(votes: Votes, strengths: FloatArray, log_nu: float | None) -> FloatArray:
    """Half-win minus mean, looked up by outcome and pair: far fewer than there are votes."""
    n = len(strengths)
    mean = chances(strengths[:, None] - strengths[None, :], log_nu).mean
    return _looked_up(_HALF_WINS[:, None, None] - mean, votes, n)


def _tie_surplus_of_table(votes: Votes, strengths: FloatArray, log_nu: float) -> FloatArray:
    n = len(strengths)
    tie = chances(strengths[:, None] - strengths[None, :], log_nu).tie
    is_tie = np.array([0.0, 0.0, 1.0])
    return _looked_up(is_tie[:, None, None] - tie, votes, n)


def _looked_up(table: FloatArray, votes: Votes, n: int) -> FloatArray:
    return np.take(table.ravel(), keys_of(votes, n), mode="clip")


def keys_of(votes: Votes, models: int) -> IntArray:
    """Outcome and ordered pair of each vote as one number below 3 * models^2; preferences only."""
    kind = np.int32 if 3 * models * models < 2**31 else np.int64
    keys = votes.outcome.astype(kind)
    keys *= kind(models)
    keys += votes.first
    keys *= kind(models)
    keys += votes.second
    return keys  # type: ignore[return-value]  # of 32 bits where they suffice


def _weights(votes: Votes, factors: JudgeFactors) -> FloatArray | None:
    """Weight of each vote; None where all are 1."""
    weight: FloatArray | None = None
    if np.any(factors.weight != 1):
        weight = factors.weight[votes.judge]
    if factors.influence is not None:
        shares = factors.influence[votes.judge, votes.first] * factors.influence[votes.judge, votes.second]
        weight = shares if weight is None else weight * shares
    if votes.weight is not None:
        own = votes.weight * votes.unit
        weight = own if weight is None else weight * own
    return weight


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
