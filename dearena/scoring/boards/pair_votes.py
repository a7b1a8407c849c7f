"""What the rows of a board met in one another: votes and wins of each pair, by column. Pure."""

from dataclasses import dataclass

import numpy as np

from dearena.scoring.arrays import Codes, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class PairVotes:
    """Pairs of rows that met, by their places among the rows: `row` stands above `column`.

    Attributes:
        votes: between the two.
        half_wins: of `row`, in halves.
    """

    row: Codes
    column: Codes
    votes: Codes
    half_wins: Codes


def pair_votes(half_wins: IntArray, order: IntArray) -> PairVotes:
    """The pairs of a board.

    Args:
        half_wins: wins of model over model in halves, shape (models, models).
        order: models in the order of rows.
    """
    wins = half_wins[np.ix_(order, order)]
    votes = (wins + wins.T) // 2
    row, column = np.nonzero(np.triu(votes, 1))
    columns = (row, column, votes[row, column], wins[row, column])
    return PairVotes(*(values.astype(np.int32) for values in columns))


def matrices(pairs: PairVotes, rows: int) -> tuple[list[float], list[int]]:
    """Win rates (NaN where two never met) and numbers of votes, row-major, in the order of the rows."""
    win_rate = np.full((rows, rows), np.nan)
    comparisons = np.zeros((rows, rows), dtype=np.int64)
    above, below = (pairs.row, pairs.column), (pairs.column, pairs.row)
    comparisons[above] = comparisons[below] = pairs.votes
    win_rate[above] = pairs.half_wins / (2 * pairs.votes)
    win_rate[below] = (2 * pairs.votes - pairs.half_wins) / (2 * pairs.votes)
    return win_rate.ravel().tolist(), comparisons.ravel().tolist()
