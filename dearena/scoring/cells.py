"""Votes summed over all that their chances do not depend on. Pure."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Weighted votes of one pair of models, or of one pair before one judge, a row each.

    Attributes:
        models: how many models there are; `first` and `second` count from 0 below it.
        wins_first, wins_second, ties: sums of weights, shape (rows,).
        slope: by how much the difference of the two counts before the row's judge; None: 1 throughout.
        covariates: what else moves a vote, shape (rows, covariates); None: nothing.
    """

    models: int
    first: IntArray
    second: IntArray
    wins_first: FloatArray
    wins_second: FloatArray
    ties: FloatArray
    slope: FloatArray | None = None
    covariates: FloatArray | None = None

    @classmethod
    def of_pairs(cls, tallies: FloatArray) -> Self:
        """One row a pair that met, from weighted tallies.

        Args:
            tallies: by outcome (A, B, TIE) and by ordered pair, shape (3, n, n); A is a preference for the row.
        """
        wins = tallies[0] + tallies[1].T
        ties = tallies[2] + tallies[2].T
        # What stands on either side of the diagonal is one pair.
        first, second = np.nonzero(np.triu(wins + wins.T + ties, 1))
        return cls(
            models=wins.shape[0],
            first=first,
            second=second,
            wins_first=wins[first, second],
            wins_second=wins[second, first],
            ties=ties[first, second],
        )

    @property
    def votes(self) -> FloatArray:
        """Sum of weights, shape (rows,)."""
        return self.wins_first + self.wins_second + self.ties

    def weighed(self, factor: FloatArray, slope: FloatArray | None) -> Self:
        """The rows counted `factor` times each, before judges of these slopes."""
        return replace(
            self,
            wins_first=self.wins_first * factor,
            wins_second=self.wins_second * factor,
            ties=self.ties * factor,
            slope=slope,
        )

    def half_wins(self) -> FloatArray:
        """Wins of row over column, a tie half a win to each; shape (models, models)."""
        wins = np.zeros((self.models, self.models))
        np.add.at(wins, (self.first, self.second), self.wins_first + self.ties / 2)
        np.add.at(wins, (self.second, self.first), self.wins_second + self.ties / 2)
        return wins
