"""Whether a dimension ranks models as another does already: correlation of two boards, with its interval. Pure.

Spearman's correlation over the models that both boards have; the interval is Fisher's, with the standard error
sqrt((1 + r^2 / 2) / (n - 3)) of Bonett and Wright (Psychometrika 65, 2000) for ranks. It speaks of models drawn as
these were; that strengths are themselves estimates pulls the correlation down, so that redundancy is understated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm, spearmanr

FEWEST_MODELS: Final = 4
"""In common; with fewer there is no interval."""
CERTAIN: Final = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class BoardCorrelation:
    """Of one board with another.

    Attributes:
        dimension: the other.
        models: in common.
        spearman: None where there are too few, or one board holds all of them equal.
        low, high: interval.
    """

    dimension: str
    models: int
    spearman: float | None
    low: float | None
    high: float | None


def board_correlation(
    mine: Mapping[str, float], dimension: str, other: Mapping[str, float], confidence: float
) -> BoardCorrelation:
    """Compare strengths by model."""
    common = sorted(mine.keys() & other.keys())
    one, two = [mine[name] for name in common], [other[name] for name in common]
    if len(common) < FEWEST_MODELS or len(set(one)) == 1 or len(set(two)) == 1:
        return BoardCorrelation(dimension, len(common), None, None, None)
    found = float(np.clip(spearmanr(one, two).statistic, -1.0, 1.0))
    error = float(np.sqrt((1 + found**2 / 2) / (len(common) - 3)))
    reach = float(norm.isf((1 - confidence) / 2)) * error
    middle = float(np.arctanh(np.clip(found, -CERTAIN, CERTAIN)))
    return BoardCorrelation(
        dimension, len(common), found, float(np.tanh(middle - reach)), float(np.tanh(middle + reach))
    )
