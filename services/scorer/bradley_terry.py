"""Bradley-Terry strengths: the maximum of a log-likelihood of weighted wins, with a weak prior.

The model (Bradley and Terry, 1952): row i is preferred to row j with probability
`logistic(strength_i - strength_j)`. A tie is half a win to each. Strengths have the prior
N(0, prior_deviation^2), which keeps undefeated models and boards of several parts finite and, since
wins and losses cancel in the sum of the gradient, sets the mean of the strengths to 0.

Every fit starts cold, from all strengths 0. Pure.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.special import expit

from dearena.faults import ArenaFault
from services.scorer.evidence import FloatArray

GAIN_TOLERANCE = 1e-16
"""Log-posterior that a step may still gain, per unit of weight, for the next step to be the last.

That is where rounding hides it. Newton's method squares its error with each step, so the last one ends
far below a billionth of a log-odds; a rule on the length of steps would wait for ever on a board
where a million votes stand against a weak prior.
"""

STEP_LIMIT = 100
"""Of Newton steps. Boards need about ten, one-sided ones 40; meeting the limit is a fault."""


class FitDidNotConverge(ArenaFault):
    """Newton's method met its limit; the board would mean nothing."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Strengths in log-odds, in the order of the matrix's rows, with mean 0."""

    strengths: FloatArray
    steps: int


def fit(wins: FloatArray, prior_deviation: float) -> Fit:
    """Strengths under which the wins are likeliest.

    Args:
        wins: weighted wins of row over column, shape (n, n), diagonal 0.
        prior_deviation: standard deviation of the prior on each strength, in log-odds.

    Raises:
        FitDidNotConverge: after `STEP_LIMIT` steps.
    """
    precision = prior_deviation**-2
    tolerance = GAIN_TOLERANCE * (1 + np.sum(wins))
    strengths = np.zeros(len(wins))
    close = False
    for step in range(1, STEP_LIMIT + 1):
        change, gain = _newton_step(wins, strengths, precision)
        strengths = strengths + change
        if close:
            return Fit(strengths - np.sum(strengths) / max(len(wins), 1), step)
        close = bool(gain <= tolerance)
    raise FitDidNotConverge(f"no maximum within {STEP_LIMIT} Newton steps on a board of {len(wins)} models")


def preferred(strengths: FloatArray) -> FloatArray:
    """Probability that row is preferred to column; shape (n, n)."""
    return expit(strengths[:, None] - strengths[None, :])


def curvature(wins: FloatArray, strengths: FloatArray, precision: float) -> FloatArray:
    """Negative second derivative of the log-posterior; shape (n, n), positive definite."""
    chance = preferred(strengths)
    return laplacian((wins + wins.T) * chance * chance.T) + precision * np.eye(len(wins))


def laplacian(of_pairs: FloatArray) -> FloatArray:
    """Sum over pairs of `of_pairs[i, j] (e_i - e_j)(e_i - e_j)^T`, for a symmetric matrix."""
    return np.diag(np.sum(of_pairs, axis=1)) - of_pairs


def _newton_step(wins: FloatArray, strengths: FloatArray, precision: float) -> tuple[FloatArray, float]:
    """The damped step, and twice what the full step gains in log-posterior.

    A full step can overshoot where the evidence is one-sided. Let r be the largest change of a
    difference between two models that met: shortened by log(1 + r) / r the step never lowers the
    likelihood, and loses nothing close to the maximum (Sun and Tran-Dinh, Generalized self-concordant
    functions, Math. Program. 178, 2019; the logistic loss is of their order 2).
    """
    losses = preferred(-strengths)
    gradient = np.sum(wins * losses - wins.T * losses.T, axis=1) - precision * strengths
    full = scipy.linalg.solve(curvature(wins, strengths, precision), gradient, assume_a="pos")
    changes = np.abs(full[:, None] - full[None, :])
    reach = np.max(changes, where=wins > 0, initial=0.0)
    damped = full * (np.log1p(reach) / reach) if reach > 0 else full
    return damped, float(gradient @ full)
