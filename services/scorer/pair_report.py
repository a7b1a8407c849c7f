"""What can be said of each pair of a board's models: how surely one is better, and what would tell them apart. Pure."""

from dataclasses import dataclass

import numpy as np

from dearena.scoring import Fit
from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.boards.board import separation_among
from dearena.scoring.ranks import standardised, votes_needed


@dataclass(frozen=True, slots=True, eq=False)
class PairReport:
    """Of models in the order given; matrices have their shape twice.

    Attributes:
        better: confidence that the row is better than the column, 0 to 1; one half on the diagonal.
        needed: votes of the whole board that would tell the two apart; 0 where no number would.
        votes: of the whole board.
        groups: of models that cannot be told apart from the strongest of each; 1 is the best.
        critical: standard errors by which two models must differ.
    """

    models: tuple[str, ...]
    better: FloatArray
    needed: IntArray
    votes: int
    groups: IntArray
    critical: float


def pair_report(found: Fit, models: tuple[str, ...]) -> PairReport:
    """Look at every pair of some models.

    Args:
        models: best first; their ranks are not asked for, only their order.
    """
    place = {model: index for index, model in enumerate(found.models)}
    index = np.array([place[model] for model in models], dtype=np.int64)
    apart = separation_among(found, index)
    ratios = standardised(found.strengths[index], found.covariance_of_pairs[np.ix_(index, index)])
    votes = int(np.sum(found.tallies))
    needed = np.zeros(ratios.shape, dtype=np.int64)
    for row, column in zip(*np.triu_indices(len(index), 1), strict=True):
        of_pair = votes_needed(votes, float(ratios[row, column]), apart.critical) or 0
        needed[row, column] = needed[column, row] = of_pair
    return PairReport(
        models=models,
        better=found.better[np.ix_(index, index)],
        needed=needed,
        votes=votes,
        groups=apart.groups,
        critical=apart.critical,
    )
