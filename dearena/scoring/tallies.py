"""Whole-number tallies of preferences by pair of models and outcome: all that strengths depend on. Pure."""

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.residuals import keys_of
from dearena.scoring.votes import Votes


def tally(votes: Votes, weight: IntArray | None = None) -> FloatArray:
    """Number, or sum of weights, of preferences by outcome (A, B, TIE) and ordered pair; shape (3, n, n).

    Args:
        votes: preferences only.
        weight: of each vote, whole numbers; None: each counts 1.

    Sums are whole numbers, exact as long as they stay below 2^53.
    """
    n = len(votes.models)
    keys = keys_of(votes, n)
    return np.bincount(keys, weight, minlength=3 * n * n).reshape(3, n, n).astype(np.float64)


def half_wins(tallies: FloatArray) -> IntArray:
    """Wins of row over column, counted in halves: a win is 2, a tie 1; shape (n, n)."""
    halves = 2 * (tallies[0] + tallies[1].T) + tallies[2] + tallies[2].T
    return np.asarray(halves, dtype=np.int64)
