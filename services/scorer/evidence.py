"""Votes over the models of one board, as columns and as matrices.

Rows stand in canonical order of models and judges, so that every sum is taken in the same order
whatever the order of the votes. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from dearena.faults import ArenaFault
from services.scorer.tallies import Tallies

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ONE = 65_536
"""A judge's weight is a whole number of parts; this many are the weight 1."""


class StrangerVoted(ArenaFault):
    """Votes name a model that is no entrant of the round."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Row r says how often `judge[r]` preferred `first[r]`, `second[r]` or neither.

    Attributes:
        models: revisions in canonical order; the columns `judge`, `first` and `second` index them.
        wins_first, wins_second, ties: numbers of votes, shape (rows,).
    """

    models: tuple[str, ...]
    judge: IntArray
    first: IntArray
    second: IntArray
    wins_first: IntArray
    wins_second: IntArray
    ties: IntArray

    @classmethod
    def of(cls, tallies: Tallies, models: Sequence[str]) -> Self:
        """Lay the tallies out over `models`, which are in canonical order.

        Raises:
            StrangerVoted: a contestant or judge of a vote is not among the models.
        """
        place = {model: index for index, model in enumerate(models)}
        rows: list[tuple[int, int, int, int, int, int]] = []
        for pair, votes in tallies.preferences.items():
            try:
                where = (place[pair.judge], place[pair.model_a], place[pair.model_b])
            except KeyError as error:
                raise StrangerVoted(
                    f"{error.args[0]} is no entrant, but {pair.judge} has judged {pair.model_a} against {pair.model_b}"
                ) from error
            rows.append((*where, votes.a, votes.b, votes.tie))
        columns = np.array(sorted(rows), dtype=np.int64).reshape(-1, 6).T
        return cls(tuple(models), *columns)

    def wins(self, parts: IntArray) -> FloatArray:
        """Weighted wins of row over column, a tie half a win to each; shape (n, n).

        Args:
            parts: weight of each model as a judge, in parts of `ONE`.

        The sums are whole numbers below 2^53, hence exact.
        """
        weight = parts[self.judge]
        half_wins = self._matrix(
            weight * (2 * self.wins_first + self.ties),
            weight * (2 * self.wins_second + self.ties),
        )
        return half_wins / (2 * ONE)

    def squared(self, parts: IntArray) -> tuple[FloatArray, FloatArray]:
        """Sums of squared weights: over the wins of row over column, and over their ties; both (n, n)."""
        weight = (parts[self.judge] / ONE) ** 2
        wins = self._matrix(weight * self.wins_first, weight * self.wins_second)
        ties = self._matrix(weight * self.ties, weight * self.ties)
        return wins, ties

    def half_wins(self) -> IntArray:
        """Unweighted wins of row over column, counted in halves: a win is 2, a tie 1; shape (n, n)."""
        halves = self._matrix(2 * self.wins_first + self.ties, 2 * self.wins_second + self.ties)
        return halves.astype(np.int64)

    def _matrix(self, of_first: npt.NDArray[np.generic], of_second: npt.NDArray[np.generic]) -> FloatArray:
        """Sum a column each of the first and the second model into the cell (it, its opponent)."""
        n = len(self.models)
        cells = np.concatenate((self.first * n + self.second, self.second * n + self.first))
        sums = np.bincount(cells, np.concatenate((of_first, of_second)), minlength=n * n)
        return sums.reshape(n, n).astype(np.float64)


def is_connected(half_wins: IntArray) -> bool:
    """Whether a chain of votes joins any two models; an empty board is."""
    if not len(half_wins):
        return True
    parts, _ = connected_components(half_wins > 0, directed=False)
    return bool(parts == 1)
