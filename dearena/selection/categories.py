"""How much models lean to categories of queries, from a pilot. Pure.

On queries of one category a model's residuals lean the same way. Their mean product over pairs of queries of one
category, less that over pairs of different ones, estimates the variance of the leaning (the method of moments). A pilot
of ten models tells it badly, so that it is drawn to a prior guess.
"""

from typing import Final

import numpy as np

from dearena.scoring.arrays import IntArray
from dearena.selection.slopes import Slopes

GUESS: Final = 0.05
"""Variance of a leaning, in squares of the models' deviation, before any vote."""
GUESS_DEGREES: Final = 16.0
"""Degrees of freedom that the guess counts for."""


def category_variance(fitted: Slopes, category: IntArray) -> float:
    """Variance of a model's leaning to a category, in squares of the models' deviation, at least 0.

    Args:
        category: of each query of the pilot, shape (queries,).
    """
    slope, residual = fitted.slope, fitted.residuals()
    free = residual.shape[1] - 2
    categories = np.unique(category)
    if free < 1 or len(categories) <= 1:
        return GUESS
    in_category = category == categories[:, None]
    slopes, sums = in_category @ slope, in_category @ residual
    own = float(np.sum(residual**2))
    within, within_weight = float(np.sum(sums**2)) - own, float(np.sum(slopes**2) - np.sum(slope**2))
    across = float(np.sum(residual.sum(axis=0) ** 2) - np.sum(sums**2))
    across_weight = float(slope.sum() ** 2 - np.sum(slopes**2))
    if within_weight <= 0 or across_weight <= 0:
        return GUESS
    found = max((within / within_weight - across / across_weight) / free, 0.0)
    degrees = (len(categories) - 1) * free
    return float((found * degrees + GUESS * GUESS_DEGREES) / (degrees + GUESS_DEGREES))
