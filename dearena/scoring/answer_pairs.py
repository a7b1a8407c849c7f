"""Votes on the same two answers in the same seats: whatever the judge, no covariate tells them apart, and one row
stands for all.

Pure.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.cells import Cells
from dearena.scoring.first_seat import seats_of_one_look
from dearena.scoring.outcomes import CODES
from dearena.scoring.votes import Votes


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPairs:
    """Pairs of answers that met, in canonical order, and which votes are on them.

    Attributes:
        models: how many models there are.
        first, second: the models of each pair; the first stands first in canonical order.
        covariates: shape (pairs, covariates).
        place: of each vote, the pair and who won it, as three numbers a pair: first, second, tie.
    """

    models: int
    first: IntArray
    second: IntArray
    covariates: FloatArray
    place: IntArray

    @classmethod
    def of(cls, votes: Votes, covariates: FloatArray) -> Self:
        """Find them.

        Args:
            votes: preferences only.
            covariates: of each vote, shape (votes, covariates): the same for all votes on the same two answers in
                the same seats, and with the other sign where these stand in the other order.
        """
        low, high = np.minimum(votes.first, votes.second), np.maximum(votes.first, votes.second)
        key = low.astype(np.int64) * len(votes.models) + high
        seat = seats_of_one_look(votes)
        if seat is None or covariates.shape[1] > 1 or not np.array_equal(covariates[:, 0], seat):
            key = key * max(len(votes.queries), 1) + votes.query
        if seat is not None:
            key = 3 * key + np.where(votes.first > votes.second, 1 - seat, 1 + seat).astype(np.int64)
        pairs, pair = np.unique(key, return_inverse=True)
        row = np.empty(len(pairs), dtype=np.int64)
        row[pair] = np.arange(len(votes))  # one of those on the pair
        turned = votes.first > votes.second
        won_by_first, tied = votes.outcome == CODES[Outcome.A], votes.outcome == CODES[Outcome.TIE]
        return cls(
            models=len(votes.models),
            first=low[row].astype(np.int64),
            second=high[row].astype(np.int64),
            covariates=np.where(turned[row, None], -covariates[row], covariates[row]),
            place=3 * pair + np.where(tied, 2, won_by_first == turned),
        )

    def cells(self, weight: IntArray, unit: float) -> Cells:
        """A row a pair of answers.

        Args:
            weight: of each vote, whole units.
            unit: what one of them weighs.
        """
        counted = np.bincount(self.place, weight, minlength=3 * len(self.first)).astype(np.float64)
        sums = counted.reshape(-1, 3) * unit
        return Cells(
            models=self.models,
            first=self.first,
            second=self.second,
            wins_first=sums[:, 0],
            wins_second=sums[:, 1],
            ties=sums[:, 2],
            covariates=self.covariates,
        )
