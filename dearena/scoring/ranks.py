"""What can be said of ranks: which models are surely better than which, and who cannot be told apart.

A rank interval holds a model's true rank with the stated confidence: of the n - 1 comparisons with the
others, those decided by Holm's step-down rule (Scand. J. Statist. 6, 1979) bound it from either side, so
that the chance that any of a model's comparisons is decided wrongly is held (Mogstad, Romano, Shaikh
and Wilhelm, Rev. Econ. Stud. 91, 2024). Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtr, stdtrit

from dearena.scoring.arrays import BoolArray, FloatArray, IntArray

DRAWS: Final = 2_000
"""Draws from the strengths' distribution for what holds of all pairs at once."""

SEED: Final = 20_240_117

LARGEST_GROWTH: Final = 1e4
"""Times by which doubt may have to shrink for two models to be told apart; beyond, they count as equal."""


def standardised(strengths: FloatArray, covariance: FloatArray) -> FloatArray:
    """Difference of row and column in its standard errors; shape (n, n), antisymmetric, 0 where both are one.

    Two models whose difference has no doubt and no size are equal: 0.
    """
    variances = np.diag(covariance)
    errors = np.sqrt(np.maximum(variances[:, None] + variances[None, :] - 2 * covariance, 0.0))
    differences = strengths[:, None] - strengths[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = differences / errors
    ratios[differences == 0] = 0.0
    return ratios


def better(strengths: FloatArray, covariance: FloatArray, degrees: int) -> FloatArray:
    """Confidence that row is stronger than column, from 0 to 1; shape (n, n), 1/2 on the diagonal.

    By Student's t: one minus the one-sided p-value of the opposite.
    """
    return np.asarray(stdtr(degrees, standardised(strengths, covariance)))


def rank_intervals(
    strengths: FloatArray, covariance: FloatArray, degrees: int, confidence: float, counted: BoolArray
) -> tuple[IntArray, IntArray]:
    """Best and worst rank of each model that the evidence allows, among those counted; 0 for the others.

    Args:
        counted: models that have a rank.
    """
    low, high = np.zeros(len(strengths), dtype=np.int64), np.zeros(len(strengths), dtype=np.int64)
    index = np.flatnonzero(counted)
    some = strengths[index]
    ratios = standardised(some, covariance[np.ix_(index, index)])
    decided = _decided(ratios, degrees, confidence)
    low[index] = 1 + np.sum(decided & (ratios < 0), axis=1)
    high[index] = len(index) - np.sum(decided & (ratios > 0), axis=1)
    return low, high


def _decided(ratios: FloatArray, degrees: int, confidence: float) -> BoolArray:
    """Holm's rule in each row: the largest ratios are tested first, against all that are left."""
    n = len(ratios)
    if n <= 1:
        return np.zeros((n, n), dtype=bool)
    left = np.arange(n - 1, 0, -1)
    needed = stdtrit(degrees, 1 - (1 - confidence) / (2 * left))
    size = np.abs(ratios)
    np.fill_diagonal(size, -1.0)  # a model is not compared with itself: last in its row
    order = np.argsort(-size, axis=1, kind="stable")[:, :-1]
    passed = np.take_along_axis(size, order, axis=1) > needed[None, :]
    decided = np.zeros((n, n), dtype=bool)
    np.put_along_axis(decided, order, np.logical_and.accumulate(passed, axis=1), axis=1)
    return decided


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """What can be told of all pairs at once, with one error for the whole board.

    Attributes:
        critical: standard errors by which two models must differ.
        apart: whether row and column can be told apart; shape (n, n).
        groups: of each model; 1 is the best. A group begins with the strongest model not yet in one and
            holds those below it that cannot be told from it.
    """

    critical: float
    apart: BoolArray
    groups: IntArray


def separation(
    strengths: FloatArray, covariance: FloatArray, degrees: int, confidence: float, order: IntArray
) -> Separation:
    """Which models can be told apart, over all pairs at once.

    The critical value is the quantile of the largest standardised difference (max-t), by draws from the
    multivariate t distribution of the strengths.

    Args:
        order: models best first.
    """
    n = len(strengths)
    ratios = np.abs(standardised(strengths, covariance))
    critical = _largest_difference(covariance, degrees, confidence)
    apart = ratios > critical
    groups = np.zeros(n, dtype=np.int64)
    leader, group = -1, 0
    for model in order:
        if leader < 0 or apart[leader, model]:
            leader, group = int(model), group + 1
        groups[model] = group
    return Separation(critical, apart, groups)


def _largest_difference(covariance: FloatArray, degrees: int, confidence: float) -> float:
    """Quantile of the largest of all |difference| / error, under no difference."""
    n = len(covariance)
    if n <= 1:
        return 0.0
    random = np.random.default_rng(SEED)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
    tails = np.sqrt(random.chisquare(degrees, DRAWS) / degrees)
    draws = (random.standard_normal((DRAWS, n), dtype=np.float32) @ root.T) / tails[:, None].astype(np.float32)
    variances = np.diag(covariance)
    errors = np.sqrt(np.maximum(variances[:, None] + variances[None, :] - 2 * covariance, 0.0))
    with np.errstate(divide="ignore"):
        precision = np.where(errors > 0, 1 / errors, 0.0).astype(np.float32)
    largest = np.zeros(DRAWS, dtype=np.float32)
    for model in range(n - 1):
        below = np.abs(draws[:, model + 1 :] - draws[:, model, None]) * precision[model, model + 1 :]
        np.maximum(largest, below.max(axis=1), out=largest)
    return float(np.quantile(largest, confidence))


def votes_needed(votes: int, ratio: float, critical: float) -> int | None:
    """Votes in all that would separate two models, were the difference and the mix of votes as they are.

    None where the two do not differ, or by so little that no number of votes would do. Doubt is taken to
    shrink with the votes; more votes by the same judges on the same questions help less than that.
    """
    if abs(ratio) * LARGEST_GROWTH < critical:
        return None
    return int(np.ceil(votes * max((critical / abs(ratio)) ** 2, 1.0)))
