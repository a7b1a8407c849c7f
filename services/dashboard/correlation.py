"""How alike dimensions rank: Spearman's rank correlation over the models that two boards have in common.

Pure: no I/O. Source: C. Spearman, "The proof and measurement of association between two things" (1904);
with ties it is Pearson's correlation of mean ranks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_MODELS = 3
"""With fewer in common there is no telling: two models always correlate by 1 or -1."""

Strengths = Mapping[str, float]
"""Strength by model revision."""


@dataclass(frozen=True, slots=True)
class Correlations:
    """Every dimension against every other."""

    dimensions: Sequence[str]
    """Row and column order of both tables."""
    spearman: Sequence[Sequence[float | None]]
    """-1 to 1; None where fewer than LEAST_MODELS are common, or where one board holds them all equal."""
    common: Sequence[Sequence[int]]
    """Number of models that stand on both boards."""


def correlations(boards: Mapping[str, Strengths]) -> Correlations:
    """Compare all boards.

    Args:
        boards: strengths by dimension; the tables keep this order.
    """
    pairs = [[(one, other) for other in boards.values()] for one in boards.values()]
    return Correlations(
        dimensions=list(boards),
        spearman=[[spearman(one, other) for one, other in row] for row in pairs],
        common=[[len(one.keys() & other.keys()) for one, other in row] for row in pairs],
    )


def spearman(one: Strengths, other: Strengths) -> float | None:
    """Rank correlation over the common models, -1 to 1; None where there is none to be had."""
    common = sorted(one.keys() & other.keys())
    if len(common) < LEAST_MODELS:
        return None
    x, y = (_centred(_mean_ranks([board[model] for model in common])) for board in (one, other))
    spread = float(np.sqrt((x @ x) * (y @ y)))
    # Mean ranks are halves of whole numbers, so equal ranks have a spread of exactly zero. The bounds are
    # kept in spite of rounding.
    return float(np.clip((x @ y) / spread, -1.0, 1.0)) if spread else None


def _mean_ranks(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Ranks from 1 for the smallest; equal values share the mean of theirs."""
    _, group, sizes = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return np.asarray((last - (sizes - 1) / 2)[group], dtype=np.float64)


def _centred(ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # The mean of ranks is (n + 1) / 2 exactly, ties or not.
    return np.asarray(ranks - (len(ranks) + 1) / 2, dtype=np.float64)
