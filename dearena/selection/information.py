"""What a set of queries will tell of models that nobody has seen: the objective of `telling`. Pure.

A board adds up scores over its queries. Of a new model, drawn as the pilot's were, the sum holds its strength times the
sum B of the slopes; against it stand what is particular to its answers (sum of noises n), and its leanings to
categories, normal with variance `category_variance`, as far as the chosen queries mix categories otherwise than the
pool does. The information is

    I = B^2 / (sum n + category_variance * sum_c (B_c - share_c B)^2 + what redundant queries share)

the precision of a model's place in units of the spread of models: the board's expected squared correlation with the
order that the whole pool would give is I / (1 + I). All models are alike a priori, so that the contrasts of any
population have this one precision: greedy steps that add most to I (per cost) are both A- and D-optimal ones. Coverage
follows from the model: without a leaning to categories there is no quota.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.selection.pilot import Pool


@dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """What each query of a pool promises.

    Attributes:
        slope: expected, shape (queries,).
        noise: variance of a model's score on it around strength and category, votes included.
        category_variance: of a model's leaning to a category, in squares of the models' deviation.
    """

    pool: Pool
    slope: FloatArray
    noise: FloatArray
    category_variance: float


class Chosen:
    """A growing set of queries, and what it tells."""

    def __init__(self, promise: Promise) -> None:
        pool = promise.pool
        self._promise = promise
        self._share = pool.shares
        self._own = promise.category_variance * (1 - 2 * self._share + np.sum(self._share**2))[pool.category]
        self._slopes = 0.0
        self._noise = 0.0
        self._by_category = np.zeros(len(pool.categories))
        self._shared = np.zeros(len(pool))

    @classmethod
    def of(cls, promise: Promise, queries: IntArray) -> Self:
        """The set of some queries."""
        made = cls(promise)
        for query in queries.tolist():
            made.add(query)
        return made

    def add(self, query: int, sharing: FloatArray | None = None) -> None:
        """Take a query in.

        Args:
            sharing: its covariance, in scores, with every query of the pool, by what is particular to both.
        """
        self._noise += float(self._promise.noise[query] + 2 * self._shared[query])
        self._slopes += float(self._promise.slope[query])
        self._by_category[self._promise.pool.category[query]] += self._promise.slope[query]
        if sharing is not None:
            self._shared += sharing

    @property
    def information(self) -> float:
        """Of the set."""
        uneven = self._promise.category_variance * float(np.sum(self._uneven**2))
        against = self._noise + uneven
        return max(self._slopes, 0.0) ** 2 / against if against > 0 else 0.0

    def with_one_more(self) -> FloatArray:
        """Information of the set with each query of the pool besides, shape (queries,)."""
        promise = self._promise
        slope = promise.slope
        uneven = self._uneven
        tilt = uneven[promise.pool.category] - float(uneven @ self._share)
        against = (
            self._noise
            + promise.noise
            + 2 * self._shared
            + promise.category_variance * (float(np.sum(uneven**2)) + 2 * slope * tilt)
            + self._own * slope**2
        )
        return np.asarray(np.maximum(self._slopes + slope, 0.0) ** 2 / against)

    @property
    def _uneven(self) -> FloatArray:
        return self._by_category - self._share * self._slopes


def greedy_order(gain_per_cost: FloatArray, open_to: BoolArray, lot: IntArray) -> int:
    """The query of the largest gain among those that are open; the first lot among equals."""
    best = np.flatnonzero(open_to & (gain_per_cost >= np.max(gain_per_cost[open_to])))
    return int(best[np.argmin(lot[best])])
