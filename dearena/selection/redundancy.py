"""Which queries say the same thing twice: what is particular to their answers goes together. Pure.

Once strengths, slopes and leanings to categories are taken out, residuals of two queries correlate by chance alone, or
because they are one question in two dresses. A pilot of ten models leaves eight free contrasts, in which chance makes
correlations of .7 daily; so each is asked how likely it is no chance: of all pairs an unknown share is redundant, with
any correlation above 0 alike, and the others follow the exact distribution of chance, density proportional to
(1 - r^2)^((free - 3) / 2) in `free` dimensions. The share is found by EM from all pairs at once. The estimate of a
pair is its correlation times that probability: next to nothing for most, unless the pool has duplicates.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betaln

from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.selection.slopes import Slopes

COMPARED_AT_MOST: Final = 3_000
"""Queries, those of largest slope over noise; beyond, a table of all pairs is not worth its memory."""
LEAST_FREE: Final = 4
"""Free contrasts; with fewer, chance alone makes any correlation."""
LEAST_SHARED: Final = 0.2
"""Estimated correlations below are left out."""
BINS: Final = 2_000
EM_STEPS: Final = 50
CHANCE_PAIRS: Final = 1_000.0
"""Pairs of pure chance that are believed in before any is seen."""
BLOCK: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Pairs of queries that are likely redundant; each stands in both directions.

    Attributes:
        one, other: indices among the pilot's queries, sorted by `one`.
        correlation: estimated, of what is particular to them, above 0.
    """

    one: IntArray
    other: IntArray
    correlation: FloatArray

    @classmethod
    def none(cls) -> "Alike":
        """No such pair."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing.astype(np.float64))

    def of(self, query: int) -> tuple[IntArray, FloatArray]:
        """Those that resemble a query, and by how much."""
        begin, end = np.searchsorted(self.one, [query, query + 1])
        return self.other[begin:end], self.correlation[begin:end]


def alike(fitted: Slopes, category: IntArray) -> Alike:
    """Pairs of the pilot's queries that are redundant.

    Args:
        category: of each query of the pilot.
    """
    free = fitted.scores.directions.shape[1] - 2
    if free < LEAST_FREE or len(fitted.scores.query) <= 1:
        return Alike.none()
    solo = np.maximum(fitted.slope, 0.0) ** 2 / fitted.noise
    looked_at = np.sort(np.argsort(-solo, kind="stable")[:COMPARED_AT_MOST])
    residual = _particular(fitted, category)[looked_at]
    size = np.sqrt(np.sum(residual**2, axis=1, keepdims=True))
    unit = np.divide(residual, size, out=np.zeros_like(residual), where=size > 0)
    counts = np.zeros(BINS)
    for begin in range(0, len(unit), BLOCK):
        rows, ahead = _block(unit, begin)
        counts += np.histogram(rows[ahead], bins=BINS, range=(-1.0, 1.0))[0]
    middle = np.asarray((np.arange(BINS) + 0.5) * (2 / BINS) - 1, dtype=np.float64)
    likely = _no_chance(counts, middle, free)
    found: list[tuple[IntArray, IntArray, FloatArray]] = []
    for begin in range(0, len(unit), BLOCK):
        rows, ahead = _block(unit, begin)
        place = np.clip(((rows + 1) * (BINS / 2)).astype(np.int64), 0, BINS - 1)
        estimate = np.where(ahead, rows * likely[place], 0.0)
        one, other = np.nonzero(estimate >= LEAST_SHARED)
        found.append((looked_at[one + begin], looked_at[other], estimate[one, other]))
    one, other, correlation = (np.concatenate(column) for column in zip(*found, strict=True))
    both = np.concatenate([one, other]), np.concatenate([other, one]), np.tile(correlation, 2)
    order = np.lexsort((both[1], both[0]))
    return Alike(both[0][order], both[1][order], both[2][order])


def _particular(fitted: Slopes, category: IntArray) -> FloatArray:
    """Residuals without leanings to categories, across the strengths; shape (queries, models)."""
    slope, residual = fitted.slope, fitted.residuals()
    for number in np.unique(category):
        of_it = category == number
        weight = float(np.sum(slope[of_it] ** 2))
        if np.count_nonzero(of_it) > LEAST_FREE and weight > 0:
            residual[of_it] -= np.outer(slope[of_it], slope[of_it] @ residual[of_it] / weight)
    strengths = fitted.strengths
    square = float(strengths @ strengths)
    return residual - np.outer(residual @ strengths, strengths / square) if square > 0 else residual


def _block(unit: FloatArray, begin: int) -> tuple[FloatArray, BoolArray]:
    """Correlations of some rows with all, and which of them are of a pair not yet met."""
    rows = unit[begin : begin + BLOCK] @ unit.T
    return rows, np.arange(len(unit)) > np.arange(begin, begin + len(rows))[:, None]


def _no_chance(counts: FloatArray, middle: FloatArray, free: int) -> FloatArray:
    """Probability, by bin, that a correlation is not of chance."""
    by_chance = np.exp((free - 3) / 2 * np.log1p(-(middle**2)) - betaln(0.5, (free - 1) / 2))
    redundant = (middle > 0).astype(np.float64)
    share = 0.5
    for _ in range(EM_STEPS):
        likely = share * redundant / (share * redundant + (1 - share) * by_chance)
        share = max(float(counts @ likely) / (float(counts.sum()) + CHANCE_PAIRS), 1e-12)
    return np.asarray(share * redundant / (share * redundant + (1 - share) * by_chance))
