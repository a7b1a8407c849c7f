"""How sure a strength is: the sandwich covariance of the Bradley-Terry fit.

Bread is the inverse curvature, filling the spread of the votes' own scores around it (White, 1982).
Votes count as independent here, so intervals are too short where a judge or a question decides many
votes alike. The prior enters the filling as one more observation with its own information: without
it, a model that never lost would have a strength with no doubt at all. Pure.
"""

from statistics import NormalDist

import numpy as np
import scipy.linalg

from services.scorer.bradley_terry import curvature, laplacian, preferred
from services.scorer.evidence import Evidence, FloatArray, IntArray

CONFIDENCE = 0.95
QUANTILE = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def standard_errors(evidence: Evidence, parts: IntArray, strengths: FloatArray, prior_deviation: float) -> FloatArray:
    """Standard error of each strength against the board's mean, in log-odds; shape (n,).

    Args:
        evidence: the votes of the fit.
        parts: weight of each model as a judge, in parts of `evidence.ONE`.
        strengths: the maximum that `bradley_terry.fit` found under these weights.
        prior_deviation: as in the fit.
    """
    n = len(strengths)
    if not n:
        return np.zeros(0)
    precision = prior_deviation**-2
    bread = curvature(evidence.wins(parts), strengths, precision)
    filling = laplacian(_squared_residuals(evidence, parts, strengths)) + precision * np.eye(n)
    # Only differences are observed: the mean is 0 by convention and carries no doubt.
    centred = np.eye(n) - np.full((n, n), 1 / n)
    slices = scipy.linalg.solve(bread, centred, assume_a="pos").T
    variances = np.sum((slices @ filling) * slices, axis=1)
    return np.sqrt(np.maximum(variances, 0.0))  # type: ignore[no-any-return]


def _squared_residuals(evidence: Evidence, parts: IntArray, strengths: FloatArray) -> FloatArray:
    """Sum over the votes of each pair of (weight * (vote - chance))^2; symmetric, (n, n)."""
    wins, ties = evidence.squared(parts)
    chance = preferred(strengths)
    return wins * chance.T**2 + wins.T * chance**2 + ties * (0.5 - chance) ** 2
