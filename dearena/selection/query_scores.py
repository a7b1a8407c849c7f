"""A pilot's votes query by query: what each says of its models, and how sure that is. Pure.

A vote of a pair is taken as 1/2 + s_first - s_second and noise, where s are the models' mean scores on the query: the
linear probability model. A board adds up just these scores, since under equally many comparisons of all pairs the
order of Bradley-Terry strengths is that of wins; so what is linear here is linear there, however steep a query is.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray
from dearena.selection.pilot import PilotVotes

PRIOR_DEGREES: Final = 10.0
"""Degrees of freedom that the pool's mean dispersion of votes counts for beside a query's own."""
COIN: Final = 0.25
"""Variance of a fair coin: the largest of a vote, and what is believed where nothing tells."""
LEAST_VARIANCE: Final = 0.01
"""Of a vote; below, judges that always agree would be taken for a proof."""
FLAT: Final = 1e-9
"""Eigenvalues below are those of directions that no vote speaks of."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryScores:
    """Scores of the pilot's models on each query that has votes, a row a query.

    Attributes:
        query: index in the pool, ascending, shape (queries,).
        directions: orthonormal contrasts between models, shape (queries, models, contrasts).
        score: least squares estimate of the scores along each contrast, shape (queries, contrasts).
        votes: how many votes that estimate is worth, likewise; 0: no vote speaks of the contrast.
        variance: of one vote, by what votes of one pair differ, shape (queries,).
        around: variance of one vote around what its query's scores explain, over all queries.
        tied: share of the votes that are ties, shape (queries,).
        asked: votes, shape (queries,).
    """

    query: IntArray
    directions: FloatArray
    score: FloatArray
    votes: FloatArray
    variance: FloatArray
    around: float
    tied: FloatArray
    asked: IntArray

    @classmethod
    def of(cls, pilot: PilotVotes) -> Self:
        """Sum the votes up."""
        query, row = np.unique(pilot.query, return_inverse=True)
        rows, models = len(query), len(pilot.models)
        low, high = np.minimum(pilot.first, pilot.second), np.maximum(pilot.first, pilot.second)
        said = np.where(pilot.first == low, pilot.outcome, 1 - pilot.outcome) - 0.5
        cell = (row * models + low) * models + high
        shape = (rows, models, models)
        size = rows * models * models
        count = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
        total, square = (
            np.asarray(np.bincount(cell, of_vote, minlength=size).reshape(shape), dtype=np.float64)
            for of_vote in (said, said**2)
        )
        laplacian = -(count + count.transpose(0, 2, 1))
        diagonal = np.arange(models)
        laplacian[:, diagonal, diagonal] = -laplacian.sum(axis=2)
        surplus = total.sum(axis=2) - total.sum(axis=1)
        values, directions = np.linalg.eigh(laplacian)
        along = np.einsum("qmc,qm->qc", directions, surplus)
        known = values > FLAT
        asked = np.bincount(row, minlength=rows)
        score = np.where(known, along / np.where(known, values, 1.0), 0.0)
        unexplained = square.sum(axis=(1, 2)) - np.sum(score * along, axis=1)
        free = float(np.sum(asked - known.sum(axis=1)))
        around = float(np.sum(unexplained)) / free if free > 0 else COIN
        return cls(
            query=query,
            directions=directions,
            score=score,
            votes=np.where(known, values, 0.0),
            variance=_variances(count, total, square, around),
            around=float(np.clip(around, LEAST_VARIANCE, COIN)),
            tied=np.bincount(row, said == 0, minlength=rows) / np.maximum(asked, 1),
            asked=asked,
        )

    def of_models(self) -> FloatArray:
        """The scores model by model, mean 0 on each query; shape (queries, models)."""
        return np.asarray(np.einsum("qmc,qc->qm", self.directions, self.score))


def _variances(count: FloatArray, total: FloatArray, square: FloatArray, around: float) -> FloatArray:
    """Of one vote of each query, drawn to the pool's; that is `around` where no pair has two votes on a query."""
    within = np.maximum(square - total**2 / np.maximum(count, 1), 0.0).sum(axis=(1, 2))
    degrees = np.maximum(count - 1, 0).sum(axis=(1, 2))
    pooled = float(within.sum() / degrees.sum()) if degrees.sum() > 0 else around
    found = (within + PRIOR_DEGREES * pooled) / (degrees + PRIOR_DEGREES)
    return np.asarray(np.clip(found, LEAST_VARIANCE, COIN))
